"""Keeps secrets out of recordings: known values are replaced, and what still looks like one blocks the save."""

from __future__ import annotations

import base64
import json
import os
import re
from urllib.parse import quote

from agentsdk.errors import CassetteError
from agentsdk.i18n import _

_NAMES = re.compile(r"(?:API_?KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIAL)S?(?:_|$)", re.IGNORECASE)
_SHORTEST = 8
"""Characters: a shorter value would be replaced where it is no secret."""

# Prefixes that providers give their keys; a recording has no use for any of them.
_LOOKS_SECRET = re.compile(
    r"\bsk-[A-Za-z0-9_-]{20,}|\bAKIA[A-Z0-9]{16}\b|\bgh[pousr]_[A-Za-z0-9]{30,}|\bxox[abp]-[A-Za-z0-9-]{20,}|"
    r"\bAIza[A-Za-z0-9_-]{30,}|-----BEGIN [A-Z ]*PRIVATE KEY-----|\b[Bb]earer\s+[A-Za-z0-9._~+/-]{20,}"
)


def scrub(text: str) -> str:
    """Return `text` with the value of every secret in the environment replaced: `<redacted:NAME>`.

    A value is found as it is, and in base64, percent-encoded and JSON-escaped form.
    """
    for name, value in sorted(os.environ.items()):
        if _NAMES.search(name) and len(value) >= _SHORTEST:
            forms = {
                value,
                quote(value, safe=""),
                json.dumps(value)[1:-1],
                base64.b64encode(value.encode("utf-8", "surrogateescape")).decode(),
            }
            for form in sorted(forms, key=len, reverse=True):
                text = text.replace(form, f"<redacted:{name}>")
    return text


def refuse_secrets(text: str) -> None:
    """Raise where a text still holds what looks like a secret.

    Raises:
        CassetteError: it does; nothing was saved.

    """
    if found := _LOOKS_SECRET.search(text):
        raise CassetteError(
            _("The recording would hold what looks like a secret: {start}...").format(start=found[0][:8]),
            why=_("It stands in a request or an answer and in no variable of the environment."),
            fix=_("Put it into a variable named ..._API_KEY, or keep it out of what the agent says."),
        )
