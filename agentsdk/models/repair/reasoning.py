"""Finds what a model thinks: in fields of its own beside the text, and between tags within it.

Qwen, DeepSeek and their like write `<think>...</think>` before the answer. Some templates write the opening tag
themselves, so that an answer holds the closing one alone; and some servers swallow it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from itertools import groupby
from operator import itemgetter
from typing import Any, Literal

from agentsdk.models.repair.channels import OPENERS, Channels

Part = tuple[Literal["said", "thought", "orphan"], str]
"""A piece of text and what it is. "orphan": a closing tag without an opening one, and with it all that was said
before, which was a thought."""

_PAIRS = {
    "<think>": ("</think>", "</thinking>"),
    "<thinking>": ("</thinking>", "</think>"),
    "<thought>": ("</thought>",),
    "<reasoning>": ("</reasoning>",),
    "[think]": ("[/think]",),
}
"""What opens a thought at the beginning of an answer, and what closes it. Further on only the first two do: the
others are words of markup that an answer may well hold. Lower case; the last one is Mistral's."""

_TAG = re.compile(r"<(/?)think(?:ing)?>", re.IGNORECASE)
_TAGS = ("<think>", "</think>", "<thinking>", "</thinking>")
_FENCE = "```"
_BLOCK = 2_048
"""Characters that are read at once: what follows a tag is copied, so that a long text of many tags would take long."""

_FIELDS = ("reasoning_content", "reasoning", "thinking", "reasoning_details")
_WITHIN = ("text", "thinking", "reasoning", "summary", "content")


def reasoning_of(message: Mapping[str, Any]) -> str:
    """Return the thought that a message, or a piece of one, holds in a field of its own.

    `reasoning_content` is DeepSeek's, DashScope's and older vLLM's name for it, `reasoning` Groq's, newer vLLM's and
    OpenRouter's, which says the same again in `reasoning_details`, and `thinking` Ollama's: one of them is read.
    Mistral sends it as a part of the content.
    """
    for field in _FIELDS:
        if value := message.get(field):
            if isinstance(value, str):
                return value
            if text := _text_within(value):
                return text
    content = message.get("content")
    if isinstance(content, list):
        return "".join(
            _text_within(part)
            for part in content
            if isinstance(part, Mapping) and part.get("type") in ("thinking", "reasoning")
        )
    return ""


def _text_within(value: Any, depth: int = 4) -> str:
    if isinstance(value, str):
        return value
    if depth and isinstance(value, list):
        return "".join(_text_within(item, depth - 1) for item in value)
    if depth and isinstance(value, Mapping):
        return next((text for key in _WITHIN if (text := _text_within(value.get(key), depth - 1))), "")
    return ""


