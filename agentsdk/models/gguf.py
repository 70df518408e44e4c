"""Runs a GGUF file in this process: llama.cpp's own server, by the package xllamacpp, on a loopback port.

The server speaks Chat Completions, so that a local file is the OpenAI adapter with another address. It asks for a key
that is made anew in each process: other users of this machine cannot use it.
"""

from __future__ import annotations

import os
import secrets
import threading
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from agentsdk.errors import ConfigurationError, MissingExtra
from agentsdk.i18n import _
from agentsdk.models.servers import SERVERS

WINDOW = 16_384
"""Tokens of context that are asked for; a file that was trained on fewer gets fewer."""

GGUF = replace(SERVERS["llamacpp"], tool_choice=frozenset({"auto", "none"}))
"""What the server accepts. It knows "required", and holds a model to it only from the first mark of a call on: one that
never writes the mark is not held at all. A call that must be made is asked for by a schema instead, which holds."""

_MAGIC = b"GGUF"
"""The first four bytes of the format, as in its specification (ggml, docs/gguf.md)."""

_lock = threading.Lock()
_served: dict[tuple[Path, int], Served] = {}


@dataclass(frozen=True, slots=True)
class Served:
    """A file that is being served."""

    url: str
    """Base URL of Chat Completions."""
    key: str = field(repr=False)
    server: Any = field(repr=False)
    """Keeps the server alive: it ends with this object."""


def serve(path: str, *, window: int = WINDOW) -> Served:
    """Return the server of a file; it is started once for each file and window, and ends with the process.

    Args:
        path: the file; "~" is the home folder.
        window: tokens of context.

    Raises:
        ConfigurationError: there is no such file, it is not GGUF, or llama.cpp cannot load it.
        MissingExtra: xllamacpp is not installed.

    """
    file = Path(path).expanduser().resolve()
    _check(file)
    with _lock:
        if (file, window) not in _served:
            _served[file, window] = _start(file, window)
        return _served[file, window]


def _check(file: Path) -> None:
    if not file.is_file():
        near = sorted(file.parent.glob("*.gguf")) if file.parent.is_dir() else []
        raise ConfigurationError(
            _("There is no file {path}.").format(path=file),
            fix=_("Beside it lie: {names}.").format(names=", ".join(n.name for n in near[:5]))
            if near
            else _("Write gguf: and the path of a .gguf file."),
        )
    with file.open("rb") as opened:
        if opened.read(4) != _MAGIC:
            raise ConfigurationError(
                _("{path} is not a GGUF file.").format(path=file),
                why=_("It does not begin with the four letters GGUF."),
                fix=_("Take a .gguf file of the model; other formats must be converted first."),
            )


def _start(file: Path, window: int) -> Served:
    try:
        import xllamacpp
    except ImportError as error:
        raise MissingExtra(
            _("A GGUF file needs the package xllamacpp."), fix='pip install "agentsdk[gguf]"'
        ) from error
    key = secrets.token_urlsafe(24)
    asked = xllamacpp.CommonParams()
    asked.model.path = str(file)
    asked.model_alias = {file.name}  # else answers carry the path, which is nobody's business
    asked.n_ctx = window
    # One thread for each real core: more of them wait for each other in a loop, and on a busy machine for very long.
    asked.cpuparams.n_threads = asked.cpuparams_batch.n_threads = max(1, (os.cpu_count() or 2) // 2)
    asked.hostnames = ["127.0.0.1"]
    asked.port = 0
    asked.api_keys = [key]
    asked.ui = False
    asked.verbosity = -1
    try:
        server = xllamacpp.Server(asked)
    except RuntimeError as error:
        raise ConfigurationError(
            _("llama.cpp cannot load {path}.").format(path=file),
            why=_("The file is damaged or cut, its architecture is newer than xllamacpp, or memory is short."),
            fix=_("Compare its size with the source's; try: pip install -U xllamacpp"),
        ) from error
    return Served(f"{server.listening_address}/v1", key, server)
