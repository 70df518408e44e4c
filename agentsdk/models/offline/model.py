"""offline:extract: a Model without weights or network, for the first minute, for CI, and as a baseline.

It obeys the protocol of every other model: it is offered tools, calls them or makes a plan of them, reads their
results, and answers, with quotes. The same conversation always gets the same answer.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import agentsdk.prompts
from agentsdk.budget import Usage
from agentsdk.evidence import Passage
from agentsdk.i18n import language_of
from agentsdk.messages import Json, Message, ToolCall
from agentsdk.models.model import CallDelta, Delta, Reply, Request, TextDelta
from agentsdk.models.offline.dates import say_clock
from agentsdk.models.offline.look_up import MOST, Chosen, choose, first_sentences
from agentsdk.models.offline.question import Task, names_a_file, tasks_in
from agentsdk.models.offline.say import HELLO, say
from agentsdk.prompts.fence import unfence_passages

NAME = "offline:extract"
_MAKE_PLAN = "make_plan"
_NOTES = ("repair", "last_call", "correct", "broken_call", "lint", "output", "output_invalid")


@dataclass(frozen=True, slots=True)
class _Result:
    """What a step brought, as the conversation tells it."""

    text: str
    done: bool = True


class OfflineModel:
    """The embedded model: it calculates, tells dates and times, looks up by quoting, and says what it cannot do."""

    @property
    def name(self) -> str:
        """The name that `connect` takes."""
        return NAME

    async def complete(self, request: Request) -> Reply:
        """Return the reply; nothing leaves the process.

        Raises:
            UnsupportedMedia: there is a picture or the like in the conversation.

        """
        if kinds := sorted({media.kind for message in request.messages for media in message.media}):
            from agentsdk.models.attached import unsupported

            raise unsupported(kinds[0], NAME, "table: offline")
        message = _reply(request)
        usage = Usage(calls=1, cost=0.0)
        return Reply(message, usage, "tool_calls" if message.calls else "stop", NAME)

    async def stream(self, request: Request) -> AsyncIterator[Delta | Reply]:
        """Yield the reply in pieces of a few words, then whole."""
        reply = await self.complete(request)
        for words in re.findall(r"\s*\S{1,24}|\s+", reply.message.text):
            yield TextDelta(words)
        for at, call in enumerate(reply.message.calls):
            text = json.dumps(call.arguments, ensure_ascii=False)
            for start in range(0, len(text), 24):
                yield CallDelta(at, "" if start else call.name, text[start : start + 24])
        yield reply


def _reply(request: Request) -> Message:
    question, since = _question(request.messages)
    language = language_of(question)
    tasks = tasks_in(question)
    offered = {t.name for t in request.tools} if request.tool_choice != "none" else set()
    sources = [s for m in request.messages if m.role == "system" for s in _sources(m.text)]
    # The name of a text stands in the headings of its index: the way to some of each of its parts.
    tasks = [
        replace(t, arguments={"query": " ".join(sources[:5])}) if t.skill == "summarise" else t for t in tasks
    ]
    results = _results(since, tasks)
    if not results and any(t.tool in offered for t in tasks):
        return _calls(tasks, offered, must_plan=request.tool_choice == _MAKE_PLAN)
    return Message.assistant(_answer(tasks, results, language, request))


def _question(messages: Sequence[Message]) -> tuple[str, Sequence[Message]]:
    """Return the question that is open, and what came after it; the planner's own notes are not questions."""
    for at in range(len(messages) - 1, -1, -1):
        message = messages[at]
        if message.role == "user" and not _is_note(message.text):
            return message.text, messages[at + 1 :]
    return "", ()


@cache
def _note_starts() -> tuple[str, ...]:
    folder = Path(agentsdk.prompts.__file__).parent
    texts = (folder / lang / f"{name}.md" for lang in ("en", "zh") for name in _NOTES)
    return tuple(t.read_text(encoding="utf-8").split("{{")[0][:20].strip() for t in texts)


def _is_note(text: str) -> bool:
    return text.startswith(_note_starts())


def _sources(system: str) -> list[str]:
    """Return the names of the reference texts, as the system prompt gives them."""
    for lang in ("en", "zh"):
        template = (Path(agentsdk.prompts.__file__).parent / lang / "references.md").read_text(encoding="utf-8")
        before, after = template.split("{{sources}}")
        start, stop = before.strip()[-12:], after.strip()[:4]
        if start in system:
            return [s.strip() for s in system.split(start, 1)[1].split(stop, 1)[0].split(",")]
    return []


