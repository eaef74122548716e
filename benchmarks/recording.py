"""The record that the calibration draws from: trained once, by the suite's own command line."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from benchmarks.resampled import Pool
from suite.reading import read

ROOT = Path(__file__).resolve().parents[1]
STUDY = ROOT / "benchmarks" / "calibration.toml"
TASK = "churn"


def recorded(folder: Path) -> Pool:
    """The trials in `folder`, trained first where they are missing; a finished run is reused."""
    command = [sys.executable, ROOT / "run_suite.py", "--study", STUDY, "-t", TASK, "-o", folder]
    subprocess.run([str(word) for word in command], check=True, stdout=subprocess.DEVNULL)
    reading = read(folder)
    return Pool(reading.frame, reading.judged[TASK])
