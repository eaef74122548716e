"""The claims of all topics, and the gallery of the README, from recorded runs.

    make gallery        writes docs/claims.md, docs/gallery/*.png and the README's gallery

`results/topics/` holds a compact copy of one run of each study (`run_suite.py archive`). Nothing is
trained; every figure and every word is worked out anew from what those runs recorded.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # to be run as a file, too

from suite.reading import Reading, read
from suite.report.drawing import Drawing
from suite.report.gallery import Gallery, gallery_of
from suite.report.vector import png_of
from suite.tables.claims import NOTE, SIGNS, claim_sentence

ROOT = Path(__file__).resolve().parents[1]
RECORDED = ROOT / "results" / "topics"
PICTURES = ROOT / "docs" / "gallery"
PAGE = ROOT / "docs" / "claims.md"
README = ROOT / "README.md"
BEGIN, END = "<!-- written by make gallery -->\n", "<!-- end of the gallery -->"
DPI = 108
"""Dots an inch of the pictures: one and a half for each pixel of the page."""


@dataclass(frozen=True)
class Topic:
    """A topic of the gallery.

    Attributes:
        name: in words.
        study: the recorded run.
        claim: the claim whose answer is told, from 1.
        drawing: how the name of the picture starts; "" for the claim's own.
    """

    name: str
    study: str
    claim: int
    drawing: str = ""


TOPICS = (
    Topic("Gradient descent", "gradient_descent", 2),
    Topic("Weight updates", "weight_updates", 1, "health-"),
    Topic("Vanishing and exploding gradients", "gradients", 1, "flow-"),
    Topic("Initialization", "initializers", 1),
    Topic("Learning rates", "learning_rates", 3, "interaction-"),
    Topic("Regularization", "regularization", 1),
    Topic("Dropout", "dropout", 1),
    Topic("Batch normalization", "batch_norm", 2),
    Topic("Tuning", "tuning", 1, "tuners-"),
)


def recorded() -> dict[str, Reading]:
    """The recorded runs by study, those of `TOPICS` first."""
    names = list(dict.fromkeys(topic.study for topic in TOPICS))
    more = sorted(path.name for path in RECORDED.iterdir() if path.name not in names)
    return {name: read(RECORDED / name) for name in (*names, *more)}


def pictures(galleries: dict[str, Gallery]) -> dict[str, bytes]:
    """File name -> picture: of every claim, and those that `TOPICS` name."""
    found = {}
    for study, gallery in galleries.items():
        for place, drawing in gallery.claims.items():
            found[claim_file(study, place)] = png_of(drawing, DPI)
    for topic in TOPICS:
        if topic.drawing:
            found[topic_file(topic)] = png_of(named(galleries[topic.study], topic.drawing), DPI)
    return found


def named(gallery: Gallery, start: str) -> Drawing:
    """The first drawing whose name starts so; KeyError where there is none."""
    for drawing in gallery:
        if drawing.name.startswith(start):
            return drawing
    raise KeyError(f"Expected a figure {start}*. Received: {[d.name for d in gallery]}.")


def claim_file(study: str, place: int) -> str:
    """The picture of a study's claim, `place` from 0."""
    return f"{study}-{place + 1}.png"


def topic_file(topic: Topic) -> str:
    """The picture of a topic."""
    if topic.drawing:
        return f"{topic.study}.png"
    return claim_file(topic.study, topic.claim - 1)


def claims_page(readings: dict[str, Reading], galleries: dict[str, Gallery]) -> str:
    """`docs/claims.md`."""
    lines = [
        "# Claims, and what the trials say of each",
        "",
        "Written by `make gallery` from the runs in `results/topics/`; each claim was declared in",
        "its study before the trials were run. " + NOTE,
        "",
    ]
    for name, reading in readings.items():
        lines += [f"## {name}", "", reading.study.question, "", facts(reading), ""]
        for place, row in enumerate(reading.claims.to_dict("records")):
            lines += [f"### {SIGNS[row['answer']]} {row['claim']}", ""]
            lines += [f"{capital(claim_sentence(row, reading.metrics))}.", ""]
            if place in galleries[name].claims:
                lines += [f"![{row['claim']}](gallery/{claim_file(name, place)})", ""]
    return "\n".join(lines)


def facts(reading: Reading) -> str:
    """What was run, in a line."""
    words = [*reading.run["command"]]
    preset = words[words.index("--preset") + 1] if "--preset" in words else "standard"
    tasks = ", ".join(f"`{name}`" for name in reading.run["tasks"])
    command = f"`python run_suite.py --study {reading.study.name} --preset {preset}`"
    return f"{command}: {tasks}, {len(reading.outcomes):,} trials."


def readme_rows(readings: dict[str, Reading]) -> Iterator[str]:
    """The gallery of the README: a topic a row."""
    yield "| topic | what was found | |"
    yield "| --- | --- | --- |"
    for topic in TOPICS:
        reading = readings[topic.study]
        row: dict[Any, Any] = reading.claims.to_dict("records")[topic.claim - 1]
        said = f"*{row['claim']}*: {claim_sentence(row, reading.metrics)}."
        image = f"![{topic.name}](docs/gallery/{topic_file(topic)})"
        yield f"| **{topic.name}** `{topic.study}` | {cell(said)} | {image} |"


def cell(text: str) -> str:
    """Text for a cell of a table in Markdown."""
    return text.replace("|", "\\|")


def capital(text: str) -> str:
    """The text with a capital letter."""
    return text[:1].upper() + text[1:]


def with_gallery(readme: str, rows: str) -> str:
    """The README, its gallery replaced."""
    start, end = readme.index(BEGIN) + len(BEGIN), readme.index(END)
    return f"{readme[:start]}{rows}\n{readme[end:]}"


def main() -> None:
    """Write page, pictures and gallery."""
    readings = recorded()
    galleries = {name: gallery_of(reading) for name, reading in readings.items()}
    PICTURES.mkdir(exist_ok=True)
    made = pictures(galleries)
    for path in PICTURES.glob("*.png"):
        if path.name not in made:
            path.unlink()
    for name, content in made.items():
        (PICTURES / name).write_bytes(content)
    PAGE.write_text(claims_page(readings, galleries), encoding="utf-8")
    text = README.read_text(encoding="utf-8")
    README.write_text(with_gallery(text, "\n".join(readme_rows(readings))), encoding="utf-8")
    print(f"{PAGE}: {sum(len(own.claims) for own in readings.values())} claims")


if __name__ == "__main__":
    main()
