"""Task files with one planted fault each, made from a sound one by replacing a few lines."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

SOUND = '''"""A table of 480 rows, made up; embedded: drawn with a fixed seed."""

import keras
import numpy as np

from suite import Data, Split, Task, Techniques

ROWS = {"train": slice(0, 256), "val": slice(256, 368), "test": slice(368, 480)}


def drawn():
    """Inputs (480, 6) and targets (480, 1), which half of the columns tell, with noise."""
    random = np.random.default_rng(0)
    x = 3.0 + 2.0 * random.normal(size=(480, 6))
    y = (x[:, :3].sum(axis=1) - 9.0 + 2.0 * random.normal(size=480) > 0).astype("int32")
    return x, y[:, None]


class Sound(Task):
    """Nothing is wrong with it."""

    objective = "val_binary_crossentropy"
    metric = "roc_auc"
    epochs = 4

    def data(self, source):
        x, y = drawn()
        rows = ROWS
        seen = x[rows["train"]]
        x = (x - seen.mean(axis=0)) / seen.std(axis=0)
        x = x.astype("float32")
        train, val, test = (Split(x[rows[n]], y[rows[n]]) for n in ROWS)
        trivial = np.array([0.5])
        return Data(train, val, test, trivial, "a half", "made up", "drawn", "CC0")

    def build(self, hp):
        use = Techniques(hp)
        units = hp.Int("units", 4, 8, default=8)
        inputs = keras.Input(self.input_shape)
        hidden = inputs
        for layer in use.dense(units):
            hidden = layer(hidden)
        outputs = use.output(1, "sigmoid")(hidden)
        model = keras.Model(inputs, outputs)
        model.compile(use.optimizer(), "binary_crossentropy", metrics=["binary_crossentropy"])
        return model
'''
SCALED = "        x = (x - seen.mean(axis=0)) / seen.std(axis=0)\n"
SPLIT = "        train, val, test = (Split(x[rows[n]], y[rows[n]]) for n in ROWS)\n"
WINDOWS = """        days = np.random.default_rng(1).normal(size=(500, 2))
        x = np.lib.stride_tricks.sliding_window_view(days, 8, 0).swapaxes(1, 2)[:480].copy()
"""
RAW = SCALED + "        x = x.astype"
MODEL = "        model = keras.Model(inputs, outputs)\n"


@dataclass(frozen=True)
class Fault:
    """A fault: which examiner must find it, a clue of its finding, and (old, new) lines."""

    examiner: str
    clue: str
    lines: tuple[tuple[str, str], ...]


def windows(rows: str) -> tuple[tuple[str, str], ...]:
    """Sliding windows of eight days, split at the given row numbers."""
    order = f"{WINDOWS}        rows = {rows}\n"
    flat = "        hidden = keras.layers.Flatten()(inputs)\n"
    return ((SCALED, order), ("        hidden = inputs\n", flat))


MIXED = "dict(zip(ROWS, np.split(np.random.default_rng(0).permutation(480), [256, 368])))"
FAULTS = {
    "contract": Fault("contract", "trivial predictor of shape (2,)", (("[0.5]", "[0.5, 0.5]"),)),
    "overlap": Fault("overlap", "112 rows of val", (("slice(256, 368)", "slice(0, 112)"),)),
    "future": Fault("future", "overlap with a window of train that begins later", windows(MIXED)),
    "fitted": Fault(
        "fitted", "mean 0 and spread 1 over train, val and test", (('x[rows["train"]]', "x"),)
    ),
    "shortcut": Fault(
        "shortcut",
        "Column x 6 alone tells the classes",
        ((SPLIT, '        x = np.append(x, 2 * y - 1, 1).astype("float32")\n' + SPLIT),),
    ),
    "effects": Fault("effects", "units has no effect", (("use.dense(units)", "use.dense(8)"),)),
    "repeat": Fault("repeat", "fingerprint changes", (("default_rng(0)", "default_rng()"),)),
    "pace": Fault(
        "pace",
        "Too slow",
        (
            ("epochs = 4", "epochs = 2000"),
            ('"units", 4, 8, default=8', '"units", 500, 1500, default=1500'),
            ("use.dense(units)", "[*use.dense(units), *use.dense(units)]"),
        ),
    ),
    "shuffled": Fault(
        "shuffled",
        "Trained on shuffled labels, the model still scores",
        (
            (
                MODEL,
                """        splits = self.dataset.splits.values()
        x, y = (np.concatenate([getattr(own, part) for own in splits]) for part in "xy")
        answers = np.linalg.lstsq(x, 40.0 * y - 20.0, rcond=None)[0]
        start = keras.initializers.Constant(answers)
        known = keras.layers.Dense(1, use_bias=False, trainable=False, kernel_initializer=start)
        known = known(inputs)
        logit = use.output(1)(hidden)
        outputs = keras.layers.Activation("sigmoid")(keras.layers.Add()([known, logit]))
