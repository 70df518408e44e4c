"""Never run, only checked: the types of the public API, by mypy."""

from collections.abc import Iterator
from typing import assert_type

from pydantic import BaseModel

from agentsdk import Agent, Answer, Plan, Tool, tool
from agentsdk.events import Event
from agentsdk.sessions import Session


class Trip(BaseModel):
    days: int


def check(agent: Agent) -> None:
    assert_type(agent.run("q"), Answer[str])
    assert_type(agent.run("q", output=Trip), Answer[Trip])
    assert_type(agent.run("q", output=Trip, session="anna"), Answer[Trip])
    assert_type(agent.run("q", session="anna"), Answer[str])
    assert_type(agent.sessions.list(), tuple[Session, ...])
    assert_type(agent.run("q", output=Trip).output.days, int)
    assert_type(agent.stream("q"), Iterator[Event])
    assert_type(agent.plan("q"), Plan | None)


@tool
def rate(base: str, quote: str = "EUR") -> float:
    """Return a rate."""
    return 1.0


@tool(needs_approval=True)
async def send(to: str) -> bool:
    """Send."""
    return True


def check_tools() -> None:
    assert_type(rate("USD"), float)
    assert_type(rate.name, str)
    assert isinstance(rate, Tool)


async def check_async(agent: Agent) -> None:
    assert_type(await agent.arun("q", output=Trip), Answer[Trip])
    assert_type(await send("bob"), bool)
