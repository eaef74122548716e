"""Finding task files without running them, and what is said about the broken ones."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from suite.errors import PluginError, SuiteError, UsageError
from suite.registry import discover, inspect, load, select

ROOT = Path(__file__).parents[1]
TASK = 'from suite import Task\n\n\nclass Mine(Task):\n    """What is it?\n\n    More.\n    """\n'


def write(folder: Path, name: str, text: str | bytes) -> Path:
    """A task file of that name."""
    path = folder / f"{name}.py"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def failing(folder: Path, text: str) -> str:
    """What is said when a task file of this text is loaded."""
    with pytest.raises(PluginError) as caught:
        load(inspect(write(folder, "mine", text)), "embedded")
    assert "\n" not in str(caught.value)
    return str(caught.value)


# Finding.


def test_the_shipped_tasks_are_found():
    """Every file of `tasks/` but the template, each with a summary in a line."""
    found = discover()
    files = {path.stem for path in (ROOT / "tasks").glob("*.py")}
    assert set(found) == {name for name in files if not name.startswith("_")}
    assert {"churn", "digits", "stock", "text"} <= set(found)
    assert all(plugin.summary and not plugin.problem for plugin in found.values())
    assert all("\n" not in plugin.summary for plugin in found.values())


def test_a_file_is_found_without_being_run(tmp_path):
    """A task that would raise on import is listed with its summary all the same."""
    write(tmp_path, "mine", "raise RuntimeError\n" + TASK)
    plugin = discover([tmp_path])["mine"]
    assert (plugin.summary, plugin.attribute, plugin.problem) == ("What is it?", "Mine", "")
    assert plugin.path == tmp_path / "mine.py"


def test_finding_imports_no_keras(tmp_path):
    """A listing does not wait for Keras."""
    write(tmp_path, "mine", TASK)
    code = (
        "import sys; from pathlib import Path; from suite.registry import discover;"
        "assert 'mine' in discover([Path(sys.argv[1])]);"
        "print([m for m in ('keras', 'jax', 'tensorflow', 'numpy') if m in sys.modules])"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("text", "summary"),
    [
        ('"""Of the file."""\nimport suite\nclass A(suite.Task):\n    pass\n', "Of the file."),
        ("class A(Task):\n    pass\n", ""),
        ('class B:\n    """No."""\nclass A(Task):\n    """Yes."""\n', "Yes."),
    ],
)
def test_the_summary_is_the_class_or_the_files(tmp_path, text, summary):
    """The class's first line, else the file's, else nothing."""
    plugin = inspect(write(tmp_path, "mine", text))
    assert (plugin.attribute, plugin.summary, plugin.problem) == ("A", summary, "")


def test_files_that_begin_with_an_underscore_are_left_out(tmp_path):
    """A template, or a helper of several tasks, is no task."""
    write(tmp_path, "_helper", TASK)
    (tmp_path / "notes.txt").write_text("")
    assert set(discover([tmp_path])) == set(discover())


BROKEN = {
    "syntax": ("x = 1\ndef f(:\n", r"mine\.py:2: SyntaxError: "),
    "no text": (b"\xff\xfe", r"mine\.py: UnicodeDecodeError: "),
    "a null byte": ("x\0", r"mine\.py: SyntaxError: "),
    "no task": ("x = 1\n", r"mine\.py: Expected a class .* Task\.from_build.* Received: none\."),
    "nothing": ("", r"mine\.py: Expected a class derived from suite\.Task"),
    "too deep to read": ("x = " + "-" * 100_000 + "1\n", r"mine\.py: "),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_is_listed_with_its_problem(tmp_path, name):
    """It is named with file and, where there is one, line; the others are found all the same."""
    text, problem = BROKEN[name]
    write(tmp_path, "mine", text)
    write(tmp_path, "zebra", TASK)
    found = discover([tmp_path])
    assert re.search(problem, found["mine"].problem)
    assert "\n" not in found["mine"].problem
    assert not found["zebra"].problem
    with pytest.raises(PluginError, match=problem):
        load(found["mine"], "embedded")


def test_a_folder_or_a_dangling_link_is_a_broken_file(tmp_path):
    """Whatever ends in .py and cannot be read is listed with the reason."""
    (tmp_path / "folder.py").mkdir()
    (tmp_path / "link.py").symlink_to(tmp_path / "nowhere")
    found = discover([tmp_path])
    assert "folder.py" in found["folder"].problem
    assert "link.py" in found["link"].problem


def test_two_tasks_of_one_name_are_both_named(tmp_path):
    """Which of them was meant is for the user to say."""
    mine = write(tmp_path, "churn", TASK)
    with pytest.raises(UsageError) as caught:
        discover([tmp_path])
    assert "Expected one task named 'churn'" in str(caught.value)
    assert f"{ROOT / 'tasks' / 'churn.py'} and {mine}" in str(caught.value)


def test_a_folder_named_twice_is_no_conflict(tmp_path):
    """The same file, by whichever way, is one task: `--tasks-dir tasks` is harmless."""
    write(tmp_path, "mine", TASK)
    assert set(discover([tmp_path, tmp_path / ".", ROOT / "tasks"])) == {*discover(), "mine"}


@pytest.mark.parametrize("name", ["none", "file"])
def test_a_folder_that_is_none_is_a_usage_error(tmp_path, name):
    """`--tasks-dir` wants a folder."""
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match=rf"^Expected a folder of task files\. Received: .*{name}"):
        discover([tmp_path / name])


# Choosing.


def test_tasks_are_chosen_in_the_order_asked_for():
    """All for none; each once; UsageError with the nearest for a name that is not there."""
    found = discover()
    assert [p.name for p in select(found, [])] == list(found)
    assert [p.name for p in select(found, ["text", "churn", "text"])] == ["text", "churn"]
    with pytest.raises(UsageError, match=r"task='chrun'\. Did you mean 'churn'\?"):
        select(found, ["churn", "chrun"])


# Loading.


def test_a_task_is_loaded_under_its_files_name(tmp_path):
    """The file's name is the task's; the source is handed on."""
    task = load(inspect(write(tmp_path, "mine", TASK)), "full")
    assert (task.name, task.source, type(task).__name__) == ("mine", "full", "Mine")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x = 1\ny = 1 / 0\n" + TASK, r"mine\.py:2: ZeroDivisionError: division by zero$"),
        ("import no_such_module\n" + TASK, r"mine\.py:1: ModuleNotFoundError: .*no_such_module"),
        (TASK + "    def __init__(self): pass\n", r"mine\.py: TypeError: "),
        (TASK + "    def __init__(self, s):\n        self.x\n", r"mine\.py:\d+: AttributeError: "),
        ("import json\njson.loads('{')\n" + TASK, r"mine\.py:2: JSONDecodeError: "),
        ("raise ValueError('one\\ntwo')\n" + TASK, r"mine\.py:1: ValueError: one"),
        ("raise SystemExit(3)\n" + TASK, r"mine\.py:1: SystemExit: 3"),
        ("import sys\nsys.exit('no data')\n" + TASK, r"mine\.py:2: SystemExit: no data"),
    ],
)
def test_what_a_file_raises_becomes_a_plugin_error_with_its_line(tmp_path, text, said):
    """The innermost line of the plugin itself, and the first line of the reason."""
    assert re.search(said, failing(tmp_path, text))


def test_ctrl_c_is_not_taken_for_a_broken_plugin(tmp_path):
    """An interrupt while a task loads interrupts."""
    with pytest.raises(KeyboardInterrupt):
        load(inspect(write(tmp_path, "mine", "raise KeyboardInterrupt\n" + TASK)), "embedded")


def test_a_broken_task_is_a_suite_error(tmp_path):
    """So one `except` keeps the other tasks going."""
    assert issubclass(PluginError, SuiteError)
    assert not issubclass(PluginError, UsageError)
    assert failing(tmp_path, "1 / 0\n" + TASK)


@pytest.mark.parametrize("method", ["data", "build"])
def test_a_task_without_data_or_build_says_which(tmp_path, method):
    """A class that defines neither loads; asking it for either is a PluginError."""
    import keras_tuner

    task = load(inspect(write(tmp_path, "mine", TASK)), "embedded")
    with pytest.raises(PluginError, match=rf"Expected task 'mine' to define {method}\(self, "):
        getattr(task, method)("embedded" if method == "data" else keras_tuner.HyperParameters())
