"""The figures of a report as files, for papers and slides."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from suite.errors import unknown
from suite.files import write_whole
from suite.reading import Reading
from suite.report.drawing import Drawing
from suite.report.gallery import gallery_of
from suite.report.vector import png_of, svg_of

FORMATS: Mapping[str, Callable[[Drawing], bytes]] = {
    "svg": lambda drawing: svg_of(drawing).encode(),
    "png": png_of,
}


def write_figures(reading: Reading, folder: Path, formats: Sequence[str] = ("svg", "png")) -> None:
    """Write every figure as `<name>.<format>` into `folder`, in plain light colours.

    Raises UsageError for a format that is none of `FORMATS`.
    """
    write_drawings(gallery_of(reading), folder, formats)


def write_drawings(drawings: Iterable[Drawing], folder: Path, formats: Sequence[str]) -> None:
    """Write figures that have been drawn."""
    for name in formats:
        if name not in FORMATS:
            raise unknown("format of figures", name, FORMATS)
    folder.mkdir(parents=True, exist_ok=True)
    for drawing in drawings:
        for name in formats:
            write_whole(folder / f"{drawing.name}.{name}", FORMATS[name](drawing))
