"""The command `doctor`: a results folder, or the installation, examined."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from suite.environment import settle
from suite.finding import Finding

LEFT = 1
"""Exit code where something is left to do."""


def doctor(
    results: Annotated[
        Path | None, typer.Argument(help="A results folder; without: the installation.")
    ] = None,
) -> None:
    """Verify a results folder and repair its views; without one, check the installation.

    Exit code 0 where all is well or was repaired, 1 where something is left to do.
    """
    if results is not None:
        from suite.doctor import examine  # noqa: PLC0415

        _show(examine(results))
        return
    settle()
    from suite.installation import examine as look  # noqa: PLC0415

    _show(look())


def _show(findings: Iterable[Finding]) -> None:
    """Print findings with what to do about them; leave with `LEFT` where there is anything."""
    every = list(findings)
    table = Table(box=None, show_header=False, padding=(0, 1))
    for finding in every:
        table.add_row("!" if finding.remedy else "ok", finding.name, Text(finding.text))
        if finding.remedy:
            table.add_row("", "", Text(f"-> {finding.remedy}", style="yellow"))
    Console().print(table)
    raise typer.Exit(LEFT if any(finding.remedy for finding in every) else 0)
