"""Gives a model what its server does not: tools in words, a forced call, an answer in a form, a second ask.

An exchange is first put as it was asked, but for what the server is known to refuse. When it refuses something that was
not known, that is learned, and the request is put without it. When the answer is not what was asked for, because the
server could not be told to hold the model to it, the model is asked once more, by other means. All of it happens on the
bodies that are sent (bodies.py), for both faces of every adapter, and each step is told in `Message.repairs`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Literal

from agentsdk.errors import AgentError, EmptyResponse
from agentsdk.i18n import language_of
from agentsdk.messages import Repair
from agentsdk.models import text_tools
from agentsdk.models.as_json import call_in, call_schema, fault_of
from agentsdk.models.bodies import Body, Form
from agentsdk.models.collect import Collector
from agentsdk.models.endings import ending_of
from agentsdk.models.facts import Served, told_of
from agentsdk.models.families import Family, family_of
from agentsdk.models.learned import Learning
from agentsdk.models.model import CallDelta, Delta, Offer, Prepared, Reply, Request, TextDelta
from agentsdk.models.refused import EARLY, Refusable, says
from agentsdk.models.schemas import is_object
from agentsdk.models.wire import text_of
from agentsdk.prompts import render

ToolsMode = Literal["auto", "native", "text"]
"""How a model is told of tools: as its server has them, in words, or the one where the other is refused."""

Stage = Literal["first", "call", "answer", "fit"]
"""What is asked for: what the caller wants; then, once at most, the call, the answer or the form that did not come."""

_MORE = 4
"""Times the limit that an answer gets which was cut off while the model still thought."""

_NOT_THOUGHT = "This server forces nothing while a model thinks: it did not think here."


_SPOILT = re.compile(r"does not match the expected .{1,40} format|error parsing tool call", re.IGNORECASE)
"""What llama.cpp and Ollama say (500) of a model's own words that they took for a call and could not read."""


