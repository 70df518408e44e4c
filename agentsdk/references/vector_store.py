"""Ranks passages by a vector store of LangChain's, which embeds and keeps them itself."""

from __future__ import annotations

import hashlib
import time
import uuid
from collections.abc import Sequence
from typing import Any

from agentsdk.references.rank import Chunk, Index
from agentsdk.references.vectors import GROUP, grouped


class ByStore:
    """Ranks by a vector store of LangChain's. Passages are added once, and known again by ids of ours."""

    def __init__(self, store: Any, index: Index) -> None:
        self._store = store
        self._index = index
        self._numbers: dict[str, int] = {}
        """By the id in the store: the passage's number."""
        self._added: set[str] = set()

    def prepare(self, seconds: float | None) -> int:
        """Add what is missing, for so many seconds; return how many passages are still missing."""
        ends = None if seconds is None else time.monotonic() + seconds
        if not self._numbers:
            self._numbers = {_store_id(chunk): chunk.id for chunk in self._index.chunks()}
        if len(self._added) == len(self._numbers):
            return 0
        for group in grouped(self._index.chunks(), GROUP):
            named = {_store_id(chunk): chunk for chunk in group}
            unsure = [id_ for id_ in named if id_ not in self._added]
            there = self._there(unsure)
            new = {id_: named[id_] for id_ in unsure if id_ not in there}
            if new:
                self._store.add_texts(
                    [chunk.told for chunk in new.values()],
                    metadatas=[_metadata(id_, chunk) for id_, chunk in new.items()],
                    ids=list(new),
                )
            self._added.update(named)
            if new and ends is not None and time.monotonic() > ends:
                break
        return len(self._numbers) - len(self._added)

    def ask(self, query: str) -> None:
        """Do nothing: a store embeds a query when it searches."""

    def _there(self, ids: Sequence[str]) -> set[str]:
        """Return which ids the store has. One that cannot say is given all again: equal ids replace each other."""
        if not ids:
            return set()
        try:
            found = self._store.get_by_ids(list(ids))
        except (NotImplementedError, AttributeError):
            return set()
        return {id_ for document in found if (id_ := _id_in(document))}

    def rank(self, query: str, k: int) -> list[int]:
        """Return the numbers of the nearest passages; what others have put into the store cannot be cited."""
        found = self._store.similarity_search(query, k=k)
        ids = dict.fromkeys(_id_in(document) for document in found)
        return [self._numbers[id_] for id_ in ids if id_ in self._numbers]


def _store_id(chunk: Chunk) -> str:
    """Return a passage's id in a store: a UUID, which every store takes, of its place and its text."""
    said = f"{chunk.source}\0{chunk.start}\0{chunk.told}"
    return str(uuid.UUID(bytes=hashlib.sha256(said.encode("utf-8", "surrogatepass")).digest()[:16]))


def _metadata(id: str, chunk: Chunk) -> dict[str, Any]:
    return {"source": chunk.source, "start": chunk.start, "end": chunk.end, "agentsdk": id}


def _id_in(document: Any) -> str:
    metadata = getattr(document, "metadata", None) or {}
    return str(metadata.get("agentsdk") or getattr(document, "id", None) or "")
