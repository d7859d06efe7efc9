"""Dump heads: whether a file is a database dump in SQL, told by its first bytes, packed or not."""

import bz2
import lzma
import re
import zlib
from pathlib import PurePosixPath
from typing import Final

from candor.sources.records import encoding_of

ARCHIVES: Final = (".gz", ".xz", ".bz2", ".zip")

HEAD_TEXT: Final = 65_536
"""Decoded bytes that are looked at, at most: what a few bytes unpack to has no limit of its own."""

_GZIP: Final = b"\x1f\x8b"
_XZ: Final = b"\xfd7zXZ\x00"
_BZIP2: Final = b"BZh"
_ZIP: Final = b"PK\x03\x04"

_STATEMENT: Final = (
    r"(?:CREATE\s+(?:TABLE|DATABASE|SCHEMA)\b|DROP\s+(?:TABLE|DATABASE)\b|(?:INSERT|REPLACE)\s+(?:IGNORE\s+)?INTO\b"
    r"|LOCK\s+TABLES\b|SET\s+(?:@|NAMES\b|SQL_MODE\b|FOREIGN_KEY_CHECKS\b|time_zone\b|SESSION\b|AUTOCOMMIT\b)"
    r"|START\s+TRANSACTION\b|USE\s+[`\"\w]|/\*!\d{5}|/\*M?!\d+|DELIMITER\s)"
)
_ANYWHERE = re.compile(rf"^[ \t]*+{_STATEMENT}", re.IGNORECASE | re.MULTILINE)
_HEADER = re.compile(
    r"\s*(?:/\*M!999999.*\n\s*)?--\s+(?:MySQL|MariaDB|phpMyAdmin|Adminer|Host:|mydumper|Dump|HeidiSQL|Navicat)",
    re.IGNORECASE,
)
_BEGINS = re.compile(
    rf"(?:\s+|--[^\n]*(?:\n|$)|#[^\n]*(?:\n|$)|/\*(?![!M])(?:[^*]|\*(?!/))*\*/){{0,200}}+{_STATEMENT}",
    re.IGNORECASE,
)


def is_sql_dump(head: bytes, name: str) -> bool:
    """
    Whether these first bytes are a dump's. `name` says how much doubt there may be: a file called .sql needs
    one statement, any other must begin as a dump begins, for a page about databases shows statements too.
    """
    packed = head.startswith((_GZIP, _XZ, _BZIP2, _ZIP))
    path = PurePosixPath(name.lower())
    inner = PurePosixPath(path.stem).suffix if path.suffix in ARCHIVES else path.suffix
    text = head_text(head)
    if text is None:
        # Of a block of bzip2, which has 900 KB, nothing can be told before its end.
        return head.startswith(_BZIP2) and inner == ".sql"
    if _HEADER.match(text) or _BEGINS.match(text):
        return True
    named = inner == ".sql" or (packed and path.suffix in (".zip", ".sql"))
    return named and _ANYWHERE.search(text) is not None


def head_text(head: bytes) -> str | None:
    """The beginning as text, unpacked where it is packed; None for what cannot be unpacked or is no text."""
    try:
        plain = _unpacked(head)
    except (zlib.error, lzma.LZMAError, EOFError, ValueError, IndexError, OSError):
        return None
    if not plain:
        return None
    encoding = encoding_of(plain[:4])
    text = plain.decode(encoding, "replace").removeprefix("\ufeff")
    # A dump may hold pictures as they are, but not before its first statement.
    return None if "\x00" in text[:100] else text


def is_tar(head: bytes) -> bool:
    """Whether these first bytes are those of a tar archive, packed or not."""
    try:
        return _unpacked(head)[257:262] == b"ustar"
    except (zlib.error, lzma.LZMAError, EOFError, ValueError, IndexError, OSError):
        return False


def _unpacked(head: bytes) -> bytes:
    if head.startswith(_GZIP):
        return zlib.decompressobj(wbits=31).decompress(head, HEAD_TEXT)
    if head.startswith(_XZ):
        return lzma.LZMADecompressor().decompress(head, HEAD_TEXT)
    if head.startswith(_BZIP2):
        return bz2.BZ2Decompressor().decompress(head, HEAD_TEXT)
    if head.startswith(_ZIP):
        return _first_member(head)
    return head[:HEAD_TEXT]


def _first_member(head: bytes) -> bytes:
    """Of a zip: what its first file begins with (APPNOTE 4.3.7, the local file header)."""
    method = int.from_bytes(head[8:10], "little")
    start = 30 + int.from_bytes(head[26:28], "little") + int.from_bytes(head[28:30], "little")
    if method == 0:
        return head[start : start + HEAD_TEXT]
    if method == 8:
        return zlib.decompressobj(wbits=-15).decompress(head[start:], HEAD_TEXT)
    return b""
