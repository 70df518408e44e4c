"""Cuts a source into passages of 400 to 800 characters: at headings, paragraphs, rows and sentence ends.

Every passage is a slice of its source, so that a quote found in it has its place in the file. What a slice
alone would not say, the headings above it and the header row of its table, stands in `heading`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from agentsdk.evidence import Passage
from agentsdk.references.load import Source
from agentsdk.references.words import sentences

SHORTEST, LONGEST = 400, 800
"""Characters: a passage is cut at the first good place after SHORTEST, and at the latest at LONGEST."""

_HEADING = re.compile(r"(#{1,6})\s+(.+?)\s*#*\s*$")
_SETEXT = re.compile(r"(=+|-+)\s*$")
_FENCE = re.compile(r"\s*(```|~~~)")
_TABLE_LINE = re.compile(r"\s*:?-{2,}:?\s*(\|\s*:?-{2,}:?\s*)*$")


@dataclass(frozen=True, slots=True)
class _Block:
    """Lines that belong together: a paragraph, a list, a fenced block, or one row of a table."""

    start: int
    end: int
    heading: str
    table: str = ""
    """The header row, for a row of a table."""


def split(source: Source) -> list[Passage]:
    """Return the passages of a source in reading order. Together they hold every character but blank lines."""
    passages: list[Passage] = []
    group: list[_Block] = []

    def close() -> None:
        if group:
            passages.append(_passage(source, group[0], group[-1]))
            group.clear()

    for block in _blocks(source.text):
        for piece in _cut(source.text, block):
            if group and (
                group[-1].heading != piece.heading
                or group[-1].table != piece.table
                or piece.end - group[0].start > LONGEST
                or (group[-1].end - group[0].start >= SHORTEST and not piece.table)
            ):
                close()
            group.append(piece)
    close()
    return passages


def _passage(source: Source, first: _Block, last: _Block) -> Passage:
    start, end = first.start, last.end
    text = source.text[start:end]
    start += len(text) - len(text.lstrip())
    text = text.strip()
    heading = " > ".join(part for part in (first.heading, first.table) if part)
    return Passage(text, source.name, start, source.line(start), source.page(start), heading)


def _blocks(text: str) -> Iterator[_Block]:
    """Yield the blocks of a text with the headings above them; a heading belongs to the block that follows."""
    path: list[tuple[int, str]] = []
    lines = [(m.start(), m.end(), m[0]) for m in re.finditer(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+$", text)]
    at, begin = 0, -1  # begin: where the open block starts
    pending = -1  # where headings that wait for their block start

    def heading() -> str:
        return " > ".join(title for _level, title in path)

    while at < len(lines):
        start, end, line = lines[at]
        bare = line.strip()
        below = lines[at + 1][2].strip() if at + 1 < len(lines) else ""
        title = _HEADING.match(bare)
        underlined = bare and begin < 0 and _SETEXT.fullmatch(below) and "|" not in bare and len(below) >= 3
        if title or underlined:
            if begin >= 0:
                yield _Block(begin, start, heading())
                begin = -1
            level = len(title[1]) if title else (1 if below[0] == "=" else 2)
            if pending >= 0 and path and level <= path[-1][0]:  # a heading with nothing below it
                yield _Block(pending, start, heading())
                pending = -1
            path[:] = [(n, t) for n, t in path if n < level]
            path.append((level, title[2] if title else bare))
            pending = start if pending < 0 else pending
            at += 1 if title else 2
            continue
        if fence := _FENCE.match(line):
            close = next((i for i in range(at + 1, len(lines)) if lines[i][2].strip().startswith(fence[1])), at)
            begin = _first(begin, pending, start)
            yield _Block(begin, lines[close][1], heading())
            begin = pending = -1
            at = close + 1
            continue
        if "|" in bare and _TABLE_LINE.fullmatch(below.strip("|").strip()) and "-" in below:
            if begin >= 0:
                yield _Block(begin, start, heading())
            rows = at + 2
            while rows < len(lines) and "|" in lines[rows][2]:
                rows += 1
            header = " | ".join(cell.strip() for cell in bare.strip("|").split("|"))
            # The header and its line go with the first row.
            first = _first(-1, pending, start)
            for row in range(min(at + 2, rows - 1), rows):
                yield _Block(
                    first if row == min(at + 2, rows - 1) else lines[row][0], lines[row][1], heading(), header
                )
            begin = pending = -1
            at = rows
            continue
        if bare:
            begin = _first(begin, pending, start)
            pending = -1
        elif begin >= 0:
            yield _Block(begin, end, heading())
            begin = -1
        at += 1
    if begin >= 0 or pending >= 0:
        yield _Block(_first(begin, pending, len(text)), len(text), heading())


def _first(begin: int, pending: int, start: int) -> int:
    return begin if begin >= 0 else pending if pending >= 0 else start


def _cut(text: str, block: _Block) -> Iterator[_Block]:
    """Yield a block in pieces that are not longer than LONGEST: at sentence ends, else where it must be."""
    if block.end - block.start <= LONGEST:
        yield block
        return
    start = block.start
    ends = [block.start + end for _begin, end in sentences(text[block.start : block.end])]
    last = start
    for end in [*ends, block.end]:
        while end - start > LONGEST:
            if last > start and last - start >= SHORTEST // 2:
                cut = last
            else:
                space = text.rfind(" ", start + SHORTEST, start + LONGEST)
                cut = space if space > 0 else start + LONGEST
            yield _Block(start, cut, block.heading, block.table)
            start = last = cut
        last = end
    if start < block.end:
        yield _Block(start, block.end, block.heading, block.table)
