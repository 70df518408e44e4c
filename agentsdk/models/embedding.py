"""Embeds texts by each provider's own protocol: in batches that it takes, checked, counted, and tried again."""

from __future__ import annotations

import base64
import binascii
import math
import re
import threading
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol
from urllib.parse import urlsplit

from agentsdk.budget import Usage
from agentsdk.errors import BadResponse, ContextOverflow, InvalidRequest
from agentsdk.i18n import _
from agentsdk.models.faults import bad_answer
from agentsdk.models.retry import Allowance, retried
from agentsdk.models.wire import whole_number

Kind = Literal["document", "query"]
"""What a text is embedded as: some models embed a question otherwise than what answers it."""

SHORTEST = 16
"""Characters of a text that is not cut in two any more, however small the window."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What one request may hold."""

    texts: int
    size: int
    """Bytes of UTF-8 together. No tokenizer of these makes more tokens of a text than it has bytes."""
    source: str


# The first row whose provider, host and model fit; hosts and models are patterns.
_BATCHES: tuple[tuple[str, str, str, Batch], ...] = (
    # 2,048 texts and 300,000 tokens are allowed. 256 vectors of 3,072 numbers are 17 MB of JSON; our limit is 32 MB.
    ("openai", r"api\.openai\.com", "", Batch(256, 300_000, "OpenAI's API reference, embeddings, `input`")),
    ("openai", r"dashscope.*\.aliyuncs\.com", "", Batch(10, 80_000, "Model Studio, OpenAI-compatible embeddings")),
    # The smallest default among servers of one's own: --max-client-batch-size of text-embeddings-inference.
    ("openai", "", "", Batch(32, 100_000, "text-embeddings-inference, command line")),
    ("dashscope", "", "text-embedding-v[12]$", Batch(25, 50_000, "Model Studio, text embedding, synchronous API")),
    ("dashscope", "", "", Batch(10, 80_000, "Model Studio, text embedding, synchronous API")),
    ("ollama", "", "", Batch(64, 200_000, "none is documented; each model computes them one by one")),
)  # fmt: skip

_TOO_MANY = re.compile(
    r"batch[ _]size.{0,60}?(?:larger than|maximum allowed batch size|at most|<=)\D{0,3}(\d+)", re.IGNORECASE
)
"""A server's own limit in its refusal: DashScope, SiliconFlow and text-embeddings-inference."""


def batch_for(provider: str, url: str, model: str) -> Batch:
    """Return what one request to a provider may hold."""
    host = urlsplit(url).hostname or ""
    return next(
        batch
        for name, hosts, models, batch in _BATCHES
        if name == provider and re.search(hosts, host) and re.match(models, model)
    )


class Wire(Protocol):
    """An adapter, as far as it sends."""

    @property
    def name(self) -> str:
        """As "provider:name"."""
        ...

    async def post(self, path: str, body: dict[str, Any], seconds: float) -> Any:
        """Return the answer to a body as JSON."""
        ...


@dataclass(frozen=True, slots=True)
class _Protocol:
    path: str
    body: Callable[[str, Sequence[str], Kind, int | None], dict[str, Any]]
    read: Callable[[Mapping[str, Any]], tuple[Any, Any]]
    """Returns the vectors, in the order of the texts, and the tokens."""


def _openai_body(model: str, texts: Sequence[str], kind: Kind, dimensions: int | None) -> dict[str, Any]:  # noqa: ARG001  # the protocol knows no kinds
    return {"model": model, "input": list(texts)} | ({"dimensions": dimensions} if dimensions else {})


def _ollama_body(model: str, texts: Sequence[str], kind: Kind, dimensions: int | None) -> dict[str, Any]:
    # Else a text that is too long would be cut without a word.
    return _openai_body(model, texts, kind, dimensions) | {"truncate": False}


def _dashscope_body(model: str, texts: Sequence[str], kind: Kind, dimensions: int | None) -> dict[str, Any]:
    parameters = {"text_type": kind} | ({"dimension": dimensions} if dimensions else {})
    return {"model": model, "input": {"texts": list(texts)}, "parameters": parameters}


def _in_order(rows: Any, index: str) -> list[Any]:
    """Return the vectors of rows that say which text each belongs to; where they say nothing, in their own order."""
    places = [row.get(index) for row in rows]
    if any(place is not None for place in places):
        if sorted(places) != list(range(len(rows))):
            raise ValueError(f"{index}: {places[:20]}")
        rows = sorted(rows, key=lambda row: int(row[index]))
    return [_floats(row["embedding"]) for row in rows]


def _floats(vector: Any) -> Any:
    if not isinstance(vector, str):
        return vector
    found = array("f", base64.b64decode(vector, validate=True))
    return found if array("H", [1]).tobytes() == b"\1\0" else _swapped(found)


def _swapped(numbers: array[float]) -> array[float]:
    numbers.byteswap()
    return numbers


_PROTOCOLS: Mapping[str, _Protocol] = {
    "openai": _Protocol(
        "/embeddings",
        _openai_body,
        lambda a: (_in_order(a["data"], "index"), (a.get("usage") or {}).get("prompt_tokens")),
    ),
    "ollama": _Protocol("/api/embed", _ollama_body, lambda a: (a["embeddings"], a.get("prompt_eval_count"))),
    "dashscope": _Protocol(
        "/services/embeddings/text-embedding/text-embedding",
        _dashscope_body,
        lambda a: (
            _in_order(a["output"]["embeddings"], "text_index"),
            (a.get("usage") or {}).get("total_tokens"),
        ),
    ),
}


