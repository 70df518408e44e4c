"""Intent: a kind of request with instructions, tools, examples and needed details of its own; and rules that tell it.

A rule is looked at first: a question that says "refund" needs no model to be known for one. Only where the rules
leave it open does the model decide, in its first call and not in one of its own (planner/choose.py).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from agentsdk.errors import ConfigurationError
from agentsdk.examples import Example, check_examples
from agentsdk.function_tool import Tool
from agentsdk.i18n import _
from agentsdk.instructions import Words, read_words, spoken
from agentsdk.messages import Message
from agentsdk.prompts import render
from agentsdk.references.words import CJK, stem
from agentsdk.toolbox import AnyTool, Toolbox, gather

BETWEEN = "/"
"""Stands between the names of nested intents: "orders/refund"."""

_ALONE = r"(?<![A-Za-z0-9_.,-])(?!\d{4}-\d\d?-\d\d?(?!\d))"
"""At the beginning of a word or number, and of no date."""

KINDS: Mapping[str, str] = {
    "number": _ALONE + r"(?:[A-Za-z]{1,5}[-#/]?)?#?\d[\d-]{2,}(?![A-Za-z0-9_]|[.,]\d)",
    "id": _ALONE + r"(?=[A-Za-z0-9_-]*\d)[A-Za-z0-9][A-Za-z0-9_-]{3,}",
    "code": _ALONE + r"(?=[A-Za-z0-9_-]*\d)[A-Za-z0-9][A-Za-z0-9_-]{3,}",
    "date": (
        r"(?<!\d)(?:\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4})(?!\d)"
        r"|(?:\d{4}\s*年\s*)?\d{1,2}\s*月\s*\d{1,2}\s*[日号]"
        r"|\b\d{1,2}(?:st|nd|rd|th)?\s+(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\b"
        r"|\b(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\s+\d{1,2}(?:st|nd|rd|th)?\b"
        r"|\b(?:today|tomorrow|yesterday|(?:mon|tues|wednes|thurs|fri|satur|sun)day)\b"
        r"|今天|明天|后天|昨天|(?:下|这|本|上)?(?:周|星期|礼拜)[一二三四五六日天]"
    ),
    "time": r"(?<!\d)\d{1,2}:\d{2}(?!\d)|\b\d{1,2}\s*(?:am|pm)\b|\d{1,2}\s*点(?:半|\d{1,2}分)?",
    "amount": (
        r"[$€£¥￥]\s*\d[\d,]*(?:\.\d+)?"
        r"|(?<![A-Za-z0-9_.])\d[\d,]*(?:\.\d+)?\s*(?:元|块|美元|欧元|dollars?|euros?|yuan|usd|eur|cny)"
    ),
    "email": r"[A-Za-z0-9_.+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+",
    "url": r"https?://[^\s，。）)]+",
    "phone": r"(?<!\d)\+?\d[\d ()-]{6,}\d(?!\d)",
}
"""By the last word of a detail's name, such as "number" in "order_number": the pattern that finds it."""

KINDS_ZH: Mapping[str, str] = {
    "号": "number", "号码": "number", "编号": "number", "日期": "date", "时间": "time", "金额": "amount",
    "邮箱": "email", "网址": "url", "链接": "url", "电话": "phone", "手机号": "phone",
    "电话号码": "phone", "手机号码": "phone",
}  # fmt: skip
"""By the end of a detail's Chinese name, the longest first: its kind."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A detail that an intent cannot do without.

    Args:
        name: "order_number". Its last word says what it looks like (`KINDS`), where no pattern is given.
        pattern: a regular expression for it: its first group, else the whole of what it finds, is the value. Without
            one, and with a name that tells nothing, no rule can see whether it is there, and the model is told to ask.
        ask: the question that asks for it.

    Raises:
        ConfigurationError: the pattern is none, or the name is empty.

    """

    name: str
    pattern: str = ""
    ask: Words = ""

    def __post_init__(self) -> None:
        if not self.name.strip():
            raise ConfigurationError(_("A needed detail has no name."), fix='Slot("order_number")')
        object.__setattr__(self, "ask", read_words(self.ask, _("question")))
        found = self.pattern or _kind_of(self.name)
        object.__setattr__(self, "pattern", found)
        _compiled(found)

    def find(self, text: str) -> str | None:
        """Return the detail as it stands in `text`; None where it is not there, or where no rule can see it."""
        found = _compiled(self.pattern).search(unicodedata.normalize("NFKC", text)) if self.pattern else None
        if found is None:
            return None
        return (next((g for g in found.groups() if g), None) or found[0]).strip()

    @property
    def shown(self) -> str:
        """The name as a person reads it."""
        return self.name.replace("_", " ").strip()

    def question(self, language: str) -> str:
        """Return the question that asks for it."""
        return spoken(self.ask, language) or render("ask_detail", language, detail=self.shown)


