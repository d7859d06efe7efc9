"""SQL literals: the words of MySQL's language as patterns over bytes, and a careful reader of one row."""

import re
from dataclasses import dataclass
from functools import cache
from typing import Final, Literal

_ESCAPED: Final = rb"[^'\\]*+(?:(?:\\.|'')[^'\\]*+)*+"
_PLAIN: Final = rb"[^']*+(?:''[^']*+)*+"
_USUALLY_ESCAPED: Final = rb"[^']*+(?:(?<=[^\\]\\)'[^']*+)*+(?<!\\)"
_DOUBLE_ESCAPED: Final = rb'"[^"\\]*+(?:(?:\\.|"")[^"\\]*+)*+"'
_DOUBLE_PLAIN: Final = rb'"[^"]*+(?:""[^"]*+)*+"'

NAME: Final = rb'(?:`(?:[^`]|``)++`|"(?:[^"]|"")++"|[\w$\x80-\xff]++)'
COMMENT: Final = rb"/\*(?!M?!)[^*]*+(?:\*(?!/)[^*]*+)*+\*/|--(?=[\x00-\x20])[^\n]*+\n|#[^\n]*+\n"
"""A whole one. What is inside of `/*! … */` is meant to be run, and so is read as what it is."""

_ESCAPES: Final = {b"0": b"\0", b"b": b"\b", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"Z": b"\x1a"}
_ESCAPE: Final = re.compile(rb"\\(.)|''", re.DOTALL)
_DOUBLE_ESCAPE: Final = re.compile(rb'\\(.)|""', re.DOTALL)


def inside(*, no_backslash: bool) -> bytes:
    """The pattern of what stands between a string's quotes; it never gives back what it took."""
    return _PLAIN if no_backslash else _ESCAPED


def usually_inside(*, no_backslash: bool) -> bytes:
    """
    The same for strings in which only a single backslash stands before a quote, and no quote is doubled.

    It looks at quotes alone, where the other stops at every escape: a fifth of the time. A quote behind one
    backslash is a string's own, one behind none ends it, and at one behind several this pattern gives up.
    """
    return rb"[^']*+" if no_backslash else _USUALLY_ESCAPED


@cache
def skipping(delimiter: str, *, no_backslash: bool) -> re.Pattern[bytes]:
    """
    Takes as many whole words as there are before the delimiter, and stops before what is not whole.

    One possessive pattern over a whole window costs about 3 ms a megabyte. A lone `-` or `/` wants to see the
    next byte: the window may end between the two of a comment's beginning.
    """
    end = re.escape(delimiter.encode())
    first = re.escape(delimiter[:1].encode())
    single = b"'" + inside(no_backslash=no_backslash) + b"'"
    double = _DOUBLE_PLAIN if no_backslash else _DOUBLE_ESCAPED
    words = (
        rb"[^'\"`/#\-" + first + rb"]++",
        single,
        double,
        rb"`[^`]*+`",
        COMMENT,
        rb"(?!" + end + rb")(?:-(?=[^\-])|--(?=[^\x00-\x20\-])|-(?=--)|/(?=[^*])|/(?=\*M?!))",
        rb"(?!" + end + rb")" + first + rb"(?=.)",
    )
    return re.compile(rb"(?:" + rb"|".join(words) + rb")*+", re.DOTALL)


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One row's values as bytes, NULL as None; what a function would compute is blank."""

    values: tuple[bytes | None, ...]
    end: int


Trouble = Literal["incomplete", "malformed"]

_SPACE: Final = re.compile(rb"(?:\s++|" + COMMENT + rb")*+", re.DOTALL)
_INTRODUCER: Final = re.compile(rb"(?:_[a-z0-9]{2,20}+\s*+|n)?+(?=['\"])", re.IGNORECASE)
_BITS: Final = re.compile(rb"(?:([xb])'([0-9a-f]*+)'|0x([0-9a-f]++)|0b([01]++))(?=[\s,)])", re.IGNORECASE)
_BARE: Final = re.compile(rb"[^'\"(),;\s]++")
_AFTER_BITS: Final = re.compile(rb"[xb]'|0[xb]", re.IGNORECASE)


def row_at(window: bytes, at: int, *, no_backslash: bool) -> Row | Trouble:
    """
    The row whose `(` stands at `at`, whatever is in it.

    Ten times slower than a compiled row pattern, and for the rows which that one does not take.
    """
    if at >= len(window):
        return "incomplete"
    if window[at : at + 1] != b"(":
        return "malformed"
    values: list[bytes | None] = []
    at += 1
    while True:
        found = _value(window, at, no_backslash=no_backslash)
        if isinstance(found, str):
            return found
        value, at = found
        values.append(value)
        at = _past_space(window, at)
        mark = window[at : at + 1]
        if mark == b",":
            at += 1
        elif mark == b")":
            return Row(values=tuple(values), end=at + 1)
        else:
            return "malformed" if mark else "incomplete"


