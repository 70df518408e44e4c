"""Reads from a refusal how long to wait before the next request."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_AGAIN = re.compile(
    r"try again (?:in|after) (?:(?P<h>\d{1,9})h)?(?:(?P<m>\d{1,9})m(?!s))?"
    r"(?:(?P<s>\d{1,9}(?:\.\d{1,9})?)(?P<ms>m?)s)?\b",
    re.IGNORECASE,
)


def retry_after(headers: Mapping[str, str], message: str = "") -> float | None:
    """Return the seconds of Retry-After: a number, or a date (RFC 9110, 10.2.3); retry-after-ms goes first.

    A date is held against the answer's own Date where it has one: the two clocks may differ. Without the header the
    message is read: OpenAI and Groq write "Please try again in 1m2.5s" there.
    """
    try:
        if "retry-after-ms" in headers:
            return _seconds(float(headers["retry-after-ms"]) / 1000)
        value = headers.get("retry-after", "").strip()
        if re.fullmatch(r"\d+(?:\.\d+)?", value):
            return _seconds(float(value))
        if value:
            now = parsedate_to_datetime(headers["date"]) if headers.get("date") else datetime.now(UTC)
            return max((parsedate_to_datetime(value) - now).total_seconds(), 0.0)
    except (ValueError, TypeError, OverflowError):
        return None
    if (found := _AGAIN.search(message)) and any(found.groups()):
        seconds = float(found["s"] or 0) / (1000 if found["ms"] else 1)
        return int(found["h"] or 0) * 3600 + int(found["m"] or 0) * 60 + seconds
    return None


def _seconds(value: float) -> float | None:
    return value if 0 <= value < float("inf") else None