@dataclass(frozen=True, slots=True)
class Intent:
    """A kind of request that this agent takes, and what it takes for it.

    Args:
        name: a word; the model sees it, and `answer.intent` holds it.
        when: what in a question tells it. Words are found as such ("refund" finds "refunds"), Chinese anywhere, and
            what holds more than words is a regular expression, small and capital letters alike.
        about: one line that says to a model what belongs to it; it is read where rules leave the choice open.
        instructions: what is to be done, beside the agent's own instructions.
        tools: its own, beside the agent's.
        examples: its own, beside the agent's.
        needs: details without which nothing can be done: names or Slots. What is missing is asked for.
        inside: narrower kinds of the same. They have all of this one's, and their own.

    Raises:
        ConfigurationError: a name, a rule or a text cannot be used.

    """

    name: str
    when: Sequence[str | re.Pattern[str]] = ()
    about: str = ""
    instructions: Words = ""
    tools: Sequence[str | AnyTool | Callable[..., Any]] = ()
    examples: Sequence[Example] = ()
    needs: Sequence[str | Slot] = ()
    inside: Sequence[Intent] = ()

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[\w-]{1,40}", self.name) or self.name == NONE:
            raise ConfigurationError(
                _("{name!r} cannot be an intent's name.").format(name=self.name),
                why=_("It takes letters, digits, _ and -, at most 40 of them."),
            )
        when = (self.when,) if isinstance(self.when, (str, re.Pattern)) else tuple(self.when)
        object.__setattr__(self, "when", when)
        object.__setattr__(self, "instructions", read_words(self.instructions, _("instructions")))
        needs = (self.needs,) if isinstance(self.needs, (str, Slot)) else self.needs
        object.__setattr__(self, "needs", tuple(n if isinstance(n, Slot) else Slot(n) for n in needs))
        for rule in when:
            told_by(rule, "")

    def match(self, question: str) -> str:
        """Return the words of the question by which a rule knows this intent; "" where none does."""
        return next((found for rule in self.when if (found := told_by(rule, question))), "")


NONE = "none"
"""What the model chooses where no intent fits."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which intent a question was taken for, and why."""

    intent: str
    """The names from the outermost on: "orders/refund"; "" where none was chosen."""
    by: str
    """"rule", "model", or "earlier": it answers what was asked back."""
    why: str = ""
    """The words that decided."""
    slots: Mapping[str, str] = field(default_factory=dict)
    """The details that were found."""
    missing: tuple[Slot, ...] = ()
    """Needed details that rules can see are not there, and that were not asked for yet."""
    unsure: tuple[Slot, ...] = ()
    """Needed details of which only the model can tell: no rule sees them, or they were asked for in vain."""


