"""Turns what goes wrong with a provider into the ModelError family: by HTTP status, and by the provider's code."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

from agentsdk.errors import (
    AgentError,
    AuthFailed,
    BadKind,
    BadResponse,
    ConnectionLost,
    ContentFiltered,
    ContextOverflow,
    DeadlineExceeded,
    InvalidRequest,
    ModelError,
    ModelNotFound,
    Overloaded,
    Phase,
    QuotaExhausted,
    RateLimited,
    Truncated,
)
from agentsdk.i18n import _
from agentsdk.models.overflow import overflow_in
from agentsdk.models.retry_after import retry_after

# Codes and phrases as recorded, and as in the providers' lists of errors.
_QUOTA = re.compile(
    r"insufficient[_ ]?quota|arrearage|overdue|billing_(?:hard_limit|not_active)|exceeded your current quota|"
    r"credit balance|insufficient (?:balance|credits?|funds)|usage limit|free ?tier ?only|free allocated quota|"
    r"balance is (?:insufficient|not enough)|(?:any|no|out of) (?:more )?credits|account_?overdue|"
    r"余额不足|余额已用|欠费|已用尽|请充值|资源包不足",
    re.IGNORECASE,
)
# DashScope's compatible mode has OpenAI's word for an empty account in its answer to too much in one minute.
_MINUTE = re.compile(r"throttling\.allocationquota|(?<!free )allocated quota exceeded", re.IGNORECASE)
_FILTER = re.compile(
    r"content_?filter|content_policy|data_?inspection|responsible ?ai|content management policy|moderation_blocked|"
    r"flagged by .{0,20}moderation|content filter|bio_policy|policy_violation",
    re.IGNORECASE,
)
_MISSING = re.compile(
    r"model[_. ]?not[_. ]?(?:found|exist)|model\b.{1,80}(?:not found|does not exist|is not a valid model)|"
    r"no such model|is not a valid model id|specified model not found",
    re.IGNORECASE,
)
_NO_TOOLS = re.compile(r"does not support tools|--enable-auto-tool-choice|requires? --jinja", re.IGNORECASE)
_AUTH = re.compile(
    r"invalid.?api.?key|incorrect.?api.?key|accessdenied|unauthorized|authentication|permission_?denied",
    re.IGNORECASE,
)
_RATE = re.compile(r"throttling|rate.?limit|too.?many.?requests|resource_exhausted", re.IGNORECASE)
_INVALID = re.compile(
    r"invalid.?(?:request|parameter|prompt|value|type)|bad.?request|unsupported", re.IGNORECASE
)
_REDIRECTS = range(300, 400)
_PASSING = (408, 409, 425, 498)
"""Statuses below 500 of what may go well the next time; 498 is Groq's for a full flex tier."""
_NEVER = (501, 505)
"""Statuses from 500 on that say the same however often it is asked: the server cannot do this at all."""


