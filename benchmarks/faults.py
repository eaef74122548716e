"""What goes wrong, what is promised then, and what was measured: a table of faults.

    python benchmarks/faults.py --quick             every fault on a small scale, minutes
    python benchmarks/faults.py                     in full: hours, most of them for the kills
    python benchmarks/faults.py --row "bit flips"   that row alone; repeat for more
    python benchmarks/faults.py --check             exit code 1 where a promise is not kept

Rows come from every module in `benchmarks/faultrows`.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # to be run as a file, too

from benchmarks import faultrows
from benchmarks.closing import AsData, Check, close
from benchmarks.faultrows.row import Found, Row
from suite.errors import SuiteError, UsageError, unknown


def rows() -> list[Row]:
    """The rows of all modules, in the order of the modules' names."""
    names = sorted(module.name for module in pkgutil.iter_modules(faultrows.__path__))
    modules = [importlib.import_module(f"benchmarks.faultrows.{name}") for name in names]
    return [row for module in modules for row in getattr(module, "ROWS", ())]


def chosen(names: Sequence[str]) -> list[Row]:
    """The rows of these names, or all; UsageError for a name that no row has."""
    every = {row.name: row for row in rows()}
    for name in names:
        if name not in every:
            raise unknown("row", name, every)
    return [row for row in every.values() if not names or row.name in names]


def measured(row: Row, quick: bool) -> dict[str, Any]:
    """One row with its figures, fit for JSON; a row that raises is not kept, and says why."""
    started = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="fault ") as folder:
        try:
            found = row.measure(Path(folder), quick)
        except Exception as error:  # the other rows are measured all the same
            found = Found(f"{type(error).__name__}: {error}", kept=False)
    return {
        "name": row.name,
        "fault": row.fault,
        "promise": row.promise,
        "figures": found.figures,
        "kept": found.kept,
        "seconds": round(time.perf_counter() - started, 1),
    }


def table_of(found: Sequence[dict[str, Any]]) -> Table:
    """The figures of all rows, to look at."""
    table = Table("row", "fault", "promise", "figures", "s", "kept")
    for row in found:
        words = [escape(row[key]) for key in ("name", "fault", "promise", "figures")]
        table.add_row(*words, f"{row['seconds']:.0f}", "yes" if row["kept"] else "[red]no")
    return table


def markdown(found: Sequence[dict[str, Any]]) -> str:
    """The figures of all rows for the docs."""
    lines = ["| fault | promise | figures |", "| --- | --- | --- |"]
    for row in found:
        cells = (row[key].replace("|", "\\|") for key in ("fault", "promise", "figures"))
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def main(
    row: Annotated[list[str] | None, typer.Option(help="A row by name; repeat for more.")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="On a small scale.")] = False,
    as_markdown: Annotated[
        bool, typer.Option("--markdown", help="Print the table as docs/faults.md has it.")
    ] = False,
    as_data: AsData = False,
    check: Check = False,
) -> None:
    """Do every fault, count what it cost, and print the table."""
    errors = Console(stderr=True)
    found = []
    for one in chosen(row or ()):
        found.append(measured(one, quick))
        line = f"{one.name}: {found[-1]['figures']} ({found[-1]['seconds']:.0f} s)"
        errors.print(line, markup=False, soft_wrap=True)
    missed = [f"{f['name']}: not kept: {f['figures']}" for f in found if not f["kept"]]
    content = {"quick": quick, "rows": found}
    if as_markdown:
        print(markdown(found))
    table = None if as_markdown else table_of(found)
    close(content, missed, as_data=as_data, check=check, table=table)


if __name__ == "__main__":
    try:
        typer.run(main)
    except SuiteError as error:
        Console(stderr=True).print(f"Error: {error}", style="red", markup=False, soft_wrap=True)
        sys.exit(2 if isinstance(error, UsageError) else 1)
