"""Reads tool calls out of the public text while it comes, where a server has left them in it.

Only what may still become a call to an offered tool is held back. A mark that calls no such tool is text: a reader
that trusts the mark invents calls (most of those that were recorded are none).
"""

from __future__ import annotations

import json
import re
from typing import Literal

from agentsdk.messages import BrokenCall, Repair
from agentsdk.models.model import Offer
from agentsdk.models.repair.calls import MOST_CALLS, CallPieces, Settled
from agentsdk.models.repair.dialects import (
    NAME_SO_FAR,
    TAGS,
    read_bare,
    read_fence,
    read_function,
    read_marks,
    read_tagged,
)
from agentsdk.models.repair.found import BETWEEN, SPACE, Found, Names, Reading, end_of, ends_in
from agentsdk.models.repair.names import history_name
from agentsdk.models.repair.one_call import opens_call, read_call
from agentsdk.models.repair.quoted import Place

_PYTHON_TAG = "<|python_tag|>"
_FUNCTIONS = ("<function=", "<function name=")
_OPENERS = (*TAGS, *_FUNCTIONS, _PYTHON_TAG, "```", "✿FUNCTION✿", "✿RESULT✿", "✿RETURN✿")
_OPENER = re.compile("|".join(map(re.escape, _OPENERS)))


def _likely(*openers: str) -> re.Pattern[str]:
    """Return what finds the openers that may be more than words, by what follows them or may yet follow."""
    tags = "|".join(re.escape(opener) for opener in openers if opener in TAGS)
    others = "|".join(re.escape(opener) for opener in openers if opener not in (*TAGS, *_FUNCTIONS))
    functions = "|".join(map(re.escape, _FUNCTIONS))
    return re.compile(
        rf"(?:{tags})(?={BETWEEN.pattern}(?:[{{\[]|<f|<?\Z))|{others}|"
        # A name, and then arguments in JSON, a tag, or so little that it may be cut.
        rf"(?:{functions})(?={NAME_SO_FAR}(?:\Z|{{|>\s*+(?:\Z|{{|<(?:p|\Z)|</(?:[ft]|\Z)|[\s\S]{{0,19}}\Z)))"
    )


_LIKELY = {
    (fenced, found): _likely(
        *(o for o in _OPENERS if not (fenced and o == "```") and (found or o != "✿RESULT✿"))
    )
    for fenced in (False, True)
    for found in (False, True)
}
"""By whether a block of code was met, after which no other can be one of calls, and whether a call was found."""
_LONGEST = max(map(len, _OPENERS))
_TAG_ONLY = re.compile(re.escape(_PYTHON_TAG))


def _begun(*openers: str) -> re.Pattern[str]:
    """Return what finds the beginning of an opener at the end of a text."""
    beginnings = {opener[:length] for opener in openers for length in range(1, len(opener))}
    return re.compile(rf"(?:{'|'.join(map(re.escape, sorted(beginnings)))})\Z")


_BEGUN, _TAG_BEGUN = _begun(*_OPENERS), _begun(_PYTHON_TAG)
_RETURN = re.compile(r"✿RETURN✿\s*+[:：]?\s*+")
_NO_RESULT = re.compile(r"✿(?:FUNCTION|RETURN)✿")
_TURN_MARKS = ("<|eom_id|>", "<|eot_id|>", "<|end_of_text|>")
_TURN_END = re.compile("|".join(map(re.escape, _TURN_MARKS)))

_LEFT_OVER = "</tool_call>"
"""Qwen-coder forgets the opening tag around its `<function=...>` at times, and not the closing one."""

_CLOSERS = (*TAGS.values(), "</function>", "</parameter>", "</s>")
_RESULTS = ("<tool_response", "✿RESULT✿", "✿RETURN✿")
"""What a model goes on with that makes up a result of its own call."""
_BESIDE = re.compile(
    rf"(?:[\s;,]|(?!{re.escape(_PYTHON_TAG)})<\|\w{{1,20}}\|>|{'|'.join(map(re.escape, _CLOSERS))})*"
)
"""What is no prose after a call."""
_BESIDE_SO_FAR = re.compile(r"<\|(?:\w{1,20}\|?)?")

