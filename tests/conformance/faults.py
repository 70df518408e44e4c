"""Every fault x call and stream x sync and async x protocol x face, over real sockets, held against a table.

    python -m tests.conformance.faults [--json] [--fault NAME ...] [--protocol NAME ...] [--face NAME ...] [--workers N]

With --json one JSON object a line is printed for each cell, and the totals as one last object; without it a table of
totals, and the cells that are not as they should be. The process ends with 0 when every cell is.

A line:

    fault, protocol, mode, api, face   which cell: a case of fault_cases.py; "chat", "responses", "ollama" or
                            "dashscope"; "call" or "stream"; "sync" or "async"; "model" (what an Agent uses) or
                            "langchain" (OpenAIChat, OllamaChat, DashScopeChat)
    outcome, expected       what came of it, and what the table says
    seconds                 from the call to its end; at most the deadline (2 s) and half a second
    requests, most          sent, and allowed
    sockets                 left open: connections that are neither closed nor kept, unused, for the next request;
                            after an async call, whose event loop ends with it, none may be kept
    phase, kind, tries, partial   of an error: its attributes, and the text that had come
    again                   true where the cell was late beside others, and was measured once more alone
    wrong                   what is not as it should be, in words; empty where all is well
    ok
"""

from __future__ import annotations

import argparse
import asyncio
import copy
import itertools
import json
import os
import pickle
import random
import socket
import stat
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from agentsdk import _bridge
from agentsdk.errors import ModelError
from agentsdk.models.http import close_clients
from agentsdk.testing.standin import Standin
from agentsdk.testing.standin.faults import SPOILT
from tests.conformance.fault_cases import CASES, SECONDS, Case, Mode, Protocol
from tests.conformance.fault_faces import FACES, Heard

PROTOCOLS: tuple[Protocol, ...] = ("chat", "responses", "ollama", "dashscope")
MODES: tuple[Mode, ...] = ("call", "stream")
APIS = ("sync", "async")
GRACE = 0.5
"""Seconds that a cell may take beyond its deadline."""


def cell(
    case: Case, protocol: Protocol, mode: Mode, api: str, face: str = "model", grace: float = GRACE
) -> dict[str, Any]:
    """Return the line of one cell."""
    with Standin() as server:
        if case.fault and case.fault not in ("refused", "dns"):
            if case.once:
                server.fault(case.fault, **case.options)
            else:
                server.fault(case.fault, when=lambda _asked: True, **case.options)
        server.say(SPOILT, when=lambda _asked: True)
        url = server.url("openai").removesuffix("/v1")
        port = int(url.rpartition(":")[2])
        if case.fault == "refused":
            port = closed_port()
            url = f"http://127.0.0.1:{port}"
        elif case.fault == "dns":
            url = "http://no-such-host.invalid"
        # A connection that an earlier cell may keep can be to a server that had the same port.
        before = sockets_to(port)
        ask = FACES[face](protocol, url)
        line: dict[str, Any] = {
            "fault": case.name,
            "protocol": protocol,
            "mode": mode,
            "api": api,
            "face": face,
        }
        heard, seconds = ask.asynchronous(mode) if api == "async" else ask.synchronous(mode)
        # The loop of a sync call lives on, and may keep a connection for the next one.
        left = _left_open(port, before, 1 if api == "sync" and case.in_order else 0)
        line |= {
            "outcome": _outcome(heard),
            "expected": case.expected(protocol, mode),
            "seconds": round(seconds, 3),
        }
        line |= {"requests": len(server.requests), "most": case.most if mode == "call" else case.most_stream}
        line |= {"sockets": left} | {k: getattr(heard, k, None) for k in ("phase", "kind", "tries", "partial")}
    line["wrong"] = list(_wrong(line, case, heard, grace))
    line["ok"] = not line["wrong"]
    return line


def _outcome(heard: Heard | BaseException) -> str:
    """Return what came of a call, in the words of the table."""
    if isinstance(heard, BaseException):
        kind = next((c for c in type(heard).__mro__ if c.__module__ == "agentsdk.errors"), type(heard))
        return kind.__name__ if issubclass(kind, ModelError) else f"{kind.__module__}.{kind.__name__}"
    if heard.calls:
        return "wrong: a call that was cut may be run"
    if heard.broken_calls:
        return "answer:broken_call"
    if heard.finish != "stop":
        return f"answer:{heard.finish}" if SPOILT.startswith(heard.text) else "wrong: another text"
    return "answer" if heard.text == SPOILT else "wrong: another text, and no sign"


def _wrong(line: dict[str, Any], case: Case, heard: Heard | BaseException, grace: float) -> Iterator[str]:
    if line["outcome"] not in line["expected"].split("|"):
        yield f"{line['outcome']} came, and not {line['expected']}: {heard!s:.200}"
    if line["seconds"] > SECONDS + grace:
        yield f"it took {line['seconds']} s"
    if line["requests"] > line["most"]:
        yield f"{line['requests']} requests were sent, and {line['most']} allowed"
    if line["sockets"]:
        yield f"{line['sockets']} sockets are left open"
    if not isinstance(heard, ModelError):
        return
    if case.partial and line["mode"] == "stream":
        begins = SPOILT.startswith if case.fault != "endless" else lambda text: text.startswith(SPOILT[:20])
        if not heard.partial or not begins(heard.partial):
            yield f"the text that had come is not kept: {heard.partial!r}"
        if heard.received is None or heard.received.text != heard.partial or heard.received.calls:
            yield "the turn that had come is not kept"
    for name, value in case.facts.items():
        field, _colon, mode = name.partition(":")
        # The other face has no name for the idle time.
        if mode == "stream" and line["face"] != "model":
            continue
        if (not mode or mode == line["mode"]) and getattr(heard, field, None) != value:
            yield f"{field} is {getattr(heard, field, None)!r}, and not {value!r}"
    if case.fault == "overflow" and not (getattr(heard, "limit", None) or getattr(heard, "over", None)):
        yield "its numbers are not read"
    for again in (pickle.loads(pickle.dumps(heard)), copy.copy(heard), copy.deepcopy(heard)):
        if (type(again), str(again), again.partial) != (type(heard), str(heard), heard.partial):
            yield "it does not survive pickle and copy"
    if "sk-canary" in f"{heard}{heard.__dict__}":
        yield "it tells the key"
    if not heard.what or heard.what == heard.why:
        yield "it says nothing"


