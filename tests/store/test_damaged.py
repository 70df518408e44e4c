"""Files that were cut off, changed or made by somebody else: refused in words, and nothing of them is run."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
import stat
import sys
from pathlib import Path

import pytest

from agentsdk import Agent, tool
from agentsdk.errors import (
    AgentError,
    ConfigurationError,
    StoreDamaged,
    StoreError,
    StoreTooNew,
    StoreUnavailable,
)
from agentsdk.store import open_store
from agentsdk.store.sqlite import SqliteStore
from agentsdk.testing import ScriptedModel
from agentsdk.testing.scripted import plan
from tests.store.stores import a_run, wait

MARKER = "ran.txt"


def agent(path: Path, script: list[object], marker: Path | None = None) -> Agent:
    @tool
    def note(text: str) -> str:
        """Note a text."""
        if marker is not None:
            marker.write_text(text)
        return f"{text} " * 1500

    return Agent(ScriptedModel(script), tools=[note], store=SqliteStore(path))  # type: ignore[arg-type]  # lines of a script


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Return the file of a run that was stopped in the middle, closed, and the run's name."""
    path = tmp_path_factory.mktemp("kept") / "runs.db"
    steps = plan(
        {"id": "s1", "do": "note", "in": {"text": "a"}}, {"id": "s2", "do": "note", "in": {"text": "b"}}
    )
    stopped = agent(path, [steps, ConnectionError("gone")])
    with pytest.raises(ConnectionError):
        stopped.run("Note both.")
    store = SqliteStore(path)
    runs = wait(store.runs())
    wait(store.close())
    wait(stopped._store.close())  # type: ignore[union-attr]  # it has one
    return path, runs[0].id


def test_a_file_that_lost_or_changed_bytes_goes_on_as_it_was_or_is_refused(
    kept: tuple[Path, str], tmp_path: Path
) -> None:
    """700 mutations: a result is the undisturbed one, or an error of ours; a damaged run is never half done."""
    path, run_id = kept
    whole, chance, refused = path.read_bytes(), random.Random(3), 0
    expected = finish(path, run_id, tmp_path / "whole.db")
    for at in range(700):
        data = bytearray(whole)
        match at % 3:
            case 0:
                del data[chance.randrange(len(data)) :]
            case 1:
                for _byte in range(chance.choice([1, 1, 8, 200])):
                    data[chance.randrange(len(data))] = chance.randrange(256)
            case 2:
                start = chance.randrange(len(data))
                data[start : start + chance.randrange(1, 4096)] = b"\0" * 10
        forged = tmp_path / f"{at}.db"
        forged.write_bytes(data)
        try:
            assert finish(forged, run_id) == expected
        except StoreError:
            refused += 1
        forged.unlink(missing_ok=True)
    assert refused > 300


def finish(path: Path, run_id: str, copy: Path | None = None) -> str:
    if copy is not None:
        shutil.copy(path, copy)
        path = copy
    resumed = agent(path, ["Both are noted."])
    try:
        return resumed.resume(run_id).text
    finally:
        wait(resumed._store.close())  # type: ignore[union-attr]  # it has one


def test_a_forged_row_is_refused_and_nothing_runs(kept: tuple[Path, str], tmp_path: Path) -> None:
    path, run_id = kept
    for at, forgery in enumerate(
        (
            "UPDATE agentsdk_rows SET value = CAST(replace(CAST(value AS TEXT), 'done', 'fail') AS BLOB) WHERE kind = 'step'",
            "UPDATE agentsdk_rows SET state = 'started' WHERE kind = 'step'",
            "UPDATE agentsdk_rows SET kind = 'answer', key = 'answer' WHERE kind = 'call'",
            "UPDATE agentsdk_blobs SET data = CAST('cos system' AS BLOB)",
            "DELETE FROM agentsdk_blobs",
            "DELETE FROM agentsdk_rows WHERE kind = 'input'",
            "UPDATE agentsdk_rows SET value = CAST('[[]]' AS BLOB) WHERE kind = 'input'",
            "DROP TABLE agentsdk_uses",
            "CREATE TRIGGER agentsdk_t AFTER UPDATE ON agentsdk_runs BEGIN DELETE FROM agentsdk_rows; END",
            "CREATE VIEW agentsdk_v AS SELECT 1",
            "ALTER TABLE agentsdk_rows RENAME COLUMN value TO worth",
            "PRAGMA application_id = 7",
        )
    ):
        forged, marker = tmp_path / f"{at}.db", tmp_path / f"{at}.txt"
        shutil.copy(path, forged)
        with sqlite3.connect(forged) as db:
            db.execute(forgery)
        db.close()
        with pytest.raises(StoreDamaged):
            agent(forged, ["never said"], marker).resume(run_id)
        assert not marker.exists(), forgery


def test_a_store_of_a_later_version_is_refused_in_words(kept: tuple[Path, str], tmp_path: Path) -> None:
    later = tmp_path / "later.db"
    shutil.copy(kept[0], later)
    with sqlite3.connect(later) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(StoreTooNew, match="99"):
        agent(later, []).resume(kept[1])


@pytest.mark.parametrize("content", [b"hello", b"\0" * 5000, b"SQLite format 3\0" + b"\0" * 100])
def test_a_file_of_something_else_is_left_as_it_is(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "other"
    file.write_bytes(content)
    with pytest.raises(StoreDamaged):
        wait(SqliteStore(file).begin(a_run(), []))
    assert file.read_bytes() == content


def test_a_place_that_cannot_be_written_is_said_before_anything_is_done(tmp_path: Path) -> None:
    asked = ScriptedModel(["never said"])
    with pytest.raises(StoreUnavailable, match="no-such-folder"):
        Agent(asked, store=tmp_path / "no-such-folder" / "runs.db").run("Hello?")
    assert asked.requests == []


@pytest.mark.parametrize("wrong", ["", 7, "mysql://host/db"])
def test_what_is_no_store_is_refused_by_the_constructor(wrong: object) -> None:
    with pytest.raises(ConfigurationError):
        Agent(ScriptedModel([]), store=wrong)  # type: ignore[arg-type]  # that is what is refused


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such permissions")
def test_nobody_else_can_read_the_file(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        store = SqliteStore(tmp_path / "runs.db")
        wait(store.begin(a_run(), []))
    finally:
        os.umask(old)
    for file in tmp_path.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) & 0o077 == 0, file.name


def test_agents_of_one_process_share_a_store(tmp_path: Path) -> None:
    assert open_store(tmp_path / "a.db") is open_store(str(tmp_path / "a.db"))
    assert issubclass(StoreError, AgentError)
