"""Fetching: public addresses alone, whatever a URL tries; against a real server on loopback where it is let."""

import asyncio
import gzip
import ipaddress
import json
import threading
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from agentsdk.errors import ToolError
from agentsdk.fetch import Fetcher, Page, is_public
from agentsdk_tools.web_page import read_page

ATTACKS = Path(__file__).parents[2] / "shared" / "attacks" / "own.jsonl"
ARTICLE = (
    "<html><head><title>The Salt Tower</title><meta name='date' content='2024-05-06'></head><body><nav>Home Shop</nav>"
    "<article><h1>The Salt Tower</h1><p>The tower was finished in 1466 and is 58 metres high, as every child here knows.</p>"
    "<p>It was designed by Pieter Aldous, a master builder from the south.</p></article></body></html>"
)


TEXTS = {
    "shift_jis": "これは日本語の文章です。",
    "koi8-r": "Это русский текст",
    "gb18030": "这是一个中文网页。",
}


async def public(_host: str, _port: int) -> Sequence[str]:
    return ["93.184.216.34"]


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        headers, body, status = {}, b"", 200
        if self.path == "/page":
            headers, body = {"Content-Type": "text/html; charset=utf-8"}, ARTICLE.encode()
        elif self.path == "/bomb":
            headers, body = (
                {"Content-Type": "text/plain", "Content-Encoding": "gzip"},
                gzip.compress(b"0" * 50_000_000),
            )
        elif self.path == "/large":
            headers, body = {"Content-Type": "text/plain"}, b"x" * 2_000_000
        elif self.path == "/slow":
            threading.Event().wait(3)
        elif self.path.startswith("/to/"):
            status, headers = 302, {"Location": self.path[4:]}
        elif self.path == "/round":
            status, headers = 302, {"Location": "/round"}
        elif self.path.startswith("/as/"):
            kind, charset = self.path.removeprefix("/as/").split("/")
            headers = {"Content-Type": f"text/{kind}; charset={charset}"}
            body = TEXTS[charset].encode(charset)
        elif self.path == "/%C3%A4?q=%C3%B6":
            headers, body = {"Content-Type": "text/plain"}, b"found"
        elif self.path == "/cut":
            headers = {"Content-Type": "text/plain", "Content-Encoding": "gzip"}
            body = gzip.compress(b"hello world " * 1000)[:60]
        elif self.path == "/pdf":
            headers, body = {"Content-Type": "application/pdf"}, b"no PDF"
        elif self.path == "/long":
            headers, body = {"Content-Type": "text/plain"}, b"0123456789\n" * 4000
        elif self.path == "/gone":
            status = 404
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def port() -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


def near(port: int) -> Fetcher:
    """Return a fetcher that may reach this machine, at this port, by the name page.example."""

    async def resolve(host: str, _port: int) -> Sequence[str]:
        return ["127.0.0.1"] if host == "page.example" else ["10.0.0.1"]

    return Fetcher(resolve, lambda a: a == ipaddress.ip_address("127.0.0.1"), frozenset({port}))


def fetch(fetcher: Fetcher, url: str, **limits: float) -> Page:
    return asyncio.run(fetcher.fetch(url, **limits))  # type: ignore[arg-type]  # ints and floats


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/", "http://localhost/", "http://[::1]/", "http://169.254.169.254/latest/meta-data", "http://0.0.0.0/",
        "http://10.1.2.3/", "http://100.64.0.1/", "http://[64:ff9b::7f00:1]/", "http://[2002:7f00:1::]/", "http://[fec0::1]/",
        "http://[::ffff:127.0.0.1]/", "http://224.0.0.1/", "http://2130706433/", "http://0x7f000001/", "http://0177.0.0.1/",
        "http://127.1/", "http://127.0.0.1./", "http://user:pass@example.com/", "http://example.com:22/", "ftp://example.com/",
        "file:///etc/passwd", "gopher://example.com/", "http://intranet/", "http://exam%70le.com/", "http://example.com\\@127.0.0.1/",
        "http:///x", "", "not a url", "http://[::1", "http://例え.テスト:99999/", "http://example.com:0x50/", "javascript:alert(1)",
    ],
)  # fmt: skip
def test_what_is_not_public_is_refused_before_a_connection(url: str) -> None:
    connected: list[str] = []

    async def resolve(host: str, _port: int) -> Sequence[str]:
        connected.append(host)
        return ["127.0.0.1"]

    with pytest.raises(ToolError):
        fetch(Fetcher(resolve), url)


