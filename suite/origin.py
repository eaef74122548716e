"""What a task's results rest on: its code, the suite's, the packages that compute, the data.

Two trials belong in one comparison only where these are the same.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator, Mapping
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path

SUITE = Path(__file__).parent
COMPUTING = (
    "engines",
    "anatomy",
    "blueprint",
    "data",
    "declare",
    "factors",
    "families",
    "scoring",
    "seeding",
    "skeleton",
    "targets",
    "task",
    "techniques",
    "weights",
)
"""The modules of the suite, and its folders of modules, that decide what a training gives."""
PACKAGES = ("keras", "jax", "jaxlib", "numpy", "scikit-learn")
TASK, OWN, DATA = "the task's code", "the suite's code", "the data"


def origin_of(plugin: Path, data: str) -> dict[str, str]:
    """What the results of a task rest on, by name: fingerprints and versions.

    Args:
        plugin: the task's file; modules beside it that it imports count as well.
        data: the fingerprint of its data.
    """
    return {
        TASK: _fingerprint(_with_neighbours(plugin)),
        OWN: _suite(),
        DATA: data,
        **{name: version(name) for name in PACKAGES},
    }


def changes(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """What differs, such as "keras 3.15.1 -> 3.16.0"; a name that is new says nothing."""
    return [
        f"{name} {before[name]} -> {value}"
        for name, value in now.items()
        if before.get(name, value) != value
    ]


@lru_cache
def _suite() -> str:
    paths = []
    for name in COMPUTING:
        place = SUITE / name
        paths += sorted(place.glob("*.py")) if place.is_dir() else [place.with_suffix(".py")]
    return _fingerprint(paths)


def _fingerprint(paths: list[Path]) -> str:
    """Sixteen hex digits over what the files do: comments, docstrings and layout do not count."""
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.name.encode())
        digest.update(_meaning(path))
    return digest.hexdigest()[:16]


def _meaning(path: Path) -> bytes:
    if not path.is_file():
        return b""
    content = path.read_bytes()
    try:
        tree = ast.parse(content)
    except (SyntaxError, ValueError, RecursionError):  # compiled, or no Python
        return content
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            node.body = [part for part in node.body if not _is_docstring(part)]
    return ast.dump(tree).encode()


def _is_docstring(node: ast.stmt) -> bool:
    if not isinstance(node, ast.Expr) or not isinstance(node.value, ast.Constant):
        return False
    return isinstance(node.value.value, str)


def _with_neighbours(plugin: Path) -> list[Path]:
    """A file and, over and over, the modules beside it that it imports."""
    found, waiting = {plugin}, [plugin]
    while waiting:
        for name in _imported(waiting.pop()):
            path = plugin.parent / f"{name}.py"
            if path.is_file() and path not in found:
                found.add(path)
                waiting.append(path)
    return sorted(found)


def _imported(path: Path) -> Iterator[str]:
    try:
        tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.rpartition(".")[2] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield (node.module or "").rpartition(".")[2]
            yield from (alias.name for alias in node.names)
