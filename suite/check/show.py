"""A check as people see it: where it is, a table of examiners, then each finding in three parts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from suite.check.examine import Result

LABELS = ("found", "means", "remedy")


class Stage:
    """A watcher: one line that changes where there is a terminal, plain lines elsewhere."""

    def __init__(self, console: Console, name: str) -> None:
        self._console = console
        self._name = name
        self._status = console.status("") if console.is_terminal else None

    def stage(self, text: str) -> None:
        """Show what has just begun."""
        line = Text(f"{self._name}: {text}", "dim")
        if self._status is not None:
            self._status.update(line)
        else:
            self._console.print(line, soft_wrap=True)

    @contextmanager
    def shown(self) -> Iterator[Stage]:
        """Show it inside the `with` block."""
        if self._status is None:
            yield self
            return
        with self._status:
            yield self


def show(console: Console, name: str, results: Sequence[Result]) -> None:
    """Print the table, the findings and the remarks."""
    table = Table(title=Text(f"check {name}"), title_justify="left", box=SIMPLE_HEAD)
    table.add_column("examiner")
    table.add_column("asks")
    table.add_column("result")
    table.add_column("seconds", justify="right")
    for result in results:
        style = "red" if result.findings else "dim" if result.spoiled else "green"
        cells = (result.examiner.name, result.examiner.asks, Text(result.word, style))
        table.add_row(*cells, f"{result.seconds:.1f}")
    console.print(table)
    for result in results:
        for finding in result.findings:
            console.print(Text(result.examiner.name, "bold red"))
            for label in LABELS:
                console.print(_block(label, getattr(finding, label)))
            console.print()
    remarks = [(r.examiner.name, remark.text) for r in results for remark in r.remarks]
    if remarks:
        console.print(Text("remarks", "bold"))
        for examiner, text in remarks:
            console.print(_block(examiner, text))
        console.print()
    count = sum(len(result.findings) for result in results)
    seconds = sum(result.seconds for result in results)
    said = f"{count} finding{'' if count == 1 else 's'}" if count else "nothing found"
    console.print(Text(f"{name}: {said}, {seconds:.0f} s"))


def _block(label: str, text: str) -> Table:
    """A label, and beside it a text that wraps within its column."""
    block = Table.grid(padding=(0, 1))
    block.add_column(width=10)
    block.add_column(overflow="fold")
    block.add_row(Text(label, "dim"), Text(text))
    return block
