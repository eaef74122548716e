"""Hulls: one model that can stand for every model of several families.

A hull has every layer that one of the families has, as wide as the widest. A narrower model is the
hull with zeros around its weights; a layer that a model lacks is stepped over. Both are numbers (a
mask, a flag), so families of different structure become one, and compile once.

Zeros stay zeros: a unit without weights puts out 0 (where its activation does not send 0 to 0, a
mask does), so no gradient reaches it or comes from it, and no optimizer moves it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from suite.blueprint import (
    Blueprint,
    blueprint_of,
    compiled_structure,
    dropouts,
    functions,
    hides,
    penalised,
)
from suite.families import Family, Member, varying_of
from suite.skeleton import (
    DROPOUT,
    ELEMENTWISE,
    NORMALIZATION,
    TRANSPARENT,
    WIDTHS,
    ZERO_AT_ZERO,
    Layer,
    Slot,
    aligned,
    joined,
    layers_of,
)
from suite.trial import canonical
from suite.weights import Padded, Start, draws_numbers, recorded_initializers

Mask = NDArray[np.bool_]

NAMES = ("SGD", "RMSprop", "Adam", "AdamW", "Nadam", "Adagrad", "Adadelta", "Adamax", "Lion")
BY_NUMBER = [getattr(keras.optimizers, name) for name in NAMES]
"""Optimizers that move every number by its own gradient alone: zeros around it change nothing."""


class Misfit(Exception):  # noqa: N818  # no error: a finding, handled by whoever merges
    """These families have no common hull; each keeps its own program."""


def mergeable(family: Family) -> str | None:
    """What families must share to be merged at all; None where one cannot be merged."""
    model = family.template.model
    if type(model) is not keras.Sequential or not model.built:
        return None
    if type(model.optimizer) not in BY_NUMBER or hides(model) or functions(model):
        return None
    try:
        layers = skeleton(model)
        compiled = compiled_structure(model)
    except (NotImplementedError, TypeError, ValueError, KeyError):  # something has no config
        return None
    known = {*WIDTHS, *ELEMENTWISE, *TRANSPARENT, DROPOUT, NORMALIZATION}
    fixed = [layer.kind for layer in layers if layer.class_name not in known or not layer.plain]
    return canonical([compiled, family.template.batch_size, layers[0].kind, fixed])


def skeleton(model: keras.Model) -> list[Layer]:
    """The layers of a sequential model."""
    drawing = [sum(map(draws_numbers, layer._flatten_layers())) for layer in model._layers]
    return layers_of(model.get_config(), drawing)


@dataclass
class Fitting:
    """How one family sits in a hull.

    Attributes:
        sources: for each weight of the hull, the family's weight it holds (None: it has none) and
            where along each axis.
        flags: the hull's own knobs: "present/3" and "bias/3" of a layer, "live/3" of its units.
        knobs: hull's knob -> the family's knob.
    """

    sources: list[tuple[int | None, tuple[NDArray[np.int64], ...]]]
    flags: dict[str, float | NDArray[np.float32]]
    knobs: dict[str, str]


class Hull:
    """One model for `families`, which are `mergeable` and of one kind; raises Misfit if none is."""

    def __init__(self, families: Sequence[Family]) -> None:
        self.skeletons = [skeleton(family.template.model) for family in families]
        slots = aligned(self.skeletons)
        if slots is None:
            raise Misfit("their layers cannot be aligned")
        self.slots = slots
        numbers = range(len(families))
        self.exits = sorted({self.exit_of(number) for number in numbers})
        self.gated = {i for number in numbers for i in self.lacking(number)}
        self.layers: list[Any] = []  # one a slot
        try:
            self.blueprint = self._blueprint(families[0].template)
        except Misfit:
            raise
        except Exception as error:  # a class of the user's own that no config brings back
            raise Misfit(str(error)) from error
        self._members: list[Member] = []
        for number, family in enumerate(families):
            fitting = Seating(self, number, family.template.model).fitting()
            self._members += [seated(member, fitting, self.blueprint) for member in family.members]

    @staticmethod
    def kind(family: Family) -> str:
        """The kinds of a family's layers in their order."""
        return canonical([layer.kind for layer in skeleton(family.template.model)])

    def family(self) -> Family:
        """The families' members as members of one family."""
        return Family(self.blueprint, self._members, varying_of(self._members))

    def seat(self, family: Family) -> list[Member]:
        """The members of a later family in this hull as it is; raises Misfit if it is too small."""
        before = self.slots, self.skeletons
        number, layers = len(self.skeletons), skeleton(family.template.model)
        grown = joined([replace(s, places=dict(s.places)) for s in self.slots], layers, number)
        widths = [slot.width for slot in self.slots]
        if grown is None or [slot.width for slot in grown] != widths:
            raise Misfit("a layer that the hull lacks")
        self.slots, self.skeletons = grown, [*self.skeletons, layers]
        try:
            fitting = Seating(self, number, family.template.model).fitting()
        except Misfit:
            self.slots, self.skeletons = before
            raise
        return [seated(member, fitting, self.blueprint) for member in family.members]

    def exit_of(self, number: int) -> int:
        """The slot of a family's last layer before the output layer."""
        return max(i for i, slot in enumerate(self.slots[:-1]) if number in slot.places)

    def lacking(self, number: int) -> list[int]:
        """The slots before its exit that a family has to step over."""
        inner = range(self.exit_of(number))
        return [i for i in inner if number not in self.slots[i].places and not self._drops(i)]

    def _drops(self, slot: int) -> bool:
        """Whether a slot holds dropout, which a rate of 0 steps over."""
        return self.slots[slot].layer.class_name == DROPOUT

    def _blueprint(self, template: Blueprint) -> Blueprint:
        with recorded_initializers() as initializers:
            model = self._model()
            config = keras.saving.deserialize_keras_object(
                template.model.get_compile_config(), safe_mode=True
            )
            model.compile(**config)
        layers = [slot.layer for slot in self.slots]
        drawing = tuple(own.draws + i for own in layers for i in range(own.random))
        return blueprint_of(model, initializers, {}, template.batch_size, drawing)

    def _model(self) -> keras.Model:
        """The slots' layers one after the other; the last one sees all exits side by side.

        A model that is shallower than the hull leaves by an exit of its own: the tap there lets its
        features through, the other taps are shut.
        """
        self.layers = [keras.layers.deserialize(self._config(self.slots[0], 0))]
        tensors = [self.layers[0].output]
        for number, slot in enumerate(self.slots[1:-1], start=1):
            if slot.width and number in self.gated:  # what steps over it must find room
                slot.width = max(slot.width, int(tensors[-1].shape[-1] or 0))
            self.layers.append(keras.layers.deserialize(self._config(slot, number)))
            tensors.append(self.layers[-1](tensors[-1]))
        features = tensors[-1]
        if len(self.exits) > 1:
            if any(len(tensors[i].shape) != 2 for i in self.exits):
                raise Misfit("exits that are no vectors")
            taps = [keras.layers.Identity(name=f"tap_{i}")(tensors[i]) for i in self.exits]
            features = keras.layers.Concatenate(name="exits")(taps)
        self.layers.append(
            keras.layers.deserialize(self._config(self.slots[-1], len(self.slots) - 1))
        )
        return keras.Model(tensors[0], self.layers[-1](features))

    def _config(self, slot: Slot, number: int) -> dict[str, Any]:
        config = {key: v for key, v in slot.layer.config.items() if key != "build_config"}
        own = {**config["config"], "name": f"slot_{number}"}
        if slot.width:
            own[WIDTHS[slot.layer.class_name]] = slot.width
            own["use_bias"] = any(self.at(slot, n).bias for n in slot.places)
        if slot.layer.class_name == DROPOUT:
            own["rate"] = max(self.at(slot, n).config["config"]["rate"] for n in slot.places)
        return {**config, "config": own}

    def at(self, slot: Slot, family: int) -> Layer:
        """The layer of a family that sits in a slot."""
        return self.skeletons[family][slot.places[family]]