"""
                + MODEL,
            ),
        ),
    ),
    "parity": Fault(
        "parity",
        "the curves of fleet and fit differ",
        (
            (
                "        return model\n",
                """        import functools

        model.fit = functools.partial(model.fit, class_weight={0: 1.0, 1: 9.0})
        return model
""",
            ),
        ),
    ),
}
"""One a kind."""
MORE = {
    "unbuildable": Fault(
        "contract",
        "build(hp) fails at units=4",
        (("inputs =", "assert units != 4\n        inputs ="),),
    ),
    "unreadable": Fault("contract", "cannot be loaded", (("x, y = drawn()", "x, y = 1 / 0"),)),
    "objective": Fault(
        "contract", "none of the model's logs", (('"val_binary_crossentropy"', '"val_auc"'),)
    ),
    "wide types": Fault("contract", "x of float64", (('x.astype("float32")', "x"),)),
    "other target": Fault(
        "overlap",
        "with another target",
        (
            (
                "x, y = drawn()",
                "x, y = drawn()\n        x[256:300], y[256:300] = x[:44], 1 - y[:44]",
            ),
        ),
    ),
    "near copies": Fault(
        "overlap",
        "nearly equal",
        (("x, y = drawn()", "x, y = drawn()\n        x[256:300] = x[:44] + 1e-6"),),
    ),
    "touching": Fault(
        "future", "share steps", windows("ROWS | {'val': slice(259, 368), 'test': slice(380, 480)}")
    ),
    "declared": Fault(
        "future",
        "by the declared times",
        (('"CC0")', '"CC0", times={n: -np.arange(480)[rows[n]] for n in ROWS})'),),
    ),
    "ranged": Fault(
        "fitted",
        "range from 0 to 1 exactly",
        ((SCALED, "        x = (x - x.min(0)) / np.ptp(x, 0)\n"),),
    ),
    "category": Fault(
        "fitted",
        "0 in every training row",
        (
            (
                SPLIT,
                '        x = np.append(x, np.arange(480)[:, None] > 460, 1).astype("float32")\n'
                + SPLIT,
            ),
        ),
    ),
    "constant": Fault(
        "shortcut",
        "same in every row of",
        (("x, y = drawn()", "x, y = drawn()\n        y[:368] = 1"),),
    ),
    "undropped": Fault(
        "effects", "dropout has no effect", (("use.dense(units)", "use.dense(units)[:-1]"),)
    ),
    "twin level": Fault(
        "effects",
        "gives the very model",
        (
            (
                "inputs =",
                'act = {"a": "relu", "b": "relu", "c": "tanh"}[hp.Choice("act", ["a", "b", "c"])]\n'
                "        inputs =",
            ),
            (
                "for layer in use.dense(units):",
                "for layer in [*use.dense(units), keras.layers.Activation(act)]:",
            ),
        ),
    ),
    "hash order": Fault(
        "repeat",
        "a second one",
        (
            (
                "x, y = drawn()",
                "x, y = drawn()\n        x = x[:, [int(c) for c in set('012345')]]",
            ),
        ),
    ),
    "random build": Fault(
        "repeat",
        "build(hp) makes another model each time",
        (
            (
                "use.dense(units)",
                "use.dense(int(np.random.default_rng().integers(10, 10**6)) % 1000 + 2)",
            ),
        ),
    ),
    "random loss": Fault(
        "repeat",
        "The same trial, trained twice",
        (
            (
                'model.compile(use.optimizer(), "binary_crossentropy"',
                "model.compile(use.optimizer(), noisy",
            ),
            (
                "class Sound",
                "def noisy(y, p):\n"
                "    noise = np.random.default_rng().uniform()\n"
                "    return noise * keras.losses.binary_crossentropy(y, p)\n\n\nclass Sound",
            ),
        ),
    ),
}
"""Other faults that the same examiners must find."""


def planted(folder: Path, name: str) -> Path:
    """Write the file of a fault (or "sound") into `folder`."""
    fault = {**FAULTS, **MORE}.get(name)
    text = SOUND
    for old, new in fault.lines if fault else ():
        assert old in text, old
        text = text.replace(old, new)
    path = folder / f"{name.replace(' ', '_')}.py"
    path.write_text(text, encoding="utf-8")
    return path
