"""How a benchmark ends: a table or JSON, the promises that were not kept, the exit code."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from suite.provenance import provenance

AsData = Annotated[bool, typer.Option("--json", help="Print JSON only.")]
Check = Annotated[bool, typer.Option("--check", help="Exit with 1 where a promise is not kept.")]


def close(
    content: Mapping[str, Any],
    missed: Sequence[str],
    *,
    as_data: bool,
    check: bool,
    table: Table | None = None,
) -> None:
    """Print the figures and leave.

    Args:
        content: the figures, as JSON takes them.
        missed: a line for each promise that the figures do not show.
        as_data: print `content`, `missed` and the provenance as JSON, instead of `table`.
        check: print `missed` to stderr; exit with 1 where there is any.
    """
    if as_data:
        print(json.dumps({**content, "shortfalls": [*missed], **provenance()}, indent=2))
    elif table is not None:
        Console().print(table)
    for line in missed if check else ():
        Console(stderr=True).print(line, markup=False, soft_wrap=True)
    raise typer.Exit(1 if check and missed else 0)
