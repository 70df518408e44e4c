"""Turns what goes wrong with a provider into the ModelError family: by HTTP status, and by the provider's code."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any

from agentsdk.errors import (
    AgentError,
    AuthFailed,
    BadResponse,
    ConnectionLost,
    ContentFiltered,
    ContextOverflow,
    DeadlineExceeded,
    InvalidRequest,
    ModelError,
    ModelNotFound,
    Overloaded,
    QuotaExhausted,
    RateLimited,
)
from agentsdk.i18n import _

# Codes and phrases as recorded, and as in the providers' lists of errors.
_OVERFLOW = re.compile(
    r"context_length_exceeded|maximum context length|exceeds? the available context|exceed_context_size|"
    r"max context length|range of input length|prompt is too long|too many tokens|input is too long",
    re.IGNORECASE,
)
_QUOTA = re.compile(
    r"insufficient_quota|arrearage|overdue|billing|exceeded your current quota|credit balance", re.IGNORECASE
)
_FILTER = re.compile(
    r"content_filter|content_policy|data_?inspection|responsible ?ai|moderation", re.IGNORECASE
)
_MISSING = re.compile(
    r"model[_. ]?not[_. ]?(?:found|exist)|model .{1,80}(?:not found|does not exist)|no such model",
    re.IGNORECASE,
)
_NO_TOOLS = re.compile(r"does not support tools|--enable-auto-tool-choice|requires --jinja", re.IGNORECASE)
_AUTH = re.compile(
    r"invalid.?api.?key|incorrect api key|accessdenied|unauthorized|authentication", re.IGNORECASE
)
_RATE = re.compile(r"throttling|rate.?limit|too many requests", re.IGNORECASE)


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
        status: HTTP status; None for an error inside a stream that began well.
        body: the answer, read as JSON where it is.
        partial: the text that had come before.

    """
    code, message = _code_and_message(body)
    said = f"{code} {message}"
    found = dict(headers or {})
    details: dict[str, Any] = {
        "why": message[:500],
        "code": code or None,
        "status": status,
        "request_id": found.get("x-request-id"),
        "partial": partial or None,
    }
    if _OVERFLOW.search(said):
        return ContextOverflow(
            _("The conversation is too long for {model}.").format(model=model),
            fix=_("Ask less at once, give shorter texts, or take a model with a larger window."),
            **details,
        )
    if _QUOTA.search(said):
        return QuotaExhausted(
            _("The account may not spend more on {model}.").format(model=model),
            fix=_("Look at the plan and the bills with the provider."),
            **details,
        )
    if _FILTER.search(said):
        return ContentFiltered(_("The provider's filter stopped {model}.").format(model=model), **details)
    if status == 429 or _RATE.search(code):
        limited = RateLimited(_("{model} gets too many requests.").format(model=model), **details)
        limited.retry_after = _retry_after(found)
        return limited
    if status in (401, 403) or _AUTH.search(code):
        return AuthFailed(
            _("{model} refuses the API key.").format(model=model),
            fix=_("Check the key and what it may do; it belongs to one provider and one region."),
            **details,
        )
    if status == 404 or _MISSING.search(said):
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
    if status is not None and 400 <= status < 500 and status != 408:
        return InvalidRequest(_("The server refuses the request to {model}.").format(model=model), **details)
    if status is None or status >= 500 or status == 408:
        return Overloaded(
            _("The server of {model} could not answer.").format(model=model),
            fix=_("Try again later."),
            **details,
        )
    return bad_answer(model, message or f"HTTP {status}", partial)


def unreachable(model: str, url: str, error: BaseException, partial: str = "") -> ModelError:
    """Return the error for a server that could not be reached, or that went away."""
    fix = _("Check the address and the network.")
    if model.startswith("ollama:"):
        fix = _("Is Ollama running? Start it with: ollama serve")
    elif "://127.0.0.1" in url or "://localhost" in url:
        fix = _("Is the server running there?")
    why = _deepest(error)
    return ConnectionLost(
        _("The connection to {url} broke off.").format(url=url)
        if partial
        else _("{model} cannot be reached at {url}.").format(model=model, url=url),
        why=why,
        fix=fix,
        partial=partial or None,
    )


def too_late(model: str, seconds: float, partial: str = "", *, idle: bool = False) -> DeadlineExceeded:
    """Return the error for an answer that did not come in time."""
    why = _("Nothing came for {seconds:g} s.") if idle else _("It may take {seconds:g} s in all.")
    return DeadlineExceeded(
        _("{model} did not answer in time.").format(model=model),
        why=why.format(seconds=seconds),
        fix=_("Try again, or allow more: connect(..., timeout=...)."),
        partial=partial or None,
    )


def bad_answer(model: str, what: str, partial: str = "") -> BadResponse:
    """Return the error for an answer that is not in the provider's protocol."""
    return BadResponse(
        _("The answer of {model} cannot be read.").format(model=model),
        why=what[:500],
        fix=_("Check that the address is that of a model server."),
        partial=partial or None,
    )


def with_partial(error: AgentError, partial: str) -> AgentError:
    """Return an error with what had come before it, unless it has that already."""
    if isinstance(error, ModelError) and partial and error.partial is None:
        error.partial = partial
    return error


def _code_and_message(body: Any) -> tuple[str, str]:
    if isinstance(body, (bytes, str)):
        text = body.decode("utf-8", "replace") if isinstance(body, bytes) else body
        try:
            body = json.loads(text)
        except (ValueError, RecursionError):
            return "", " ".join(text.split())[:500]
    if isinstance(body, Mapping):
        inner = body.get("error", body)
        if isinstance(inner, Mapping):
            code = inner.get("code") or inner.get("type") or ""
            return str(code), str(inner.get("message") or inner)
        return str(body.get("code") or ""), str(inner)
    return "", str(body or "")


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds of Retry-After: a number, or a date (RFC 9110, 10.2.3); retry-after-ms goes first."""
    low = {k.lower(): v for k, v in headers.items()}
    try:
        if "retry-after-ms" in low:
            return float(low["retry-after-ms"]) / 1000
        value = low.get("retry-after", "").strip()
        if not value:
            return None
        if re.fullmatch(r"\d+(?:\.\d+)?", value):
            return float(value)
        from datetime import UTC, datetime

        return max((parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds(), 0.0)
    except (ValueError, TypeError):
        return None


def _deepest(error: BaseException) -> str:
    """Return what the first of a chain of errors says: the others wrap it."""
    while error.__cause__ or error.__context__:
        error = error.__cause__ or error.__context__ or error
    return f"{type(error).__name__}: {error}".rstrip(": ")[:300]
