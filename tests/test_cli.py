"""The command line: exit codes, messages of one sentence, and answers without waiting for Keras."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from example import matrix, results_folder
from tabulated import finished, outcomes

from suite import cli
from suite.factors import FACTORS
from suite.registry import discover
from suite.studyfiles import shipped

ROOT = Path(__file__).parents[1]
SUITE = ROOT / "run_suite.py"
HEAVY = ("keras", "keras_tuner", "jax", "tensorflow", "pandas", "sklearn", "scipy", "numpy")
STUDY = 'question = "?"\nseeds = 1\nepochs = 1\n[factors]\ndropout = [0.0, 0.5]\n'


def run(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, at 80 columns, away from the checkout's folder."""
    inherited = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    return subprocess.run(
        [sys.executable, str(SUITE), *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env={**inherited, **environment},
    )


@pytest.fixture
def inside(monkeypatch, capsys):
    """The command in this process, which has Keras already: exit code, output, errors."""

    def call(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["run_suite.py", *map(str, arguments)])
        monkeypatch.delenv("COLUMNS", raising=False)
        code: object = 0
        try:
            cli.main()
        except SystemExit as stop:
            code = stop.code
        return int(code or 0), *capsys.readouterr()

    return call


def assert_one_sentence(error: str, clue: str) -> None:
    """`Error: Expected ... Received: ...`, in one line, with the nearest choice or the culprit."""
    assert error.startswith("Error: Expected ")
    assert error.count("\n") == 1
    assert " Received: " in error
    assert clue in error


# Exit code 0.


def test_help_names_every_option_and_command_and_the_exit_codes():
    """`--help` is complete, and fits 80 columns."""
    done = run("--help")
    assert (done.returncode, done.stderr) == (0, "")
    options = "task study preset seeds epochs engine data out tasks-dir dry-run"
    commands = "list compare replay new-task"
    for word in [*(f"--{name}" for name in options.split()), *commands.split(), "130"]:
        assert word in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80


@pytest.mark.parametrize("command", ["list", "compare", "replay", "new-task"])
def test_every_command_has_help(command):
    """A usage line and a sentence."""
    done = run(command, "--help")
    assert done.returncode == 0
    assert f"run_suite.py {command}" in done.stdout


def test_list_shows_every_task_study_and_factor():
    """By its whole name, at 80 columns."""
    done = run("list")
    assert (done.returncode, done.stderr) == (0, "")
    words = set(done.stdout.split())
    assert {*discover(), *shipped(), *FACTORS} <= words
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_list_as_json_is_for_programs():
    """Tasks with summaries, studies with presets, factors with defaults and levels or a range."""
    content = json.loads(run("list", "--json").stdout)
    assert set(content["tasks"]) == set(discover())
    assert content["studies"]["techniques"]["presets"] == ["quick", "standard", "full"]
    assert set(content["factors"]) == set(FACTORS)
    assert content["factors"]["batch_norm"]["levels"] == [False, True]
    assert (content["factors"]["dropout"]["low"], content["factors"]["dropout"]["high"]) == (
        0,
        0.95,
    )


def test_list_shows_a_broken_task_with_its_problem(tmp_path):
    """A stranger's broken file, its brackets and all, stops nothing."""
    (tmp_path / "mine.py").write_text("def f(:\n")
    (tmp_path / "odd.py").write_text('class A(Task):\n    """Of [bold]x[/nope]."""\n')
    done = run("list", "--tasks-dir", tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "SyntaxError" in done.stdout
    assert "Of [bold]x[/nope]." in done.stdout
    assert "churn" in done.stdout


@pytest.mark.parametrize("arguments", [["--help"], ["list"], ["list", "--json"]])
def test_help_and_list_wait_for_nothing(arguments):
    """Neither Keras, nor its backends, nor pandas, nor NumPy is imported."""
    code = (
        "import sys; from suite.cli import main\n"
        f"sys.argv = ['run_suite.py', *{arguments!r}]\n"
        "try: main()\n"
        f"finally: print([m for m in {HEAVY!r} if m in sys.modules], file=sys.stderr)\n"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"


def test_compare_shows_two_folders(inside, tmp_path):
    """Tables on standard output, nothing on standard error."""
    folder = results_folder(tmp_path / "é and spaces", matrix())
    code, out, err = inside("compare", folder, folder)
    assert (code, err) == (0, "")
    assert "+0.000 [0.000, 0.000]" in out


def test_replay_shows_two_tables_a_task_at_80_columns(inside, tmp_path):
    """On standard output; the log and the tables go to --out."""
    folder = finished(tmp_path / "é [b] and spaces")
    asked = ("--tuner", "tpe", "--repeats", 2, "--trials", 4, "--batch", 2, "-t", "churn")
    code, out, err = inside("replay", folder, *asked, "--jobs", 1, "--out", tmp_path / "out")
    assert (code, err) == (0, "")
    assert "churn: best loss on val" in out
    assert "churn: auc of what searches chose" in out
    assert max(map(len, out.splitlines())) <= 80
    assert (tmp_path / "out" / "asks.csv").is_file()
    assert (tmp_path / "out" / "tables" / "search-churn.md").is_file()


def test_a_dry_run_trains_nothing_and_leaves_no_folder(inside, tmp_path):
    """The matrix and the number of trials of every task; names are shown as they are."""
    study = tmp_path / "mine.toml"
    study.write_text('name = "of [red]x"\n' + STUDY)
    arguments = ("--dry-run", "-s", study, "-t", "churn", "-o", tmp_path / "out", "--engine", "fit")
    code, out, err = inside(*arguments)
    assert (code, err) == (0, "")
    assert "of [red]x" in out
    assert "0, 0.5" in out
    row = next(line.split() for line in out.splitlines() if line.strip().startswith("churn  "))
    assert row[1:5] == ["2", "1", "1", "2"]  # recipes, seeds, epochs, trials
    assert not (tmp_path / "out").exists()


# Exit code 1.


def test_a_folder_without_results_is_exit_code_1(inside, tmp_path):
    """`compare` says which folder."""
    code, out, err = inside("compare", tmp_path, tmp_path)
    assert (code, out) == (1, "")
    assert_one_sentence(err, f"Received: {tmp_path}.")


def test_an_unfinished_matrix_is_not_replayed(inside, tmp_path):
    """One sentence: how many trials are missing."""
    finished(tmp_path, recorded=outcomes()[:-5])
    code, out, err = inside("replay", tmp_path)
    assert (code, out) == (1, "")
    assert_one_sentence(err, "5 are missing")


def test_a_broken_task_is_exit_code_1_and_names_its_line(inside, tmp_path):
    """The other tasks are gone through all the same."""
    (tmp_path / "mine.py").write_text("from suite import Task\n1 / 0\nclass A(Task):\n    pass\n")
    study = tmp_path / "study.toml"
    study.write_text(STUDY)
    asked = ("-t", "mine", "-t", "churn", "--tasks-dir", tmp_path, "-s", study, "--engine", "fit")
    code, out, _ = inside("--dry-run", *asked)
    assert code == 1
    assert "mine.py:2: ZeroDivisionError: division by zero" in out
    assert any(line.strip().startswith("churn  ") for line in out.splitlines())


def test_an_out_folder_that_is_a_file_is_one_sentence(inside, tmp_path):
    """Nothing trains."""
    (tmp_path / "out").write_text("mine")
    code, out, err = inside("-t", "churn", "-o", tmp_path / "out")
    assert (code, out) == (5, "")
    assert_one_sentence(err, str(tmp_path / "out"))
    assert (tmp_path / "out").read_text() == "mine"


# Exit code 2.

UNKNOWN = [
    (["-t", "chrun"], "task='chrun'. Did you mean 'churn'?"),
    (["--study", "tecniques"], "study='tecniques'. Did you mean 'techniques'?"),
    (["--preset", "quik"], "preset='quik'. Did you mean 'quick'?"),
    (["--data", "ful"], "data source='ful'. Did you mean 'full'?"),
    (["--study", "none.toml"], "study=none.toml"),
    (["--tasks-dir", "none"], "tasks-dir=none"),
    (["list", "--tasks-dir", "none"], "tasks-dir=none"),
]


@pytest.mark.parametrize(("arguments", "clue"), UNKNOWN)
def test_an_unknown_name_is_exit_code_2_with_the_nearest(arguments, clue):
    """One sentence on standard error, no traceback, nothing on standard output."""
    done = run(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert_one_sentence(done.stderr, clue)


def test_an_unknown_engine_is_exit_code_2(inside, tmp_path):
    """Before a folder is made."""
    code, out, err = inside("--engine", "fleat", "-t", "churn", "-o", tmp_path / "out")
    assert (code, out) == (2, "")
    assert_one_sentence(err, "engine='fleat'. Did you mean 'fleet'?")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "clue"),
    [
        (["--tuner", "tpee"], "tuner='tpee'. Did you mean 'tpe'?"),
        (["-t", "chrun"], "task='chrun'. Did you mean 'churn'?"),
        (["--trials", 25], "trials=25"),
    ],
)
def test_a_replay_of_what_is_not_there_is_exit_code_2(inside, tmp_path, arguments, clue):
    """Before anything is searched."""
    code, _, err = inside("replay", finished(tmp_path), *arguments)
    assert code == 2
    assert_one_sentence(err, clue)


@pytest.mark.parametrize("more", [["--dry-run"], []])
def test_an_unknown_factor_is_exit_code_2(inside, tmp_path, more):
    """A study that varies what no chosen task declares is a mistake of the request."""
    study = tmp_path / "mine.toml"
    study.write_text(STUDY.replace("dropout", "droput"))
    code, out, err = inside("-s", study, "-t", "churn", "-o", tmp_path / "out", *more)
    assert code == 2
    assert "'droput'. Did you mean 'dropout'?" in out + err
    assert "Traceback" not in out + err


def test_a_faulty_study_is_exit_code_2(tmp_path):
    """The file, the place and the nearest choice, in one sentence."""
    study = tmp_path / "mine.toml"
    study.write_text(STUDY + 'optimizer = ["adm"]\n')
    done = run("-s", study)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert "mine.toml" in done.stderr
    assert "Expected an optimizer level" in done.stderr
    assert "'adm'. Did you mean 'adam'?" in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["--nope"],
        ["list", "--nope"],
        ["--seeds", "0"],
        ["--seeds", "many"],
        ["--seeds", "10001"],
        ["--epochs", "0"],
        ["--epochs", "-1"],
        ["replay"],
        ["replay", "one", "--repeats", "0"],
        ["replay", "one", "--jobs", "0"],
        ["replay", "one", "--seed", "-1"],
        ["compare", "one"],
        ["compare"],
        ["nope"],
        ["--out"],
    ],
)
def test_an_unknown_option_or_value_is_exit_code_2(arguments):
    """An error on standard error, no traceback, nothing on standard output."""
    done = run(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Error" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unknown_backend_is_exit_code_2(tmp_path):
    """`KERAS_BACKEND` is the user's; a mistake in it is one sentence, not Keras' traceback."""
    done = run("-t", "churn", "-o", tmp_path / "out", KERAS_BACKEND="jacks")
    assert (done.returncode, done.stdout) == (2, "")
    assert_one_sentence(done.stderr, "'jax'")
