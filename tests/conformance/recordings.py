"""Replays a folder of recorded answers through the adapters, and judges what comes out.

    python -m tests.conformance.recordings DIR [--json] [--lines FILE] [--truncate]

DIR is laid out like ../shared/recordings: a folder a provider; see `folder.py`. Every answer goes through the adapter
of its protocol, offering the tools of the recorded request, whole and cut in two: at the end of every event, and of
every stream also at seeded positions anywhere, inside of characters too.

With --json one JSON object a line is printed for each exchange and cut, and after them the totals as one last object.
Without it: a table of totals, and the offenders. --lines FILE writes the lines to a file as well. The process ends
with 0 when all totals but `exchanges` are 0, else with 1.

A line:

    file, index, provider   which exchange; index is its place in the file
    cut                     null: the answer came in one chunk; else the byte at which it was cut in two
    kind                    "chat"; "not_chat" (embeddings, pictures, lists: no chat); "unknown" (no protocol is known for it) and "unreadable" count as crashed
    calls                   those that may be run: [{id, name, arguments}]
    invalid_calls           those that may not: [{id, name, raw, fault}]
    text, reasoning         of the whole reply; where there is an error, what had come before it
    usage                   {input_tokens, output_tokens, cached_tokens, reasoning_tokens}, null where none came
    finish                  "stop", "tool_calls", "length", "filter"; null beside an error
    error                   {type, message, code, status, retry_after, partial} or null; the type of an error that is
                            none of agentsdk's has its module before it
    streamed, protocol, offer ("recorded", or "inferred" from the answer's own calls where no request was kept),
    offered (names), choice, model, refused, repairs, requests, deltas (streams, where cut is null: text, reasoning
    and calls joined from the pieces), twin (where cut is null: the fields above, calls to error, for the same answer in
the other form: a plain answer made of a stream's parts, a stream made of a plain answer's)

With --truncate the answers end at each of the positions instead, and the lines say `"mode": "truncated"`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tests.conformance.cuts import cuts
from tests.conformance.folder import Exchange, Unreadable, read_folder
from tests.conformance.judge import TOTALS, Offender, Verdict, judge_one
from tests.conformance.protocol import Protocol, by_folder, protocol_of
from tests.conformance.replay import Replay, empty, head, told
from tests.conformance.twin import twin_of
from tests.conformance.wire import read


async def lines_of(
    found: Exchange | Unreadable, *, truncate: bool = False, cutting: bool = True
) -> AsyncIterator[dict[str, Any]]:
    """Yield the lines of one exchange; without `cutting` only that of the whole answer."""
    if isinstance(found, Unreadable):
        error = {"type": "Unreadable", "message": found.why, "code": None, "status": None}
        yield head(found, "unreadable") | empty() | {"error": error | {"retry_after": None, "partial": None}}
        return
    try:
        async for line in _lines(found, truncate=truncate, cutting=cutting):
            yield line
    except Exception as error:  # the runner's own fault: told, and counted as crashed
        yield (
            head(found, "chat") | empty() | {"error": told(error) | {"type": f"Runner.{type(error).__name__}"}}
        )


async def _lines(found: Exchange, *, truncate: bool, cutting: bool) -> AsyncIterator[dict[str, Any]]:
    protocol = protocol_of(found)
    if protocol == "unknown":
        error = {"type": "Unknown", "message": "No protocol is known for it.", "code": None, "status": None}
        yield head(found, "unknown") | empty() | {"error": error | {"retry_after": None, "partial": None}}
        return
    if protocol == "not_chat":
        line = head(found, "not_chat") | empty()
        if found.status >= 400:
            replayed = await Replay(found, by_folder(found.provider)).deliver()
            line["error"] = replayed["error"]
        yield line
        return
    replay = Replay(found)
    if not truncate:
        yield await replay.deliver() | await _twin(found, protocol, replay)
    for cut in cuts(found.body, stream=replay.streamed) if cutting else ():
        yield await replay.deliver(cut, truncated=truncate)


async def _twin(found: Exchange, protocol: Protocol, replay: Replay) -> dict[str, Any]:
    """Return the outcome of the same answer in the other form, where it has one."""
    twin = twin_of(
        found, protocol, read(found.body, protocol, streamed=replay.streamed), streamed=replay.streamed
    )
    if twin is None:
        return {}
    line = await Replay(twin, protocol).deliver()
    return {"twin": {name: line[name] for name in empty()}}


async def run(folder: Path, *, truncate: bool = False, cutting: bool = True) -> AsyncIterator[dict[str, Any]]:
    """Yield the lines of a whole folder."""
    for found in read_folder(folder):
        async for line in lines_of(found, truncate=truncate, cutting=cutting):
            yield line


def main(argv: list[str] | None = None) -> int:
    """Run the command; return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.conformance.recordings", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--lines", type=Path)
    parser.add_argument("--truncate", action="store_true")
    options = parser.parse_args(argv)

    if not options.folder.is_dir():
        parser.error(f"{options.folder} is not a folder")
    verdict, count = asyncio.run(_judged(options))
    totals = verdict.totals()
    if options.json:
        print(_json({**totals, "providers": dict(verdict.exchanges), "lines": count}))
    else:
        _show(verdict)
    return 1 if any(totals[name] for name in TOTALS) else 0


async def _judged(options: argparse.Namespace) -> tuple[Verdict, int]:
    """Replay and judge one exchange after the other, and print and write the lines while they come."""
    counted: Counter[str] = Counter()
    offenders: list[Offender] = []
    count = 0
    with ExitStack() as stack:
        file = stack.enter_context(options.lines.open("w", encoding="utf-8")) if options.lines else None
        for found in read_folder(options.folder):
            lines = [line async for line in lines_of(found, truncate=options.truncate)]
            for line in lines if options.json or file else ():
                text = _json(line)
                if options.json:
                    print(text)
                if file:
                    file.write(text + "\n")
            counted[found.provider] += 1
            count += len(lines)
            offenders += judge_one(found, lines, truncated=options.truncate)
    return Verdict(dict(counted), tuple(offenders)), count


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "backslashreplace").decode()


def _show(verdict: Verdict) -> None:
    """Print the totals, the exchanges by provider, and each offender once with the number of its cuts."""
    for name, count in verdict.totals().items():
        print(f"{name:28}{count:8}")
    print("\n" + ", ".join(f"{name} {count}" for name, count in sorted(verdict.exchanges.items())))
    alike: dict[tuple[str, str, int, str], int] = {}
    for one in verdict.offenders:
        key = (one.total, one.file, one.index, one.why)
        alike[key] = alike.get(key, 0) + 1
    for (total, file, index, why), count in sorted(alike.items()):
        print(f"\n{total} ({count}x)\n  {file} [{index}]\n  {why}")


if __name__ == "__main__":
    sys.exit(main())