MOST_NONE = 200
"""Marks that look like those of calls and may be of none: behind each the text may have to be followed far. After
more of them no call is read, for what goes on so is no slip."""

_PROMPT = 256
"""Characters that may be held before a text is looked at less often than it grows."""


class TextCalls:
    """Takes the text piece by piece and gives back what of it can be shown; a call is taken out of it.

    Args:
        offer: what may be called. Where that is nothing or not known, or calls are forbidden, a call stays text.

    """

    def __init__(self, offer: Offer | None) -> None:
        callable_ = offer is not None and offer.choice != "none" and offer.tools
        self._names = Names(offer.tools if offer is not None and callable_ else ())
        self._reads = bool(callable_)
        self.marks = "`✿" if self._reads else ""
        """The characters, besides "<", that a call within the text may begin with."""
        self.forget()

    def forget(self) -> list[str]:
        """Forget all that was read, since it was a thought, and return where what is shown from now on stands."""
        self._names.held.forget()
        self.found: list[Found] = []
        """The calls in their order."""
        self.repairs: list[Repair] = []
        """What was mended in the text besides."""
        self.said: list[str] = []
        """What was shown; whoever shows a piece without the reader adds it."""
        self._counted = 0
        self._where = Place()
        self._read_before = 0
        self._none = 0
        """Marks that looked like those of calls, and were of none."""
        self._sure = 0
        """Up to where calls were found to be meant."""
        self._place: Literal["begin", "tagged", "prose"] = "begin"
        self._strip = False
        self._fenced = False
        self._held = ""
        self._news: list[str] = []
        self._unread = 0
        self._closer, self._tail, self._ends = "", "", False
        return self.said

    @property
    def idle(self) -> bool:
        """Whether a piece without any of the marks is shown as it is."""
        return self._place == "prose" and not (self._held or self._news or self._strip)

    def feed(self, piece: str) -> str:
        """Return what can be shown."""
        self._news.append(piece)
        self._unread += len(piece)
        # What is held is read again only when it has grown by a part of itself, or its end may have come: the
        # work stays in proportion to the text.
        if len(self._held) > _PROMPT and self._unread < len(self._held) >> 3 and not self._may_end(piece):
            return ""
        return self._go(final=False)

    def rest(self) -> str:
        """Return what was held back, at the end of the text."""
        return self._go(final=True)

    def _may_end(self, piece: str) -> bool:
        if self._closer and not self._ends:
            self._tail = self._tail[-_LONGEST:] + piece
            self._ends = self._closer in self._tail
        return self._ends and self._unread >= len(self._held) >> 6

    def _go(self, *, final: bool) -> str:
        if not self._held and not self._news:
            return ""
        text, shown, at = "".join([self._held, *self._news]), list[str](), 0
        for piece in self.said[self._counted :]:
            self._where.feed(piece)
        self._news, self._unread = [], 0
        self._closer, self._tail, self._ends = "", "", False
        while at < len(text):
            reading = self._read(text, at, final=final)
            if reading is None:
                break
            self.found += reading.calls
            left = "" if reading.calls else text[at : reading.end]
            piece = left if reading.text is None else reading.text
            shown.append(piece)
            self._where.feed(piece)
            at = reading.end
        if at or final:
            self._names.held.forget()
        self._held = text[at:]
        self._read_before += at
        if self._held and (opener := _OPENER.match(self._held.lstrip())):
            self._closer = TAGS.get(opener[0], "</function>" if opener[0].startswith("<f") else "")
        joined = "".join(shown)
        if joined:
            self.said.append(joined)
        self._counted = len(self.said)
        return joined

    def _read(self, text: str, at: int, *, final: bool) -> Reading | None:
        """Return what the text is from `at` on, None where more of it must come first."""
        if len(self.found) > MOST_CALLS or self._none > MOST_NONE:  # what follows is text
            self._place, self._strip = "prose", False
            return Reading(len(text))
        if self._place == "tagged":
            return self._after_tag(text, at, final=final)
        if self._place == "prose" and not self._reads:
            return Reading(len(text))
        start = at
        if self._place == "begin" or self._strip:
            start = end_of(SPACE, text, at)
            if start == len(text):
                return Reading(start, text="" if self._strip else None) if final else None
        lead = start if self._strip else at
        if self._strip and text.startswith(_LEFT_OVER, start):
            return Reading(start + len(_LEFT_OVER), text="")
        if self._strip and not final and ends_in(text, start, _LEFT_OVER):
            return None
        if self._place == "begin" and self._reads:
            reading = read_bare(text, start, self._names, final=final)
            if reading is None:
                return None
            if reading.calls:
                return self._took(reading)
        likely = _LIKELY[self._fenced, bool(self.found)]
        opener = likely.search(text, start) if self._reads else _TAG_ONLY.match(text, start)
        if opener is None or opener.start() > start:
            end = opener.start() if opener else len(text) - (0 if final else self._partial(text, start))
            if end == start:
                return None  # blank lines before a call go with it
            self._place, self._strip = "prose", False
            return Reading(end, text=text[lead:end])
        if self._reads and opener[0] != "```" and self._where.quoted:
            self._place, self._strip = "prose", False
            return Reading(opener.end(), text=text[lead : opener.end()])
        reading = self._at_opener(text, start, opener[0], final=final)
        if opener[0] != "```":  # what is read of a block of code ends the text
            reading = self._meant(reading, text, start, final=final)
        if reading is None:
            return None
        if opener[0] == _PYTHON_TAG:
            self._place = "tagged"
            return reading
        if reading.calls:
            return self._took(reading)
        self._none += 1
        self._place, self._strip = "prose", False
        return Reading(reading.end, text=text[lead : reading.end] if reading.text is None else reading.text)

    def _took(self, reading: Reading) -> Reading:
        self._place, self._strip = "prose", True
        self._where.break_line()
        return reading

    def _meant(self, reading: Reading | None, text: str, at: int, *, final: bool) -> Reading | None:
        """Return a reading, as text where prose goes on beside its calls, as with an example.

        A model stops after its calls, or makes up their results. A call that begins a line may have words on later
        lines; behind words on its own line nothing but calls may follow.
        """
        if reading is None or not reading.calls or self._read_before + at < self._sure:
            return reading
        end = reading.end
        for _call in range(MOST_CALLS):  # nobody shows so many as an example
            beside = end_of(_BESIDE, text, end)
            if self._where.begins and "\n" in text[end:beside]:
                break
            if beside == len(text) or _BESIDE_SO_FAR.fullmatch(text, beside):
                if not final:
                    return None
                break
            if text.startswith(_RESULTS, beside):
                break
            if ends_in(text, beside, *_OPENERS, *_CLOSERS, *_RESULTS):
                if not final:
                    return None
                break
            following = _OPENER.match(text, beside)
            if following and following[0] == _PYTHON_TAG:
                if self._place != "tagged":
                    break
                beside, following = end_of(BETWEEN, text, following.end()), None
                if beside == len(text):
                    if not final:
                        return None
                    break
            if following and following[0] != "```":
                further = self._at_opener(text, beside, following[0], final=final)
            else:
                further = self._bare(text, beside, final=final) if self._place == "tagged" else Reading(end)
            if further is None:
                return None
            if not further.calls and not following:
                return Reading(end)
            if not further.calls:
                if self._where.begins:
                    break
                return Reading(further.end)
            end = further.end
        self._sure = self._read_before + end
        return reading

    def _at_opener(self, text: str, at: int, opener: str, *, final: bool) -> Reading | None:
        if opener in TAGS:
            return read_tagged(text, at, opener, self._names, final=final)
        if opener == _PYTHON_TAG:
            return Reading(at + len(opener), text="")
        if opener == "```":
            # Calls in a block of code after words are the only block and end the text; a second one is an example.
            reading = read_fence(text, at, self._names, final=final)
            self._fenced = reading is not None
            return reading
        if opener == "✿FUNCTION✿":
            return read_marks(text, at, self._names, final=final)
        if opener == "✿RETURN✿":
            end = end_of(_RETURN, text, at)
            return Reading(end, text="") if final or end < len(text) else None
        if opener == "✿RESULT✿":
            return self._made_up(text, at, final=final)
        return read_function(text, at, self._names, final=final)

    def _made_up(self, text: str, at: int, *, final: bool) -> Reading | None:
        if not self.found:
            return Reading(at + len("✿RESULT✿"))
        end = _NO_RESULT.search(text, at)
        if end is None and not final:
            return None
        self.repairs.append(Repair("text.result_dropped", "the result that the model made up for its own call"))
        return Reading(end.start() if end else len(text), text="")

    def _after_tag(self, text: str, at: int, *, final: bool) -> Reading | None:
        start = end_of(BETWEEN, text, at)
        if start == len(text):
            return Reading(start, text="") if final else None
        if ended := _TURN_END.match(text, start):
            return Reading(ended.end(), text="")
        if not final and ends_in(text, start, *_TURN_MARKS):
            return None
        call = self._bare(text, start, final=final)
        reading = self._meant(call, text, start, final=final)
        if reading is None or reading.calls:
            return reading
        self._none += 1
        self._place, self._strip = "prose", False
        if call is not None and call.calls:
            return Reading(reading.end, text=text[start : reading.end])
        return Reading(start, text="") if start > at else self._read(text, at, final=final)

    def _bare(self, text: str, at: int, *, final: bool) -> Reading | None:
        opens = opens_call(text, at, self._names)
        if opens:
            return read_call(text, at, self._names, "python_tag", final=final)
        return None if opens is None and not final else Reading(at)

    def _partial(self, text: str, start: int) -> int:
        """Return how many characters at the end may be the beginning of an opener."""
        begun = (_BEGUN if self._reads else _TAG_BEGUN).search(text, max(start, len(text) - _LONGEST))
        return len(begun[0]) if begun else 0


