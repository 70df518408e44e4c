"""Errors: the tree that is drawn is the tree that is there, and each survives being carried about."""

import copy
import inspect
import pickle
import re
from typing import Any

import pytest

from agentsdk import errors
from agentsdk.errors import (
    AgentError,
    AuthFailed,
    BadResponse,
    ConnectionLost,
    ContentFiltered,
    ContextOverflow,
    DeadlineExceeded,
    EmptyResponse,
    InvalidRequest,
    InvalidToolArguments,
    ModelError,
    ModelNotFound,
    Overloaded,
    QuotaExhausted,
    RateLimited,
    Truncated,
)
from agentsdk.messages import BrokenCall, Message

ALL = [found for found in vars(errors).values() if inspect.isclass(found) and issubclass(found, AgentError)]


def test_the_tree_in_the_docstring_is_the_tree_of_the_classes() -> None:
    drawn: dict[str, str] = {"AgentError": ""}
    above = ["AgentError"]
    for line in (errors.__doc__ or "").splitlines():
        if found := re.match(r"^((?:│   |    )*)[├└]── (\w+)", line):
            depth = len(found[1]) // 4 + 1
            del above[depth:]
            drawn[found[2]] = above[-1]
            above.append(found[2])
    real = {c.__name__: "" if c is AgentError else c.__mro__[1].__name__ for c in ALL}
    assert drawn == real


RECEIVED = Message(
    "assistant", "Half", (), (BrokenCall("c1", "add", '{"a', "It was cut off."),), reasoning="Hm."
)
FILLED: list[tuple[type[AgentError], dict[str, Any]]] = [
    (RateLimited, {"retry_after": 1.5, "status": 429}),
    (QuotaExhausted, {"code": "insufficient_quota"}),
    (Overloaded, {"status": 503, "retry_after": 2.0}),
    (ConnectionLost, {"partial": "Half"}),
    (Truncated, {"partial": "Half"}),
    (DeadlineExceeded, {"phase": "idle"}),
    (BadResponse, {"kind": "html", "snippet": "<html>"}),
    (EmptyResponse, {"kind": "thought"}),
    (ContextOverflow, {"limit": 10, "asked": 12, "over": 2}),
    (ContentFiltered, {"request_id": "req-1"}),
    (AuthFailed, {}),
    (ModelNotFound, {}),
    (InvalidToolArguments, {"raw": '{"a'}),
]


@pytest.mark.parametrize("kind", ALL)
def test_every_error_survives_pickle_and_copy(kind: type[AgentError]) -> None:
    error = kind("It broke.", why="It was old.", fix="Take a new one.", partial="Half")
    for again in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
        assert type(again) is kind
        assert (str(again), again.__dict__) == (str(error), error.__dict__)


@pytest.mark.parametrize(("kind", "facts"), FILLED)
def test_what_an_error_carries_survives_as_well(kind: type[AgentError], facts: dict[str, Any]) -> None:
    more: dict[str, Any] = {"received": RECEIVED} if issubclass(kind, ModelError) else {}
    error = kind("It broke.", **facts, **more)
    for again in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
        assert {name: getattr(again, name) for name in facts} == facts
        assert getattr(again, "received", None) == more.get("received")


def test_what_may_pass_can_be_tried_again_and_nothing_else() -> None:
    passes = {c for c in ALL if issubclass(c, ModelError) and c("").retryable}
    unavailable = {c for c in ALL if issubclass(c, errors.ModelUnavailable)}
    assert passes == unavailable | {EmptyResponse}
    assert BadResponse("", kind="empty").retryable
    assert not BadResponse("", kind="json").retryable
    assert not EmptyResponse("", kind="thought").retryable
    assert not InvalidRequest("").retryable
