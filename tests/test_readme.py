"""The README is true: its commands parse, its study loads, its packages are those required."""

from __future__ import annotations

import re
import shlex
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
    """The study in the README is a valid one, as written."""
    (snippet,) = re.findall(r"```toml\n(.*?)```", TEXT, flags=re.DOTALL)
    path = tmp_path / "my.toml"
    path.write_text(snippet)
    study = read(path)
    assert study.factors["units"] == [32, 64]
    assert study.seeds == 8


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
