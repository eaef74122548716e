"""What must be equal on all machines of a cluster: versions, the suite's code, a task's code."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGES = ("keras", "jax", "jaxlib", "keras-tuner", "numpy", "scipy", "scikit-learn")
ABSENT = "none"
DIGITS = 12

Manifest = Mapping[str, str]
"""What it is -> its version, or the first digits of its SHA-256."""


def versions(backend: str) -> dict[str, str]:
    """Python, the packages that numbers depend on, and the suite's own code."""
    packages = dict.fromkeys((*PACKAGES, backend))
    python = ".".join(map(str, sys.version_info[:2]))
    return {"python": python, **{name: _version(name) for name in packages}, "suite": SUITE}


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ABSENT


def code(text: bytes) -> str:
    """A name of some source text."""
    return hashlib.sha256(text).hexdigest()[:DIGITS]


def _suite() -> str:
    digest = hashlib.sha256()
    for path in sorted(ROOT.rglob("*.py")):
        digest.update(f"{path.relative_to(ROOT).as_posix()}\n".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:DIGITS]


SUITE = _suite()
"""The suite's code as it was when this process imported it; its files may change later."""


def differences(expected: Manifest, found: Manifest) -> list[str]:
    """In words, where `found` differs from what is expected.

    >>> differences({"keras": "3.15.1", "jax": "0.10.1"}, {"keras": "3.14.0", "jax": "0.10.1"})
    ['keras 3.14.0 instead of 3.15.1']
    """
    return [
        f"{name} {found.get(name, ABSENT)} instead of {wanted}"
        for name, wanted in expected.items()
        if found.get(name, ABSENT) != wanted
    ]
