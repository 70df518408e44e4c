"""Sessions of an agent: what comes back, what is added, and what never is."""

import asyncio
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from agentsdk.agent import Agent
from agentsdk.budget import Budget
from agentsdk.errors import ConfigurationError, ModelUnavailable, RunChanged
from agentsdk.events import Condensed
from agentsdk.function_tool import tool
from agentsdk.memory import Memory
from agentsdk.messages import Message
from agentsdk.models.connect import connect
from agentsdk.models.model import Request
from agentsdk.store import RunRecord, open_store
from agentsdk.testing.scripted import Line, ScriptedModel, call
from agentsdk.testing.standin import Standin

LONG = "the harbour and its cranes were looked at again. " * 15


def count(request: Request) -> Line:
    """Say how many turns the model was shown."""
    return f"{sum(m.role == 'user' for m in request.messages)} said"


@tool
def look(q: str) -> str:
    """Return what is known."""
    return f"All about {q}: {LONG}"


@tool(needs_approval=True)
def send(to: str) -> str:
    """Send something."""
    return f"sent to {to}"


def test_earlier_turns_come_back_and_those_of_other_sessions_do_not(tmp_path: Path) -> None:
    model = ScriptedModel([count] * 4)
    agent = Agent(model, store=tmp_path / "runs.db")
    assert agent.run("one", session="anna").text == "1 said"
    assert agent.run("two", session="anna").text == "2 said"
    assert agent.run("other", session="bob").text == "1 said"
    assert agent.run("alone").text == "1 said"
    assert [m.text for m in model.requests[1].messages[1:]] == ["one", "1 said", "two"]
    assert [(s.name, s.turns) for s in agent.sessions.list()] == [("bob", 1), ("anna", 2)]


def test_a_session_goes_on_in_another_process(tmp_path: Path) -> None:
    code = """
import sys
from agentsdk import Agent
from agentsdk.testing import ScriptedModel
count = lambda request: f"{sum(m.role == 'user' for m in request.messages)} said"
print(Agent(ScriptedModel([count]), store=sys.argv[1]).run(sys.argv[2], session="anna").text)
"""
    store = str(tmp_path / "runs.db")
    said = [
        subprocess.run(
            [sys.executable, "-c", code, store, q], capture_output=True, text=True, check=True
        ).stdout
        for q in ("one", "two")
    ]
    assert said == ["1 said\n", "2 said\n"]
    running = [
        subprocess.Popen([sys.executable, "-c", code, store, q], stdout=subprocess.PIPE, text=True)
        for q in ("three", "four", "five")
    ]
    assert sorted(p.communicate()[0] for p in running) == ["3 said\n", "4 said\n", "5 said\n"]
    assert len(Agent(ScriptedModel([]), store=store).sessions.show("anna")) == 5


def test_runs_at_once_in_threads_and_tasks_come_one_after_another(tmp_path: Path) -> None:
    agent = Agent(ScriptedModel([count] * 8), store=tmp_path / "runs.db")
    said: list[str] = []

    def ask(number: int) -> None:
        said.append(agent.run(f"q{number}", session="anna").text)

    async def many() -> None:
        answers = await asyncio.gather(*(agent.arun(f"a{n}", session="anna") for n in range(4)))
        said.extend(a.text for a in answers)

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    asyncio.run(many())
    for thread in threads:
        thread.join()
    assert sorted(said) == [f"{n} said" for n in range(1, 9)]
    assert len(agent.sessions.show("anna")) == 8


def test_a_run_that_fails_adds_nothing_and_the_session_is_free_again(tmp_path: Path) -> None:
    agent = Agent(ScriptedModel([ModelUnavailable("down"), count]), store=tmp_path / "runs.db")
    with pytest.raises(ModelUnavailable):
        agent.run("one", session="anna")
    assert agent.run("two", session="anna").text == "1 said"


