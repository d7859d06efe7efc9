"""Dump texts: from values as SQL writes them to what a person wrote, a section at a time."""

import codecs
import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from html import unescape
from html.entities import html5
from typing import Final

from candor.whmcs.dumps.encodings import decoded
from candor.whmcs.dumps.literals import unescaped
from candor.whmcs.dumps.spilling import RECORD, Section
from candor.whmcs.dumps.values import Tally

_UNSEEN: Final = bytes(range(9)) + b"\x0b\x0c\x0d" + bytes(range(0x0E, 0x1C)) + b"\x7f"
_COMMON_ESCAPES: Final = re.compile(rb"[^\\]*+(?:\\[\\'\"nrtb][^\\]*+)*+")
_DOUBLED: Final = re.compile(b"''")
"""As a pattern it is found in a third of the time of `in`."""

_LONE_RETURN: Final = re.compile(rb"\r(?!\n)")
_ENTITY: Final = re.compile(r"(&#?[A-Za-z0-9]{1,31};)")
_ENTITY_BYTES: Final = re.compile(rb"(&#?[A-Za-z0-9]{1,31};)")
_QUOTING: Final = {b"&quot;": b'"', b"&#039;": b"'", b"&#39;": b"'", b"&lt;": b"<", b"&gt;": b">"}
_USUAL: Final = _QUOTING | {b"&amp;": b"&"}


def _kinds() -> bytes:
    """
    Bytes by what they mean to a card number: digits, what may stand between them (left out), all else.

    Leading bytes of Latin, Greek and Cyrillic letters are letters; what may be a digit of another script
    counts as one.
    """
    table = bytearray(b"a" * 256)
    for one in range(0x30, 0x3A):
        table[one] = 0x30
    for one in (*range(0xD5, 0xE2), *range(0xE3, 0x100)):
        table[one] = 0x30
    for one in (0x1E, 0x26, 0x3C):
        table[one] = one
    table[0x3A] = 0x62
    return bytes(table)


_CARD_KINDS: Final = _kinds()
_CARD_GAPS: Final = b" \t\n.,-_*|/\\+%\xc2\xe2" + bytes(range(0x80, 0xC0))
_DATE: Final = b"0000000000b00b00"
"""Every row has some, each with as many digits as a card; only in them are colons common."""

_TWELVE: Final = re.compile(
    rb"0(?:0{5}(?:0{6}|[b<&])|(?=[b<&])(?:(?:b|&a000a|&aaa0a|[<&]a{1,40}+){0,4}+0){6})"
)
"""
Where twelve digits may follow each other: all at once, or with colons, tags and hard blanks between them, of
which the first has six before it or six behind it. It finds some more, which costs only the look at them.
"""


def records(
    section: Section, names: Sequence[str], tally: Tally, *, entities: bool
) -> Iterator[tuple[tuple[str, ...], bool]]:
    """
    The section's rows as texts of these columns, and whether a card number may be in them.

    A column that the section lacks is blank. `entities`: the database holds them HTML-encoded, and they are
    decoded, exactly once. Rows are made of columns, all of them at once: a third of the time of parting each.
    """
    body = plain(section.body, no_backslash=section.no_backslash)
    if _LONE_RETURN.search(body):
        body = body.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    body = body.translate(None, _UNSEEN)
    may = _may_hold_cards(body)
    others = spelt = False
    if entities and b"&" in body:
        body, others = _with_usual_meant(body)
    text, repaired = decoded(body, section.charset, tally)
    if others:
        text, spelt = _with_all_meant(text)
    for place in repaired:
        may[place] = True
    if spelt:
        # A card may be spelt in entities, digit by digit.
        may = [True] * len(may)
    fields, width = text.replace("\x1e", "\x1f").split("\x1f"), len(section.columns)
    places = {name: place for place, name in enumerate(section.columns)}
    columns = [fields[places[name] :: width] if name in places else [""] * len(may) for name in names]
    return zip(zip(*columns, strict=True), may, strict=True)


def _may_hold_cards(body: bytes) -> list[bool]:
    """
    For each record whether twelve digits follow each other in it; nine in ten hold none.

    Asked of all records at once: 2 ms a megabyte, against 8 of one after the other.
    """
    kinds = body.translate(_CARD_KINDS, _CARD_GAPS).replace(_DATE, b"a")
    found = [False] * (kinds.count(RECORD) + 1)
    at = place = 0
    while one := _TWELVE.search(kinds, at):
        place += kinds.count(RECORD, at, one.start())
        found[place] = True
        at = kinds.find(RECORD, one.end())
        if at < 0:
            break
    return found


