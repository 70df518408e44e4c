import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agentsdk import Agent, References, events, tool
from agentsdk.answer import Answer
from agentsdk.errors import TraceUnreadable
from agentsdk.events import Draft, Event, Happening, Nested
from agentsdk.evidence import Evidence
from agentsdk.media import Media
from agentsdk.plan import Plan, Ref, Step
from agentsdk.testing import ScriptedModel, plan
from agentsdk.testing.scripted import Line
from agentsdk.trace import TraceFile, event_of, read, record_of

# What JSON has. A number that is not equal to itself cannot be compared; infinity is.
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
_NAMES = st.text("abcs123", min_size=1, max_size=4)
_STEPS = st.builds(
    Step,
    _NAMES,
    st.sampled_from(["think", "calculator"]),
    st.dictionaries(_NAMES, st.text() | st.builds(Ref, _NAMES), max_size=3),
)
_GIVEN: dict[Any, Any] = {
    Any: _JSON,
    Step: _STEPS,
    Plan: st.builds(Plan, st.lists(_STEPS, max_size=3).map(tuple), st.text()),
    Mapping[str, Any]: st.dictionaries(st.text(), _JSON, max_size=3),
    # Bytes are left out of a trace on purpose.
    Media: st.builds(Media, st.just("image"), st.text(), st.none(), st.text(), st.text()),
}
for _type, _values in _GIVEN.items():
    if isinstance(_type, type) and get_origin(_type) is None and _type is not Any:
        st.register_type_strategy(_type, _values)


def drawn(kind: Any) -> st.SearchStrategy[Any]:
    """Return values of a type as events have them: all that is JSON is JSON, of any form."""
    if kind in _GIVEN:
        return _GIVEN[kind]  # type: ignore[no-any-return]  # strategies of anything
    origin, inner = get_origin(kind), get_args(kind)
    if origin is tuple:
        return st.lists(drawn(inner[0]), max_size=2).map(tuple)
    if origin is not None and isinstance(origin, type) and issubclass(origin, Mapping):
        return st.dictionaries(st.text(), drawn(inner[1]), max_size=2)
    if dataclasses.is_dataclass(origin):
        kind = origin
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        hints = get_type_hints(kind)
        nested = [
            name for name, hint in hints.items() if kind in get_args(hint)
        ]  # a map's elements are evidence too
        plain = [f.name for f in dataclasses.fields(kind) if f.init and f.name not in nested]
        flat = st.builds(kind, **{name: drawn(hints[name]) for name in plain})
        if not nested:
            return flat
        below = {name: st.lists(flat, max_size=2).map(tuple) for name in nested}
        return st.builds(kind, **{name: drawn(hints[name]) for name in plain}, **below)
    if type(None) in inner:
        return st.none() | drawn(next(k for k in inner if k is not type(None)))
    if kind is float:
        return st.floats(allow_nan=False)
    if isinstance(kind, type):
        return st.from_type(kind)
    return st.sampled_from(inner) if origin is not None and inner and isinstance(inner[0], str) else _JSON


KINDS: list[Any] = [
    k
    for k in vars(events).values()
    if isinstance(k, type) and issubclass(k, Happening) and k not in (Happening, Nested)
]


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


def test_the_union_of_events_holds_every_class_of_them() -> None:
    assert set(get_args(Event)) == {*KINDS, Nested}


@pytest.mark.parametrize("kind", KINDS, ids=lambda k: k.__name__)
@settings(max_examples=15, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(data=st.data())
def test_an_event_of_any_kind_and_content_is_read_back_as_it_was(kind: Any, data: st.DataObject) -> None:
    event: Event = data.draw(drawn(kind))
    for step in data.draw(st.lists(_NAMES, max_size=2)):
        event = Nested(step, "helper", event, id=event.id, run_id=event.run_id)
    again = event_of(json.loads(json.dumps(record_of(event))))
    assert again == event
    assert type(again) is type(event)
    assert again is not None
    assert (again.id, again.run_id) == (event.id, event.run_id)


def test_half_a_surrogate_pair_is_written_and_read_back(tmp_path: Path) -> None:
    with TraceFile(tmp_path / "t.jsonl") as trace:
        trace.write(Draft("\ud83d 汉"))
        trace.write(Draft("汉"))
    assert [e for _at, e in read(tmp_path / "t.jsonl")] == [Draft("\ud83d 汉"), Draft("汉")]
    assert "汉" in (tmp_path / "t.jsonl").read_text(encoding="utf-8").splitlines()[2]


def test_events_and_fields_of_a_newer_version_are_left_out_with_a_note(tmp_path: Path) -> None:
    file = tmp_path / "t.jsonl"
    with TraceFile(file) as trace:
        trace.write(Draft("a"))
    newer = [
        {"event": "Dreamt", "at": 1.0, "of": "sheep"},
        {"event": "Dreamt", "at": 1.5, "of": "goats"},
        {"event": "Draft", "at": 2.0, "text": "b", "font": "serif"},
        {"event": "Dreamt", "at": 3.0, "within": [{"step": "s1", "agent": "x"}]},
    ]
    with file.open("a", encoding="utf-8") as more:
        more.writelines(json.dumps(r) + "\n" for r in newer)
    notes: list[str] = []
    assert [e for _at, e in read(file, note=notes.append)] == [Draft("a"), Draft("b")]
    assert len(notes) == 1
    assert "Dreamt" in notes[0]
    with pytest.warns(UserWarning, match="Dreamt"):
        list(read(file))


def test_a_trace_of_the_first_version_is_still_read(tmp_path: Path) -> None:
    file = tmp_path / "t.jsonl"
    lines = [
        '{"agentsdk": "trace", "version": 1}',
        '{"event": "RunStarted", "at": 0.0, "question": "q", "model": "m", "tools": ["a"], "sources": []}',
        '{"event": "StepDone", "at": 0.1, "evidence": {"step": "s1", "do": "a", "inputs": {}, "status": "done"}}',
        '{"event": "Finished", "at": 0.2, "answer": {"text": "t", "output": "t", "status": "answered"}}',
    ]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert [e for _at, e in read(file)] == [
        events.RunStarted("q", "m", ("a",)),
        events.StepDone(Evidence("s1", "a")),
        events.Finished(Answer("t", "t")),
    ]
