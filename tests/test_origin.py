"""What results rest on: which changes count, and what a run makes of them."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
from rich.console import Console
from test_live import keys

from benchmarks.faultrows.made import TINY
from suite import studyfiles
from suite.errors import UsageError
from suite.origin import DATA, OWN, TASK, changes, origin_of
from suite.request import Request
from suite.runner import run

PLUGINS = Path(__file__).parent / "plugins"
CODE = (
    '"""A task."""\nimport keras\nfrom helper import width\n\n\ndef build(hp):\n    return width\n'
)


@pytest.fixture
def plugin(tmp_path):
    """A task's file, with a module beside it that it imports and one that it does not."""
    for name, text in (("task", CODE), ("helper", "width = 3\n"), ("other", "width = 3\n")):
        (tmp_path / f"{name}.py").write_text(text)
    return tmp_path / "task.py"


@pytest.mark.parametrize(
    ("name", "text", "counts"),
    [
        ("task", CODE.replace("return width", "return width + 1"), True),
        ("task", CODE.replace("A task.", "Another text."), False),
        ("task", CODE.replace("    return", "    # a comment\n\n    return"), False),
        ("helper", "width = 4\n", True),
        ("other", "width = 4\n", False),
        ("task", "not Python at all", True),
    ],
)
def test_code_counts_by_what_it_does(plugin, name, text, counts):
    """Comments, docstrings and layout do not; modules beside a task do if it imports them."""
    before = origin_of(plugin, "d")
    (plugin.parent / f"{name}.py").write_text(text)
    told = changes(before, origin_of(plugin, "d"))
    assert bool(told) == counts
    assert all(change.startswith(f"{TASK} ") for change in told)


def test_data_and_packages_are_named_with_both_states(plugin):
    """A name that an older folder does not know says nothing."""
    now = origin_of(plugin, "new")
    told = changes({**now, DATA: "old", "keras": "3.0.0"}, now)
    assert told == ["the data old -> new", f"keras 3.0.0 -> {now['keras']}"]
    assert changes({}, now) == []
    assert len(now[OWN]) == 16


def carried_out(folder, tasks, text=TINY, **own):
    """A run of wine: its exit code, and what it said."""
    (folder / "wine.toml").write_text(text)
    request = Request(
        studyfiles.read(folder / "wine.toml"), folder / "out", ["wine"], [tasks], **own
    )
    said = io.StringIO()
    return run(request, Console(file=said, width=500)), said.getvalue()


def test_a_run_refuses_to_mix_and_marks_what_it_is_allowed_to(tmp_path):
    """The study or the task's code changed: nothing is trained; then further trials are marked."""
    tasks = tmp_path / "tasks"
    tasks.mkdir()
    shutil.copy(PLUGINS / "wine.py", tasks)
    assert carried_out(tmp_path, tasks)[0] == 0
    before = keys(tmp_path)
    more = TINY.replace("trials = 2", "trials = 3")
    with pytest.raises(UsageError, match=r"the study: trials 2 -> 3.*--allow-mixed"):
        carried_out(tmp_path, tasks, more)
    changed = (tasks / "wine.py").read_text().replace("default=16", "default=17")
    (tasks / "wine.py").write_text(changed)
    with pytest.raises(UsageError, match=r"the task's code \w{16} -> \w{16}"):
        carried_out(tmp_path, tasks)
    assert keys(tmp_path) == before
    code, said = carried_out(tmp_path, tasks, more, allow_mixed=True)
    assert code == 0, said
    assert "further trials are marked as mixed" in said
    frame = pd.read_csv(tmp_path / "out" / "trials.csv")
    new = ~frame["trial"].isin(before)
    assert 0 < new.sum() < len(frame)
    assert frame.loc[new, "mixed"].str.contains("the task's code").all()
    assert frame.loc[~new, "mixed"].isna().all()
    assert "trials are mixed in, of: the study: trials" in (
        tmp_path / "out" / "report.html"
    ).read_text(encoding="utf-8").replace("&#39;", "'")
    origin = json.loads((tmp_path / "out" / "run.json").read_text())["tasks"]["wine"]["origin"]
    assert origin[TASK] != origin_of(tasks / "wine.py", "")[TASK], (
        "it is what the folder began with"
    )
