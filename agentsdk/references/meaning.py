"""Ranks passages by what they mean: by the vectors of an `Embeddings`, or by a `VectorStore`."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol

from agentsdk.errors import AgentError, ConfigurationError, ModelUnavailable
from agentsdk.i18n import _
from agentsdk.models.embedding import checked
from agentsdk.models.faults import bad_answer
from agentsdk.references.rank import Chunk, Index
from agentsdk.references.vector_store import ByStore
from agentsdk.references.vectors import BLOCK, GROUP, VectorFile, grouped, key_of, nearest, pack

PATIENCE = 20.0
"""Seconds that a search gives to texts that are not embedded yet; the next search goes on."""

PAUSE = 30.0
"""Seconds for which a server is left alone that could not be reached."""

AT_ONCE = 4
"""Requests under way at the same time; to an Embeddings of others one, since it may not be made for more."""

IN_MEMORY = 256 * 1024 * 1024
"""Bytes of vectors that are held between searches; more are read from the file each time, a block after the other."""

QUERIES = 256
"""Vectors of questions that are remembered."""


class Ranker(Protocol):
    """What ranks passages."""

    def ask(self, query: str) -> None:
        """Ask what must be asked for a query; several threads may, side by side."""
        ...

    def prepare(self, seconds: float | None) -> int:
        """Make what is missing, for so many seconds; return how many passages are still missing."""
        ...

    def rank(self, query: str, k: int) -> list[int]:
        """Return the numbers of the `k` passages that are nearest."""
        ...


class Meaning:
    """Ranks, or says in a sentence why it cannot: a search by words is always there."""

    def __init__(self, ranker: Ranker) -> None:
        self._ranker = ranker
        self._lock = threading.Lock()
        self._until, self._why = 0.0, ""

    def rank(self, query: str, k: int) -> tuple[list[int], str]:
        """Return the numbers of the nearest passages, and "" or what went wrong; it never raises."""
        if self._until > time.monotonic():
            return [], self._why
        locked = False
        try:
            self._ranker.ask(query)
            locked = self._lock.acquire(timeout=PATIENCE)
            if not locked:  # another search embeds the texts
                return [], _("Searched by words alone: the texts are still being embedded.")
            missing = self._ranker.prepare(PATIENCE)
            if missing:
                return [], _(
                    "Searched by words alone: {count} passages are not embedded yet; the next search goes on."
                ).format(count=missing)
            return self._ranker.rank(query, k), ""
        except Exception as error:  # an Embeddings is a stranger's code and may raise anything
            said = error.what if isinstance(error, AgentError) else f"{type(error).__name__}: {error}"
            why = f"{said} {error.why}".strip() if isinstance(error, AgentError) else said
            note = _("Searched by words alone: {why}").format(why=why[:300])
            if isinstance(error, ModelUnavailable):
                self._until, self._why = time.monotonic() + PAUSE, note
            return [], note
        finally:
            if locked:
                self._lock.release()

    def prepare(self) -> None:
        """Make what is missing, however long it takes; what goes wrong is raised."""
        with self._lock:
            self._ranker.prepare(None)
            self._until = 0.0


def meaning_of(given: Any, index: Index, folder: Path | None) -> Meaning:
    """Return the ranking by an `Embeddings` or a `VectorStore`."""
    return Meaning(ByStore(given, index) if is_store(given) else ByVectors(given, index, folder))


def as_embeddings(given: Any) -> Any:
    """Return an `Embeddings` or a `VectorStore`; text is a model for `connect_embeddings`.

    Raises:
        ConfigurationError: it is none of these.

    """
    if isinstance(given, str):
        from agentsdk.embeddings import connect_embeddings

        return connect_embeddings(given)
    if is_store(given) or all(callable(getattr(given, n, None)) for n in ("embed_documents", "embed_query")):
        return given
    raise ConfigurationError(
        _("{kind} does not embed texts.").format(kind=type(given).__name__),
        fix=_('Give "openai:text-embedding-3-small", or an Embeddings or a VectorStore of LangChain\'s.'),
    )


def is_store(given: Any) -> bool:
    """Return whether something has what is asked of a `VectorStore`."""
    return all(callable(getattr(given, name, None)) for name in ("add_texts", "similarity_search"))


_NAMES = ("model", "model_name", "model_id", "deployment", "azure_deployment", "repo_id")
_FORMS = ("dimensions", "dimension", "output_dimensionality", "encode_kwargs", "model_kwargs", "task_type",
          "embed_instruction", "query_instruction", "base_url", "openai_api_base", "azure_endpoint")  # fmt: skip


def identity_of(embeddings: Any) -> str:
    """Return what the vectors of an `Embeddings` are kept under; "" where it does not say which model it is.

    Only what says which vectors come is read, and never a key.
    """
    if isinstance(own := getattr(embeddings, "identity", None), str):
        return own
    named = next((n for name in _NAMES if isinstance(n := getattr(embeddings, name, None), str) and n), "")
    if not named:
        return ""
    kind = f"{type(embeddings).__module__}.{type(embeddings).__qualname__}"
    form = {name: getattr(embeddings, name, None) for name in _FORMS}
    plain = {k: v for k, v in form.items() if isinstance(v, (str, int, float, dict))}
    return f"{kind} {named} {sorted(plain.items())!r}"


class ByVectors:
    """Ranks by the cosine of vectors, which are made once for each text and kept.

    Args:
        embeddings: makes the vectors.
        index: holds the passages.
        folder: where the vectors are kept; None keeps them in memory.

    """

    def __init__(self, embeddings: Any, index: Index, folder: Path | None) -> None:
        self._embeddings = embeddings
        self._index = index
        self._name = str(getattr(embeddings, "name", "") or type(embeddings).__name__)
        identity = identity_of(embeddings)
        # Vectors of a model that has no name might be taken for those of another: they are not kept on disk.
        self._file = VectorFile(folder if identity else None)
        self._dimensions: int | None = getattr(embeddings, "dimensions", None)
        if not isinstance(self._dimensions, int):
            self._dimensions = None
        self._identity = identity
        own = getattr(embeddings, "batch", None)
        self._group = min(own, GROUP) if isinstance(own, int) and own > 0 else GROUP
        self._workers = AT_ONCE if isinstance(own, int) else 1
        self._ids: list[int] = []
        self._keys: list[bytes] = []
        self._ready = False
        self._blocks: list[bytes] | None = None
        self._length = 0
        """Bytes of a vector."""
        self._queries: dict[str, bytes] = {}

    def prepare(self, seconds: float | None) -> int:
        """Embed what is missing, for so many seconds; return how many passages are still missing."""
        if self._ready:
            return 0
        if not self._keys:
            found = [(chunk.id, self._key(chunk)) for chunk in self._index.chunks()]
            self._ids, self._keys = [id_ for id_, _key in found], [key for _id, key in found]
        ends = None if seconds is None else time.monotonic() + seconds
        missing = set(self._file.missing(self._keys))
        if missing:
            self._embed(missing, ends)
        if missing:
            return len(missing)
        self._settle(ends)
        return 0 if self._ready else len(self._file.missing(self._keys))

    def _key(self, chunk: Chunk) -> bytes:
        return key_of(self._identity, self._dimensions, chunk.told)

    def _embed(self, missing: set[bytes], ends: float | None) -> None:
        """Embed texts until all are done or the time is over; a group that is done is kept, whatever comes after."""

        def one(texts: Mapping[bytes, str]) -> list[bytes]:
            vectors = checked(
                self._embeddings.embed_documents(list(texts.values())),
                len(texts),
                self._name,
                self._dimensions,
            )
            self._file.put(dict(zip(texts, map(pack, vectors), strict=True)))
            return list(texts)

        with ThreadPoolExecutor(self._workers, "embed") as pool:
            for wave in grouped(grouped(self._texts(missing), self._group), self._workers):
                running = [pool.submit(one, dict(group)) for group in wave]
                errors = [error for each in running if (error := each.exception())]
                for each in running:
                    if not each.exception():
                        missing.difference_update(each.result())
                if errors:
                    raise errors[0]
                if ends is not None and time.monotonic() > ends:
                    return

    def _texts(self, missing: set[bytes]) -> Iterator[tuple[bytes, str]]:
        wanted = set(missing)
        for chunk in self._index.chunks():
            key = self._key(chunk)
            if key in wanted:
                wanted.discard(key)
                yield key, chunk.told

    def _settle(self, ends: float | None) -> None:
        """See that all vectors have one length: those of a model that has changed under its name are made anew."""
        lengths: dict[int, list[bytes]] = {}
        for key, data in zip(self._keys, self._read(), strict=True):
            lengths.setdefault(len(data), []).append(key)
        if len(lengths) > 1:
            # The shorter list may be the new or the old one: what the model makes now decides.
            now = self._length_now()
            odd = {key for length, keys in lengths.items() if length != now for key in keys}
            self._file.forget(odd)
            self._embed(odd, ends)
            if odd:
                return
            lengths = {now: self._keys}
        self._length = next(iter(lengths), 0)
        self._ready = True

    def _length_now(self) -> int:
        probe = self._embeddings.embed_query("length")
        return len(checked([probe], 1, self._name)[0]) * 4

    def _read(self) -> Iterator[bytes]:
        for at in range(0, len(self._keys), BLOCK):
            for data in self._file.get(self._keys[at : at + BLOCK]):
                yield data or b""

    def ask(self, query: str) -> None:
        """Have the query embedded, unless it was before."""
        self._query(query)

    def rank(self, query: str, k: int) -> list[int]:
        """Return the numbers of the `k` passages whose vectors are nearest."""
        if not self._keys:
            return []
        vector = self._query(query)
        if len(vector) != self._length:  # the model has changed under its name: all is made anew
            self._file.forget(self._keys)
            self._ready, self._blocks = False, None
            if self.prepare(PATIENCE) or len(vector) != self._length:
                raise bad_answer(self._name, _("The vectors have different lengths."))
        return [self._ids[place] for place in nearest(vector, self._vectors(), k)]

    def _query(self, query: str) -> bytes:
        known = self._queries.get(query)
        if known is None:
            (vector,) = checked([self._embeddings.embed_query(query)], 1, self._name, self._dimensions)
            known = pack(vector)
            if len(self._queries) >= QUERIES:
                self._queries = {}
            self._queries[query] = known
        return known

    def _vectors(self) -> Iterator[bytes]:
        if self._blocks is not None:
            yield from self._blocks
            return
        kept: list[bytes] | None = [] if len(self._keys) * self._length <= IN_MEMORY else None
        for block in grouped(self._read(), BLOCK):
            # One that is gone meanwhile, with its file, is at right angles to everything.
            joined = b"".join(data if len(data) == self._length else bytes(self._length) for data in block)
            if kept is not None:
                kept.append(joined)
            yield joined
        self._blocks = kept