def from_status(
    status: int | None,
    body: Any,
    headers: Mapping[str, str] | None,
    *,
    model: str,
    partial: str = "",
) -> ModelError:
    """Return the error for an answer that is none.

    Args:
        status: HTTP status; None, or 200, for an error inside an answer that began well.
        body: the answer, read as JSON where it is.
        partial: the text that had come before.

    """
    body = _parsed(body)
    code, message = _code_and_message(body)
    if status in (None, 200) and re.fullmatch(r"[45]\d\d", code):
        status = int(code)  # llama.cpp and OpenRouter say the status as the code
    said = f"{code} {_type_of(body)} {message}"
    found = {k.lower(): v for k, v in (headers or {}).items()}
    details: dict[str, Any] = {
        "why": _hidden(message[:500]),
        "code": code or None,
        "status": status,
        "request_id": _request_id(found, body),
        "partial": partial or None,
    }
    if code == "tool_use_failed":
        return InvalidRequest(
            _("The server refuses the tool call that {model} wrote.").format(model=model),
            written=_written(body),
            fix=_("Ask again, or take another model."),
            **details,
        )
    if status is not None and status in _REDIRECTS:
        return BadResponse(
            _("The server of {model} sends its clients to another address.").format(model=model),
            kind="redirect",
            snippet=found.get("location", "")[:200],
            fix=_("Give that address as base_url, if it is the right one."),
            **(details | {"why": found.get("location", "")[:200]}),
        )
    mine = status is None or status < 500  # words of a server that failed say little of the request
    numbers = overflow_in(said, body)
    # Too many tokens a minute are no overflow, unless they are those of this one request.
    if numbers is not None and (status != 429 or "too large" in said.lower()):
        return ContextOverflow(
            _("The conversation is too long for {model}.").format(model=model),
            fix=_("Ask less at once, give shorter texts, or take a model with a larger window."),
            **numbers,
            **details,
        )
    if status == 402 or (mine and _QUOTA.search(said) and not _MINUTE.search(said)):
        return QuotaExhausted(
            _("The account may not spend more on {model}.").format(model=model),
            fix=_("Look at the plan and the bills with the provider."),
            **details,
        )
    if mine and _FILTER.search(said):
        return ContentFiltered(_("The provider's filter stopped {model}.").format(model=model), **details)
    if status == 429 or _RATE.search(code) or _MINUTE.search(said):
        return RateLimited(
            _("{model} gets too many requests.").format(model=model),
            retry_after=retry_after(found, message),
            **details,
        )
    if status in (401, 403) or _AUTH.search(code):
        return AuthFailed(
            _("{model} refuses the API key.").format(model=model),
            fix=_("Check the key and what it may do; it belongs to one provider and one region."),
            **details,
        )
    if status == 404 or (mine and _MISSING.search(said)):
        name = model.partition(":")[2]
        pull = f"ollama pull {name}" if model.startswith("ollama:") else "agentsdk models"
        return ModelNotFound(
            _("The server does not have {model}.").format(model=model),
            fix=_("Check the name; {command} may help.").format(command=pull),
            **details,
        )
    if _NO_TOOLS.search(said):
        return InvalidRequest(
            _("{model} cannot call tools on this server.").format(model=model),
            fix=_("Take a model with tools, such as llama3.1 or qwen3, or start the server with tool support."),
            **details,
        )
    told = status not in (None, 200)
    final = status in _NEVER or (400 <= (status or 0) < 500 and status not in _PASSING)
    if (told and final) or (not told and _INVALID.search(code)):
        return InvalidRequest(_("The server refuses the request to {model}.").format(model=model), **details)
    if told and (status or 0) < 400:
        return bad_answer(model, message or f"HTTP {status}", partial)
    return Overloaded(
        _("The server of {model} could not answer.").format(model=model),
        fix=_("Try again later."),
        retry_after=retry_after(found, message),
        **details,
    )


def unreachable(model: str, url: str, error: BaseException, partial: str = "") -> ModelError:
    """Return the error for a server that could not be reached, that went away, or that does not speak HTTP.

    Args:
        error: what the client raised. Clients wrap what they do not know, so an error of ours may stand inside.

    """
    chain = list(_chain(error))
    for inner in chain:
        if isinstance(inner, ModelError):
            return with_partial(inner, partial)
    # httpx and httpx2 have the same names for the same things, and an adapter imports but one of them.
    names = {c.__name__ for inner in chain for c in type(inner).__mro__}
    said = _deepest(error)
    if "ConnectTimeout" in names:
        return too_late(model, 0, partial, phase="connect", why=said)
    if names & {"LocalProtocolError", "InvalidURL", "UnsupportedProtocol", "UnicodeEncodeError"}:
        return _unsendable(model)
    if "DecodingError" in names:
        return bad_answer(model, said, partial, kind="encoding")
    if "RemoteProtocolError" in names and not re.search(r"disconnected|closed|incomplete", said, re.IGNORECASE):
        return bad_answer(model, said, partial, kind="http")
    url = re.sub(r"//[^/@]*@", "//", url)  # without a name and a password
    fix = _("Check the address and the network.")
    if "WRONG_VERSION_NUMBER" in said:
        fix = _("The server does not speak TLS there: write http:// instead of https://.")
    elif "CERTIFICATE_VERIFY_FAILED" in said:
        fix = _("Its certificate is not known here: send with an http_client that trusts it.")
    elif model.startswith("ollama:"):
        fix = _("Is Ollama running? Start it with: ollama serve")
    elif "://127.0.0.1" in url or "://localhost" in url:
        fix = _("Is the server running there?")
    return ConnectionLost(
        _("The connection to {url} broke off.").format(url=url)
        if partial
        else _("{model} cannot be reached at {url}.").format(model=model, url=url),
        why=said,
        fix=fix,
        partial=partial or None,
    )


