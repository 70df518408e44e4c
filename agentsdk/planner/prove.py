"""Finds the quotes of a draft in their sources, and puts numbers in their place."""

from __future__ import annotations

from dataclasses import dataclass

from agentsdk.evidence import Citation, Passage
from agentsdk.planner.markers import Ending, Quote, read_marks
from agentsdk.planner.run import Run
from agentsdk.references.cite import locate


@dataclass(frozen=True, slots=True)
class Proved:
    """A draft taken apart, its quotes looked for."""

    text: str
    """The public text; what was found is marked [1], [2]..."""
    ending: Ending | None
    citations: tuple[Citation, ...]
    unverified: tuple[str, ...]
    """Quotes that stand in no source."""


def prove_all(draft: str, run: Run) -> Proved:
    """Return the draft with its quotes proved or set apart."""
    marked = read_marks(draft)
    text = ""
    citations: list[Citation] = []
    unverified: list[str] = []
    for piece in marked.pieces:
        if isinstance(piece, str):
            text += piece
            continue
        found = prove(piece, run)
        if found is None:
            unverified.append(piece.text)
            continue
        if found not in citations:
            citations.append(found)
        mark = f"[{citations.index(found) + 1}]"
        # No space after a full-width stop, and none twice.
        text += mark if not text or text[-1].isspace() or ord(text[-1]) > 0x2E7F else f" {mark}"
    return Proved(text.strip(), marked.ending, tuple(citations), tuple(unverified))


def prove(quote: Quote, run: Run) -> Citation | None:
    """Return where a quote stands: in the passage it names, else in its source, else anywhere, else None."""
    at = int(quote.passage[1:]) - 1
    named = run.passages[at] if 0 <= at < len(run.passages) else None
    if named and (found := _in_passage(quote.text, named, run)):
        return found
    if run.references is not None:
        found_elsewhere = run.references.locate(quote.text, source=named.source if named else None)
        if found_elsewhere:
            return found_elsewhere
    for passage in run.passages:
        if passage is not named and (found := _in_passage(quote.text, passage, run, elsewhere=True)):
            return found
    return None


def _in_passage(quote: str, passage: Passage, run: Run, *, elsewhere: bool = False) -> Citation | None:
    found = locate(quote, passage.text)
    if found is None:
        return None
    start, end, how = found
    if (
        run.references is not None
        and passage.source in run.references.sources
        and (run.references.text(passage.source)[passage.start : passage.end] == passage.text)
    ):
        # The source knows its pages; a passage knows only the one that it begins on.
        begin = passage.start + start
        return run.references.cite(
            passage.source, begin, passage.start + end, "elsewhere" if elsewhere else how
        )
    return Citation(
        passage.source,
        passage.start + start,
        passage.start + end,
        passage.line + passage.text.count("\n", 0, start),
        passage.text[start:end],
        "elsewhere" if elsewhere else how,
        passage.page,
    )