def closed_port() -> int:
    """Return a port of this machine at which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


def _left_open(port: int, before: set[int], allowed: int) -> int:
    """Return how many connections of this process to a port are open beyond those allowed; some end a moment later."""
    until, looks = time.monotonic() + 1.0, 0
    while (found := len(sockets_to(port) - before)) > allowed and (time.monotonic() < until or looks < 20):
        time.sleep(0.01)
        looks += 1
    return max(found - allowed, 0)


_looking = threading.Lock()
"""One at a time: a copy that one thread looks at is an open file to another, which copies it, and so on for ever."""


def sockets_to(port: int) -> set[int]:
    """Return the connections of this process to a port of this machine, by the port at this end."""
    found = set()
    with _looking:
        for number in _sockets():
            try:
                with socket.socket(fileno=os.dup(number)) as other:
                    if other.family in (socket.AF_INET, socket.AF_INET6) and other.getpeername()[1] == port:
                        found.add(other.getsockname()[1])
            except OSError:  # not connected, or closed meanwhile
                continue
    return found


def _sockets() -> list[int]:
    found = []
    for entry in Path("/dev/fd").iterdir():
        try:
            if stat.S_ISSOCK(os.fstat(int(entry.name)).st_mode):
                found.append(int(entry.name))
        except OSError:  # closed meanwhile
            continue
    return found


def lines(
    cases: Sequence[Case], protocols: Sequence[Protocol], faces: Sequence[str], *, workers: int = 8
) -> Iterator[dict[str, Any]]:
    """Yield the lines of all cells."""
    wanted = list(itertools.product(cases, protocols, MODES, APIS, faces))
    for face, protocol in itertools.product(faces, protocols):  # imports what it needs before the clocks run
        FACES[face](protocol, "http://127.0.0.1:9")
    # Mixed, and always in the same way: those that send without an end would else all do so at the same time.
    random.Random(0).shuffle(wanted)
    busy = []
    with ThreadPoolExecutor(workers) as pool:
        for what, line in zip(wanted, pool.map(lambda w: cell(*w), wanted), strict=True):
            if line["seconds"] > SECONDS + GRACE and len(line["wrong"]) == 1:
                busy.append(what)
            else:
                yield line
    # Late beside seven others may be the machine's fault; late alone is ours.
    for what in busy:
        yield cell(*what) | {"again": True}


def totals(found: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the totals of lines."""
    late = [x for x in found if x["seconds"] > SECONDS + GRACE]
    return {
        "cells": len(found),
        "ok": sum(x["ok"] for x in found),
        "answers": sum(x["outcome"].startswith("answer") for x in found),
        "typed_errors": sum("." not in x["outcome"] and x["outcome"][0].isupper() for x in found),
        "untyped_errors": sum("." in x["outcome"] for x in found),
        "wrong_without_sign": sum(x["outcome"].startswith("wrong") for x in found),
        "not_as_expected": sum(x["outcome"] not in x["expected"].split("|") for x in found),
        "late": len(late),
        "over_budget": sum(x["requests"] > x["most"] for x in found),
        "sockets_left_open": sum(x["sockets"] for x in found),
        "slowest": max((x["seconds"] for x in found), default=0.0),
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the matrix, and return 0 when every cell is as it should be."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.conformance.faults", description=(__doc__ or "")[:90]
    )
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--fault", action="append", choices=[c.name for c in CASES])
    parser.add_argument("--protocol", action="append", choices=PROTOCOLS)
    parser.add_argument("--face", action="append", choices=sorted(FACES))
    parser.add_argument("--workers", type=int, default=8)
    given = parser.parse_args(arguments)
    cases = [c for c in CASES if not given.fault or c.name in given.fault]
    _bridge.wait(asyncio.sleep(0))  # the background loop's own sockets are there from now on
    before = len(_sockets())
    found = []
    for line in lines(cases, given.protocol or PROTOCOLS, given.face or list(FACES), workers=given.workers):
        found.append(line)
        if given.json:
            print(json.dumps(line, ensure_ascii=False), flush=True)
        elif not line["ok"]:
            print(
                f"{line['fault']} {line['protocol']} {line['mode']} {line['api']} {line['face']}: {'; '.join(line['wrong'])}"
            )
    summed = totals(found) | {"sockets_after_the_end": _after_the_end(before)}
    if given.json:
        print(json.dumps({"totals": summed}))
    else:
        for name, value in summed.items():
            print(f"{name:20} {value}")
    return 0 if found and all(x["ok"] for x in found) and not summed["sockets_after_the_end"] else 1


def _after_the_end(before: int) -> int:
    """Return how many sockets are open that were not there at the beginning, once the clients are closed."""
    _bridge.wait(close_clients())
    until = time.monotonic() + 1.0
    while (found := len(_sockets())) > before and time.monotonic() < until:
        time.sleep(0.01)
    return max(found - before, 0)


if __name__ == "__main__":
    sys.exit(main())
