"""Turns what `store=` is given into a Store: a path, an address of Postgres, or a store itself."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

from agentsdk.errors import ConfigurationError
from agentsdk.i18n import _
from agentsdk.store.store import Store

_POSTGRES = ("postgres://", "postgresql://")

_known: WeakValueDictionary[str, Any] = WeakValueDictionary()
_lock = threading.Lock()


def open_store(where: str | os.PathLike[str] | Store) -> Store:
    """Return the store at a path ("runs.db") or an address ("postgresql://user@host/runs"); a store as it is.

    Nothing is opened before it is used. Agents of one process share a store.

    Raises:
        ConfigurationError: it is none of these.
        MissingExtra: a package is needed for it.

    """
    if isinstance(where, Store):
        return where
    if not isinstance(where, (str, os.PathLike)) or not os.fspath(where):
        raise ConfigurationError(
            _("{value!r} is no store.").format(value=where),
            fix='store="runs.db", store="postgresql://user@host/runs"',
        )
    text = os.fspath(where)
    postgres = text.startswith(_POSTGRES)
    if not postgres and "://" in text:
        raise ConfigurationError(
            _("There is no store for {value!r}.").format(value=text),
            fix='store="runs.db", store="postgresql://user@host/runs"',
        )
    name = text if postgres else os.fspath(Path(text).expanduser().absolute())
    with _lock:
        store: Store | None = _known.get(name)
        if store is None:
            if postgres:
                from agentsdk.store.postgres import PostgresStore

                store = PostgresStore(text)
            else:
                from agentsdk.store.sqlite import SqliteStore

                store = SqliteStore(text)
            _known[name] = store
        return store
