"""Example: a question and how this agent answers it, checked when the agent is made and picked by likeness."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from agentsdk.errors import ConfigurationError, ToolError
from agentsdk.i18n import _
from agentsdk.messages import Json, Message, ToolCall
from agentsdk.models.tokens import PER_MESSAGE, estimate
from agentsdk.references.words import terms
from agentsdk.toolbox import Toolbox

TOKENS = 1_000
"""What the examples of one request may take together."""


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call of an example, and what it gave."""

    tool: str
    arguments: Mapping[str, Json] = field(default_factory=dict)
    result: str = ""


@dataclass(frozen=True, slots=True)
class Example:
    """A question and how this agent answers it, with the tool calls in between, one after another.

    It is shown as earlier turns of the conversation and not as text: so its calls are written as the model itself
    must write them, in each provider's protocol and also where a server has no tools and calls stand in the text.
    """

    question: str
    answer: str
    calls: tuple[Call, ...] = ()
    """Any sequence may be given."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "calls", (self.calls,) if isinstance(self.calls, Call) else tuple(self.calls))

    def turns(self, number: int) -> list[Message]:
        """Return the example as turns; `number` makes the ids of its calls."""
        messages = [Message.user(self.question)]
        for at, each in enumerate(self.calls, 1):
            call = ToolCall(f"example_{number}_{at}", each.tool, dict(each.arguments))
            messages += [Message.assistant(calls=[call]), Message.tool(call, each.result)]
        return [*messages, Message.assistant(self.answer)]

    @property
    def tokens(self) -> int:
        """About how many tokens it takes."""
        texts = [self.question, self.answer]
        texts += [f"{c.tool}{dict(c.arguments)}{c.result}" for c in self.calls]
        return round(sum(map(estimate, texts)) + PER_MESSAGE * (2 + 2 * len(self.calls)))


def check_examples(examples: Iterable[Example], toolbox: Toolbox) -> tuple[Example, ...]:
    """Return the examples, each of which could be a run of this agent.

    Raises:
        ConfigurationError: one has no question or answer, calls a tool that the agent does not have, or calls one
            with arguments that do not fit its schema. A model would learn the mistake.

    """
    found = tuple(examples)
    for number, each in enumerate(found, 1):
        if not isinstance(each, Example):
            raise ConfigurationError(
                _("Example {number} is no Example, but {kind}.").format(
                    number=number, kind=type(each).__name__
                ),
                fix='Example("What is 2+2?", "4")',
            )
        if not each.question.strip() or not each.answer.strip():
            raise ConfigurationError(
                _("Example {number} needs a question and an answer.").format(number=number)
            )
        for call in each.calls:
            try:
                toolbox.get(call.tool).validate(call.arguments)
            except ToolError as error:
                raise ConfigurationError(
                    _("Example {number} cannot be: {what}").format(number=number, what=error.what),
                    why=_('It answers "{question}".').format(question=each.question[:80]),
                    fix=error.fix,
                ) from error
    return found


def pick(examples: Sequence[Example], question: str, room: int = TOKENS) -> tuple[Example, ...]:
    """Return the examples that are most like the question and together take at most `room` tokens, in their order.

    Likeness is that of the words, the rarer the more. Where all of them fit, all are taken, whatever the question.
    """
    if sum(e.tokens for e in examples) <= room:
        return tuple(examples)
    chosen: set[int] = set()
    for at in by_likeness([e.question for e in examples], question):
        if (cost := examples[at].tokens) <= room:
            chosen.add(at)
            room -= cost
    return tuple(e for at, e in enumerate(examples) if at in chosen)


def by_likeness(texts: Sequence[str], question: str) -> list[int]:
    """Return the places of the texts, the one most like the question first; equals in their order."""
    scores = likeness(texts, question)
    return sorted(range(len(texts)), key=lambda at: (-scores[at], at))


def likeness(texts: Sequence[str], question: str) -> list[float]:
    """Return how like the question each text is; 0 where they have no word in common that says anything.

    What counts is which of the question's terms a text holds, weighed by how few of the texts hold them.
    """
    wanted = set(terms(question, words=False))
    held = [set(terms(text, words=False)) & wanted for text in texts]
    spread = Counter(term for each in held for term in each)
    weight = {term: math.log(1 + len(texts) / count) for term, count in spread.items()}
    # Sorted: sums of fractions depend on the order, and a set has another one in each process.
    return [sum(sorted(weight[term] for term in each)) for each in held]
