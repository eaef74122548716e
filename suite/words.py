"""Names that strangers chose: which are fit to be shown, and what they are as a file's name."""

from __future__ import annotations

import hashlib
import re

LONGEST = 1_000
"""Characters of a name."""
LONGEST_FILE = 80


def shown(name: str) -> str:
    """`name`, where it can be shown as it is; ValueError otherwise.

    Control characters move a terminal's cursor, marks of direction reorder what stands around
    them, and half a surrogate pair cannot be written to a file.
    """
    if len(name) > LONGEST:
        raise ValueError(f"at most {LONGEST:,} characters, not {len(name):,}")
    if not name.isprintable():
        raise ValueError(f"a text without control characters, not {name[:40]!a}")
    return name


def escaped(text: str) -> str:
    """A message in which strangers' control characters are written out.

    >>> escaped("\\x1b[2J é")
    '\\\\x1b[2J é'
    """
    signs = (s if s.isprintable() or s == "\n" else ascii(s)[1:-1] for s in text)
    return "".join(signs)


def slug(name: str) -> str:
    """A name that every file system takes; one of its own where `name` is none.

    >>> slug("churn"), slug("../b").startswith("b-"), slug("/") == slug(".")
    ('churn', True, False)
    """
    plain = re.sub(r"[^\w.-]+", "-", name).strip("-.")[:LONGEST_FILE]
    if plain == name:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:6]
    return f"{plain or 'task'}-{digest}"
