"""Web pages: what one fetched page is, says and links to."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


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


def read_page(body: bytes, *, url: str, headers: Mapping[str, str]) -> WebPage:
    """The page at `url` from the bytes and headers (small letters) it came with. Never raises for bad pages."""
    raise NotImplementedError
