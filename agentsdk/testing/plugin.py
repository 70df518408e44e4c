"""The pytest plugin: `@pytest.mark.cassette`, `--record`, and no network for tests.

Opted into from conftest.py, so that it costs nothing to tests of other projects:

    pytest_plugins = ["agentsdk.testing.plugin"]
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from agentsdk.testing import http
from agentsdk.testing.standin import Standin
from agentsdk.testing.tape import Tape


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --record and the folder of the cassettes."""
    group = parser.getgroup("agentsdk")
    group.addoption(
        "--record",
        choices=("none", "missing", "all"),
        default="none",
        help="none: replay, never record (default); missing: record what is not there; all: record anew",
    )
    parser.addini("cassettes", "folder of the cassettes", default="cassettes")


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker, and keep tests on this machine."""
    config.addinivalue_line("markers", "cassette: record this test's requests once, and replay them ever after")
    http.only_loopback = True
    stack = ExitStack()
    stack.enter_context(http.intercepting())
    config.add_cleanup(stack.close)


def cassette_path(item: pytest.Item) -> Path:
    """Return the file of a test: tests/models/test_x.py::test_hi -> cassettes/models/test_x/test_hi.jsonl."""
    root = item.config.rootpath
    folder = root / str(item.config.getini("cassettes"))
    parts = list(item.path.relative_to(root).with_suffix("").parts)
    name = "".join(c if c.isalnum() or c in "-_" else "-" for c in item.name).rstrip("-")
    return folder.joinpath(*parts[1:] if parts[0] == "tests" else parts, f"{name}.jsonl")


def pytest_runtest_setup() -> None:
    """Let a test begin with nothing learned of any server: the next one on loopback may get the port of the last."""
    if remembered := sys.modules.get("agentsdk.models.remembered"):
        remembered.forget()


# A hook and not a fixture: a fixture never sees the exception its test raised.
@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    """Run a marked test on its cassette; recorded exchanges that it did not ask for are a failure."""
    if item.get_closest_marker("cassette") is None:
        return (yield)
    tape = Tape(cassette_path(item), item.config.getoption("--record"))
    with http.playing(tape):
        result = yield
    if tape.mode == "none" and tape.unused:
        asked = ", ".join(f"number {e.number} ({e.ask.path})" for e in tape.unused)
        pytest.fail(
            f"{tape.path.name} holds exchanges that the test did not ask for: {asked}. "
            "Record it again: pytest --record=all",
            pytrace=False,
        )
    return result


@pytest.fixture
def standin(request: pytest.FixtureRequest) -> Iterator[Standin]:
    """Yield a stand-in provider; `@pytest.mark.parametrize("standin", ["groq"], indirect=True)` makes it a Groq."""
    with Standin(getattr(request, "param", "openai")) as server:
        yield server


@pytest.fixture
def provider(request: pytest.FixtureRequest) -> Iterator[Callable[..., str]]:
    """Return where a provider is: `provider("openai", lambda s: s.say("hello"))` is a base URL.

    While recording it is a stand-in that answers by the script; while replaying nothing is there, and nothing
    needs to be.
    """
    with ExitStack() as stack:

        def url(name: Any, script: Callable[[Standin], object]) -> str:
            if request.config.getoption("--record") == "none":
                return {"openai": "http://replay.invalid/v1", "dashscope": "http://replay.invalid/api/v1"}.get(
                    name, "http://replay.invalid"
                )
            server = stack.enter_context(Standin())
            script(server)
            return server.url(name)

        yield url
