"""Chooses the intent of a question: by rule before anything is called, else by the model in its first call.

The first call carries the agent's own tools and one virtual tool more, `choose_intent`. A model that answers, or
uses the common tools, has chosen none, at no cost. One that calls it gets the conversation anew, with the
instructions, tools and examples of that intent and of no other.
"""

from __future__ import annotations

from agentsdk.events import IntentChosen, RunStarted
from agentsdk.intents import NONE, Chosen
from agentsdk.messages import Message
from agentsdk.models.model import ToolSpec
from agentsdk.planner.intake import open_conversation, settle, system_parts
from agentsdk.planner.recall import with_recall
from agentsdk.planner.run import Run
from agentsdk.planner.weigh import tokens_of, weigh_specs
from agentsdk.prompts import render

CHOOSE_INTENT = "choose_intent"


def begin(run: Run) -> None:
    """Tell of the question and, where rules have chosen, of its intent; ask back for what an intent needs."""
    brief = run.brief
    parts = {name: tokens_of(text, run.model) for name, text in system_parts(brief).items()}
    run.emit(
        RunStarted(brief.question, run.model.name, run.toolbox.names, brief.sources, brief.persona_label, parts)
    )
    if brief.chosen is not None:
        _tell(brief.chosen, run)


def offer(run: Run) -> ToolSpec | None:
    """Return the tool by which the model chooses an intent; None where there is nothing to choose."""
    intents, brief = run.intents, run.brief
    if not brief.open_intents or intents is None:
        return None
    kinds = "\n".join(f"- {name}: {intents.about(name)}" for name in brief.open_intents)
    enum = [*brief.open_intents, NONE]
    parameters = {
        "type": "object",
        "properties": {"intent": {"type": "string", "enum": enum}},
        "required": ["intent"],
    }
    return ToolSpec(CHOOSE_INTENT, render(CHOOSE_INTENT, brief.language, kinds=kinds), parameters)


def take_choice(message: Message, run: Run) -> bool:
    """Return whether the model's turn chose an intent; if so, the conversation stands anew, under that intent.

    A turn without the call has chosen none. The other calls of a turn that chooses are not run: they were made
    before the model knew what is to be done.
    """
    brief, intents = run.brief, run.intents
    if not brief.open_intents or intents is None:
        return False
    call = next((c for c in message.calls if c.name == CHOOSE_INTENT), None)
    name = str(call.arguments.get("intent", "")) if call else ""
    chosen = intents.chosen(name, brief.question) if name in brief.open_intents else Chosen("", "model")
    # Also where it chose none: it is not asked a second time.
    run.brief = settle(brief, chosen, intents)
    run.toolbox = with_recall(intents.toolbox(chosen.intent), run)
    if call is not None or run.brief.examples != brief.examples:
        run.messages = open_conversation(run.brief)
    _tell(chosen, run)
    return call is not None


def _tell(chosen: Chosen, run: Run) -> None:
    intents = run.intents
    if intents is None:
        return
    run.emit(IntentChosen(chosen.intent, chosen.by, chosen.why, chosen.slots, _cost(chosen.intent, run)))
    if chosen.missing and run.given is None:  # a plan by its author has what it needs
        run.question_back = intents.ask_back(chosen.missing, run.brief.language)


def _cost(intent: str, run: Run) -> dict[str, int]:
    """Return the tokens of what an intent brings, and of what all intents in one prompt would."""
    intents, language = run.intents, run.brief.language
    if intents is None:
        return {}

    def of(path: str) -> tuple[int, int]:
        common = {tool.name for tool in intents.toolbox("")}
        specs = [spec for spec in intents.toolbox(path).specs() if spec.name not in common]
        return tokens_of(intents.instructions(path, language), run.model), weigh_specs(specs, run.model)

    told, tools = of(intent)
    shown = sum(example.tokens for example in run.brief.examples)
    every = sum(sum(of(path)) for path in intents)
    return {"instructions": told, "tools": tools, "examples": shown, "all intents": every}
