"""Data files inside installed packages, read without importing the package."""

from __future__ import annotations

import gzip
import pickle
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

import numpy as np

from suite.data import Array
from suite.errors import DataError, SourceError

NUMPY = {
    "ndarray": np.ndarray,
    "dtype": np.dtype,
    "_reconstruct": np.empty(0).__reduce__()[0],
}
"""All that the pickle of an array of numbers calls, by name."""


def packaged(name: str, path: str) -> Path:
    """The file or folder `path` of the installed distribution `name`.

    Raises:
        SourceError: the package is not installed, or has no such file.

    >>> packaged("numpy", "numpy/version.py").name
    'version.py'
    """
    try:
        place = Path(str(distribution(name).locate_file(path)))
    except PackageNotFoundError as error:
        raise SourceError(
            f"Expected the package {name}, which holds the data. Received: it is not installed. "
            "Run pip install -r requirements.txt."
        ) from error
    if not place.exists():
        raise SourceError(
            f"Expected {path} in the package {name}. Received: no such file. "
            "Install the version that requirements.txt pins."
        )
    return place


def unpickled(path: Path) -> Array:
    """The array in a pickle compressed by gzip; whatever else a pickle may call is refused.

    Raises:
        DataError: the pickle names something that arrays of numbers do not need, or holds another
            object.
    """
    with gzip.open(path) as file:
        content = _Arrays(file).load()
    if not isinstance(content, np.ndarray):
        raise DataError(
            f"Expected a NumPy array in {path.name}. Received: {type(content).__name__}."
        )
    return content


class _Arrays(pickle.Unpickler):
    """Knows the names of `NUMPY`, and of no other module or function."""

    def find_class(self, module: str, name: str) -> Any:
        if module.partition(".")[0] != "numpy" or name not in NUMPY:
            raise DataError(
                f"Expected a pickle of nothing but NumPy arrays. Received: {module}.{name}."
            )
        return NUMPY[name]
