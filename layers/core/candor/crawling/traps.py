"""Traps: links of a website that lead round in circles, change something, or hold no page."""

import re
from typing import Final
from urllib.parse import parse_qsl, unquote, urlsplit

MAX_DEPTH: Final = 12
MAX_PARAMETERS: Final = 5
MAX_READABLE: Final = 400
"""Letters of an address as a person reads it: a Cyrillic slug takes six bytes a letter when sent."""
MAX_PAGE: Final = 500
"""The highest number of a list's page: behind it there are only lists that never end."""

_FILES: Final = {
    "an image": "png jpg jpeg gif webp avif svg ico bmp tif tiff heic psd ai eps",
    "a recording": "mp3 mp4 m4a m4v avi mov wmv mkv webm ogg ogv wav flac flv swf mpg mpeg aac",
    "an archive or a program": """zip gz tgz bz2 xz 7z rar tar iso img dmg exe msi deb rpm apk jar bin sh bat whl
        pkg cab war ova vmdk qcow2 sql bak""",  # noqa: E501
    "a part of a page": "css js mjs map woff woff2 ttf otf eot wasm",
    "data": """xml json jsonld rss atom ics vcf csv tsv kml gpx rdf wsdl xsd yaml yml webmanifest torrent asc
        sig md5 sha256""",
    "an office file": "doc docx xls xlsx ppt pptx odt ods odp rtf epub mobi pages key numbers",
}
_NO_PAGE: Final = {
    "an account page": """login log-in logon signin sign-in register registration signup sign-up login.php
        register.php signin.php dologin.php wp-login.php wp-signup.php clientarea.php lostpassword
        forgot-password reset-password password-reset pwreset.php my-account account.php user-login
        members-login auth oauth saml sso""",
    "a shopping cart": """cart cart.php basket checkout checkout.php order-confirmation wishlist compare
        warenkorb kasse korzina""",
    "a search": "search search.php suche recherche buscar poisk",
}
_MACHINERY: Final = {
    "a logout": "logout log-out logoff signout sign-out logout.php signout.php",
    "machinery of the site": """wp-admin wp-json wp-content wp-includes xmlrpc.php wp-cron.php
        wp-comments-post.php cgi-bin cdn-cgi trackback administrator phpmyadmin _next .git .env .well-known
        submitticket.php downloads.php dl.php captcha""",
}
_HELPING: Final = """kb docs doc help support faq faqs knowledgebase knowledge-base knowledge article articles
    guide guides wiki manual tutorials tutorial howto how-to hc learn documentation blog news reference api
    hilfe anleitung anleitungen wissensdatenbank pomoshch baza-znaniy instrukcii помощь справка"""
_CHANGING: Final = """delete remove edit destroy unsubscribe vote upvote downvote like report reply add-to-cart
    addtocart"""  # noqa: E501


def _by_word(words_of: dict[str, str]) -> dict[str, str]:
    return {word: kind for kind, words in words_of.items() for word in words.split()}


_KIND_OF_FILE: Final = {f".{suffix}": kind for suffix, kind in _by_word(_FILES).items()}
_NO_PAGE_OF: Final = _by_word(_NO_PAGE)
_MACHINERY_OF: Final = _by_word(_MACHINERY)
_HELP: Final = frozenset(_HELPING.split())
"""Under one of these folders even `/login` is what an article is about."""
_CHANGES: Final = frozenset(_CHANGING.split())
_FEEDS: Final = frozenset({"feed", "rss", "atom", "feeds", "rss2", "feed.php"})
_CHANGING_PARAMETERS: Final = re.compile(
    r"(?:add[-_]to[-_]?(?:cart|basket|wishlist|compare)|addtocart|remove(?:[-_]item)?|undo_item|delete|del|edit|"
    r"logout|log_?out|signout|unsubscribe|subscribe|vote|like|report|rate|replytocom|reply[-_]?to|share|"
    r"_wpnonce|nonce|csrf\w*|closeticket|removeattachment|post|oldid|diff|undo|rollback)$",
    re.IGNORECASE,
)
_RETURNS: Final = re.compile(
    r"(?:redirect|redirect_?(?:to|url|uri)|return|return_?(?:to|url|uri|path)|returnurl|back_?url|goto|continue|"
    r"referer|referrer|login)$",
    re.IGNORECASE,
)
_COMBINING: Final = re.compile(
    r"(?:sort|sort_?by|sort_?order|sort_?dir(?:ection)?|order|order_?by|order_?dir|dir|direction|filter\w*|filters?\[.*|"
    r"facets?(?:\[.*|\w*)|f\[.*|fq|min_?price|max_?price|price_?(?:from|to|min|max)|colou?r|size|brand|per_?page|"
    r"items_?per_?page|page_?size|limit|offset|viewmode|view_?as|shuffle|random|seed|currency)$",
    re.IGNORECASE,
)
_ASKING: Final = frozenset(
    {"q", "s", "search", "query", "keyword", "keywords", "searchword", "suche", "tag_search"}
)
_DATES: Final = re.compile(
    r"(?:date|day|month|year|week|ical|outlook-ical|tribe-bar-date|eventdate|event_date|start_?date|end_?date|"
    r"from_?date|to_?date|cal(?:endar)?(?:_?date|month|year)?|mcat|yr|mon|datum|monat|jahr)$",
    re.IGNORECASE,
)
_CALENDAR: Final = re.compile(
    r"(?:^|[-_.])(?:calendar|kalender|kalendar|calendario|calendrier|календарь)(?:$|[-_.])", re.IGNORECASE
)
_EVENTS: Final = frozenset({"events", "event", "veranstaltungen", "termine", "agenda", "schedule"})
_DATE_LIKE = re.compile(r"(?:19|20|21)\d\d(?:-\d{1,2}){0,2}$")
_ACTIONS: Final = frozenset({"action", "do", "cmd", "task", "act", "op", "sub", "a"})
_READING = re.compile(
    r"(?:display|view|show|read|list|browse|index|article|articles|category|categories|cat|page|detail|details|"
    r"faq|help|get|open|topic|kb)\w*$",
    re.IGNORECASE,
)
_NUMBERED = re.compile(r"\d+$|[0-9a-f-]{32,36}$", re.IGNORECASE)


