"""Web pages: what one fetched page is, says and links to."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache
from io import BytesIO
from typing import Any, Final

from candor import language
from candor.crawling.addresses import normalise
from candor.crawling.doc_types import doc_type_of
from candor.errors import Invalid
from candor.markup import first_heading
from candor.sources.html import text_of_html
from candor.sources.records import MAX_TEXT, tidy
from candor.sources.web_decoding import decoded_page
from candor.sources.web_signals import (
    asks_to_log_in,
    base_of,
    canonical_of,
    forwarding_of,
    indexable,
    links_of,
    says_not_found,
)
from candor.sources.web_text import text_of, words_of
from candor.sources.web_titles import MAX_TITLE, heading_of, name_of, title_of


class Kind(StrEnum):
    """What a page is to a crawl."""

    CONTENT = "content"
    """Something a customer could be answered from."""
    THIN = "thin"
    """Hardly any text without its scripts: a browser may see more."""
    EMPTY = "empty"
    """No text of its own, and no scripts that would bring any."""
    NOINDEX = "noindex"
    REDIRECT = "redirect"
    """A meta refresh or a script-free forwarding page; `target` says where to."""
    SOFT_404 = "soft_404"
    """Says that there is nothing here, with status 200."""
    LOGIN = "login"
    UNREADABLE = "unreadable"
    """Neither HTML nor text nor PDF, or a PDF without text."""


@dataclass(frozen=True, kw_only=True, slots=True)
class WebPage:
    """One page, read."""

    url: str
    kind: Kind
    reason: str = ""
    """For people: why it is not content."""
    title: str = ""
    text: str = ""
    """Markdown-like: headings, lists, tables and links kept."""
    html: str = ""
    """The decoded page; blank for a PDF."""
    canonical: str = ""
    """The address the page calls its own, normalised; blank when it names none, or itself."""
    target: str = ""
    links: tuple[str, ...] = ()
    """Normalised addresses to follow, in the order of the page; `nofollow` links are left out."""
    doc_type: str = "other"
    language: str = ""
    text_hash: str = ""
    """Equal for pages that say the same; blank when there is no text."""


_LEAST: Final = 25
"""Letters and digits below which a page says nothing."""

_THIN_WORDS: Final = 40
_ROOTS: Final = frozenset(
    """root app __next __nuxt ___gatsby gatsby-focus-wrapper main-app react-root app-root vue-app ember-app svelte
    application mount app-container q-app main-content-root""".split()  # noqa: E501, SIM905
)
_WANTS_SCRIPTS: Final = re.compile(
    r"(?:enable|requires?|activate|turn on|need to enable|без|включите|необходим|aktivieren|benötigt|activez|active) .{0,40}"  # noqa: E501
    r"(?:java ?script)|java ?script .{0,40}(?:disabled|required|enabled|отключ|включ|необходим|deaktiviert|aktiviert|désactivé)",  # noqa: E501
    re.IGNORECASE,
)
_LOADING: Final = re.compile(
    r"\W*(?:loading|please wait|загрузка|wird geladen|laden|chargement)\W*(?:please wait\W*)?", re.IGNORECASE
)
_HTML: Final = frozenset({"text/html", "application/xhtml+xml", "application/html"})
_PLAIN: Final = frozenset({"text/plain", "text/markdown", "text/x-markdown"})
_UNKNOWN: Final = frozenset(
    {"", "application/octet-stream", "binary/octet-stream", "application/xml", "text/xml", "unknown/unknown"}
)
_LOOKS_HTML = re.compile(
    rb"\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body|title|h1|p|div|table|a)[\s>]",
    re.IGNORECASE | re.DOTALL,
)
_LOOKS_DATA = re.compile(rb"\s*(?:<\?xml|[{\[])")
_BINARY: Final = (
    b"\x89PNG",
    b"\xff\xd8\xff",
    b"GIF8",
    b"PK\x03\x04",
    b"\x1f\x8b",
    b"RIFF",
    b"\x7fELF",
    b"MZ\x90",
    b"Rar!",
    b"7z\xbc\xaf",
    b"\x00\x00\x00\x18ftyp",
    b"\x00\x00\x00 ftyp",
    b"OggS",
    b"ID3",
    b"wOFF",
    b"wOF2",
    b"BZh",
)
_BIG_TAG = re.compile(r"<[a-zA-Z][^<>]{2000,}>?")
"""libxml2 compares each attribute of a tag with each other one: half a million of them took minutes."""

_LARGE: Final = 500_000
_CODE = re.compile(r"<(script|style|svg)\b[^<>]*>", re.IGNORECASE)
_LARGE_CODE: Final = 2_000
MAX_TAGS: Final = 60_000
"""Where a page is cut: a hundred times an ordinary one; reading so many takes about a second."""

MAX_ATTRIBUTES: Final = 300

_DEEPEST: Final = 2_000
"""Where libxml2 stops to read (2,048). Nothing written by people is half as deep."""

_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def read_page(body: bytes, *, url: str, headers: Mapping[str, str]) -> WebPage:
    """The page at `url` from the bytes and headers (small letters) it came with. Never raises for bad pages."""  # noqa: E501
    content_type = headers.get("content-type", "").partition(";")[0].strip().casefold()
    if not body.strip():
        return WebPage(url=url, kind=Kind.EMPTY, reason="The server sent nothing.")
    if content_type == "application/pdf" or body[:1_024].lstrip().startswith(b"%PDF-"):
        return _pdf(body, url, headers)
    if body.startswith(_BINARY):
        return WebPage(url=url, kind=Kind.UNREADABLE, reason="The server sent a file that is no text.")
    looks_html = (
        _LOOKS_HTML.match(body[:4_096].replace(b"\x00", b"").removeprefix(b"\xef\xbb\xbf")) is not None
    )
    if content_type in _HTML or (looks_html and content_type in (*_UNKNOWN, *_PLAIN)):
        return _html(body, url, headers)
    if content_type in _PLAIN or (not content_type and not _LOOKS_DATA.match(body)):
        return _plain(body, url, headers, content_type)
    named = content_type or "of a kind it does not name"
    return WebPage(
        url=url, kind=Kind.UNREADABLE, reason=f"The page is {named}: only HTML, text and PDF are read."
    )


def _html(body: bytes, url: str, headers: Mapping[str, str]) -> WebPage:
    html = decoded_page(body, headers)
    if _is_binary(html):
        return WebPage(url=url, kind=Kind.UNREADABLE, reason="The server sent a file that is no text.")
    html = _CONTROLS.sub("", html)
    source = _bounded(html)
    root = _tree(source)
    if root is None:
        return WebPage(url=url, kind=Kind.EMPTY, reason="The page holds nothing.", html=html)

    base = base_of(root, url)

    @cache
    def resolve(href: str) -> str:
        return normalise(href, base)

    may_keep, may_follow = indexable(root, headers)
    page = WebPage(
        url=url,
        kind=Kind.CONTENT,
        html=html,
        canonical=canonical_of(root, headers, url=url, base=base),
        links=links_of(root, resolve, url=url) if may_follow else (),
    )
    heading = heading_of(root)
    title = title_of(root, url, heading)
    if not may_keep:
        return replace(page, kind=Kind.NOINDEX, title=title, reason="The page asks not to be indexed.")

    if _is_too_deep(root):
        text = text_of_html(source[:500_000])
    else:
        text = text_of(root, source, lambda href: "" if href.startswith("#") else resolve(href))
    text = tidy(text)[:MAX_TEXT]
    words = words_of(text)
    headings = [line.lstrip("# ") for line in text.split("\n") if line.startswith("#")]
    page = replace(
        page,
        title=title or (headings[0] if headings else "") or name_of(url),
        text=text,
        doc_type=doc_type_of(url, title or heading, [line for line in headings if line != title]),
        language=language_of(text, root.get("lang") or ""),
        text_hash=hash_of(words),
    )
    target = forwarding_of(root, resolve, url=url, words=len(words), text=text)
    if target:
        return replace(page, kind=Kind.REDIRECT, target=target, reason="The page forwards its visitors.")
    kind, reason = _judged(root, page, heading, len(words))
    if kind == Kind.CONTENT and len(source) < len(html) and source[-200:] not in html[-400:]:
        reason = "The page is longer than is read: its first part was."
    return replace(page, kind=kind, reason=reason)


def _bounded(html: str) -> str:
    """The page without what takes long and says nothing: endless tags, large scripts, and its end if need be."""  # noqa: E501
    html = _BIG_TAG.sub(lambda tag: "<wbr>" if tag[0].count("=") > MAX_ATTRIBUTES else tag[0], html)
    if len(html) > _LARGE:
        html = _without_code(html)
    if html.count("<") <= MAX_TAGS:
        return html
    end = 0
    for _ in range(MAX_TAGS):
        end = html.find("<", end) + 1
    return html[: end - 1]


def _without_code(html: str) -> str:
    """The page with its large scripts and styles emptied; one that never ends is left to the parser."""
    parts: list[str] = []
    at = 0
    for opening in _CODE.finditer(html):
        if opening.end() < at:
            continue
        closing = html.find(f"</{opening[1]}", opening.end())
        if closing - opening.end() > _LARGE_CODE:
            parts.append(html[at : opening.end()])
            at = closing
        elif closing < 0:
            break
    return "".join(parts) + html[at:]


def _tree(html: str) -> Any:
    from lxml import etree

    parser = etree.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True, huge_tree=True)
    try:
        return etree.fromstring(html.encode("utf-8", "replace"), parser)
    except etree.XMLSyntaxError:
        return None


def _is_too_deep(root: Any) -> bool:
    """Whether the tree was cut: then its last element is as deep as a tree may be."""
    last = root
    while len(last) and (last := last[-1]) is not None:
        pass
    return sum(1 for _ in last.iterancestors()) >= _DEEPEST


def _judged(root: Any, page: WebPage, heading: str, words: int) -> tuple[Kind, str]:
    """What kind of page it is, by how much it says and what."""
    if asks_to_log_in(root, title=page.title, heading=heading, words=words):
        return Kind.LOGIN, "The page asks to log in."
    letters = sum(map(str.isalnum, page.text))
    if words < _THIN_WORDS and _needs_scripts(root, page.text, words):
        return Kind.THIN, "The page shows its text only with scripts."
    if says_not_found(title=page.title, heading=heading, text=page.text, words=words):
        return Kind.SOFT_404, "The page says that there is nothing here."
    if letters < _LEAST or words <= len(words_of(page.title)) + 2:
        return Kind.EMPTY, "The page holds no text of its own."
    return Kind.CONTENT, ""


def _needs_scripts(root: Any, text: str, words: int) -> bool:
    scripts = sum(1 for script in root.iter("script") if script.get("src") or len(script.text or "") > 200)
    if not scripts:
        return False
    if any(_WANTS_SCRIPTS.search("".join(note.itertext())[:500]) for note in root.iter("noscript")):
        return True
    if _WANTS_SCRIPTS.search(text) or _LOADING.fullmatch(text):
        return True
    for element in root.iter("div", "main", "section", "app-root"):
        if (
            element.get("id") in _ROOTS or "ng-app" in element.attrib or "data-reactroot" in element.attrib
        ) and len("".join(element.itertext()).split()) < _THIN_WORDS:
            return True
    return words < 8 and next(root.iter("p", "table", "ul", "article"), None) is None


def _plain(body: bytes, url: str, headers: Mapping[str, str], content_type: str) -> WebPage:
    text = decoded_page(body, headers)
    if _is_binary(text):
        return WebPage(url=url, kind=Kind.UNREADABLE, reason="The server sent a file that is no text.")
    may_keep, _ = indexable(None, headers)
    if not may_keep:
        return WebPage(url=url, kind=Kind.NOINDEX, reason="The page asks not to be indexed.")
    text = tidy(text)[:MAX_TEXT]
    title = first_heading(text) or name_of(url)
    return _written(WebPage(url=url, kind=Kind.CONTENT, html="", title=title, text=text))


def _pdf(body: bytes, url: str, headers: Mapping[str, str]) -> WebPage:
    from candor.sources.pdf import text_of_pdf

    may_keep, _ = indexable(None, headers)
    if not may_keep:
        return WebPage(url=url, kind=Kind.NOINDEX, reason="The file asks not to be indexed.")
    try:
        found = text_of_pdf(BytesIO(body), name=name_of(url))
    except Invalid as error:
        return WebPage(url=url, kind=Kind.UNREADABLE, reason=str(error))
    title = found.title or first_heading(found.text) or name_of(url)
    return _written(WebPage(url=url, kind=Kind.CONTENT, title=title[:MAX_TITLE], text=tidy(found.text)))


def _written(page: WebPage) -> WebPage:
    """A page that came as text: its type, its language, its hash."""
    words = words_of(page.text)
    if sum(map(str.isalnum, page.text)) < _LEAST:
        return replace(page, kind=Kind.EMPTY, reason="The page holds no text of its own.")
    headings = [line.lstrip("# ") for line in page.text.split("\n") if line.startswith("#")]
    return replace(
        page,
        doc_type=doc_type_of(page.url, page.title, headings),
        language=language_of(page.text, ""),
        text_hash=hash_of(words),
    )


def hash_of(words: list[str]) -> str:
    return hashlib.sha256(" ".join(words).encode()).hexdigest() if words else ""


def language_of(text: str, declared: str) -> str:
    found = language.detect(text)
    if found != language.UNDETERMINED:
        return found
    declared = declared.strip().lower()[:2]
    return declared if len(declared) == 2 and declared.isalpha() else ""


def _is_binary(text: str) -> bool:
    """Many letters that no text has: a picture or an archive under a wrong name."""
    start = text[:20_000]
    strange = len(_CONTROLS.findall(start)) + start.count("\ufffd")
    return strange * 20 > len(start)
