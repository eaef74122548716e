"""Charts of health: what they show, what they say, and that they are not there without health."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from planted import planted
from recorded import planted_folder
from unwell import health, looked_into

from suite.health import Health
from suite.reading import read
from suite.report.charts.heat import FLOOR, MOST, heat_charts, scale_of
from suite.report.drawing import WIDTH, styled
from suite.report.gallery import gallery_of
from suite.report.page import page
from suite.report.vector import svg_of


@pytest.fixture(scope="module")
def reading(tmp_path_factory):
    """A planted matrix whose trainings were looked into."""
    outcomes = looked_into(planted({"batch_norm": 0.03}, seeds=2))
    return read(planted_folder(tmp_path_factory.mktemp("inside"), outcomes))


@pytest.fixture(scope="module")
def drawings(reading):
    """By name, those of the inside of its task."""
    return {drawing.name: drawing for drawing in gallery_of(reading).inside["churn"]}


def test_the_flow_is_drawn_for_the_factor_that_changes_it(drawings):
    """Batch normalization; L2 changes nothing here, and saturated units have no number."""
    assert list(drawings) == ["flow-churn-1", "health-churn-1", "health-churn-2"]
    flow = drawings["flow-churn-1"]
    assert flow.title.endswith("batch_norm")
    assert "is 1/10,000 with batch_norm off, 0.1 with batch_norm on" in flow.note
    tips = set(flow.tips.values())
    assert "batch_norm off, epoch 4: dense 1 1.0e-04, dense 2 1" in tips
    assert "best recipe, epoch 1: dense 1 0.1, dense 2 1" in tips
    assert not any("batch_normalization" in tip for tip in tips)


def test_a_cell_says_what_it_is(drawings):
    """Layer, epoch and figure; no cell where there is no number."""
    cells = drawings["health-churn-1"].tips
    assert cells["gradient0-3"] == "dense 1, epoch 4: 0.1"
    assert cells["update1-0"] == "dense 2, epoch 1: 0.001"
    assert set(drawings["health-churn-2"].tips) == {f"dead0-{j}" for j in range(4)}


def test_drawings_are_narrow_and_their_words_fit(drawings):
    """As wide as every chart; every text begins and ends within the figure."""
    for drawing in drawings.values():
        figure = drawing.figure
        with styled():
            figure.canvas.draw()
            assert figure.bbox.width == pytest.approx(WIDTH)
            for text in figure.findobj(lambda own: hasattr(own, "get_text") and own.get_text()):
                box = text.get_window_extent()
                assert box.x0 >= -1, text
                assert box.x1 <= WIDTH + 1, text


def test_every_tip_is_in_the_picture(drawings):
    """A part of that id is drawn."""
    for drawing in drawings.values():
        svg = svg_of(drawing)
        assert all(f'id="{gid}"' in svg for gid in drawing.tips)


def test_the_page_has_them_under_a_heading_of_their_own(reading):
    """And the table below."""
    html = page(reading, gallery_of(reading))
    assert "Inside the trainings" in html
    assert "health: gradients and units by level and layer" in html


def test_runs_without_health_lack_them(tmp_path):
    """Older records, and studies that do not look: no charts, no table, no heading."""
    found = read(planted_folder(tmp_path, planted({}, seeds=2)))
    gallery = gallery_of(found)
    assert gallery.inside == {"churn": []}
    assert "Inside the trainings" not in page(found, gallery)
    assert "health" not in {table.name for table in found.tables()}


def test_a_run_that_was_looked_into_in_part_has_them(tmp_path):
    """Trials from before diagnostics were on stand beside others."""
    outcomes = planted({}, seeds=2)
    half = [*looked_into(outcomes[:12]), *outcomes[12:]]
    found = read(planted_folder(tmp_path, half))
    table = next(table for table in found.tables() if table.name == "health")
    assert table.full["trials"].max() == 6
    assert gallery_of(found).inside["churn"]


@pytest.mark.parametrize(("epochs", "layers"), [(1, 2), (100, 2), (3, 60)])
def test_many_layers_and_epochs_are_thinned(epochs, layers):
    """The first and the last are there, and `MOST` at most."""
    grid = tuple((0.1 * (i + 1),) * epochs for i in range(layers))
    share = tuple((0.5,) * epochs for _ in range(layers))
    names = tuple(f"dense {i + 1}" for i in range(layers))
    seen = Health(names, grid, grid, grid, share, share)
    for drawing in heat_charts("x", [seen]):
        svg_of(drawing)
        assert len(drawing.tips) == 2 * min(MOST, epochs) * min(MOST, layers)
        last = f"dense {layers}, epoch {epochs}: "
        assert sum(tip.startswith(last) for tip in drawing.tips.values()) == 2


def test_a_gradient_of_nothing_has_a_colour():
    """Norms of 0 are the end of the scale, and said to be so."""
    none = ((0.0,) * 4, (1.0,) * 4)
    own = health(False, 0)
    seen = Health(own.layers, none, own.weight, own.update, own.dead, own.saturated)
    drawing = next(heat_charts("x", [seen]))
    assert drawing.tips["gradient0-0"] == "dense 1, epoch 1: below 1.0e-12"


def test_scales_do_not_make_much_of_little():
    """A decade at least; shares from 0 to a round number."""
    narrow = scale_of(np.array([[0.1, 0.11]]), log=True)
    assert narrow.high - narrow.low == pytest.approx(1.0)
    assert {narrow.step(0.1), narrow.step(0.11)} == {3}
    assert scale_of(np.array([[0.02, np.nan]]), log=False).high == 0.1
    assert scale_of(np.array([[0.26]]), log=False).ends == ("0%", "50%")
    assert scale_of(np.array([[0.0, 1.0]]), log=True).ends[0] == f"below {FLOOR:.1e}"


def test_figures_are_written_with_the_others(reading, tmp_path):
    """As SVG and PNG."""
    from suite.report.files import write_drawings

    write_drawings(gallery_of(reading), tmp_path, ("svg", "png"))
    names = {path.name for path in Path(tmp_path).iterdir()}
    assert {"flow-churn-1.svg", "health-churn-1.png"} <= names