def plain(body: bytes, *, no_backslash: bool) -> bytes:
    """
    A section as its strings mean it.

    `codecs.escape_decode` is Python's own, in C, over a GB/s; it knows other escapes than MySQL, so it is
    given only what both read alike.
    """
    if no_backslash or b"\\" not in body:
        return body.replace(b"''", b"'")
    alike = body
    if _DOUBLED.search(body):
        if b"\\''" in body:
            return unescaped(body, no_backslash=False)
        alike = body.replace(b"''", b"\\'")
    if _COMMON_ESCAPES.fullmatch(alike):
        return codecs.escape_decode(alike)[0]
    return unescaped(body, no_backslash=False)


def _with_usual_meant(body: bytes) -> tuple[bytes, bool]:
    """
    The section with the entities decoded that WHMCS writes, and whether it holds others.

    Those are decoded in its text, as they may stand for letters of any script, and then `&amp;` is left for
    them: `&amp;eacute;` is `&eacute;`. No other usual one begins an entity or lies within one.
    """
    parts = _ENTITY_BYTES.split(body)
    names = parts[1::2]
    try:
        parts[1::2] = map(_USUAL.__getitem__, names)
    except KeyError:
        parts[1::2] = [_QUOTING.get(name, name) for name in names]
        return b"".join(parts), True
    return b"".join(parts), False


def _with_all_meant(text: str) -> tuple[str, bool]:
    """The text with what is left of entities decoded, and whether a digit was among them."""
    parts = _ENTITY.split(text)
    meant = {name: _entity(name) for name in set(parts[1::2])}
    parts[1::2] = [meant[name] for name in parts[1::2]]
    return "".join(parts), any(one.isdecimal() for one in meant.values())


def _entity(name: str) -> str:
    return unescape(name) if name[1:] in html5 or _NUMBERED.fullmatch(name) else name


_NUMBERED: Final = re.compile(r"&#(?:\d{1,7}|[xX][0-9a-fA-F]{1,6});")


def moment(text: str) -> datetime | None:
    """A date as MySQL writes it, taken as UTC; None for `0000-00-00`."""
    if text.startswith("0000"):
        return None  # Many are, and to fail costs five times as much as to read one.
    try:
        return datetime.fromisoformat(f"{text[:19]}Z" if len(text) != 10 else f"{text} 00:00:00Z")
    except ValueError:
        return None


_PREFIX: Final = re.compile(r"\d{3,12}_(?=.)")


def attachments(text: str) -> tuple[str, ...]:
    """`123456_name.png|654321_b.txt` without the numbers that WHMCS puts before each name."""
    if not text:
        return ()
    return tuple(_PREFIX.sub("", name.strip(), count=1) for name in text.split("|") if name.strip())


_TAG: Final = re.compile(
    r"\[(/?)(b|i|u|s|code|quote|list|url|img|color|size|left|right|center)(?:=([^\]\n]{0,500}))?\]",
    re.IGNORECASE,
)
_LINK: Final = re.compile(
    r"\[url(?:=[\"']?([^\]\n\"']{1,2000})[\"']?)?\]([^\[\n]{0,2000})\[/url\]", re.IGNORECASE
)
_ITEM: Final = re.compile(r"[ \t]*\[\*\][ \t]*")
_MARKS: Final = {"b": "**", "i": "*", "s": "~~"}


def written(text: str, editor: str) -> str:
    """A message as Markdown-like text: what was written with BBCode loses its tags, and keeps its words."""
    if editor == "bbcode" and "[" in text:
        text = _LINK.sub(lambda link: f"[{link[2]}]({link[1]})" if link[1] else link[2], text)
        text = _TAG.sub(_tag, _ITEM.sub("\n- ", text))
    return text.strip()


def _tag(found: re.Match[str]) -> str:
    name = found[2].lower()
    if name == "code":
        return "\n```\n"
    if name == "quote":
        return "\n" if found[1] else f"\n> {found[3] + ': ' if found[3] else ''}"
    return _MARKS.get(name, "")
