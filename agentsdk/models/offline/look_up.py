"""Chooses, among the passages of a look-up, the sentences and table rows that answer a question, or none.

Nothing here understands. A sentence answers when it, with its headings and its neighbours, speaks of everything
that the question speaks of, holds the kind of thing that is asked for, and does not leave out what is asked.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from agentsdk.evidence import Passage
from agentsdk.models.offline.concepts import (
    Concept,
    Text,
    as_known,
    concepts_in,
    speaks_of,
    synonyms,
)
from agentsdk.models.offline.counted import counted_in, is_counted
from agentsdk.models.offline.expected import Expected, expected_in
from agentsdk.references.words import CJK, sentences, stem

MOST = 5
"""Citations of one answer."""
LONGEST = 300
"""Characters of one citation."""

ENOUGH = 0.64
"""Share of the question's concepts, by weight, that a sentence with its surroundings must speak of.

Set on the questions under tests/models/offline: lower answers what the texts do not say, higher refuses more
paraphrases than one in five.
"""
ABSENT = 1.5
"""How much more a concept counts that stands in none of the passages: the texts know nothing of it."""
TITLE = 0.3
"""How much a concept counts that stands in the title of the text."""
NEARBY = 0.7
"""How much a neighbouring sentence counts for."""

_PRONOUN = re.compile(r"(?:It|They|He|She|This|These|Those|Its|Their|His|Her)\b|[它他她其该这此]|两者")
_EMPTY_CELL = {"", "-", "–", "—", "n/a", "none", "无", "/", "x", "?", "tbd", "待定", "未定"}
_ROW_LINE = re.compile(r"[\s|:-]+")
_BOUNDS = frozenset(
    {"start", "begin", "open", "end", "clos", "finish", "开始", "结束", "截止", "开放", "关门", "营业", "开门"}
)
_RANGE = re.compile(
    r"\d{1,2}[:：]\d{2}\s*(?:[-–—~～至到]|to|until)\s*\d{1,2}[:：]\d{2}|\d\s*[日号天]\s*[-–—~～至到]\s*\d|\bfrom [\w ]{2,14} (?:to|until) "
)
_ITEM = re.compile(r"\s*(?:[-*+•·]|\d+[.)、]|[（(]\d+[)）])\s*")


@dataclass(frozen=True, slots=True)
class Unit:
    """A sentence, list item or table row of a passage."""

    passage: str
    """The passage's id in the conversation."""
    text: str
    before: str
    """The sentence before it in the passage."""
    around: str
    """The passage's other sentences."""
    heading: str
    header: tuple[str, ...] = ()
    """The table's column names, for a row."""
    order: int = 0


@dataclass(frozen=True, slots=True)
class Chosen:
    """A piece of a passage to be quoted."""

    passage: str
    quote: str
    """Verbatim, at most LONGEST characters."""
    header: tuple[str, ...] = ()

    @property
    def shown(self) -> str:
        """What the answer says: the quote itself; a table row with the names of its columns."""
        if not self.header:
            return _ITEM.sub("", self.quote, count=1) if _ITEM.match(self.quote) else self.quote
        cells = _cells(self.quote)
        return "; ".join(
            f"{name}: {cell}" if name else cell
            for name, cell in zip(self.header, [*cells, *[""] * len(self.header)], strict=False)
            if cell
        )


def query_for(question: str, language: str) -> str:
    """Return the words to look a question up by: its own, and a few others for the same things."""
    concepts = [c for c in concepts_in(question) if c.kind != "weak"]
    if not concepts:
        return question[:200]
    words = [c.shown for c in concepts]
    extra = [w for c in concepts for w in synonyms(c, language, 4 if c.kind == "asked" else 2)]
    return " ".join(dict.fromkeys([*words, *extra]))[:300]