class Embedder:
    """A model that embeds texts.

    Args:
        provider: "openai", "ollama" or "dashscope".
        model: the server's name for it.
        wire: the adapter of the provider.
        url: where it is served.
        dimensions: numbers of a vector, where the model can make several; None: as many as it likes.
        retries: tries of a request after its first.
        seconds: deadline of one request, its retries included.

    """

    def __init__(
        self,
        provider: str,
        model: str,
        wire: Wire,
        url: str,
        *,
        dimensions: int | None = None,
        retries: int = 2,
        seconds: float = 30.0,
    ) -> None:
        self.model = model
        self.name = wire.name
        self.url = url
        self.dimensions = dimensions
        self.batch = batch_for(provider, url, model)
        self._protocol = _PROTOCOLS[provider]
        self._wire = wire
        self._retries = retries
        self._seconds = seconds
        self._allowance = Allowance()
        self._lock = threading.Lock()
        self._usage = Usage()
        self._most = self.batch.texts
        """Texts of a request, as the server has said since."""

    @property
    def usage(self) -> Usage:
        """What all calls took so far."""
        with self._lock:
            return self._usage

    async def embed(self, texts: Sequence[str], kind: Kind) -> list[list[float]]:
        """Return a vector a text, in their order.

        A text that is longer than the model's window is embedded in halves, and the mean of them stands for it.

        Raises:
            ModelError: as every model; BadResponse where what came is no set of vectors.

        """
        vectors: list[list[float]] = []
        for batch in self._batches(texts):
            vectors += await self._embed(batch, kind)
        if len({len(vector) for vector in vectors}) > 1:
            raise _bad(self.name, _("The vectors have different lengths."))
        return vectors

    def _batches(self, texts: Sequence[str]) -> Iterator[list[str]]:
        batch: list[str] = []
        size = 0
        for text in texts:
            weight = len(text.encode("utf-8", "surrogatepass"))
            if batch and (len(batch) >= self._most or size + weight > self.batch.size):
                yield batch
                batch, size = [], 0
            batch.append(text)
            size += weight
        if batch:
            yield batch

    async def _embed(self, texts: list[str], kind: Kind) -> list[list[float]]:
        try:
            return await self._ask(texts, kind)
        except InvalidRequest as error:
            limit = _TOO_MANY.search(error.why)
            if limit and 0 < int(limit[1]) < len(texts):
                self._most = size = int(limit[1])
            elif isinstance(error, ContextOverflow) and len(texts) > 1:
                size = (len(texts) + 1) // 2
            elif isinstance(error, ContextOverflow) and len(texts[0]) >= 2 * SHORTEST:
                size = 0
            else:
                raise
        if not size:
            return [await self._in_halves(texts[0], kind)]
        vectors: list[list[float]] = []
        for at in range(0, len(texts), size):
            vectors += await self._embed(texts[at : at + size], kind)
        return vectors

    async def _in_halves(self, text: str, kind: Kind) -> list[float]:
        middle = len(text) // 2
        space = text.find(" ", middle, middle + len(text) // 8)
        middle = space if space > 0 else middle
        (first,), (second,) = await self._embed([text[:middle]], kind), await self._embed([text[middle:]], kind)
        if len(first) != len(second):
            raise _bad(self.name, _("The vectors have different lengths."))
        share = middle / len(text)
        mean = [share * a + (1 - share) * b for a, b in zip(_unit(first), _unit(second), strict=True)]
        return mean if math.hypot(*mean) > 0 else first

    async def _ask(self, texts: Sequence[str], kind: Kind) -> list[list[float]]:
        body = self._protocol.body(self.model, texts, kind, self.dimensions)
        answer = await retried(
            lambda seconds: self._wire.post(self._protocol.path, body, seconds),
            self._retries,
            self._seconds,
            self._allowance,
        )
        try:
            found, tokens = self._protocol.read(answer)
        except (KeyError, TypeError, AttributeError, ValueError, binascii.Error) as error:
            raise bad_answer(
                self.name, f"{type(error).__name__}: {error}", snippet=str(answer)[:200]
            ) from error
        with self._lock:
            self._usage += Usage(calls=1, input_tokens=whole_number(tokens))
        return [list(v) for v in checked(found, len(texts), self.name, self.dimensions)]


def checked(found: Any, count: int, name: str, dimensions: int | None = None) -> list[Sequence[float]]:
    """Return vectors that are as many as were asked for, of one length, finite, and none of them zero.

    Raises:
        BadResponse: they are not.

    """
    try:
        vectors = [_numbers(vector) for vector in found]
    except (TypeError, ValueError, OverflowError) as error:
        raise _bad(name, _("What came are not vectors: {why}.").format(why=error)) from error
    if len(vectors) != count:
        raise _bad(
            name,
            _("{count} vectors came for {asked} texts.").format(count=len(vectors), asked=count),
        )
    lengths = sorted({len(vector) for vector in vectors})
    if len(lengths) > 1:
        raise _bad(name, _("The vectors have different lengths."))
    if lengths and dimensions is not None and lengths != [dimensions]:
        raise _bad(
            name,
            _("The vectors have {count} numbers, and {asked} were asked for.").format(
                count=lengths[0], asked=dimensions
            ),
        )
    for vector in vectors:
        norm = math.hypot(*vector)
        if not math.isfinite(norm):
            raise _bad(name, _("A vector holds a number that is none, or is infinite."))
        if norm == 0:
            raise _bad(name, _("A vector is all zeros, and points nowhere."))
    return vectors


def _numbers(vector: Any) -> Sequence[float]:
    if isinstance(vector, (str, bytes, Mapping)):
        raise TypeError(type(vector).__name__)
    return array("d", vector)


def _unit(vector: Sequence[float]) -> list[float]:
    norm = math.hypot(*vector)
    return [number / norm for number in vector]


def _bad(name: str, why: str) -> BadResponse:
    return bad_answer(name, why)
