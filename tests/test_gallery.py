"""The gallery and the page of claims say what the recorded runs say."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def made():
    """`docs/gallery.py`, the recorded runs, and their figures."""
    spec = importlib.util.spec_from_file_location("docs_gallery", ROOT / "docs" / "gallery.py")
    module = sys.modules["docs_gallery"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    readings = module.recorded()
    return module, readings, {name: module.gallery_of(own) for name, own in readings.items()}


def test_readme_and_page_are_what_the_recorded_runs_say(made):
    """Every word and number of both."""
    module, readings, galleries = made
    text = module.README.read_text(encoding="utf-8")
    rows = "\n".join(module.readme_rows(readings))
    assert module.with_gallery(text, rows) == text
    assert module.claims_page(readings, galleries) == module.PAGE.read_text(encoding="utf-8")


def test_every_picture_is_there_and_no_other(made):
    """Those of all claims, and those of the topics."""
    module, _, galleries = made
    asked = {module.topic_file(topic) for topic in module.TOPICS}
    asked |= {module.claim_file(name, i) for name, own in galleries.items() for i in own.claims}
    assert {path.name for path in module.PICTURES.glob("*.png")} == asked


def test_every_topic_of_the_notes_has_its_study(made):
    """Nine of them, and every shipped study but the technique matrix was recorded."""
    from suite.studyfiles import shipped

    module, readings, _ = made
    assert len(module.TOPICS) == 9
    assert {*readings} == {*shipped()} - {"techniques"}
