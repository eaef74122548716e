"""A compact copy of a results folder reads like the folder it was made of."""

from __future__ import annotations

import gzip
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from planted import planted
from recorded import planted_folder

import suite
from suite.archive import archive
from suite.errors import RecordError, UsageError
from suite.store import Store


@pytest.fixture
def original(tmp_path):
    """A results folder whose trials have curves."""
    outcomes = [replace(o, curves={"val_loss": [0.123456789, 0.1]}) for o in planted({}, seeds=8)]
    return planted_folder(tmp_path / "original", outcomes, seeds=8)


def test_a_copy_says_what_the_original_says(original, tmp_path):
    """The same trials, figures and verdicts; only curves are rounded, to four digits."""
    archive(original, tmp_path / "copy")
    one, two = (suite.load_results(tmp_path / name) for name in ("original", "copy"))
    order = ["trial"]
    pd.testing.assert_frame_equal(
        one.dataframe().sort_values(order, ignore_index=True),
        two.dataframe().sort_values(order, ignore_index=True),
    )
    pd.testing.assert_frame_equal(one.verdicts(), two.verdicts())
    assert set(two.curves()["value"]) == {0.1235, 0.1}
    assert set(one.compare(two).tasks["change"]) == {"identical"}


def test_a_copy_is_the_same_every_time(original, tmp_path):
    """Byte by byte: a copy that was not changed makes no change in a repository."""
    segments = [archive(original, tmp_path / name).read_bytes() for name in ("a", "b")]
    assert segments[0] == segments[1]


def test_damage_in_a_copy_is_noticed(original, tmp_path):
    """A line that was tampered with is left out; a torn file is one clear error."""
    segment = archive(original, tmp_path / "copy")
    lines = gzip.decompress(segment.read_bytes())
    segment.write_bytes(gzip.compress(lines.replace(b"churn", b"chorn", 1)))
    store = Store(tmp_path / "copy")
    assert len(store.outcomes()) == 95
    assert len(store.damage) == 1
    segment.write_bytes(segment.read_bytes()[:-20])
    with pytest.raises(RecordError, match="Expected a record that can be read"):
        store.outcomes()


def test_nothing_is_written_over(original, tmp_path):
    """A folder that exists is refused, and so is an original that is none."""
    with pytest.raises(UsageError, match="does not exist yet"):
        archive(original, original)
    with pytest.raises(RecordError, match="Expected a results folder"):
        archive(tmp_path / "none", tmp_path / "copy")


def test_the_reference_run_is_there_to_compare_with():
    """A standard run of all four tasks, whole and undamaged, in a few MB."""
    reference = Path(__file__).parents[1] / "results" / "reference"
    results = suite.load_results(reference)
    assert set(results.dataframe()["task"]) == {"churn", "digits", "stock", "text"}
    assert results.dataframe().groupby("task")["seed"].nunique().eq(10).all()
    assert not Store(reference).damage
    assert sum(path.stat().st_size for path in reference.rglob("*")) < 5e6
    assert (reference / "tables" / "verdicts.csv").is_file()
