"""Private: what must not stand in an answer: thoughts, instructions, and whatever fits a secret's pattern.

Two texts share a secret when they share a long run of words. A single word proves nothing, and neither does what the
question, the passages or the tools say as well, nor what stands in quote marks in the instructions: it is there to be
said.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar

from agentsdk.checks.check import Candidate, Fault
from agentsdk.checks.count import blocks, sentence_spans
from agentsdk.errors import ConfigurationError
from agentsdk.i18n import _
from agentsdk.references.words import CJK

RUN = 8
"""Words in a row that two texts must share."""

_CHINESE_SHARE = 0.6
"""Of a word, that a Chinese character stands for: a run of 14 characters is as telling as one of 8 English words."""

_TOKEN = re.compile(rf"[{CJK}]|[^\W_{CJK}]+")
_SAID = re.compile(r"“[^”]*”|\"[^\"\n]*\"|「[^」]*」|『[^』]*』|`[^`\n]*`")
_GONE = "[…]"
_TAG = re.compile(r"</?(?:think|thinking|thought|reasoning)>|<\|channel\|>", re.IGNORECASE)
_CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`", re.DOTALL)

# How people talk to themselves. Models draft their answers in their thoughts, so that shared words alone are no leak.
_MONOLOGUE = re.compile(
    r"\bthe user\b|\blet me (?:think|see|check|start|recall|re-?read|look|try|consider)\b|\blet's (?:think|see)\b"
    r"|\bI (?:should|need to|must|have to|'ll|will|can|could) (?:\w+ )?(?:answer|respond|reply|say|check|think|consider"
    r"|mention|make sure|explain|start|give)\b"
    r"|\b(?:wait|hmm+|okay|ok),|\bsystem prompt\b|\bmy instructions\b|\bI was (?:told|instructed)\b"
    r"|用户(?:想|问|要|的(?:问题|意思))|让我(?:想|看|检查|先|再)|我(?:应该|需要|得|必须)(?:先)?(?:回答|回复|检查|考虑|给出|说明|确认)"
    r"|等等，|嗯，|系统提示|提示词",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Private:
    """What the answer must not give away. Where it does also after a correction, that sentence is taken out.

    With it nothing of an answer is shown before it is settled: no draft is streamed.

    Raises:
        ConfigurationError: a pattern is no regular expression.

    """

    thoughts: bool = True
    """No eight words in a row of what the model thought."""
    instructions: bool = True
    """None of the system prompt."""
    steps: tuple[str, ...] = ()
    """Ids of steps whose results stay hidden, such as a solution that a pupil is to find."""
    patterns: tuple[str, ...] = ()
    """Regular expressions of secrets. What fits one is blotted out, and is in no finding."""

    hold: ClassVar[bool] = True

    def __post_init__(self) -> None:
        for pattern in self.patterns:
            try:
                re.compile(pattern)
            except re.error as error:
                raise ConfigurationError(
                    _("{pattern!r} is no regular expression.").format(pattern=pattern), why=str(error)
                ) from error

    def __call__(self, candidate: Candidate) -> list[Fault]:
        """Return one fault for each kind of private text, without that text."""
        found = []
        for pattern in self.patterns:
            if re.search(pattern, candidate.text):
                told = _("The answer holds text that fits the private pattern {pattern}.")
                found.append(Fault(told.format(pattern=pattern), "private"))
        for name, texts in self._hidden(candidate):
            runs = shared(candidate.text, texts, _open_to_all(candidate, self.steps))
            if runs:
                shown = " … ".join(candidate.text[start:end] for start, end in runs)
                text = _("The answer repeats {count} words in a row of {what}.").format(
                    count=max(len(_tokens(candidate.text[s:e])) for s, e in runs), what=name
                )
                found.append(Fault(text, "private", f"{text} {shown}"))
        return found

    def mend(self, candidate: Candidate) -> tuple[str, str] | None:
        """Return the text with secrets blotted out and the sentences taken out that hold private text."""
        text = candidate.text
        for pattern in self.patterns:
            text = re.sub(pattern, _GONE, text)
        runs = [
            run
            for _name, texts in self._hidden(candidate)
            for run in shared(text, texts, _open_to_all(candidate, self.steps))
        ]
        text = _without_sentences(text, runs).strip() or _("The answer held private text and is not shown.")
        return text, _("Private text was taken out of the answer.")

    def _hidden(self, candidate: Candidate) -> Iterator[tuple[str, Iterable[str]]]:
        if self.thoughts:
            yield _("the model's thoughts"), candidate.thoughts
        if self.instructions:
            yield _("the instructions"), [_SAID.sub(" ¶ ", candidate.instructions)]
        if self.steps:
            yield _("a hidden step"), [_value(s.value) for s in candidate.steps if s.step in self.steps]


def monologue(candidate: Candidate) -> list[Fault]:
    """Return the sentences of the answer in which the model goes on thinking; this check is always on.

    Such a sentence shares eight words in a row with the thoughts *and* is said to oneself ("the user wants ..."), or
    it holds a mark of thoughts such as `</think>` that nobody asked about.
    """
    text = _CODE.sub(lambda m: " " * len(m[0]), candidate.text)
    asked = "\n".join(_open_to_all(candidate, ()))
    told = _("The answer shows the model's thoughts.")
    if any(tag[0].lower() not in asked.lower() for tag in _TAG.finditer(text)):
        return [Fault(told, "private", _("Thoughts do not belong into the answer."))]
    if not candidate.thoughts or not _MONOLOGUE.search(text):
        return []
    runs = shared(text, candidate.thoughts, [asked])
    spans = [
        text[start:end]
        for start, end in _sentences(text)
        if any(s < end and e > start for s, e in runs) and _MONOLOGUE.search(text, start, end)
    ]
    return [Fault(told, "private", f"{told} {' … '.join(spans)}")] if spans else []


def shared(text: str, private: Iterable[str], public: Iterable[str], run: int = RUN) -> list[tuple[int, int]]:
    """Return where `text` has at least `run` words in a row in common with `private` that are not `public` as well."""
    tokens = _tokens(text)
    keys = [t[0] for t in tokens]
    if len(keys) < run:
        return []
    hidden = {g for p in private for g in _grams([t[0] for t in _tokens(p)], run)}
    hidden -= {g for p in public for g in _grams([t[0] for t in _tokens(p)], run)}
    hits = [at for at, gram in enumerate(_grams(keys, run)) if gram in hidden]
    found: list[tuple[int, int]] = []
    for at in hits:
        if found and at < found[-1][1]:
            found[-1] = (found[-1][0], at + run)
        else:
            found.append((at, at + run))
    weighed = [(a, b) for a, b in found if sum(_weight(k) for k in keys[a:b]) >= run - 0.001]
    return [(tokens[a][1], tokens[b - 1][2]) for a, b in weighed]


def _tokens(text: str) -> list[tuple[str, int, int]]:
    return [(unicodedata.normalize("NFKC", m[0]).casefold(), m.start(), m.end()) for m in _TOKEN.finditer(text)]


def _grams(keys: list[str], run: int) -> Iterator[tuple[str, ...]]:
    return (tuple(keys[at : at + run]) for at in range(len(keys) - run + 1))


def _weight(key: str) -> float:
    return _CHINESE_SHARE if re.match(f"[{CJK}]", key) else 1.0


def _open_to_all(candidate: Candidate, hidden: tuple[str, ...]) -> list[str]:
    """Return what may be repeated: it comes from the person, the passages or the tools."""
    brought = [_value(s.value) for s in candidate.steps if s.step not in hidden]
    return [candidate.question, *(p.text for p in candidate.passages), *brought]


def _value(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _sentences(text: str) -> Iterator[tuple[int, int]]:
    for block in blocks(text):
        if block.kind in ("paragraph", "bullet", "nested"):
            piece = text[block.start : block.end]
            yield from ((block.start + start, block.start + end) for start, end in sentence_spans(piece))
        else:
            yield block.start, block.end


def _without_sentences(text: str, runs: list[tuple[int, int]]) -> str:
    for start, end in reversed(list(_sentences(text))):
        if any(s < end and e > start for s, e in runs):
            text = text[:start] + text[end:].lstrip(" ")
    return text