def choose(question: str, passages: Sequence[tuple[str, Passage]]) -> list[Chosen]:
    """Return what answers the question, best first; nothing where the passages do not say it."""
    units = [u for id_, p in passages for u in units_of(id_, p)]
    everything = Text.of("\n".join(f"{p.heading}\n{p.text}" for _id, p in passages))
    concepts = as_known(concepts_in(question), everything)
    strong = [c for c in concepts if c.kind != "weak"]
    if not strong or not units:
        return []
    weights = {
        c: c.weight * (ABSENT if c.kind != "weak" and speaks_of(everything, c) < 0.6 else 1.0) for c in concepts
    }
    title = Text.of(passages[0][1].heading.split(" > ", 1)[0])
    if any(speaks_of(title, c) < 0.6 for c in strong):
        # What the whole text is about tells its sentences apart as little as it says what is asked.
        weights = {c: w * (TITLE if speaks_of(title, c) >= 0.6 else 1.0) for c, w in weights.items()}
    expected = expected_in(question)
    counted = counted_in(question, concepts)
    rated = [(score, u) for u in units if (score := _rate(u, weights, expected, counted)) is not None]
    if not rated:
        return []
    rated.sort(key=lambda pair: -round(pair[0], 3))  # stable: among equals the better passage goes first
    best = rated[0][0]
    chosen: list[Chosen] = []
    plural = _asks_for_several(question)
    for score, unit in rated:
        if score < best - (0.12 if plural else 0.01) or len(chosen) >= (MOST if plural else 2):
            break
        for piece in _quotes(unit, strong, units, goes_on=expected is None and not chosen):
            if piece.quote not in {c.quote for c in chosen} and len(chosen) < MOST:
                chosen.append(piece)
    return chosen


def first_sentences(passages: Sequence[tuple[str, Passage]]) -> list[Chosen]:
    """Return the first sentence of each of up to five sections, in the order of the text."""
    found: list[Chosen] = []
    for id_, passage in sorted(passages, key=lambda pair: (pair[1].source, pair[1].line)):
        unit = next((u for u in units_of(id_, passage) if not u.header and len(u.text) > 15), None)
        if unit and len(found) < MOST:
            found.append(Chosen(id_, unit.text[:LONGEST]))
    return found


def units_of(id_: str, passage: Passage) -> list[Unit]:
    """Return the units of a passage; headings are the context of what follows and none of their own."""
    heading = passage.heading
    header: tuple[str, ...] = ()
    last = heading.rsplit(" > ", 1)[-1]
    table = re.search(r"^\s*\|.*\|?\s*$|\|", passage.text, re.MULTILINE) is not None
    if " | " in last and table:
        header = tuple(cell.strip() for cell in last.split(" | "))
        heading = heading[: -len(last)].removesuffix(" > ")
    spans = sentences(passage.text)
    texts = [passage.text[a:b] for a, b in spans]
    units: list[Unit] = []
    before = ""
    for at, text in enumerate(texts):
        if text.startswith("#") or re.fullmatch(r"[-=*_~`\s]+", text):
            continue
        row = "|" in text and bool(header)
        if row and (_ROW_LINE.fullmatch(text) or tuple(_cells(text)) == header):
            continue
        if "\n" in text and re.match(r".+\n[=-]{3,}\n", text):  # an underlined heading
            text = text.split("\n", 2)[-1].strip()
        around = " ".join(t for i, t in enumerate(texts) if i != at and abs(i - at) <= 3 and "|" not in t)
        units.append(
            Unit(
                id_,
                text,
                "" if row else before,
                "" if row else around,
                heading,
                header if row else (),
                len(units),
            )
        )
        before = text
    return units


def _rate(
    unit: Unit, weights: dict[Concept, float], expected: Expected | None, counted: Concept | None
) -> float | None:
    """Return how well a unit answers, or None where it does not."""
    own = Text.of(unit.text)
    context = Text.of(f"{unit.heading}\n{' '.join(unit.header)}")
    before = Text.of(unit.before)
    around = Text.of(unit.around)
    follows = bool(_PRONOUN.match(_ITEM.sub("", unit.text, count=1)))
    covered = total = said = to_say = own_said = closest = 0.0
    subjects = 0
    first = _cells(unit.text)[0].lower() if unit.header else ""
    for concept, weight in weights.items():
        in_own = speaks_of(own, concept)
        if (
            len(first) == len(concept.shown) + 1
            and first.endswith(concept.shown)
            and first not in concept.words
        ):
            in_own = 0.0  # 陪产假 is not 产假
        here = max(in_own, speaks_of(context, concept))
        if here < 0.6 and stem(concept.shown.lower()) in _BOUNDS and _RANGE.search(unit.text):
            here = 0.9  # "8:00–17:00" says when something begins and when it ends
        near = max(speaks_of(before, concept), 0.85 * speaks_of(around, concept)) * NEARBY
        if concept.kind in ("name", "number"):
            there = here if here >= 0.6 or not follows else max(here, speaks_of(before, concept))
            if there < 0.6:
                return None
        elif concept.kind in ("asked", "implied"):
            there = here if here >= 0.6 else (near if follows else 0.0)
            if there < 0.6:
                return None
        else:
            there = max(here, near)
        if in_own < 0.6 and unit.header and concept.kind != "name" and not _cell_is_filled(unit, concept):
            return None
        if concept.kind != "weak":
            covered += weight * there
            total += weight
            if concept.kind not in ("asked", "implied", "suffix"):
                subjects += 1
                closest = max(closest, here)
        own_said += weight * in_own
        if speaks_of(context, concept) < 0.6:  # what the headings say already, no sentence has to say again
            said += weight * in_own
            to_say += weight
    share = covered / total if total else 0.0
    if share < ENOUGH or (subjects and closest < 0.6 and not follows):
        return None
    if expected is not None and not expected.holds(_cells_of(unit)):
        return None
    if counted is not None and not is_counted(unit.text, counted):
        # In a table the column says what is counted, or the row.
        columns = Text.of(" ".join(unit.header))
        if not unit.header or max(speaks_of(columns, counted), speaks_of(own, counted)) < 0.6:
            return None
    named = 0.15 if any(first == c.shown.lower() for c in weights) else 0.0
    begins = Text.of(unit.text[:24])
    subject = 0.05 if any(speaks_of(begins, c) >= 0.6 for c in weights if c.kind != "weak") else 0.0
    return (
        share
        + subject
        + named
        + 0.25 * (said / to_say if to_say else own_said / total)
        + 0.1 * own_said / total
    )


