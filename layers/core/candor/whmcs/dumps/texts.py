"""Dump texts: from values as SQL writes them to what a person wrote, a section at a time."""

import codecs
import re
from collections.abc import Iterator
from datetime import datetime
from html import unescape
from html.entities import html5
from typing import Final

from candor.whmcs.dumps.encodings import decoded
from candor.whmcs.dumps.literals import unescaped
from candor.whmcs.dumps.spilling import RECORD, Section
from candor.whmcs.dumps.values import Tally

_UNSEEN: Final = bytes(range(9)) + b"\x0b\x0c\x0d" + bytes(range(0x0E, 0x1C)) + b"\x7f"
_COMMON_ESCAPES: Final = re.compile(rb"(?:[^\\]++|\\[\\'\"nrtb])*+")
_ENTITY: Final = re.compile(r"&(?!amp;)#?[A-Za-z0-9]{1,31};")
_DIGIT_ENTITY: Final = re.compile(r"&#(?:x3|4[89];|5[0-7];)", re.IGNORECASE)
_USUAL_ENTITIES: Final = {"&quot;": '"', "&#039;": "'", "&#39;": "'", "&lt;": "<", "&gt;": ">"}


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

_TWELVE: Final = b"0" * 12
_PARTED_TWELVE: Final = re.compile(rb"0(?:(?:b|&a000a|&aaa0a|[<&]a{1,40}+){0,4}+0){11}")
"""The same with colons, tags and hard blanks between the digits."""


def records(section: Section, tally: Tally, *, entities: bool) -> Iterator[tuple[list[str], bool]]:
    """
    The section's rows as texts, with a blank one behind, and whether a card number may be in them.

    `entities`: the database holds them HTML-encoded, and they are decoded, exactly once.
    """
    body = plain(section.body, no_backslash=section.no_backslash)
    if body.count(b"\r") != body.count(b"\r\n"):
        body = body.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    body = body.translate(None, _UNSEEN)
    kinds = body.translate(_CARD_KINDS, _CARD_GAPS).replace(_DATE, b"a").split(RECORD)
    text, repaired = decoded(body, section.charset, tally)
    spelt = False
    if entities and "&" in text:
        # A card may be spelt in them, digit by digit.
        spelt = _DIGIT_ENTITY.search(text) is not None
        text = _without_entities(text)
    for place, (record, kind) in enumerate(zip(text.split("\x1e"), kinds, strict=True)):
        yield [*record.split("\x1f"), ""], spelt or place in repaired or _may_hold_card(kind)


def _may_hold_card(kinds: bytes) -> bool:
    """Whether twelve digits follow each other with gaps only; nine records in ten hold none."""
    if _TWELVE in kinds:
        return True
    if kinds.count(b"0") < 12 or not (b"b0" in kinds or b"<" in kinds or b"&" in kinds):
        return False
    return _PARTED_TWELVE.search(kinds) is not None


def plain(body: bytes, *, no_backslash: bool) -> bytes:
    """
    A section as its strings mean it.

    `codecs.escape_decode` is Python's own, in C, over a GB/s; it knows other escapes than MySQL, so it is
    given only what both read alike.
    """
    if no_backslash or b"\\" not in body:
        return body.replace(b"''", b"'")
    if b"''" not in body and _COMMON_ESCAPES.fullmatch(body):
        return codecs.escape_decode(body)[0]
    return unescaped(body, no_backslash=False)


def _without_entities(text: str) -> str:
    """
    Decoded once: `&amp;lt;` is `&lt;`, for no usual entity begins within another one, and `&amp;` comes last.

    Replacing the few that WHMCS writes, all over the section, takes a third of asking about each one found.
    """
    for name, meant in _USUAL_ENTITIES.items():
        text = text.replace(name, meant)
    # What is left may only be others, and `&amp;`, which stands for itself until these are decoded.
    text = _ENTITY.sub(_entity, text)
    return text.replace("&amp;", "&")


def _entity(found: re.Match[str]) -> str:
    name = found[0]
    return unescape(name) if name[1:] in html5 or _NUMBERED.fullmatch(name) else name


_NUMBERED: Final = re.compile(r"&#(?:\d{1,7}|[xX][0-9a-fA-F]{1,6});")


def moment(text: str) -> datetime | None:
    """A date as MySQL writes it, taken as UTC; None for `0000-00-00`."""
    try:
        return datetime.fromisoformat(text[:19] + "+00:00")
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
