"""Errors of ours that are LangChain's as well: `except` works with either family."""

from __future__ import annotations

from langchain_core import exceptions as theirs

from agentsdk import errors as ours


class ConnectionLost(ours.ConnectionLost, theirs.ModelConnectionError):
    """Refused, reset, not resolved, or cut in the middle."""


class DeadlineExceeded(ours.DeadlineExceeded, theirs.ModelTimeoutError):
    """The time allowed ran out."""


class Overloaded(ours.Overloaded, theirs.ModelAPIError):
    """The server answered 5xx."""


class RateLimited(ours.RateLimited, theirs.ModelRateLimitError):
    """The server answered 429."""


class QuotaExhausted(ours.QuotaExhausted, theirs.ModelRateLimitError):
    """The account may not spend more. Providers send it as a 429; trying again does not help."""

    is_retryable = False


class AuthFailed(ours.AuthFailed, theirs.ModelAuthenticationError):
    """The key is wrong."""


class PermissionDenied(ours.AuthFailed, theirs.ModelPermissionDeniedError):
    """The key may not do this."""


class ModelNotFound(ours.ModelNotFound, theirs.ModelNotFoundError):
    """The server does not have this model."""


class InvalidRequest(ours.InvalidRequest, theirs.ModelInvalidRequestError):
    """The server refuses what was asked."""


class UnsupportedMedia(ours.UnsupportedMedia, theirs.ModelInvalidRequestError):
    """The model or its server does not take such media."""


class ContextOverflow(ours.ContextOverflow, theirs.ContextOverflowError):
    """The conversation is longer than the model's window."""


class ContentFiltered(ours.ContentFiltered, theirs.ModelInvalidRequestError):
    """The provider's filter stopped the request or the answer."""


class BadResponse(ours.BadResponse, theirs.ModelError):
    """The answer is not in the provider's protocol."""


class EmptyResponse(ours.EmptyResponse, theirs.ModelError):
    """The answer holds neither text nor a tool call."""


class Truncated(ours.Truncated, theirs.ModelError):
    """The answer stopped before its finish marker, or at the token limit."""


class ModelError(ours.ModelError, theirs.ModelError):
    """The model or its server could not do what was asked."""


_BOTH: tuple[tuple[type[ours.ModelError], type[ours.ModelError]], ...] = (
    (ours.ConnectionLost, ConnectionLost),
    (ours.DeadlineExceeded, DeadlineExceeded),
    (ours.Overloaded, Overloaded),
    (ours.RateLimited, RateLimited),
    (ours.QuotaExhausted, QuotaExhausted),
    (ours.AuthFailed, AuthFailed),
    (ours.ModelNotFound, ModelNotFound),
    (ours.ContextOverflow, ContextOverflow),
    (ours.UnsupportedMedia, UnsupportedMedia),
    (ours.InvalidRequest, InvalidRequest),
    (ours.ContentFiltered, ContentFiltered),
    (ours.BadResponse, BadResponse),
    (ours.EmptyResponse, EmptyResponse),
    (ours.Truncated, Truncated),
    (ours.ModelError, ModelError),
)
"""The first that fits is taken: the narrower stands before the wider."""


def in_both_families(error: ours.AgentError) -> ours.AgentError:
    """Return an error of ours as one that is also LangChain's; one that is not the model's stays as it is."""
    if isinstance(error, theirs.ModelError) or not isinstance(error, ours.ModelError):
        return error
    both = next(mine for kind, mine in _BOTH if isinstance(error, kind))
    if both is AuthFailed and error.status == 403:
        both = PermissionDenied
    made = both(
        error.what,
        why=error.why,
        fix=error.fix,
        partial=error.partial,
        code=error.code,
        status=error.status,
        request_id=error.request_id,
    )
    made.__dict__.update(error.__dict__)
    return made
