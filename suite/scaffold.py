"""A new task's files: the template's, under another name.

`tasks/_template.py` and `tests/test_template.py` are a task and its test like any other; here they
are copied, never run.
"""

from __future__ import annotations

import importlib.util
import json
import keyword
import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from suite.errors import UsageError
from suite.registry import TASKS, discover

ROOT = TASKS.parent
TESTS = ROOT / "tests"
HERE = "Path(__file__).resolve()"
LONGEST = 30
"""Letters of a name, so that lines with it stay within the width of the others."""


@dataclass(frozen=True)
class Scaffold:
    """Where the files of a new task lie."""

    task: Path
    test: Path


def scaffold(name: str, folder: Path | None = None) -> Scaffold:
    """Write a task of that name and its test; both pass as they are.

    Args:
        name: of the task: lower case, a Python identifier.
        folder: takes the task, and the test in `tests/` below; made where there is none. None for
            the suite's own `tasks/` and `tests/`.

    Raises:
        UsageError: the name cannot be a task's, or is taken; a file is there already, or cannot be
            written.
    """
    if folder and folder.resolve() == TASKS.resolve():
        folder = None
    _check_name(name, folder)
    own, tests = (TASKS, TESTS) if folder is None else (folder.absolute(), folder / "tests")
    made = Scaffold(own / f"{name}.py", tests.absolute() / f"test_{name}.py")
    texts = {made.task: text_of_task(name), made.test: text_of_test(made)}
    for path in texts:
        if path.exists():
            raise UsageError(f"Expected a name whose files are not there yet. Received: {path}.")
    for path, text in texts.items():
        _write(path, text)
    return made


def text_of_task(name: str) -> str:
    """The template's task as one of another name."""
    template = (TASKS / "_template.py").read_text(encoding="utf-8")
    title = _title(name)
    taken = keyword.iskeyword(title) or re.search(rf"\b{title}\b", template)
    class_name = f"{title}Task" if taken else title
    text = template.replace('"""Template:', f'"""{title}:')
    return text.replace("class Template(", f"class {class_name}(").replace("my_task", name)


def text_of_test(made: Scaffold) -> str:
    """The template's test as that of another task, whichever folder it lies in."""
    template = (TESTS / "test_template.py").read_text(encoding="utf-8")
    name, test = made.task.stem, made.test.resolve()
    suite = f"Path({json.dumps(ROOT.as_posix())})"
    if test.is_relative_to(ROOT):
        suite = f"{HERE}.parents[{len(test.relative_to(ROOT).parts) - 1}]"
    folder = '"tasks" / ' if made.task.parent == TASKS else ""
    text = template.replace('"""Template:', f'"""{_title(name)}:')
    text = text.replace(f"str({HERE}.parents[1])", f"str({suite})")
    return text.replace('"tasks" / "_template.py"', f'{folder}"{name}.py"')


def _title(name: str) -> str:
    """The name of a class for a name of a file.

    >>> _title("my_task_2")
    'MyTask2'
    """
    return "".join(part.capitalize() for part in name.split("_"))


def _check_name(name: str, folder: Path | None) -> None:
    fit = re.fullmatch("[a-z][a-z0-9_]*", name) and len(name) <= LONGEST
    if not fit or keyword.iskeyword(name):
        raise UsageError(
            f"Expected NAME to be lower-case letters, digits and _, a letter first, at most "
            f"{LONGEST}, and no word of Python. Received: NAME={name!r}. "
            f"Did you mean {_nearest(name)!r}?"
        )
    plugin = discover([folder] if folder and folder.exists() else []).get(name)
    if plugin:
        raise UsageError(
            f"Expected a name that no task has. Received: NAME={name!r}, which is {plugin.place}. "
            f"Did you mean {_nearest(f'my_{name}')!r}?"
        )
    if importlib.util.find_spec(name):
        raise UsageError(
            f"Expected a name that no module has, or the task's file would stand before it. "
            f"Received: NAME={name!r}. Did you mean {_nearest(f'my_{name}')!r}?"
        )


def _nearest(name: str) -> str:
    """A name that is fit, as near as can be.

    >>> _nearest("Café au lait!"), _nearest("2nd"), _nearest("class"), _nearest("_")
    ('cafe_au_lait', 'my_2nd', 'my_class', 'my_task')
    """
    plain = unicodedata.normalize("NFKD", name.lower()).encode("ascii", "ignore").decode()
    near = re.sub("[^a-z0-9]+", "_", plain).strip("_") or "task"
    if not near[0].isalpha() or keyword.iskeyword(near) or near == "task":
        near = f"my_{near}"
    return near[:LONGEST].strip("_")


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise UsageError(
            f"Expected a folder that files can be written to. Received: {path} ({error.strerror})."
        ) from error