def settle_found(found: list[Found], *, cut: str, offer: Offer | None, beside: Settled) -> Settled:
    """Return the calls that were read out of a text as those that may be run and those that may not.

    Args:
        found: the calls in their order.
        cut: why the answer is not whole, "" where it is; then the last call may never be run.
        offer: what was offered.
        beside: the calls that the server gave in a field of their own. Some servers leave a call in the text as well
            (mistral.rs, llama.cpp): it is one call.

    """
    if not found:
        return Settled()
    pieces = CallPieces()
    broken: list[BrokenCall] = []
    taken = [c.id for c in beside.calls] + [c.id for c in beside.broken]
    stem = "call_text_"
    while any(id_.startswith(stem) for id_ in taken):  # an id of ours that came back, most likely
        stem += "_"
    for at, call in enumerate(found[:MOST_CALLS], 1):
        id_ = f"{stem}{at}"  # made from its place: a replay makes the same
        if call.whole:
            pieces.add(at, id_, call.name, {} if call.arguments is None else call.arguments)
        else:
            raw = call.arguments if isinstance(call.arguments, str) else json.dumps(call.arguments)
            broken.append(
                BrokenCall(id_, history_name(call.name), raw, cut or "The end of the call is missing.")
            )
    settled = pieces.settle(cut="" if broken else cut, offer=offer)
    native = [(c.name, c.arguments) for c in beside.calls]
    names = {c.name for c in beside.calls} | {c.name for c in beside.broken}
    calls = tuple(c for c in settled.calls if (c.name, c.arguments) not in native)
    repairs = list(settled.repairs)
    if len(found) > MOST_CALLS:
        repairs.append(Repair("call.too_many", f"{len(found)} calls came, and {MOST_CALLS} of them are kept"))
    if len(calls) < len(settled.calls):
        repairs.append(Repair("call.repeated", "the text repeated a call that came beside it"))
    written = {f"{stem}{at}": call.dialect for at, call in enumerate(found, 1)}
    repairs += [
        Repair("call.from_text", f"{c.name} was read out of the text ({written.get(c.id, 'text')})")
        for c in calls
    ]
    return Settled(calls, tuple(c for c in (*settled.broken, *broken) if c.name not in names), tuple(repairs))
