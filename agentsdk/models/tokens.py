"""Counts tokens without a network: by classes of characters, weighed for each family of tokenizers.

The weights were fitted on 1,050 pieces of English, Chinese, code and JSON, half of which were kept for testing: 95 of
100 estimates lie within a fifth, and the means within five hundredths (docs/decisions/0006-token-counts.md). Qwen's
own table comes with DashScope's package and counts exactly; it is asked where an estimate would decide too closely.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from hashlib import blake2b
from typing import Any

MARGIN = 1.15
"""What an estimate is multiplied by where too few would do harm."""

MOST_TOKENS = 1.4
"""Tokens of a character, at most: of ordinary text in any language. Only to see that something surely fits."""

PER_MESSAGE, PER_TOOL = 4.0, 8.0
"""Tokens that a chat template adds around a message and around a tool's schema, about."""

MEDIA = {"image": 1_100, "audio": 1_500, "video": 4_000, "file": 3_000}
"""Tokens of one picture and the like, about: what GPT-4o counts for a picture in high detail, and guesses."""

_CLASSES: Mapping[str, re.Pattern[str]] = {
    "word": re.compile(r"[A-Za-z]+"),
    "hump": re.compile(r"[a-z](?=[A-Z])"),
    "cjk": re.compile("[\u3400-\u9fff\uf900-\ufaff]"),
    "kana": re.compile("[\u3040-\u30ff\uac00-\ud7af]"),
    "wide": re.compile("[\u2014\u2018-\u201d\u2026\u3000-\u303f\uff00-\uffef]"),
    "digit": re.compile(r"[0-9]"),
    "punctuation": re.compile(r"[!-/:-@\[-`{-~]+"),
    "line": re.compile(r"\n+"),
    "letter": re.compile("[\u00c0-\u024f\u0370-\u052f]"),
    "script": re.compile("[\u0530-\u1fff\u2c00-\u2fff\ua000-\uabff]"),
    "symbol": re.compile(
        "[\u00a1-\u00bf\u2000-\u2013\u2015-\u2017\u2020-\u2025\u2027-\u2bff\U00010000-\U0010ffff]"
    ),
}
_OPAQUE = re.compile(r"(?=[A-Za-z0-9+/=_-]{20})(?=[A-Za-z+/=_-]*[0-9])(?=[0-9+/=_-]*[A-Za-z])[A-Za-z0-9+/=_-]+")
"""Keys, hashes, base64: letters and digits in one long run."""
_ASCII = {"word", "hump", "digit", "punctuation", "line"}

# Tokens of one of each; "long" is a letter beyond the sixth of a word, "more" a mark beyond the second of a run.
WEIGHTS: Mapping[str, Mapping[str, float]] = {
    "o200k": {
        "word": 0.95, "long": 0.09, "hump": 0.23, "cjk": 0.87, "kana": 1.2, "wide": 0.27, "digit": 0.65,
        "punctuation": 0.91, "more": 0.29, "line": 1.23, "letter": 0.53, "script": 0.6, "symbol": 2.5, "opaque": 0.7,
    },
    "llama": {
        "word": 0.95, "long": 0.08, "hump": 0.21, "cjk": 0.92, "kana": 1.25, "wide": 0.33, "digit": 0.64,
        "punctuation": 0.9, "more": 0.27, "line": 1.25, "letter": 0.6, "script": 1.3, "symbol": 2.6, "opaque": 0.7,
    },
    "qwen": {
        "word": 0.95, "long": 0.09, "hump": 0.26, "cjk": 0.8, "kana": 1.2, "wide": 0.35, "digit": 1.25,
        "punctuation": 0.84, "more": 0.28, "line": 1.33, "letter": 0.61, "script": 1.04, "symbol": 1.7, "opaque": 0.8,
    },
}  # fmt: skip


def estimate(text: str, tokens: str = "o200k") -> float:
    """Return about how many tokens a text is.

    Args:
        text: any text.
        tokens: whose tokenizer: "o200k", "llama" or "qwen" (`Family.tokens`).

    """
    # The turns of a conversation come again with every call; what is kept of them is a digest and a number.
    key = (blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest(), tokens)
    if (known := _counted.get(key)) is None:
        if len(_counted) >= KEPT:
            _counted.clear()
        known = _counted[key] = _estimate(text, tokens)
    return known


