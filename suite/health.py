"""Health: what a training looked like from inside, layer by layer and epoch by epoch."""

from __future__ import annotations

import binascii
import math
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, overload

Number = float | None
Row = tuple[Number, ...]
Grid = Sequence[Row]
"""One row a layer, one column an epoch; None where there is no (finite) number."""

DIGITS = 4
"""Significant digits that are recorded."""
MEASURES = ("gradient", "weight", "update", "dead", "saturated")


@dataclass(frozen=True, slots=True, init=False)
class Health:
    """What the probe saw at the end of every epoch, on the same rows of train each time.

    Attributes:
        layers: the layers with weights that are trained, from the input on: "dense 1", "conv2d 2".
        held: the five grids as `Packed` holds them, one behind the other; the record of a hundred
            thousand trainings is in memory as a whole.
    """

    layers: tuple[str, ...]
    held: bytes

    def __init__(
        self,
        layers: Sequence[str],
        gradient: Grid,
        weight: Grid,
        update: Grid,
        dead: Grid,
        saturated: Grid,
    ) -> None:
        grids = [packed(own) for own in (gradient, weight, update, dead, saturated)]
        shapes = sorted({(own.layers, own.epochs) for own in grids})
        if len(shapes) > 1 or shapes[0][0] != len(layers):
            raise ValueError(f"Expected grids of {len(layers)} layers. Received: {shapes}.")
        object.__setattr__(self, "layers", _same(tuple(layers)))
        object.__setattr__(self, "held", b"".join(own.held for own in grids))

    @property
    def gradient(self) -> Grid:
        """Norm of the loss's gradient with respect to a layer's weights; neither penalties nor
        clipping are in it.
        """
        return self._grid(0)

    @property
    def weight(self) -> Grid:
        """Norm of a layer's weights."""
        return self._grid(1)

    @property
    def update(self) -> Grid:
        """Norm of the step that the optimizer would take on the probe (penalties, clipping and
        decay included), over `weight`.
        """
        return self._grid(2)

    @property
    def dead(self) -> Grid:
        """Share of a layer's units whose activation is the same on every row; None where no
        activation that can tell follows.
        """
        return self._grid(3)

    @property
    def saturated(self) -> Grid:
        """Share of a layer's (row, unit) pairs where the activation's slope is below a tenth of
        its steepest; None as in `dead`.
        """
        return self._grid(4)

    def _grid(self, number: int) -> Packed:
        size = len(self.held) // len(MEASURES)
        return Packed(self.held[number * size : (number + 1) * size], len(self.layers))

    @property
    def epochs(self) -> int:
        """How many epochs were probed."""
        return self._grid(0).epochs

    def until(self, epochs: int) -> Health:
        """The first `epochs` of it."""
        if epochs >= self.epochs:
            return self
        cut = ([row[:epochs] for row in getattr(self, name)] for name in MEASURES)
        return Health(self.layers, *cut)

    def content(self) -> dict[str, Any]:
        """As JSON can hold it: grids packed, which a record is read three times as fast with."""
        return {"layers": [*self.layers], **{name: getattr(self, name).text for name in MEASURES}}


def health_from(content: Mapping[str, Any]) -> Health:
    """What `Health.content` gave, read back; grids are unpacked when they are asked for."""
    layers = content["layers"]
    texts = (binascii.a2b_base64(content[name]) for name in MEASURES)
    return Health(layers, *(Packed(shortened(text), len(layers)) for text in texts))


@lru_cache(maxsize=1024)
def _same(layers: tuple[str, ...]) -> tuple[str, ...]:
    """One object for all trainings that have these layers: a record has a hundred thousand."""
    return layers


class Packed(Sequence[Row]):
    """A grid as 32-bit numbers, row by row, the lower half of their digits cut off.

    The lowest byte of each is 0 and not held: a record of a hundred thousand trainings takes much.

    numpy takes it as it is: `np.array(grid, float)` has NaN where a row has None.

    Args:
        held: little-endian, three bytes a number (`shortened`).
        layers: how many rows there are.
    """

    __slots__ = ("epochs", "held", "layers")

    def __init__(self, held: bytes, layers: int) -> None:
        self.held = held
        self.layers = layers
        self.epochs = len(held) // (3 * layers) if layers else 0

    def __len__(self) -> int:
        return self.layers

    @overload
    def __getitem__(self, place: int) -> Row: ...
    @overload
    def __getitem__(self, place: slice) -> Grid: ...
    def __getitem__(self, place: int | slice) -> Row | Grid:
        if isinstance(place, slice):
            return tuple(self[i] for i in range(*place.indices(self.layers)))
        start = 4 * self.epochs * range(self.layers)[place]
        row = struct.unpack_from(f"<{self.epochs}f", whole(self.held), start)
        return tuple(map(rounded, row))

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Packed):
            return (self.layers, self.held) == (other.layers, other.held)
        return isinstance(other, Sequence) and tuple(self) == tuple(other)

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        """The numbers, shape (layers, epochs); always a copy."""
        import numpy as np  # noqa: PLC0415  # the record is read without it where nobody asks

        numbers = np.frombuffer(whole(self.held), "<f4").reshape(self.layers, self.epochs)
        return numbers.astype(dtype or float)

    @property
    def text(self) -> str:
        """Base64."""
        return binascii.b2a_base64(whole(self.held), newline=False).decode()


def shortened(content: bytes) -> bytes:
    """32-bit numbers, little-endian, without their lowest bytes."""
    short = bytearray(content)
    del short[::4]
    return bytes(short)


def whole(held: bytes) -> bytearray:
    """32-bit numbers, little-endian, from what `Packed` holds of them."""
    content = bytearray(len(held) // 3 * 4)
    for place in range(3):
        content[place + 1 :: 4] = held[place::3]
    return content


CUT = 9
"""Bits cut off: 14 are left behind the first one, enough for `DIGITS` digits to come back."""


def packed(rows: Grid) -> Packed:
    """A grid packed.

    >>> packed(((0.1234, None), (1e-12, 5e9)))[0], packed(((0.5,), (0.25,))).text
    ((0.1234, None), 'AAAAPwAAgD4=')
    """
    if isinstance(rows, Packed):
        return rows
    values = [math.nan if value is None else value for row in rows for value in row]
    size = len(values)
    exact = struct.unpack(f"<{size}I", struct.pack(f"<{size}f", *values))
    short = ((own + (1 << (CUT - 1))) >> CUT << CUT for own in exact)
    return Packed(shortened(struct.pack(f"<{size}I", *short)), len(rows))


def grid(rows: Sequence[Sequence[float]]) -> Grid:
    """Rounded to `DIGITS` digits; None for what is not finite."""
    return tuple(tuple(rounded(value) for value in row) for row in rows)


def rounded(value: float) -> Number:
    """`value` to `DIGITS` significant digits; None where it is not finite.

    >>> rounded(123456.0), rounded(0.00123456), rounded(float("nan"))
    (123500.0, 0.001235, None)
    """
    return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None
