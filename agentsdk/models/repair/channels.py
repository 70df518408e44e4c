"""Reads gpt-oss's own marks, where a server sends its text as the model wrote it.

    <|channel|>analysis<|message|>They ask for the weather.<|end|><|start|>assistant<|channel|>commentary
    to=functions.get_weather <|constrain|>json<|message|>{"city": "Oslo"}<|call|>

The format is OpenAI's "harmony" (https://github.com/openai/harmony). A call goes on as `<function=name>...</function>`,
for the reader of calls to find or to leave as text.
"""

from __future__ import annotations

import re
from typing import Literal

Part = tuple[Literal["said", "thought"], str]

OPENERS = ("<|channel|>", "<|start|>")
"""What an answer with these marks begins with."""

_HEAD = re.compile(
    r"(?:<\|start\|>\w*+)?(?:\s*+to=(?P<before>[\w.-]+))?\s*+<\|channel\|>\s*+(?P<channel>\w+)(?:\s*+to=(?P<to>[\w.-]+))?"
    r"[^<]*+(?:<\|constrain\|>[^<]*+)?<\|message\|>"
)
_END = re.compile(r"<\|(?:end|return|call)\|>|(?=<\|(?:start|channel)\|>)")
_ENDS = ("<|end|>", "<|return|>", "<|call|>", "<|start|>", "<|channel|>")
_LONGEST_HEAD = 400
"""Characters after which a head without its `<|message|>` is text."""


class Channels:
    """Takes the text piece by piece and gives back what is said and what is thought."""

    def __init__(self) -> None:
        self._held = ""
        self._spoken = False
        self._within: Literal["head", "thought", "said", "call", "lost"] = "head"

    def feed(self, piece: str, *, final: bool = False) -> list[Part]:
        """Return what is clear so far."""
        text, self._held = self._held + piece, ""
        parts: list[Part] = []
        while text:
            if self._within == "head":
                text = self._head(text, parts, final=final)
                if self._held:
                    break
                continue
            end = _END.search(text) if self._within != "lost" else None
            body = text[: end.start()] if end else text[: len(text) - self._keep(text, final=final)]
            if body:
                self._spoken = self._spoken or self._within != "thought"
                parts.append(("thought" if self._within == "thought" else "said", body))
            if end is None:
                self._held = text[len(body) :]
                break
            if self._within == "call":
                parts.append(("said", "</function>"))
            self._within = "head"
            text = text[end.end() :]
        return parts

    def _head(self, text: str, parts: list[Part], *, final: bool) -> str:
        start = text.lstrip()
        head = _HEAD.match(start)
        if head is None or head.end() > _LONGEST_HEAD:
            if not final and len(start) < _LONGEST_HEAD:
                self._held = start
                return ""
            # Neither a head nor the beginning of one; at the end of an answer a mark or nothing.
            self._within = "lost"
            return "" if final and start.startswith("<|") else start
        name = head["to"] or head["before"] or ""
        if self._spoken and (name or head["channel"] != "analysis"):
            parts.append(("said", "\n"))  # each message begins a line of its own
            self._spoken = False
        if name and name != "assistant":
            self._within = "call"
            parts.append(("said", f"<function={name}>"))
        else:
            self._within = "thought" if head["channel"] == "analysis" else "said"
        return start[head.end() :]

    def _keep(self, text: str, *, final: bool) -> int:
        """Return how many characters at the end may be the beginning of a mark."""
        at = text.rfind("<", max(len(text) - 12, 0))
        return 0 if final or at < 0 or not any(m.startswith(text[at:]) for m in _ENDS) else len(text) - at
