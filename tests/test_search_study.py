"""A search study: what its file may say, and what is said about one that says something else."""

from __future__ import annotations

import json
import re
from contextlib import suppress

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from suite import studyfiles
from suite.errors import StudyError, UsageError
from suite.search.study import TUNERS, Entrant, Range, SearchStudy
from suite.study import Study

HEAD = 'kind = "search"\nquestion = "Which?"\n'
SPACE = "[space]\n"
ONE = HEAD + SPACE + "dropout = [0.0, 0.5]\n"
RATE = "learning_rate = "


def read(folder, text: str) -> SearchStudy:
    """The search study of a file with this text."""
    path = folder / "mine.toml"
    path.write_text(text)
    found = studyfiles.read(path)
    assert isinstance(found, SearchStudy)
    return found


# What loads.


SEARCHES = [n for n in studyfiles.shipped() if isinstance(studyfiles.load(n), SearchStudy)]


@pytest.mark.parametrize("name", SEARCHES)
def test_shipped_searches_load_in_every_size(name):
    """Each is named as its file, asks a question, and pits random search against others."""
    whole = studyfiles.load(name)
    assert whole.name == name
    assert whole.question.endswith("?")
    assert {"quick", "standard", "full"} <= set(whole.presets)
    for sized in map(whole.at, (None, *whole.presets)):
        assert "random" in sized.tuners
        assert len(sized.entrants()) >= 5
    assert whole.at("standard").repeats == 10


def test_what_is_left_out_has_a_default(tmp_path):
    """A question and a space are enough: all tuners, ten searches each, beside the yardstick."""
    study = read(tmp_path, ONE)
    assert (study.name, study.kind, study.tuners) == ("mine", "search", list(TUNERS))
    assert (study.trials, study.batch, study.repeats, study.fresh) == (60, 8, 10, 3)
    assert study.own
    assert study.epochs_for("churn", 20) == 20


def test_a_space_has_levels_and_ranges(tmp_path):
    """A whole number at an end is that number, however it is spelled."""
    text = HEAD + SPACE + 'optimizer = ["sgd"]\nwidth = { low = 1, high = 64, step = 2 }\n'
    text += RATE + '{ low = 1e-4, high = 1.0, sampling = "log" }\n'
    space = read(tmp_path, text).space
    assert space["optimizer"] == ["sgd"]
    assert space["width"] == Range(low=1.0, high=64.0, step=2.0)
    assert space["learning_rate"] == Range(low=1e-4, high=1, sampling="log")
    spelled = text.replace("low = 1,", "low = 1.0,")
    assert read(tmp_path, spelled).fingerprint == read(tmp_path, text).fingerprint


def test_what_a_preset_names_replaces_the_studys(tmp_path):
    """Entries of the space one by one; all that a preset leaves out stays."""
    text = ONE.replace(SPACE, "epochs = 7\n[fixed]\nl1 = 0.1\n" + SPACE + "l2 = [0.0, 0.1]\n")
    text += '[presets.a]\ntuners = ["tpe"]\nyardstick = 0.0\ntrials = 9\nbatch = 3\nrepeats = 2\n'
    text += "fresh = 0\nown = false\nepochs = { churn = 99 }\n"
    text += "[presets.a.space]\ndropout = { low = 0.0, high = 0.3 }\n[presets.b]\n"
    whole = read(tmp_path, text)
    small = whole.at("a")
    assert (small.trials, small.batch, small.repeats, small.fresh) == (9, 3, 2, 0)
    assert small.entrants() == [Entrant("tpe", "tpe", 9)]
    assert not small.own
    assert small.space == {"l2": [0.0, 0.1], "dropout": Range(low=0, high=0.3)}
    assert small.fixed == whole.fixed == {"l1": 0.1}
    assert (small.epochs_for("churn", 20), small.epochs_for("text", 20)) == (99, 20)
    assert whole.at("b") == whole.at(None) == whole
    with pytest.raises(UsageError, match=r"preset='c'"):
        whole.at("c")


