"""Shows the sessions of a store, one of them whole, or deletes one."""

from __future__ import annotations

import json
import time

from rich.console import Console
from rich.text import Text

from agentsdk.cli.board import clean
from agentsdk.errors import ConfigurationError
from agentsdk.i18n import _
from agentsdk.sessions import Sessions
from agentsdk.store.store import Store
from agentsdk.trace import to_json


def list_sessions(store: Store, out: Console, *, as_json: bool) -> None:
    """Print the sessions, the latest first."""
    found = Sessions(store).list()
    if as_json:
        print(json.dumps(to_json(found), ensure_ascii=False, indent=2))
    elif not found:
        out.print(Text(_("There are no sessions.")))
    for each in () if as_json else found:
        when = time.strftime("%Y-%m-%d %H:%M", time.localtime(each.changed)) if each.changed else "-"
        out.print(
            Text(
                clean(_("{name}  {turns} turn(s)  {when}").format(name=each.name, turns=each.turns, when=when))
            )
        )


def show_session(store: Store, name: str, out: Console, *, as_json: bool) -> None:
    """Print the turns of a session.

    Raises:
        ConfigurationError: there is no such session.

    """
    turns = Sessions(store).show(name)
    if not turns:
        raise _unknown(store, name)
    if as_json:
        print(json.dumps(to_json(turns), ensure_ascii=False, indent=2))
        return
    for each in turns:
        out.print(Text(clean(f"> {each.question}"), style="bold"))
        out.print(Text(clean(each.answer)))
        out.print()


def delete_session(store: Store, name: str, out: Console) -> None:
    """Delete a session, and say how many turns it had.

    Raises:
        ConfigurationError: there is no such session.

    """
    gone = Sessions(store).delete(name)
    if not gone:
        raise _unknown(store, name)
    out.print(Text(clean(_("{name} is deleted: {turns} turn(s).").format(name=name, turns=gone))))


def _unknown(store: Store, name: str) -> ConfigurationError:
    return ConfigurationError(
        _("There is no session {name} in {store}.").format(name=name, store=store.name),
        fix=_("agentsdk sessions --store {store} lists those there are.").format(store=store.name),
    )
