"""Which training technique helps which task, by how much, and how sure that is.

Public names: `Task`, `Data`, `Split`, `Techniques` for task files, `load_results` for notebooks.
They are imported on first use, so `import suite` alone does not import Keras.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from suite.api import load_results
    from suite.data import Data, Split
    from suite.task import Task
    from suite.techniques import Techniques

__version__ = "0.1.0"
__all__ = ["Data", "Split", "Task", "Techniques", "load_results"]

_HOMES = {
    "Data": "suite.data",
    "Split": "suite.data",
    "Task": "suite.task",
    "Techniques": "suite.techniques",
    "load_results": "suite.api",
}


def __getattr__(name: str) -> object:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'suite' has no attribute {name!r}")