def test_the_yardstick_is_random_search_with_more_to_spend(tmp_path):
    """It comes last, under a name of its own, with so many times the budget."""
    study = read(tmp_path, 'trials = 15\ntuners = ["random"]\nyardstick = 2.5\n' + ONE)
    assert study.entrants() == [
        Entrant("random", "random", 15),
        Entrant("random x2.5", "random", 38, yardstick=True),
    ]


def test_the_fingerprint_is_of_the_declaration(tmp_path):
    """More repeats, more fresh seeds or another preset are the same study; all else is another."""
    one = read(tmp_path, ONE).fingerprint
    assert re.fullmatch("[0-9a-f]{16}", one)
    assert read(tmp_path, "repeats = 99\nfresh = 9\n" + ONE + "[presets.a]\n").fingerprint == one
    for change in ("trials = 9\n", "batch = 1\n", 'tuners = ["tpe"]\n', "own = false\n"):
        assert read(tmp_path, change + ONE).fingerprint != one
    assert read(tmp_path, ONE.replace("0.5]", "0.4]")).fingerprint != one


def test_a_study_comes_back_from_its_record(tmp_path):
    """`run.json` holds the study as JSON; reading that gives the same study."""
    study = read(tmp_path, ONE + RATE + '{ low = 1e-4, high = 1.0, sampling = "log" }\n')
    again = SearchStudy.model_validate(json.loads(json.dumps(study.model_dump(mode="json"))))
    assert again == study
    assert again.fingerprint == study.fingerprint


def test_a_matrix_is_asked_for_where_only_a_matrix_will_do(tmp_path):
    """`load_matrix` says so in one sentence; a matrix study passes."""
    read(tmp_path, ONE)
    with pytest.raises(UsageError, match=r"kind 'matrix'\. Received: study='mine' of kind 'sea"):
        studyfiles.load_matrix(str(tmp_path / "mine.toml"))
    assert isinstance(studyfiles.load_matrix("techniques"), Study)


# What does not load.

