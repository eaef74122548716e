"""Skeletons: the layers of sequential models side by side, so that one model can stand for many.

Two models that differ in the width of a layer, or in a layer that one has and the other lacks, can
train in one program: a hull that has every layer, as wide as the widest. This module says which
layer of a model sits in which slot of the hull.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from suite.trial import canonical

WIDTHS = {"Dense": "units", "Conv1D": "filters", "Conv2D": "filters"}
"""Layers whose outputs can be widened, with the key of their width."""

ELEMENTWISE = ("Activation", "ReLU", "LeakyReLU", "ELU", "Identity")
DROPOUT = "Dropout"
NORMALIZATION = "BatchNormalization"
REMOVABLE = (*WIDTHS, *ELEMENTWISE, DROPOUT, NORMALIZATION)
"""Layers that can be stepped over: what comes in goes out."""

TRANSPARENT = (
    "Flatten",
    "MaxPooling1D",
    "MaxPooling2D",
    "AveragePooling1D",
    "AveragePooling2D",
    "GlobalAveragePooling1D",
    "GlobalAveragePooling2D",
    "GlobalMaxPooling1D",
    "GlobalMaxPooling2D",
)
"""Layers that treat every channel by itself."""

ZERO_AT_ZERO = ("linear", "relu", "tanh", "elu", "selu", "gelu", "silu", "swish", "leaky_relu")
"""Activations that send 0 to 0, so that a unit of zero weights stays silent."""

LIFTING = ("sigmoid", "hard_sigmoid", "softplus", "exponential", "log_sigmoid", "squareplus")
"""Activations that send 0 elsewhere. All others (softmax, a user's own) may look at other units."""

KNOBS = {"rate", "kernel_regularizer", "bias_regularizer", "seed", "name"}
"""What a layer's config may differ in without being another layer."""

PENALTIES = ("L1", "L2", "L1L2")
PLAIN = {"data_format": "channels_last", "groups": 1, "axis": -1, "renorm": False}
"""Settings under which a hull knows what a layer does with a channel that is not there."""

ODD = ("activity_regularizer", "noise_shape", "quantization_config", "lora_rank")
"""Settings that a hull knows only where they are not used; any constraint is one of them."""

IMPOSSIBLE = float("inf")
OWN_COSTS = {"Dense": 8.0, "Conv1D": 8.0, "Conv2D": 8.0}
"""What stepping over a layer costs in an alignment; 1 for the others."""


@dataclass(frozen=True)
class Layer:
    """One layer of a model, as its serialized config shows it.

    Attributes:
        kind: what must be equal for two layers to share a slot.
        config: the serialized layer.
        width: units or filters; 0 where the layer has no width of its own.
        bias: whether it adds a bias.
        draws: how many layers before it draw random numbers.
        random: how many of it do: itself, or those inside it, such as a cell.
        plain: whether a hull knows what it does with units that are not there.
    """

    kind: str
    config: Mapping[str, Any]
    width: int
    bias: bool
    draws: int
    random: int
    plain: bool

    @property
    def class_name(self) -> str:
        """The Keras class."""
        return str(self.config["class_name"])

    @property
    def activation(self) -> str:
        """The activation's name; "linear" where it has none, "" for one that is not a name."""
        named = self.config["config"].get("activation", "linear")
        return named if isinstance(named, str) else ""

    @property
    def by_unit(self) -> bool:
        """Whether its activation looks at one unit at a time."""
        return self.activation in (*ZERO_AT_ZERO, *LIFTING)

    @property
    def removable(self) -> bool:
        """Whether a hull may hold this layer for models that lack it."""
        own = self.config["config"]
        if self.class_name.startswith("Conv"):
            strides = own["strides"]
            ones = all(s == 1 for s in ([strides] if isinstance(strides, int) else strides))
            if not ones or own["padding"] != "same":
                return False
        return self.class_name in REMOVABLE and self.plain and self.by_unit


def layers_of(config: Mapping[str, Any], drawing: Sequence[int]) -> list[Layer]:
    """The layers of a sequential model's config, its input first.

    Args:
        config: what `Sequential.get_config` returns.
        drawing: for each layer, how many layers in it draw random numbers, itself included.
    """
    layers, draws = [], 0
    for serialized, random in zip(config["layers"], drawing, strict=True):
        layers.append(_layer(serialized, draws, random))
        draws += random
    return layers


def _layer(serialized: Mapping[str, Any], draws: int, random: int) -> Layer:
    name, own = serialized["class_name"], serialized["config"]
    plain = _is_plain(own)
    width_key = WIDTHS.get(name, "") if plain else ""
    hidden = KNOBS if plain else {"seed", "name"}
    if width_key:
        named = own["activation"] in (*ZERO_AT_ZERO, *LIFTING)
        hidden = hidden | ({width_key, "use_bias"} if named else {"use_bias"})
    shown = {
        key: value
        for key, value in own.items()
        if key not in hidden and not key.endswith("_initializer")
    }
    penalised = own.get("kernel_regularizer") is not None, own.get("bias_regularizer") is not None
    numbered = draws if random else -1
    return Layer(
        kind=canonical([name, _plain(shown), *penalised, numbered]),
        config=serialized,
        width=int(own[width_key]) if width_key else 0,
        bias=bool(own.get("use_bias", False)) if width_key else False,
        draws=draws,
        random=random,
        plain=plain,
    )


def _is_plain(own: Mapping[str, Any]) -> bool:
    """Whether a layer of this config treats a unit that is not there as if it were not there.

    A constraint, a penalty on outputs, or another penalty than L1 and L2 may look at all units.
    """
    settings = all(own.get(key, value) == value for key, value in PLAIN.items())
    penalties = [v for key, v in own.items() if key.endswith("_regularizer") and v is not None]
    usual = all(penalty["class_name"] in PENALTIES for penalty in penalties)
    unknown = [k for k in own if k.endswith("_constraint") or k in ODD]
    bent = own.get("threshold") and own.get("negative_slope")  # a ReLU that lifts 0
    return settings and usual and not bent and all(own[key] is None for key in unknown)


def _plain(value: Any) -> Any:
    """A config without the names of layers; those of types stay."""
    if isinstance(value, Mapping):
        hidden = {"name"} if "trainable" in value else set()
        return {str(key): _plain(own) for key, own in value.items() if key not in hidden}
    if isinstance(value, list | tuple):
        return [_plain(own) for own in value]
    return value if isinstance(value, str | int | float | bool | None) else repr(value)


@dataclass
class Slot:
    """One layer of a hull, with the layer of each model that sits in it.

    `width` is the widest so far; `places` maps a model's number to the index of its layer.
    """

    layer: Layer
    width: int
    places: dict[int, int] = field(default_factory=dict)


def aligned(models: Sequence[Sequence[Layer]]) -> list[Slot] | None:
    """The slots of a hull for all `models`; None where one model cannot be fitted in."""
    order = sorted(range(len(models)), key=lambda number: -len(models[number]))
    slots = [Slot(layer, layer.width, {}) for layer in models[order[0]]]
    for number in order:
        merged = joined(slots, models[number], number)
        if merged is None:
            return None
        slots = merged
    removed = [s for s in slots if len(s.places) < len(models) and not s.layer.removable]
    return None if removed else slots


def joined(slots: list[Slot], layers: Sequence[Layer], number: int) -> list[Slot] | None:
    """The slots with one more model in them: a cheapest alignment, by dynamic programming."""
    steps = _cheapest(slots, layers)
    if steps is None:
        return None
    result: list[Slot] = []
    for i, j in steps:
        if i is None and j is not None:
            result.append(Slot(layers[j], layers[j].width, {number: j}))
        elif i is not None:
            result.append(slots[i])
            if j is not None:
                slots[i].places[number] = j
                slots[i].width = max(slots[i].width, layers[j].width)
    return result


Step = tuple[int | None, int | None]


def _cheapest(slots: Sequence[Slot], layers: Sequence[Layer]) -> list[Step] | None:
    rows, columns = len(slots), len(layers)
    best = [[IMPOSSIBLE] * (columns + 1) for _ in range(rows + 1)]
    came: dict[tuple[int, int], tuple[int, int]] = {}
    best[0][0] = 0.0
    for i in range(rows + 1):
        for j in range(columns + 1):
            for cost, where in _moves(slots, layers, i, j):
                if best[i][j] + cost < best[where[0]][where[1]]:
                    best[where[0]][where[1]] = best[i][j] + cost
                    came[where] = (i, j)
    if best[rows][columns] == IMPOSSIBLE:
        return None
    steps: list[Step] = []
    at = (rows, columns)
    while at != (0, 0):
        before = came[at]
        steps.append(
            (
                before[0] if at[0] > before[0] else None,
                before[1] if at[1] > before[1] else None,
            )
        )
        at = before
    return steps[::-1]


def _moves(
    slots: Sequence[Slot], layers: Sequence[Layer], i: int, j: int
) -> list[tuple[float, tuple[int, int]]]:
    """Where an alignment can go from (i, j), at what cost: both, the slot alone, the layer alone.

    The first and the last layers sit in one slot each; the last one has one width.
    """
    moves = []
    ends = (i in (0, len(slots) - 1), j in (0, len(layers) - 1))
    if i < len(slots) and j < len(layers) and slots[i].layer.kind == layers[j].kind:
        last = i == len(slots) - 1, j == len(layers) - 1
        same = slots[i].width == layers[j].width and slots[i].layer.bias == layers[j].bias
        if last[0] == last[1] and (same or not last[0]):
            moves.append((0.0 if same else 0.01, (i + 1, j + 1)))
    if i < len(slots) and not ends[0] and slots[i].layer.removable:
        early = 1.2 - 0.2 * i / len(slots)  # to lack a late layer is cheaper: no gate is needed
        moves.append((early * OWN_COSTS.get(slots[i].layer.class_name, 1.0), (i + 1, j)))
    if j < len(layers) and not ends[1] and layers[j].removable:
        moves.append((OWN_COSTS.get(layers[j].class_name, 1.0), (i, j + 1)))
    return moves
