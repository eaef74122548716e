"""Results folders of planted outcomes, as a run leaves them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from example import results_folder

from suite.trial import Outcome

FACTORS = {"batch_norm": [False, True], "l2": [0.0, 0.1]}


def planted_folder(path: Path, outcomes: Iterable[Outcome], seeds: int = 2, **own: Any) -> Path:
    """A results folder whose study declares the planted factors; `own` goes into `run.json`."""
    results_folder(path, outcomes)
    run = json.loads((path / "run.json").read_text())
    run["study"] |= {"factors": FACTORS, "nuisance": {"lr": [0.01, 0.1, 1.0]}, "seeds": seeds}
    run |= {"commit": "abc", "versions": {"jax": "1"}, "hardware": {"cores": 2}, **own}
    (path / "run.json").write_text(json.dumps(run))
    return path
