"""Fills a stand-in from a file, so that a program in any language can be tested against it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from agentsdk.errors import ConfigurationError
from agentsdk.i18n import _
from agentsdk.testing.standin.server import Standin

VERBS = ("say", "call", "calls", "text_call", "fault", "raw")
"""One of these stands in each line of a script."""


def read_script(path: Path) -> Mapping[str, Any]:
    """Return a script: JSON, or YAML where the file's name says so.

        {"flavour": "lmstudio",
         "models": [{"name": "qwen3", "context": 8192}],
         "lines": [{"call": "add", "arguments": {"a": 1}}, {"say": "It is 2.", "when": "1+1"}, {"fault": "429"}]}

    Raises:
        ConfigurationError: it cannot be read, or is no script.

    """
    try:
        text = path.read_text(encoding="utf-8")
        if path.suffix in (".yaml", ".yml"):
            import yaml  # it comes with langchain-core

            script = yaml.safe_load(text)
        else:
            script = json.loads(text)
    except (OSError, ValueError) as error:
        raise _ill(path, str(error)) from error
    if not isinstance(script, Mapping):
        raise _ill(path, _("It is a {kind}, and not an object.").format(kind=type(script).__name__))
    if unknown := sorted(script.keys() - {"flavour", "models", "lines"}):
        raise _ill(path, _("It has {names}.").format(names=", ".join(map(repr, unknown))))
    return script


def fill(standin: Standin, script: Mapping[str, Any], path: Path) -> None:
    """Say to a stand-in what a script says.

    Raises:
        ConfigurationError: a line or a model cannot be understood; the message says which.

    """
    for number, facts in enumerate(script.get("models") or (), 1):
        try:
            standin.model(**facts)
        except (TypeError, ValueError) as error:
            raise _ill(path, _("Model {number}: {why}").format(number=number, why=error)) from error
    for number, line in enumerate(script.get("lines") or (), 1):
        try:
            _add(standin, dict(line))
        except (TypeError, ValueError, KeyError) as error:
            raise _ill(path, _("Line {number}: {why}").format(number=number, why=error)) from error


def _add(standin: Standin, line: dict[str, Any]) -> None:
    verbs = [v for v in VERBS if v in line]
    if len(verbs) != 1:
        raise ValueError(_("It holds {found} of {verbs}.").format(found=len(verbs), verbs=", ".join(VERBS)))
    verb, what = verbs[0], line.pop(verbs[0])
    cut, slow, fail = (line.pop(k, None) for k in ("cut", "slow", "fail"))
    if verb == "say":
        standin.say(str(what), **line)
    elif verb == "call":
        standin.calls((what, line.pop("arguments", {})), **line)
    elif verb == "calls":
        standin.calls(*((name, arguments) for name, arguments in what), **line)
    elif verb == "text_call":
        standin.text_call(what, line.pop("tool"), **line.pop("arguments", {}))
        if line:
            raise ValueError(_("It has {names}.").format(names=", ".join(map(repr, sorted(line)))))
    elif verb == "fault":
        standin.fault(what, **line)
    else:
        standin.raw(str(what).encode(), **line)
    for change, do in ((cut, standin.cut), (slow, standin.slow), (fail, standin.fail)):
        if isinstance(change, Mapping):
            do(**change)
        elif change is not None:
            do(change)


def _ill(path: Path, why: str) -> ConfigurationError:
    return ConfigurationError(
        _("{path} is not a script for the stand-in.").format(path=path),
        why=why,
        fix=_('Write it as {{"lines": [{{"say": "Hello."}}]}}; docs/testing.md shows more.').format(),
    )