KEPT = 8_192
"""Texts whose count is remembered."""
_counted: dict[tuple[bytes, str], float] = {}


def _estimate(text: str, tokens: str) -> float:
    weights = WEIGHTS[tokens]
    total = 0.0
    if len(text) >= 20 and (runs := _OPAQUE.findall(text)):
        total += weights["opaque"] * sum(map(len, runs))
        text = _OPAQUE.sub(" ", text)
    plain = text.isascii()
    for name, pattern in _CLASSES.items():
        if plain and name not in _ASCII:
            continue
        found = pattern.findall(text)
        total += weights[name] * len(found)
        if name == "word":
            total += weights["long"] * sum(len(word) - 6 for word in found if len(word) > 6)
        elif name == "punctuation":
            total += weights["more"] * sum(len(run) - 2 for run in found if len(run) > 2)
    return total


def exact(text: str, tokens: str) -> int | None:
    """Return how many tokens a text is, where the table for it is on this machine; else None.

    Qwen's is: 151,643 rows in DashScope's package. Reading it takes half a second once.
    """
    encoder = _qwen() if tokens == "qwen" else None
    return None if encoder is None else len(encoder.encode(text))


@cache
def _qwen() -> Any:
    try:
        from dashscope.tokenizers import get_tokenizer

        return get_tokenizer("qwen-plus")
    except Exception:  # whatever is wrong with the table, the estimate is still there
        return None


Count = Callable[[str], float]
"""Counts the tokens of a text: `estimate` or `exact`, for one tokenizer."""


def weigh_message(message: Mapping[str, Any], count: Count) -> float:
    """Return how many tokens a message is, as any of the wire formats writes it.

    Pictures and the like count by their kind: their base64 is not text to a model.
    """
    return PER_MESSAGE + sum(_weigh(k, v, count) for k, v in message.items() if k not in ("role", "id", "type"))


def weigh_tools(tools: Iterable[Any], count: Count) -> float:
    """Return how many tokens the schemas of tools are."""
    return sum(PER_TOOL + _weigh("", tool, count) for tool in tools)


def characters(value: Any) -> int:
    """Return the characters of all texts in a value: cheap, and enough to see that something is small."""
    total, parts = 0, [value]
    for part in parts:  # it grows on the way; and of what a request holds, each part is one of three types
        kind = type(part)
        if kind is str:
            total += len(part)
        elif kind is dict or isinstance(part, Mapping):
            total += sum(map(len, part))
            parts += part.values()
        elif kind is list or isinstance(part, (list, tuple)):
            parts += part
        else:
            total += len(part) if isinstance(part, str) else 4
    return total


def _weigh(key: str, value: Any, count: Count) -> float:
    if isinstance(value, str):
        return count(value)
    if isinstance(value, Mapping):
        if kind := _media(value):
            return float(MEDIA[kind])
        # A schema's own words are read by the model too.
        return sum(count(str(k)) + 1 + _weigh(k, v, count) for k, v in value.items())
    if isinstance(value, list):
        if key == "images":
            return float(MEDIA["image"] * len(value))
        return sum(_weigh(key, item, count) for item in value)
    return 1.0 if value is not None else 0.0


def _media(part: Mapping[str, Any]) -> str:
    """Return the kind of a part that is a picture or the like; "" for any other mapping."""
    kind = part.get("type")
    if isinstance(kind, str):
        return {
            "image_url": "image", "input_image": "image", "image": "image", "input_audio": "audio", "audio": "audio",
            "video_url": "video", "video": "video", "file": "file", "input_file": "file",
        }.get(kind, "")  # fmt: skip
    keys = part.keys()
    if len(keys) <= 3:  # DashScope's parts: {"image": ...}, with a size or a rate beside it
        for name in ("image", "audio", "video"):
            if isinstance(part.get(name), (str, list)):
                return name
    return ""