def test_a_summary_is_made_once_for_the_turns_that_it_covers(tmp_path: Path) -> None:
    summaries = []

    def reply(request: Request) -> Line:
        if request.messages[0].role == "user":
            summaries.append(request.messages[0].text)
            return "They spoke of cranes [t1]."
        return "Noted."

    model = ScriptedModel([reply] * 60)
    agent = Agent(model, store=tmp_path / "runs.db", memory=Memory(1_600, keep_turns=1))
    for n in range(12):
        events = list(agent.stream(f"turn {n}: {LONG}", session="anna"))
        condensed = [e for e in events if isinstance(e, Condensed)]
        assert all(e.after <= 1_600 for e in condensed)
    assert 1 < len(summaries) < 8
    assert all(sum(f"turn {n}: " in text for text in summaries) <= 1 for n in range(12))
    assert "They spoke of cranes [t1]." in model.requests[-1].messages[1].text
    assert len(agent.sessions.show("anna")) == 12


def test_the_results_of_an_earlier_run_are_opened_by_their_ids(tmp_path: Path) -> None:
    model = ScriptedModel(
        [
            call("look", q="crane 7"),
            "It is sound.",
            call("recall", id="t1"),
            call("recall", id="t1.c1"),
            "Sound, as I said.",
        ]
    )
    store = tmp_path / "runs.db"
    Agent(model, tools=[look], store=store).run("Is crane 7 sound? " + LONG * 2, session="anna")
    memory = Memory(420, keep_turns=1, how="filter")
    answer = Agent(model, tools=[look], store=store, memory=memory).run("And now?", session="anna")
    turn, step = answer.steps
    assert "[t1.c1] look" in turn.value
    assert step.value == f"All about crane 7: {LONG}"


def test_a_run_that_waits_for_approval_adds_its_turn_when_it_was_resumed(tmp_path: Path) -> None:
    model = ScriptedModel([count, call("send", to="bob"), count, "Sent."])
    agent = Agent(model, tools=[send], store=tmp_path / "runs.db")
    agent.run("one", session="anna")
    waiting = agent.run("send it", session="anna")
    assert waiting.status == "needs_approval"
    assert agent.run("meanwhile", session="anna").text == "2 said"
    done = agent.resume(waiting.run_id, decisions={"c1": True})
    assert (done.status, done.text) == ("answered", "Sent.")
    assert [m.text for m in done.messages] == ["one", "1 said", "send it", "Sent."]
    assert [t.question for t in agent.sessions.show("anna")] == ["one", "meanwhile", "send it"]
    assert agent.resume(waiting.run_id) == done
    assert len(agent.sessions.show("anna")) == 3


def test_a_run_whose_session_was_deleted_cannot_go_on(tmp_path: Path) -> None:
    agent = Agent(ScriptedModel([count, call("send", to="bob")]), tools=[send], store=tmp_path / "runs.db")
    agent.run("one", session="anna")
    waiting = agent.run("send it", session="anna")
    agent.sessions.delete("anna")
    with pytest.raises(RunChanged, match="anna"):
        agent.resume(waiting.run_id, decisions={"c1": True})


def test_what_a_session_takes_on_disk_grows_with_what_was_said_and_not_with_its_square(tmp_path: Path) -> None:
    store = tmp_path / "runs.db"
    agent = Agent(ScriptedModel([lambda _request: "a" * 300] * 120), store=store, memory=Memory(how="filter"))

    def size() -> int:
        return sum(f.stat().st_size for f in tmp_path.iterdir())

    sizes = []
    for n in range(120):
        agent.run(f"{n} " + "q" * 300, session="anna")
        if n in (39, 79, 119):
            asyncio.run(agent.sessions._store.close())  # folds the log into the file
            sizes.append(size())
    first, second = sizes[1] - sizes[0], sizes[2] - sizes[1]
    assert second < 1.3 * first
    assert sizes[2] < 15 * 120 * 600


def test_a_session_needs_a_store_and_no_history_beside_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="store"):
        Agent(ScriptedModel([])).run("hi", session="anna")
    with pytest.raises(ConfigurationError, match="store"):
        Agent(ScriptedModel([])).sessions.list()
    with pytest.raises(ConfigurationError, match="history"):
        Agent(ScriptedModel([]), store=tmp_path / "runs.db").run(
            "hi", session="anna", history=[Message.user("a")]
        )
    with pytest.raises(ConfigurationError):
        Agent(ScriptedModel([]), store=tmp_path / "runs.db").run("hi", session="")


