"""Telling: what a reader is sent of an answer that is still being written."""

import re
from collections.abc import Callable
from typing import Literal

from candor.answering.values import Left

Part = Literal["content", "replace"]

_BLOCK = re.compile(r"(?:```.*?(?:```|\Z)|[^\n])+\n*|\n+", re.S)
"""A line, or a whole block of code, with the blank lines after it."""


class Telling:
    """
    A `Tell` that sends what has been added, and at the end whatever is missing.

    Texts that do not go on where the last one sent has ended wait for the end: a second attempt at the same
    words goes unnoticed, and other words take the place of all that was sent (`replace`).
    """

    def __init__(self, send: Callable[[Part, str], None], *, listening: Callable[[], bool]) -> None:
        self._send = send
        self._listening = listening
        self._sent = ""

    def __call__(self, text: str) -> None:
        if not self._listening():
            raise Left
        if len(text) > len(self._sent) and text.startswith(self._sent):
            self._send("content", text[len(self._sent) :])
            self._sent = text

    def finish(self, text: str) -> None:
        """Send what is left of the final text, or all of it in place of what was sent."""
        if not text.startswith(self._sent):
            self._send("replace", text)
        else:
            for block in blocks(text[len(self._sent) :]):
                self._send("content", block)
        self._sent = text


def blocks(text: str) -> list[str]:
    """A text in pieces as one would read it out, nothing left out."""
    return _BLOCK.findall(text)
