"""Finds a quote in its source: to the letter, or after folding what carries no meaning."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from agentsdk.references.words import CJK

Found = tuple[int, int, Literal["exact", "normalised"]]
"""Offsets of the first character and behind the last one, and how the quote was found."""

_WORD = re.compile(r"\w")
_FOLD = {
    **dict.fromkeys("‘’‚‛`´′", "'"),
    **dict.fromkeys("“”„‟«»″「」『』", '"'),
    **dict.fromkeys("‐‑‒–—―−﹣", "-"),
    "…": "...",
}
_INVISIBLE = "\u00ad\u200b\u200c\u200d\u2060\ufeff"
_OUTER = " \t\n\r\"'“”‘’「」『』«»…"


def locate(quote: str, text: str) -> Found | None:
    """Return where `quote` stands in `text`, or None.

    First to the letter, then after NFKC, case folding, and folding of quote marks, dashes, soft hyphens and
    white space (none at all between Chinese characters, where a line break means nothing). Quote marks and an
    ellipsis around the quote are not part of it. The offsets are those of the text as it stands.

    Too short a quote proves nothing, and none is found: it must hold three letters or digits, or two Chinese
    characters. Nothing is found in the middle of a word or number: "5 V" does not stand in "15 V".
    """
    bare = quote.strip(_OUTER)
    bare = bare.removesuffix("...").removeprefix("...").strip(_OUTER)
    if not _is_proof(bare):
        return None
    at = _find(bare, text)
    if at >= 0:
        return at, at + len(bare), "exact"
    folded = _folded(text)
    wanted = _fold(bare)[0]
    at = _find(wanted, folded.text)
    if at < 0:
        return None
    return folded.starts[at], folded.ends[at + len(wanted) - 1], "normalised"


def folded(text: str) -> str:
    """Return what two texts share that `locate` takes for the same: NFKC, case and white space folded."""
    return _fold(text)[0].strip()


def stands(words: str, text: str) -> bool:
    """Return whether `words` stand in `text`, folded alike, without cutting a word or a number; however short."""
    wanted = folded(words)
    return bool(wanted) and _find(wanted, _folded(text).text) >= 0


@dataclass(frozen=True, slots=True)
class _Folded:
    text: str
    starts: list[int]
    """By folded character: where the character stands that it comes from."""
    ends: list[int]


@lru_cache(maxsize=32)
def _folded(text: str) -> _Folded:
    return _Folded(*_fold(text))


_BETWEEN_CJK = re.compile(rf"(?<=[{CJK}，。、；：！？（）《》])\s+(?=[{CJK}，。、；：！？（）《》])")


def _fold(text: str) -> tuple[str, list[int], list[int]]:
    out: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    dropped = {i for m in _BETWEEN_CJK.finditer(text) for i in range(m.start(), m.end())}
    at, length = 0, len(text)
    while at < length:
        # A letter and the accents that follow it are one unit: NFKC may join them.
        end = at + 1
        while end < length and unicodedata.combining(text[end]):
            end += 1
        unit = text[at:end]
        if at in dropped or unit in _INVISIBLE:
            at = end
            continue
        if unit.isspace():
            shown = "" if out and out[-1] == " " else " "
        elif unit.isascii():
            shown = unit.lower()
        else:
            shown = "".join(_FOLD.get(c, c) for c in unit)
            shown = unicodedata.normalize("NFKC", shown).casefold()
        for char in shown:
            out.append(_FOLD.get(char, char))
            starts.append(at)
            ends.append(end)
        at = end
    return "".join(out), starts, ends


def _find(quote: str, text: str) -> int:
    """Return the first place of `quote` in `text` that cuts no word or number, or -1."""
    at = text.find(quote)
    while at >= 0:
        if not _cuts(text, at) and not _cuts(text, at + len(quote)):
            return at
        at = text.find(quote, at + 1)
    return -1


def _cuts(text: str, at: int) -> bool:
    """Whether a cut at `at` parts a word or a number; Chinese has no such parts."""
    if not 0 < at < len(text):
        return False
    before, after = text[at - 1], text[at]
    if re.match(f"[{CJK}]", before) or re.match(f"[{CJK}]", after):
        return False
    if _WORD.match(before) and _WORD.match(after):
        return True
    # 1,234.5 and -5 and 50%: a part of a number is another number.
    if after.isdigit() and before in ".,-" and at >= 2 and text[at - 2].isdigit():
        return True
    return (
        before.isdigit()
        and after in ".,%‰"
        and (after in "%‰" or (at + 1 < len(text) and text[at + 1].isdigit()))
    )


def _is_proof(quote: str) -> bool:
    chinese = len(re.findall(f"[{CJK}]", quote))
    others = sum(c.isalnum() for c in quote) - chinese
    return chinese >= 2 or others >= 3 or (chinese > 0 and others > 0)
