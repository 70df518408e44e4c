"""The faults that the stand-in can play by name: what each does with the socket."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from agentsdk.testing.standin.exchange import Exchange
from agentsdk.testing.standin.script import Fault

FAULTS: dict[str, Callable[..., Fault]] = {
    "reset": lambda: Exchange.reset,
    "close": lambda: Exchange.close,
}
"""By name: a function that takes the fault's options and makes it."""


def fault_named(name: str, **options: Any) -> Fault:
    """Return the fault of a name.

    Raises:
        ValueError: there is none; the message lists them.

    """
    if name not in FAULTS:
        raise ValueError(f"No fault is called {name!r}. There are: {', '.join(sorted(FAULTS))}.")
    return FAULTS[name](**options)
