"""Judges the lines of a replay by the recorded bytes: what was lost, invented, leaked, or run when it was cut.

It imports nothing of agentsdk. What is a call and what is a text is read from the bytes by simple rules of its own
(`wire.py`); which call-like *texts* are calls, no simple rule can say: that stands in `expectations.json`, reviewed by
hand, by the digest of the bytes. For bytes that are not in the table the rule is strict: a text is a call for certain
only where it is nothing but a well-formed call of an offered tool, and a call is allowed to have been read out of a
text only where its name and each of its values stand there.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.conformance.cuts import cuts
from tests.conformance.folder import Exchange, Unreadable
from tests.conformance.texts import MARKS, of_texts
from tests.conformance.truth import Truth, expectations, folded, squashed
from tests.conformance.twin import twin_of
from tests.conformance.values import mend, mended, stands_in, valid, wire_value
from tests.conformance.wire import FILTER, LENGTH, UNDONE, Wire, WireCall

TOTALS = (
    "cut_calls_executable",
    "calls_lost",
    "calls_invented",
    "arguments_not_schema_valid",
    "reasoning_leaked",
    "stream_differs_from_whole",
    "boundary_differs",
    "usage_missing",
    "untyped_errors",
    "crashed",
    "text_differs",
    "finish_differs",
)
"""What must be 0, beside `exchanges`, which counts."""
TYPED = {
    "RateLimited", "QuotaExhausted", "Overloaded", "ConnectionLost", "Truncated", "DeadlineExceeded", "BadResponse",
    "EmptyResponse", "ContextOverflow", "ContentFiltered", "AuthFailed", "ModelNotFound", "InvalidRequest",
    "CallRefused",
}  # fmt: skip
_BY_STATUS = {
    401: {"AuthFailed", "QuotaExhausted"},
    403: {"AuthFailed", "QuotaExhausted", "ContentFiltered", "ModelNotFound", "InvalidRequest"},
    404: {"ModelNotFound", "InvalidRequest"},
    413: {"ContextOverflow", "InvalidRequest", "RateLimited"},
    429: {"RateLimited", "QuotaExhausted", "Overloaded", "ContextOverflow"},
}
_TAGS = re.compile(r"<tool_call|<tools>|<\|python_tag\|>|<function|✿FUNCTION")
_CODE = re.compile(r"(?<!`)(`+)(?!`)(.*?)(?<!`)\1(?!`)", re.DOTALL)
_FIELDS = ("calls", "invalid_calls", "text", "reasoning", "usage", "finish", "error")


@dataclass(frozen=True, slots=True)
class Offender:
    """One count of one total, and why."""

    total: str
    file: str
    index: int
    cut: int | None
    why: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """The totals, the exchanges by provider, and what counted."""

    exchanges: Mapping[str, int]
    offenders: tuple[Offender, ...]

    def totals(self) -> dict[str, int]:
        """Return `exchanges`, then all that must be 0; none is ever missing."""
        counted = Counter(o.total for o in self.offenders)
        return {"exchanges": sum(self.exchanges.values()), **{name: counted[name] for name in TOTALS}}


def judge(
    found: Iterable[Exchange | Unreadable],
    lines: Iterable[Mapping[str, Any]],
    table: Mapping[str, Any] | None = None,
    *,
    truncated: bool = False,
    cutting: bool = True,
) -> Verdict:
    """Return the verdict on the lines of one run.

    Args:
        found: what the folder holds.
        lines: what the replay said of it.
        table: instead of the reviewed one.
        truncated: the lines are those of answers that end at each cut.
        cutting: there is a line for each cut; else only that of the whole answer is wanted.

    """
    by_exchange: dict[tuple[str, int], list[Mapping[str, Any]]] = defaultdict(list)
    for line in lines:
        by_exchange[line["file"], line["index"]].append(line)
    counted: Counter[str] = Counter()
    offenders: list[Offender] = []
    for item in found:
        counted[item.provider] += 1
        own = by_exchange.pop((item.file, item.index), [])
        offenders += judge_one(item, own, table, truncated=truncated, cutting=cutting)
    for file, index in by_exchange:
        offenders.append(
            Offender("crashed", file, index, None, "lines of an exchange that is not in the folder")
        )
    return Verdict(dict(counted), tuple(offenders))


def judge_one(
    item: Exchange | Unreadable,
    lines: Sequence[Mapping[str, Any]],
    table: Mapping[str, Any] | None = None,
    *,
    truncated: bool = False,
    cutting: bool = True,
) -> list[Offender]:
    """Return what counts in the lines of one exchange; the arguments are those of `judge`."""
    table = expectations() if table is None else table
    try:
        found = list(_of_exchange(item, lines, table, truncated=truncated, cutting=cutting))
    except Exception as error:  # an answer that confuses the judge is no answer that passed
        found = [("crashed", None, f"the judge ended in {type(error).__name__}: {error}"[:300])]
    return [Offender(total, item.file, item.index, cut, why) for total, cut, why in found]


Found = Iterator[tuple[str, int | None, str]]


def _of_exchange(
    item: Exchange | Unreadable,
    lines: Sequence[Mapping[str, Any]],
    table: Mapping[str, Any],
    *,
    truncated: bool,
    cutting: bool,
) -> Found:
    if isinstance(item, Unreadable):
        yield "crashed", None, item.why
        return
    if not lines and not (truncated and len(item.body) < 2):
        yield "crashed", None, "it has no line"
        return
    truth = Truth(item, table)
    if truth.protocol == "unknown":
        yield "crashed", None, "no protocol is known for it"
        return
    if truth.protocol == "not_chat":
        yield from (("untyped_errors", None, why) for why in _not_chat(item, lines))
        return
    wanted = cuts(item.body, stream=truth.streamed) if cutting else []
    given = [line.get("cut") for line in lines]
    if set(given) != ({*wanted} if truncated else {None, *wanted}) or len(given) != len(set(given)):
        yield "crashed", None, f"{len(given)} lines for {len(wanted)} cuts"
    for line in lines:
        cut = line.get("cut")
        if line.get("kind") != "chat":
            yield "crashed", cut, f"it is a chat and was taken for {line.get('kind')}"
        elif truncated:
            yield from ((total, cut, why) for total, why in _of_end(Truth(item, table, item.body[:cut]), line))
        else:
            yield from ((total, cut, why) for total, why in _of_line(truth, line))
    if not truncated:
        yield from _of_all(truth, lines)


def _not_chat(item: Exchange, lines: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for line in lines:
        error = line.get("error")
        if item.status >= 400:
            yield from _typed(item.status, error)
        elif error:
            yield f"an error where the wire has none: {error.get('type')}"


def _of_all(truth: Truth, lines: Sequence[Mapping[str, Any]]) -> Found:
    """Compare the cuts of one exchange, its pieces, and its twin."""
    whole = next((line for line in lines if line.get("cut") is None), None)
    if whole is None:
        return
    for line in lines:
        other = [name for name in _FIELDS if line.get(name) != whole.get(name)]
        if other:
            yield "boundary_differs", line.get("cut"), f"{', '.join(other)} differ from the whole"
    deltas = whole.get("deltas")
    if deltas is not None and not whole.get("error"):
        yield from (("stream_differs_from_whole", None, why) for why in _of_pieces(whole, deltas))
    twin = whole.get("twin")
    if twin is None:
        if twin_of(truth.exchange, truth.protocol, truth.wire, streamed=truth.streamed) is not None:
            yield "stream_differs_from_whole", None, "it has a twin and was not compared with it"
    else:
        for name in ("calls", "invalid_calls", "text", "reasoning", "usage", "finish"):
            a, b = whole.get(name), twin.get(name)
            if (squashed(a) != squashed(b)) if isinstance(a, str) and isinstance(b, str) else a != b:
                yield "stream_differs_from_whole", None, f"{name} of the twin differs: {json.dumps(b)[:200]}"
        if (whole.get("error") or {}).get("type") != (twin.get("error") or {}).get("type"):
            yield "stream_differs_from_whole", None, f"the twin's error differs: {twin.get('error')}"


def _of_pieces(whole: Mapping[str, Any], deltas: Mapping[str, Any]) -> Iterator[str]:
    """Compare the pieces that a stream gave out, joined, with its reply."""
    pieces = {name: squashed(deltas[name]) for name in ("text", "reasoning")}
    reply = {name: squashed(whole[name]) for name in ("text", "reasoning")}
    yield from (f"the pieces of {n} make something else than the reply" for n in reply if pieces[n] != reply[n])
    held = [c["name"] for c in [*whole["calls"], *whole["invalid_calls"]]]
    if not whole.get("repairs") and [c["name"] for c in deltas["calls"]] != held:
        yield "the pieces of the calls make other calls than the reply has"


def _of_line(truth: Truth, line: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    wire, error = truth.wire, line.get("error")
    kind = (error or {}).get("type", "")
    if error and not _is_typed(kind):
        yield (
            ("crashed" if kind.startswith("Runner.") else "untyped_errors"),
            f"{kind}: {error.get('message', '')[:200]}",
        )
        return
    failed = wire.error is not None or truth.exchange.status >= 400
    # A server that found fault with a call may say it beside its error: what can be run of it may be.
    rescued = failed and wire.failed and not error and (line.get("calls") or line.get("invalid_calls"))
    if failed and not rescued:
        yield from (("untyped_errors", why) for why in _typed(truth.exchange.status, error))
    elif not failed and not wire.readable and not error:
        yield "untyped_errors", "the answer cannot be read, and no error says so"
    elif error and not failed and wire.readable:
        yield from _undue(truth, kind)
    told = failed or (error and not wire.readable)
    yield from ((t, why) for t, why in _of_calls(truth, line) if t != "calls_lost" or not told)
    if not failed and wire.readable:
        yield from of_texts(truth, line)
        yield from _of_usage(wire, line)
        if not error:
            yield from _of_finish(wire, line)


def _of_end(truth: Truth, line: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Judge an answer whose bytes end too soon: nothing that was not whole may be run, and each error is typed."""
    error = line.get("error")
    if error and not _is_typed(error.get("type", "")):
        yield "untyped_errors", f"{error.get('type')}: {error.get('message', '')[:200]}"
    whole = truth.wire.readable and (not truth.wire.cut or truth.wire.unsaid)
    told = line.get("invalid_calls") or line.get("finish") in ("length", "filter")
    told = told or any(r.get("kind") == "finish.unknown" for r in line.get("repairs") or [])
    if not error and not told and not whole and not line.get("calls"):
        yield "untyped_errors", "the answer ends too soon, and nothing says so"
    for total, why in _of_calls(truth, line):
        if total != "calls_lost":
            yield total, why


