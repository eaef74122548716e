"""What a run was made with: versions, commit, hardware, command line."""

from __future__ import annotations

import platform
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil

from suite.environment import available_cores

PACKAGES = (
    "keras",
    "jax",
    "jaxlib",
    "tensorflow",
    "keras-tuner",
    "scikit-learn",
    "numpy",
    "pandas",
)


def provenance() -> dict[str, Any]:
    """Versions, the commit of the suite, the machine and the command line, fit for JSON."""
    return {
        "versions": {"python": platform.python_version(), **{p: version(p) for p in PACKAGES}},
        "commit": commit(),
        "hardware": {
            "machine": platform.machine(),
            "system": platform.platform(),
            "processor": _processor(),
            "cores": available_cores(),
            "memory_gb": round(psutil.virtual_memory().total / 2**30, 1),
        },
        "command": [Path(sys.argv[0]).name, *sys.argv[1:]],
    }


def commit() -> str:
    """The commit of the suite's own checkout, `+` behind it where files differ; "" outside one."""
    here = Path(__file__).parents[1]
    try:
        head = _git(here, "rev-parse", "HEAD")
        changed = _git(here, "status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.CalledProcessError):
        return ""
    return head[:12] + ("+" if changed else "")


def _git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor()