class Seating:
    """Walks one family's model through a hull, keeping track of which features are its own."""

    def __init__(self, hull: Hull, number: int, model: keras.Model) -> None:
        self.hull = hull
        self.number = number
        self.own = model
        self.model = hull.blueprint.model
        self.flags: dict[str, float | NDArray[np.float32]] = {}
        self.sources: dict[int, tuple[int | None, tuple[NDArray[np.int64], ...]]] = {}
        self.knobs: dict[str, str] = {}
        self._position = {id(v): i for i, v in enumerate(self.own.weights)}

    def fitting(self) -> Fitting:
        """Where everything of the family sits; raises Misfit where something does not."""
        hull = self.hull
        if hull.exit_of(self.number) not in hull.exits:
            raise Misfit("an exit that the hull lacks")
        if not set(hull.lacking(self.number)) <= hull.gated:
            raise Misfit("a layer that cannot be stepped over")
        shape = tuple(hull.layers[0].batch_shape[1:])
        if None in shape:
            raise Misfit("rows of varying length")
        lives: list[Mask] = [np.ones(shape, bool)]
        for index in range(1, len(hull.slots) - 1):
            lives.append(self._step(index, lives[-1]))
        if not self._step(len(hull.slots) - 1, self._exit(lives)).all():
            raise Misfit("outputs of different width")
        self._pair_knobs()
        order = [self.sources[id(v)] for v in self.model.weights]
        if len(self._position) != sum(source is not None for source, _ in order):
            raise Misfit("a weight that the hull lacks")
        return Fitting(order, self.flags, self.knobs)

    def _exit(self, lives: list[Mask]) -> Mask:
        """Which features of the output layer's input are the family's own."""
        exits, own = self.hull.exits, self.hull.exit_of(self.number)
        if len(exits) == 1:
            return lives[-1]
        for i in exits:
            self.flags[f"live/tap_{i}"] = float(i == own)
        return np.concatenate([lives[i] if i == own else np.zeros_like(lives[i]) for i in exits])

    def _step(self, index: int, live: Mask) -> Mask:
        slot, layer = self.hull.slots[index], self.hull.layers[index]
        place = slot.places.get(self.number)
        after = self._after(index, live)
        if index in self.hull.gated:
            self.flags[f"present/slot_{index}"] = float(place is not None)
        if slot.width and layer.use_bias:
            biased = place is not None and self.hull.at(slot, self.number).bias
            self.flags[f"bias/slot_{index}"] = float(biased)
        self._weights(layer, place, live, after)
        if _needs_mask(slot.layer):
            self.flags[f"live/slot_{index}"] = after.astype(np.float32)
        return after

    def _after(self, index: int, live: Mask) -> Mask:
        """Which of a layer's outputs are the family's own."""
        slot = self.hull.slots[index]
        shape = tuple(self.hull.layers[index].output.shape[1:])
        name = slot.layer.class_name
        if not slot.layer.plain and not live.all():
            raise Misfit(f"{name} over units that some models lack")
        if index > self.hull.exit_of(self.number) and self.number not in slot.places:
            return np.zeros(shape, bool)
        if slot.width:
            own = slot.places.get(self.number)
            channels = _channels(live)
            count = int(channels.sum()) if own is None else self.hull.at(slot, self.number).width
            wide = np.arange(shape[-1]) < count
            if own is None:  # what comes in goes on, with zeros behind it
                wide = np.pad(channels, (0, shape[-1] - len(channels)))
            return np.broadcast_to(wide, shape).copy()
        if name == "Flatten":
            return live.reshape(shape)
        if name in TRANSPARENT:
            return np.broadcast_to(_channels(live), shape).copy()
        if name in (DROPOUT, NORMALIZATION) or name in ELEMENTWISE:
            if not slot.layer.by_unit and not live.all():
                raise Misfit("an activation over units that some models lack")
            return live
        if not live.all():
            raise Misfit(f"{name} over units that some models lack")
        return np.ones([size or 1 for size in shape], bool)

    def _weights(self, layer: Any, place: int | None, live: Mask, after: Mask) -> None:
        own = self.own._layers[place] if place is not None else None
        named = {v.name: v for v in own.weights} if own is not None else {}
        for position, variable in enumerate(layer.weights):
            source = named.get(variable.name)
            if own is not None and len(own.weights) == len(layer.weights):
                source = own.weights[position]
            index = _index(variable, live, after)
            if source is None:
                self.sources[id(variable)] = (None, ())
                continue
            if tuple(map(len, index)) != tuple(source.shape):
                raise Misfit(f"{variable.name} of {source.shape} in {variable.shape}")
            self.sources[id(variable)] = (self._position[id(source)], index)

    def _pair_knobs(self) -> None:
        """Which of the family's dropout layers and penalties are which of the hull's."""
        pairs = {
            id(self.hull.layers[i]): self.own._layers[slot.places[self.number]]
            for i, slot in enumerate(self.hull.slots)
            if self.number in slot.places
        }
        own_rates = {id(layer): i for i, layer in enumerate(dropouts(self.own))}
        for i, layer in enumerate(dropouts(self.model)):
            if id(layer) in pairs:
                self.knobs[f"rate/{i}"] = f"rate/{own_rates[id(pairs[id(layer)])]}"
        weights = self.own.weights
        own_penalties = {id(v): i for i, v in enumerate(penalised(self.own))}
        for i, variable in enumerate(penalised(self.model)):
            source = self.sources[id(variable)][0]
            if source is not None:
                for kind in ("l1", "l2"):
                    self.knobs[f"{kind}/{i}"] = f"{kind}/{own_penalties[id(weights[source])]}"