def _is_typed(kind: str) -> bool:
    return kind in TYPED


def _typed(status: int, error: Mapping[str, Any] | None) -> Iterator[str]:
    if not error:
        yield "the wire has an error, and none was raised"
    elif not _is_typed(error.get("type", "")):
        yield f"{error.get('type')} is no error of the list"
    elif status in _BY_STATUS and error["type"] not in _BY_STATUS[status]:
        yield f"{error['type']} for HTTP {status}"
    elif status >= 500 and error["type"] == "BadResponse":
        yield f"BadResponse for HTTP {status}"


def _undue(truth: Truth, kind: str) -> Iterator[tuple[str, str]]:
    """Judge an error where the wire has an answer."""
    wire = truth.wire
    if kind == "Truncated" and wire.cut and (not wire.unsaid or wire.calls):
        return
    if kind == "BadResponse" and wire.cut and not (wire.content or wire.thoughts or wire.calls):
        return
    if kind == "ContentFiltered" and FILTER.fullmatch(str(wire.finish)):
        return
    if not (truth.said.strip() or wire.thoughts or wire.calls) and str(wire.finish or "none").lower() in UNDONE:
        return  # there is none yet, or none any more
    if kind == "EmptyResponse" and not truth.said.strip() and not wire.calls:
        return
    yield "untyped_errors", f"{kind}, where the wire has an answer"


