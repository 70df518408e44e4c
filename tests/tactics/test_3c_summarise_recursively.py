"""Tactic 3c, summarise long documents piecewise and construct a full summary recursively."""

import json
import re

from hypothesis import given, settings
from hypothesis import strategies as st

from agentsdk import Agent, Budget, Plan
from agentsdk.evidence import Passage
from agentsdk.function_tool import tool
from agentsdk.models.model import Request
from agentsdk.models.tokens import estimate
from agentsdk.testing.scripted import ScriptedModel

WORDS = st.sampled_from(
    ["One sentence. ", "第二句话。", "\n\n", "a long paragraph without any end ", "，", "\n"]
)


def material(request: Request) -> list[str]:
    """Return the pieces that a request shows."""
    text = request.messages[-1].text
    found = re.search(r"<material-(\w+)>\n(.*)\n</material-\1>", text, re.DOTALL)
    assert found
    pieces: list[str] = json.loads(found[2])["pieces"]
    return pieces


def summarise(document: str, tokens: int, *, running: bool = False) -> tuple[list[Request], str]:
    """Return what was asked of the model, and the summary."""
    count = 0

    def reply(request: Request) -> str:
        nonlocal count
        if any(m.role == "tool" for m in request.messages):
            return "Done."
        count += 1
        return f"[summary {count}]"

    options = {"goal": "Summarise.", "tokens": tokens} | ({"running": True} if running else {})
    plan = Plan.from_dict([{"id": "s1", "do": "reduce", "over": document, "in": options}])
    model = ScriptedModel([reply] * 400)
    answer = Agent(model, budget=Budget(calls=400)).run(plan)
    assert answer.steps[0].status == "done", answer.steps[0].error
    return model.requests[:-1], answer.steps[0].value


@settings(max_examples=40, deadline=None)
@given(st.lists(WORDS, min_size=1, max_size=120).map("".join).filter(str.strip), st.integers(15, 60))
def test_every_leaf_of_a_long_document_is_covered_exactly_once(document: str, tokens: int) -> None:
    requests, summary = summarise(document, tokens)
    leaves = [p for r in requests for p in material(r) if not p.startswith("[summary")]
    assert "".join(leaves) == document
    assert all(estimate(leaf) <= tokens or len(leaf) <= tokens // 3 for leaf in leaves)
    above = [p for r in requests for p in material(r) if p.startswith("[summary")]
    assert len(above) == len(set(above)) == len(requests) - 1
    assert summary.startswith("[summary") or len(requests) == 1


def test_a_running_summary_goes_from_beginning_to_end_and_is_told_what_came_before() -> None:
    document = "".join(f"Chapter {i} tells of a journey to the town of number {i}. " for i in range(20))
    requests, summary = summarise(document, 60, running=True)
    assert "".join(p for r in requests for p in material(r)) == document
    assert "so_far" not in requests[0].messages[0].text
    for at, request in enumerate(requests[1:], 1):
        assert f'"so_far": "[summary {at}]"' in request.messages[0].text
    assert summary == f"[summary {len(requests)}]"


def test_each_node_keeps_its_sources_so_a_summary_of_summaries_is_quoted_from_them() -> None:
    pages = [
        Passage(f"Lamp {i} costs {i} euros. " + "It shines. " * 30, f"page{i}.md", start=7 * i)
        for i in range(6)
    ]

    @tool
    def read() -> list[Passage]:
        """Return the pages."""
        return pages

    def reply(request: Request) -> str:
        text = request.messages[-1].text
        if any(m.role == "tool" for m in request.messages):
            return 'The dearest costs 5 euros [p6: "Lamp 5 costs 5 euros"].'
        shown = re.findall(r'<passage-\w+ id="(p\d+)"[^>]*>\n(Lamp \d costs \d euros)', text)
        return " ".join(f'{words} [{number}: "{words}"].' for number, words in shown)

    steps = [
        {"id": "s1", "do": "read"},
        {"id": "s2", "do": "reduce", "over": {"$": "s1"}, "in": {"goal": "Prices.", "tokens": 250}},
    ]
    model = ScriptedModel([reply] * 20)
    answer = Agent(model, tools=[read]).run(Plan.from_dict(steps))
    found = answer.steps[1]
    assert len(model.requests) > 3  # more than one level
    assert [(p.source, p.text) for p in found.passages] == [
        (f"page{i}.md", f"Lamp {i} costs {i} euros") for i in range(6)
    ]
    assert "[p" not in found.value
    (citation,) = answer.citations
    assert (citation.source, citation.quote, citation.start) == ("page5.md", "Lamp 5 costs 5 euros", 35)


def test_a_file_that_is_one_long_passage_is_read_in_pieces_each_with_its_own_place() -> None:
    text = "".join(f"Lamp {i} costs {i} euros.\n" for i in range(60))

    @tool
    def read() -> Passage:
        """Return the file."""
        return Passage(text, "lamps.md", start=1_000, line=5)

    def reply(request: Request) -> str:
        if any(m.role == "tool" for m in request.messages):
            return "Done."
        shown = re.findall(r"(?:Lamp \d+ costs \d+ euros\.\n?)+", request.messages[0].text)
        assert all(estimate(piece) <= 100 for piece in shown)
        last = re.findall(r"Lamp \d+ costs \d+ euros", request.messages[0].text)[-1]
        return f'The last is [p1: "{last}"].'

    steps = [
        {"id": "s1", "do": "read"},
        {"id": "s2", "do": "reduce", "over": {"$": "s1"}, "in": {"goal": "The last lamp.", "tokens": 100}},
    ]
    model = ScriptedModel([reply] * 60)
    answer = Agent(model, tools=[read], budget=Budget(calls=60)).run(Plan.from_dict(steps))
    (proof,) = answer.steps[1].passages
    assert text[proof.start - 1_000 :].startswith(proof.text)
    assert (proof.line - 5, proof.text) == (text[: proof.start - 1_000].count("\n"), "Lamp 59 costs 59 euros")
    assert len(model.requests) > 6  # pieces, their summary, the answer
