"""Finds the passages that fit a query: SQLite FTS5 over our own terms, headings weighted, kept in a file."""

from __future__ import annotations

import contextlib
import hashlib
import math
import os
import sqlite3
import sys
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from agentsdk.errors import ConfigurationError
from agentsdk.evidence import Passage
from agentsdk.i18n import _
from agentsdk.references.load import Source
from agentsdk.references.split import split
from agentsdk.references.words import has_words, terms

VERSION = "1"
"""Changes whenever a file written before would be read wrongly."""

_MAKERS = ("words.py", "split.py", "stop_words.en.txt", "stop_words.zh.txt")
"""What an index depends on besides its sources: another way of cutting texts makes another index."""

HEADING_WEIGHT = 3.0
"""How much more a term counts in a heading than in the text (measured: +0.14 recall@5 in both languages)."""

_SCHEMA = """
CREATE TABLE passage (id INTEGER PRIMARY KEY, source INTEGER, start INTEGER, length INTEGER, line INTEGER,
    page INTEGER, heading TEXT);
CREATE VIRTUAL TABLE found USING fts5 (heading, body, content='',
    tokenize = "unicode61 remove_diacritics 2 tokenchars '-.,:/%+#_'");
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT);
"""


@dataclass(frozen=True, slots=True)
class Chunk:
    """A passage, as it is told to whoever looks for meaning: with the headings above it."""

    id: int
    """Its number in the index."""
    source: str
    start: int
    end: int
    told: str


