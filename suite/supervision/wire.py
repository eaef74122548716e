"""Messages between processes: JSON behind its length, over a socket, bounded."""

from __future__ import annotations

import json
import select
import socket
import struct
from collections.abc import Mapping
from typing import Any

from suite.errors import PluginError

MOST_BYTES = 1 << 26
"""Of one message; a chunk of trials takes a few kilobytes a trial."""
SLICE = 5000
"""Lines of a record, or rows of a log, that go into one message."""
LENGTH = struct.Struct("!Q")


class Wire:
    """One end of a connection. JSON alone crosses it, so that nothing is run by reading."""

    def __init__(self, end: socket.socket) -> None:
        self.end = end

    def send(self, content: Mapping[str, Any]) -> None:
        """Send one message; PluginError where it is no JSON or beyond `MOST_BYTES`."""
        try:
            data = json.dumps(content).encode()
        except (TypeError, ValueError) as error:
            raise PluginError(f"Expected results that JSON can hold. Received: {error}.") from error
        if len(data) > MOST_BYTES:
            raise PluginError(
                f"Expected results of at most {MOST_BYTES:,} bytes at once. "
                f"Received: {len(data):,} bytes."
            )
        self.end.sendall(LENGTH.pack(len(data)) + data)

    def receive(self) -> dict[str, Any]:
        """The next message, waited for; EOFError where the other end is gone, or talks rubbish."""
        (size,) = LENGTH.unpack(self._exactly(LENGTH.size))
        if size > MOST_BYTES:
            raise EOFError(f"a message of {size:,} bytes")
        try:
            content = json.loads(self._exactly(size))
        except (ValueError, RecursionError) as error:
            raise EOFError("a message that is no JSON") from error
        if not isinstance(content, dict):
            raise EOFError("a message that is no object")
        return content

    def waiting(self, seconds: float) -> bool:
        """Whether a message, or the end, is there within so many seconds."""
        return bool(select.select([self.end], [], [], seconds)[0])

    def close(self) -> None:
        """End the connection."""
        self.end.close()

    def _exactly(self, size: int) -> bytes:
        data = bytearray()
        while len(data) < size:
            part = self.end.recv(min(size - len(data), 1 << 20))
            if not part:
                raise EOFError("the connection ended")
            data += part
        return bytes(data)
