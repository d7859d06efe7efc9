"""Patterns: compiled when first needed, and looked for only in texts that give a hint of them."""

import re
from collections.abc import Callable, Iterable


class Pattern:
    """
    A regular expression that waits to be compiled.

    All of masking's would cost each cold start 50 ms, and most functions store texts but mask none.
    """

    __slots__ = ("_compiled", "_flags", "_source")

    def __init__(self, source: str, flags: int = 0) -> None:
        self._source, self._flags = source, flags
        self._compiled: re.Pattern[str] | None = None

    def _ready(self) -> re.Pattern[str]:
        if self._compiled is None:
            self._compiled = re.compile(self._source, self._flags)
        return self._compiled

    def sub(self, word: str | Callable[[re.Match[str]], str], text: str) -> str:
        return self._ready().sub(word, text)

    def search(self, text: str, start: int = 0, end: int = 1 << 62) -> re.Match[str] | None:
        return self._ready().search(text, start, end)

    def match(self, text: str) -> re.Match[str] | None:
        return self._ready().match(text)


def named(small: str, hints: Iterable[str]) -> bool:
    """
    Whether any of the hints stands in the text, given in small letters.

    A look for plain words is a hundred times faster than a pattern, and most texts hold no secret.
    """
    return any(hint in small for hint in hints)
