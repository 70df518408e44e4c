"""Finds what "how many" asks the number of, and whether a sentence gives that number."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from agentsdk.models.offline.concepts import COUNTED_ZH, Concept, Text
from agentsdk.references.words import CJK, stem


def is_counted(text: str, concept: Concept) -> bool:
    """Whether a number stands beside a word for the concept: "340 dealers", "about 2,100 skilled workers", "藏书约 42 万册"."""
    plain = unicodedata.normalize("NFKC", text).lower()
    number = r"(?:\d[\d,.]*|[〇一二两三四五六七八九十百千万]+)\s*[多余几]?[万千百亿]?[多余]?\s*"
    for word in concept.words:
        if re.match(f"[{CJK}]", word):
            chinese = rf"{re.escape(word)}[^，。；,;\d每]{{0,6}}?{number}|{number}(?:[名位个人册种本台座条辆间张家项元块角]|[美欧]元)?的?{re.escape(word)}"
            if re.search(chinese, plain):
                return True
    tokens = re.findall(rf"[a-z][\w'-]*|\d+(?:[,.]\d+)*|[{CJK}]+|[.;:]", plain)
    for at, token in enumerate(tokens):
        if stem(token) in concept.words:
            near = [*tokens[max(0, at - 4) : at], *tokens[at + 1 : at + 3]]
            if any(
                (t[0].isdigit() and not re.fullmatch(r"(?:1[5-9]|20)\d\d", t)) or _COUNT.fullmatch(t)
                for t in near
            ):
                return True
    return any(" " in w and w in Text.of(text).phrase for w in concept.words)


_COUNT = re.compile(
    "one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|[a-z]+teen|[a-z]+ty|hundred|thousand|million|dozen|no"
)


def counted_in(question: str, concepts: Iterable[Concept]) -> Concept | None:
    """Return what "how many" asks the number of."""
    found = re.search(r"\bhow many (?:[\w-]+ )?([\w-]+)", question, re.IGNORECASE)
    if found:
        words = {stem(w) for w in found[0].lower().split()[2:]}
        return next((c for c in reversed(list(concepts)) if c.words & words and c.kind != "weak"), None)
    counted = COUNTED_ZH.search(question)
    return next((c for c in concepts if c.shown in counted[1]), None) if counted else None
