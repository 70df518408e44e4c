"""Keeps vectors by what they were made of, in a file of SQLite, and finds the nearest ones exactly."""

from __future__ import annotations

import contextlib
import hashlib
import heapq
import math
import operator
import sqlite3
import sys
import threading
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")

NAME = "vectors.sqlite"
"""The one file of a folder, beside the indexes: a text that stays keeps its vector when another one changes."""

GROUP = 64
"""Texts that are embedded, and kept, together, where the model says nothing."""

BLOCK = 512
"""Vectors that are read and compared together."""

_SCHEMA = "CREATE TABLE IF NOT EXISTS vector (key BLOB PRIMARY KEY, data BLOB NOT NULL)"


def key_of(model: str, dimensions: int | None, text: str) -> bytes:
    """Return what a text's vector is kept under: the SHA-256 of model, dimensions and text."""
    said = f"{model}\0{dimensions or ''}\0{text}"
    return hashlib.sha256(said.encode("utf-8", "surrogatepass")).digest()


def pack(vector: Sequence[float]) -> bytes:
    """Return a vector made one unit long, as little-endian float32."""
    # Twice: numbers too small for float32 once squared are not when the largest of them is 1.
    largest = max(abs(number) for number in vector)
    scaled = [number / largest for number in vector]
    norm = math.hypot(*scaled)
    return _little(array("f", [number / norm for number in scaled])).tobytes()


def _little(numbers: array[float]) -> array[float]:
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers


class VectorFile:
    """Vectors by their keys, shared by threads and processes. What cannot be written is kept in memory.

    Args:
        folder: where the file is; None keeps all in memory.

    """

    def __init__(self, folder: Path | None) -> None:
        self._lock = threading.Lock()
        self._unwritten: dict[bytes, bytes] = {}
        self._db = self._open(folder)

    def missing(self, keys: Iterable[bytes]) -> list[bytes]:
        """Return the keys that no vector is kept under, once each."""
        wanted = list(dict.fromkeys(keys))
        found: list[bytes] = []
        for at in range(0, len(wanted), BLOCK):
            part = wanted[at : at + BLOCK]
            found += [key for key, data in zip(part, self.get(part), strict=True) if data is None]
        return found

    def get(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """Return the vectors of at most `BLOCK` keys, in their order; None where there is none."""
        marks = ",".join("?" * len(keys))
        with self._lock:
            found: dict[bytes, bytes] = {}
            with contextlib.suppress(sqlite3.Error):  # a broken file holds nothing, and is embedded again
                found = dict(
                    self._db.execute(f"SELECT key, data FROM vector WHERE key IN ({marks})", list(keys))  # noqa: S608  # question marks
                )
            found |= {key: self._unwritten[key] for key in keys if key in self._unwritten}
        return [_whole(found.get(key)) for key in keys]

    def put(self, rows: Mapping[bytes, bytes]) -> None:
        """Keep vectors; they are on disk when this returns."""
        with self._lock:
            try:
                with self._db:
                    self._db.executemany("INSERT OR REPLACE INTO vector VALUES (?, ?)", rows.items())
            except sqlite3.Error:  # no room, or no right to write: they are paid for all the same
                self._unwritten |= rows

    def forget(self, keys: Iterable[bytes]) -> None:
        """Drop vectors."""
        with self._lock:
            for key in keys:
                self._unwritten.pop(key, None)
                with contextlib.suppress(sqlite3.Error), self._db:
                    self._db.execute("DELETE FROM vector WHERE key = ?", (key,))

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def _open(self, folder: Path | None) -> sqlite3.Connection:
        if folder is not None:
            for _try in range(2):
                try:
                    folder.mkdir(parents=True, exist_ok=True)
                    return _connected(str(folder / NAME))
                except sqlite3.OperationalError:  # locked for long, or not to be written
                    break
                except sqlite3.DatabaseError:  # it is no database
                    with contextlib.suppress(OSError):
                        (folder / NAME).unlink(missing_ok=True)
                except OSError:
                    break
        return _connected(":memory:")


def _connected(path: str) -> sqlite3.Connection:
    db = sqlite3.connect(path, timeout=30.0, check_same_thread=False)
    try:
        db.execute(_SCHEMA)
        db.execute("SELECT data FROM vector LIMIT 1").fetchone()
        db.commit()
    except sqlite3.Error:
        db.close()
        raise
    return db


def _whole(data: bytes | None) -> bytes | None:
    return data if data and len(data) % 4 == 0 else None


def nearest(query: bytes, blocks: Iterable[bytes], k: int) -> list[int]:
    """Return the places of the `k` vectors with the largest cosine, largest first; of equals the first.

    Args:
        query: a packed vector.
        blocks: packed vectors of the same length, one behind the other; any number in each block.

    """
    quick = _numpy() is not None
    best: list[tuple[float, int]] = []  # a heap: the worst of the best stands first
    place = 0
    for block in blocks:
        scores = by_numpy(query, block) if quick else plainly(query, block)
        for score in scores:
            # Rounded, so that equal vectors are equal however their products were added up.
            item = (round(score, 6), -place)
            place += 1
            if len(best) < k:
                heapq.heappush(best, item)
            elif item > best[0]:
                heapq.heapreplace(best, item)
    return [-place for _score, place in sorted(best, reverse=True)]


def plainly(query: bytes, block: bytes) -> Iterator[float]:
    """Yield the dot product of a vector with each of a block."""
    wanted, size = _little(array("f", query)).tolist(), len(query)
    for at in range(0, len(block), size):
        yield sum(map(operator.mul, wanted, _little(array("f", block[at : at + size]))))


def by_numpy(query: bytes, block: bytes) -> list[float]:
    """Return the same by numpy, which is a hundred times as fast."""
    np = _numpy()
    matrix = np.frombuffer(block, "<f4").reshape(-1, len(query) // 4)
    found: list[float] = (matrix @ np.frombuffer(query, "<f4")).tolist()
    return found


@cache
def _numpy() -> Any:
    try:
        import numpy as np
    except ImportError:  # it comes with other packages, and is not needed
        return None
    return np


def grouped(items: Iterator[T], size: int) -> Iterator[list[T]]:
    """Yield the items in lists of `size`; the last may be shorter."""
    while group := list(islice(items, size)):
        yield group