def seated(member: Member, fitting: Fitting, blueprint: Blueprint) -> Member:
    """`member` as a member of the hull that `fitting` and `blueprint` belong to."""
    knobs: dict[str, Any] = {}
    for name, constant in blueprint.knobs.items():
        if "/" not in name:
            knobs[name] = member.knobs[name]
        elif name in fitting.knobs:
            knobs[name] = member.knobs[fitting.knobs[name]]
        else:  # a layer that this model lacks
            knobs[name] = 0.0 if name.startswith("rate/") else constant
    starts = [
        _padded(member.starts[source] if source is not None else None, index, own)
        for (source, index), own in zip(fitting.sources, blueprint.starts, strict=True)
    ]
    order = [source for source, _ in fitting.sources]
    return Member(member.trial, {**knobs, **fitting.flags}, starts, member.parts, order)


def _padded(start: Any, index: tuple[NDArray[np.int64], ...], own: Start) -> Start:
    """`start` in the shape of the hull's own, zeros around it.

    Zeros also for what starts at another constant: a unit of no weight has no bias, and no scale.
    """
    if start is not None and tuple(start.shape) == tuple(own.shape):
        whole: Start = start
        return whole
    return Padded(start, index, np.zeros(own.shape, own.dtype))


def _needs_mask(layer: Layer) -> bool:
    """Dropout numbers its units; an activation that lifts 0 must not lift units of no weight."""
    if layer.class_name == DROPOUT:
        return True
    lifts = layer.class_name in (*WIDTHS, "Activation") and layer.activation not in ZERO_AT_ZERO
    return lifts and layer.by_unit