def _calls(tasks: Sequence[Task], offered: set[str], *, must_plan: bool) -> Message:
    steps = [(f"s{i}", t) for i, t in enumerate(tasks, 1) if t.tool in offered]
    if (len(steps) > 1 or must_plan) and _MAKE_PLAN in offered:
        plan: list[Json] = [{"id": id_, "do": t.tool, "in": dict(t.arguments)} for id_, t in steps]
        return Message.assistant(calls=[ToolCall("call_plan", _MAKE_PLAN, {"steps": plan})])
    return Message.assistant(calls=[ToolCall(f"call_{id_}", t.tool, dict(t.arguments)) for id_, t in steps])


def _results(since: Sequence[Message], tasks: Sequence[Task]) -> dict[str, _Result]:
    """Return the results so far, by the ids that `_calls` gave: s1 is the first task's."""
    found: dict[str, _Result] = {}
    for message in since:
        if message.role != "tool":
            continue
        if message.call_id == "call_plan" or message.name == _MAKE_PLAN:
            found |= _plan_results(message.text)
        else:
            failed = re.match(r"(?:failed|refused|skipped|pending): ?", message.text)
            text = message.text[failed.end() :] if failed else message.text
            found[message.call_id.removeprefix("call_")] = _Result(text, not failed)
    return {k: v for k, v in found.items() if k in {f"s{i}" for i in range(1, len(tasks) + 1)}}


def _plan_results(text: str) -> dict[str, _Result]:
    found = {}
    # Headings inside passages are indented by nothing either, but they are no heading of a step that was planned.
    outside = re.sub(
        r"<passages-([0-9a-f]{10})>.*?</passages-\1>",
        lambda m: m[0].replace("\n## ", "\n\x00# "),
        text,
        flags=re.DOTALL,
    )
    for block in re.split(r"(?:^|\n)(?=## )", outside):
        if head := re.match(r"## (\S+) (\S+): (\w+)\n?", block):
            body = block[head.end() :].replace("\n\x00# ", "\n## ").strip()
            if not body.startswith("<passages-"):
                try:
                    value = json.loads(body)
                except ValueError:
                    value = body
                body = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            found[head[1]] = _Result(body, head[3] == "done")
    return found


def _answer(
    tasks: Sequence[Task],
    results: Mapping[str, _Result],
    language: str,
    request: Request,
) -> str:
    parts: list[str] = []
    endings: list[str] = []
    left = MOST
    for at, task in enumerate(tasks, 1):
        result = results.get(f"s{at}")
        text, ending, used = _part(task, result, language, request, left, several=len(tasks) > 1)
        left -= used
        parts.append(text)
        endings.append(ending)
    unique = list(dict.fromkeys(parts))
    # One ending for the whole: it counts only where no part was answered.
    ending = "" if "" in endings else endings[0]
    if "[incomplete]" in endings:
        ending = "[incomplete]"
    return f"{ending} {chr(10).join(unique)}".strip()


def _part(
    task: Task,
    result: _Result | None,
    language: str,
    request: Request,
    left: int,
    *,
    several: bool,
) -> tuple[str, str, int]:
    """Return what to say on one task, how that ends the run ("" for an answer), and the citations used."""
    if task.skill == "hello":
        return HELLO[language], "", 0
    if task.skill == "thanks":
        return say("thanks", language), "", 0
    if task.skill == "cannot":
        return say("cannot", language), "[refused]", 0
    tools = {t.name for t in request.tools}
    if task.tool not in tools and result is None:
        if task.skill == "summarise" or (task.skill == "look_up" and names_a_file(task.part)):
            return say("which_text", language), "[needs_input]", 0
        if task.skill == "look_up":
            return say("no_world", language), "[not_found]", 0
        return say("no_tool", language, tool=task.tool), "[refused]", 0
    if result is None:
        return say("no_more", language), "[incomplete]", 0
    if not result.done:
        return say("failed", language, part=task.part.strip(" ?？"), error=result.text), "", 0
    if task.skill == "calculate":
        return f"{task.arguments['expression']} = {result.text}", "", 0
    if task.skill == "clock":
        return say_clock(result.text, task.arguments, language), "", 0
    passages = unfence_passages(result.text)
    return _quoted(task, passages, language, left, several=several)


def _quoted(
    task: Task, passages: Sequence[tuple[str, Passage]], language: str, left: int, *, several: bool
) -> tuple[str, str, int]:
    chosen: list[Chosen]
    if task.skill == "summarise":
        chosen = first_sentences(passages)[:left]
        lead = say("no_summary", language) + "\n"
    else:
        chosen = choose(task.part, passages)[:left]
        lead = ""
    if not chosen:
        if several:
            return say("part_not_found", language, part=task.part.strip()), "[not_found]", 0
        return say("not_in_texts", language), "[not_found]", 0
    lines = [f'{c.shown.strip()} [{c.passage}: "{c.quote}"]' for c in chosen]
    return lead + "\n".join(lines), "", len(chosen)
