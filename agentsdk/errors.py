"""Every error that agentsdk raises. Each says what happened, why, and what to do.

AgentError
├── ConfigurationError          the program is wrong; raised before a call is paid for
│   ├── UnknownModel            "provider:name" names no model we know how to reach
│   ├── UnknownTool             a tool's name is not registered
│   ├── MissingKey              the provider's API key is not set
│   └── MissingExtra            an optional package is needed; the install line is named
├── QuestionError               the question is empty, or is not text
├── MediaUnreadable             a picture, sound, video or document cannot be read
├── ReferencesError             a reference text cannot be used
│   ├── FileMissing             the path does not exist
│   ├── FileUnreadable          broken, encrypted, binary, or of a kind that no loader reads
│   ├── FileTooLarge            larger than the limit; nothing of it was read
│   └── NothingReadable         a folder or file without any text
├── ModelError                  the model or its server; `partial` and `received` hold what had come
│   ├── ModelUnavailable        no usable answer came; trying again later may help, `retry_after` says when
│   │   ├── ConnectionLost      refused, reset, DNS, or cut in the middle
│   │   ├── DeadlineExceeded    the time allowed ran out; `phase` says in what
│   │   ├── Overloaded          5xx from the server
│   │   └── RateLimited         429
│   ├── AuthFailed              401, 403: the key is wrong or may not do this
│   ├── ModelNotFound           the server does not have this model
│   ├── QuotaExhausted          billing; trying again does not help
│   ├── InvalidRequest          400: the server refuses what was asked
│   │   ├── UnsupportedMedia    the model takes no pictures, sound, video or documents; said before the call
│   │   └── ContextOverflow     the conversation is longer than the model's window; `limit`, `asked`, `over`
│   ├── ContentFiltered         the provider's filter stopped the request or the answer
│   ├── BadResponse             an answer that is not in the provider's protocol; `kind`, `snippet`
│   ├── EmptyResponse           an answer without text and without a tool call; `kind`
│   └── Truncated               the answer stopped before its finish marker or at the token limit
├── ToolError                   a tool could not do its work; the text goes back to the model
│   ├── InvalidToolArguments    the arguments do not fit the tool's schema; `raw`
│   └── ToolRefused             a policy or a person said no
├── PlanError                   a plan cannot be read or cannot work; `findings` says why
├── OutputInvalid               the answer does not fit the `output=` type, also after one correction
├── StoreError                  runs cannot be kept, or not be read back
│   ├── StoreUnavailable        no such folder, no space, a database that does not answer
│   ├── StoreDamaged            not a store, cut off, or changed by another hand; nothing of it is run
│   ├── StoreTooNew             written by a later agentsdk
│   ├── RunUnknown              the store has no such run
│   ├── RunHeld                 another process has the run
│   ├── RunChanged              the run was made with another model or other tools; `differences`
│   └── LeaseLost               another process has taken the run over; nothing more is written
├── TraceUnreadable             a trace file is missing or damaged
└── CassetteError               recording and replaying
    ├── CassetteMiss            the run asks for something that was not recorded
    └── CassetteDamaged         the file cannot be trusted
"""

from collections.abc import Sequence
from typing import Any, Literal

from agentsdk.i18n import _


class AgentError(Exception):
    """What happened, why, and what to do about it.

    Args:
        what: one sentence on what happened.
        why: the cause, where it is known.
        fix: what the reader can do now; commands as they are typed.
        partial: what had been done or received before it happened.

    """

    def __init__(self, what: str, *, why: str = "", fix: str = "", partial: Any = None) -> None:
        super().__init__(what)
        self.what = what
        self.why = why
        self.fix = fix
        self.partial = partial

    def __str__(self) -> str:
        lines = [self.what]
        if self.why:
            lines.append(_("  Why: {why}").format(why=self.why))
        if self.fix:
            lines.append(_("  Fix: {fix}").format(fix=self.fix))
        return "\n".join(lines)


class ConfigurationError(AgentError):
    """The program or the command line is wrong."""


class UnknownModel(ConfigurationError):
    """The text does not name a model."""


