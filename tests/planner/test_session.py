"""Sessions at the store: one run at a time, nothing lost, nothing twice."""

import asyncio
from pathlib import Path

import pytest

from agentsdk.errors import ConfigurationError, RunHeld, StoreDamaged
from agentsdk.messages import Message
from agentsdk.planner.session import held
from agentsdk.sessions import Sessions, Turn
from agentsdk.store import Store
from agentsdk.store.written import write
from tests.store.stores import KINDS, a_store, wait


def turn(text: str) -> list[object]:
    return [write(Turn((Message.user(text), Message.assistant(f"re {text}"))))]


@pytest.mark.parametrize("kind", KINDS)
def test_sessions_are_listed_shown_and_deleted_and_their_leases_are_no_runs(kind: str, tmp_path: Path) -> None:
    async def work(store: Store) -> None:
        sessions = Sessions(store)
        for name, run in (("anna", "r1"), ("anna", "r2"), ("bob", "r3")):
            async with held(store, name):
                await store.add_turns(name, run, turn(f"{name} {run}"))
                await store.add_turns(name, run, turn("once more"))
        assert [(s.name, s.turns) for s in await sessions.alist()] == [("anna", 2), ("bob", 1)]
        assert [t.question for t in await sessions.ashow("anna")] == ["anna r1", "anna r2"]
        assert [t.answer for t in await sessions.ashow("bob")] == ["re bob r3"]
        assert await store.runs() == []
        assert await sessions.adelete("anna") == 2
        assert await sessions.ashow("anna") == ()
        assert [s.name for s in await sessions.alist()] == ["bob"]
        async with held(store, "anna") as past:
            assert past.turns == ()

    with a_store(kind, tmp_path) as opened:
        wait(work(opened()))


@pytest.mark.parametrize("kind", KINDS)
def test_many_at_once_come_one_after_another_and_each_sees_those_before(kind: str, tmp_path: Path) -> None:
    seen: list[int] = []
    at_once = 0

    async def work(open_store: object) -> None:
        async def one(number: int, store: Store) -> None:
            nonlocal at_once
            async with held(store, "anna") as past:
                at_once += 1
                assert at_once == 1
                seen.append(len(past.turns))
                await asyncio.sleep(0)
                await store.add_turns("anna", f"r{number}", turn(str(number)))
                at_once -= 1

        stores = [open_store() for _ in range(3)]  # type: ignore[operator]  # as other processes would
        await asyncio.gather(*(one(n, stores[n % 3]) for n in range(9)))
        assert len(await Sessions(stores[0]).ashow("anna")) == 9

    with a_store(kind, tmp_path) as opened:
        wait(work(opened))
    assert seen == list(range(9))


def test_who_waits_too_long_is_told_that_the_session_is_in_use(tmp_path: Path) -> None:
    async def work(store: Store) -> None:
        async with held(store, "anna"):
            with pytest.raises(RunHeld, match="anna"):
                async with held(store, "anna", patience=0.05):
                    raise AssertionError
        async with held(store, "anna", patience=0.05):
            pass

    with a_store("sqlite", tmp_path) as opened:
        wait(work(opened()))


def test_what_is_no_turn_is_refused_and_so_is_what_is_no_name(tmp_path: Path) -> None:
    with a_store("sqlite", tmp_path) as opened:
        store = opened()
        wait(store.add_turns("anna", "r1", [{"messages": "forged"}]))
        with pytest.raises(StoreDamaged, match="anna"):
            Sessions(store).show("anna")
        for name in ("", " ", "x" * 201, 3):
            with pytest.raises(ConfigurationError):
                Sessions(store).show(name)  # type: ignore[arg-type]  # that it is wrong is the test
