"""Reading what strangers wrote: plain files inside a folder, of bounded size, as bounded JSON.

A results folder may come from anybody. From it only text is read, never anything that could be run
(no pickle, no model file); a name in it leads nowhere else; and no file makes the reader hang or
fill the memory.
"""

from __future__ import annotations

import io
import json
import os
import stat
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, NoReturn, cast

from suite.errors import RecordError

MOST_DESCRIPTION = 64 << 20
"""Bytes of a `run.json`."""
MOST_LINE = 16 << 20
"""Bytes of a line of a record; a training of a thousand epochs takes less than one million."""
MOST_RATIO = 200
"""Times that a packed record may unpack to; a record packs to a fifth or a twentieth."""
FREE = 64 << 20
"""Bytes that anything may unpack to."""


def opened(path: Path, folder: Path) -> IO[bytes]:
    """A file of `folder`, open for reading.

    Raises RecordError where it is no plain file (a device or a pipe would never end), or a link
    that leads out of the folder.
    """
    home, real = (Path(os.path.realpath(own)) for own in (folder, path))
    if not real.is_relative_to(home):
        raise RecordError(f"Expected {path} to lie in its folder. Received: a link to {real}.")
    try:
        descriptor = os.open(real, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise RecordError(f"Expected {path} to be readable. Received: {error.strerror}.") from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise RecordError(f"Expected a plain file at {path}. Received: none.")
    return open(descriptor, "rb")


def text_of(path: Path, folder: Path, most: int = MOST_DESCRIPTION) -> str:
    """A file's text; RecordError where it is none, larger than `most` bytes, or as `opened`."""
    with opened(path, folder) as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise RecordError(f"Expected at most {most:,} bytes in {path}. Received: more.")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise RecordError(f"Expected UTF-8 in {path}. Received: {error}.") from error


def parsed(text: str | bytes) -> Any:
    """JSON without NaN and infinities, nested no deeper than Python reads; ValueError otherwise.

    Texts in it are such as can be written to a file again: half a surrogate pair cannot.
    """
    text = text if isinstance(text, str) else text.decode()
    try:
        content = _DECODER.decode(text)
    except RecursionError as error:
        raise ValueError("JSON that is nested too deep") from error
    if "\\ud" in text or "\\uD" in text:
        json.dumps(content, ensure_ascii=False).encode()
    return content


def _refused(constant: str) -> NoReturn:
    raise ValueError(f"the number {constant}")


_DECODER = json.JSONDecoder(parse_constant=_refused)


def lines_of(file: IO[bytes]) -> Iterator[bytes]:
    """The lines of a file, each with its end; ValueError where one is longer than `MOST_LINE`."""
    while line := file.readline(MOST_LINE + 1):
        if len(line) > MOST_LINE:
            raise ValueError(f"a line of more than {MOST_LINE:,} bytes")
        yield line


def unpacked(file: IO[bytes]) -> IO[bytes]:
    """A gzip file's content, unpacked bit by bit.

    Reading raises ValueError for a bomb, EOFError where it was cut off, zlib.error where damaged.
    """
    return cast(IO[bytes], io.BufferedReader(_Unpacking(file), 1 << 18))


class _Unpacking(io.RawIOBase):
    """Unpacks as it is read, and stops where far more comes out than went in."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._engine = zlib.decompressobj(wbits=31)
        self._read = self._written = 0

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        self._file.close()
        super().close()

    def readinto(self, buffer: Any) -> int:
        data = b""
        while not data:
            over = self._engine.eof
            left = self._engine.unused_data if over else self._engine.unconsumed_tail
            packed = left or self._file.read(1 << 16)
            if over:
                if not packed.strip(b"\0"):
                    return 0
                self._engine = zlib.decompressobj(wbits=31)
            elif not packed:
                raise EOFError("the packed file was cut off")
            self._read = self._file.tell()
            data = self._engine.decompress(packed, len(buffer))
            self._written += len(data)
            if self._written > max(FREE, MOST_RATIO * self._read):
                raise ValueError(f"{self._read:,} bytes that unpack to more than {self._written:,}")
        buffer[: len(data)] = data
        return len(data)
