"""Sitemaps: the addresses a site names itself, from XML, feeds or plain lists, packed or not."""

import html
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import urljoin

MAX_ENTRIES: Final = 50_000
MAX_BYTES: Final = 50 * 1024 * 1024
"""Of one sitemap, unpacked: both numbers are the protocol's own."""

_GZIP: Final = b"\x1f\x8b"
_DECLARED = re.compile(rb"""^\s*<\?xml[^>]{0,200}encoding\s*=\s*["']([\w.-]{1,40})["']""")
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_BOMB = re.compile(r"<!ENTITY", re.IGNORECASE)
_ROOT = re.compile(r"<(?:([\w-]+):)?(urlset|sitemapindex|rss|feed|RDF)\b[^>]*>", re.IGNORECASE)
_CDATA = re.compile(r"<!\[CDATA\[(.*?)(?:\]\]>|\Z)", re.DOTALL)
_TAG = re.compile(r"<[^<>]*>")
_HREF = re.compile(r"""\bhref\s*=\s*(?:"([^"]*)"|'([^']*)')""", re.IGNORECASE)
_REL = re.compile(r"""\brel\s*=\s*["']([^"']*)""", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One address, as it is written; `lastmod` as it is written too, blank when there is none."""

    url: str
    lastmod: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sitemap:
    """What one file names: pages, or further sitemaps."""

    pages: tuple[Entry, ...] = ()
    sitemaps: tuple[Entry, ...] = ()
    fault: str = ""
    """Why nothing, or not all, was read: a sentence."""


def read_sitemap(body: bytes, *, url: str = "") -> Sitemap:
    """
    A urlset, an index, RSS, Atom or one address a line; packed with gzip if it begins so. Never raises.

    Relative addresses, which the protocol forbids and sites write, are resolved against `url`.
    """
    body, fault = _unpacked(body)
    text = _text(body)
    if _BOMB.search(text):
        return Sitemap(fault="The sitemap declares entities, which no sitemap needs: it was not read.")
    # Tokens instead of an XML parser: half of the broken sitemaps of the web are one bare & away from being
    # read whole, and what is never parsed never expands.
    text = _COMMENT.sub("", text)
    root = _ROOT.search(text)
    if root is None:
        if re.match(r"\s*<", text):
            return Sitemap(fault=fault or "The file is no sitemap.")
        return _capped(_lines(text), fault, url)
    text = text[root.end() :]
    kind, prefix = root[2].lower(), f"{root[1]}:" if root[1] else ""
    if kind in ("urlset", "sitemapindex"):
        entries = _blocks(text, prefix, "sitemap" if kind == "sitemapindex" else "url", _of_sitemap)
        return _capped(entries, fault, url, index=kind == "sitemapindex")
    if kind == "feed":
        return _capped(_blocks(text, prefix, "entry", _of_atom), fault, url)
    return _capped(_blocks(text, "", "item", _of_rss), fault, url)


def _unpacked(body: bytes) -> tuple[bytes, str]:
    """Gzip is told by its first bytes, not by a name or a header; twice packed is seen too."""
    for _ in range(2):
        if not body.startswith(_GZIP):
            break
        unpacking = zlib.decompressobj(wbits=31)
        parts: list[bytes] = []
        room = MAX_BYTES
        try:
            rest = body
            while rest and room > 0 and not unpacking.eof:
                parts.append(unpacking.decompress(rest, min(room, 1 << 20)))
                room -= len(parts[-1])
                rest = unpacking.unconsumed_tail
                if not parts[-1] and not rest:
                    break
        except zlib.error:
            if not parts:
                return b"", "The sitemap's gzip is broken."
        body = b"".join(parts)
        if not unpacking.eof:
            return body, "The sitemap is larger than 50 MB, or its gzip is broken: its beginning was read."
    if len(body) > MAX_BYTES:
        return body[:MAX_BYTES], "The sitemap is larger than 50 MB: its beginning was read."
    return body, ""


def _text(body: bytes) -> str:
    if body.startswith((b"\xff\xfe", b"\xfe\xff")):
        return body.decode("utf-16", "replace")
    declared = _DECLARED.match(body.removeprefix(b"\xef\xbb\xbf"))
    encoding = declared[1].decode() if declared else "utf-8"
    if encoding.lower().replace("-", "") in ("utf8", "utf16"):  # A UTF-16 file would have begun so.
        encoding = "utf-8"
    try:
        return body.decode(encoding, "replace").lstrip("\ufeff")
    except (LookupError, ValueError):
        return body.decode("utf-8", "replace").lstrip("\ufeff")


def _blocks(text: str, prefix: str, name: str, read: Callable[[str, str], Entry]) -> Iterator[Entry]:
    """What stands between one opening tag and the next; a closing tag that is missing hides nothing."""
    opening = re.compile(rf"<{re.escape(prefix)}{name}(?=[\s>])[^<>]*>", re.IGNORECASE)
    for block in opening.split(text)[1:]:
        entry = read(block, prefix)
        if entry.url:
            yield entry


def _of_sitemap(block: str, prefix: str) -> Entry:
    return Entry(url=_inner(block, f"{prefix}loc"), lastmod=_inner(block, f"{prefix}lastmod"))


def _of_rss(block: str, prefix: str) -> Entry:
    link = _inner(block, "link")
    if not link:
        guid = _inner(block, "guid")
        link = guid if guid.startswith(("http://", "https://")) else ""
    return Entry(url=link, lastmod=_inner(block, "pubDate") or _inner(block, "dc:date"))


def _of_atom(block: str, prefix: str) -> Entry:
    found = ""
    for tag in re.findall(rf"<{re.escape(prefix)}link\b[^<>]*>", block, re.IGNORECASE):
        rel, href = _REL.search(tag), _HREF.search(tag)
        if href and (rel is None or rel[1].lower() == "alternate"):
            found = html.unescape(href[1] or href[2] or "")
            break
    return Entry(url=found.strip(), lastmod=_inner(block, f"{prefix}updated"))


def _inner(block: str, name: str) -> str:
    pattern = rf"<{re.escape(name)}(?:\s[^<>]*)?>(.*?)(?=</?[A-Za-z])"
    match = re.search(pattern, block, re.DOTALL | re.IGNORECASE)
    if match is None:
        return ""
    if "<![CDATA[" in match[1]:
        return _CDATA.sub(lambda data: data[1], match[1]).strip()
    return html.unescape(_TAG.sub("", match[1])).strip()


def _lines(text: str) -> Iterator[Entry]:
    for line in text.splitlines():
        if line.strip().startswith(("http://", "https://")):
            yield Entry(url=line.strip())


def _capped(entries: Iterator[Entry], fault: str, base: str, *, index: bool = False) -> Sitemap:
    found: dict[str, Entry] = {}
    for entry in entries:
        try:
            url = urljoin(base, entry.url) if base else entry.url
        except ValueError:
            continue
        if not url.startswith(("http://", "https://")):
            continue
        if len(found) >= MAX_ENTRIES:
            fault = fault or f"The sitemap has more than {MAX_ENTRIES:,} addresses: the first were read."
            break
        found.setdefault(url, Entry(url=url, lastmod=entry.lastmod))
    named = tuple(found.values())
    return Sitemap(sitemaps=named, fault=fault) if index else Sitemap(pages=named, fault=fault)
