"""What was found out about servers is bounded, and none of it passes from one test to the next."""

import asyncio

import pytest

from agentsdk import Message
from agentsdk.models.model import Request
from agentsdk.models.ollama import OllamaModel
from agentsdk.models.remembered import MOST, Remembered, forget
from agentsdk.testing.standin import Standin

pytest_plugins = ["pytester"]


def test_what_was_set_longest_ago_goes_first() -> None:
    kept = Remembered[int]()
    for at in range(MOST):
        kept.set(("http://a", str(at)), at)
    kept.set(("http://a", "0"), -1)
    kept.set(("http://a", "new"), 1)
    assert kept.get(("http://a", "1")) is None
    assert (kept.get(("http://a", "0")), kept.get(("http://a", "new")), kept.get(("http://a", "2"))) == (
        -1,
        1,
        2,
    )


def test_another_server_at_an_old_address_is_asked_as_if_for_the_first_time() -> None:
    with Standin() as old:
        old.fault(400, message='"qwen3:8b" does not support thinking').say("ok")
        model = OllamaModel("qwen3:8b", base_url=old.url("ollama"))
        asking = Request((Message.user("Hi"),), thinking="high")
        asyncio.run(model.complete(asking))
        assert ["think" in asked.body for asked in old.requests] == [True, False]
        old.say("ok")
        asyncio.run(model.complete(asking))
        assert "think" not in old.requests[-1].body
        forget()
        old.say("ok")
        asyncio.run(model.complete(asking))
        assert old.requests[-1].body["think"] is True


def test_a_test_begins_with_nothing_learned(pytester: pytest.Pytester) -> None:
    pytester.makeconftest('pytest_plugins = ["agentsdk.testing.plugin"]')
    pytester.makepyfile("""
        from agentsdk.models.window import RUNGS, rung

        def test_the_window_grows():
            assert rung(("http://a", "m"), 100_000, 200_000) == RUNGS[3]

        def test_the_next_test_knows_nothing_of_it():
            assert rung(("http://a", "m"), 10, 200_000) == RUNGS[0]
    """)
    pytester.runpytest_subprocess("-q", "-n0").assert_outcomes(passed=2)