def _of_calls(truth: Truth, line: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    left = [*truth.calls, *truth.text_calls, *truth.either]
    for call in line.get("calls") or []:
        name, arguments = call.get("name"), call.get("arguments")
        schema = truth.offer.tools.get(name)
        if schema is not None and not valid(arguments, schema):
            yield "arguments_not_schema_valid", f"{name}({json.dumps(arguments)[:200]})"
        if schema is None or truth.offer.choice == "none":
            yield "calls_invented", f"{name} was not offered"
            continue
        named = [c for c in left if truth.name_of(c, loose=True) == name]
        match = next((c for c in named if c.closed and _is(c, arguments, schema)), None)
        if match is None:
            cut = next((c for c in named if not c.closed), None)
            if cut is not None:
                left.remove(cut)
                yield "cut_calls_executable", f"{name}({json.dumps(arguments)[:200]}) was cut"
            elif not _may_be_text(truth, name, arguments):
                yield "calls_invented", f"{name}({json.dumps(arguments)[:200]}) is not on the wire"
        else:
            left.remove(match)
    ids = Counter(call.get("id") for call in line.get("calls") or [])
    yield from (
        ("calls_lost", f"{n} calls have the id {i!r}: one could be answered") for i, n in ids.items() if n > 1
    )
    must = [c for c in left if c not in truth.either and _must_run(truth, c)]
    yield from (("calls_lost", f"{c.name}({c.raw or json.dumps(c.given)})"[:300]) for c in must)
    others = len([c for c in left if c not in must])
    told = len(line.get("invalid_calls") or []) + (1_000 if line.get("error") else 0)
    if others > told:
        yield "calls_lost", f"{others} calls could not be run, and only {told} are told of"


def _is(call: WireCall, arguments: Any, schema: Any) -> bool:
    try:
        return mended(wire_value(call.raw, call.given), arguments, schema)
    except (ValueError, RecursionError):
        return stands_in(arguments, call.raw)


def _must_run(truth: Truth, call: WireCall) -> bool:
    """Return whether a call is whole, offered and well-formed, so that it has to be among those that may be run."""
    name = truth.name_of(call)
    if name is None or not call.closed or truth.offer.choice == "none":
        return False
    try:
        value = wire_value(call.raw, call.given)
    except (ValueError, RecursionError):
        return False
    return isinstance(value, Mapping) and valid(mend(value, truth.offer.tools[name]), truth.offer.tools[name])


def _may_be_text(truth: Truth, name: str, arguments: Any) -> bool:
    repeated = any(truth.name_of(c) == name and _is(c, arguments, truth.offer.tools[name]) for c in truth.calls)
    if truth.row or (truth.wire.cut and not truth.wire.failed) or repeated:
        return False
    text = _unquoted(truth.said)
    if not MARKS.search(text) or folded(name) not in re.sub(r"\W|_", "", text.casefold()):
        return False
    return stands_in(arguments, text)


def _unquoted(text: str) -> str:
    """Return a text without the code in it that shows a tag: that is told about and not called."""

    def shown(code: re.Match[str]) -> str:
        apart = len(code[1]) < 3 and "\n\n" in code[2]
        return code[0] if apart or not _TAGS.search(code[2]) else ""

    return _CODE.sub(shown, text)


def _of_finish(wire: Wire, line: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Compare why the answer ended; calls that were read go before the wire's word, but do not hide a limit's."""
    word = str(wire.finish or "").lower()
    ended = "length" if LENGTH.fullmatch(word) else "filter" if FILTER.fullmatch(word) else "stop"
    right = {ended}
    if line.get("calls") or line.get("invalid_calls"):
        right = {"tool_calls"} if ended == "stop" else {"tool_calls", ended}
    if line.get("finish") not in right:
        yield (
            "finish_differs",
            f"{line.get('finish')} instead of {' or '.join(sorted(right))}, for {wire.finish!r}",
        )


def _of_usage(wire: Wire, line: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    usage = line.get("usage") or {}
    missing = {k: v for k, v in wire.usage.items() if usage.get(k) != v}
    if missing:
        yield "usage_missing", f"{missing} on the wire, {usage or None} delivered"