def _cells_of(unit: Unit) -> str:
    """Return what a unit says itself; for a row, without its first cell, which names what it is about."""
    if not unit.header:
        return unit.text
    cells = _cells(unit.text)
    return " ".join(cells[1:]) if len(cells) > 1 else unit.text


def _cell_is_filled(unit: Unit, concept: Concept) -> bool:
    """Whether the cell below the column that the concept names says something."""
    cells = _cells(unit.text)
    for at, name in enumerate(unit.header):
        if speaks_of(Text.of(name), concept) >= 0.6:
            return at < len(cells) and cells[at].strip().lower() not in _EMPTY_CELL
    return True


def _cells(row: str) -> list[str]:
    text = row.strip()
    text = text.removeprefix("|")
    text = text.removesuffix("|")
    return [cell.strip().strip("*`") for cell in text.split("|")]


def _asks_for_several(question: str) -> bool:
    return bool(
        re.search(
            r"\b(?:list|which|what are|what (?:\w+ )?\w+s (?:are|do|can|does|did|were)|all|every|each)\b|哪些|列出|有什么|分别|各|所有|都有",
            question,
            re.IGNORECASE,
        )
    )


def _quotes(unit: Unit, concepts: Sequence[Concept], units: Sequence[Unit], *, goes_on: bool) -> list[Chosen]:
    """Return the unit as quotes; a sentence that announces a list brings the items with it.

    Args:
        goes_on: the next sentence belongs to it as well where it begins with "It" or "They".

    """
    found = [Chosen(unit.passage, _shortened(unit.text, concepts), unit.header)]
    if unit.text.rstrip().endswith((":", "：")):
        same = [u for u in units if u.passage == unit.passage and u.order > unit.order]
        for following in same[: MOST - 1]:
            if not _ITEM.match(following.text):
                break
            found.append(Chosen(following.passage, _shortened(following.text, concepts)))
    following_one = next((u for u in units if u.passage == unit.passage and u.order == unit.order + 1), None)
    if goes_on and not unit.header and following_one and _PRONOUN.match(following_one.text):
        found.append(Chosen(following_one.passage, _shortened(following_one.text, concepts)))
    return found


def _shortened(text: str, concepts: Sequence[Concept]) -> str:
    """Return at most LONGEST characters of a sentence: clauses, from the first that speaks of the question."""
    if len(text) <= LONGEST:
        return text
    cuts = [0, *(m.end() for m in re.finditer(rf"[,;:，；：]\s*|\n|(?<=[{CJK}])\s+", text)), len(text)]
    clauses = [(a, b) for a, b in zip(cuts, cuts[1:], strict=False) if text[a:b].strip()]
    rated = [sum(speaks_of(Text.of(text[a:b]), c) * c.weight for c in concepts) for a, b in clauses]
    first = rated.index(max(rated))
    start, end = clauses[first]
    while first + 1 < len(clauses) and clauses[first + 1][1] - start <= LONGEST:
        first += 1
        end = clauses[first][1]
    return text[start:end].strip(" ,;:，；：\n")[:LONGEST]
