"""Contract: data, models, metric, objective and trivial predictor fit together, at every level."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np

from suite.blueprint import build_state, hyperparameters
from suite.check.note import DATA, MODEL, TRAINING, Finding, Note, Remark, counted, some
from suite.check.subject import Subject
from suite.data import leaves
from suite.errors import SuiteError
from suite.factors import FACTORS
from suite.registry import where
from suite.scoring import Judge
from suite.trial import Status

TYPES = ("float32", "int32")
"""What Keras' backends train on alike."""
FEWEST = 20
"""Held rows below which a score is mostly luck."""


def examine(subject: Subject) -> Iterator[Note]:
    """See `suite.check.examine`."""
    broken = _broken(subject)
    if broken:
        yield broken
        return
    yield from _arrays(subject)
    yield from _judged(subject)
    yield from _levels(subject)
    yield from _undeclared(subject)
    outcome = subject.short({})
    if outcome.status is Status.FAILED:
        yield Finding(
            f"A short training on the default hyperparameters failed: {outcome.message}.",
            "No trial of this task can be trained.",
            "Make model, loss, metrics and targets fit: model.fit on a few rows shows the error.",
            spoils=(TRAINING,),
        )


def reason(error: BaseException, path: Path) -> str:
    """An error in one sentence, with file and line where it came from the plugin."""
    text = str(error).strip().partition("\n")[0]
    if isinstance(error, SuiteError):
        return text
    inside = any(
        Path(frame.filename) == path for frame in traceback.extract_tb(error.__traceback__)
    )
    place = f"{where(error, path)}: " if inside else ""
    return f"{place}{type(error).__name__}: {text}"


def _broken(subject: Subject) -> Finding | None:
    """What keeps the task from being looked at any further."""
    path = subject.plugin.path
    try:
        assert subject.data is not None
    except (Exception, SystemExit) as error:  # a plugin may raise anything
        return Finding(
            f"The task cannot be loaded. {reason(error, path)}",
            "A run reports this task as failed and trains nothing of it.",
            "Correct the file or its data(); `tasks/_template.py` is an example that works.",
            spoils=(DATA, MODEL, TRAINING),
        )
    try:
        subject.sketch({})
        assert subject.declared is not None
    except Exception as error:  # a plugin may raise anything
        return Finding(
            f"build(hp) fails on the default hyperparameters. {reason(error, path)}",
            "No trial of this task can be trained.",
            "Return a compiled keras.Model from build(hp).",
            spoils=(MODEL, TRAINING),
        )
    return None


def _arrays(subject: Subject) -> Iterator[Note]:
    data, outputs = subject.data, subject.sketch({}).outputs
    types = {f"{name} of {array.dtype}" for name, array in data.train.arrays()}
    odd = sorted(text for text in types if not text.endswith(TYPES))
    if odd:
        yield Finding(
            f"Arrays of other types than {' or '.join(TYPES)}: {', '.join(odd)}.",
            "Keras' backends narrow them each in its own way, so engines may disagree.",
            'End data() with .astype("float32") for numbers and .astype("int32") for classes '
            "and word numbers.",
        )
    small = [f"{name} with {len(split)}" for name, split in data.splits.items()]
    if min(len(data.val), len(data.test)) < FEWEST or len(data.train) < len(data.val):
        yield Finding(
            f"Splits of {', '.join(small)} rows; expected {FEWEST} held rows or more, and more "
            "training rows than held ones.",
            "A score on so few rows is mostly luck.",
            "Split about 60, 20 and 20 percent (suite.splits.three_way), or bring more rows.",
        )
    if outputs and outputs[-1:] > (1,):
        yield from _classes(subject, outputs[-1])


def _classes(subject: Subject, units: int) -> Iterator[Note]:
    """Class numbers, where a target is one number beside an output of many."""
    for name, train in leaves(subject.data.train.y).items():
        if train.dtype.kind not in "iu" or train.size != len(train):
            continue
        classes = set(np.unique(train).tolist())
        held = {
            int(value)
            for split in (subject.data.val, subject.data.test)
            for value in np.unique(leaves(split.y)[name])
        }
        if min(classes | held) < 0 or max(classes | held) >= units:
            yield Finding(
                f"Class numbers from {min(classes | held)} to {max(classes | held)} beside an "
                f"output of {units} units.",
                "A class without an output cannot be predicted; its loss is NaN or nonsense.",
                "Number the classes from 0, and give the last layer one unit a class.",
            )
        unseen = sorted(held - classes)
        if unseen:
            yield Finding(
                f"{counted(len(unseen), 'class')} of val or test without a training row: "
                f"{some(unseen)}.",
                "No model can learn them, so all are judged on rows that nobody can get right.",
                "Split by class (suite.splits.three_way), or drop classes with few rows.",
            )


