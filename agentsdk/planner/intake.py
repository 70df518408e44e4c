"""Takes a question up: question, language, instructions, intent and examples become a Brief. No model is called."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from agentsdk.errors import QuestionError
from agentsdk.examples import Example, pick
from agentsdk.i18n import _, language_of
from agentsdk.instructions import Instructions, Persona, Words
from agentsdk.intents import Chosen, Intents
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
    persona: str = ""
    """Who the agent speaks as."""
    persona_label: str = ""
    chosen: Chosen | None = None
    """The intent that the question was taken for; None where the agent has none, or where it is still open."""
    open_intents: tuple[str, ...] = ()
    """The intents between which the model is to choose in its first call."""
    intent_told: str = ""
    """What the chosen intent says is to be done."""
    examples: tuple[Example, ...] = ()
    session_turns: int = 0
    """How many turns of its session stand before the question: the first of them, for ever."""
    told: str = ""
    """The summary that the session has of its first turns."""
    told_turns: int = 0
    """How many turns it covers."""


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
    instructions: Words | Persona | Instructions = "",
    sources: Sequence[str] = (),
    has_tools: bool = False,
    plan: PlanMode = "auto",
    history: Sequence[Message] = (),
    media: Sequence[Media] = (),
    intents: Intents | None = None,
) -> Brief:
    """Return the Brief of a question. Which intent it belongs to is told by rules, or left open.

    Raises:
        QuestionError: the question is not text, or empty.

    """
    text = take_question(question)
    language = language_of(text)
    given = Instructions.of(instructions)
    told = given.parts(language)
    brief = Brief(
        text,
        language,
        told.get("instructions", ""),
        tuple(sources),
        has_tools,
        plan,
        tuple(history),
        tuple(media),
        told.get("persona", ""),
        given.persona.label if given.persona else "",
    )
    if intents is None:
        return brief
    found: Chosen | tuple[str, ...] = intents.choose(text, brief.history) if intents else ()
    if isinstance(found, Chosen):
        return settle(brief, found, intents)
    return replace(brief, open_intents=found, examples=pick(intents.examples(""), text))


def settle(brief: Brief, chosen: Chosen, intents: Intents) -> Brief:
    """Return the brief of a question whose intent is known: with its instructions and examples, and no others."""
    return replace(
        brief,
        chosen=chosen,
        open_intents=(),
        intent_told=intents.instructions(chosen.intent, brief.language),
        examples=pick(intents.examples(chosen.intent), brief.question),
        has_tools=len(intents.toolbox(chosen.intent)) > 0,
    )


def system_parts(brief: Brief) -> dict[str, str]:
    """Return the parts of the system text by name, in their order; those that there are."""
    parts = {"persona": brief.persona, "instructions": brief.instructions, "intent": brief.intent_told}
    if needed := _needed(brief):
        parts["needs"] = render("needs", brief.language, details=needed)
    parts["system"] = render("system", brief.language)
    if brief.has_tools:
        parts["tools"] = render("tools", brief.language)
    if brief.sources:
        shown = ", ".join(brief.sources[:20]) + (", ..." if len(brief.sources) > 20 else "")
        parts["references"] = render("references", brief.language, sources=shown)
    if brief.examples:
        parts["examples"] = render("examples", brief.language, count=str(len(brief.examples)))
    return {name: text for name, text in parts.items() if text}


def open_conversation(brief: Brief) -> list[Message]:
    """Return the messages that the first call starts from: instructions, examples, earlier turns, the question."""
    shown = [turn for number, each in enumerate(brief.examples, 1) for turn in each.turns(number)]
    question = Message.user(brief.question, *brief.media)
    return [Message.system("\n\n".join(system_parts(brief).values())), *shown, *earlier(brief), question]


def earlier(brief: Brief) -> list[Message]:
    """Return the turns before the question. What instructs a model comes from the agent, and from no history."""
    return [m for m in brief.history if m.role != "system"]


def _needed(brief: Brief) -> str:
    """Return the names of the details that the model has to ask for, where they were not given."""
    return ", ".join(slot.shown for slot in brief.chosen.unsure) if brief.chosen else ""