def _unsendable(model: str) -> InvalidRequest:
    # What the client says may hold the key that cannot be sent.
    return InvalidRequest(
        _("The request to {model} cannot be sent.").format(model=model),
        why=_("The address, the key or the text holds a character that cannot stand there."),
        fix=_("A line break at the end of a key is the usual cause; in a text it is half of a character."),
    )


def too_late(
    model: str, seconds: float, partial: str = "", *, phase: Phase = "total", why: str = ""
) -> DeadlineExceeded:
    """Return the error for an answer that did not come in time."""
    reasons = {
        "connect": _("No connection was made in {seconds:g} s."),
        "first": _("Nothing of the answer came in {seconds:g} s."),
        "idle": _("Nothing came for {seconds:g} s."),
        "total": _("It may take {seconds:g} s in all."),
    }
    return DeadlineExceeded(
        _("{model} did not answer in time.").format(model=model),
        phase=phase,
        why=why or reasons[phase].format(seconds=round(seconds, 3)),
        fix=_("Try again, or allow more: connect(..., timeout=...)."),
        partial=partial or None,
    )


def unfinished(model: str, partial: str = "") -> Truncated:
    """Return the error for an answer that ended, and did not say that it was at its end."""
    return Truncated(
        _("{model} stopped in the middle of its answer.").format(model=model),
        why=_("The answer ended without its finish marker."),
        fix=_("Ask again."),
        partial=partial or None,
    )


def bad_answer(
    model: str, what: str, partial: str = "", *, kind: BadKind = "shape", snippet: str = ""
) -> BadResponse:
    """Return the error for an answer that is not in the provider's protocol."""
    return BadResponse(
        _("The answer of {model} cannot be read.").format(model=model),
        kind=kind,
        snippet=_hidden(snippet[:200]),
        why=_hidden(what[:500]),
        fix=_("Check that the address is that of a model server."),
        partial=partial or None,
    )


def unreadable(model: str, error: BaseException, partial: str = "") -> ModelError:
    """Return the error for an answer that made its reader fail."""
    for inner in _chain(error):
        if isinstance(inner, ModelError):
            return with_partial(inner, partial)
    kind: BadKind = "shape"
    snippet = ""
    for inner in _chain(error):
        if isinstance(inner, UnicodeDecodeError):
            # Its own text would do, but `object` holds the whole answer and would be carried along.
            return bad_answer(model, _("It is not UTF-8."), partial, kind="encoding")
        if isinstance(inner, UnicodeEncodeError):
            return _unsendable(model)
        if isinstance(inner, OverflowError):
            return bad_answer(model, str(inner), partial, kind="size")
        if isinstance(inner, RecursionError):
            return bad_answer(model, _("It is nested too deep."), partial, kind="deep")
        if isinstance(inner, json.JSONDecodeError):
            text = inner.doc if isinstance(inner.doc, str) else ""
            snippet, kind = text[:200], "json"
            if not text.strip():
                kind = "empty"
            elif _is_html(text):
                kind = "html"
            why = _("It is not JSON: {text}").format(text=_short(text))
            return bad_answer(model, why, partial, kind=kind, snippet=snippet)
    return bad_answer(model, f"{type(error).__name__}: {error}", partial, kind=kind, snippet=snippet)


