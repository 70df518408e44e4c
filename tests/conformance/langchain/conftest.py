"""Starts the stand-in, keeps the media tests on this machine, and counts what passed, failed and was skipped."""

from __future__ import annotations

import base64
import os
from collections.abc import Generator
from types import SimpleNamespace
from typing import Any

import pytest
from langchain_tests.integration_tests import chat_models

from agentsdk import fetch
from agentsdk.fetch import Page
from tests.conformance.langchain.answering import SERVER, answer
from tests.conformance.langchain.table import Outcome, Table

TABLE = pytest.StashKey[Table]()

MODELS = (
    "gpt-4o-audio-preview", "gpt-4o", "gpt-4o-mini", "gpt-5-mini", "gpt-5", "llama3.2-vision", "llama3.1", "qwen3:8b",
    "qwen3-omni-flash", "qwen3-vl-plus",
)  # fmt: skip
"""What the suites ask for; Ollama's say in /api/show that they take pictures."""

FILES = {
    "png": base64.b64decode(
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
    ),
    "pdf": b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n",
    "wav": b"RIFF\x24\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00\x40\x1f\x00\x00\x80\x3e\x00\x00\x02\x00\x10\x00"
    b"data\x00\x00\x00\x00",
}
"""By the end of the address: what the media tests would download."""


def _get(url: str, **_options: Any) -> Any:
    return SimpleNamespace(content=FILES[url.rsplit(".", 1)[-1]], raise_for_status=lambda: None)


async def _fetch(url: str, **_options: Any) -> Page:
    return Page(url, 200, "image/png", "", FILES["png"])


def pytest_configure(config: pytest.Config) -> None:
    os.environ["LANGCHAIN_TESTS_USER_AGENT"] = (
        "agentsdk-conformance"  # asked for by the suite, and sent nowhere
    )
    config.stash[TABLE] = Table()
    chat_models.httpx = SimpleNamespace(get=_get)
    fetch.fetch = _fetch  # Ollama takes no address, so that ours fetches what the suite names
    for name in MODELS:
        SERVER.model(name, vision=True)
    SERVER.answer(answer)
    SERVER.__enter__()


def pytest_unconfigure() -> None:
    SERVER.close()


@pytest.fixture(scope="module")
def vcr_config() -> dict[str, Any]:
    """The stand-in's port differs from run to run."""
    return {"match_on": ["method", "path", "body"], "filter_headers": ["authorization"]}


@pytest.fixture(scope="module")
def vcr_cassette_dir(request: pytest.FixtureRequest) -> str:
    return str(request.config.getoption("--tapes"))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--part", action="store_true", help="some of the tests are run: count none")
    parser.addoption("--tapes", required=True, help="folder for what the streaming test records and replays")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, Any]:
    report = yield
    suite = getattr(item, "cls", None)
    if suite is not None and (report.when == "call" or report.skipped or report.failed):
        reason = (
            report.longrepr[2].removeprefix("Skipped: ")
            if report.skipped and not hasattr(report, "wasxfail")
            else ""
        )
        outcome = "xfail" if hasattr(report, "wasxfail") else report.outcome
        item.config.stash[TABLE].add(
            Outcome(suite.adapter, suite.method, getattr(item, "originalname", item.name), outcome, reason),
            suite.lacks,
        )
    return report


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    if config.getoption("--part"):
        return
    terminalreporter.write_line("")
    for line in config.stash[TABLE].lines():
        terminalreporter.write_line(line)


def pytest_sessionfinish(session: pytest.Session) -> None:
    part = session.config.getoption("--part")
    if not part and session.config.stash[TABLE].faults() and session.exitstatus == 0:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
