"""Material: what a thought, an extract or a summary may see, between marks, with the passages behind it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from agentsdk.evidence import Passage
from agentsdk.models.tokens import estimate
from agentsdk.plan import Step
from agentsdk.planner.markers import Quote, read_marks
from agentsdk.planner.run import Run
from agentsdk.prompts import render
from agentsdk.prompts.fence import fence, fence_passages, nonce
from agentsdk.references.cite import locate

KEPT = 2_000
"""Tokens of passages that a result keeps where the model has quoted none of them."""


@dataclass(frozen=True, slots=True)
class Material:
    """Values and passages as a prompt shows them. Ids p1, p2... count within this prompt."""

    text: str
    """To be put into a prompt: everything between marks that nothing inside can close."""
    passages: tuple[Passage, ...] = ()

    def settle(self, said: str) -> tuple[str, tuple[Passage, ...]]:
        """Return what a model made of the material: its text without marks, and the passages that it rests on.

        Of a passage that was quoted only the quote is kept: a summary of summaries can still prove each word, and
        does not carry the whole sources along. Quotes that stand in no passage are dropped.
        """
        marked = read_marks(said)
        quoted: list[Passage] = []
        for piece in marked.pieces:
            if isinstance(piece, Quote) and (found := self._find(piece)) and found not in quoted:
                quoted.append(found)
        text = "".join(piece for piece in marked.pieces if isinstance(piece, str)).strip()
        return text, tuple(quoted) or self._first()

    def holding(self, value: Any) -> tuple[Passage, ...]:
        """Return the quotes in which the texts of `value` stand."""
        found: list[Passage] = []
        for text in texts_in(value):
            proofs = (quote(text, passage) for passage in self.passages)
            if (proof := next(filter(None, proofs), None)) and proof not in found:
                found.append(proof)
        return tuple(found) or self._first()

    def _find(self, said: Quote) -> Passage | None:
        at = int(said.passage[1:]) - 1
        named = self.passages[at : at + 1] if at >= 0 else ()
        for passage in (*named, *self.passages):
            if found := quote(said.text, passage):
                return found
        return None

    def _first(self) -> tuple[Passage, ...]:
        kept: list[Passage] = []
        left = float(KEPT)
        for passage in self.passages:
            left -= estimate(passage.text)
            if left < 0 and kept:
                break
            kept.append(passage)
        return tuple(kept)


@dataclass(frozen=True, slots=True)
class Sources:
    """Passages behind the results that a step uses."""

    whole: Mapping[str, Passage]
    """By their text: those that are themselves the result."""
    behind: tuple[Passage, ...] = ()
    """Quotes that stand behind a text."""


def sources_of(step: Step, run: Run) -> Sources:
    """Return the passages behind what `step` uses, in the order of its needs."""
    whole: dict[str, Passage] = {}
    behind: list[Passage] = list(run.handed.get(step.id, ()))
    for need in step.needs:
        evidence = run.steps.get(need)
        if evidence is None:
            continue
        if evidence.is_passages:
            whole.update((p.text, p) for p in evidence.passages)
        else:
            behind += [p for p in evidence.passages if p not in behind]
    whole.update((p.text, p) for p in behind)
    return Sources(whole, tuple(behind))


def gather(goal: str, values: Any, sources: Sources, language: str) -> Material:
    """Return the material that `values` are; passages among them stand numbered behind it."""
    shown: dict[str, Passage] = {}
    numbers: dict[str, str] = {}

    def number(passage: Passage) -> str:
        if passage.text not in numbers:
            numbers[passage.text] = f"p{len(numbers) + 1}"
            shown[numbers[passage.text]] = passage
        return numbers[passage.text]

    def put(value: Any) -> Any:
        if isinstance(value, str) and value in sources.whole:
            return {"passage": number(sources.whole[value])}
        if isinstance(value, Mapping):
            return {k: put(v) for k, v in value.items()}
        if isinstance(value, (list, tuple)):
            return [put(v) for v in value]
        return value

    told = json.dumps(put(values), ensure_ascii=False, indent=1)
    for passage in sources.behind:
        number(passage)
    parts = [fence("material", told, nonce([goal, told]))] if values else []
    if shown:
        parts += [fence_passages(list(shown.items())), render("proofs", language)]
    return Material("\n\n".join(parts) or "-", tuple(shown.values()))


def quote(words: str, passage: Passage) -> Passage | None:
    """Return the part of a passage that `words` quote, as a passage of its own; None where they do not stand there."""
    found = locate(words, passage.text)
    if found is None:
        return None
    start, end, _how = found
    return replace(
        passage,
        text=passage.text[start:end],
        start=passage.start + start,
        line=passage.line + passage.text.count("\n", 0, start),
    )


def texts_in(value: Any) -> list[str]:
    """Return every text in a JSON value, in reading order; names of fields are none."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, Mapping):
        return [text for each in value.values() for text in texts_in(each)]
    if isinstance(value, Sequence):
        return [text for each in value for text in texts_in(each)]
    return []
