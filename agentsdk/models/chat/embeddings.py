"""ConnectedEmbeddings: our embedding of texts as LangChain's Embeddings."""

from __future__ import annotations

from langchain_core.embeddings import Embeddings

from agentsdk import _bridge
from agentsdk.budget import Usage
from agentsdk.models.embedding import Embedder


class ConnectedEmbeddings(Embeddings):
    """LangChain's Embeddings on our wire: deadlines, retries and errors are those of every model of agentsdk."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder

    @property
    def name(self) -> str:
        """The name that `connect_embeddings` takes."""
        return self._embedder.name

    @property
    def identity(self) -> str:
        """What vectors of this model are kept under: its name, and where it is served."""
        return f"{self._embedder.name} {self._embedder.url}"

    @property
    def dimensions(self) -> int | None:
        """Numbers of a vector that are asked for; None: as many as the model likes."""
        return self._embedder.dimensions

    @property
    def batch(self) -> int:
        """Texts that one request holds at most."""
        return self._embedder.batch.texts

    @property
    def usage(self) -> Usage:
        """What all calls took so far."""
        return self._embedder.usage

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """Return a vector a text, in their order."""
        return _bridge.wait(self.aembed_documents(texts))

    def embed_query(self, text: str) -> list[float]:
        """Return the vector of a question."""
        return _bridge.wait(self.aembed_query(text))

    async def aembed_documents(self, texts: list[str]) -> list[list[float]]:
        """Return a vector a text, in their order."""
        return await self._embedder.embed(texts, "document")

    async def aembed_query(self, text: str) -> list[float]:
        """Return the vector of a question."""
        return (await self._embedder.embed([text], "query"))[0]
