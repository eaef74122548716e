"""A contender's process: `python -m benchmarks.child` reads a request, prints one line of JSON."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from importlib import import_module

from benchmarks.record import CONTENDERS, FLEET, Clock, Request
from suite.environment import settle, spare_tensorflow
from suite.errors import SuiteError
from suite.registry import discover


def main() -> None:
    """Let the contender train what is asked for; a SuiteError becomes a line on stderr."""
    request = Request(**json.load(sys.stdin))
    clock = Clock()
    try:
        with clock("importing"):
            if request.contender == FLEET:
                settle()
            contender = import_module(
                f"benchmarks.contenders.{CONTENDERS[request.contender].module}"
            )
            if request.contender == FLEET:
                spare_tensorflow()
        trained = contender.train(request, discover()[request.task], clock)
    except SuiteError as error:
        sys.exit(f"Error: {error}")
    print(json.dumps({"trained": asdict(trained), "seconds": clock.seconds}), flush=True)


if __name__ == "__main__":
    main()
