"""Pace: a matrix of trials ends in useful time; where the time of a trial goes."""

from __future__ import annotations

from collections.abc import Iterator

import keras
import numpy as np

from suite.blueprint import draw_up
from suite.check.note import SPEED, Finding, Note, Remark
from suite.check.subject import Subject

MOST_SECONDS = 10.0
"""Seconds a trial: then 360 trials, a small matrix, take an hour."""
SHOWN = 4
"""Layers that the profile names."""


def examine(subject: Subject) -> Iterator[Note]:
    """See `suite.check.examine`."""
    full, task = subject.full, subject.task
    rows = len(subject.data.train)
    epoch = full.epoch_seconds * rows / len(full.data.train)
    training = epoch * task.epochs
    profile = (
        f"{training:.2g} s of training a trial ({task.epochs} epochs of {rows:,} rows, {epoch:.2g} "
        f"s each, measured on {len(full.real)} trials; wider fleets need less), "
        f"{full.compile_seconds:.0f} s a structure to build and compile; {_layers(subject)}"
    )
    if training > MOST_SECONDS:
        yield Finding(
            f"Too slow: {profile}.",
            f"A matrix of 360 trials takes {360 * training / 3600:.0f} h; {MOST_SECONDS:g} s a "
            "trial is what a study of techniques can bear.",
            "Fewer epochs or rows, narrower layers where the profile says most of the work is, or "
            "an accelerator.",
            spoils=(SPEED,),
        )
    else:
        yield Remark(f"{profile[0].upper()}{profile[1:]}.")


def _layers(subject: Subject) -> str:
    """The layers with most of the work, by multiplications with kernels."""
    model = draw_up(subject.task, {}, subject.data).model
    layers = list(model._flatten_layers(include_self=False))
    cells = {id(layer.cell) for layer in layers if isinstance(layer, keras.layers.RNN)}
    work = {layer: _products(layer) for layer in layers if id(layer) not in cells}
    own = {layer: n for layer, n in work.items() if n and not _holds_layers(layer)}
    most = sorted(own, key=lambda layer: -own[layer])[:SHOWN]
    total = sum(own.values())
    words = [
        f"{type(layer).__name__} {own[layer] / total:.0%} of {total:,} multiplications a row"
        if i == 0
        else f"{type(layer).__name__} {own[layer] / total:.0%}"
        for i, layer in enumerate(most)
    ]
    return f"by layer: {', '.join(words)}; {model.count_params():,} parameters"


def _holds_layers(layer: keras.layers.Layer) -> bool:
    """Whether a layer's work is that of others; a recurrent one's cell works as its layer does."""
    return not isinstance(layer, keras.layers.RNN) and len(list(layer._flatten_layers())) > 1


def _products(layer: keras.layers.Layer) -> int:
    """Multiplications of one row with a layer's kernels; looking up a word is none."""
    if isinstance(layer, keras.layers.Embedding):
        return 0
    kernels = sum(int(np.prod(v.shape)) for v in layer.trainable_weights if len(v.shape) >= 2)
    side = layer.input if isinstance(layer, keras.layers.RNN) else getattr(layer, "output", None)
    tensors = [tensor for tensor in keras.tree.flatten(side) if tensor is not None]
    shapes = [tensor.shape[1:-1] for tensor in tensors] if kernels else []
    return kernels * max((int(np.prod([s or 1 for s in shape])) for shape in shapes), default=1)
