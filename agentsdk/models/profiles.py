"""Facts about families of models, kept as data: what they accept, as recorded."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Profile:
    """What the OpenAI adapter has to know of a model."""

    limit_name: str = "max_tokens"
    """The name of the output limit: models that reason refuse `max_tokens`."""
    takes_sampling: bool = True
    """Whether temperature and stop are accepted."""


_REASONING = Profile("max_completion_tokens", takes_sampling=False)
_FAMILIES: tuple[tuple[re.Pattern[str], Profile], ...] = (
    (re.compile(r"(?:o[134]|gpt-[5-9]|codex)(?:[-.].*)?$"), _REASONING),
    (re.compile(r"gpt-"), Profile("max_completion_tokens")),
)
_DEFAULT = Profile()


def profile_of(name: str) -> Profile:
    """Return the facts about a model, by its name without the provider."""
    bare = name.lower().rsplit("/", 1)[-1]
    return next((profile for pattern, profile in _FAMILIES if pattern.match(bare)), _DEFAULT)


OLLAMA_WINDOW = 16_384
"""Tokens asked of Ollama as `num_ctx`. Its own default of 4,096 cuts a longer prompt without a word; a constant
value keeps the model loaded between calls."""