def _judged(subject: Subject) -> Iterator[Note]:
    """Objective, metric and trivial predictor."""
    task, data, path = subject.task, subject.data, subject.plugin.path
    try:
        judge = Judge(task, data)
        trivial = judge.trivial() if judge.judges else None
    except Exception as error:  # a metric of the task's own may raise anything
        yield Finding(
            f"The trivial predictor cannot be judged. {reason(error, path)}",
            "Every table shows what a predictor scores that looks at no input.",
            "Shape `trivial` as the model's outputs for one row (or for every row of test), and "
            "name a scikit-learn scorer, or a function (y_true, outputs) -> float, as metric.",
            spoils=(TRAINING,),
        )
        return
    yield from _outputs(subject, judge)
    outputs, shape = subject.sketch({}).outputs, data.trivial.shape
    if trivial is None or outputs is None:
        fitting = [shape]  # nobody compares them
    else:
        fitting = [outputs, (len(data.test), *outputs)]
    if shape not in fitting:
        yield Finding(
            f"A trivial predictor of shape {shape}; the model's outputs for one row have the shape "
            f"{outputs}.",
            "A diverged trial counts as the trivial predictor, so both must be judged alike.",
            f"Give `trivial` the shape {' or '.join(map(str, fitting))}.",
        )
    if judge.objective[0] == "val_loss" and {"l1", "l2"} & {own.name for own in subject.declared}:
        yield Remark(
            "The objective val_loss holds the L1/L2 penalty: recipes of different strength are "
            "not comparable by it. Compile a metric and name that."
        )


def _outputs(subject: Subject, judge: Judge) -> Iterator[Note]:
    """The default model's logs and outputs on a few rows, as objective and metric read them."""
    task, few, path = subject.task, subject.few.dataset, subject.plugin.path
    try:
        model = task.build(hyperparameters({}))
        build_state(model, few.train.take(slice(0, 8)))
        logs = sorted(f"val_{name}" for name in model.get_metrics_result())
        outputs = model(few.test.x, training=False)
        score = (
            Judge(subject.few, few).score("test", keras.tree.map_structure(np.asarray, outputs))
            if judge.judges
            else 0.0
        )
    except Exception as error:  # of loss, metrics and the task's own metric
        yield Finding(
            f"The default model cannot be evaluated on a few rows. {reason(error, path)}",
            "Loss or metrics do not take these targets, or the metric not these outputs.",
            "Shape targets as the loss wants them: (rows, 1) beside one unit, (rows,) for the "
            'classes of a "sparse_" loss.',
            spoils=(TRAINING,),
        )
        return
    if judge.objective[0] not in logs:
        yield Finding(
            f"The objective {judge.objective[0]!r} is none of the model's logs: {some(logs)}.",
            "Nothing selects the epoch, so every trial fails.",
            f"Compile the metric {judge.objective[0].removeprefix('val_')!r} in build(hp), or name "
            "one of these as objective.",
            spoils=(TRAINING,),
        )
    if not np.isfinite(score):
        yield Finding(
            f"The metric {judge.name} of the default model's outputs is {score}.",
            "A trial whose metric is no finite number counts as failed.",
            "Return a finite number for any finite outputs.",
        )


def _levels(subject: Subject) -> Iterator[Note]:
    base, path = subject.sketch({}), subject.plugin.path
    for own in subject.declared:
        for level in own.levels:
            try:
                made = subject.sketch(own.recipe(level, {}))
            except Exception as error:  # a plugin may raise anything
                yield Finding(
                    f"build(hp) fails at {own.name}={level!r}. {reason(error, path)}",
                    "Every trial at this level fails, and a study that varies it has holes.",
                    "Let build(hp) take the level, or declare a range or choices without it.",
                )
                continue
            if made.outputs != base.outputs:
                yield Finding(
                    f"At {own.name}={level!r} the outputs for one row have the shape "
                    f"{made.outputs}; by default {base.outputs}.",
                    "Metric and trivial predictor do not fit both.",
                    "Keep the last layer the same at every level.",
                )


def _undeclared(subject: Subject) -> Iterator[Note]:
    names = {own.name for own in subject.declared}
    missing = [n for n, factor in FACTORS.items() if n not in names and not factor.placed]
    if missing:
        yield Remark(
            f"Standard factors that build(hp) does not declare: {', '.join(missing)}. A study "
            "that varies one refuses this task; suite.Techniques declares and applies them."
        )
