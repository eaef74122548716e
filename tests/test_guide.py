"""`docs/write-a-task.md` is true: its files and commands, as they stand there, in their order."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import typer

from suite.cli import app
from suite.entrypoints import GROUP

ROOT = Path(__file__).parents[1]
GUIDE = ROOT / "docs" / "write-a-task.md"
STEP = re.compile(
    r"^```\w+\n# (?P<file>\S+)\n(?P<text>.*?)^```$|^ {4}(?P<command>\S[^\n]*)$",
    re.MULTILINE | re.DOTALL,
)
STEPS = list(STEP.finditer(GUIDE.read_text(encoding="utf-8")))
FILES = {step["file"]: step["text"] for step in STEPS if step["file"]}
COMMANDS = [step["command"] for step in STEPS if step["command"]]


def test_every_block_is_a_step():
    """No code block is left out of what the tests run."""
    assert len(FILES) == GUIDE.read_text(encoding="utf-8").count("```") // 2 == 6
    assert len(COMMANDS) == 9


def test_every_command_parses():
    """Each names a command and options that are there."""
    group = typer.main.get_command(app)
    for command in COMMANDS:
        words = shlex.split(command)
        if words[1] == "run_suite.py":
            group.make_context("run_suite.py", words[2:])
            assert words[2].startswith("-") or words[2] in group.commands, command


def test_the_package_names_the_group():
    """The entry-point group of the guide is the one that is looked for."""
    project = tomllib.loads(FILES["penguin_tasks/pyproject.toml"])["project"]
    assert list(project["entry-points"]) == [GROUP]


@pytest.mark.parametrize("name", [name for name in FILES if name.startswith("my_tasks/")])
def test_every_file_passes_lint(name, tmp_path):
    """By the project's own settings; TOML is TOML."""
    if name.endswith(".toml"):
        assert tomllib.loads(FILES[name])["question"]
        return
    path = tmp_path / Path(name).name
    path.write_text(FILES[name])
    for check in (["check", "--no-cache"], ["format", "--check"]):
        ruff = [sys.executable, "-m", "ruff", *check, "--config", str(ROOT / "pyproject.toml")]
        done = subprocess.run([*ruff, str(path)], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout


def run(command: str, folder: Path, **more: str) -> str:
    """A command of the guide, in a folder that holds `run_suite.py`; its output."""
    words = [sys.executable if word == "python" else word for word in shlex.split(command)]
    inherited = {k: v for k, v in os.environ.items() if k not in ("KERAS_BACKEND", "XLA_FLAGS")}
    done = subprocess.run(
        words,
        cwd=folder,
        env={**inherited, "PYTHONPATH": str(ROOT), **more},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.mark.slow
def test_the_guide_leads_to_a_verdict(tmp_path):
    """From an empty folder, every step; then the package that brings the task."""
    (tmp_path / "run_suite.py").symlink_to(ROOT / "run_suite.py")
    said = {}
    for step in STEPS:
        if step["command"]:
            said[step["command"]] = run(step["command"], tmp_path)
            continue
        path = tmp_path / step["file"]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(step["text"])
        if path.parent == tmp_path:
            said[path.name] = run(f"python {path.name}", tmp_path)
    assert all("4 passed" in text for command, text in said.items() if "pytest" in command)
    rows = said["verdicts.py"].splitlines()
    assert {"batch_norm", "dropout"} <= {row.split()[1] for row in rows[1:]}
    assert (tmp_path / "results" / "penguins" / "report.html").is_file()
    assert (tmp_path / "results" / "tumours" / "models" / "tumours.keras").is_file()
    package = tmp_path / "penguin_tasks"
    (package / "penguin_tasks").mkdir()
    (package / "penguin_tasks" / "__init__.py").write_text("")
    (package / "penguin_tasks" / "penguins.py").write_text(FILES["my_tasks/penguins.py"])
    site = tmp_path / "site"
    pip = "python -m pip install --quiet --no-deps --no-build-isolation --target"
    run(f"{pip} {site} {package}", tmp_path)
    listed = run("python run_suite.py list", tmp_path, PYTHONPATH=str(site))
    assert "Is this penguin male?" in listed
