"""Tasks that installed packages bring: their entry points, and where the source of each lies.

Nothing of a package is imported: only its top-level name is looked up, and the files below it.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from importlib.machinery import all_suffixes
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

GROUP = "keras_tuning_suite.tasks"


@dataclass(frozen=True)
class Entry:
    """One entry point of the group.

    Attributes:
        name: of the task.
        module, attribute: what it names; both empty where that is not `module` or `module:name`.
        origin: distribution, version and entry point, for messages.
        path: the module's file; None where there is none.
    """

    name: str
    module: str
    attribute: str
    origin: str
    path: Path | None


def entries() -> list[Entry]:
    """The entry points of all installed packages, by name."""
    found = [_entry(point) for point in entry_points(group=GROUP)]
    return sorted(found, key=lambda entry: (entry.name, entry.origin))


def _entry(point: EntryPoint) -> Entry:
    package = f"{point.dist.name} {point.dist.version}" if point.dist else "an unknown package"
    origin = f"{package} ({point.name} = {point.value})"
    parts = EntryPoint.pattern.match(point.value)
    if parts is None:
        return Entry(point.name, "", "", origin, None)
    return Entry(point.name, parts["module"], parts["attr"] or "", origin, file_of(parts["module"]))


def file_of(module: str) -> Path | None:
    """The file of a module that may be imported, found without importing it or its package."""
    top, *rest = module.split(".")
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError):  # ValueError: a module that was made without a spec
        return None
    if spec is None:
        return None
    if not rest:
        return Path(spec.origin) if spec.has_location and spec.origin else None
    folders = map(Path, spec.submodule_search_locations or ())
    ends = [f"{rest[-1]}/__init__.py", *(rest[-1] + suffix for suffix in all_suffixes())]
    files = (folder.joinpath(*rest[:-1], end) for folder in folders for end in ends)
    return next((file for file in files if file.is_file()), None)
