"""Finding task plugins: by reading their files, without importing them; then loading one."""

from __future__ import annotations

import ast
import importlib.util
import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from suite.errors import PluginError, UsageError, unknown

if TYPE_CHECKING:
    from suite.task import Task

TASKS = Path(__file__).parents[1] / "tasks"


@dataclass(frozen=True)
class Plugin:
    """A task file, as far as it can be known without running it.

    `problem` says why the file cannot be a task; it is empty where nothing speaks against it.
    """

    name: str
    path: Path
    summary: str
    class_name: str
    problem: str = ""


def discover(folders: Sequence[Path] = ()) -> dict[str, Plugin]:
    """The task files of the suite and of the given folders, by name; `_*.py` are left out."""
    found: dict[str, Plugin] = {}
    for folder in (TASKS, *folders):
        if not folder.is_dir():
            raise UsageError(f"Expected a folder of task files. Received: tasks-dir={folder}.")
        for path in sorted(folder.glob("[!_]*.py")):
            plugin = inspect(path)
            if plugin.name in found and found[plugin.name].path.samefile(path):
                continue
            if plugin.name in found:
                raise UsageError(
                    f"Expected one task named {plugin.name!r}. "
                    f"Received: {found[plugin.name].path} and {path}."
                )
            found[plugin.name] = plugin
    return found


def inspect(path: Path) -> Plugin:
    """Read a task file's class and summary off its syntax."""
    try:
        module = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
    except (SyntaxError, UnicodeDecodeError, OSError, RecursionError, MemoryError) as error:
        line = getattr(error, "lineno", None)
        place = f"{path}:{line}" if line else str(path)
        reason = getattr(error, "msg", None) or error
        return Plugin(path.stem, path, "", "", f"{place}: {type(error).__name__}: {reason}")
    for node in module.body:
        if isinstance(node, ast.ClassDef) and any(_is_task(base) for base in node.bases):
            text = ast.get_docstring(node) or ast.get_docstring(module) or ""
            summary = text.strip().splitlines()[0] if text.strip() else ""
            return Plugin(path.stem, path, summary, node.name)
    return Plugin(
        path.stem,
        path,
        "",
        "",
        f"{path}: Expected a class derived from suite.Task. Received: none.",
    )


def _is_task(base: ast.expr) -> bool:
    name = base.id if isinstance(base, ast.Name) else getattr(base, "attr", "")
    return name.endswith("Task")


def select(plugins: dict[str, Plugin], names: Sequence[str]) -> list[Plugin]:
    """The plugins of the given names, all for none; UsageError for an unknown one."""
    for name in names:
        if name not in plugins:
            raise unknown("task", name, plugins)
    return [plugins[name] for name in dict.fromkeys(names or plugins)]


def load(plugin: Plugin, source: str) -> Task:
    """Import a plugin's file and make its task; PluginError, with file and line, where it fails."""
    if plugin.problem:
        raise PluginError(plugin.problem)
    try:
        spec = importlib.util.spec_from_file_location(f"suite_task_{plugin.name}", plugin.path)
        if spec is None or spec.loader is None:
            raise PluginError(f"Expected an importable Python file. Received: {plugin.path}.")
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module
        spec.loader.exec_module(module)
        task: Task = getattr(module, plugin.class_name)(source)
    except PluginError:
        raise
    except (Exception, SystemExit) as error:
        reason = str(error).partition("\n")[0]
        raise PluginError(
            f"{where(error, plugin.path)}: {type(error).__name__}: {reason}"
        ) from error
    task.name = plugin.name
    return task


def where(error: BaseException, path: Path) -> str:
    """`file:line` of the innermost frame of `error` that lies in `path`; the file alone if none."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if Path(frame.filename) == path]
    return f"{path}:{lines[-1]}" if lines else str(path)
