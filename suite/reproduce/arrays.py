"""The arrays of a task: in one `.npz` file, and the source that takes them from there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from suite.data import Arrays, Data, leaves
from suite.files import replacing
from suite.reproduce.source import laid_out, listed, text


def file_name(task: str, data: Data) -> str:
    """The name of the file; other data has another name."""
    return f"{task}-{data.fingerprint}.npz"


def save(data: Data, path: Path) -> None:
    """Write the three splits to `path`, unless they are there; StorageError where that fails."""
    if path.is_file():
        return
    arrays = {
        _key(f"{part}_{name}", leaf): array
        for name, split in data.splits.items()
        for part, whole in (("x", split.x), ("y", split.y))
        for leaf, array in leaves(whole).items()
    }
    with replacing(path) as beside:
        np.savez_compressed(beside, **arrays)  # type: ignore[arg-type]  # `allow_pickle` is a bool


def _key(variable: str, leaf: str) -> str:
    return f"{variable}.{leaf}" if leaf else variable


@dataclass(frozen=True)
class Part:
    """`x` or `y` of a task, one array or several by name, as the script speaks of it."""

    name: str
    arrays: Arrays

    def names(self) -> list[str]:
        """The line that lists the names, where there are several arrays."""
        if not isinstance(self.arrays, Mapping):
            return []
        return laid_out(listed([text(name) for name in self.arrays]), f"{self._names} = ")

    @property
    def _names(self) -> str:
        return f"{self.name.upper()}_NAMES"

    def of(self, split: str) -> str:
        """The source of a split's arrays; `{split}` stands for a variable of that name."""
        mark = "f" if "{" in split else ""
        if isinstance(self.arrays, Mapping):
            return f'{{name: data[f"{self.name}_{split}.{{name}}"] for name in {self._names}}}'
        return f'data[{mark}"{self.name}_{split}"]'

    def rows(self, order: str) -> str:
        """The source of some rows of the training split, in that order."""
        if isinstance(self.arrays, Mapping):
            return f"{{name: array[{order}] for name, array in {self.name}.items()}}"
        return f"{self.name}[{order}]"
