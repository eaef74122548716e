"""Task files with one fault each, made of a sound one: a line marked `# fault` does it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

MARK = "# fault"
SOUND = '''"""Rows that are drawn; a task that does nothing wrong but where it is told to."""

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time

import keras
import numpy as np

from suite import Data, Split, Task, Techniques

{imported}


def own_metric(y, outputs):
    """Accuracy."""
    {judged}
    return float(((np.asarray(outputs) > 0.5) == y).mean())


class Drawn(Task):
    """Is the sum positive?"""

    objective = "val_loss"
    metric = {metric}
    epochs = 2

    def data(self, source):
        {loaded}
        random = np.random.default_rng(0)
        x = random.normal(size=(240, 4)).astype("float32")
        y = (x.sum(axis=1, keepdims=True) > 0).astype("int32")
        parts = [Split(x[a:b], y[a:b]) for a, b in ((0, 120), (120, 180), (180, 240))]
        return Data(*parts, np.array([0.5]), "a half", "drawn", "drawn", "CC0")

    def build(self, hp):
        use = Techniques(hp)
        layers = [*use.dense(hp.Int("units", 2, 8, default=4)), use.output(1, "sigmoid")]
        {built}
        model = keras.Sequential([keras.Input((4,)), *layers])
        model.compile(use.optimizer(), "binary_crossentropy")
        return model
'''
SCORER, OWN = '"accuracy"', "staticmethod(own_metric)"
STUDY = """
question = "Does anything stop the others?"
seeds = 1
epochs = 2
[factors]
dropout = [0.0, 0.5]
"""


@dataclass(frozen=True)
class Fault:
    """One fault of a plugin.

    Attributes:
        slot: the place of `SOUND` that holds it: imported, loaded, built or judged.
        code: the line.
        clue: what the report must say beside the plugin's file and line.
    """

    slot: str
    code: str
    clue: str


BUILT = "model = keras.Sequential([keras.Input((4,)), keras.layers.Dense({units})])"
FAULTS: Mapping[str, Fault] = {
    "import_error": Fault("imported", "import no_such_module", "ModuleNotFoundError"),
    "import_raises": Fault("imported", 'raise RuntimeError("no")', "RuntimeError: no"),
    "import_leaves": Fault("imported", 'sys.exit("bye")', "SystemExit"),
    "import_ends": Fault("imported", "os._exit(3)", "exit code 3"),
    "import_hangs": Fault("imported", "time.sleep(1e6)", "--deadline"),
    "data_raises": Fault("loaded", "1 / 0", "ZeroDivisionError"),
    "data_leaves": Fault("loaded", "sys.exit(4)", "SystemExit"),
    "data_ends": Fault("loaded", "os._exit(0)", "exit code 0"),
    "data_hangs": Fault("loaded", "threading.Event().wait()", "--deadline"),
    "data_spins": Fault("loaded", "exec('while True: pass')", "--deadline"),
    "data_eats": Fault(
        "loaded", "eaten = [bytes([7]) * (1 << 25) for _ in range(10_000)]", "--memory-limit"
    ),
    "data_recurses": Fault("loaded", "(lambda f: f(f))(lambda f: f(f))", "RecursionError"),
    "data_segfaults": Fault("loaded", "ctypes.string_at(1)", "SIGSEGV"),
    "data_aborts": Fault("loaded", "os.abort()", "SIGABRT"),
    "data_killed": Fault("loaded", "os.kill(os.getpid(), signal.SIGKILL)", "SIGKILL"),
    "data_terminated": Fault("loaded", "os.kill(os.getpid(), signal.SIGTERM)", "SIGTERM"),
    "data_is_text": Fault("loaded", 'return "rows"', "Received: str"),
    "data_unequal": Fault(
        "loaded",
        "return Data(*[Split(np.ones((9, 4)), np.ones((8, 1)))] * 3, np.ones(1), *'abcd')",
        "equal length",
    ),
    "data_is_nan": Fault(
        "loaded",
        "return Data(*[Split(np.full((9, 4), np.nan), np.ones((9, 1)))] * 3, np.ones(1), *'abcd')",
        "NaN",
    ),
    "build_raises": Fault("built", 'raise ValueError("no model")', "ValueError: no model"),
    "build_ends": Fault("built", "os._exit(5)", "exit code 5"),
    "build_hangs": Fault("built", "time.sleep(1e6)", "--deadline"),
    "build_is_text": Fault("built", 'return "model"', "compiled keras.Model. Received: str"),
    "build_uncompiled": Fault(
        "built", f"return {BUILT.format(units=1)[8:]}", "compiled keras.Model. Received: Sequential"
    ),
    "build_shapes": Fault(
        "built",
        f"{BUILT.format(units=7)}; model.compile('adam', 'binary_crossentropy'); return model",
        "(",
    ),
    "metric_raises": Fault("judged", "1 / 0", "ZeroDivisionError"),
    "metric_is_text": Fault("judged", 'return "0.9"', "Received: str"),
    "metric_is_huge": Fault("judged", 'return "9" * 1_000_000_000', "1,000,000,000"),
    "metric_is_array": Fault("judged", "return np.ones((240, 4))", "Received: ndarray"),
    "metric_is_nan": Fault("judged", 'return float("nan")', "number"),
    "metric_ends": Fault("judged", "os._exit(6)", "exit code 6"),
}
LEAVING = Fault(
    "loaded",
    "subprocess.Popen(['sh', '-c', 'setsid sleep 4711 & setsid sleep 4711'])",
    "",
)
"""Trains as it should, and leaves processes behind."""


def source(fault: Fault | None) -> str:
    """A task file with a fault, or without one."""
    slots = dict.fromkeys(("imported", "loaded", "built", "judged"), "pass")
    own = fault is not None and fault.slot == "judged"
    if fault:
        slots[fault.slot] = f"{fault.code}  {MARK}"
    return SOUND.format(metric=OWN if own else SCORER, **slots)


def line_of(path: Path) -> int:
    """The line of the fault."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return next(number for number, line in enumerate(lines, start=1) if MARK in line)


def definition_of(path: Path) -> int:
    """The line of the function that holds the fault: what gives rubbish has no line of its own."""
    lines = path.read_text(encoding="utf-8").splitlines()[: line_of(path)]
    numbers = (n for n, line in enumerate(lines, start=1) if "def " in line)
    return max(numbers, default=0)


def write(folder: Path, names: list[str]) -> None:
    """Write the task files of some faults, and two without one, before and after them."""
    for name in names:
        (folder / f"{name}.py").write_text(source(FAULTS[name]), encoding="utf-8")
    (folder / "a_sound.py").write_text(source(None), encoding="utf-8")
    (folder / "z_leaving.py").write_text(source(LEAVING), encoding="utf-8")
