"""The files that are derived from a record: which they are, and whether they still say the same.

`views.json` holds a fingerprint of each, and of the record that they were made from.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from suite.files import write_whole
from suite.trial import Outcome

MANIFEST = "views.json"
PATTERNS = ("trials.*", "report.html", "tables/*.*", "figures/*.*")
"""What `suite.publication` writes."""
LOGS = ("asks.csv", "asks.parquet", "choices.csv", "curves.csv")
"""What a search's run writes; its command alone can write them anew."""


def write_manifest(folder: Path, outcomes: Mapping[str, Outcome]) -> None:
    """Note what the derived files in `folder` are, and what they were made from."""
    files = {name: _fingerprint(folder / name) for name in _names(folder)}
    content = {"record": _digest(outcomes), "files": files}
    write_whole(folder / MANIFEST, json.dumps(content, indent=1) + "\n")


def stale(folder: Path, outcomes: Mapping[str, Outcome]) -> dict[str, str]:
    """The derived files that are not as they were written from this record, and what they are."""
    manifest = _read(folder)
    if manifest is None:
        return {MANIFEST: "missing or damaged"}
    found = {}
    if manifest["record"] != _digest(outcomes):
        found[MANIFEST] = "made from another state of the record"
    for name, fingerprint in manifest["files"].items():
        if not (folder / name).is_file():
            found[name] = "missing"
        elif _fingerprint(folder / name) != fingerprint:
            found[name] = "changed"
    return found


def _read(folder: Path) -> Mapping[str, Any] | None:
    try:
        content = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        files = {str(name): str(own) for name, own in content["files"].items()}
        return {"record": content["record"], "files": files} if all(map(_inside, files)) else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _inside(name: str) -> bool:
    """Whether a name of a stranger's manifest stays in the folder."""
    return ".." not in Path(name).parts and not Path(name).is_absolute()


def _names(folder: Path) -> list[str]:
    patterns = (*PATTERNS, *LOGS)
    paths = {path for pattern in patterns for path in folder.glob(pattern)}
    visible = [path for path in paths if path.is_file() and not path.name.startswith(".")]
    return sorted(path.relative_to(folder).as_posix() for path in visible)


def _fingerprint(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _digest(outcomes: Mapping[str, Outcome]) -> str:
    """Of every trial and how it ended, in any order."""
    digest = hashlib.sha256()
    for key in sorted(outcomes):
        digest.update(f"{key} {outcomes[key].status.value}\n".encode())
    return digest.hexdigest()
