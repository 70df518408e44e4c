"""Runs that are kept, on the command line: list, show, resume, delete."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from agentsdk import Agent
from agentsdk.errors import ConnectionLost
from agentsdk.testing import ScriptedModel
from agentsdk.testing.scripted import Line, call

ROOT = Path(__file__).parents[1]


def agentsdk(*arguments: str) -> subprocess.CompletedProcess[str]:
    env = os.environ | {"AGENTSDK_LANG": "en", "PYTHONUTF8": "1"}
    return subprocess.run(
        [sys.executable, "-m", "agentsdk", *arguments], capture_output=True, text=True, encoding="utf-8", cwd=ROOT, env=env,
        check=False, timeout=120,
    )  # fmt: skip


def test_a_run_is_kept_listed_shown_resumed_and_deleted(tmp_path: Path) -> None:
    store = ("--store", str(tmp_path / "runs.db"))
    asked = agentsdk("ask", "What is 17% of 2,340?", "--model", "offline:extract", "--json", *store)
    answer = json.loads(asked.stdout)
    run_id = answer["run_id"]
    (listed,) = json.loads(agentsdk("runs", "--json", *store).stdout)
    assert (listed["run_id"], listed["status"]) == (run_id, "done")
    shown = json.loads(agentsdk("show", run_id, "--json", *store).stdout)
    assert shown["answer"]["answer"] == answer["answer"]
    assert shown["steps"] == {"c1": "done"}
    assert json.loads(agentsdk("resume", run_id, "--json", *store).stdout) == answer
    assert json.loads(agentsdk("runs", "--delete", run_id, "--json", *store).stdout) == {"deleted": 1}
    gone = agentsdk("show", run_id, *store)
    assert gone.returncode == 2
    assert run_id in gone.stderr


def test_a_run_that_a_program_began_is_sent_back_to_it(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    script: list[Line] = [call("calculator", expression="2+2"), ConnectionLost("gone")]
    with pytest.raises(ConnectionLost) as caught:
        Agent(ScriptedModel(script), tools=["calculator"], store=path).run("2 + 2?")
    run_id = caught.value.partial.run_id
    told = agentsdk("resume", run_id, "--store", str(path))
    assert told.returncode == 2
    assert "agent.resume" in told.stderr
    shown = agentsdk("show", run_id, "--store", str(path))
    assert "stopped" in shown.stdout
    assert "c1  done" in shown.stdout


def test_a_store_has_to_be_named() -> None:
    told = agentsdk("runs", "--store", "")
    assert told.returncode == 2
    assert "AGENTSDK_STORE" in told.stderr