class UnknownTool(ConfigurationError):
    """The text does not name a tool."""


class MissingKey(ConfigurationError):
    """The provider's API key is not set."""


class MissingExtra(ConfigurationError):
    """An optional package is needed."""


class QuestionError(AgentError):
    """The question is empty, or is not text."""


class MediaUnreadable(AgentError):
    """A picture, sound, video or document cannot be read, or is none."""


class ReferencesError(AgentError):
    """A reference text cannot be used."""


class FileMissing(ReferencesError):
    """The path does not exist."""


class FileUnreadable(ReferencesError):
    """The file is broken, encrypted, binary, or of a kind that no loader reads."""


class FileTooLarge(ReferencesError):
    """The file is larger than the limit."""


class NothingReadable(ReferencesError):
    """There is no text in what was given."""


class ModelError(AgentError):
    """The model or its server could not do what was asked.

    Args:
        partial: the text that had come before it happened.
        received: all that had come, as the assistant's turn that it would have become (a `Message`): its text, its
            reasoning, and its calls, none of which may be run.
        usage: what it cost (a `Usage`), where the server had said it: an empty answer is paid for as well.
        code: the provider's own error code, where it gave one.
        status: the HTTP status, where there was one.
        request_id: the provider's name for the request, for its support.

    """

    tries: int = 1
    """How often it was tried."""

    def __init__(
        self,
        what: str,
        *,
        why: str = "",
        fix: str = "",
        partial: Any = None,
        received: Any = None,
        usage: Any = None,
        code: str | None = None,
        status: int | None = None,
        request_id: str | None = None,
    ) -> None:
        super().__init__(what, why=why, fix=fix, partial=partial)
        self.received = received
        self.usage = usage
        self.code = code
        self.status = status
        self.request_id = request_id

    @property
    def retryable(self) -> bool:
        """Whether the same request may succeed if it is sent again, to the same server, a little later."""
        return False


class ModelUnavailable(ModelError):
    """No usable answer came; trying again later may help.

    Args:
        retry_after: seconds to wait, where the server said it.

    """

    def __init__(self, what: str, *, retry_after: float | None = None, **details: Any) -> None:
        super().__init__(what, **details)
        self.retry_after = retry_after

    @property
    def retryable(self) -> bool:
        """Always so."""
        return True


class ConnectionLost(ModelUnavailable):
    """Refused, reset, not resolved, or cut in the middle."""


Phase = Literal["connect", "first", "idle", "total"]
"""What was waited for: a connection, the first piece of the answer, the next piece, or the end of it all."""


class DeadlineExceeded(ModelUnavailable):
    """The time allowed ran out.

    Args:
        phase: what was waited for.

    """

    def __init__(self, what: str, *, phase: Phase = "total", **details: Any) -> None:
        super().__init__(what, **details)
        self.phase: Phase = phase


class Overloaded(ModelUnavailable):
    """The server answered 5xx, or said in other words that it could not."""


class RateLimited(ModelUnavailable):
    """The server answered 429."""


class AuthFailed(ModelError):
    """The key is wrong, or may not do this."""


class ModelNotFound(ModelError):
    """The server does not have this model."""


class QuotaExhausted(ModelError):
    """The account may not spend more."""


class InvalidRequest(ModelError):
    """The server refuses what was asked.

    Args:
        written: what the model wrote as a tool call, where that is what the server refuses (Groq).

    """

    def __init__(self, what: str, *, written: str = "", **details: Any) -> None:
        super().__init__(what, **details)
        self.written = written


class UnsupportedMedia(InvalidRequest):
    """The model, or its server, does not take this kind of thing. Nothing was sent."""


class ContextOverflow(InvalidRequest):
    """The conversation is longer than the model's window.

    Args:
        limit: tokens that fit, where the server said it.
        asked: tokens that were asked for, where it said it.
        over: tokens too many, where it said it or where both others are known.

    """

    def __init__(
        self,
        what: str,
        *,
        limit: int | None = None,
        asked: int | None = None,
        over: int | None = None,
        **details: Any,
    ) -> None:
        super().__init__(what, **details)
        self.limit = limit
        self.asked = asked
        self.over = over


