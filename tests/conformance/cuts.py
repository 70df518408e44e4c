"""Says where an answer's bytes are cut in two: at every event of a stream, and at seeded positions in between."""

from __future__ import annotations

import hashlib
import random
import re

MOST = 1000
"""Ends of events: of a longer stream so many are chosen."""
RANDOM = 8
"""Positions anywhere in a stream."""
TENDER = 3
"""Positions inside characters of several bytes, and as many between the bytes of a line's end."""


def event_ends(body: bytes) -> list[int]:
    """Return where the events of a stream end: after blank lines, or after lines where it has none."""
    blank = [m.end() for m in re.finditer(rb"\r\n\r\n|\n\n|\r\r", body)]
    return blank or [m.end() for m in re.finditer(rb"\n", body)]


def cuts(body: bytes, *, stream: bool) -> list[int]:
    """Return the positions, in order and the same each time: they come from the bytes themselves."""
    if len(body) < 2:
        return []
    chance = random.Random(hashlib.sha256(body).digest())
    found: set[int] = set()
    if stream:
        ends = event_ends(body)
        found.update(ends if len(ends) <= MOST else chance.sample(ends, MOST))
        found.update(chance.randrange(1, len(body)) for _ in range(RANDOM))
    else:
        found.update({1, len(body) // 4, len(body) // 2, len(body) * 3 // 4, len(body) - 1})
        found.add(chance.randrange(1, len(body)))
    inside = [at for at, byte in enumerate(body) if 0x80 <= byte < 0xC0]
    between = [m.start() + 1 for m in re.finditer(rb"\r\n|\n\n", body)]
    for tender in (inside, between):
        found.update(chance.sample(tender, min(TENDER, len(tender))))
    return sorted(at for at in found if 0 < at < len(body))
