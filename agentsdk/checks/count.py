"""Counts words, sentences, paragraphs and bullets of a text, in English and Chinese, and says where it may be cut.

The conventions, for both languages alike:

- A word is a run of letters and digits, with the points, hyphens and apostrophes inside it ("well-known", "3.5", an
  address). Each Chinese character and each kana is a word, as word processors count. Punctuation is none.
- Characters are all that the answer has, spaces and marks too: what would have to fit into a field.
- A bullet is an item of a list, with a sign or a number, at the outermost level of that list.
- A paragraph is a block of running text. Lists, headings, tables and code are none.
- Sentences are those of paragraphs and bullets; a bullet without a full stop is one.
- Code between fences holds no words, and numbers of citations ([1]) and of lists are no words either.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from agentsdk.references.words import CJK, sentences

_SINGLE = rf"{CJK}\u3040-\u30ff\u31f0-\u31ff"
"""Characters that are a word each: Chinese, hiragana, katakana."""

_WORD = re.compile(
    rf"https?://[^\s{_SINGLE}]+|[{_SINGLE}]"
    rf"|[^\W_{_SINGLE}](?:[^\s{_SINGLE}，。、；：！？（）《》“”「」—]*[^\W_{_SINGLE}])?"
)
_INNER = re.compile(r"[^\w.,:/@&+'’%-]|[.,:/&+-]{2,}")
"""What parts a run of characters into two words."""

_FENCE = re.compile(r" {0,3}(```+|~~~+)")
_HEADING = re.compile(r" {0,3}#{1,6}(?:\s|$)|\s*(?:\*\*[^*]+\*\*|__[^_]+__)[:：]?\s*$")
_BULLET = re.compile(
    r"(\s*)(?:[-*+•·▪◦]\s+|\(?\d{1,3}[.)]\s+|（?\d{1,3}[、）．]\s*|[一二三四五六七八九十]{1,3}、\s*)\S"
)
_RULE = re.compile(r"\s*(?:[-*_=]\s*){3,}$")
_MARKS = re.compile(r"(?:[ \t]?\[\d{1,3}\])+")
_LIST_MARK = re.compile(r"(?m)^[ \t]*(?:\(?\d{1,3}[.)]\s|（?\d{1,3}[、）．]|[一二三四五六七八九十]{1,3}、)")
_LINK = re.compile(r"(?<=\])\([^()\s]*\)")
_ATOM = re.compile(r"`[^`\n]+`|https?://[^\s)\]]+")
_PAIRS = {"“": "”", "「": "」", "『": "』", "«": "»", "(": ")", "（": "）", "《": "》", "[": "]", "【": "】"}


@dataclass(frozen=True, slots=True)
class Counted:
    """How long a text is."""

    words: int
    characters: int
    sentences: int
    paragraphs: int
    bullets: int


@dataclass(frozen=True, slots=True)
class Block:
    """A piece of Markdown: `text[start:end]`."""

    kind: str
    """"paragraph", "bullet", "nested" (an item of an inner list), "heading", "table", "code" or "rule"."""
    start: int
    end: int


def count(text: str) -> Counted:
    """Return how long a text is; the conventions stand above."""
    found = blocks(text)
    kinds = [b.kind for b in found]
    return Counted(
        _words(text, found),
        len(text),
        sum(len(sentence_spans(text[b.start : b.end])) for b in found if b.kind in _RUNNING),
        kinds.count("paragraph"),
        kinds.count("bullet"),
    )


_RUNNING = ("paragraph", "bullet", "nested")


def blocks(text: str) -> list[Block]:
    """Return the blocks of a Markdown text in reading order."""
    found: list[Block] = []
    fence, start, kind, indent, blank = "", 0, "", 0, True
    at = 0

    def close(end: int) -> None:
        nonlocal kind
        if kind:
            piece = text[start:end]
            found.append(Block(kind, start, start + len(piece.rstrip())))
        kind = ""

    for line in text.splitlines(keepends=True):
        begin, at = at, at + len(line)
        opened = _FENCE.match(line)
        if fence:
            if opened and opened[1].startswith(fence) and not line.strip().strip(fence[0]):
                close(at)
                fence = ""
            continue
        if opened:
            close(begin)
            fence, start, kind = opened[1], begin, "code"
        elif not line.strip():
            if kind not in ("bullet", "nested"):
                close(begin)
            blank = True
            continue
        elif item := _BULLET.match(line):
            if _RULE.match(line):
                close(begin)
                start, kind = begin, "rule"
            else:
                inside = kind in ("bullet", "nested") and len(item[1].expandtabs(4)) > indent + 1
                close(begin)
                start, kind = begin, "nested" if inside else "bullet"
                indent = indent if inside else len(item[1].expandtabs(4))
        elif _RULE.match(line) and blank:
            close(begin)
            start, kind = begin, "rule"
        elif _HEADING.match(line):
            close(begin)
            start, kind = begin, "heading"
            close(at)
        elif line.lstrip().startswith("|"):
            if kind != "table":
                close(begin)
                start, kind = begin, "table"
        elif kind in ("paragraph", "bullet", "nested") and not (blank and not line[0].isspace()):
            pass  # it goes on
        else:
            close(begin)
            start, kind = begin, "paragraph"
        blank = False
    close(len(text))
    return found


def sentence_spans(text: str) -> list[tuple[int, int]]:
    """Return where the sentences of a block begin and end; marks of citations belong to the sentence before them."""
    hidden = _ATOM.sub(lambda m: "x" * len(m[0]), text)
    spans: list[tuple[int, int]] = []
    for start, end in sentences(hidden):
        if spans and (mark := _MARKS.match(text, start)):
            spans[-1] = (spans[-1][0], mark.end())
            start = mark.end() + len(text[mark.end() : end]) - len(text[mark.end() : end].lstrip())
            if start >= end:
                continue
        if spans and _goes_on(text[spans[-1][0] : spans[-1][1]], text[start:end]):
            spans[-1] = (spans[-1][0], end)
        else:
            spans.append((start, end))
    return spans


def cuts(text: str) -> list[int]:
    """Return where a text may end, in order: behind a sentence, a table or code, never within a quote or a bracket."""
    found = []
    for block in blocks(text):
        if block.kind in ("code", "table"):
            found.append(block.end)
        elif block.kind in _RUNNING:
            piece = text[block.start : block.end]
            found += [block.start + end for _start, end in sentence_spans(piece) if not _is_open(piece, end)]
    # A fence that begins within a line opens code all the same, to whoever shows it.
    return [end for end in found if not _within_fence(text, end)]


def _within_fence(text: str, end: int) -> bool:
    return text.count("```", 0, end) % 2 == 1 and text.find("```", end) >= 0


def words(text: str) -> list[str]:
    """Return the words of a text as they are counted, code included."""
    return [w for run in _WORD.findall(text) for w in _parted(run)]


def _words(text: str, found: list[Block]) -> int:
    shown = [text[b.start : b.end] for b in found if b.kind != "code"]
    bare = "\n".join(_LINK.sub("", _MARKS.sub(" ", _LIST_MARK.sub(" ", piece))) for piece in shown)
    return len(words(bare))


def _parted(run: str) -> Iterator[str]:
    if run.startswith("http"):
        yield run
        return
    for part in _INNER.split(run):
        if any(c.isalnum() for c in part):
            yield part


def _goes_on(before: str, after: str) -> bool:
    """Whether what looked like two sentences is one: "a; b", "“Stop.” he said", "well... perhaps"."""
    if before.endswith((";", "；")):
        return True
    return after[:1].islower() and bool(re.search(r"[.!?…][\"'”’)\]]+$|\.\.\.$|…$", before))


def _is_open(piece: str, end: int) -> bool:
    """Whether a quote, a bracket or inline code that began before `end` ends behind it."""
    before, behind = piece[:end], piece[end:]
    for left, right in _PAIRS.items():
        if before.count(left) > before.count(right) and right in behind:
            return True
    return any(before.count(sign) % 2 == 1 and sign in behind for sign in '"`')