class ContentFiltered(ModelError):
    """The provider's filter stopped the request or the answer."""


BadKind = Literal["json", "html", "shape", "deep", "encoding", "empty", "size", "redirect", "http", "other"]
"""What is wrong with an answer: it is not JSON, a page of HTML, JSON of another form, JSON nested too deep, not UTF-8,
no body at all, larger than allowed, a redirect, not HTTP, or something else."""


class BadResponse(ModelError):
    """The answer is not in the provider's protocol.

    Args:
        kind: what is wrong with it.
        snippet: how it begins.

    """

    def __init__(self, what: str, *, kind: BadKind = "other", snippet: str = "", **details: Any) -> None:
        super().__init__(what, **details)
        self.kind: BadKind = kind
        self.snippet = snippet

    @property
    def retryable(self) -> bool:
        """Whether nothing came at all: what is wrong in itself stays wrong."""
        return self.kind == "empty"


EmptyKind = Literal["nothing", "loaded", "thought", "limit"]
"""Why an answer is empty: nothing is known, the model was only loaded, it thought and said nothing, or it thought until
the token limit."""


class EmptyResponse(ModelError):
    """The answer holds neither text nor a tool call.

    Args:
        kind: why.

    """

    def __init__(self, what: str, *, kind: EmptyKind = "nothing", **details: Any) -> None:
        super().__init__(what, **details)
        self.kind: EmptyKind = kind

    @property
    def retryable(self) -> bool:
        """Whether it may be an accident: who thought and said nothing would do so again.

        A model that was only loaded is asked again by its adapter.
        """
        return self.kind == "nothing"


class Truncated(ModelError):
    """The answer stopped before its finish marker, or at the token limit."""


class ToolError(AgentError):
    """A tool could not do its work. Its text goes back to the model."""


class InvalidToolArguments(ToolError):
    """The arguments do not fit the tool's schema.

    Args:
        raw: the arguments as they came.

    """

    def __init__(self, what: str, *, raw: str = "", **details: Any) -> None:
        super().__init__(what, **details)
        self.raw = raw


class ToolRefused(ToolError):
    """A policy or a person said no."""


class PlanError(AgentError):
    """A plan cannot be read, or cannot work.

    Args:
        findings: one sentence a fault, each naming the step and the mend.

    """

    def __init__(
        self,
        what: str,
        *,
        why: str = "",
        fix: str = "",
        partial: Any = None,
        findings: Sequence[str] = (),
    ) -> None:
        super().__init__(what, why=why, fix=fix, partial=partial)
        self.findings = tuple(findings)


class OutputInvalid(AgentError):
    """The answer does not fit the `output=` type."""


class StoreError(AgentError):
    """A run cannot be kept, or not be read back."""


class StoreUnavailable(StoreError):
    """The store cannot be reached or written to."""


class StoreDamaged(StoreError):
    """What lies there is no store, or was cut off or changed. Nothing of it is run."""


class StoreTooNew(StoreError):
    """The store was written by a later version of agentsdk."""


class RunUnknown(StoreError):
    """The store has no such run."""


class RunHeld(StoreError):
    """Another process, or another task of this one, has the run."""


class RunChanged(StoreError):
    """The agent is not the one that began the run.

    Args:
        differences: one sentence each.

    """

    def __init__(
        self,
        what: str,
        *,
        why: str = "",
        fix: str = "",
        partial: Any = None,
        differences: Sequence[str] = (),
    ) -> None:
        super().__init__(what, why=why, fix=fix, partial=partial)
        self.differences = tuple(differences)


class LeaseLost(StoreError):
    """Another process has taken the run over, since this one gave no sign of life. Nothing more is written."""


class TraceUnreadable(AgentError):
    """A trace file is missing or damaged."""


class CassetteError(AgentError):
    """Recording or replaying went wrong."""


class CassetteMiss(CassetteError):
    """The run asks for something that was not recorded."""


class CassetteDamaged(CassetteError):
    """The cassette cannot be trusted."""
