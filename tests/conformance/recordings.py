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
    kind                    "chat"; "not_chat" (embeddings, pictures, lists: no chat adapter is for it); "pending" (no
                            adapter yet); "unknown" (no protocol is known for it) and "unreadable" count as crashed
    calls                   those that may be run: [{id, name, arguments}]
    invalid_calls           those that may not: [{id, name, raw, fault}]
    text, reasoning         of the whole reply; where there is an error, what had come before it
    usage                   {input_tokens, output_tokens, cached_tokens, reasoning_tokens}, null where none came
    finish                  "stop", "tool_calls", "length", "filter"; null beside an error
    error                   {type, message, code, status, retry_after, partial} or null; the type of an error that is
                            none of agentsdk's has its module before it
    streamed, protocol, offer ("recorded", or "inferred" from the answer's own calls where no request was kept),
    offered (names), choice, model, refused, repairs, requests, deltas (streams, where cut is null: text, reasoning
    and calls joined from the pieces)

With --truncate the answers end at each of the positions instead, and the lines say `"mode": "truncated"`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from tests.conformance.cuts import cuts
from tests.conformance.folder import Exchange, Unreadable, read_folder
from tests.conformance.replay import Replay, empty, head, told


async def lines_of(found: Exchange | Unreadable, *, truncate: bool = False) -> AsyncIterator[dict[str, Any]]:
    """Yield the lines of one exchange."""
    if isinstance(found, Unreadable):
        error = {"type": "Unreadable", "message": found.why, "code": None, "status": None}
        yield head(found, "unreadable") | empty() | {"error": error | {"retry_after": None, "partial": None}}
        return
    from tests.conformance.protocol import protocol_of

    protocol = protocol_of(found)
    if protocol == "unknown":
        error = {"type": "Unknown", "message": "No protocol is known for it.", "code": None, "status": None}
        yield head(found, "unknown") | empty() | {"error": error | {"retry_after": None, "partial": None}}
        return
    if protocol == "responses":
        yield head(found, "pending") | empty()
        return
    if protocol == "not_chat":
        line = head(found, "not_chat") | empty()
        if found.status >= 400:
            replayed = await Replay(found, "dashscope" if "dashscope" in found.provider else "openai").deliver()
            line["error"] = replayed["error"]
        yield line
        return
    try:
        replay = Replay(found)
        if not truncate:
            yield await replay.deliver()
        for cut in cuts(found.body, stream=replay.streamed):
            yield await replay.deliver(cut, truncated=truncate)
    except Exception as error:  # the runner's own fault: told, and counted as crashed
        yield (
            head(found, "chat") | empty() | {"error": told(error) | {"type": f"Runner.{type(error).__name__}"}}
        )


async def run(folder: Path, *, truncate: bool = False) -> AsyncIterator[dict[str, Any]]:
    """Yield the lines of a whole folder."""
    for found in read_folder(folder):
        async for line in lines_of(found, truncate=truncate):
            yield line


def main(argv: list[str] | None = None) -> int:
    """Run the command; return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.conformance.recordings", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--lines", type=Path)
    parser.add_argument("--truncate", action="store_true")
    options = parser.parse_args(argv)

    async def collect() -> list[dict[str, Any]]:
        return [line async for line in run(options.folder, truncate=options.truncate)]

    lines = asyncio.run(collect())
    for line in lines:
        print(json.dumps(line, ensure_ascii=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())
