"""Cuts text into the terms that a search compares, and into sentences; Chinese and English alike.

English words are lower-cased and stemmed lightly, Chinese runs become overlapping pairs of characters: measured
on Chinese and English questions, these tokens and the dropped question words decide what is found, and not the
engine below (BM25 over single characters or whole runs finds next to nothing in Chinese).
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from pathlib import Path
from typing import Any

CJK = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0002fa1f"

_TOKEN = re.compile(
    rf"[{CJK}]+"
    r"|\d+(?:[.,:/-]\d+)*%?"  # numbers, dates and times stay whole
    # Words, and names such as gpt-4o, e.g., C++ and node.js. Chinese ends them: E02表示 is E02 and 表示.
    rf"|[^\W\d_](?:[^\W{CJK}]|['’]|[.+#-](?=[^\W{CJK}]))*"
    rf"|[^\W{CJK}]+"
)


def _words_of(name: str) -> frozenset[str]:
    return frozenset((Path(__file__).parent / name).read_text(encoding="utf-8").split())


_STOP_EN = _words_of("stop_words.en.txt")
_STOP_ZH = _words_of("stop_words.zh.txt")
# The longest first, so that "什么时候" is dropped whole and does not leave "时候".
_STOP_ZH_RUN = re.compile(
    "|".join(sorted((re.escape(w) for w in _STOP_ZH if len(w) > 1), key=len, reverse=True))
)
_PARTICLES = frozenset(w for w in _STOP_ZH if len(w) == 1)

_IRREGULAR = {
    "children": "child", "people": "person", "men": "man", "women": "woman", "feet": "foot", "bought": "buy",
    "paid": "pay", "sent": "send", "built": "build", "began": "begin", "begun": "begin", "held": "hold",
    "made": "make", "took": "take", "taken": "take", "wrote": "write", "written": "write", "sold": "sell",
    "kept": "keep", "lost": "lose", "met": "meet", "ran": "run", "spoke": "speak", "won": "win",
    "left": "leave", "found": "find",
    "went": "go", "gone": "go", "came": "come", "became": "become", "grew": "grow",
    "worn": "wear", "chosen": "choose", "chose": "choose", "broken": "break",
    "frozen": "freeze", "froze": "freeze", "given": "give", "gave": "give", "known": "know", "knew": "know",
    "led": "lead", "taught": "teach", "thrown": "throw", "threw": "throw", "spent": "spend", "stolen": "steal",
    "ridden": "ride", "rode": "ride", "drove": "drive", "driven": "drive", "fed": "feed", "eaten": "eat", "ate": "eat",
    "stood": "stand", "understood": "understand", "told": "tell", "said": "say", "shown": "show", "forgot": "forget",
    "forgotten": "forget", "hidden": "hide", "slept": "sleep", "fell": "fall", "fallen": "fall", "rose": "rise",
    "goes": "go", "does": "do",
    "buses": "bus", "gases": "gas", "broke": "break",
}  # fmt: skip


def terms(text: str, *, words: bool | None = None) -> list[str]:
    """Return the terms of `text` in reading order; stop words and question words are left out.

    Args:
        words: add Chinese words, cut by rjieba, to the pairs of characters; None: where rjieba is installed.

    """
    found: list[str] = []
    for match in _TOKEN.finditer(unicodedata.normalize("NFKC", text).lower()):
        token = match[0]
        if token[0] >= "\u3400" and re.match(f"[{CJK}]", token):
            found += _chinese(token, words)
        elif token not in _STOP_EN:
            found.append(stem(token))
            parts = [part for part in re.split("[-_./]", token) if part and part not in _STOP_EN]
            if len(parts) > 1 and not token[0].isdigit():
                found += [stem(part) for part in parts]
    return found


def stem(word: str) -> str:
    """Return a word without its English ending: plural, past, -ing. "batteries" and "battery" become one.

    Lighter than Porter: an ending is only taken from words that keep a vowel and three letters.
    """
    word = word.replace("’", "'").removesuffix("'s").removesuffix("'")
    if word in _IRREGULAR:
        return stem(_IRREGULAR[word])
    if len(word) < 4 or not word.isascii() or not word.isalpha():
        return word
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("sses", "shes", "ches", "xes", "zes")):
        return word[:-2]
    if word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    for ending in ("ing", "ed"):
        root = word[: -len(ending)]
        # exceed, need and speed are no past tenses.
        if ending == "ed" and root.endswith("e"):
            continue
        if word.endswith(ending) and len(root) >= 3 and re.search("[aeiouy]", root):
            if ending == "ed" and root.endswith("i"):
                return root[:-1] + "y"
            if len(root) > 3 and root[-1] == root[-2] and root[-1] not in "lsz":
                return root[:-1]
            word = root
            break
    # cancelled, canceled and cancel; install and instalment
    return word[:-1] if len(word) > 4 and word.endswith(("e", "ll")) else word


def _chinese(run: str, words: bool | None) -> list[str]:
    found: list[str] = []
    for part in _STOP_ZH_RUN.split(run):
        # A particle inside a run parts it, unless that would leave single characters of a longer word.
        pieces = [p for p in re.split("[的了是吗呢吧啊呀么]", part) if p]
        for piece in pieces:
            if len(piece) == 1:
                found += [piece] if piece not in _PARTICLES else []
            else:
                found += [piece[i : i + 2] for i in range(len(piece) - 1)]
    cutter = _cutter() if words is not False else None
    if cutter is not None:
        # A mark keeps a word from being counted as the pair of characters it may be made of.
        found += [f"w{w}" for w in cutter(run) if len(w) > 1 and w not in _STOP_ZH]
    return found


def has_words() -> bool:
    """Return whether Chinese words can be cut: the `zh` extra is installed."""
    return _cutter() is not None


@cache
def _cutter() -> Any:
    try:
        import rjieba
    except ImportError:  # the `zh` extra is not installed: pairs of characters alone
        return None
    return rjieba.cut_for_search if hasattr(rjieba, "cut_for_search") else rjieba.cut


_ABBREVIATION = re.compile(
    r"(?:\b(?:Mr|Mrs|Ms|Dr|Prof|St|No|Nos|vs|etc|e\.g|i\.e|cf|al|Fig|Figs|Eq|Vol|Inc|Ltd|Co|Corp|Jr|Sr|approx|p|pp"
    r"|a\.m|p\.m|U\.S|U\.K)|\b[A-Z])\.$",
)
_STOPS = re.compile(
    r"[。！？!?…]+[”’」』）)\"']*|[;；](?=\s|$)|\.+[\"'”’)]*(?=\s|$)|\n\s*\n|\n(?=\s*(?:[-*+•·|#>]|\d+[.)、]))"
)


def sentences(text: str) -> list[tuple[int, int]]:
    """Return where the sentences, list items and table rows of `text` begin and end; blanks belong to none.

    A line that ends without a stop goes on in the next, except where a list item, a heading, a table row or an
    empty line follows. A table row is a sentence of its own.
    """
    found: list[tuple[int, int]] = []
    begin = 0
    for match in _STOPS.finditer(text):
        if match[0].startswith(".") and _abbreviates(text, match.start()):
            continue
        _add(found, text, begin, match.end())
        begin = match.end()
    _add(found, text, begin, len(text))
    return found


def _abbreviates(text: str, at: int) -> bool:
    """Whether the full stop at `at` ends an abbreviation or an initial, and not a unit: "5 V." ends a sentence."""
    return bool(_ABBREVIATION.search(text, max(0, at - 12), at + 1)) and not re.search(
        r"[\d%]\s?\w{1,2}\.$", text[max(0, at - 8) : at + 1]
    )


def _add(found: list[tuple[int, int]], text: str, begin: int, end: int) -> None:
    piece = text[begin:end]
    if "\n" in piece.strip() and re.search(r"^\s*(?:\||#)|\|", piece, re.MULTILINE):
        # Headings and table rows end with their line, whatever follows.
        at = begin
        for line in piece.splitlines(keepends=True):
            _add(found, text, at, at + len(line)) if line.strip() else None
            at += len(line)
        return
    stripped = piece.strip()
    if stripped:
        start = begin + len(piece) - len(piece.lstrip())
        found.append((start, start + len(stripped)))
