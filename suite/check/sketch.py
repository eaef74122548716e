"""A sketch: what a recipe's model is, so that two of them can be held against each other."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import keras
import numpy as np

from suite.blueprint import Blueprint, draw_up
from suite.data import Data
from suite.task import Task
from suite.trial import Level
from suite.weights import Start

ADDRESS = re.compile(r"0x[0-9a-fA-F]+")
"""Where an object lies in memory: in the text of some configs, and another one in every process."""

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Sketch:
    """A model in words and numbers.

    Attributes:
        structure: its configs without the knobs; the recipe itself where they do not tell all.
        told: whether they tell all.
        weights: shapes and types of the weights, and the batch size, as JSON.
        knobs: learning rate, dropout rates, penalties and the like, by name.
        starts: sixteen hex digits over how every weight starts.
        outputs: shape of the outputs for one row; None where there are several.
        embeds: whether a layer looks whole numbers up.
    """

    structure: str
    told: bool
    weights: str
    knobs: Mapping[str, float]
    starts: str
    outputs: Shape | None
    embeds: bool

    def content(self) -> dict[str, Any]:
        """As JSON holds it."""
        plain: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        return plain


def sketch_of(task: Task, values: Mapping[str, Level], data: Data) -> Sketch:
    """Build `task` with the given hyperparameters; raises whatever its `build` raises."""
    blueprint = draw_up(task, values, data)
    structure = ADDRESS.sub("0x", blueprint.structure)
    config, *rest = json.loads(structure)
    return Sketch(
        structure=structure,
        told=config != dict(values),
        weights=json.dumps(rest),
        knobs=dict(blueprint.knobs),
        starts=_digest(blueprint),
        outputs=_outputs(blueprint.model, data),
        embeds=any(isinstance(layer, keras.layers.Embedding) for layer in _layers(blueprint)),
    )


def same_model(one: Sketch, other: Sketch) -> bool:
    """Whether two recipes give the very same model, as far as configs tell all."""
    parts = ("structure", "weights", "knobs", "starts")
    told = one.told and other.told
    return told and all(getattr(one, part) == getattr(other, part) for part in parts)


def other_model(one: Sketch, other: Sketch) -> bool:
    """Whether two recipes differ in structure or starting weights: surely, without training."""
    structure = one.told and other.told and one.structure != other.structure
    return structure or one.weights != other.weights or one.starts != other.starts


def difference(one: Mapping[str, Any], other: Mapping[str, Any]) -> str:
    """In what two sketches, as `content` gives them, differ; empty where they do not."""
    words = {
        "structure": "layers",
        "weights": "shapes of weights",
        "knobs": "strengths and rates",
        "starts": "starting weights",
        "outputs": "shape of the outputs",
    }
    return ", ".join(word for part, word in words.items() if one[part] != other[part])


def _layers(blueprint: Blueprint) -> list[keras.layers.Layer]:
    return list(blueprint.model._flatten_layers())


def _digest(blueprint: Blueprint) -> str:
    digest = hashlib.sha256()
    for start in blueprint.starts:
        digest.update(_bytes(start))
    return digest.hexdigest()[:16]


def _bytes(start: Start) -> bytes:
    if isinstance(start, np.ndarray):
        return f"{start.dtype}{start.shape}".encode() + np.ascontiguousarray(start).tobytes()
    return ADDRESS.sub("0x", repr(start)).encode()


def _outputs(model: keras.Model, data: Data) -> Shape | None:
    """Shape of the outputs for one row, asked of the model's graph or else of two rows."""
    symbolic = getattr(model, "outputs", None)
    if symbolic:
        return tuple(symbolic[0].shape[1:]) if len(symbolic) == 1 else None
    made = model(data.train.take(slice(0, 2)).x)
    return tuple(made.shape[1:]) if keras.ops.is_tensor(made) else None
