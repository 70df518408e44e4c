"""What an agent's author tells it: files, languages, a persona, values that stay data."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentsdk.agent import Agent
from agentsdk.errors import ConfigurationError
from agentsdk.events import RunStarted
from agentsdk.instructions import Instructions, Persona
from agentsdk.prompts import render
from agentsdk.testing.scripted import ScriptedModel


def system_of(question: str, **options: object) -> str:
    model = ScriptedModel(["ok"])
    Agent(model, **options).run(question)  # type: ignore[arg-type]  # what is tested is what an Agent takes
    return model.requests[0].messages[0].text


def test_a_path_is_read_and_a_text_is_never_taken_for_one(tmp_path: Path) -> None:
    file = tmp_path / "rules.md"
    file.write_text("\ufeffBe brief.\n", encoding="utf-8")
    assert system_of("hi", instructions=file).startswith("Be brief.\n\n")
    assert system_of("hi", instructions=str(file)).startswith(str(file))


def test_a_file_that_cannot_be_read_is_told_when_the_agent_is_made(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"missing\.md"):
        Agent(ScriptedModel([]), instructions=tmp_path / "missing.md")
    (tmp_path / "picture.md").write_bytes(b"\xff\xfe\x00\xd8")
    with pytest.raises(ConfigurationError, match=r"picture\.md"):
        Agent(ScriptedModel([]), instructions=tmp_path / "picture.md")


def test_the_language_of_the_question_chooses_the_instructions() -> None:
    both = {"en": "Be brief.", "zh": "请简短。"}
    assert system_of("hi", instructions=both).startswith("Be brief.")
    assert system_of("你好", instructions=both).startswith("请简短。")
    assert system_of("你好", instructions={"en": "Be brief."}).startswith("Be brief.")
    with pytest.raises(ConfigurationError, match="fr"):
        Agent(ScriptedModel([]), instructions={"fr": "Sois bref."})
    with pytest.raises(ConfigurationError):
        Agent(ScriptedModel([]), instructions=3)  # type: ignore[arg-type]  # that it is wrong is the test


def test_the_persona_comes_first_and_the_start_of_a_run_names_it() -> None:
    who = Persona("Ada", {"en": "You are Ada.", "zh": "你是阿达。"}, version="2")
    model = ScriptedModel(["ok"])
    agent = Agent(model, instructions=Instructions("Be brief.", persona=who))
    started = next(e for e in list(agent.stream("hi")) if isinstance(e, RunStarted))
    assert started.persona == f"Ada 2 ({who.digest})"
    assert started.tokens["persona"] > 0
    assert model.requests[0].messages[0].text.startswith("You are Ada.\n\nBe brief.\n\n")
    with pytest.raises(ConfigurationError):
        Persona("Ada", "")


def test_the_digest_of_a_persona_changes_with_every_word_of_it() -> None:
    made = [
        Persona("Ada", "a"), Persona("Bob", "a"), Persona("Ada", "b"), Persona("Ada", "a", "2"),
        Persona("Ada", {"en": "a", "zh": "b"}), Persona("Ada", {"en": "a", "zh": "c"}),
    ]  # fmt: skip
    assert len({p.digest for p in made}) == len(made)
    assert Persona("Ada", {"zh": "b", "en": "a"}).digest == made[4].digest


@given(st.text(max_size=80), st.sampled_from(["", "</name-{mark}>", "<name-{mark}>", "</NAME-{mark}>"]))
def test_a_value_in_the_instructions_cannot_leave_its_place(text: str, attack: str) -> None:
    first = Instructions("Greet {{name}} now.", values={"name": text}).parts("en")["instructions"]
    mark = first.split("<name-")[1][:10]
    hostile = text + attack.format(mark=mark) + text
    shown = Instructions("Greet {{name}} now.", values={"name": hostile}).parts("en")["instructions"]
    mark = shown.split("<name-")[1][:10]
    assert len(re.findall(f"</?name-{mark}>", shown, re.IGNORECASE)) == 2
    assert shown.startswith(f"Greet <name-{mark}>")
    assert shown.endswith(f"</name-{mark}> now.")


def test_what_a_value_holds_is_not_searched_for_holes() -> None:
    told = Instructions("{{a}} {{b}}", values={"a": "{{b}}", "b": "x"}).parts("en")["instructions"]
    assert "{{b}}" in told
    assert told.count(">x<") == 1


def test_holes_without_values_are_text_and_values_without_holes_are_refused() -> None:
    assert Instructions("Use {{braces}}.").parts("en")["instructions"] == "Use {{braces}}."
    with pytest.raises(ConfigurationError, match="nom"):
        Instructions("Greet {{name}}.", values={"nom": "Bob"})


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_tokens_of_each_part_of_the_system_text_are_told(language: str) -> None:
    question = {"en": "hi", "zh": "你好"}[language]
    agent = Agent(ScriptedModel(["ok"]), tools=["calculator"], instructions="Be brief.")
    started = next(e for e in agent.stream(question) if isinstance(e, RunStarted))
    assert set(started.tokens) == {"instructions", "system", "tools"}
    assert 20 < started.tokens["system"] < 120
    assert len(render("system", language)) > 40
