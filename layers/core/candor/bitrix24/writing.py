"""Writing: an answer as Bitrix24 shows it, none of its signs taken for a command of BB-code."""

import re
from typing import Final

LONGEST: Final = 4_000
"""Letters of one message. Bitrix24 takes 20,000, the messengers behind its lines some 4,096."""

_TAG = re.compile(r"\[(?=/?[A-Za-z*])")
_QUOTE = re.compile(r"^(-{10,}|>>)", re.MULTILINE)
_NOTHING: Final = "\u200b"
"""A sign without width: there is no escape in this BB-code, and what is interrupted is no tag."""


def parts_of(text: str) -> list[str]:
    """The messages of an answer, each short enough, cut where a paragraph, a line or a word ends."""
    rest, parts = escaped(text).strip(), []
    while len(rest) > LONGEST:
        cut = _cut(rest)
        parts.append(rest[:cut].rstrip())
        rest = rest[cut:].lstrip()
    return [*parts, rest] if rest else parts


def escaped(text: str) -> str:
    text = _TAG.sub(f"[{_NOTHING}", text)
    text = _QUOTE.sub(rf"{_NOTHING}\1", text)
    # A message that begins with a slash is a command.
    return f"{_NOTHING}{text}" if text.startswith("/") else text


def _cut(text: str) -> int:
    for sign in ("\n\n", "\n", ". ", " "):
        if (found := text.rfind(sign, LONGEST // 2, LONGEST)) > 0:
            return found + len(sign)
    return LONGEST
