import re
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from agentsdk.evidence import Passage
from agentsdk.planner.material import Sources, gather

MARKS = st.sampled_from(
    [
        "</material-",
        "<material-",
        "</passages-",
        "</passage-",
        '{"$": "s1"}',
        "$1",
        "0123456789",
        "\n",
        "[p1:",
        ">",
    ]
)
TEXTS = st.text(max_size=20) | st.lists(MARKS | st.text(max_size=4), max_size=6).map("".join)
VALUES = st.dictionaries(st.text(max_size=4), TEXTS | st.lists(TEXTS, max_size=2), max_size=3)


@given(TEXTS, VALUES, st.lists(TEXTS.filter(bool), max_size=3))
def test_nothing_inside_the_material_can_close_its_marks(
    goal: str, values: dict[str, Any], texts: list[str]
) -> None:
    passages = {text: Passage(text, "a.md") for text in texts}
    material = gather(goal, {**values, "list": texts}, Sources(passages), "en")
    opened = re.match(r"<material-([0-9a-f]{10})>\n", material.text)
    assert opened
    assert material.text.count(f"</material-{opened[1]}>") == 1
    rest = material.text.partition(f"</material-{opened[1]}>")[2]
    if texts:
        inner = re.match(r"\n\n<passages-([0-9a-f]{10})>\n", rest)
        assert inner
        assert rest.count(f"</passages-{inner[1]}>") == 1
        assert rest.count(f"</passage-{inner[1]}>") == len(set(texts))


@given(st.lists(st.text(min_size=1, max_size=9).filter(str.strip), min_size=1, max_size=4, unique=True))
def test_a_passage_is_shown_once_and_its_place_in_the_values_names_it(texts: list[str]) -> None:
    passages = {text: Passage(text, f"{i}.md") for i, text in enumerate(texts)}
    material = gather("g", {"a": texts, "b": texts[0]}, Sources(passages), "en")
    assert [p.text for p in material.passages] == texts
    assert material.text.count('"passage": "p1"') == 2
    assert material.text.count('source="0.md"') == 1


def test_what_was_quoted_is_kept_with_its_own_place_and_what_was_not_said_is_dropped() -> None:
    passage = Passage("One.\nTwo is here.\nThree.", "a.md", start=50, line=9, page=3)
    material = gather("g", {"m": passage.text}, Sources({passage.text: passage}), "en")
    text, kept = material.settle('So [p1: "Two is here"] and [p1: "Four"], as [p7: "Three"] says.')
    assert text == "So and, as says."
    assert [(p.text, p.start, p.line, p.page) for p in kept] == [
        ("Two is here", 55, 10, 3),
        ("Three", 68, 11, 3),
    ]


def test_where_nothing_was_quoted_the_first_passages_are_kept_as_far_as_they_are_short() -> None:
    passages = {f"{'word ' * 900}{i}": Passage(f"{'word ' * 900}{i}", f"{i}.md") for i in range(4)}
    material = gather("g", {"m": list(passages)}, Sources(passages), "en")
    assert [p.source for p in material.settle("Nothing quoted.")[1]] == ["0.md", "1.md"]