class Index:
    """The passages of some sources, searchable.

    Args:
        sources: the texts.
        folder: where index files are kept; None keeps the index in memory.
        words: add Chinese words to the pairs of characters (rjieba); None: where it is installed.

    An index file is named for what it was made of, so a changed source means another file, and an unchanged one
    is opened and not built. Building goes to a file of its own that is then renamed: two processes may do it at
    once. A file that cannot be read is built again.

    """

    def __init__(self, sources: Sequence[Source], folder: Path | None, *, words: bool | None = None) -> None:
        self._sources = list(sources)
        self._words = words
        self._lock = threading.Lock()
        self._db = self._open(folder)
        (self.size,) = self._db.execute("SELECT count(*) FROM passage").fetchone()

    def search(self, query: str, k: int) -> list[Passage]:
        """Return the `k` passages that fit best, best first; none where no term of the query occurs."""
        found = self.ranked(query, k)
        best = (found[0][1] if found else 0.0) or 1.0
        return self.passages(query, [(id_, score / best) for id_, score in found])

    def ranked(self, query: str, k: int) -> list[tuple[int, float]]:
        """Return the numbers of the `k` passages that fit best, best first, each with its score."""
        wanted = Counter(terms(query, words=self._words))
        if not wanted or k < 1:
            return []
        match = " OR ".join(f'"{_escape(term)}"' for term in wanted)
        with self._lock:
            rows = self._db.execute(
                "SELECT p.id, bm25(found, ?, 1.0) AS rank FROM found JOIN passage p ON p.id = found.rowid"
                " WHERE found MATCH ? ORDER BY rank, p.id LIMIT ?",
                (HEADING_WEIGHT, match, k),
            ).fetchall()
        return [(id_, -rank) for id_, rank in rows]

    def passages(self, query: str, scored: Sequence[tuple[int, float]]) -> list[Passage]:
        """Return passages by their numbers, each with its score and with what it covers of the query."""
        wanted = Counter(terms(query, words=self._words)) if scored else Counter[str]()
        marks = ",".join("?" * len(scored))
        with self._lock:
            rows = self._db.execute(
                f"SELECT id, source, start, length, line, page, heading FROM passage WHERE id IN ({marks})",  # noqa: S608  # question marks
                [id_ for id_, _score in scored],
            ).fetchall()
            weights = {term: self._rarity(term) for term in wanted}
        by_number = {row[0]: row[1:] for row in rows}
        return [self._passage(by_number[id_], weights, score) for id_, score in scored]

    def chunks(self) -> Iterator[Chunk]:
        """Yield all passages in their order."""
        last = 0
        while True:
            with self._lock:
                rows = self._db.execute(
                    "SELECT id, source, start, length, heading FROM passage WHERE id > ? ORDER BY id LIMIT 500",
                    (last,),
                ).fetchall()
            if not rows:
                return
            for last, at, start, length, heading in rows:
                source = self._sources[at]
                text = source.text[start : start + length]
                told = f"{heading}\n{text}" if heading else text
                yield Chunk(last, source.name, start, start + length, told)

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def _passage(self, row: tuple[int, ...], weights: dict[str, float], score: float) -> Passage:
        at, start, length, line, page, heading = row
        source = self._sources[at]
        passage = Passage(source.text[start : start + length], source.name, start, line, page, str(heading))
        there = set(terms(f"{heading}\n{passage.text}", words=self._words))
        covered = sum(w for term, w in weights.items() if term in there)
        total = sum(weights.values()) or 1.0
        return replace(passage, score=max(0.0, score), coverage=covered / total)

    def _rarity(self, term: str) -> float:
        """Return a term's weight: the logarithm of one over its share of the passages, at least 0.1."""
        found = self._db.execute("SELECT count(*) FROM found WHERE found MATCH ?", (f'"{_escape(term)}"',))
        (count,) = found.fetchone()
        return max(math.log((self.size + 1) / (count + 0.5)), 0.1)

    def _open(self, folder: Path | None) -> sqlite3.Connection:
        if folder is None:
            return self._build(":memory:")
        path = folder / f"{self._digest()}.sqlite"
        with contextlib.suppress(sqlite3.Error, OSError):
            if path.exists():
                db = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, check_same_thread=False)
                if db.execute("SELECT value FROM meta WHERE key = 'complete'").fetchone() == (VERSION,):
                    db.execute("SELECT count(*) FROM found WHERE found MATCH '\"a\"'").fetchone()
                    return db
                db.close()
        draft = folder / f"{path.stem}.{os.getpid()}.{threading.get_ident()}.tmp"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._build(str(draft)).close()
            draft.replace(path)
            return sqlite3.connect(path, check_same_thread=False)
        except (OSError, sqlite3.Error):
            # No room, no right to write, or the file is held open elsewhere: the search itself needs no file.
            with contextlib.suppress(OSError):
                draft.unlink(missing_ok=True)
            return self._build(":memory:")

    def _build(self, path: str) -> sqlite3.Connection:
        db = sqlite3.connect(path, check_same_thread=False)
        try:
            db.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;" + _SCHEMA)
        except sqlite3.OperationalError as error:
            db.close()
            if "fts5" not in str(error):
                raise
            raise ConfigurationError(
                _("This Python's SQLite has no full-text search."),
                why=str(error),
                fix=_("Use a Python from python.org, conda or your distribution."),
            ) from error
        number = 0
        for at, source in enumerate(self._sources):
            rows, texts = [], []
            for passage in split(source):
                number += 1
                rows.append(
                    (number, at, passage.start, len(passage.text), passage.line, passage.page, passage.heading)
                )
                texts.append(
                    (number, self._tokens(f"{source.name} {passage.heading}"), self._tokens(passage.text))
                )
            db.executemany("INSERT INTO passage VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
            db.executemany("INSERT INTO found (rowid, heading, body) VALUES (?, ?, ?)", texts)
        db.execute("INSERT INTO found (found) VALUES ('optimize')")
        db.execute("INSERT INTO meta VALUES ('complete', ?)", (VERSION,))
        db.commit()
        return db

    def _tokens(self, text: str) -> str:
        return " ".join(terms(text, words=self._words))

    def _digest(self) -> str:
        cut = self._words is not False and has_words()
        digest = hashlib.sha256(f"{VERSION} {cut} {HEADING_WEIGHT}".encode())
        for maker in _MAKERS:
            digest.update((Path(__file__).parent / maker).read_bytes())
        for source in self._sources:
            for part in (source.name, source.kind, source.text, repr(source.page_starts)):
                digest.update(part.encode("utf-8", "surrogatepass") + b"\0")
        return digest.hexdigest()[:32]


def cache_folder() -> Path:
    """Return where index files are kept: AGENTSDK_CACHE, else the platform's cache folder."""
    if given := os.environ.get("AGENTSDK_CACHE"):
        return Path(given)
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "agentsdk"


def _escape(term: str) -> str:
    return term.replace('"', '""')
