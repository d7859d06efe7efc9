"""Cleaning: what may stand in an answer. Plain words, light Markdown, links to cited hosts; nothing else."""

import html
import re
from collections.abc import Collection
from itertools import pairwise
from urllib.parse import urlsplit

_IMAGE = re.compile(r"!\[([^\]\n]{0,300})\](?:\([^)\n]{0,2000}\)|\[[^\]\n]{0,200}\])?")
_LINK = re.compile(r"\[([^\[\]\n]{0,500})\]\(\s{0,5}+<?+([^)\s>]{0,2000}+)>?+(?:\s[^)\n]{0,300}+)?\)")
_REFERENCE = re.compile(r"\[([^\[\]\n]{1,300})\]\[[^\]\n]{0,200}\]")
_AUTOLINK = re.compile(r"<((?:https?|ftp|mailto):[^>\s]{1,2000})>", re.I)
_TAGS = (
    "a|abbr|applet|area|article|aside|audio|b|base|bdi|bdo|big|blockquote|body|br|button|canvas|caption|center|cite|code|"
    "col|colgroup|data|datalist|dd|del|details|dfn|dialog|div|dl|dt|em|embed|fieldset|figcaption|figure|font|footer|form|"
    "frame|frameset|h[1-6]|head|header|hr|html|i|iframe|img|input|ins|kbd|label|legend|li|link|main|map|mark|marquee|"
    "math|menu|meta|meter|nav|noscript|object|ol|optgroup|option|output|p|param|picture|pre|progress|q|s|samp|script|"
    "section|select|small|source|span|strike|strong|style|sub|summary|sup|svg|table|tbody|td|template|textarea|tfoot|th|"
    "thead|time|title|tr|track|tt|u|ul|var|video|wbr"
)
_TAG = re.compile(
    rf"<\s*/?\s*(?:{_TAGS})(?=[\s/>])[^<>]{{0,2000}}>?|<!--.{{0,2000}}?-->|<![A-Za-z][^>]{{0,300}}>",
    re.I | re.S,
)
_DANGEROUS = re.compile(r"<\s*(script|style)\b[^>]{0,500}>.{0,5000}?<\s*/\s*\1\s*>", re.I | re.S)
_ANGLE = re.compile(r"<(?=[/!?A-Za-z])([^<>\n]{0,80})>?")
URL = re.compile(
    r"(?:\b(?:https?|ftp)://|(?<![\w/:])//(?=[\w-]+\.)|\bwww\.)[^\s<>\"'`|\])}»”]{1,2000}"
    r"|\b(?:javascript|data|vbscript|file|mailto):(?=\S)[^\s<>\"'`]{1,2000}"
    r"|(?<![\w@./-])(?:[\w-]{1,63}\.){1,6}(?:com|net|org|io|app|dev|info|biz|co|me|ru|de|es|ua|vn|uk|eu|us|xyz|top|site|"
    r"online|shop|click|link|example|test|invalid)(?::\d{1,5})?/[^\s<>\"'`|\])}»”]{0,2000}",
    re.I,
)
"""Whatever a chat window might make a link of."""
ADDRESSED = re.compile(r"[/@]|:\S|www\.", re.I)
"""Something of this stands in every `URL` and e-mail address: looked for first, as that is much faster."""
MARKUP = re.compile(rf"!\[|<\s*/?\s*(?:{_TAGS})(?=[\s/>])|<!--", re.I)
"""Images and HTML, which no sentence of a model may bring."""
_BLANKS = re.compile(r"[ \t\u00a0]+")
_QUOTED_LINE = re.compile(r"^[ \t]*>[ \t]?", re.M)
_LOOSE_BOLD = re.compile(r"\*\*[ \t]*([^*\n]{1,200}?)[ \t]*\*\*")
_INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\u00ad\U000e0000-\U000e007f]")

ELSEWHERE = "[…]"
"""Stands where a link to a host that is not cited stood."""


def plain(text: str) -> str:
    """One line for a reader: no images, HTML or link syntax; emphasis and code spans stay."""
    return _BLANKS.sub(" ", _QUOTED_LINE.sub("", _stripped(text)).replace("\n", " ")).strip()


def _stripped(text: str) -> str:
    text = _INVISIBLE.sub("", text)
    if "[" in text:
        text = _IMAGE.sub("", text)
        text = _LINK.sub(lambda match: match.group(1).strip() or match.group(2), text)
        text = _REFERENCE.sub(r"\1", text)
    if "<" in text:
        text = _AUTOLINK.sub(r"\1", text)
        text = _DANGEROUS.sub("", text)
        text = _TAG.sub("", text)
    return _LOOSE_BOLD.sub(r"**\1**", html.unescape(text) if "&" in text else text)


def host_of(url: str) -> str:
    """The host of an address, lower case, without `www.` or a port; empty if there is none."""
    try:
        host = urlsplit(url if "//" in url else "//" + url).hostname or ""
    except ValueError:
        return ""
    return host.lower().removeprefix("www.").rstrip(".")


def clean(text: str, hosts: Collection[str]) -> str:
    """
    A text with nothing in it that an answer may not hold.

    No image, no HTML, no link but to `hosts` (lower case, without `www.`); placeholders such as
    `<name>` keep their meaning in other brackets. Line breaks stay. Cleaning twice is cleaning once.
    """
    text = text.replace("\x00", "")
    for _ in range(3):
        # Removing one tag may join the halves of another, and an entity may hide one.
        before = text
        text = _stripped(text)
        if text == before:
            break
    text = _ANGLE.sub(lambda match: f"‹{match.group(1)}›", text)
    return URL.sub(lambda match: _allowed(match.group(), hosts), text) if ADDRESSED.search(text) else text


def _allowed(url: str, hosts: Collection[str]) -> str:
    bare = url.rstrip(".,;:!?*_")
    scheme = bare.split(":", 1)[0].lower() if ":" in bare.split("/", 1)[0] else ""
    if scheme in ("javascript", "data", "vbscript", "file", "ftp", "mailto") or "@" in bare.split("?", 1)[0]:
        return ELSEWHERE + url[len(bare) :]
    return url if host_of(bare) in hosts else ELSEWHERE + url[len(bare) :]


def is_clean(text: str, hosts: Collection[str]) -> bool:
    """Whether `clean` would leave it alone, so that it can be quoted literally."""
    return clean(text, hosts) == text


def quote(text: str, start: int, end: int, hosts: Collection[str], *, limit: int = 300) -> str:
    """
    A literal slice of `text[start:end]`, at most `limit` long and clean; empty if there is none.

    Where a link or tag stands inside, the longest piece beside it is taken.
    """
    span = text[start:end].strip()
    if len(span) <= limit and is_clean(span, hosts):
        return span
    best = ""
    cuts = [0]
    for pattern in (_IMAGE, _LINK, _REFERENCE, _AUTOLINK, _DANGEROUS, _TAG, _ANGLE, URL, _LOOSE_BOLD):
        for match in pattern.finditer(span):
            if pattern is _LOOSE_BOLD and clean(match.group(), hosts) == match.group():
                continue
            cuts.extend(match.span())
    cuts.append(len(span))
    cuts.sort()
    for left, right in pairwise(cuts):
        piece = span[left:right].strip()
        if len(piece) > limit:
            piece = piece[:limit].rsplit(None, 1)[0].strip()
        if len(piece) > len(best) and is_clean(piece, hosts):
            best = piece
    return best
