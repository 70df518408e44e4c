"""The tool `recall`: opens what of a conversation is told in brief, by its id or by words that are like it."""

from __future__ import annotations

import re
from typing import Any

from agentsdk.errors import ToolError
from agentsdk.examples import likeness
from agentsdk.function_tool import Tool, tool
from agentsdk.i18n import _
from agentsdk.planner.run import Run
from agentsdk.planner.units import earlier_turns, exchanges_of
from agentsdk.planner.weigh import as_json
from agentsdk.prompts import render
from agentsdk.toolbox import AnyTool, Toolbox


def is_told(run: Run) -> bool:
    """Return whether anything of the conversation is told in brief."""
    shelf = run.shelf
    return bool(shelf.turns or shelf.exchanges or shelf.longest is not None)


def with_recall(box: Toolbox, run: Run) -> Toolbox:
    """Return the tools, and `recall` with them where something of the conversation is told in brief."""
    return Toolbox([*box, _recall_for(box, run)]) if is_told(run) and _recalls(box) is None else box


def _recalls(box: Toolbox) -> AnyTool | None:
    return next(
        (t for t in box if t.name.startswith("recall") and getattr(t.function, "opens_memory", False)), None
    )


def recall_name(box: Toolbox) -> str:
    """Return the name under which `recall` is offered."""
    found = _recalls(box)
    return found.name if found else "recall"


def _recall_for(box: Toolbox, run: Run) -> Tool[Any, Any]:
    """Return the tool that opens what was told in brief."""

    def recall(id: str) -> Any:
        return _open(id, run)

    recall.opens_memory = True  # type: ignore[attr-defined]  # how it is known again among an agent's own tools
    name = "recall"
    while name in box:  # the agent has one of its own
        name += "_"
    return tool(name=name, description=render("recall", run.brief.language), pure=True)(recall)


def _open(id_: str, run: Run) -> Any:
    """Return what an id stands for, in full; for other words, the turns and results that are most like them.

    Raises:
        ToolError: nothing is like the words.

    """
    wanted = id_.strip().strip("[]").strip()
    units = {u.id: u for u in (*earlier_turns(run), *exchanges_of(run))}
    if (evidence := run.steps.get(wanted) or run.past.get(wanted)) is not None:
        return list(evidence.passages) or (evidence.value if evidence.status == "done" else evidence.error)
    if (found := re.fullmatch(r"p(\d+)", wanted)) and 0 < int(found[1]) <= len(run.passages):
        return [run.passages[int(found[1]) - 1]]
    if wanted in units:
        steps = [
            f"[{id_}] {e.do} {as_json(e.inputs)}" for id_, e in run.past.items() if id_.startswith(f"{wanted}.")
        ]
        return "\n".join([units[wanted].text, *steps])
    texts = {u.id: u.text for u in units.values()}
    scores = likeness(list(texts.values()), wanted)
    likely = sorted((-score, at) for at, score in enumerate(scores) if score)
    best = [list(texts.values())[at] for _score, at in likely[:3]]
    if not best:
        raise ToolError(
            _("Nothing in this conversation is called {id}, and nothing is like it.").format(id=wanted[:80]),
            fix=_("Give an id that stands in brackets, such as {id}.").format(id=next(iter(units), "t1")),
        )
    return "\n\n".join(text[:2_000] for text in best)
