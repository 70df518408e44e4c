"""2a: Instruct the model to answer using a reference text."""

from agentsdk import Agent, References
from agentsdk.checks import Sourced
from agentsdk.testing.scripted import ScriptedModel, call

TEXTS = {"guide.md": "# Power\n\nThe adapter is rated at 5 V. The cable is two metres long.\n"}
DRAFT = 'The adapter gives 5 V [p1: "rated at 5 V"]. The maker has been in Oslo since 1970.'


def test_closed_book_every_statement_has_a_source_or_is_flagged() -> None:
    def agent(*script: object) -> Agent:
        return Agent(
            ScriptedModel([call("look_up", query="adapter voltage"), *script]),  # type: ignore[list-item]  # texts
            references=References.from_texts(TEXTS),
            checks=[Sourced()],
        )

    mended = agent(DRAFT, 'The adapter gives 5 V [p1: "rated at 5 V"].').run("Which voltage?")
    assert (mended.text, mended.findings) == ("The adapter gives 5 V [1].", ())
    flagged = agent(DRAFT, DRAFT).run("Which voltage?")
    assert [(f.kind, f.text) for f in flagged.findings] == [
        ("uncited", "No source is given for: The maker has been in Oslo since 1970.")
    ]


def test_what_the_texts_do_not_hold_is_an_outcome_of_its_own() -> None:
    model = ScriptedModel(
        [call("look_up", query="parking"), "[not_found] The guide says nothing about parking."]
    )
    answer = Agent(model, references=References.from_texts(TEXTS), checks=[Sourced()]).run("Where can I park?")
    assert (answer.status, answer.citations, answer.findings) == ("not_found", (), ())
