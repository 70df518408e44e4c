"""The search against a server on loopback in the engine's place: real ddgs, real primp, real parsing."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from agentsdk.errors import ToolError
from agentsdk_tools.web_search import search

RESULT = (
    "<html><body><div class='links_main body'><h2>The Salt Tower</h2><a href='https://example.com/tower'>"
    "It is 58 metres high.</a></div></body></html>"
)


class Engine(BaseHTTPRequestHandler):
    status = 200
    body = ""

    def do_GET(self) -> None:
        self.send_response(self.status)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(self.body.encode())))
        self.end_headers()
        self.wfile.write(self.body.encode())

    do_POST = do_GET  # noqa: N815  # the name that http.server calls

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Engine]]:
    from ddgs.engines.duckduckgo import Duckduckgo

    server = ThreadingHTTPServer(("127.0.0.1", 0), Engine)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setattr(Duckduckgo, "search_url", f"http://127.0.0.1:{server.server_address[1]}/html/")
    yield Engine
    server.shutdown()
    server.server_close()


def test_what_the_engine_finds_comes_as_title_url_and_snippet(engine: type[Engine]) -> None:
    engine.status, engine.body = 200, RESULT
    assert search("salt tower") == [
        {"title": "The Salt Tower", "url": "https://example.com/tower", "snippet": "It is 58 metres high."}
    ]


@pytest.mark.parametrize("status", [202, 403, 429, 503])
def test_a_refusal_is_told_apart_from_no_results(engine: type[Engine], status: int) -> None:
    engine.status, engine.body = status, "blocked"
    with pytest.raises(ToolError, match=str(status)):
        search("anything")


def test_an_honest_nothing_is_an_empty_list(engine: type[Engine]) -> None:
    engine.status, engine.body = 200, "<html><body>No results.</body></html>"
    assert search("anything") == []


def test_no_network_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    from ddgs.engines.duckduckgo import Duckduckgo

    monkeypatch.setattr(Duckduckgo, "search_url", "http://127.0.0.1:9/html/")
    with pytest.raises(ToolError, match="cannot be reached"):
        search("anything")


def test_an_empty_query_is_refused() -> None:
    with pytest.raises(ToolError, match="empty"):
        search("  ")
