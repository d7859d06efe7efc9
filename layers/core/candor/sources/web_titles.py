"""Web titles: what a page is called, without the name of its site."""

import re
from typing import Any, Final
from urllib.parse import unquote, urlsplit

MAX_TITLE: Final = 300
_PARTS = re.compile(r"\s*(?:\||»|«|::|›|→)\s*|\s+[-–—·•:/]\s+")
_SURE = re.compile(r"\s*(?:\||»|«|::|›|→)\s*|\s+[·•—]\s+")
"""Between a page's name and its site's; a hyphen also stands inside of names."""


def heading_of(root: Any) -> str:
    """The words of the first `h1` that has some; not one that only holds the site's logo."""
    for heading in root.iter("h1"):
        if words := _folded("".join(heading.itertext())):
            return words[:MAX_TITLE]
    return ""


def title_of(root: Any, url: str, heading: str) -> str:
    """
    The page's name: its `h1`, unless that is the site's; else `og:title`, else `<title>` without the site's name.
    """  # noqa: E501
    site = _folded(_meta(root, "og:site_name"))
    whole = next((_folded("".join(title.itertext())) for title in root.iter("title")), "")
    shared = _folded(_meta(root, "og:title"))
    own = _without_site(whole, site, url)
    if heading and not _is_site(heading, site, url):
        # One h1 on every page of a site is its name; the page's own name then is in the title, and another.
        parts = [part.casefold() for part in _PARTS.split(whole)]
        if len(parts) < 2 or heading.casefold() != parts[-1] or not own:
            return heading
    return (_without_site(shared, site, url) or own or heading)[:MAX_TITLE]


def name_of(url: str) -> str:
    """A name for a page that has none: the last word of its address."""
    parts = urlsplit(url)
    last = next((part for part in reversed(parts.path.split("/")) if part), parts.netloc)
    return re.sub(r"[-_+]+", " ", unquote(last)).strip()[:MAX_TITLE] or parts.netloc


def _without_site(title: str, site: str, url: str) -> str:
    parts = [part for part in _PARTS.split(title) if part]
    if len(parts) < 2:
        return title
    if _is_site(parts[-1], site, url):
        return title[: title.rindex(parts[-1])].rstrip(" |»«:›→-–—·•/")
    if _is_site(parts[0], site, url):
        return title[len(parts[0]) :].lstrip(" |»«:›→-–—·•/")
    sure = [part for part in _SURE.split(title) if part]
    if len(sure) > 1 and len(sure[-1].split()) <= 4:
        return title[: title.rindex(sure[-1])].rstrip(" |»«:›→-–—·•/")
    return title


def _is_site(words: str, site: str, url: str) -> bool:
    if site and words.casefold() == site.casefold():
        return True
    plain = re.sub(r"\W+", "", words.casefold())
    labels = (urlsplit(url).hostname or "").removeprefix("www.").split(".")
    return len(plain) > 2 and any(plain == label.replace("-", "") for label in (*labels, "".join(labels)))


def _meta(root: Any, name: str) -> str:
    for meta in root.iter("meta"):
        if (meta.get("property") or meta.get("name") or "").lower() == name:
            return meta.get("content") or ""
    return ""


def _folded(text: str) -> str:
    return " ".join(text.split())
