"""A new task: its files pass as they are, wherever they lie, and nothing is overwritten."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from suite import scaffold as kit
from suite.errors import UsageError
from suite.registry import inspect
from suite.scaffold import scaffold

ROOT = Path(__file__).parents[1]
NAME = "wine_growers"


def new_task(*arguments: object, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own."""
    command = [sys.executable, str(ROOT / "run_suite.py"), "new-task", *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The files of a new task in a folder of the user's own, and what the command said."""
    folder = tmp_path_factory.mktemp("a user")
    done = new_task(NAME, "--tasks-dir", "my tasks", cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    return folder / "my tasks", done.stdout


# What is written.


def test_the_command_names_its_files_and_what_comes_next(made):
    """Relative to the folder that the user is in; the folder is made."""
    folder, said = made
    task, test = f"{NAME}.py", f"tests/test_{NAME}.py"
    assert said.splitlines() == [
        f"my tasks/{task}",
        f"my tasks/{test}",
        f"next: python run_suite.py check {NAME} --tasks-dir 'my tasks'",
    ]
    assert {str(p.relative_to(folder)) for p in folder.rglob("*.py")} == {task, test}


def test_the_new_task_is_listed(made):
    """Under its own name and class; nothing in it speaks of the template."""
    folder, _ = made
    plugin = inspect(folder / f"{NAME}.py")
    assert (plugin.attribute, plugin.problem) == ("WineGrowers", "")
    assert plugin.summary.startswith("Is this tumour malignant?")
    texts = [path.read_text() for path in folder.rglob("*.py")]
    assert not any(word in text for text in texts for word in ("emplate", "my_task"))
    assert f'pd.read_csv("{NAME}.csv")' in texts[0] + texts[1]


def test_the_new_files_pass_lint_and_format(made):
    """By the project's own settings."""
    folder, _ = made
    config = ["--config", str(ROOT / "pyproject.toml"), str(folder)]
    for command in (["check", "--no-cache"], ["format", "--check"]):
        ruff = [sys.executable, "-m", "ruff", *command, *config]
        done = subprocess.run(ruff, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("place", ["own", "project"])
def test_the_new_test_passes(made, place):
    """With pytest, from the user's folder or the project's, warnings being errors."""
    folder, _ = made
    where = {"own": (folder, "tests"), "project": (ROOT, folder)}[place]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(where[1])]
    done = subprocess.run(
        [*command, "-W", "error", "-W", "ignore:__array__:DeprecationWarning"],
        cwd=where[0],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "4 passed" in done.stdout


def test_without_a_folder_the_files_go_to_the_project(tmp_path, monkeypatch):
    """To `tasks/` and `tests/`, each found from the other wherever the project lies."""
    for folder in ("tasks", "tests"):
        (tmp_path / folder).mkdir()
    for file in ("tasks/_template.py", "tests/test_template.py"):
        (tmp_path / file).write_text((ROOT / file).read_text())
    monkeypatch.setattr(kit, "ROOT", tmp_path)
    monkeypatch.setattr(kit, "TASKS", tmp_path / "tasks")
    monkeypatch.setattr(kit, "TESTS", tmp_path / "tests")
    made = scaffold("wine_growers")
    assert made.task == tmp_path / "tasks" / "wine_growers.py"
    assert made.test == tmp_path / "tests" / "test_wine_growers.py"
    text = made.test.read_text()
    assert 'TASK = Path(__file__).resolve().parents[1] / "tasks" / "wine_growers.py"\n' in text
    assert "sys.path.insert(0, str(Path(__file__).resolve().parents[1]))" in text
    inner = scaffold("more_wine", tmp_path / "mine")
    assert "str(Path(__file__).resolve().parents[2])" in inner.test.read_text()
    assert scaffold("last_wine", tmp_path / "tasks").test.parent == tmp_path / "tests"


@pytest.mark.parametrize(
    "name", ["data", "task", "split", "techniques", "template", "none", "a1_b"]
)
def test_no_class_hides_a_name_that_the_file_needs(name):
    """`data` makes a class DataTask, for the file uses `Data`."""
    tree = ast.parse(kit.text_of_task(name))
    classes = [node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    assert len(classes) == 1
    assert not used & set(classes)


# What is refused.

BAD = [
    ("My-Task", "NAME='My-Task'. Did you mean 'my_task'?"),
    ("Wine", "Did you mean 'wine'?"),
    ("class", "no word of Python. Received: NAME='class'. Did you mean 'my_class'?"),
    ("2nd", "Did you mean 'my_2nd'?"),
    ("_wine", "Did you mean 'wine'?"),
    ("a/b", "Did you mean 'a_b'?"),
    ("../b", "Did you mean 'b'?"),
    ("wine\n", "Did you mean 'wine'?"),
    ("naïve", "Did you mean 'naive'?"),
    ("", "NAME=''. Did you mean 'my_task'?"),
    ("w" * 31, f"at most 30, .* Did you mean '{'w' * 30}'?"),
    ("churn", r"which is .*churn\.py\. Did you mean 'my_churn'?"),
    ("numpy", "no module has, .* NAME='numpy'. Did you mean 'my_numpy'?"),
]


@pytest.mark.parametrize(("name", "said"), BAD)
def test_a_bad_name_is_one_sentence_and_writes_nothing(tmp_path, name, said):
    """What is expected, what was received, and the nearest name that would do."""
    with pytest.raises(UsageError, match=r"^Expected .* Received: NAME=") as caught:
        scaffold(name, tmp_path / "mine")
    assert "\n" not in str(caught.value)
    assert re.search(said.replace("?", "[?]") + "$", str(caught.value))
    assert not (tmp_path / "mine").exists()


def test_a_bad_name_is_exit_code_2(tmp_path):
    """One line on standard error."""
    done = new_task("My-Task", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("Error: Expected NAME to be ")
    assert done.stderr.count("\n") == 1


def test_nothing_is_overwritten(tmp_path):
    """Neither a task, by whichever name of its folder, nor a test that is there already."""
    scaffold("wine", tmp_path)
    before = {path: path.read_text() for path in tmp_path.rglob("*.py")}
    with pytest.raises(UsageError, match=r"NAME='wine', which is .*wine\.py"):
        scaffold("wine", tmp_path / "tests" / "..")
    (tmp_path / "wine.py").rename(tmp_path / "other.py")
    with pytest.raises(UsageError, match=r"^Expected a name whose files .* Received: .*test_wine"):
        scaffold("wine", tmp_path)
    assert set(tmp_path.glob("*.py")) == {tmp_path / "other.py"}
    (tmp_path / "other.py").rename(tmp_path / "wine.py")
    assert {path: path.read_text() for path in tmp_path.rglob("*.py")} == before


def test_a_folder_that_is_a_file_is_one_sentence(tmp_path):
    """It is not made, and not removed."""
    (tmp_path / "file").write_text("mine")
    with pytest.raises(UsageError, match=r"^Expected a folder .* Received: .*file"):
        scaffold("wine", tmp_path / "file")
    assert (tmp_path / "file").read_text() == "mine"
