"""Counts tokens of texts, messages and tools as a model would, by estimate and so alike in every process."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from agentsdk.messages import Message
from agentsdk.models.families import family_of
from agentsdk.models.model import Model, ToolSpec
from agentsdk.models.tokens import MEDIA, PER_MESSAGE, PER_TOOL, estimate


def tokens_of(text: str, model: Model) -> int:
    """Return about how many tokens a text is to a model."""
    return round(estimate(text, _tokenizer(model.name)))


def weigh_specs(specs: Iterable[ToolSpec], model: Model) -> int:
    """Return about how many tokens the descriptions of tools are to a model."""
    texts = [f"{s.name} {s.description} {as_json(s.parameters)}" for s in specs]
    return round(sum(tokens_of(text, model) + PER_TOOL for text in texts))


def weigh(messages: Iterable[Message], model: Model) -> float:
    """Return about how many tokens messages are to a model."""
    tokens = _tokenizer(model.name)
    total = 0.0
    for message in messages:
        total += PER_MESSAGE + estimate(message.text, tokens)
        total += sum(estimate(c.name, tokens) + estimate(as_json(c.arguments), tokens) for c in message.calls)
        total += sum(MEDIA.get(m.kind, 0) for m in message.media)
        if message.calls and message.reasoning:
            total += estimate(message.reasoning, tokens)
    return total


def cut(text: str, room: int, model: Model) -> str:
    """Return the text, its middle left out where it takes more than `room` tokens."""
    weight = tokens_of(text, model)
    if weight <= room:
        return text
    half = max(int(len(text) * room / weight) // 2 - 10, 20)
    return f"{text[:half]}\n(...)\n{text[-half:]}"


def as_json(value: Any) -> str:
    """Return a value as a model reads it: JSON, and whatever is none as text."""
    return json.dumps(value, ensure_ascii=False, default=str)


@lru_cache(maxsize=256)
def _tokenizer(name: str) -> str:
    return family_of(name.partition(":")[2] or name).tokens
