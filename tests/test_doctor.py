"""The doctor: what is wrong with a results folder or the installation, and what to do about it."""

from __future__ import annotations

import json

import pytest
from test_store import HOLDER, child

from benchmarks.synthetic import study_of, write
from suite import installation
from suite.doctor import examine
from suite.environment import settle
from suite.errors import InUseError, RecordError
from suite.publication import publish
from suite.reading import read
from suite.segments import RECORD
from suite.views import MANIFEST

FACTORS = {
    "initializer": ["he_normal", "random_normal"],
    "optimizer": ["sgd", "adam"],
    "batch_norm": [False, True],
}


@pytest.fixture
def folder(tmp_path):
    """A whole results folder with all that is derived from it."""
    made = write(tmp_path / "results é", study_of(FACTORS, 3), ["alpha"], epochs=4)
    publish(read(made), made)
    return made


def found(folder):
    """Findings by name."""
    return {finding.name: finding for finding in examine(folder)}


def left(folder):
    """What is left to do, by name."""
    return {name: finding.remedy for name, finding in found(folder).items() if finding.remedy}


def test_a_whole_folder_needs_nothing(folder):
    """And is not changed."""
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    findings = found(folder)
    assert {*findings} == {"record", "run.json", "views"}
    assert not left(folder)
    assert before.items() <= {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}.items()


def test_views_are_written_anew(folder):
    """Changed, missing, or made from another state of the record; each is named."""
    table = (folder / "tables" / "levels-alpha.csv").read_text()
    (folder / "tables" / "levels-alpha.csv").write_text("rubbish")
    (folder / "report.html").unlink()
    said = found(folder)["views"]
    assert "tables/levels-alpha.csv (changed)" in said.text
    assert "report.html (missing)" in said.text
    assert not said.remedy
    assert (folder / "tables" / "levels-alpha.csv").read_text() == table
    assert (folder / "report.html").is_file()
    assert found(folder)["views"].text == "as they were written from this record"
    (folder / MANIFEST).write_text("{}")
    assert "written anew" in found(folder)["views"].text


def test_a_damaged_line_is_put_aside_and_its_trial_to_be_trained(folder):
    """The tables follow the record that is left; `run.json` and the report name the damage."""
    (segment,) = (folder / RECORD).iterdir()
    segment.write_bytes(segment.read_bytes()[:-9])
    findings = found(folder)
    assert "1 damaged, put aside: line" in findings["record"].text
    assert "trains what is missing" in findings["record"].remedy
    assert "written anew" in findings["views"].text
    (named,) = json.loads((folder / "run.json").read_text())["damaged_lines"]
    assert named["segment"] == segment.name
    assert f"damaged and left out: line {named['line']}" in (folder / "report.html").read_text()
    assert not left(folder), "put aside once, there is nothing more to do here"
    assert "1 damaged lines in all" in found(folder)["quarantine"].text


def test_what_killed_processes_left_is_removed(folder):
    """Files beside their places, in any folder."""
    for place in (folder, folder / "tables", folder / RECORD):
        (place / ".123-x.csv").write_text("half")
    assert found(folder)["unfinished"].text == "3 files removed"
    assert not list(folder.rglob(".123-*"))


def test_a_broken_description_is_no_end(folder):
    """What the run's own command writes anew is named, not guessed."""
    (folder / "run.json").write_text("{")
    assert {*left(folder)} == {"run.json"}


def test_a_folder_in_use_or_none_is_refused(folder, tmp_path):
    """Nothing is repaired under a run."""
    with pytest.raises(RecordError, match="Expected a results folder"):
        list(examine(tmp_path / "none"))
    holder = child(HOLDER, folder)
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(InUseError):
        list(examine(folder))
    holder.kill()
    holder.communicate()


def test_this_installation_is_well():
    """Every respect is looked at; what the tests run on has no known fault."""
    settle()
    findings = {finding.name: finding for finding in installation.examine()}
    respects = ["python", "versions", "backends", "threads", "devices", "jaxlib", "arithmetic"]
    assert {*respects, "compile cache", "bytecode"} <= {*findings}
    assert not findings["versions"].remedy
    assert not findings["arithmetic"].remedy


@pytest.mark.parametrize("flags", ["", "--xla_cpu_experimental_ynn_fusion_type="])
def test_a_jaxlib_known_to_be_wrong_is_named(monkeypatch, flags):
    """Unless the flag that helps is set."""
    monkeypatch.setattr(installation, "_installed", lambda _: "0.10.2")
    monkeypatch.setattr(installation, "xla_flags", lambda: flags)
    finding = installation._jaxlib()
    assert bool(finding.remedy) == (not flags)
    assert "0.10.2" in finding.text


def test_versions_that_differ_come_with_the_command_that_mends_them(monkeypatch):
    """And what is missing altogether."""
    real = installation._installed
    other = {"keras": "3.0.0", "optuna": ""}
    monkeypatch.setattr(installation, "_installed", lambda name: other.get(name, real(name)))
    told = {finding.text: finding.remedy for finding in installation._requirements()}
    assert [text.split(",")[0] for text in told] == ["keras 3.0.0", "optuna is missing"]
    assert all("-m pip install" in remedy for remedy in told.values())


def test_a_containers_quota_is_told(tmp_path):
    """In cores; nothing where there is none."""
    file = tmp_path / "cpu.max"
    for text, cores in (("150000 100000\n", 1.5), ("max 100000\n", 0.0)):
        file.write_text(text)
        assert installation._quota(file) == cores
    assert installation._quota(tmp_path / "none") == 0.0
