"""Derived files are never half there; whoever writes one goes through `suite.files`."""

from __future__ import annotations

import ast
import errno
import os
from pathlib import Path

import pytest

from suite.errors import StorageError
from suite.files import replacing, room, write_whole

SUITE = Path(__file__).parents[1] / "suite"
WRITES = {"write_text", "write_bytes", "to_csv", "to_parquet", "savez", "savez_compressed", "save"}
ELSEWHERE = {
    "check/child.py": "an answer to a parent that waits for the child's end",
    "cluster/worker.py": "a task's text, in a folder that nobody else knows of",
    "archive.py": "inside a folder that is renamed as a whole",
}
"""Files that write otherwise, and why that is no harm."""


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EIO, errno.EROFS])
def test_what_the_system_says_names_the_place_and_leaves_nothing(tmp_path, monkeypatch, error):
    """The old file stands; exit code 5."""
    path = tmp_path / "a b" / "é.csv"
    write_whole(path, "old")

    def fail(_):
        raise OSError(error, os.strerror(error))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(StorageError) as caught:
        write_whole(path, "new")
    assert str(path) in str(caught.value)
    assert os.strerror(error) in str(caught.value)
    assert ("Make room" in str(caught.value)) == (error == errno.ENOSPC)
    assert [*path.parent.iterdir()] == [path]
    assert path.read_text() == "old"


def test_a_folder_appears_whole_or_not_at_all(tmp_path):
    """Whatever goes wrong while it is filled."""
    for wrong in (True, False):
        try:
            with replacing(tmp_path / "copy") as beside:
                beside.mkdir()
                (beside / "a").write_text("x")
                if wrong:
                    raise KeyError("wrong")
        except KeyError:
            assert list(tmp_path.iterdir()) == []
    assert (tmp_path / "copy" / "a").read_text() == "x"


def test_room_is_that_of_the_nearest_folder_that_exists(tmp_path):
    """A results folder may be yet to be made."""
    assert room(tmp_path / "a" / "b") == pytest.approx(room(tmp_path), rel=0.2)


def writers() -> list[str]:
    """Places in the suite that call something that writes a file."""
    found = []
    for path in sorted(SUITE.rglob("*.py")):
        name = path.relative_to(SUITE).as_posix()
        tree = ast.parse(path.read_text(encoding="utf-8"))
        safe = {
            id(inner)
            for node in ast.walk(tree)
            if isinstance(node, ast.With) and "replacing(" in ast.unparse(node).splitlines()[0]
            for inner in ast.walk(node)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                if node.func.attr not in WRITES or id(node) in safe or not node.args:
                    continue
                found.append(f"{name}:{node.lineno}")
    return found


def test_nothing_writes_a_derived_file_in_place():
    """A kill in the middle would leave half of it."""
    assert [place for place in writers() if place.partition(":")[0] not in ELSEWHERE] == []
