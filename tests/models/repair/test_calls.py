"""Calls as servers really send them."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from agentsdk.models.model import Offer
from agentsdk.models.repair.arguments import fit_arguments
from agentsdk.models.repair.calls import MOST_CALLS, CallPieces, Settled

Piece = tuple[int | None, str | None, str | None, object]

ADD = {
    "type": "object",
    "properties": {"x": {"type": "integer"}, "y": {"type": "integer"}},
    "additionalProperties": False,
}
OFFER = Offer({"add": ADD, "now": {"type": "object", "properties": {}}, "get_weather": {"type": "object"}})


def settled(*pieces: Piece, cut: str = "", offer: Offer | None = OFFER) -> Settled:
    calls = CallPieces(offer.tools if offer else ())
    for piece in pieces:
        calls.add(*piece)
    return calls.settle(cut=cut, offer=offer)


def merged(*pieces: Piece, cut: str = "", offer: Offer | None = OFFER) -> list[tuple[str, dict[str, object]]]:
    return [(c.name, dict(c.arguments)) for c in settled(*pieces, cut=cut, offer=offer).calls]


ONE = [("add", {"x": 1})]
TWO = [("add", {"x": 1}), ("add", {"x": 2})]


@pytest.mark.parametrize(
    "pieces",
    [
        # DashScope, LM Studio: empty ids and names in continuations.
        [(0, "a", "add", '{"x"'), (0, "", "", ": 1"), (0, "", None, "}"), (0, "", None, None)],
        # Kimi: the name every time, first "" and then the rest.
        [(0, "a", "add", ""), (0, "a", "add", '{"x": 1'), (0, "", "add", "}")],
        [(None, None, "add", '{"x"'), (None, None, "add", ": 1}")],
        # Whole in one piece; as an object; and the end of the stream telling the name once more.
        [(0, "a", "add", '{"x": 1}')],
        [(0, "a", "add", {"x": 1})],
        [(0, "a", "add", '{"x": 1}'), (0, "a", "add", "")],
        # No index, or given once only; no id at all.
        [(None, "a", "add", '{"x"'), (None, "a", None, ": 1}")],
        [(0, "a", "add", '{"x"'), (None, "", None, ": 1}")],
        [(None, "a", "add", '{"x"'), (0, "", None, ": 1}")],
        [(0, None, "add", '{"x"'), (0, None, None, ": 1}")],
        [(3, None, "add", '{"x"'), (3, None, None, ": 1}")],
        # The id is new each time; the index counts the pieces.
        [(0, "a", "add", '{"x"'), (0, "b", None, ": 1"), (0, "c", "add", "}")],
        [(0, "a", "add", '{"x"'), (1, "a", None, ": 1"), (2, "a", "add", "}")],
        # What had come comes again.
        [(0, "a", "add", "{"), (0, "a", "add", '{"x"'), (0, "a", "add", '{"x": 1}')],
        [(0, "a", "add", '{"x": 1}'), (0, "a", "add", '{"x": 1}')],
        [(0, None, "add", '{"x": 1}'), (0, None, "add", '{"x": 1}')],
        [(0, None, "add", {"x": 1}), (0, None, "add", {"x": 1})],
        # It only seems to: a fence in pieces.
        [(0, "a", "add", "`"), (0, "", None, '``json\n{"x": 1}\n```')],
        # An empty object sent ahead of the real one.
        [(0, "a", "add", "{}"), (0, "", None, '{"x"'), (0, "", None, ": 1}")],
        # The name comes in pieces, or grows.
        [(0, "a", "ad", None), (0, "", "d", '{"x": 1}')],
        [(0, "a", "a", None), (0, "a", "add", '{"x": 1}')],
        [(0, None, "a", ""), (0, None, "dd", '{"x": 1}')],
    ],
)
def test_the_pieces_of_one_call_are_one_call(pieces: list[Piece]) -> None:
    assert merged(*pieces) == ONE


@pytest.mark.parametrize(
    "pieces",
    [
        # One index for both, by their ids; interleaved; without ids.
        [(0, "a", "add", '{"x": 1}'), (0, "b", "add", '{"x": 2}')],
        [(0, "a", "add", '{"x"'), (0, "b", "add", '{"x"'), (0, "a", None, ": 1}"), (0, "b", None, ": 2}")],
        [(0, "a", "add", '{"x"'), (0, "", None, ": 1}"), (0, "b", "add", '{"x"'), (0, "", None, ": 2}")],
        [(0, None, "add", '{"x": 1}'), (0, None, "add", '{"x": 2}')],
        # Interleaved by index.
        [(0, "a", "add", '{"x"'), (1, "b", "add", '{"x"'), (0, "", None, ": 1}"), (1, "", None, ": 2}")],
        # No index: told apart by ids, by names, or by whole arguments.
        [
            (None, "a", "add", '{"x"'),
            (None, "b", "add", '{"x"'),
            (None, "a", None, ": 1}"),
            (None, "b", "", ": 2}"),
        ],
        [(None, None, "add", {"x": 1}), (None, None, "add", {"x": 2})],
        [(None, None, "add", '{"x": 1}'), (None, None, "add", '{"x": 2}')],
        # One id for both.
        [(0, "a", "add", '{"x": 1}'), (1, "a", "add", '{"x": 2}')],
        [(0, "a", "add", {"x": 1}), (1, "a", "add", {"x": 2})],
    ],
)
def test_two_calls_are_two_calls(pieces: list[Piece]) -> None:
    got = settled(*pieces)
    assert [(c.name, c.arguments) for c in got.calls] == TWO
    assert len({c.id for c in got.calls}) == 2
    assert merged(*pieces, offer=None) == TWO


def test_a_name_that_was_offered_is_a_new_call_and_no_rest_of_another() -> None:
    assert merged((0, None, "now", None), (0, None, "add", '{"x": 1}')) == [("now", {}), *ONE]
    assert merged((0, "a", "now", "{}"), (0, "", "add", '{"x": 1}')) == [("now", {}), *ONE]
    assert merged((0, None, "get_", None), (0, None, "weather", "{}")) == [("get_weather", {})]
    assert merged((0, "a", "get_", None), (0, "", "weather", "{}"), offer=None) == [("get_weather", {})]


def test_a_call_without_arguments_may_be_told_of_in_three_ways() -> None:
    three: list[Piece] = [(0, "a", "now", ""), (0, "a", "now", None), (0, "a", "now", {})]
    for piece in three:
        assert merged(piece, (0, "", None, "")) == [("now", {})]
    assert merged((0, "a", "now", ""), (0, "b", "now", ""), (0, "", None, "{}")) == [("now", {}), ("now", {})]


def test_what_was_repeated_is_told() -> None:
    got = settled((0, "a", "add", "{"), (0, "a", "add", '{"x": "1"}'))
    assert [r.kind for r in got.repairs] == ["arguments.coerced", "call.merged"]
    assert got.repairs[0].detail == 'add: x: the string "1" became 1'


def test_ids_are_made_from_the_place_and_differ_within_an_answer() -> None:
    assert [c.id for c in settled((0, None, "add", "{}"), (1, "", "add", '{"x": 1}')).calls] == [
        "call_1",
        "call_2",
    ]
    assert [c.id for c in settled((0, "call_2", "add", "{}"), (1, "", "now", "{}")).calls] == [
        "call_2",
        "call_2_2",
    ]
    got = settled((0, "a", "add", "{}"), (1, "a", "now", "{}"))
    assert [c.id for c in got.calls] == ["a", "a_2"]
    assert [r.kind for r in got.repairs] == ["call.id"]


WHOLE: Piece = (0, "a", "add", '{"x": 1}')


@pytest.mark.parametrize(
    ("pieces", "may_run"),
    [
        ([WHOLE], []),  # it looks whole, and may not be
        ([WHOLE, (1, "b", "now", "{}")], ["a"]),
        ([WHOLE, (1, "b", "add", '{"x"')], ["a"]),
        ([WHOLE, (1, "b", None, None)], ["a"]),
        ([(0, "a", "add", '{"x"'), (1, "b", "now", "{}"), (2, "c", "now", "{}")], ["b"]),
        ([(0, "a", "now", ""), (1, "b", "now", "{}")], []),  # its arguments may not have come
        ([(0, "a", "add", '{"x": 1'), (1, "b", "add", '{"x": 1}'), (0, "", None, "}")], ["b"]),
        ([(0, "a", "add", {"x": 1}), (1, "b", "add", {"x": 2})], ["a"]),
        ([(0, "a", "add", {"x": 1})], []),
        ([(0, "a", "add", '{"x": "}"'), (1, "b", "now", "{}")], []),
    ],
)
def test_in_a_cut_answer_only_what_ended_before_another_call_may_run(
    pieces: list[Piece], may_run: list[str]
) -> None:
    got = settled(*pieces, cut="The answer was cut off.")
    assert [c.id for c in got.calls] == may_run
    assert {b.fault for b in got.broken} == {"The answer was cut off."}
    assert len(got.calls) + len(got.broken) == len({p[1] for p in pieces if p[1]})


@given(
    st.integers(0, 60),
    st.sampled_from(['{"x": 1, "y": "}"}', '{"x": {"y": [1]}}', '{"x": "\\"}"}']),
    st.lists(st.integers(1, 20)),
)
def test_no_beginning_of_a_call_may_run(at: int, text: str, cuts: list[int]) -> None:
    """Wherever the answer was cut, and however it was sent in pieces, with another call begun after it."""
    text, pieces = text[: min(at, len(text) - 1)], list[Piece]()
    pieces.append((0, "a", "get_weather", None))
    for cut in cuts:
        pieces.append((0, "", None, text[:cut]))
        text = text[cut:]
    pieces += [(0, "", None, text), (1, "b", "now", None)]
    assert merged(*pieces, cut="cut") == []
    assert merged(*pieces[:-1], cut="cut", offer=None) == []


def test_calls_that_may_not_run_are_told_with_the_reason() -> None:
    got = settled((0, "a", "sub.tract", "{}"), (1, "b", "functions.add", '{"x": "one"}'), (2, "c", None, "{}"))
    assert not got.calls
    assert not got.repairs
    assert [(b.id, b.name) for b in got.broken] == [("a", "sub_tract"), ("b", "add"), ("c", "")]
    assert "The tools are: add, now, get_weather." in got.broken[0].fault
    assert got.broken[1].fault == 'The arguments do not fit. x: expected an integer, got the string "one".'
    assert got.broken[1].raw == '{"x": "one"}'
    assert got.broken[2].fault == "The call has no name."


def test_no_call_may_run_where_calls_were_forbidden() -> None:
    got = settled(WHOLE, offer=Offer({"add": ADD}, "none"))
    assert got.calls == ()
    assert got.broken[0].fault == "No tool may be called now."


USES = [
    {"recipient_name": "functions.add", "parameters": {"x": "1"}},
    {"recipient_name": "now", "parameters": {}},
    {"recipient_name": "functions.perform", "parameters": {}},
]


@pytest.mark.parametrize(
    "name", ["multi_tool_use.parallel", "parallel", "multi_tool_use_parallel", "functions.parallel"]
)
@pytest.mark.parametrize(
    "given", [{"tool_uses": USES}, json.dumps({"tool_uses": USES}), {"tool_uses": json.dumps(USES)}]
)
def test_the_parallel_wrapper_becomes_its_calls_each_checked_as_any_other(name: str, given: object) -> None:
    got = settled((0, "w", name, given))
    assert [(c.id, c.name, c.arguments) for c in got.calls] == [("w_1", "add", {"x": 1}), ("w_2", "now", {})]
    assert [(b.id, b.name) for b in got.broken] == [("w_3", "functions_perform")]
    assert [r.kind for r in got.repairs] == ["call.expanded", "name.folded", "arguments.coerced"]
    assert got == settled((0, "w", name, given))  # a replay makes the same ids


def test_a_wrapper_that_is_cut_or_holds_no_calls_is_broken() -> None:
    wrapper: Piece = (0, "w", "multi_tool_use.parallel", json.dumps({"tool_uses": USES}))
    assert settled(wrapper, cut="cut").calls == ()
    for raw in ("{}", '{"tool_uses": []}', '{"tool_uses": [1]}', '{"tool_uses": "x"}', "[", None):
        got = settled((0, "w", "multi_tool_use.parallel", raw))
        assert got.calls == ()
        assert [b.name for b in got.broken] == ["multi_tool_use_parallel"]
    nested = {"tool_uses": [{"recipient_name": "parallel", "parameters": {"tool_uses": USES}}]}
    assert settled((0, "w", "parallel", nested)).calls == ()


def test_a_tool_that_is_called_parallel_is_no_wrapper() -> None:
    offer = Offer({"parallel": {"type": "object", "properties": {"tool_uses": {"type": "array"}}}})
    assert merged((0, "w", "parallel", {"tool_uses": USES}), offer=offer) == [("parallel", {"tool_uses": USES})]


def test_an_endless_row_of_calls_is_kept_to_its_beginning() -> None:
    pieces: list[Piece] = [(at, f"id{at}", "add", "{}") for at in range(5_000)]
    got = settled(*pieces)
    assert len(got.calls) == MOST_CALLS
    assert [r.detail for r in got.repairs] == ["5000 calls came, and 128 of them are kept"]
    uses = {"tool_uses": [{"recipient_name": "add", "parameters": {}}] * 500}
    assert len(settled((0, "w", "parallel", uses)).calls) == MOST_CALLS


_pieces: st.SearchStrategy[Piece] = st.tuples(
    st.none() | st.integers(0, 2),
    st.sampled_from([None, "", "a", "b"]),
    st.sampled_from([None, "", "add", "now", "multi_tool_use.parallel", "x.y"]),
    st.none()
    | st.sampled_from(["", "{", "}", '{"x"', ": 1}", '{"x": 1}', "{}", "[", '"', "\\"])
    | st.just({"x": 1})
    | st.just([]),
)


@given(st.lists(_pieces, max_size=8), st.sampled_from(["", "cut"]))
def test_any_pieces_end_in_calls_that_fit_with_ids_that_differ(pieces: list[Piece], cut: str) -> None:
    got = settled(*pieces, cut=cut)
    for call in got.calls:
        assert call.name in OFFER.tools
        assert Draft202012Validator(OFFER.tools[call.name]).is_valid(dict(call.arguments))
    ids = [c.id for c in got.calls] + [b.id for b in got.broken]
    assert len(set(ids)) == len(ids)
    assert all("." not in b.name for b in got.broken)


@given(
    st.lists(st.sampled_from(['{"x": 1}', '{"x": 2, "y": 3}', "{}"]), min_size=1, max_size=3),
    st.lists(st.integers(1, 4)),
)
def test_calls_are_the_same_however_their_text_is_cut(texts: list[str], cuts: list[int]) -> None:
    pieces: list[Piece] = []
    for at, text in enumerate(texts):
        pieces.append((at, f"id{at}", "add", ""))
        for cut in cuts:
            pieces.append((at, "", None, text[:cut]))
            text = text[cut:]
        pieces.append((at, "", None, text))
    assert merged(*pieces) == [("add", json.loads(text)) for text in texts]


@pytest.mark.parametrize("text", ["", " ", "null", "{}", None])
def test_no_arguments_are_none_however_they_are_written(text: object) -> None:
    assert fit_arguments(text, None).arguments == {}


@pytest.mark.parametrize(
    "text",
    [
        '{"x":',
        "[1]",
        '"text"',
        "5",
        '{"x": NaN}',
        "{" * 50_000,
        '{"a":' * 300 + "1" + "}" * 300,
        "true",
    ],
)
def test_what_is_no_object_is_never_arguments(text: str) -> None:
    with pytest.raises(ValueError, match=r"arguments|JSON"):
        fit_arguments(text, None)


@given(st.integers())
def test_integers_of_any_size_stay_what_they_are(number: int) -> None:
    assert fit_arguments(json.dumps({"n": number}), None).arguments == {"n": number}
