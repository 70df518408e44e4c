"""References: texts to answer from, searched by words and by meaning, and proved by quotes."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from agentsdk.errors import AgentError, FileMissing, NothingReadable
from agentsdk.evidence import Check, Citation, Passage
from agentsdk.function_tool import Tool, tool
from agentsdk.i18n import _

if TYPE_CHECKING:
    from agentsdk.references.load import Source
    from agentsdk.references.meaning import Meaning
    from agentsdk.references.rank import Index

LOOK_UP = "look_up"
PASSAGES = 6
"""Passages that one look-up brings."""

DEPTH = 50
"""Passages of each ranking that are fused."""


class Passages(list[Passage]):
    """Passages, and what is to be known of how they were found."""

    note: str = ""
    """One sentence in the user's language; "" where there is nothing to say."""


class References:
    """Texts to answer from.

    Make them with `from_files` or `from_texts`. Reading happens there; the index is made, or opened, by the
    first search. All methods may be called from several threads.

    Args:
        sources: the texts.
        index: folder for the index files; None keeps them in memory.
        skipped: what could not be read.
        words: add Chinese words to the pairs of characters; None: where rjieba is installed.
        embeddings: searches by meaning as well: an `Embeddings` or a `VectorStore` of LangChain's, or the name of a
            model for `agentsdk.embeddings.connect_embeddings`, such as "openai:text-embedding-3-small".

    """

    def __init__(
        self,
        sources: list[Source],
        *,
        index: str | os.PathLike[str] | None = None,
        skipped: tuple[tuple[str, AgentError], ...] = (),
        words: bool | None = None,
        embeddings: Any = None,
    ) -> None:
        from threading import Lock

        if embeddings is not None:
            from agentsdk.references.meaning import as_embeddings

            embeddings = as_embeddings(embeddings)
        self.embeddings = embeddings
        """The `Embeddings` or the `VectorStore`; None: searched by words alone."""

        self._sources = {source.name: source for source in sources}
        self._folder = Path(index) if index is not None else None
        self._words = words
        self._lock = Lock()
        self.skipped = skipped
        """Files below a folder that could not be read, each with its error."""

    @classmethod
    def from_files(
        cls,
        *paths: str | os.PathLike[str],
        index: str | os.PathLike[str] | None = None,
        largest: int | None = None,
        embeddings: Any = None,
    ) -> Self:
        """Return the texts of files and of all files below folders.

        Args:
            paths: text, Markdown, HTML, PDF, .docx, .pptx and .xlsx; encodings are recognised.
            index: folder for the index files; that of the platform's cache, unless said otherwise.
            largest: bytes above which a file is refused (50 MB).
            embeddings: as above. Vectors are kept beside the index files, by model and content.

        Raises:
            ReferencesError: a path is missing, a file cannot be read, or a folder holds nothing that can. A
                file below a folder that cannot be read is left out and listed in `skipped`.
            MissingExtra: a file needs `agentsdk[docs]`.

        """
        from agentsdk.references.load import LARGEST, load_all
        from agentsdk.references.rank import cache_folder

        if not paths:
            raise NothingReadable(
                _("No file was given."), fix=_('For example: References.from_files("handbook.md")')
            )
        sources: list[Source] = []
        skipped: list[tuple[str, AgentError]] = []
        for path in paths:
            found, left_out = load_all(path, largest=largest or LARGEST)
            sources += found
            skipped += left_out
        return cls(sources, index=index or cache_folder(), skipped=tuple(skipped), embeddings=embeddings)

    @classmethod
    def from_texts(
        cls,
        texts: Mapping[str, str],
        *,
        index: str | os.PathLike[str] | None = None,
        embeddings: Any = None,
    ) -> Self:
        """Return texts that are in hand already, by the name under which they are cited; read as Markdown.

        Args:
            texts: the texts.
            index: folder for the index files and vectors; None keeps them in memory.
            embeddings: as above.

        """
        from agentsdk.references.load import Source

        if not any(text.strip() for text in texts.values()):
            raise NothingReadable(_("The texts are empty."))
        sources = [Source(name, text, "markdown") for name, text in texts.items()]
        return cls(sources, index=index, embeddings=embeddings)

    @property
    def sources(self) -> tuple[str, ...]:
        """The names of the texts, in the order given."""
        return tuple(self._sources)

    def text(self, source: str) -> str:
        """Return the text that the offsets of a citation of `source` point into.

        Raises:
            FileMissing: there is no such source.

        """
        if source not in self._sources:
            raise FileMissing(
                _("There is no source {name}.").format(name=source),
                fix=_("The sources are: {names}.").format(names=", ".join(list(self._sources)[:20])),
            )
        return self._sources[source].text

    def search(self, query: str, k: int = PASSAGES) -> Passages:
        """Return the `k` passages that fit the query best, best first.

        By words: none where none of them occurs. With `embeddings` those that are nearest in meaning count as well,
        fused by reciprocal rank, and something is always found. Where they cannot be asked, the words alone decide, and
        `note` of the list says so.
        """
        if self._meaning is None or not query.strip() or k < 1:
            return Passages(self._index.search(query, k))
        from agentsdk.references.fuse import fuse

        near, note = self._meaning.rank(query, max(DEPTH, k))
        if note:
            found = Passages(self._index.search(query, k))
            found.note = note
            return found
        ranked = [id_ for id_, _score in self._index.ranked(query, max(DEPTH, k))]
        fused = fuse([ranked, near])[:k]
        best = fused[0][1] if fused else 1.0
        return Passages(self._index.passages(query, [(id_, score / best) for id_, score in fused]))

    async def asearch(self, query: str, k: int = PASSAGES) -> Passages:
        """Return what `search` returns, without holding up the event loop."""
        import asyncio

        return await asyncio.to_thread(self.search, query, k)

    def embed(self) -> None:
        """Embed now what is not embedded yet, however long it takes; a search gives it 20 seconds each time.

        Interrupted, it goes on where it stopped when it is called again.

        Raises:
            ModelError: as `connect_embeddings`; an `Embeddings` of others raises its own errors.

        """
        if self._meaning is not None:
            self._meaning.prepare()

    def locate(self, quote: str, source: str | None = None) -> Citation | None:
        """Return where a quote stands, or None.

        Args:
            source: where it is said to stand, and looked for first. A quote found in another source has the
                check "elsewhere".

        """
        from agentsdk.references.cite import locate

        named = self._sources.get(source) if source is not None else None
        others = [s for s in self._sources.values() if s is not named]
        for each in ([named] if named else []) + others:
            if found := locate(quote, each.text):
                start, end, how = found
                elsewhere = source is not None and each is not named
                return self.cite(each.name, start, end, "elsewhere" if elsewhere else how)
        return None

    def cite(self, source: str, start: int, end: int, check: Check = "exact") -> Citation:
        """Return the citation of `text(source)[start:end]`, with its line and page."""
        found = self._sources[source]
        return Citation(source, start, end, found.line(start), found.text[start:end], check, found.page(start))

    def as_tool(self) -> Tool[[str], list[Passage]]:
        """Return the tool `look_up(query)`, as which every model gets the texts."""

        @tool(name=LOOK_UP, pure=True)
        def look_up(query: str) -> list[Passage]:
            """Return the passages of the reference texts that fit a query best.

            Args:
                query: the key words of what is to be found, in the language of the texts.

            """
            return self.search(query)

        return look_up

    @cached_property
    def _index(self) -> Index:
        from agentsdk.references.rank import Index

        with self._lock:
            # Another thread may have made it while this one waited.
            made: Any = self.__dict__.get("_index")
            return made or Index(list(self._sources.values()), self._folder, words=self._words)

    @cached_property
    def _meaning(self) -> Meaning | None:
        if self.embeddings is None:
            return None
        from agentsdk.references.meaning import meaning_of

        index = self._index
        with self._lock:
            made: Any = self.__dict__.get("_meaning")
            return made or meaning_of(self.embeddings, index, self._folder)