class Intents:
    """The intents of an agent, checked, with the tools of each put together.

    Args:
        intents: those of the agent.
        common: the tools that every intent has.
        examples: the examples that every intent has.

    Raises:
        ConfigurationError: two have one name; a tool is not known or has the name of another; an example cannot be.

    """

    def __init__(self, intents: Iterable[Intent], common: Toolbox, examples: Sequence[Example] = ()) -> None:
        self._lines: dict[str, tuple[Intent, ...]] = {}
        self._boxes: dict[str, Toolbox] = {"": common}
        self._examples: dict[str, tuple[Example, ...]] = {"": check_examples(examples, common)}
        self._take("", (), intents)

    def __bool__(self) -> bool:
        return bool(self._lines)

    def __iter__(self) -> Iterator[str]:
        return iter(self._lines)

    def toolbox(self, intent: str) -> Toolbox:
        """Return the tools of an intent: the agent's, those of the intents around it, its own."""
        return self._boxes[intent]

    def every_tool(self) -> Toolbox:
        """Return the tools of all intents, for a plan that its author gives; of two with one name, the first."""
        return _together(tool for box in self._boxes.values() for tool in box)

    def examples(self, intent: str) -> tuple[Example, ...]:
        """Return the examples of an intent: the agent's, those of the intents around it, its own."""
        return self._examples[intent]

    def needs(self, intent: str) -> tuple[Slot, ...]:
        """Return the details that an intent needs, each name once."""
        slots = {slot.name: slot for each in self._lines.get(intent, ()) for slot in each.needs}  # type: ignore[union-attr]  # __post_init__ has made Slots of the names
        return tuple(slots.values())  # type: ignore[arg-type]  # the same

    def instructions(self, intent: str, language: str) -> str:
        """Return what an intent says is to be done: the outermost first."""
        told = [spoken(each.instructions, language) for each in self._lines.get(intent, ())]
        return "\n\n".join(text for text in told if text)

    def about(self, intent: str) -> str:
        """Return the line that says to a model what an intent is for."""
        each = self._lines[intent][-1]
        if each.about:
            return " ".join(each.about.split())
        words = [rule for rule in each.when if isinstance(rule, str) and _is_plain(rule)]
        return ", ".join(words[:6]) or each.name.replace("_", " ")

    def by_rule(self, question: str) -> dict[str, str]:
        """Return the intents that rules find in a question, each with the words that tell it.

        Of an intent and one inside it, only the inner one; an inner one also where no rule tells the outer.
        """
        found = {path: words for path, line in self._lines.items() if (words := line[-1].match(question))}
        return {p: w for p, w in found.items() if not any(other.startswith(p + BETWEEN) for other in found)}

    def choose(self, question: str, history: Sequence[Message] = ()) -> Chosen | tuple[str, ...]:
        """Return the intent that rules find; else those between which the model is to choose.

        A question that no rule knows and that answers one of ours ("Please tell me your order number.") goes on with
        what was asked before. A detail counts as given where it stands in this question, or in an earlier one of the
        same intent. It is asked for once: who answers without it is answered by the model.
        """
        last, given, asked = "", dict[str, dict[str, str]](), set[str]()
        open_: tuple[str, ...] = tuple(self._lines)
        by, why = "model", ""
        for said, replied in (*_pairs(history), (question, "")):
            known = self.by_rule(said)
            if len(known) == 1:
                ((path, why),) = known.items()
                by = "rule"
            elif not known and last in asked:
                path, by, why = last, "earlier", said[:80]
            else:
                path, by, why = "", "model", ""
                open_ = tuple(known) or tuple(self._lines)
            if not path and replied:  # the model chose; what we asked back then tells what it chose
                path = next((p for p in self._lines if self._asks(p, replied)), "")
            if path != last:
                asked.discard(last)
            last = path
            for each in {path, *known}:  # where rules found several, each of them may have been meant
                for slot in self.needs(each):
                    if (value := slot.find(said)) is not None:
                        given.setdefault(each, {})[slot.name] = value
            if replied and self._asks(path, replied):
                asked.add(path)
            elif replied:
                asked.discard(path)
        if by == "model":
            return open_
        return self._chosen(last, by, why, given.get(last, {}), asked=last in asked)

    def chosen(self, intent: str, question: str) -> Chosen:
        """Return the intent that the model chose, with the details that stand in the question."""
        found = {s.name: value for s in self.needs(intent) if (value := s.find(question)) is not None}
        return self._chosen(intent, "model", "", found, asked=False)

    def ask_back(self, missing: Sequence[Slot], language: str) -> str:
        """Return the question that asks for what is missing."""
        return " ".join(slot.question(language) for slot in missing)

    def _chosen(self, intent: str, by: str, why: str, found: Mapping[str, str], *, asked: bool) -> Chosen:
        lacking = [slot for slot in self.needs(intent) if slot.name not in found]
        missing = tuple(slot for slot in lacking if slot.pattern and not asked)
        unsure = tuple(slot for slot in lacking if slot not in missing)
        return Chosen(intent, by, why, dict(found), missing, unsure)

    def _asks(self, intent: str, reply: str) -> bool:
        """Return whether a reply is nothing but our questions for what an intent needs."""
        for language in ("en", "zh"):
            rest = reply
            for slot in self.needs(intent):
                rest = rest.replace(slot.question(language), "", 1)
            if reply.strip() and not rest.strip():
                return True
        return False

    def _take(self, around: str, line: tuple[Intent, ...], intents: Iterable[Intent]) -> None:
        for each in intents:
            if not isinstance(each, Intent):
                raise ConfigurationError(
                    _("intents must be Intents, not {kind}.").format(kind=type(each).__name__),
                    fix='intents=[Intent("refund", when=["refund"], instructions="...")]',
                )
            path = around + BETWEEN + each.name if around else each.name
            if path in self._lines:
                raise ConfigurationError(_("Two intents are called {name}.").format(name=path))
            tools = [each.tools] if isinstance(each.tools, (str, Tool)) else each.tools
            self._lines[path] = (*line, each)
            self._boxes[path] = _together([*self._boxes[around], *gather(tools)], strict=True)
            own = check_examples(each.examples, self._boxes[path])
            self._examples[path] = (*self._examples[around], *own)
            self._take(path, (*line, each), each.inside)