E = TypeVar("E", bound=AgentError)


def with_partial(error: E, partial: str) -> E:
    """Return an error with the text that had come before it, unless it has that already."""
    if isinstance(error, ModelError) and partial and error.partial is None:
        error.partial = partial
    return error


def _parsed(body: Any) -> Any:
    """Return the body of an error as JSON where it is that, else as text."""
    if isinstance(body, (bytes, str)):
        text = body.decode("utf-8", "replace") if isinstance(body, bytes) else body
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            return _short(text)
    return body


def _code_and_message(body: Any) -> tuple[str, str]:
    if isinstance(body, Mapping):
        inner = body.get("error", body)
        if isinstance(own := body.get("base_resp"), Mapping):  # MiniMax's, in an answer with status 200
            number = own.get("status_code")
            return _MINIMAX.get(number if isinstance(number, int) else 0, str(number)), _said(
                own.get("status_msg")
            )
        if isinstance(inner, Mapping):
            code = inner.get("code") or inner.get("type") or ""
            return _said(code, 200), _said(inner.get("message") or inner)
        return _said(body.get("code") or "", 200), _said(inner)
    return "", _said(body or "")


_MINIMAX = {1002: "rate_limit", 1004: "unauthorized", 1008: "insufficient_quota", 1026: "content_filter",
            1027: "content_filter", 1039: "too_many_requests", 2013: "invalid_parameter"}  # fmt: skip
"""MiniMax's numbers in the words of the others (its list of error codes)."""


def _said(value: Any, most: int = 4_000) -> str:
    """Return what a server said as text; what it means is told at its beginning, or nowhere."""
    try:
        return str(value)[:most]
    except RecursionError:
        return ""


def _written(body: Any) -> str:
    inner = body.get("error", body) if isinstance(body, Mapping) else None
    found = inner.get("failed_generation") if isinstance(inner, Mapping) else None
    return found if isinstance(found, str) else ""


def _type_of(body: Any) -> str:
    inner = body.get("error", body) if isinstance(body, Mapping) else None
    return _said(inner.get("type") or "", 200) if isinstance(inner, Mapping) else ""


def _request_id(headers: Mapping[str, str], body: Any) -> str | None:
    for name in ("x-request-id", "request-id", "x-dashscope-request-id", "x-amzn-requestid"):
        if found := headers.get(name):
            return found
    if isinstance(body, Mapping) and isinstance(found := body.get("request_id"), str):
        return found
    return None


def _is_html(text: str) -> bool:
    return bool(re.match(r"\s*<(?:!doctype html|html|head|body)\b", text[:200], re.IGNORECASE))


def _short(text: str) -> str:
    """Return the beginning of a text on one line; of a page of HTML, its title."""
    if _is_html(text):
        title = re.search(r"<title[^>]*>(.{0,200}?)</title>", text[:5000], re.IGNORECASE | re.DOTALL)
        return "HTML: " + (" ".join(title[1].split()) if title else "")
    return " ".join(text[:2000].split())[:500]


def _hidden(text: str) -> str:
    """Return a text without what looks like a key: servers repeat the one that they refuse."""
    return re.sub(r"\b(sk-|gsk_|xai-|hf_|nvapi-|r8_|AIza|Bearer\s+)[\w*.-]{6,}", r"\1...", text)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an error, and those that it was raised from."""
    at: BaseException | None = error
    for _step in range(20):
        if at is None:
            return
        yield at
        inner = at.exceptions[0] if isinstance(at, BaseExceptionGroup) else None
        at = inner or at.__cause__ or at.__context__


def _deepest(error: BaseException) -> str:
    """Return what the first of a chain of errors says: the others wrap it."""
    *_rest, first = _chain(error)
    return _hidden(f"{type(first).__name__}: {first}".rstrip(": ")[:300])