class ThoughtSplitter:
    """Takes a text piece by piece and gives back what is said and what is thought.

    A tag that a text writes about, in quotes or in a block of code, is a word of the text.

    Args:
        opened: the answer begins within a thought: it is held back until the thought is closed. If it never is, it
            was no thought.

    """

    def __init__(self, *, opened: bool = False) -> None:
        self.said: list[str] = []
        """What was said so far; empty again after an orphan."""
        self._opened = opened
        self._state: Literal["begin", "waiting", "thought", "said", "channels"] = "begin"
        self._channels = Channels()
        self._held = ""
        self._wait: list[str] = []
        self._closers: tuple[str, ...] = ()
        self._close = _TAG
        self._strip = False
        self._shown = 0
        self._counted = 0
        self._in_fence = False

    @property
    def idle(self) -> bool:
        """Whether a piece without a "<" is said as it is."""
        return self._state == "said" and not self._held and not self._strip

    def feed(self, piece: str) -> list[Part]:
        """Return what is clear so far."""
        if len(piece) <= _BLOCK:
            return self._go(piece, final=False)
        blocks = (piece[at : at + _BLOCK] for at in range(0, len(piece), _BLOCK))
        parts = (part for block in blocks for part in self._go(block, final=False))
        return [
            part
            for kind, same in groupby(parts, key=itemgetter(0))
            for part in (same if kind == "orphan" else [(kind, "".join(text for _kind, text in same))])
        ]

    def rest(self) -> list[Part]:
        """Return what was held back, at the end of the text."""
        parts = self._go("", final=True)
        if self._state == "channels":
            self._channel("", parts, final=True)
        if self._wait:
            self._say("".join(self._wait), parts)
            self._wait = []
        return parts

    def thought_elsewhere(self) -> None:
        """Take note that the thought comes in a field of its own, so that the text does not begin within it."""
        self._opened = False
        if self._state == "waiting":
            self._state = "begin"
            self._held, self._wait = "".join(self._wait) + self._held, []

    def _go(self, piece: str, *, final: bool) -> list[Part]:
        text, self._held = self._held + piece, ""
        parts: list[Part] = []
        if not text:
            return parts
        step: dict[str, Callable[[str, list[Part], bool], str]] = {
            "begin": self._begin,
            "waiting": self._waiting,
            "thought": self._think,
            "said": self._speak,
            "channels": self._channel,
        }
        while text:
            text = step[self._state](text, parts, final)
        return parts

    # Each of these takes a text in its state and returns what is left to be read, in the same state or the next.

    def _begin(self, text: str, _parts: list[Part], final: bool) -> str:
        start = text.lstrip()
        low = start[:12].lower()
        if low.startswith(OPENERS):
            self._wait, self._state = [], "channels"
            return start
        for opener, closers in _PAIRS.items():
            if low.startswith(opener):
                self._wait = []
                self._open(closers)
                return start[len(opener) :]
        if not final and any(
            opener.startswith(low) for opener in (*_PAIRS, *OPENERS)
        ):  # "" too: it may go on with a tag
            self._wait.append(text[: len(text) - len(start)])
            self._held = start
            return ""
        self._state = "waiting" if self._opened else "said"
        text, self._wait = "".join([*self._wait, text]), []
        return text

    def _waiting(self, text: str, parts: list[Part], final: bool) -> str:
        tag = _TAG.search(text)
        if not tag:
            self._keep(self._hold(text, _TAGS, final=final))
            return ""
        mention = self._is_mention(tag, text[: tag.start()] or "".join(self._wait[-1:]), final=final)
        if mention is None:
            self._keep(text[: tag.start()])
            self._held = tag[0]
            return ""
        if mention:
            self._keep(text[: tag.end()])
            return text[tag.end() :]
        before, self._wait = "".join([*self._wait, text[: tag.start()]]), []
        self._state = "said"
        if not tag[1]:  # a thought opens: what came before was none
            self._say(before, parts)
            return text[tag.start() :]
        self._strip = True
        if before:
            parts.append(("thought", before))
        return text[tag.end() :]

    def _think(self, text: str, parts: list[Part], final: bool) -> str:
        closed = self._close.search(text)
        if closed is None:
            thought, left = self._hold(text, self._closers, final=final), ""
        else:
            thought, left = text[: closed.start()], text[closed.end() :]
            self._state, self._strip = "said", True
        if thought:
            parts.append(("thought", thought))
        return left

    def _speak(self, text: str, parts: list[Part], final: bool) -> str:
        if self._strip:  # blank lines after a thought belong to neither
            text = text.lstrip()
            self._strip = not text
        tag = _TAG.search(text)
        if not tag:
            self._say(self._hold(text, _TAGS, final=final), parts)
            return ""
        mention = self._is_mention(tag, text[: tag.start()] or "".join(self.said[-1:]), final=final)
        self._say(text[: tag.start()], parts)
        if mention is None:
            self._held = tag[0]
            return ""
        if not mention and self._fenced():
            # A block of code shows both tags: the closing one ends a thought unless the opening one was shown.
            mention = not tag[1] or self._shown > 0
            self._shown += 1 if not tag[1] else -1 if mention else 0
        if mention:
            self._say(tag[0], parts)
        elif tag[1]:
            parts.append(("orphan", "".join(self.said)))
            self.said.clear()
            self._counted, self._in_fence, self._shown, self._strip = 0, False, 0, True
        else:
            self._open(_PAIRS["<think>"])
        return text[tag.end() :]

    def _channel(self, text: str, parts: list[Part], final: bool) -> str:
        for kind, piece in self._channels.feed(text, final=final):
            if kind == "said":
                self._say(piece, parts)
            else:
                parts.append((kind, piece))
        return ""

    def _open(self, closers: tuple[str, ...]) -> None:
        self._state, self._closers = "thought", closers
        self._close = re.compile("|".join(map(re.escape, closers)), re.IGNORECASE)

    def _keep(self, text: str) -> None:
        if text:
            self._wait.append(text)

    def _say(self, text: str, parts: list[Part]) -> None:
        if text:
            self.said.append(text)
            parts.append(("said", text))

    def _hold(self, text: str, tags: tuple[str, ...], *, final: bool) -> str:
        """Return the text without what may be the beginning of a tag at its end, which is kept."""
        at = text.rfind(tags[0][0], max(len(text) - 12, 0))
        if final or at < 0 or not any(tag.startswith(text[at:].lower()) for tag in tags):
            return text
        self._held = text[at:]
        return text[:at]

    def _is_mention(self, tag: re.Match[str], before: str, *, final: bool) -> bool | None:
        """Return whether a tag stands in quotes; None where the next character decides it."""
        quote = before[-1:]
        if not quote or quote not in ("`" if tag[1] else "`\"'"):
            return False
        after = tag.string[tag.end() : tag.end() + 1]
        return after == quote if after or final else None

    def _fenced(self) -> bool:
        """Return whether what is said stands in a block of code; each text is counted once."""
        news = "".join(self.said[self._counted :])
        self._counted = len(self.said)
        self._in_fence ^= news.count(_FENCE) % 2 == 1
        return self._in_fence
