"""4b: Use inner monologue or a sequence of queries to hide the model's reasoning process."""

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from agentsdk import Agent
from agentsdk.checks import Private
from agentsdk.events import Draft, Finished
from agentsdk.messages import Message
from agentsdk.models.model import Reply
from agentsdk.testing.scripted import ScriptedModel

WORD = st.sampled_from(
    ["so", "the", "pupil", "forgot", "a", "factor", "of", "two", "here", "and", "must", "retry"]
)
SOME = st.lists(WORD, min_size=1, max_size=25)


def runs(text: str) -> set[tuple[str, ...]]:
    words = re.findall(r"\w+", text)
    return {tuple(words[i : i + 8]) for i in range(len(words) - 7)}


@settings(max_examples=40, deadline=None)
@given(SOME, SOME, st.integers(0, 25), st.integers(0, 25))
def test_no_eight_private_words_in_a_row_are_shown(
    hidden: list[str], public: list[str], a: int, b: int
) -> None:
    leak = " ".join(hidden[min(a, b) : max(a, b)])
    thought = " ".join(hidden)
    reply = Reply(Message("assistant", f"{' '.join(public)}. {leak}. Try again.", reasoning=thought))
    events = list(Agent(ScriptedModel([reply, reply]), checks=[Private()]).stream("q"))
    shown = "".join(e.text for e in events if isinstance(e, Draft))
    assert isinstance(events[-1], Finished)
    assert shown == events[-1].answer.text
    assert runs(shown) & runs(thought) == set()