def _value(window: bytes, at: int, *, no_backslash: bool) -> tuple[bytes | None, int] | Trouble:
    """One value, and where it ends. Strings that stand side by side are one."""
    at = _past_space(window, at)
    if at >= len(window):
        return "incomplete"
    if bits := _BITS.match(window, at):
        return _of_bits(bits), bits.end()
    if _AFTER_BITS.match(window, at) and len(window) - at < 1_000_000:
        cut = re.compile(rb"(?:[xb]'|0[xb])[0-9a-f]*+\Z", re.IGNORECASE).match(window, at)
        if cut:
            return "incomplete"
    if introducer := _INTRODUCER.match(window, at):
        return _strings(window, introducer.end(), no_backslash=no_backslash)
    bare = _BARE.match(window, at)
    if bare is None:
        return "malformed"
    if bare.end() >= len(window):
        return "incomplete"
    after = _past_space(window, bare.end())
    if window.startswith(b"(", after):
        return _past_call(window, after, no_backslash=no_backslash)
    if bare[0].lower() in (b"_binary", b"_utf8", b"_utf8mb4", b"_latin1"):
        # `_binary 0x…`; before a string it is an introducer.
        return _value(window, bare.end(), no_backslash=no_backslash)
    return (None if bare[0].upper() == b"NULL" else bare[0]), bare.end()


def _strings(window: bytes, at: int, *, no_backslash: bool) -> tuple[bytes, int] | Trouble:
    parts: list[bytes] = []
    while window[at : at + 1] in (b"'", b'"'):
        found = _string(window[at : at + 1], no_backslash=no_backslash).match(window, at)
        if found is None or found.end() >= len(window):
            return "incomplete"
        parts.append(unescaped(found[0][1:-1], quote=found[0][:1], no_backslash=no_backslash))
        after = _past_space(window, found.end())
        if window[after : after + 1] not in (b"'", b'"'):
            return b"".join(parts), found.end()
        at = after
    return "incomplete"


@cache
def _string(quote: bytes, *, no_backslash: bool) -> re.Pattern[bytes]:
    if quote == b'"':
        return re.compile(_DOUBLE_PLAIN if no_backslash else _DOUBLE_ESCAPED, re.DOTALL)
    return re.compile(b"'" + inside(no_backslash=no_backslash) + b"'", re.DOTALL)


def _past_call(window: bytes, at: int, *, no_backslash: bool) -> tuple[bytes, int] | Trouble:
    """The end of a function's arguments: what it would compute is not known."""
    depth = 0
    while at < len(window):
        mark = window[at : at + 1]
        if mark == b"(":
            depth += 1
        elif mark == b")":
            depth -= 1
            if depth == 0:
                return b"", at + 1
        elif mark in (b"'", b'"'):
            found = _string(mark, no_backslash=no_backslash).match(window, at)
            if found is None:
                return "incomplete"
            at = found.end() - 1
        elif mark == b";":
            return "malformed"
        at += 1
    return "incomplete"


def _past_space(window: bytes, at: int) -> int:
    found = _SPACE.match(window, at)
    return found.end() if found else at


def _of_bits(bits: re.Match[bytes]) -> bytes:
    if (bits[1] or b"").lower() == b"b" or bits[4]:
        digits = bits[4] or bits[2]
        return str(int(digits or b"0", 2)).encode()
    digits = bits[2] if bits[3] is None else bits[3]
    return bytes.fromhex((digits if len(digits) % 2 == 0 else b"0" + digits).decode())


def unescaped(text: bytes, *, quote: bytes = b"'", no_backslash: bool) -> bytes:
    """What a string's inside means: `\\%` and `\\_` stay as they are, any other `\\x` is `x`."""
    if no_backslash:
        return text.replace(quote + quote, quote)
    if b"\\" not in text and quote not in text:
        return text

    def plain(found: re.Match[bytes]) -> bytes:
        letter: bytes | None = found[1]
        if letter is None:
            return quote
        return found[0] if letter in b"%_" else _ESCAPES.get(letter, letter)

    return (_ESCAPE if quote == b"'" else _DOUBLE_ESCAPE).sub(plain, text)


def escaped(value: bytes, *, no_backslash: bool) -> bytes:
    """The inverse: what would stand between single quotes."""
    if no_backslash:
        return value.replace(b"'", b"''")
    return value.replace(b"\\", b"\\\\").replace(b"'", b"\\'")
