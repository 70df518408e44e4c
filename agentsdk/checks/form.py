"""Format: JSON, a Markdown table, a pattern, a beginning or an end, or the language of the answer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from agentsdk.checks.check import Candidate, Fault
from agentsdk.checks.count import blocks
from agentsdk.errors import ConfigurationError
from agentsdk.i18n import _
from agentsdk.models.repair.json_text import strict
from agentsdk.references.cite import folded
from agentsdk.references.words import CJK

_FENCED = re.compile(r"\s*(```+|~~~+)[\w-]*[ \t]*\n(.*?)\n?[ \t]*\1\s*", re.DOTALL)
_CHINESE = re.compile(f"[{CJK}]")
_KANA = re.compile("[\u3040-\u30ff]")
_LATIN = re.compile(r"[A-Za-zÀ-ɏ]{2,}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """Which form the answer has; several at once are possible.

    Raises:
        ConfigurationError: nothing is asked for, or the pattern is none.

    """

    json: bool | Literal["object", "array"] = False
    """The whole text is JSON. A fence around it is taken off."""
    table: bool | tuple[str, ...] = False
    """There is a Markdown table whose rows are all as long as its header; with these columns, where they are named."""
    matches: str = ""
    """A regular expression that is found in the text. Begin it with ^ and end it with $ for the whole text."""
    starts: str = ""
    ends: str = ""
    language: Literal["", "en", "zh", "question"] = ""
    """English, Chinese, or that of the question. Code and short quotes in another language do not count against it."""

    def __post_init__(self) -> None:
        if not (self.json or self.table or self.matches or self.starts or self.ends or self.language):
            raise ConfigurationError(
                _("Format() asks for nothing."), fix='Format(json=True), Format(language="zh")'
            )
        try:
            re.compile(self.matches)
        except re.error as error:
            raise ConfigurationError(
                _("{pattern!r} is no regular expression.").format(pattern=self.matches), why=str(error)
            ) from error

    def __call__(self, candidate: Candidate) -> list[Fault]:
        """Return each form that the text does not have."""
        return [Fault(text, "format") for text in self._faults(candidate)]

    def tidy(self, candidate: Candidate) -> str:
        """Return the text without a fence around JSON."""
        fenced = _FENCED.fullmatch(candidate.text) if self.json else None
        return fenced[2] if fenced else candidate.text

    def _faults(self, candidate: Candidate) -> Iterator[str]:
        text = candidate.bare
        if self.json and (fault := _json_fault(text, self.json)):
            yield fault
        if self.table and (fault := _table_fault(text, self.table if isinstance(self.table, tuple) else ())):
            yield fault
        if self.matches and not re.search(self.matches, text, re.DOTALL):
            yield _("The answer does not fit the pattern {pattern}").format(pattern=self.matches)
        if self.starts and not text.startswith(self.starts):
            yield _("The answer does not begin with: {words}").format(words=self.starts)
        if self.ends and not text.rstrip().endswith(self.ends):
            yield _("The answer does not end with: {words}").format(words=self.ends)
        wanted = candidate.language if self.language == "question" else self.language
        if wanted and written_in(text) not in (wanted, ""):
            told = _("The answer is not in Chinese.") if wanted == "zh" else _("The answer is not in English.")
            yield told


def written_in(text: str) -> str:
    """Return "zh", "en" or "other" by what most of a text is written with; "" where it has no words to tell by.

    A Chinese character counts as much as a Latin word does, and code counts nothing. French is not told from English.
    """
    prose = " ".join(text[b.start : b.end] for b in blocks(text) if b.kind != "code")
    prose = re.sub(r"`[^`\n]*`|https?://\S+", " ", prose)
    chinese, latin, kana = (len(p.findall(prose)) for p in (_CHINESE, _LATIN, _KANA))
    if kana and kana * 2 > chinese:
        return "other"
    if not chinese and not latin:
        return "other" if sum(c.isalpha() for c in prose) > 3 else ""
    return "zh" if chinese >= latin else "en"


def _json_fault(text: str, wanted: bool | str) -> str:
    try:
        value = strict(text.strip())
    except ValueError as error:
        return _("The answer is not JSON: {why}").format(why=error)
    if wanted == "object" and not isinstance(value, dict):
        return _("The answer is JSON, but no object.")
    if wanted == "array" and not isinstance(value, list):
        return _("The answer is JSON, but no array.")
    return ""


def _table_fault(text: str, columns: tuple[str, ...]) -> str:
    tables = [text[b.start : b.end].splitlines() for b in blocks(text) if b.kind == "table"]
    tables = [t for t in tables if len(t) >= 2 and re.fullmatch(r"\s*\|?[\s:|-]*-[\s:|-]*", t[1])]
    if not tables:
        return _("There is no Markdown table.")
    fault = ""
    for lines in tables:
        head, *rows = (_cells(line) for at, line in enumerate(lines) if at != 1)
        known = {folded(cell) for cell in head}
        lacking = [c for c in columns if folded(c) not in known]
        odd = next((at for at, row in enumerate(rows, 1) if len(row) != len(head)), None)
        if lacking:
            fault = _("The table has no column {names}.").format(names=", ".join(lacking))
        elif odd is not None:
            fault = _("Row {row} of the table has {here} cells, and its header has {head}.").format(
                row=odd, here=len(rows[odd - 1]), head=len(head)
            )
        elif not rows:
            fault = _("The table has no rows.")
        else:
            return ""
    return fault


def _cells(line: str) -> list[str]:
    inner = line.strip().removeprefix("|")
    if inner.endswith("|") and not inner.endswith("\\|"):
        inner = inner[:-1]
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", inner)]