def is_trap(url: str) -> str:
    """Why the (normalised) address is not worth a request, in a few words; blank when it is."""
    if not url.startswith(("http://", "https://")):
        return "not an address of the web"
    parts = urlsplit(url)
    segments = [unquote(part).lower() for part in parts.path.split("/") if part]
    if len(unquote(url)) > MAX_READABLE:
        return "the address is too long"
    if len(segments) > MAX_DEPTH:
        return "the address is too deep"
    if _goes_round(segments):
        return "the path repeats itself"
    return (
        _file(segments)
        or _place(segments)
        or _calendar(segments)
        or _parameters(parse_qsl(parts.query, keep_blank_values=True), segments)
    )


def _goes_round(segments: list[str]) -> bool:
    """`/a/b/a/b`, `/a/a/a`, or one segment three times: what a relative link to itself makes."""
    for size in range(1, len(segments) // 2 + 1):
        times = 3 if size == 1 else 2
        for start in range(len(segments) - size * times + 1):
            unit = segments[start : start + size]
            if unit * times == segments[start : start + size * times]:
                return True
    return any(segments.count(segment) > 2 for segment in segments if not segment.isdigit())


def _file(segments: list[str]) -> str:
    last = segments[-1] if segments else ""
    dot = last.rfind(".")
    if dot <= 0 or (last.endswith(".js") and _is_help(segments[:-1])):
        return ""  # /docs/node.js is an article; a script lies in no such folder.
    return _KIND_OF_FILE.get(last[dot:], "")


def _is_help(segments: list[str]) -> bool:
    return any(segment in _HELP for segment in segments)


def _place(segments: list[str]) -> str:
    if not segments:
        return ""
    for segment in segments:
        if segment in _MACHINERY_OF and not _is_help(segments[: segments.index(segment)]):
            return _MACHINERY_OF[segment]
    last = segments[-1]
    if last in _FEEDS:
        return "a feed"
    helping = _is_help(segments[:-1])
    if not helping:
        for segment in (segments[0], last):
            if segment in _NO_PAGE_OF:
                return _NO_PAGE_OF[segment]
    if last in _CHANGES and len(segments) > 1 and (not helping or _NUMBERED.match(segments[-2])):
        return "a link that changes something"
    return ""


def _calendar(segments: list[str]) -> str:
    for position, segment in enumerate(segments[:-1]):
        rest = segments[position + 1 :]
        if (_CALENDAR.search(segment) or segment in _EVENTS) and _DATE_LIKE.match(rest[0]):
            return "" if any(re.search(r"[^\W\d_]{3}", part) for part in rest) else "a calendar"
    return ""


def _parameters(pairs: list[tuple[str, str]], segments: list[str]) -> str:
    if len(pairs) > MAX_PARAMETERS:
        return "the address has too many parameters"
    for name, value in pairs:
        lowered = name.lower()
        if _CHANGING_PARAMETERS.match(name) and not (
            lowered in ("post", "report", "share") and value.isdigit()
        ):
            return "a link that changes something"
        if lowered in _ACTIONS and value[:1].isalpha() and not _READING.match(value):
            return "a link that changes something"
        if _RETURNS.match(name):
            return "a way back from a form"
        if _COMBINING.match(name):
            return "another order of a list"
        if lowered in _ASKING and value:
            return "a search"
        if _DATES.match(name):
            return "a calendar"
        if (
            lowered in ("page", "paged", "p", "pg", "seite")
            and value.isdigit()
            and int(value[:9]) > MAX_PAGE
            and lowered != "p"
        ):
            return "a list that does not end"
        if lowered in ("feed", "rss"):
            return "a feed"
        if lowered == "rp" and re.match(r"/(?:login|password|cart|user|account|invite|logout)", value):
            return "an account page"
    if segments and _CALENDAR.search(segments[-1]) and pairs:
        return "a calendar"
    return ""
