"""How many members train at once on one device: found by trying, on real trials."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

WORTH = 0.1
"""Share of the remaining time that a better width is hoped to save; compiling it must cost less."""

WARM_BYTES = 8 * 2**20
"""What the first width tried keeps busy: a few times the nearest caches of one core."""


@dataclass
class WidthSearch:
    """Hill climbing over powers of two; every try trains trials that had to be trained anyway.

    Attributes:
        start: the first width tried.
        seconds: width -> seconds a member and epoch took at that width.
        limit: the widest that fits the memory budget, as far as is known.
        compile_seconds: what the last program took to compile.
    """

    start: int
    seconds: dict[int, float] = field(default_factory=dict)
    limit: int = 2**20
    compile_seconds: float = math.inf

    @classmethod
    def for_bytes(cls, member_bytes: int, warm_bytes: int = WARM_BYTES) -> WidthSearch:
        """Start where the members' state and activations together fit `warm_bytes`."""
        ratio = max(1.0, warm_bytes / max(1, member_bytes))
        return cls(start=min(256, 2 ** int(math.log2(ratio))))

    def learn(self, width: int, seconds: float) -> None:
        """Take note of what a member and epoch cost at `width`; the better of two tries counts."""
        self.seconds[width] = min(seconds, self.seconds.get(width, math.inf))

    def cap(self, width: int) -> None:
        """Never go above `width` again: more does not fit the memory budget."""
        self.limit = max(1, width)

    def width(self, remaining: int, epochs: int) -> int:
        """The width for the next members, of which `remaining` are left for this device."""
        if not self.seconds:
            return min(self.start, self.limit)
        best = min(self.seconds, key=lambda width: self.seconds[width])
        hoped = WORTH * self.seconds[best] * epochs * remaining
        if hoped > self.compile_seconds:
            for candidate in (best * 2, best // 2):
                fits = 1 <= candidate <= min(self.limit, remaining)
                if fits and candidate not in self.seconds:
                    return candidate
        return min(best, self.limit)
