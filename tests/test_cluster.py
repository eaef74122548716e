"""A cluster trains the same plan: same numbers, each trial once, workers that differ refused."""

from __future__ import annotations

import re
import shlex
import warnings
from dataclasses import replace
from pathlib import Path

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from support import Silent, train
from support import trial as trial_of

from suite.cli import app
from suite.cluster.chunks import Kinds, cut, span
from suite.cluster.plan import RECORDING, Costs
from suite.cluster.scheduler import parsed
from suite.errors import ClusterError, UsageError
from suite.registry import discover, load

ROOT = Path(__file__).parents[1]
PLUGINS = Path(__file__).parent / "plugins"
RATES = (0.003, 0.01, 0.03)


@pytest.fixture(scope="module")
def plugins():
    """The shipped tasks and those of the tests."""
    return {name: p for name, p in discover((PLUGINS,)).items() if not p.problem}


@pytest.fixture(scope="module")
def wine(plugins):
    """A task of a stranger's."""
    return load(plugins["wine"], "embedded")


@pytest.fixture(scope="module")
def trials():
    """Two structures, six recipes each, two seeds."""
    return [
        trial_of("wine", seed=seed, epochs=2, optimizer=optimizer, learning_rate=rate, dropout=drop)
        for seed in range(2)
        for optimizer in ("sgd", "adam")
        for rate in RATES
        for drop in (0.0, 0.3)
    ]


@pytest.fixture(scope="module")
def alone(wine, trials):
    """What one process gives."""
    from suite.engines.fleet import FleetEngine

    return train(FleetEngine(devices=1), wine, trials)


@pytest.fixture
def inside():
    """A scheduler with two workers, threads of this process."""
    from distributed import LocalCluster

    options = {"processes": False, "threads_per_worker": 1, "dashboard_address": None}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with LocalCluster(n_workers=2, **options) as cluster:
            yield cluster.scheduler_address


@pytest.fixture
def engine(inside, plugins):
    """The engine at that scheduler."""
    from suite.cluster.engine import ClusterEngine

    made = ClusterEngine(inside, 0, plugins, None, probed=False)
    yield made
    made.close()


class Said(Silent):
    """A watcher that remembers."""

    def __init__(self):
        self.lines = []

    def say(self, text):
        self.lines.append(text)


def worst(found, expected):
    """The largest relative difference of any figure of any curve."""
    assert found.keys() == expected.keys()
    return max(
        abs(a - b) / max(abs(b), 1e-9)
        for key in expected
        for name, curve in expected[key].curves.items()
        for a, b in zip(found[key].curves[name], curve, strict=True)
    )


def test_the_same_numbers_as_one_process(engine, wine, trials, alone):
    """Every trial comes once; every curve, metric and choice of epoch is that of one process."""
    found = train(engine, wine, trials)
    assert worst(found, alone) < 1e-5
    assert {k: o.epoch for k, o in found.items()} == {k: o.epoch for k, o in alone.items()}
    assert len(engine.workers) == 2
    assert engine.clock["training"] > 0


def test_other_code_of_a_task_is_refused_by_name(engine, wine, trials, tmp_path):
    """A worker whose file of the task is another one gets no work; its address and the file are
    named. With no worker left the run ends in a sentence.
    """
    other = tmp_path / "wine.py"
    plugin = engine.plugins["wine"]
    engine.plugins = {"wine": replace(plugin, path=other)}
    other.write_text(plugin.path.read_text())
    trainer = engine.trainer(wine, expected=len(trials), states=None, last=0)
    other.write_text("# changed\n" + plugin.path.read_text())
    said = Said()
    with pytest.raises(ClusterError, match=r"code of task wine \w+ instead of \w+"):
        list(trainer.train(trials, said))
    refused = [line for line in said.lines if "refused" in line]
    assert len(refused) == 2
    assert all("inproc://" in line for line in refused)


def test_a_task_file_that_a_worker_lacks_is_sent(engine, wine, trials, tmp_path):
    """Where the path does not exist on the worker, the driver's text is used."""
    away = tmp_path / "wine.py"
    plugin = engine.plugins["wine"]
    away.write_text(plugin.path.read_text())
    engine.plugins = {"wine": replace(plugin, path=away)}
    trainer = engine.trainer(wine, expected=4, states=None, last=0)
    away.unlink()
    found = [o for chunk in trainer.train(trials[:4], Silent()) for o in chunk]
    assert {o.trial.key for o in found} == {t.key for t in trials[:4]}
    assert {o.status.value for o in found} == {"completed"}