def test_a_summary_that_was_made_is_not_made_again_when_the_run_goes_on(tmp_path: Path) -> None:
    calls = []

    def reply(request: Request) -> Line:
        calls.append(request)
        if request.messages[0].role == "user":
            return "They spoke of cranes [t1]."
        sent = any(m.role == "tool" for m in request.messages)
        return "Sent." if sent else call("send", to="bob")

    agent = Agent(
        ScriptedModel([reply] * 20),
        tools=[send],
        store=tmp_path / "runs.db",
        memory=Memory(900, keep_turns=1),
        budget=Budget(calls=None),
    )
    history = [m for n in range(6) for m in (Message.user(f"{n} {LONG}"), Message.assistant("Noted."))]
    waiting = agent.run("send it", history=history)
    before = len(calls)
    assert before > 1
    done = agent.resume(waiting.run_id, decisions={"c1": True})
    assert done.text == "Sent."
    assert len(calls) == before + 1


def test_a_killed_run_leaves_its_session_free_and_adds_its_turn_once_it_has_gone_on(tmp_path: Path) -> None:
    code = """
import sys, time
from agentsdk import Agent, tool
from agentsdk.testing import ScriptedModel, call

@tool
def look(q: str) -> str:
    \"\"\"Return what is known.\"\"\"
    print("looking", flush=True)
    time.sleep(600)
    return q

Agent(ScriptedModel([call("look", q="crane")]), tools=[look], store=sys.argv[1]).run("Is it sound?", session="anna")
"""
    store = str(tmp_path / "runs.db")
    running = subprocess.Popen([sys.executable, "-c", code, store], stdout=subprocess.PIPE, text=True)
    assert running.stdout is not None
    assert running.stdout.readline() == "looking\n"
    running.kill()
    running.communicate()
    agent = Agent(ScriptedModel([count, "It is sound."]), tools=[look], store=store)
    assert agent.run("meanwhile", session="anna").text == "1 said"
    run_id = next(r.id for r in asyncio.run(_runs(store)) if r.status != "done")
    assert agent.resume(run_id).text == "It is sound."
    assert agent.resume(run_id).text == "It is sound."
    assert [t.question for t in agent.sessions.show("anna")] == ["meanwhile", "Is it sound?"]


async def _runs(store: str) -> list[RunRecord]:
    return await open_store(store).runs()


def test_what_a_run_asks_its_person_is_a_turn_and_what_it_then_answers_another(tmp_path: Path) -> None:
    asks = call("make_plan", steps=[{"id": "s1", "do": "ask", "in": {"question": "Which crane?"}}])
    agent = Agent(ScriptedModel([asks, "Crane 7 is sound."]), tools=[look], store=tmp_path / "runs.db")
    waiting = agent.run("Is it sound?", session="anna")
    assert (waiting.status, waiting.text) == ("needs_input", "Which crane?")
    done = agent.resume(waiting.run_id, decisions={"s1": "7"})
    assert done.text == "Crane 7 is sound."
    assert [t.answer for t in agent.sessions.show("anna")] == ["Which crane?", "Crane 7 is sound."]
    assert {t.run for t in agent.sessions.show("anna")} == {waiting.run_id}


def test_a_run_that_goes_on_shortens_as_it_did_whatever_window_its_server_tells_now(tmp_path: Path) -> None:
    history = [m for n in range(6) for m in (Message.user(f"{n} {LONG * 2}"), Message.assistant("Noted."))]

    def agent(server: Standin) -> Agent:
        model = connect("ollama:llama3.1", base_url=server.url("ollama"))
        return Agent(model, tools=[send], store=tmp_path / "runs.db")

    with Standin() as server:
        server.model("llama3.1", context=2_048, tools=True)
        server.say("They spoke of cranes [t1].", when="Tell in short what stands").call("send", to="bob")
        waiting = agent(server).run("send it", history=history)
        assert waiting.status == "needs_approval"
        assert len(server.requests) > 2
    with Standin() as server:
        server.model("llama3.1", context=131_072, tools=True).say("Sent.")
        done = agent(server).resume(waiting.run_id, decisions={"c1": True})
        chats = [r for r in server.requests if r.path.endswith("/chat")]
    assert done.text == "Sent."
    assert len(chats) == 1
    assert "They spoke of cranes" in str(chats[0].body)
