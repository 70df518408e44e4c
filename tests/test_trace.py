from pathlib import Path

import pytest

from agentsdk import Agent, References, tool
from agentsdk.errors import TraceUnreadable
from agentsdk.events import Event
from agentsdk.testing import ScriptedModel, plan
from agentsdk.testing.scripted import Line
from agentsdk.trace import TraceFile, read


@tool(needs_approval=True)
def send(to: str) -> str:
    """Send."""
    return to


def story() -> list[Event]:
    texts = References.from_texts({"g.md": "# Power\n\nIt gives 5 V and 2 A.\n"})
    script: list[Line] = [
        plan({"id": "x", "do": "nothing", "in": {}}),
        plan(
            {"id": "s1", "do": "look_up", "in": {"query": "power"}},
            {"id": "s2", "do": "send", "in": {"to": {"$": "s1.0"}}},
        ),
        'It is [p1: "gives 5 V"] and [p1: "gives 9 V"].',
        'It is [p1: "gives 5 V"].',
    ]
    agent = Agent(ScriptedModel(script), tools=[send], references=texts, approve=lambda _c: True)
    return list(agent.stream("How much?"))


def test_every_event_is_read_back_as_it_was(tmp_path: Path) -> None:
    events = story()
    with TraceFile(tmp_path / "t.jsonl") as trace:
        for event in events:
            trace.write(event)
    assert [event for _at, event in read(tmp_path / "t.jsonl")] == events
    assert len({type(e) for e in events}) >= 9


def test_each_event_is_on_disk_before_the_next(tmp_path: Path) -> None:
    file = tmp_path / "t.jsonl"
    with TraceFile(file) as trace:
        for count, event in enumerate(story(), 1):
            trace.write(event)
            assert len(list(read(file))) == count


def test_a_last_line_cut_by_a_kill_is_left_out_and_a_damaged_one_named(tmp_path: Path) -> None:
    file = tmp_path / "t.jsonl"
    with TraceFile(file) as trace:
        for event in story():
            trace.write(event)
    whole = file.read_text(encoding="utf-8")
    count = len(list(read(file)))
    file.write_text(whole[:-20], encoding="utf-8")
    assert len(list(read(file))) == count - 1
    lines = whole.splitlines()
    lines[2] = lines[2][:-5]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    with pytest.raises(TraceUnreadable, match="Line 3"):
        list(read(file))


@pytest.mark.parametrize(
    "content", [b"", b"hello\n", b"\xff\xfe\x00", b'{"agentsdk": "trace", "version": 99}\n']
)
def test_what_is_no_trace_is_told(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "t.jsonl"
    file.write_bytes(content)
    with pytest.raises(TraceUnreadable):
        list(read(file))


def test_a_trace_that_cannot_be_written_is_told_before_anything_runs(tmp_path: Path) -> None:
    with pytest.raises(TraceUnreadable, match="written"):
        TraceFile(tmp_path / "no" / "t.jsonl")
