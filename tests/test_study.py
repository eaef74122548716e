"""A study file: what it may say, and what is said about one that says something else."""

from __future__ import annotations

import json
import re
from contextlib import suppress

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from suite import plan, studyfiles
from suite.errors import StudyError, UsageError
from suite.study import Study

HEAD = 'question = "Which?"\n'
ONE = HEAD + "[factors]\ndropout = [0.0, 0.5]\n"


def read(folder, text: str | bytes) -> Study:
    """The study of a file with this text."""
    path = folder / "mine.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return studyfiles.read(path)


def fault(folder, text: str | bytes) -> str:
    """What is said about a faulty file: one sentence of expected and received, naming the file."""
    with pytest.raises(StudyError) as caught:
        read(folder, text)
    message = str(caught.value)
    assert "Expected " in message
    assert "Received: " in message
    assert "\n" not in message
    assert "mine.toml" in message
    return message


# What loads.


MATRICES = [n for n in studyfiles.shipped() if isinstance(studyfiles.load(n), Study)]


@pytest.mark.parametrize("name", MATRICES)
def test_shipped_studies_load_in_every_size(name):
    """Each shipped matrix and each of its presets is valid, asks a question and plans trials."""
    whole = studyfiles.load(name)
    assert whole.name == name
    assert whole.question.endswith("?")
    for preset in (None, *whole.presets):
        sized = whole.at(preset)
        planned = plan.trials(sized, "churn", "embedded", 20)
        assert len({trial.key for trial in planned}) == len(planned) > sized.seeds


def test_a_file_is_loaded_by_its_path(tmp_path):
    """`--study path.toml` reads that file; the file's name is the study's where it gives none."""
    read(tmp_path, ONE)
    loaded = studyfiles.load(str(tmp_path / "mine.toml"))
    assert loaded.name == "mine"
    assert loaded.factors == {"dropout": [0.0, 0.5]}
    assert loaded.seeds == 3


def test_a_study_is_a_matrix_unless_it_says_otherwise(tmp_path):
    """`kind = "matrix"` may be left out; either way it is the same study."""
    plain, named = (read(tmp_path, text) for text in (ONE, 'kind = "matrix"\n' + ONE))
    assert isinstance(plain, Study)
    assert plain == named
    assert plain.fingerprint == named.fingerprint


def test_what_a_preset_names_replaces_the_studys(tmp_path):
    """Factors that a preset does not name, and all else that it leaves out, stay as they are."""
    text = ONE.replace("[factors]", "seeds = 4\nepochs = 7\n[factors]\nl2 = [0.0, 0.1]")
    text += "[presets.small]\nseeds = 1\ndiagnostics = false\n"
    text += "[presets.small.factors]\ndropout = [0.3]\n"
    text += "[presets.long]\nepochs = { churn = 99 }\n"
    whole = read(tmp_path, text)
    small, long = whole.at("small"), whole.at("long")
    assert small.factors == {"l2": [0.0, 0.1], "dropout": [0.3]}
    assert (small.seeds, small.epochs_for("churn", 20)) == (1, 7)
    assert (long.seeds, long.factors) == (4, whole.factors)
    assert (whole.diagnostics, small.diagnostics, long.diagnostics) == (True, False, True)
    assert (long.epochs_for("churn", 20), long.epochs_for("text", 20)) == (99, 20)
    assert whole.at(None) is whole


def test_epochs_are_the_tasks_own_where_the_study_says_nothing(tmp_path):
    """20 for a task of 20."""
    assert read(tmp_path, ONE).epochs_for("churn", 20) == 20


def test_the_fingerprint_is_of_the_declaration(tmp_path):
    """More seeds or another preset are the same study; another level, or its order, is not."""
    one = read(tmp_path, ONE).fingerprint
    assert re.fullmatch("[0-9a-f]{16}", one)
    assert read(tmp_path, "seeds = 9\n" + ONE + "[presets.a]\n").fingerprint == one
    assert read(tmp_path, ONE.replace("0.5]", "0.4]")).fingerprint != one
    assert read(tmp_path, ONE.replace("0.0, 0.5", "0.5, 0.0")).fingerprint != one
    assert read(tmp_path, "epochs = 3\n" + ONE).fingerprint != one


def test_a_study_cannot_be_changed(tmp_path):
    """What was declared stays declared."""
    with pytest.raises(ValueError, match="frozen"):
        read(tmp_path, ONE).seeds = 5


def test_a_number_has_one_spelling(tmp_path):
    """`[0, 0.5]` are the levels of `[0.0, 0.5]`: the same trials under the same keys."""
    whole, tenths = (
        plan.trials(read(tmp_path, HEAD + f"[factors]\ndropout = [{zero}, 0.5]\n"), "a", "b", 1)
        for zero in ("0", "0.0")
    )
    assert [trial.key for trial in whole] == [trial.key for trial in tenths]


