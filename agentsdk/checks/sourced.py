"""Sourced: in closed-book mode every statement has its proof, or is flagged."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from agentsdk.checks.check import Candidate, Fault
from agentsdk.checks.count import blocks, sentence_spans, words
from agentsdk.checks.numbers import numbers, same_number
from agentsdk.i18n import _
from agentsdk.references.cite import stands

_MARK = re.compile(r"\[(\d{1,3})\]")
# That something is not there cannot be quoted.
_ABSENT = re.compile(
    r"\b(?:says?|said|states?|mentions?|gives?|holds?|contains?) (?:nothing|no )"
    r"|\b(?:does|do|did|is|are|was) ?n[o']t "
    r"(?:say|mention|state|give|hold|contain|specif|cover|found|stated|mentioned|given)"
    r"|\b(?:not|no) (?:mentioned|stated|found|information)\b"
    r"|没有(?:提到|说明|提及|写明|规定|找到|记载|涉及)|未(?:提到|提及|说明|写明|规定|找到|涉及)|(?:资料|文中|手册)里?没有",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Sourced:
    """Every statement carries a proved quote, or says what a tool brought: for answers from reference texts alone.

    Questions, headings, lead-ins that end in a colon, and that something is *not* there need none.
    """

    by: Literal["sentence", "paragraph"] = "sentence"
    """What one quote is enough for."""

    def __call__(self, candidate: Candidate) -> list[Fault]:
        """Return each statement that has no source, as a fault."""
        brought = _brought(candidate)
        return [
            Fault(_("No source is given for: {sentence}").format(sentence=s), "uncited")
            for s in self._statements(candidate.text)
            if not self._has_source(s, candidate, brought)
        ]

    def _statements(self, text: str) -> Iterator[str]:
        for block in blocks(text):
            if block.kind not in ("paragraph", "bullet", "nested", "table"):
                continue
            piece = text[block.start : block.end]
            if self.by == "paragraph" or block.kind == "table":
                yield piece
            else:
                yield from (piece[start:end] for start, end in sentence_spans(piece))

    def _has_source(self, statement: str, candidate: Candidate, brought: list[str]) -> bool:
        marks = {int(n) for n in _MARK.findall(statement)}
        if any(1 <= n <= len(candidate.citations) for n in marks):
            return True
        bare = _MARK.sub("", statement).strip(" \t\n-*+•·|_")
        if bare.endswith(("?", "？", ":", "：")) or len(words(bare)) < 4 or _ABSENT.search(bare):
            return True
        there = numbers(bare)
        for value in brought:
            if any(same_number(a, b) for a in numbers(value) for b in there) or (
                len(value) > 3 and stands(value, bare)
            ):
                return True
        return False


def _brought(candidate: Candidate) -> list[str]:
    """Return what tools brought that is no passage, as text: their results are sources as well."""
    return [
        step.value if isinstance(step.value, str) else json.dumps(step.value, ensure_ascii=False, default=str)
        for step in candidate.steps
        if step.status == "done" and not step.passages and step.value not in (None, "", [])
    ]