class Emulation:
    """One request on its way to a model that may not take it as it stands.

    Args:
        request: what was asked.
        served: the model, and its server.
        family: what is known of its kind; what its server told of it goes before.
        known: what was learned of it, and what this exchange learns.
        mode: how it is told of tools.

    """

    def __init__(
        self, request: Request, served: Served, family: Family, known: Learning, *, mode: ToolsMode = "auto"
    ) -> None:
        told = told_of(served)
        if family.name == "unknown" and told.known_as:
            family = family_of(told.known_as)
        self._request = request
        self._served = served
        self._server = served.server
        self._family = family
        self._tools = family.tools if told.tools is None else told.tools
        self._cannot_think = told.thinking == "never"
        self._mode = mode
        self._native = served.server.name == "ollama"
        self._stage: Stage = "first"
        self._known = known
        self._refused: frozenset[Any] = frozenset(thing for thing in known if isinstance(thing, str))
        self._notes: dict[str, Repair] = {}
        self._kept: Reply | None = None
        self._said = ""
        self._form: Mapping[str, Any] | None = None
        self._names: list[str] = []
        self._longer = False
        self.room: int | None = None
        """Tokens of a question, at most, after one that was refused as too long."""
        self.holds = False
        """Whether text is not shown as it comes: it may turn out not to be what was asked for."""

    def write(self, written: Mapping[str, Any]) -> dict[str, Any]:
        """Return a request as this server takes it."""
        self.holds, self._form, self._names = False, None, []
        if self._is_plain(written):
            limit = written.get("max_output_tokens") if self._stage == "answer" else None
            return dict(written) | ({"max_output_tokens": limit * _MORE} if isinstance(limit, int) else {})
        body = Body(written, native=self._native)
        tools = body.tools
        forced = bool(tools) and self._request.tool_choice not in ("auto", "none")
        free = self._settle_thinking(body, held=forced or self._wanted(body) is not None)
        wanted = self._wanted(body)
        if wanted is not None:
            self._settle_form(body, wanted, free=free)
        if self._told_in_text:
            self._tell_in_text(body, tools)
        elif tools:
            self._settle_choice(body, [str(t.get("name")) for t in tools], free=free)
            if self._family.eager and self._mode != "native" and self._request.tool_choice == "auto":
                body.instruct(render("tool_if_needed", _language(body)))
        match self._stage:
            case "call":
                self._ask_for_call(body, tools)
            case "answer":
                self._ask_for_answer(body)
            case "fit":
                body.add("assistant", self._said)
                body.add("user", render("output_invalid", _language(body), faults=self._fault))
            case "first":
                pass
        return body.whole

    def _is_plain(self, written: Mapping[str, Any]) -> bool:
        """Whether nothing has to be looked at: it is written for Responses, or asks for what every server has."""
        given = written.get("input")
        if isinstance(given, (list, str)) or "prompt" in written:
            return True
        settings = (written.get("parameters") or {}) if given is not None else written
        special = self._told_in_text or self._cannot_think or self._request.output_schema is not None
        return (
            self._stage == "first"
            and not special
            and (not settings.get("tools") or self._is_free(settings))
            and settings.get("response_format") is None
            and settings.get("format") is None
        )

    def _is_free(self, settings: Mapping[str, Any]) -> bool:
        """Whether tools are offered as the server takes them, and the model is told nothing of when to call one."""
        if self._request.tool_choice != "auto" or (self._family.eager and self._mode != "native"):
            return False
        takes = "auto" in self._server.tool_choice and not self._native and "tool_choice" not in self._refused
        return takes or "tool_choice" not in settings

    def after_fault(self, fault: AgentError, asked: Mapping[str, Any], *, begun: bool) -> bool:
        """Say whether to ask once more after an error, by what it taught.

        Args:
            fault: what the exchange ended in.
            asked: the body that was sent.
            begun: whether something of the answer was shown.

        """
        if isinstance(fault, EmptyResponse):
            return self._after_thoughts_alone(fault, asked)
        if self._stage == "first" and self._names and not begun and _SPOILT.search(getattr(fault, "why", "")):
            self._stage = "call"
            self._note("call.asked again", "The server could not read the call: it was asked for once more.")
            return True
        return not begun and any(self._learns(what, fault, asked) for what in EARLY)

    def after_refused_choice(self, fault: AgentError, asked: Mapping[str, Any]) -> bool:
        """Say whether to ask once more without a `tool_choice`, where no better form of it was found."""
        return self._learns("tool_choice", fault, asked)

    def _learns(self, what: Refusable, fault: AgentError, asked: Mapping[str, Any]) -> bool:
        if what in self._refused or not says(what, fault) or not self._used(what, asked):
            return False
        self._refused |= {what}
        return self._known.add(what)

    def after_reply(self, reply: Reply, offer: Offer) -> Reply | None:
        """Return the reply as the caller gets it; None where the model is asked once more."""
        message = reply.message
        called = bool(message.calls or message.broken_calls)
        if self._stage == "call" and not called:
            reply = self._read_call(reply, offer)
            called = bool(reply.message.calls or reply.message.broken_calls)
            if not called:
                return self.instead() or self._unkept(self._noted(reply))
        if self._stage == "first" and not reply.refused:
            if self._names and not called:
                self._again("call", reply)
                return None
            if self._form is not None and not called and reply.finish == "stop":
                self._fault = fault_of(message.text, self._form)
                if self._fault:
                    self._again("fit", reply)
                    return None
        reply = self._noted(reply)
        forced = bool(offer.tools) and offer.choice not in ("auto", "none")
        return self._unkept(reply) if forced and not called and not reply.refused else reply

    def instead(self) -> Reply | None:
        """Return the first reply, where a second ask brought nothing better."""
        if self._kept is None:
            return None
        self._note("ask.in vain", "It was asked once more and did not do it.")
        reply = self._noted(self._kept)
        return self._unkept(reply) if self._stage == "call" else reply

    def unshown(self, reply: Reply) -> Iterable[Delta]:
        """Yield of a reply what was not shown as it came."""
        if self.holds and reply.message.text:
            yield TextDelta(reply.message.text)
        if self._stage == "call":
            for at, call in enumerate(reply.message.calls):
                yield CallDelta(at, call.name, json.dumps(call.arguments, ensure_ascii=False))

    @property
    def _told_in_text(self) -> bool:
        if self._mode != "auto":
            return self._mode == "text"
        return "tools" in self._refused or not self._tools

    def _settle_thinking(self, body: Body, *, held: bool) -> bool:
        """Switch thinking off where it is in the way; return whether it is still there and leaves no way to force."""
        if self._cannot_think:
            if body.leave_thinking(self._server):
                self._note(
                    "thinking.left out", "The server says that the model does not think: it was not told to."
                )
            return False
        blocks = not self._server.forces_in_thought or "choice while thinking" in self._refused
        if not (blocks and held):
            return False
        if not body.thinks(self._server, self._family):
            if self._request.thinking is None and self._family.thinks_unasked:  # its adapter has seen to it
                self._note("thinking.off", _NOT_THOUGHT)
            return False
        if self._family.thinking == "switch" and self._server.thinking and not self._asked_to_think(body):
            body.think_not(self._server)
            self._note(
                "thinking.off", "This server forces nothing while a model thinks: it did not think here."
            )
            return False
        return True

    def _asked_to_think(self, body: Body) -> bool:
        """Whether the caller wants thoughts and did not leave it to the model; a second ask then goes without."""
        return self._request.thinking not in (None, False) or body.is_told_to_think(self._server)

    def _wanted(self, body: Body) -> Form | None:
        """Return the form that the answer must have; the request knows it better than what an adapter could write."""
        schema = self._request.output_schema
        return body.form if schema is None else ("json_schema", schema)

    def _settle_form(self, body: Body, wanted: Form, *, free: bool) -> None:
        """Ask for a form by what the server has for it, and else by words."""
        kind, schema = wanted
        takes = set() if free else set(self._server.output)
        if "json_schema" in self._refused or (not self._family.json_schema and "json_object" in takes):
            takes.discard("json_schema")
        if kind in takes:
            if body.form is None or body.form[0] != kind:
                body.form = wanted
            # It may be taken and not kept to: then the answer is checked here.
            self._form = None if self._server.enforces else schema
        elif kind == "json_object" and "json_schema" in takes:
            body.form = ("json_schema", {"type": "object"})
        else:
            # That form would press an answer of another kind into an object.
            body.form = ("json_object", {}) if "json_object" in takes and is_object(schema) else None
            shown = json.dumps(schema, ensure_ascii=False)
            if shown not in str(text_of(body.messages[-1].get("content")) if body.messages else ""):
                body.add("user", render("output", _language(body), schema=shown))
            self._form = schema
            self._note(
                "form.in words", "The server cannot hold an answer to a schema: it was asked for in words."
            )
        self.holds = self.holds or self._form is not None

    def _settle_choice(self, body: Body, names: list[str], *, free: bool) -> None:
        """Say which tool must be called by what the server has for it, and else by offering no other and by words."""
        choice = self._request.tool_choice
        takes = set() if "tool_choice" in self._refused else set(self._server.tool_choice)
        if choice == "auto":
            if "auto" not in takes or self._native:
                body.leave_choice()
            return
        if choice == "none":
            if "none" not in takes:
                body.keep_tools([])
            return
        takes -= {"required", "named"} if free else set()
        named = choice != "required"
        if ("named" if named else "required") in takes:
            if not body.is_forced:  # an adapter may have left it free for a thought that is switched off now
                body.choose(choice, named=named)
            return
        wanted = [choice] if named else names
        if named:
            body.keep_tools(wanted)
        if named and "required" in takes:
            body.choose("required")
        elif len(wanted) == 1 and "named" in takes:
            body.choose(wanted[0], named=True)
        else:
            if "auto" in takes and not self._native:
                body.choose("auto")
            else:
                body.leave_choice()
            body.instruct(render("must_call", _language(body), names=", ".join(wanted)))
            self._names = wanted
            self.holds = True
            self._note("choice.in words", "The server cannot force a call: it was asked for in words.")

    def _tell_in_text(self, body: Body, tools: list[Mapping[str, Any]]) -> None:
        choice = self._request.tool_choice
        body.keep_tools([])
        body.messages = text_tools.history(body.messages, self._family.dialect)
        offered = [t for t in tools if choice in ("auto", "required", t.get("name"))]
        if not offered:
            return
        self._note("tools.in words", "The model has no native tools: it was told of them in words.")
        body.instruct(text_tools.told(offered, self._family.dialect, _language(body)))
        if self._family.dialect in text_tools.STOP and self._family.takes_sampling:
            body.stop_at(text_tools.STOP[self._family.dialect])
        if choice != "auto":
            self._names = [str(t.get("name")) for t in offered]
            self.holds = True
            body.instruct(render("must_call", _language(body), names=", ".join(self._names)))

    def _ask_for_call(self, body: Body, tools: list[Mapping[str, Any]]) -> None:
        choice = self._request.tool_choice
        offered = [t for t in tools if choice in ("required", t.get("name"))]
        language = _language(body)
        if not self._told_in_text:
            body.keep_tools([])
            body.messages = text_tools.history(body.messages, self._family.dialect)
            body.instruct(text_tools.told(offered, self._family.dialect, language))
        if self._said:
            body.add("assistant", self._said)
        names = ", ".join(str(t.get("name")) for t in offered)
        body.add("user", render("call_as_json", language, names=names))
        if self._family.thinking == "switch" and body.thinks(self._server, self._family):
            body.think_not(self._server)
        thinks = body.thinks(self._server, self._family) and not self._server.forces_in_thought
        if (
            "json_schema" in self._server.output
            and "json_schema" not in self._refused
            and self._family.json_schema
            and not thinks
        ):
            body.form = ("json_schema", call_schema(offered))
        self.holds = True

    def _ask_for_answer(self, body: Body) -> None:
        if self._longer and body.limit is not None:
            body.limit *= _MORE
        elif self._family.thinking == "switch" and self._server.thinking:
            body.think_not(self._server)
        else:
            body.add("user", render("answer_now", _language(body)))
            if self._family.quiet:
                body.add("user", self._family.quiet)

    def _after_thoughts_alone(self, fault: EmptyResponse, asked: Mapping[str, Any]) -> bool:
        """Ask for the answer once where only thoughts came (Q20)."""
        if self._stage != "first" or fault.kind not in ("thought", "limit"):
            return False
        self._longer = fault.kind == "limit"
        if isinstance(asked.get("input"), (list, str)):  # Responses: more room is all that can be given there
            if not (self._longer and asked.get("max_output_tokens")):
                return False
            return self._answers_again()
        if (
            self._longer
            and Body(asked, native=self._native).limit is None
            and self._family.thinking != "switch"
        ):
            return False  # it thought until the window was full: it would again
        return self._answers_again()

    def _answers_again(self) -> bool:
        self._stage = "answer"
        self._note("answer.asked again", "It thought and said nothing: it was asked for the answer once more.")
        return True

    def _again(self, stage: Stage, reply: Reply) -> None:
        self._kept, self._said, self._stage = reply, reply.message.text, stage
        what = "call" if stage == "call" else "right form"
        self._note(f"{stage}.asked again", f"The {what} did not come: it was asked for once more.")

    def _read_call(self, reply: Reply, offer: Offer) -> Reply:
        """Return a reply whose text is the JSON of a call, with the call; as it is, where it is none."""
        names = [n for n in offer.tools if self._request.tool_choice in ("required", n)]
        whole = reply.finish == "stop" and ending_of(reply.details.get("finish_reason")) == "stop"
        called = call_in(reply.message.text, names) if whole else None
        if called is None:
            return reply
        made = Collector(reply.model, offer, self._family)
        made.call(0, None, *called)
        made.finish = "stop"
        message = made.reply(streamed=False).message
        if not message.calls:
            return reply
        kept = reply.message
        message = replace(message, reasoning=kept.reasoning, repairs=(*kept.repairs, *message.repairs))
        return replace(reply, message=message, finish="tool_calls")

    def _used(self, what: Refusable, asked: Mapping[str, Any]) -> bool:
        """Whether a request had what is said to be refused: else the words mean something else."""
        body = Body(asked, native=self._native)
        if what == "tools":
            return bool(body.tools) and self._mode == "auto"
        if what == "json_schema":
            return body.form is not None and body.form[0] == "json_schema"
        return bool(body.tools) or body.form is not None

    def _note(self, kind: str, detail: str) -> None:
        self._notes.setdefault(kind, Repair(kind, detail))

    def _unkept(self, reply: Reply) -> Reply:
        """Return a reply that says that it does not hold the call that was forced."""
        note = Repair("choice.not kept", "A call was forced, and the model made none.")
        return replace(reply, message=replace(reply.message, repairs=(*reply.message.repairs, note)))

    def _noted(self, reply: Reply) -> Reply:
        if not self._notes:
            return reply
        message = replace(reply.message, repairs=(*self._notes.values(), *reply.message.repairs))
        return replace(reply, message=message)

    _fault = ""


def is_about_tools(request: Request) -> bool:
    """Whether it matters to a request that a model may have no tools: it offers some, or tells of calls."""
    if request.tools:
        return True
    if isinstance(request, Prepared):
        return any(m.get("tool_calls") for m in Body(request.body).messages if isinstance(m, Mapping))
    return any(m.calls or m.role == "tool" for m in request.messages)


def _language(body: Body) -> str:
    said = next((text_of(m.get("content")) for m in reversed(body.messages) if m.get("role") == "user"), "")
    return language_of(said if isinstance(said, str) else "")
