"""Finding task plugins in folders and packages, without importing them; then loading one."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import sys
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from suite.entrypoints import Entry, entries
from suite.errors import PluginError, SourceError, SuiteError, UsageError, unknown

if TYPE_CHECKING:
    from suite.task import Task

DEEPEST = 1000
"""Frames of a traceback that are looked through, from the innermost on."""
TASKS = Path(__file__).parents[1] / "tasks"


@dataclass(frozen=True)
class Plugin:
    """A task, as far as it can be known without running its file.

    Attributes:
        attribute: what the file calls it: a class, a task that was made, or a function that makes
            one.
        problem: why the file cannot be a task; empty where nothing speaks against it.
        module: the name to import it by, of an installed package; else the file is run by its path.
        origin: the package and its entry point, likewise.
    """

    name: str
    path: Path
    summary: str
    attribute: str
    problem: str = ""
    module: str = ""
    origin: str = ""

    @property
    def place(self) -> str:
        """Where it comes from, for messages."""
        return self.origin or str(self.path)


def discover(folders: Sequence[Path] = ()) -> dict[str, Plugin]:
    """The tasks of the suite, of the given folders and of installed packages, by name.

    Files `_*.py` are left out. UsageError where two tasks have one name, both named.
    """
    found: dict[str, Plugin] = {}
    for plugin in _all(folders):
        other = found.setdefault(plugin.name, plugin)
        if other is plugin or _same(other.path, plugin.path):
            continue
        raise UsageError(
            f"Expected one task named {plugin.name!r}. Received: {other.place} and {plugin.place}."
        )
    return found


def _all(folders: Sequence[Path]) -> Iterator[Plugin]:
    for folder in (TASKS, *folders):
        if not folder.is_dir():
            raise UsageError(f"Expected a folder of task files. Received: tasks-dir={folder}.")
        yield from map(inspect, sorted(folder.glob("[!_]*.py")))
    yield from map(_installed, entries())


def _same(one: Path, other: Path) -> bool:
    return one.exists() and other.exists() and one.samefile(other)


def _installed(entry: Entry) -> Plugin:
    """The plugin of an entry point; what its source says, where that can be read."""
    if entry.path is None:
        problem = (
            f"Expected the entry point to name a module that is installed, and a task in it. "
            f"Received: {entry.origin}."
        )
        return Plugin(entry.name, Path(), "", entry.attribute, problem, entry.module, entry.origin)
    read = Plugin(entry.name, entry.path, "", entry.attribute)
    if entry.path.suffix == ".py":
        read = inspect(entry.path, entry.attribute)
    return replace(read, name=entry.name, module=entry.module, origin=entry.origin)


def inspect(path: Path, attribute: str = "") -> Plugin:
    """Read a task's name in its file, and its summary, off the file's syntax.

    Without an attribute: the file's first class derived from Task, or `... = Task.from_build(...)`.
    """
    try:
        module = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
    except (SyntaxError, UnicodeDecodeError, OSError, RecursionError, MemoryError) as error:
        line = getattr(error, "lineno", None)
        place = f"{path}:{line}" if line else str(path)
        reason = getattr(error, "msg", None) or error
        problem = f"{place}: {type(error).__name__}: {reason}"
        return Plugin(path.stem, path, "", attribute, problem)
    for node in module.body:
        name = _bound(node)
        if name and (name == attribute or (not attribute and _is_task(node))):
            return Plugin(path.stem, path, _summary(node) or _summary(module), name)
    if attribute:  # imported into the file, say
        return Plugin(path.stem, path, _summary(module), attribute)
    problem = (
        f"{path}: Expected a class derived from suite.Task, or name = Task.from_build(...). "
        f"Received: none."
    )
    return Plugin(path.stem, path, "", "", problem)


def _bound(node: ast.stmt) -> str:
    """The name that a statement defines or assigns; empty for any other."""
    if isinstance(node, ast.ClassDef | ast.FunctionDef):
        return node.name
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    return targets[0].id if len(targets) == 1 and isinstance(targets[0], ast.Name) else ""


def _is_task(node: ast.stmt) -> bool:
    """Whether a statement defines a task, or assigns one that `Task.from_build` makes."""
    if isinstance(node, ast.ClassDef):
        return any(_name(base).endswith("Task") for base in node.bases)
    call = getattr(node, "value", None)
    maker = call.func if isinstance(call, ast.Call) else None
    return (
        isinstance(maker, ast.Attribute)
        and maker.attr == "from_build"
        and _name(maker.value).endswith("Task")
    )


def _name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else getattr(node, "attr", "")


def _summary(node: ast.AST) -> str:
    """The first line of a docstring."""
    if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
        return ""
    return (ast.get_docstring(node) or "").strip().partition("\n")[0]


def select(plugins: dict[str, Plugin], names: Sequence[str]) -> list[Plugin]:
    """The plugins of the given names, all for none; UsageError for an unknown one."""
    for name in names:
        if name not in plugins:
            raise unknown("task", name, plugins)
    return [plugins[name] for name in dict.fromkeys(names or plugins)]


def load(plugin: Plugin, source: str) -> Task:
    """Import a plugin's file and make its task.

    Raises:
        PluginError: the file, or making the task, fails; with file and line.
        SourceError: the task was made with its arrays, and `source` asks for others.
    """
    if plugin.problem:
        raise PluginError(plugin.problem)
    try:
        task = _made(_module(plugin), plugin, source)
    except (Exception, SystemExit) as error:
        reason = str(error).partition("\n")[0]
        kind = "" if isinstance(error, SuiteError) else f"{type(error).__name__}: "
        raise PluginError(f"{where(error, plugin.path)}: {kind}{reason}") from error
    if task.source != source:
        raise SourceError(
            f"Expected a task that can load {source} data. "
            f"Received: {plugin.name}, which has the arrays it was made with. Use --data embedded."
        )
    task.name = plugin.name
    task.path = plugin.path
    return task


def _module(plugin: Plugin) -> ModuleType:
    if plugin.module:
        return importlib.import_module(plugin.module)
    spec = importlib.util.spec_from_file_location(f"suite_task_{plugin.name}", plugin.path)
    if spec is None or spec.loader is None:
        raise PluginError("Expected an importable Python file. Received: none.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def _made(module: ModuleType, plugin: Plugin, source: str) -> Task:
    """The task that a module's class, task or function gives."""
    from suite.task import Task  # noqa: PLC0415  # Keras, only when a task is loaded

    found: Any = module
    for name in plugin.attribute.split("."):
        found = getattr(found, name)
    if callable(found) and not isinstance(found, type | Task):
        found = found()
    task = found(source) if isinstance(found, type) else found
    if not isinstance(task, Task):
        raise PluginError(
            f"Expected {plugin.attribute} to be a suite.Task, made or to be made. "
            f"Received: {type(task).__name__}."
        )
    return task


def where(error: BaseException, path: Path) -> str:
    """`file:line` of the innermost frame of `error` that lies in `path`; the file alone if none."""
    frames = traceback.extract_tb(error.__traceback__, limit=-DEEPEST)
    lines = [frame.lineno for frame in frames if Path(frame.filename) == path]
    return f"{path}:{lines[-1]}" if lines else str(path)


def defined(function: Any, path: Path) -> str:
    """`file:line` where a function is defined, if that is in `path`; the file alone if not."""
    code = getattr(getattr(function, "__func__", function), "__code__", None)
    if code is None or Path(code.co_filename) != path:
        return str(path)
    return f"{path}:{code.co_firstlineno}"
