"""The README is true: its commands parse, its study loads, its packages are those required."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import typer

from suite.cli import app
from suite.studyfiles import read

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")


def test_every_command_parses():
    """No command of the README names an option or a subcommand that is not there."""
    commands = re.findall(r"^ {4}python run_suite\.py ?([^#\n]*)", TEXT, flags=re.MULTILINE)
    assert len(commands) >= 6
    group = typer.main.get_command(app)
    for command in commands:
        words = shlex.split(command)
        group.make_context("run_suite.py", list(words))
        if words and not words[0].startswith("-"):
            assert words[0] in group.commands, command


def test_every_make_target_exists():
    """`make run` and `make test` are targets of the Makefile."""
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"^ {4}make (\w+)", TEXT, flags=re.MULTILINE):
        assert f"\n{target}:" in makefile


def test_the_study_loads(tmp_path):
    """The study in the README is a valid one, as written, with the claim that may follow it."""
    snippet, claim = re.findall(r"```toml\n(.*?)```", TEXT, flags=re.DOTALL)
    path = tmp_path / "my.toml"
    path.write_text(snippet + claim)
    study = read(path)
    assert [own.measure for own in study.claims] == ["gap"]
    assert study.factors["units"] == [32, 64]
    assert study.seeds == 8


def test_the_search_runs_as_written(tmp_path):
    """The README's script, in a process of its own; run again, it trains nothing and agrees."""
    (snippet,) = re.findall(r"```python\n(.*?)```", TEXT, flags=re.DOTALL)
    (tmp_path / "search.py").write_text(snippet)
    environment = {k: v for k, v in os.environ.items() if k not in ("KERAS_BACKEND", "XLA_FLAGS")}
    outputs = []
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "search.py"],
            cwd=tmp_path,
            env={**environment, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        outputs.append(done.stdout)
    assert "40 trials, best val_accuracy" in outputs[0]
    assert "trainings/s" not in outputs[1]
    summary = "Results summary"
    assert outputs[0][outputs[0].index(summary) :] == outputs[1][outputs[1].index(summary) :]


def test_every_requirement_is_named_with_its_reason():
    """The table of requirements names exactly the packages in requirements.txt."""
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    required = {line.partition("==")[0] for line in lines if "==" in line}
    table = TEXT[TEXT.index("## Requirements") :]
    named = {
        name.strip()
        for row in re.findall(r"^\| ([a-z][^|]*) \|", table, flags=re.MULTILINE)
        for name in row.split(",")
    }
    assert named - {"package"} == required


def test_every_task_and_exit_code_is_in_the_readme():
    """The tables of tasks and exit codes are complete."""
    tasks = {path.stem for path in (ROOT / "tasks").glob("[!_]*.py")}
    assert tasks == set(re.findall(r"^\| `(\w+)` \| .* \| .* \|", TEXT, flags=re.MULTILINE))


def test_every_link_leads_somewhere():
    """Files that the README points at are there."""
    for target in re.findall(r"\]\(([^)#]+)\)", TEXT):
        assert (ROOT / target).is_file(), target
