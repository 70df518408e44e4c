"""Who holds a lease: a process of a machine, and whether it has died."""

from __future__ import annotations

import os
import secrets
import socket
import sys
from functools import cache
from pathlib import Path


def new_owner() -> str:
    """Return a name for one driver in this process: "machine:pid:start:token"."""
    return f"{_machine()}:{os.getpid()}:{_started(os.getpid())}:{secrets.token_hex(4)}"


def is_gone(owner: str) -> bool:
    """Return whether the process that the owner names has certainly died.

    Only a process of this machine can be known to have died, and on Windows none: its lease has to run out.
    """
    try:
        machine, pid_text, started, _token = owner.rsplit(":", 3)
        pid = int(pid_text)
    except ValueError:
        return False
    if machine != _machine() or sys.platform == "win32" or pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):  # it lives, under another user
        return False
    # The number may have been given to another process meanwhile, or nobody has yet asked how it ended.
    now = _started(pid)
    return now == "dead" or (started not in ("", now) and now != "")


def shown(owner: str) -> str:
    """Return the owner as people know it: the process and its machine."""
    parts = owner.rsplit(":", 3)
    return f"{parts[1]} @ {parts[0].partition('/')[0]}" if len(parts) == 4 else owner


@cache
def _machine() -> str:
    """Return what two processes that see each other's numbers have in common: containers have numbers of their own."""
    try:
        space = str(Path("/proc/self/ns/pid").readlink())  # Linux
    except OSError:
        space = ""
    return f"{socket.gethostname()}/{space}".replace(":", "")


def _started(pid: int) -> str:
    """Return when a process started, in its system's own count; "dead" for one that has ended; "" where unknown."""
    try:
        fields = (
            Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
        )
    except OSError:
        return ""
    return "dead" if fields[0] in "ZX" else fields[19]  # proc(5): state is field 3, starttime field 22