def _channels(live: Mask) -> Mask:
    """The live channels, shape (channels,); every place must have the same."""
    rows = live.reshape(-1, live.shape[-1])
    if not (rows == rows[0]).all():
        raise Misfit("channels that differ from place to place")
    first: Mask = rows[0]
    return first


def _index(variable: Any, live: Mask, after: Mask) -> tuple[NDArray[np.int64], ...]:
    """Where along each axis of the hull's variable the family's own weight sits."""
    shape = tuple(variable.shape)
    if len(shape) >= 2 and variable.name == "kernel":
        ends = (np.flatnonzero(_channels(live)), np.flatnonzero(_channels(after)))
        if shape[-2:] == (live.shape[-1], after.shape[-1]):
            return (*(np.arange(size) for size in shape[:-2]), *ends)
    if len(shape) == 1 and after.ndim and shape[0] == after.shape[-1] and not after.all():
        return (np.flatnonzero(_channels(after)),)
    return tuple(np.arange(size) for size in shape)


def fits(member: Member, family: Family) -> bool:
    """Whether the constants of the family's program are also `member`'s."""
    sample: Mapping[str, Any] = family.members[0].knobs
    return set(sample) == set(member.knobs) and all(
        name in family.varying or np.array_equal(value, sample[name])
        for name, value in member.knobs.items()
    )
