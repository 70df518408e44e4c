"""What is killed: an agent with a plan of reads, thoughts and effects, and a model that answers as its request says."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agentsdk import Agent, Answer, Usage, tool
from agentsdk.approval import Done, Policy
from agentsdk.events import Finished, RunStarted
from agentsdk.messages import Message, ToolCall
from agentsdk.models.model import CallDelta, Delta, Reply, Request, TextDelta
from agentsdk.store import effect_key, open_store

QUESTION = "Read the three ledgers, add them up, pay what is due and tell everybody."

STEPS: list[dict[str, Any]] = [
    {"id": "a", "do": "look", "in": {"name": "north"}},
    {"id": "b", "do": "look", "in": {"name": "south"}},
    {"id": "c", "do": "look", "in": {"name": "west"}},
    {"id": "m1", "do": "send", "in": {"to": "north", "sum": {"$": "a"}}},
    {"id": "ab", "do": "total", "in": {"x": {"$": "a"}, "y": {"$": "b"}}},
    {"id": "abc", "do": "total", "in": {"x": {"$": "ab"}, "y": {"$": "c"}}},
    {"id": "t", "do": "think", "in": {"goal": "Which is the largest?", "sums": {"$": "abc"}}},
    {"id": "m2", "do": "send", "in": {"to": "south", "sum": {"$": "b"}, "why": {"$": "t"}}},
    {"id": "p", "do": "pay", "in": {"sum": {"$": "abc"}}},
    {"id": "m3", "do": "send", "in": {"to": "all", "sum": {"$": "abc"}}, "after": ["p", "m2"]},
    {"id": "d", "do": "look", "in": {"name": "east"}, "after": ["m3"]},
]
SUMS = {"north": 1200, "south": 34, "west": 5, "east": 77}


@dataclass(frozen=True, slots=True)
class Job:
    """One attempt at a run."""

    store: str
    folder: str
    run_id: str = ""
    """Empty: the run is begun."""
    decisions: str = "{}"
    asks: bool = False
    """Whether a policy decides in the process, after a while; else the run ends and waits."""
    pause: float = 0.03
    """Seconds that a step takes."""


class Steady:
    """A model whose reply is a function of its request, so that a disturbed run can be compared with another."""

    name = "steady:test"

    def __init__(self, pause: float) -> None:
        self._pause = pause

    async def complete(self, request: Request) -> Reply:
        """Return the reply."""
        await asyncio.sleep(self._pause)
        told = [m for m in request.messages if m.role == "tool"]
        if not any(t.name == "make_plan" for t in request.tools):
            return self._reply(Message.assistant(f"Thought of {len(request.messages[-1].text)} letters."))
        if told:
            return self._reply(Message.assistant("All told.\n" + "\n".join(m.text for m in told)))
        return self._reply(Message.assistant(calls=[ToolCall("call_1", "make_plan", {"steps": STEPS})]))

    async def stream(self, request: Request) -> AsyncIterator[Delta | Reply]:
        """Yield the reply piece by piece."""
        reply = await self.complete(request)
        for word in reply.message.text.split(" "):
            yield TextDelta(word + " ")
        for call in reply.message.calls:
            text = json.dumps(call.arguments)
            for at in range(0, len(text), 24):
                await asyncio.sleep(self._pause / 10)
                yield CallDelta(0, call.name if at == 0 else "", text[at : at + 24])
        yield reply

    @staticmethod
    def _reply(message: Message) -> Reply:
        return Reply(message, Usage(calls=1, input_tokens=100, output_tokens=10))


class Effects:
    """What was done outside, a line each: it outlasts the process, as a bank's book does."""

    def __init__(self, folder: str) -> None:
        self._path = Path(folder) / "effects.txt"

    def note(self, *words: object) -> None:
        """Append a line, whole or not at all."""
        file = os.open(self._path, os.O_APPEND | os.O_CREAT | os.O_WRONLY, 0o600)
        try:
            os.write(file, (json.dumps(words) + "\n").encode())
        finally:
            os.close(file)

    def lines(self) -> list[list[Any]]:
        """Return what was noted."""
        if not self._path.exists():
            return []
        return [json.loads(line) for line in self._path.read_text(encoding="utf-8").splitlines()]


