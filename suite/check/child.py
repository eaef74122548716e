"""The second process of `suite.check.second`: loads a task, writes what it got, ends."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from suite.environment import settle, spare_tensorflow
from suite.registry import Plugin


def looked_at(content: dict[str, Any]) -> dict[str, Any]:
    """What the second process answers; whatever the plugin raises is an answer, too."""
    from suite.check.subject import Subject  # noqa: PLC0415  # Keras, once its backend is settled

    plugin = Plugin(**{**content["plugin"], "path": Path(content["plugin"]["path"])})
    try:
        subject = Subject(plugin, _Nobody())
        sketch = subject.sketch({}).content()
        return {"fingerprint": subject.data.fingerprint, "sketch": sketch}
    except Exception as error:  # a plugin may raise anything; it is reported
        return {"error": f"{type(error).__name__}: {error}"}


class _Nobody:
    """A watcher that does not look."""

    def stage(self, text: str) -> None:
        """Nothing."""


def main() -> None:
    """Answer one request: the arguments are its content and the file to write."""
    settle()
    spare_tensorflow()
    asked, file = sys.argv[1:]
    Path(file).write_text(json.dumps(looked_at(json.loads(asked))), encoding="utf-8")


if __name__ == "__main__":
    main()
