"""Takes a question up: the question, the language and the instructions become a Brief. No model is called."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from agentsdk.errors import QuestionError
from agentsdk.i18n import _, language_of
from agentsdk.media import Media
from agentsdk.messages import Message
from agentsdk.prompts import render

PlanMode = Literal["never", "auto", "always"]


@dataclass(frozen=True, slots=True)
class Brief:
    """What is asked, and under which rules."""

    question: str
    language: str
    """"en" or "zh": that of the question, and so that of prompts and of what the run itself says."""
    instructions: str = ""
    """The agent's own, by its author."""
    sources: tuple[str, ...] = ()
    """Names of the reference texts."""
    has_tools: bool = False
    plan: PlanMode = "auto"
    history: tuple[Message, ...] = ()
    media: tuple[Media, ...] = ()
    """What belongs to the question beside its text."""


def take_question(question: object) -> str:
    """Return the question as text that any encoding can carry.

    Raises:
        QuestionError: it is not text, or empty.

    """
    if not isinstance(question, str):
        raise QuestionError(
            _("A question is text, not {kind}.").format(kind=type(question).__name__),
            fix=_('For example: agent.run("What is 17% of 2,340?")'),
        )
    # Lone surrogates come from command lines in a wrong encoding, and no request could carry them.
    clean = question.encode("utf-16", "surrogatepass").decode("utf-16", "replace").replace("\0", "").strip()
    if not clean:
        raise QuestionError(
            _("The question is empty."),
            fix=_('Ask something: agentsdk ask "What is 17% of 2,340?"'),
        )
    return clean


def intake(
    question: str,
    *,
    instructions: str = "",
    sources: Sequence[str] = (),
    has_tools: bool = False,
    plan: PlanMode = "auto",
    history: Sequence[Message] = (),
    media: Sequence[Media] = (),
) -> Brief:
    """Return the Brief of a question.

    Raises:
        QuestionError: the question is not text, or empty.

    """
    text = take_question(question)
    language = language_of(text)
    told = instructions.strip()
    return Brief(text, language, told, tuple(sources), has_tools, plan, tuple(history), tuple(media))


def open_conversation(brief: Brief) -> list[Message]:
    """Return the messages that the first call starts from: instructions, earlier turns, the question."""
    parts = [brief.instructions] if brief.instructions else []
    parts.append(render("system", brief.language))
    if brief.has_tools:
        parts.append(render("tools", brief.language))
    if brief.sources:
        shown = ", ".join(brief.sources[:20]) + (", ..." if len(brief.sources) > 20 else "")
        parts.append(render("references", brief.language, sources=shown))
    earlier = [m for m in brief.history if m.role != "system"]
    return [Message.system("\n\n".join(parts)), *earlier, Message.user(brief.question, *brief.media)]