def told_by(rule: str | re.Pattern[str], question: str) -> str:
    """Return the words of `question` that `rule` finds; "" where it finds none.

    Raises:
        ConfigurationError: the rule is no regular expression, or is empty.

    """
    text = unicodedata.normalize("NFKC", question)
    if isinstance(rule, re.Pattern):
        found = rule.search(text)
        return found[0] if found else ""
    if not rule.strip():
        raise ConfigurationError(_("A rule of an intent is empty."), fix='Intent("refund", when=["refund"])')
    if not _is_plain(rule):
        found = _compiled(rule).search(text)
        return found[0] if found else ""
    wanted = unicodedata.normalize("NFKC", rule).casefold().strip()
    if re.search(f"[{CJK}]", wanted):
        at = text.casefold().find(wanted)
        return text[at : at + len(wanted)] if at >= 0 else ""
    words = wanted.split()
    spoken_ = [(m[0], stem(m[0].casefold())) for m in re.finditer(r"[^\W_]+(?:['’-][^\W_]+)*", text)]
    stems = [stem(word) for word in words]
    for at in range(len(spoken_) - len(words) + 1):
        if [s for _w, s in spoken_[at : at + len(words)]] == stems:
            return " ".join(w for w, _s in spoken_[at : at + len(words)])
    return ""


def _kind_of(name: str) -> str:
    ending = next((e for e in sorted(KINDS_ZH, key=len, reverse=True) if name.strip().endswith(e)), "")
    return KINDS.get(KINDS_ZH.get(ending) or re.split(r"[\s_-]+", name.strip().lower())[-1], "")


def _is_plain(rule: str) -> bool:
    return bool(re.fullmatch(r"[\w '’-]+", rule))


def _compiled(pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern, re.IGNORECASE)
    except re.error as error:
        raise ConfigurationError(
            _("{pattern!r} is no regular expression.").format(pattern=pattern), why=str(error)
        ) from error


def _pairs(history: Sequence[Message]) -> Iterator[tuple[str, str]]:
    """Yield what was said and what was answered, turn by turn."""
    said = ""
    for message in history:
        if message.role == "user":
            said = message.text
        elif message.role == "assistant" and not message.calls and said:
            yield said, message.text
            said = ""


def _together(tools: Iterable[AnyTool], *, strict: bool = False) -> Toolbox:
    """Return the tools, each once; of two with one name the first, or, when `strict`, none."""
    found: dict[str, AnyTool] = {}
    second = [each for each in tools if found.setdefault(each.name, each) is not each]
    return Toolbox([*found.values(), *(second if strict else ())])