def agent_for(job: Job) -> Agent:
    """Return the agent: the same for every attempt."""
    effects = Effects(job.folder)

    @tool
    async def look(name: str) -> int:
        """Read a ledger."""
        effects.note("begin", f"look {name}", effect_key())
        await asyncio.sleep(job.pause)
        effects.note("end", f"look {name}", effect_key())
        return SUMS[name]

    @tool(pure=True)
    async def total(x: int, y: int) -> int:
        """Add two sums."""
        effects.note("begin", f"total {x} {y}", effect_key())
        await asyncio.sleep(job.pause)
        effects.note("end", f"total {x} {y}", effect_key())
        return x + y

    @tool(side_effect=True)
    async def send(to: str, sum: int, why: str = "") -> str:
        """Send a letter."""
        await asyncio.sleep(job.pause / 2)
        effects.note("effect", f"send {to} {sum}", effect_key())
        await asyncio.sleep(job.pause / 2)
        return f"sent {to} {sum}"

    @tool(needs_approval=True, side_effect=True)
    async def pay(sum: int) -> str:
        """Pay a sum."""
        await asyncio.sleep(job.pause / 2)
        effects.note("effect", f"pay {sum}", effect_key())
        await asyncio.sleep(job.pause / 2)
        return f"paid {sum}"

    return Agent(
        Steady(job.pause),
        tools=[look, total, send, pay],
        approve=_patient(job, effects) if job.asks else None,
        store=open_store(job.store),
    )


def _patient(job: Job, effects: Effects) -> Policy:
    """Return a policy that takes a while, so that some kills fall into it."""

    async def policy(waiting: Any) -> Any:
        await asyncio.sleep(job.pause * 3)
        return True

    return policy


def decide(waiting: Mapping[str, Any], effects: Effects) -> Any:
    """Decide as a person does who looks outside before saying anything: done, or do it again."""
    if waiting["kind"] != "outcome_unknown":
        return True
    arguments = waiting["arguments"]
    what = " ".join([waiting["tool"], *(str(arguments[k]) for k in ("to", "sum") if k in arguments)])
    done = any(kind == "effect" and name == what for kind, name, _key in effects.lines())
    past = {"send": "sent", "pay": "paid"}[waiting["tool"]]
    return {"done": what.replace(waiting["tool"], past, 1)} if done else {"again": True}


def _decision(value: Any) -> Any:
    """Return a decision of its JSON."""
    return Done(value["done"]) if isinstance(value, dict) and "done" in value else True


def attempt(job: Job) -> None:
    """Run or resume, and leave beside the effects what came of it."""
    agent = agent_for(job)
    folder = Path(job.folder)

    async def go() -> Answer[Any]:
        if job.run_id:
            decisions = {k: _decision(v) for k, v in json.loads(job.decisions).items()}
            return await agent.aresume(job.run_id, decisions=decisions)
        events = agent.astream(QUESTION)
        async for event in events:
            if isinstance(event, RunStarted):
                (folder / "run_id").write_text(event.run_id, encoding="utf-8")
            if isinstance(event, Finished):
                answer = event.answer
        return answer

    answer = asyncio.run(go())
    (folder / "answer.json.part").write_text(json.dumps(told(answer)), encoding="utf-8")
    (folder / "answer.json.part").replace(folder / "answer.json")
    sys.stdout.flush()


def told(answer: Answer[Any]) -> dict[str, Any]:
    """Return what of an answer must be the same however often the run was killed."""
    return {
        "status": answer.status,
        "text": answer.text,
        "steps": {s.step: [s.status, s.value] for s in answer.steps},
        "calls": answer.usage.calls,
        "waiting": [
            {
                "key": s.step,
                "kind": "outcome_unknown" if "not known" in (s.error or "") else "call",
                "tool": s.do,
                "arguments": s.inputs,
            }
            for s in answer.steps
            if s.status == "pending" and s.do in ("send", "pay") and s.error
        ],
    }