def test_other_data_are_refused(engine, wine, trials):
    """A worker that loads other data than the driver is named."""
    trainer = engine.trainer(wine, expected=4, states=None, last=0)
    trainer.order = trainer.dispatch.order = replace(trainer.order, data="0" * 16)
    with pytest.raises(ClusterError, match=r"data of wine \w+ instead of 0000000000000000"):
        list(trainer.train(trials[:4], Silent()))


def test_what_is_recorded_is_not_trained_again(engine, wine, trials):
    """Skipped trials do not come back."""
    few = [trial for trial in trials if trial.hp["optimizer"] == "sgd"]
    trainer = engine.trainer(wine, expected=len(few), states=None, last=0)
    skip = {trial.key for trial in few[::2]}
    found = [o.trial.key for chunk in trainer.train(few, Silent(), skip) for o in chunk]
    assert sorted(found) == sorted(trial.key for trial in few[1::2])


def test_a_chunk_that_raises_again_and_again_is_given_up(engine, wine, trials, monkeypatch):
    """Its trials fail with what each worker said; the others are trained."""
    from suite.cluster import dispatch

    def poisoned(*_):
        raise MemoryError("no room")

    monkeypatch.setattr(dispatch, "train", poisoned)
    found = train(engine, wine, trials[:4])
    assert {o.status.value for o in found.values()} == {"failed"}
    assert all("no room" in o.message and "3 workers" in o.message for o in found.values())


@pytest.mark.parametrize("where", ["0", "-1", "three", "10.0.0.1:8786", "://x", "1.5", ""])
def test_what_is_neither_an_address_nor_a_number_is_refused(where):
    """With both forms in the message."""
    with pytest.raises(UsageError, match=r"tcp://10\.0\.0\.1:8786, or a number of processes"):
        parsed(where)


def test_where_no_scheduler_answers(plugins, monkeypatch):
    """One sentence, with the address."""
    from suite.cluster import engine, scheduler

    monkeypatch.setattr(scheduler, "CONNECT", 0.5)
    with pytest.raises(ClusterError, match=r"Expected a Dask scheduler at tcp://127\.0\.0\.1:9\."):
        engine.ClusterEngine("tcp://127.0.0.1:9", 0, plugins, None, probed=False)
    with pytest.raises(UsageError, match="unknown address scheme 'smoke'"):
        engine.ClusterEngine("smoke://signals:1", 0, plugins, None, probed=False)


def test_an_address_and_a_number():
    """Both forms."""
    assert parsed("tcp://10.0.0.1:8786") == ("tcp://10.0.0.1:8786", 0)
    assert parsed("3") == ("", 3)


def test_the_commands_of_the_guide_parse():
    """No command of `docs/cluster.md` names an option that is not there."""
    text = (ROOT / "docs" / "cluster.md").read_text(encoding="utf-8")
    commands = re.findall(r"^ {4}python run_suite\.py ?([^#\n]*)", text, flags=re.MULTILINE)
    assert len(commands) == 3
    for command in commands:
        typer.main.get_command(app).make_context("run_suite.py", shlex.split(command))


def test_chunks_hold_every_trial_once_and_whole_recipes(wine):
    """Structures apart where they are large, together where they are small."""
    planned = [
        trial_of("wine", seed=seed, optimizer=optimizer, units=units, dropout=drop)
        for seed in range(3)
        for optimizer in ("sgd", "adam")
        for units in (8, 16, 32)
        for drop in (0.0, 0.2, 0.4)
    ]
    kinds = Kinds(wine)
    kinds.learn(planned)
    assert kinds.names == {"optimizer", "units"}
    for size in (1, 2, 9, 20, 1000):
        chunks = cut(planned, kinds, size)
        keys = [trial.key for chunk in chunks for trial in chunk.trials]
        assert sorted(keys) == sorted(trial.key for trial in planned)
        assert max(len(chunk.trials) for chunk in chunks) <= size
    assert {len({kinds.of(t) for t in chunk.trials}) for chunk in cut(planned, kinds, 9)} == {1}
    assert len(cut(planned, kinds, 1000)) == 1
    few = span(planned, kinds)
    assert len(few) == 6 * 3
    assert {kinds.of(trial) for trial in few} == {kinds.of(trial) for trial in planned}


@given(st.integers(1, 10**6), st.integers(1, 2000))
def test_more_workers_never_take_longer(trials, workers):
    """A plan for more workers is never slower, and never faster than the driver can record."""
    costs = Costs(trials, max(1, trials // 8), 12, 3, building=0.02, compiling=4, training=0.05)
    assert costs.seconds(workers + 1) <= costs.seconds(workers) * 1.01 + 8 * 0.07
    assert costs.seconds(workers) >= trials * RECORDING
    assert costs.seconds(1) >= 12 * 4 + trials * 0.05
