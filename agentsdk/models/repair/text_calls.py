"""Reads tool calls out of the public text, where a server has left them in it."""

from __future__ import annotations

from agentsdk.models.model import Offer


class TextCalls:
    """Takes the text piece by piece and gives back what of it can be shown; a call is taken out of it.

    Args:
        offer: what may be called; None where that is not known, and then nothing is read.

    """

    def __init__(self, offer: Offer | None) -> None:
        self.marks = ""
        """The characters, besides "<", that a call within the text may begin with."""
        self._offer = offer

    @property
    def idle(self) -> bool:
        """Whether a piece without any of the marks is shown as it is."""
        return True

    def feed(self, piece: str) -> str:
        """Return what can be shown."""
        return piece

    def rest(self) -> str:
        """Return what was held back, at the end of the text."""
        return ""

    def forget(self) -> None:
        """Forget all that was read: it was a thought."""
