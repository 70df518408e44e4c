"""What every store promises, on SQLite and on Postgres."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from agentsdk.errors import LeaseLost, RunHeld, RunUnknown
from agentsdk.store import Row, Store
from agentsdk.store.owner import new_owner
from tests.store.stores import KINDS, a_run, a_store, wait


@pytest.fixture(params=KINDS)
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], Store]]:
    with a_store(request.param, tmp_path) as again:
        yield again


def test_rows_come_back_in_their_order_as_they_were(opened: Callable[[], Store]) -> None:
    values: list[Any] = [
        None,
        True,
        1,
        1.5,
        "ü\0\ud800 你好",
        {"$text": "mine"},
        [{"$plain": {"a": "b" * 5000}}],
        "x" * 9000,
    ]
    rows = [Row(f"k{i}", "step", v, step=f"s{i}\0", do="d") for i, v in enumerate(values)]

    async def go() -> list[Row]:
        store = opened()
        lease = await store.begin(a_run(), [Row("input", "input", {"q": 1})])
        await store.write(lease, rows)
        await store.close()
        return await opened().rows("r1")

    found = wait(go())
    assert [r.value for r in found] == [{"q": 1}, *values]
    assert [r.key for r in found] == ["input", *(r.key for r in rows)]


def test_a_long_text_is_kept_once_however_many_rows_hold_it(opened: Callable[[], Store]) -> None:
    async def go() -> int:
        store = opened()
        lease = await store.begin(a_run(), [])
        for at in range(5):
            await store.write(lease, [Row(f"k{at}", "step", {"at": at, "text": "t" * 100_000})])
        rows = await store.rows("r1")
        assert all(r.value["text"] == "t" * 100_000 for r in rows)
        return await count(store, "blobs")

    assert wait(go()) == 1


def test_a_run_is_held_by_one_driver_and_free_when_it_is_given_back(opened: Callable[[], Store]) -> None:
    async def go() -> None:
        store, other = opened(), opened()
        lease = await store.begin(a_run(owner=new_owner()), [])
        with pytest.raises(RunHeld, match="r1"):
            await other.take("r1", new_owner())
        await store.release(lease, "stopped")
        taken = await other.take("r1", new_owner())
        assert taken.generation == lease.generation + 1

    wait(go())


def test_the_lease_of_a_process_that_has_died_is_taken_at_once(opened: Callable[[], Store]) -> None:
    async def go() -> None:
        machine = new_owner().rsplit(":", 3)[0]
        await opened().begin(a_run(owner=f"{machine}:999999999:1:x"), [])
        assert (await opened().take("r1", new_owner())).generation == 2

    wait(go())


def test_what_a_driver_writes_after_another_took_the_run_is_refused(opened: Callable[[], Store]) -> None:
    async def go() -> None:
        store = opened()
        machine = new_owner().rsplit(":", 3)[0]
        old = await store.begin(a_run(owner=f"{machine}:999999999:1:x"), [])
        new = await opened().take("r1", new_owner())
        for refused in (
            store.write(old, [Row("k", "step", 1)]),
            store.renew(old),
            store.release(old, "done"),
        ):
            with pytest.raises(LeaseLost):
                await refused
        await opened().write(new, [Row("k", "step", 2)])
        assert [r.value for r in await store.rows("r1")] == [2]

    wait(go())


def test_what_is_finished_stays_as_it_was_finished_first(opened: Callable[[], Store]) -> None:
    async def go() -> None:
        store = opened()
        lease = await store.begin(a_run(), [])
        await store.write(lease, [Row("k", "step", None, "started")])
        await store.write(lease, [Row("k", "step", None, "started")])
        assert [(r.state, r.attempt) for r in await store.rows("r1")] == [("started", 2)]
        await store.write(lease, [Row("k", "step", "first")])
        await store.write(lease, [Row("k", "step", "second")])
        await store.write(lease, [Row("k", "step", None, "started")])
        assert [(r.state, r.value) for r in await store.rows("r1")] == [("finished", "first")]
        await store.write(lease, [Row("d", "decision", 1)])
        await store.write(lease, [Row("d", "decision", 2)])
        assert [r.value for r in await store.rows("r1")] == ["first", 2]

    wait(go())


def test_rows_are_kept_all_or_none(opened: Callable[[], Store]) -> None:
    async def go() -> None:
        store = opened()
        lease = await store.begin(a_run(), [])
        bad = Row("b", "step", {1, 2})  # no JSON
        with pytest.raises(TypeError):
            await store.write(lease, [Row("a", "step", 1), bad])
        writes = (
            store.write(lease, rows)
            for rows in ([Row("c", "step", 1)], [Row("d", "step", 1), bad], [Row("e", "step", 1)])
        )
        results = await asyncio.gather(*writes, return_exceptions=True)
        assert [type(r).__name__ for r in results] == ["NoneType", "TypeError", "NoneType"]
        assert sorted(r.key for r in await store.rows("r1")) == ["c", "e"]

    wait(go())


def test_an_unknown_run_is_named(opened: Callable[[], Store]) -> None:
    async def go() -> None:
        store = opened()
        for asked in (store.run("nope"), store.rows("nope"), store.take("nope", "x"), store.delete("nope")):
            with pytest.raises(RunUnknown, match="nope"):
                await asked

    wait(go())


def test_deleting_a_run_leaves_the_texts_that_others_use(opened: Callable[[], Store]) -> None:
    async def go() -> None:
        store = opened()
        for name, texts in (("r1", ["s" * 3000, "1" * 3000]), ("r2", ["s" * 3000])):
            lease = await store.begin(a_run(name, owner=new_owner()), [])
            await store.write(lease, [Row("k", "step", texts)])
            if name == "r1":
                with pytest.raises(RunHeld):
                    await store.delete("r1")
            await store.release(lease, "done")
        assert await store.delete("r1") == 1
        assert [r.id for r in await store.runs()] == ["r2"]
        assert (await store.rows("r2"))[0].value == ["s" * 3000]
        assert await count(store, "blobs") == 1
        assert await store.delete(before=(await store.run("r2")).changed) == 0
        assert await store.delete(before=(await store.run("r2")).changed + 1) == 1
        assert await count(store, "blobs") == 0

    wait(go())


def test_the_turns_of_a_session_are_added_once_a_run_and_outlast_its_runs(opened: Callable[[], Store]) -> None:
    async def go() -> None:
        store = opened()
        lease = await store.begin(a_run(thread="t"), [])
        for _time in range(2):
            await store.add_turns("t", "r1", [{"text": "long " * 1000}])
        await store.add_turns("t", "r2", [{"text": "b"}])
        await store.add_turns("other", "r1", [{"text": "c"}])
        await store.release(lease, "done")
        await store.delete("r1")
        assert await opened().turns("t") == [("r1", [{"text": "long " * 1000}]), ("r2", [{"text": "b"}])]

    wait(go())


def test_two_processes_that_make_the_tables_at_once_do_not_collide(opened: Callable[[], Store]) -> None:
    async def go() -> None:
        stores = [opened() for _ in range(8)]
        await asyncio.gather(*(s.begin(a_run(f"r{i}"), []) for i, s in enumerate(stores)))
        assert len(await stores[0].runs()) == 8

    wait(go())


async def count(store: Store, table: str) -> int:
    found = await store._worker.do(lambda db: db.execute(f"SELECT COUNT(*) FROM agentsdk_{table}"))  # type: ignore[attr-defined]  # SqlStore's own
    return int(found[0][0][0])
