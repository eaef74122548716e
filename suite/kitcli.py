"""The commands for whoever writes a task; `suite.cli` registers them."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer


def new_task(
    name: Annotated[str, typer.Argument(help="The task's name: lower case, a Python identifier.")],
    tasks_dir: Annotated[
        Path | None,
        typer.Option("--tasks-dir", help="A folder of your own; default: the suite's tasks/."),
    ] = None,
) -> None:
    """Write a task and its test, which pass as they are, to be changed line by line.

    The test goes to tests/ in the folder. Nothing is ever overwritten.
    """
    from suite.scaffold import scaffold  # noqa: PLC0415

    made = scaffold(name, tasks_dir)
    for path in (made.task, made.test):
        print(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)
    place = f" --tasks-dir {shlex.quote(str(tasks_dir))}" if tasks_dir else ""
    print(f"next: python run_suite.py check {name}{place}")
