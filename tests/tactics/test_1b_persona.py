"""Tactic 1b, a persona: in the system part alone, with a digest, so that another persona is another recording."""

from pathlib import Path

import pytest

from agentsdk.agent import Agent
from agentsdk.errors import CassetteMiss
from agentsdk.events import RunStarted
from agentsdk.instructions import Persona
from agentsdk.models.connect import connect
from agentsdk.testing.http import playing
from agentsdk.testing.scripted import ScriptedModel
from agentsdk.testing.standin import Standin
from agentsdk.testing.tape import Tape

ADA = Persona("Ada", "You are Ada, a patient librarian.")


def test_the_persona_stands_in_the_system_part_and_nowhere_else() -> None:
    model = ScriptedModel(["ok"])
    Agent(model, instructions=ADA).run("hi")
    system, *rest = model.requests[0].messages
    assert system.role == "system"
    assert system.text.startswith("You are Ada")
    assert not any("Ada" in m.text for m in rest)


def test_a_run_says_which_persona_it_had_by_a_digest_of_its_words() -> None:
    labels = []
    for words in ("You are Ada, a patient librarian.", "You are Ada, a patient librarian!"):
        events = list(Agent(ScriptedModel(["ok"]), instructions=Persona("Ada", words)).stream("hi"))
        labels += [e.persona for e in events if isinstance(e, RunStarted)]
    assert labels[0] == ADA.label
    assert labels[0] != labels[1]


@pytest.mark.parametrize("name", ["openai:gpt-4o-mini", "ollama:llama3.1", "dashscope:qwen-plus"])
def test_a_recording_of_one_persona_is_not_taken_for_that_of_another(name: str, tmp_path: Path) -> None:
    provider = name.partition(":")[0]
    tape = tmp_path / "persona.jsonl"

    def ask(persona: Persona, url: str) -> str:
        return Agent(connect(name, base_url=url, api_key="none"), instructions=persona).run("hi").text

    with Standin() as server, playing(Tape(tape, "all")) as recording:
        url = server.url(provider)  # type: ignore[arg-type]  # the three of them
        server.say("Good day.")
        assert ask(ADA, url) == "Good day."
    recording.close()
    with playing(Tape(tape)):
        assert ask(ADA, url) == "Good day."
    with playing(Tape(tape)), pytest.raises(CassetteMiss, match="messages"):
        ask(Persona("Ada", "You are Ada, an impatient librarian."), url)
