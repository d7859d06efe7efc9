"""Web decoding: the letters of a fetched page, whatever its server says they are."""

import codecs
import re
from collections.abc import Mapping
from typing import Final

from candor.errors import Invalid
from candor.sources.encodings import decoded_any

_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CHARSET = re.compile(r"charset\s*=\s*[\"']?\s*([\w.:-]{2,40})", re.IGNORECASE)
_DECLARED = re.compile(
    rb"""<meta[^>]{0,300}?charset\s*=\s*["']?\s*([\w.:-]{2,40})|<\?xml[^>]{0,200}?encoding\s*=\s*["']([\w.:-]{2,40})""",
    re.IGNORECASE,
)
_PRESCANNED: Final = 16_384
"""HTML asks for a look at 1,024 bytes; scripts and comments often push the declaration further down."""

_SAMPLE: Final = 60_000
_LATIN_RUN = re.compile(r"[\u00c0-\u024f]{3,}")
_HIGH_LATIN = re.compile(r"[\u00c0-\u024f]")
_CONTROLS = re.compile(r"[\x80-\x9f]")
_CYRILLIC = re.compile(r"[\u0400-\u045f]")
_CYRILLIC_LOWER = re.compile(r"[\u0430-\u045f]")
_TURNED_CASE = re.compile(r"[\u0430-\u045f][\u0400-\u042f]")
_TAGS = re.compile(r"<(?:script|style)\b.*?</(?:script|style)\s*>|<[^<>]*>", re.DOTALL | re.IGNORECASE)
_ESCAPED_SETS: Final = frozenset({"iso2022_jp", "iso2022_kr", "hz"})
_NO_PAGE: Final = ("utf-16", "utf-32", "utf-7", "idna", "punycode", "unicode", "raw")
"""UTF-16 would have had a mark, or zeros; the others are Python's own, or what attacks are written in."""

_NUL_SHARE: Final = 0.3


def decoded_page(body: bytes, headers: Mapping[str, str]) -> str:
    """
    The page's text. Never raises: what cannot be told is read as Windows-1252, broken letters as U+FFFD.

    A byte order mark decides; then bytes that are valid UTF-8 are UTF-8, whatever is declared: other code
    pages hardly ever look like it. Then what the header says, then what the page says of itself, each only
    if the result looks like words of people; then the code page that fits best.
    """
    for mark, encoding in _MARKS:
        if body.startswith(mark):
            return body.decode(encoding, "replace").lstrip("\ufeff")
    if wide := _wide(body):
        return body.decode(wide, "replace")

    declared = _declared(body, headers)
    for name in declared:
        if name in _ESCAPED_SETS and (b"\x1b" in body or name == "hz"):
            return body.decode(name, "replace")
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        pass
    for name in declared:
        text = body.decode(name, "replace")
        if _reads_well(_TAGS.sub(" ", text[:_SAMPLE])):
            return text
    try:
        return decoded_any(body, "page")
    except Invalid:
        return body.decode(declared[0] if declared else "cp1252", "replace")


def _declared(body: bytes, headers: Mapping[str, str]) -> list[str]:
    """Code pages named by the header and the page, the header's first, by the names Python knows."""
    found = _CHARSET.findall(headers.get("content-type", ""))[:1]
    if match := _DECLARED.search(body[:_PRESCANNED]):
        found.append((match[1] or match[2]).decode("ascii", "ignore"))
    names: dict[str, None] = {}
    for label in found:
        try:
            name = codecs.lookup(label).name
            b"a".decode(name, "replace")
        except (LookupError, ValueError, UnicodeError):
            continue  # A name nobody knows, or of no letters (`hex`): as if nothing had been said.
        # What the web calls Latin-1 is Windows-1252 (WHATWG), gb2312 its larger successor.
        name = {"iso8859-1": "cp1252", "ascii": "cp1252", "gb2312": "gb18030", "gbk": "gb18030"}.get(
            name, name
        )
        if not name.startswith(_NO_PAGE):
            names[name] = None
    return list(names)


def _wide(body: bytes) -> str:
    """UTF-16 without a mark: every other byte of a page's tags is zero."""
    start = body[:2_000]
    if len(start) < 20:
        return ""
    even, odd = start[::2].count(0) / len(start[::2]), start[1::2].count(0) / len(start[1::2])
    if odd > _NUL_SHARE and even < odd / 10:
        return "utf-16-le"
    if even > _NUL_SHARE and odd < even / 10:
        return "utf-16-be"
    return ""


def _reads_well(text: str) -> bool:
    """Whether these could be words: the wrong code page leaves marks of its own."""
    if text.count("\ufffd") * 100 > len(text):
        return False
    cyrillic = len(_CYRILLIC.findall(text))
    if cyrillic > 20:
        # KOI8-R and Windows-1251 have each other's capitals for small letters.
        small = len(_CYRILLIC_LOWER.findall(text))
        return small * 2 > cyrillic and len(_TURNED_CASE.findall(text)) * 10 < cyrillic
    latin = len(_HIGH_LATIN.findall(text))
    if len(_CONTROLS.findall(text)) * 5 > latin:
        return False
    # No Western word has three accented letters in a row; Cyrillic read as Western has nothing else.
    return latin == 0 or sum(map(len, _LATIN_RUN.findall(text))) * 3 < latin
