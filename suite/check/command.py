"""The command `check`: one plugin, all examiners, an exit code."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from suite.check.examine import examine
from suite.check.show import Stage, show
from suite.engines.choice import cost_of
from suite.registry import discover, select

FOUND = 1


def check(name: str, folders: Sequence[Path], console: Console, *, as_json: bool) -> int:
    """Examine the plugin `name`; print what was found. Returns 1 where something was, else 0.

    With `as_json` the result is one JSON object, and progress goes to standard error.

    Raises UsageError for an unknown name, and for another Keras backend than JAX.
    """
    (plugin,) = select(discover(folders), [name])
    cost_of("fleet")
    watched = Console(stderr=True) if as_json else console
    with Stage(watched, name).shown() as stage:
        results = examine(plugin, stage)
    found = any(result.findings for result in results)
    if as_json:
        examiners = [result.content() for result in results]
        content = {"task": name, "ok": not found, "examiners": examiners}
        console.print_json(json.dumps(content))
    else:
        show(console, name, results)
    return FOUND if found else 0