FAULTS = {
    "an unknown key": ("repeat = 1\n" + ONE, "key='repeat'. Did you mean 'repeats'?"),
    "a matrix's key": ("seeds = 1\n" + ONE, "key='seeds'"),
    "an unknown key of a preset": (ONE + "[presets.a]\ntrial = 1", "Did you mean 'trials'?"),
    "an unknown key of a range": (HEAD + SPACE + RATE + "{ lo = 1, high = 2 }", "mean 'low'?"),
    "a missing end": (HEAD + SPACE + RATE + "{ low = 0.1 }", "'high'"),
    "a missing question": ('kind = "search"\n' + SPACE + "l2 = [0.1]", "'question'"),
    "an unknown tuner": ('tuners = ["tpee"]\n' + ONE, "tuner='tpee'. Did you mean 'tpe'?"),
    "an unknown tuner of a preset": (ONE + '[presets.a]\ntuners = ["rand"]', "mean 'random'?"),
    "a tuner twice": ('tuners = ["tpe", "tpe"]\n' + ONE, "tuners=['tpe', 'tpe']"),
    "no tuner": ("tuners = []\n" + ONE, "tuners=[]"),
    "a yardstick that is a tuner": ("yardstick = 1.0\n" + ONE, "yardstick=1"),
    "a negative yardstick": ("yardstick = -2\n" + ONE, "at least 0"),
    "no trials": ("trials = 0\n" + ONE, "trials"),
    "an empty batch": ("batch = 0\n" + ONE, "batch"),
    "half a repeat": ("repeats = 1.5\n" + ONE, "repeats to be a whole number"),
    "own as a number": ("own = 1\n" + ONE, "own to be true or false"),
    "an end that is a text": (HEAD + SPACE + RATE + '{ low = "a", high = 1 }', "learning_rate.low"),
    "an end that is a switch": (HEAD + SPACE + RATE + "{ low = false, high = 1 }", "finite number"),
    "an end without end": (HEAD + SPACE + RATE + "{ low = 0.1, high = inf }", "finite number"),
    "an unknown sampling": (
        HEAD + SPACE + RATE + '{ low = 0.1, high = 1, sampling = "lg" }',
        "'linear', 'log' or 'reverse_log'. Received: space.learning_rate.sampling='lg'",
    ),
    "a range upside down": (HEAD + SPACE + "dropout = { low = 0.5, high = 0.1 }", "low < high"),
    "a range out of bounds": (HEAD + SPACE + "dropout = { low = 0.0, high = 1.5 }", "dropout=1.5"),
    "half a row": (HEAD + SPACE + "batch_size = { low = 1.5, high = 9 }", "batch_size=1.5"),
    "a range of names": (HEAD + SPACE + "optimizer = { low = 0, high = 1 }", "list of levels"),
    "a logarithm of nothing": (
        HEAD + SPACE + 'dropout = { low = 0.0, high = 0.5, sampling = "log" }',
        "begin above 0",
    ),
    "a ratio of one": (HEAD + SPACE + RATE + "{ low = 0.1, high = 1, step = 1 }", "step=1"),
    "no distance": (HEAD + SPACE + "dropout = { low = 0.1, high = 0.5, step = 0 }", "step=0"),
    "an unknown level": (HEAD + SPACE + 'optimizer = ["adm"]', "'adm'. Did you mean 'adam'?"),
    "no levels": (HEAD + SPACE + "dropout = []", "dropout=[]"),
    "a doubled level": (HEAD + SPACE + "dropout = [0.5, 0.5]", "dropout=[0.5, 0.5]"),
    "a level without brackets": (HEAD + SPACE + "dropout = 0.5", "space.dropout to be a list"),
    "an unknown fixed level": (ONE + '[fixed]\nactivation = "rlu"', "Did you mean 'relu'?"),
    "searched and fixed": (ONE + "[fixed]\ndropout = 0.1", "'dropout' in one of space and fixed"),
    "fixed by a preset": (ONE + "[presets.a.fixed]\ndropout = 0.1", "dropout in both"),
    "nothing to search": (HEAD + "own = false\n", "own=false"),
    "a name that leaves its folder": ('name = "../x"\n' + ONE, "../x"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_named_in_one_sentence(tmp_path, name):
    """Expected, received, the file, and the place or the nearest choice; no words of a parser."""
    text, clue = FAULTS[name]
    with pytest.raises(StudyError, match=r"mine\.toml: Expected .*Received: ") as caught:
        read(tmp_path, text)
    message = str(caught.value)
    assert clue in message
    assert "\n" not in message
    assert "Input should be" not in message


# Whatever a file holds.

KEYS = "name question tasks tuners yardstick trials batch epochs repeats fresh space own fixed"
WORDS = st.sampled_from(
    [*KEYS.split(), "presets", "dropout", "learning_rate", "low", "high", "step"]
)
VALUES = st.recursive(
    st.integers(-2, 2) | st.floats(width=16) | st.booleans() | st.sampled_from(["tpe", "log", ""]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=6,
)


def toml(value: object) -> str:
    """A value as TOML."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(k)} = {toml(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return json.dumps(value).replace("NaN", "nan").replace("Infinity", "inf")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """One folder for all the files of a fuzz test."""
    return tmp_path_factory.mktemp("fuzz")


@given(content=st.dictionaries(WORDS, VALUES, max_size=6))
@example({"space": {"dropout": {"low": 0.0, "high": float("nan")}}})
@example({"space": {"learning_rate": {"low": 1, "high": 2, "step": 0}}})
@settings(deadline=None, database=None, max_examples=300)
def test_any_toml_is_a_search_or_a_usage_error(folder, content):
    """Keys that a search has, with values of any type: read and sized, or a UsageError."""
    lines = [f"{json.dumps(key)} = {toml(value)}" for key, value in content.items()]
    with suppress(UsageError):
        found = read(folder, "\n".join(['kind = "search"\nquestion = "?"', *lines]))
        for sized in (found, *map(found.at, found.presets)):
            assert len(sized.entrants()) >= len(sized.tuners) > 0
            assert sized.fingerprint