# What does not load.

FACTORS = HEAD + "[factors]\n"
DEPENDENT = FACTORS + 'optimizer = ["sgd", "adam"]\n[nuisance.learning_rate]\n'

FAULTS = {
    "an unknown key": ("factorz = 1\n" + ONE, "key='factorz'. Did you mean 'factors'?"),
    "an unknown key of a preset": (ONE + "[presets.a]\nseedz = 1", "Did you mean 'seeds'?"),
    "an unknown key of a nuisance factor": (
        DEPENDENT + 'by = "optimizer"\nbyy = 1\nlevels = { sgd = [0.1], adam = [0.1] }',
        "Did you mean 'by'?",
    ),
    "a missing key": ("[factors]\ndropout = [0.0]", "'question'"),
    "a missing key of a nuisance factor": (DEPENDENT + "levels = { sgd = [0.1] }", "'by'"),
    "an unknown level": (FACTORS + 'optimizer = ["adm"]', "'adm'. Did you mean 'adam'?"),
    "an unknown level of a preset": (
        ONE + '[presets.a.factors]\ninitializer = ["he_norml"]',
        "'he_norml'. Did you mean 'he_normal'?",
    ),
    "an unknown level of a nuisance factor": (
        ONE + '[nuisance]\nactivation = ["rlu"]',
        "'rlu'. Did you mean 'relu'?",
    ),
    "an unknown fixed level": (ONE + '[fixed]\nactivation = "rlu"', "Did you mean 'relu'?"),
    "a level out of range": (FACTORS + "dropout = [1.5]", "0 to 0.95. Received: dropout=1.5"),
    "a dependent level out of range": (
        DEPENDENT + 'by = "optimizer"\nlevels = { sgd = [99.0], adam = [0.1] }',
        "learning_rate=99.0",
    ),
    "a number for a switch": (FACTORS + "batch_norm = [0, 1]", "batch_norm"),
    "a text for a number": (FACTORS + 'dropout = ["0.5"]', "dropout"),
    "half a row": (FACTORS + "batch_size = [32.5]", "batch_size=32.5"),
    "not a number": (FACTORS + "dropout = [nan]", "dropout"),
    "not a number of the task's own": (FACTORS + "width = [nan]", "width"),
    "infinity of the task's own": (FACTORS + "width = [1.0, inf]", "width"),
    "a date": (FACTORS + "width = [2020-01-01]", "width"),
    "a list in a list": (FACTORS + "width = [[1]]", "width"),
    "a level without brackets": (FACTORS + "dropout = 0.5", "dropout"),
    "an empty factor": (FACTORS + "dropout = []", "dropout=[]"),
    "an empty nuisance factor": (ONE + "[nuisance]\nl2 = []", "l2"),
    "an empty factor of a preset": (ONE + "[presets.a.factors]\nl2 = []", "l2"),
    "no dependent levels": (DEPENDENT + 'by = "optimizer"\nlevels = {}', "learning_rate"),
    "a doubled level": (FACTORS + "dropout = [0.5, 0.0, 0.5]", "dropout=[0.5, 0.0, 0.5]"),
    "a level doubled in another spelling": (FACTORS + "dropout = [0, 0.0]", "dropout"),
    "a switch doubled as a number": (FACTORS + "width = [1, true]", "width"),
    "a factor twice": (ONE + "[nuisance]\ndropout = [0.2]", "dropout"),
    "a factor that is fixed as well": (ONE + "[fixed]\ndropout = 0.2", "dropout"),
    "a dependence on no factor": (
        ONE + '[nuisance.learning_rate]\nby = "optimizr"\nlevels = { sgd = [0.1] }',
        "by='optimizr'",
    ),
    "a dependence without a level": (
        DEPENDENT + 'by = "optimizer"\nlevels = { sgd = [0.1] }',
        "optimizer='adam'",
    ),
    "no factors at all": (HEAD, "'factors'"),
    "seeds as text": ('seeds = "3"\n' + ONE, "seeds"),
    "seeds as a switch": ("seeds = true\n" + ONE, "seeds"),
    "no seeds": ("seeds = 0\n" + ONE, "seeds"),
    "too many seeds": ("seeds = 10001\n" + ONE, "seeds"),
    "no epochs": ("epochs = 0\n" + ONE, "epochs"),
    "negative epochs of a task": ("epochs = { churn = -1 }\n" + ONE, "epochs"),
    "epochs as text": ('epochs = "many"\n' + ONE, "epochs"),
    "a negative effect": ("smallest_effect = -0.1\n" + ONE, "smallest_effect"),
    "an effect that is no number": ("smallest_effect = nan\n" + ONE, "smallest_effect"),
    "tasks without brackets": ('tasks = "churn"\n' + ONE, "tasks"),
    "a name that leaves its folder": ('name = "../../x"\n' + ONE, "../../x"),
    "a preset that is no table": ("presets = { a = 1 }\n" + ONE, "presets.a"),
    "a table that is no table": ("factors = 3\n" + HEAD, "factors"),
    "no TOML": ("factors = [", "TOML"),
    "no text": (b"\xff\xfe\x00", "mine.toml"),
    "an unknown kind": ('kind = "serch"\n' + ONE, "kind='serch'. Did you mean 'search'?"),
    "a kind that is no text": ("kind = []\n" + ONE, "'matrix', 'search'"),
    "a key of another kind": ('kind = "matrix"\nrepeats = 3\n' + ONE, "key='repeats'"),
    "a key twice": (ONE + ONE, "TOML"),
    "lists without end": ("a = " + "[" * 3000 + "]" * 3000, "mine.toml"),
    "a number without end": ("seeds = " + "9" * 5000 + "\n" + ONE, "mine.toml"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_named_in_one_sentence(tmp_path, name):
    """Expected, received, the file, and the place or the nearest choice; no words of a parser."""
    text, clue = FAULTS[name]
    message = fault(tmp_path, text)
    assert clue in message
    assert "Input should be" not in message
    assert "list[union" not in message


def test_the_choices_offered_are_of_the_place(tmp_path):
    """An unknown key of a preset is held against a preset's keys, not the study's."""
    message = fault(tmp_path, ONE + '[presets.a]\nquestion = "Why?"')
    valid = message.partition("Received")[0]
    assert "'question'" not in valid
    assert "'seeds'" in valid


@pytest.mark.parametrize(
    ("name", "clue"),
    [
        ("techniqes", "Did you mean 'techniques'?"),
        ("none.toml", "Expected a study file that exists. Received: study=none.toml."),
        ("nul\0.toml", "Expected a"),
        (".toml", "Expected a"),
        ("", "'techniques'"),
    ],
)
def test_a_study_that_is_not_there(name, clue, tmp_path, monkeypatch):
    """An unknown name or path is a UsageError."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=re.escape(clue)):
        studyfiles.load(name)


def test_a_folder_is_no_study(tmp_path):
    """A path that cannot be read is named."""
    (tmp_path / "x.toml").mkdir()
    with pytest.raises(StudyError, match=r"x\.toml: Expected a plain file\. Received: none"):
        studyfiles.load(str(tmp_path / "x.toml"))


def test_an_unknown_preset_offers_the_nearest(tmp_path):
    """`--preset smal`."""
    with pytest.raises(UsageError, match=r"preset='smal'\. Did you mean 'small'\?"):
        read(tmp_path, ONE + "[presets.small]\n").at("smal")


# Whatever a file holds.

KEYS = "name question tasks factors nuisance fixed seeds epochs presets smallest_effect by levels"
WORDS = st.sampled_from([*KEYS.split(), "dropout", "optimizer", "batch_size", "width", "a b", ""])
VALUES = st.recursive(
    st.integers(-2, 2)
    | st.floats(width=16)
    | st.booleans()
    | st.sampled_from(["adam", "sgd", "x", ""]),
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


def read_and_plan(folder, text: str | bytes) -> None:
    """All that is done to a study before anything trains; a UsageError is an answer, too."""
    with suppress(UsageError):
        found = read(folder, text)
        for sized in (found, *map(found.at, found.presets)):
            if plan.size(sized) < 100:
                assert all(trial.key for trial in plan.trials(sized, "a", "b", 2))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """One folder for all the files of a fuzz test."""
    return tmp_path_factory.mktemp("fuzz")


@given(text=st.text() | st.binary())
@settings(deadline=None, database=None)
def test_any_file_is_a_study_or_a_usage_error(folder, text):
    """Text or bytes, TOML or not, nothing else is ever raised."""
    if isinstance(text, str):
        text = text.encode("utf-8", "surrogatepass")
    read_and_plan(folder, text)


@given(content=st.dictionaries(WORDS, VALUES, max_size=6))
@example({"factors": {}, "nuisance": {"a": {"by": "b", "levels": {}}}})
@example({"factors": {"width": [float("nan")]}})
@settings(deadline=None, database=None, max_examples=300)
def test_any_toml_is_a_study_or_a_usage_error(folder, content):
    """Keys that a study has, with values of any type: read, sized and planned, or a UsageError."""
    lines = [f"{json.dumps(key)} = {toml(value)}" for key, value in content.items()]
    read_and_plan(folder, "\n".join(['question = "?"', *lines]))