@pytest.mark.skipif(not ATTACKS.exists(), reason="../shared/attacks is not beside this checkout")
def test_known_attacks_are_refused() -> None:
    async def resolve(host: str, _port: int) -> Sequence[str]:
        return ["127.0.0.1"]

    for line in ATTACKS.read_text(encoding="utf-8").splitlines():
        attack = json.loads(line)
        if attack["kind"] == "ssrf_url" and attack["expect"] == "refused":
            with pytest.raises(ToolError):
                fetch(Fetcher(resolve), attack["text"])


def test_every_address_of_a_name_must_be_public() -> None:
    async def mixed(_host: str, _port: int) -> Sequence[str]:
        return ["93.184.216.34", "127.0.0.1"]

    with pytest.raises(ToolError, match="not fetched"):
        fetch(Fetcher(mixed), "http://example.com/")


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946", "8.8.8.8"])
def test_public_addresses_are_public(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


def test_a_page_is_fetched_from_the_address_that_was_checked(port: int) -> None:
    page = fetch(near(port), f"http://page.example:{port}/page")
    assert (page.status, page.media_type, page.charset) == (200, "text/html", "utf-8")
    assert b"1466" in page.body


def test_each_redirect_is_checked_again(port: int) -> None:
    fetcher = near(port)
    assert fetch(fetcher, f"http://page.example:{port}/to//page").status == 200
    for target in (
        f"http://intern.example:{port}/",
        "http://127.0.0.2/",
        "file:///etc/passwd",
        "http://page.example:22/",
    ):
        with pytest.raises(ToolError):
            fetch(fetcher, f"http://page.example:{port}/to/{target}")
    with pytest.raises(ToolError, match="redirects"):
        fetch(fetcher, f"http://page.example:{port}/round")


def test_size_and_time_end(port: int) -> None:
    fetcher = near(port)
    for path in ("bomb", "large"):
        with pytest.raises(ToolError, match="too large"):
            fetch(fetcher, f"http://page.example:{port}/{path}", most_bytes=1_000_000)
    with pytest.raises(ToolError, match="within"):
        fetch(fetcher, f"http://page.example:{port}/slow", seconds=0.3)


def test_no_network_is_told_apart_from_a_refusal() -> None:
    async def down(_host: str, _port: int) -> Sequence[str]:
        raise OSError("Temporary failure in name resolution")

    with pytest.raises(ToolError, match="not known") as error:
        fetch(Fetcher(down), "http://example.com/")
    assert "network" in error.value.fix


def test_a_page_is_read_as_text_with_title_and_date(port: int) -> None:
    passage = asyncio.run(read_page(f"http://page.example:{port}/page", near(port)))
    assert "58 metres" in passage.text
    assert "Shop" not in passage.text
    assert "The Salt Tower" in passage.heading
    assert "2024-05-06" in passage.heading
    with pytest.raises(ToolError, match="404"):
        asyncio.run(read_page(f"http://page.example:{port}/gone", near(port)))


def test_the_encoding_that_the_server_names_is_used(port: int) -> None:
    for charset, text in TEXTS.items():
        passage = asyncio.run(read_page(f"http://page.example:{port}/as/plain/{charset}", near(port)))
        assert passage.text == text


def test_addresses_that_people_write_are_fetched(port: int) -> None:
    assert fetch(near(port), f"http://page.example:{port}/ä?q=ö").body == b"found"
    assert fetch(near(port), f"http://page.example.:{port}/page").url == f"http://page.example:{port}/page"


def test_a_body_that_ends_too_early_is_not_taken_for_the_whole(port: int) -> None:
    with pytest.raises(ToolError, match="unpacked"):
        fetch(near(port), f"http://page.example:{port}/cut")


def test_a_long_page_is_read_in_parts_whose_offsets_hold(port: int) -> None:
    whole = "0123456789\n" * 4000
    url = f"http://page.example:{port}/long"
    first = asyncio.run(read_page(url, near(port)))
    second = asyncio.run(read_page(url, near(port), first.end))
    assert first.text + second.text == whole
    assert str(first.end) in first.heading
    assert second.line == whole.count("\n", 0, second.start) + 1
    with pytest.raises(ToolError, match="characters"):
        asyncio.run(read_page(url, near(port), len(whole)))


def test_what_cannot_be_read_is_a_tool_error(port: int) -> None:
    with pytest.raises(ToolError, match="PDF"):
        asyncio.run(read_page(f"http://page.example:{port}/pdf", near(port)))


def test_a_redirect_never_leads_from_https_to_http_or_to_what_is_no_address() -> None:
    fetcher = Fetcher(public)
    start = fetcher._check("https://example.com/a")
    with pytest.raises(ToolError, match="not fetched") as error:
        fetcher._redirected(start, "http://example.com/a")
    assert "https" in error.value.why
    assert str(fetcher._redirected(start, "//example.org/ä")) == "https://example.org/%C3%A4"
    for bad in ("http://[::1", "https://127.1/", "https://a@example.com/", "https://example.com:22/"):
        with pytest.raises(ToolError):
            fetcher._redirected(start, bad)


def test_a_name_is_resolved_once_so_that_it_cannot_change_its_address(port: int) -> None:
    answers = iter(["127.0.0.1", "10.0.0.1"])

    async def rebinding(_host: str, _port: int) -> Sequence[str]:
        return [next(answers)]

    fetcher = Fetcher(rebinding, lambda a: str(a) == "127.0.0.1", frozenset({port}))
    assert fetch(fetcher, f"http://page.example:{port}/page").status == 200
    with pytest.raises(ToolError, match="not fetched"):  # the second answer is used by the second fetch only
        fetch(fetcher, f"http://page.example:{port}/page")


def test_the_proxies_of_the_environment_are_not_asked(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert fetch(near(port), f"http://page.example:{port}/page").status == 200


@pytest.mark.parametrize(
    "address",
    ["0.0.0.0", "10.0.0.1", "100.64.0.1", "100.100.100.200", "127.0.0.1", "168.63.129.16", "169.254.169.254", "172.31.255.255",
     "192.0.0.9", "192.88.99.1", "192.168.0.1", "198.18.0.1", "203.0.113.1", "239.1.1.1", "240.0.0.1", "::", "::1", "::ffff:10.0.0.1",
     "::8.8.8.8", "64:ff9b::808:808", "100::1", "2001::1", "2001:db8::1", "2002:808:808::1", "3fff::1", "fc00::1", "fd00:ec2::254",
     "fe80::1", "fec0::1", "ff02::1"],
)  # fmt: skip
def test_addresses_that_are_not_of_the_public_network_are_known(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "url",
    ["http://printer.local/", "http://app.localhost/", "http://metadata.google.internal/", "http://kubernetes.default.svc/",
     "http://router.home.arpa/", "http://[2606:4700::1111%25eth0]/", "http://8.8.8.8./", "http://@example.com/", "http://example.com:0/",
     "http://①②⑦.⓪.⓪.①/", "http://127。0。0。1/"],
)  # fmt: skip
def test_names_of_private_networks_are_refused_whatever_their_address(url: str) -> None:
    with pytest.raises(ToolError, match="not fetched"):
        fetch(Fetcher(public), url)
