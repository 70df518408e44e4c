"""The three endpoints for embeddings: equal words make equal vectors, so that texts which share words are near."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from agentsdk.testing.standin.chat import ChatWire
from agentsdk.testing.standin.dashscope import DashScopeWire
from agentsdk.testing.standin.demands import Refused
from agentsdk.testing.standin.flavours import Flavour
from agentsdk.testing.standin.loose import mapping
from agentsdk.testing.standin.ollama import OllamaWire
from agentsdk.testing.standin.served import ServedModel, find, not_found
from agentsdk.testing.standin.wire import Wire, to_json

DIMENSIONS = 256

_WORD = re.compile("[\u3400-\u9fff]+|[^\\W\u3400-\u9fff]+")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One of the three."""

    protocol: str
    wire: Callable[[Flavour], Wire]
    most: int
    too_many: str
    """How more texts than `most` are refused, with {most}; OpenAI's words are from its error list."""
    dimensions: str
    """The name of the parameter."""

    def texts(self, body: Any) -> list[str] | None:
        """Return the texts of a request; None where there are none, or not only texts."""
        given = mapping(body)
        found = mapping(given.get("input")).get("texts") if self.protocol == "dashscope" else given.get("input")
        found = [found] if isinstance(found, str) else found
        good = isinstance(found, list) and found and all(isinstance(t, str) for t in found)
        return found if good else None

    def refused(self, body: Any, flavour: Flavour, models: Sequence[ServedModel]) -> Refused | None:
        """Return why the provider would not take a request; None where it would."""
        name = str(mapping(body).get("model") or "")
        model = find(models, name)
        if model is None:
            return Refused(*not_found(self.protocol, flavour.name, name), param="model")
        texts = self.texts(body)
        if texts is None:
            return Refused(400, "invalid_request_error", "'input' must hold at least one text.", param="input")
        most = 25 if self.protocol == "dashscope" and re.search(r"-v[12]$", name) else self.most
        if len(texts) > most:
            return Refused(400, "InvalidParameter", self.too_many.format(most=most), param="input")
        if self.protocol != "ollama" and "" in texts:
            return Refused(400, "invalid_request_error", "'input' cannot be an empty string.", param="input")
        if any(tokens_of(text) > model.window for text in texts):
            said = {
                "ollama": "the input length exceeds the context length",
                "dashscope": f"Range of input length should be [1, {model.window}]",
            }
            over = f"This model's maximum context length is {model.window} tokens."
            return Refused(400, "InvalidParameter", said.get(self.protocol, over), param="input")
        return None

    def answer(self, body: Any) -> bytes:
        """Return the vectors of a request that is taken."""
        texts = self.texts(body) or []
        given = mapping(body)
        given = mapping(given.get("parameters")) if self.protocol == "dashscope" else given
        size = given.get(self.dimensions) or DIMENSIONS
        vectors = [vector_of(text, size) for text in texts]
        tokens = sum(map(tokens_of, texts))
        model = mapping(body).get("model")
        if self.protocol == "ollama":
            return to_json({"model": model, "embeddings": vectors, "total_duration": 1, "load_duration": 1,
                            "prompt_eval_count": tokens})  # fmt: skip
        if self.protocol == "dashscope":
            rows = [{"embedding": v, "text_index": i} for i, v in enumerate(vectors)]
            return to_json({"output": {"embeddings": rows}, "usage": {"total_tokens": tokens},
                            "request_id": "req-standin"})  # fmt: skip
        rows = [{"object": "embedding", "index": i, "embedding": v} for i, v in enumerate(vectors)]
        usage = {"prompt_tokens": tokens, "total_tokens": tokens}
        return to_json({"object": "list", "data": rows, "model": model, "usage": usage})


ENDPOINTS: Mapping[str, Endpoint] = {
    "/v1/embeddings": Endpoint(
        "chat",
        ChatWire,
        2048,
        "Invalid 'input': array too long. Expected an array with maximum length {most}.",
        "dimensions",
    ),
    "/api/embed": Endpoint("ollama", lambda _flavour: OllamaWire(), 1_000_000, "", "dimensions"),
    "/api/v1/services/embeddings/text-embedding/text-embedding": Endpoint(
        "dashscope",
        lambda _flavour: DashScopeWire(),
        10,
        "<400> InternalError.Algo.InvalidParameter: Value error, batch size is invalid, it should not be larger than "
        "{most}.: input.contents",
        "dimension",
    ),
}


def vector_of(text: str, size: int) -> list[float]:
    """Return a vector of `size` numbers, one unit long: the sum of one direction a word."""
    numbers = [0.0] * size
    numbers[0] = 0.01  # a text without a word has a direction too
    for word in _words(text):
        digest = int.from_bytes(blake2b(word.encode("utf-8", "replace"), digest_size=8).digest(), "big")
        numbers[(digest >> 1) % size] += 1.0 if digest & 1 else -1.0
    norm = math.hypot(*numbers) or 1.0
    return [round(number / norm, 6) for number in numbers]


def tokens_of(text: str) -> int:
    """Return the tokens that a text is counted as."""
    return len(text) // 4 + 1


def _words(text: str) -> Iterator[str]:
    for match in _WORD.finditer(text.lower()):
        word = match[0]
        if "\u3400" <= word[0] <= "\u9fff" and len(word) > 1:
            yield from (word[i : i + 2] for i in range(len(word) - 1))
        else:
            yield word
