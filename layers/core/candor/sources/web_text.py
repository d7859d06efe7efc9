"""Web text: which of a page's blocks are its own words, by two independent judges."""

import re
from collections.abc import Callable
from typing import Any, Final

from candor.sources.web_chrome import Chrome
from candor.sources.web_rendering import Rendered, blocks_of

MAX_VOTED: Final = 3_000
"""Blocks above which trafilatura is not asked: it takes 1 ms for a hundred elements."""

MAX_VOTED_LETTERS: Final = 600_000

_CLEARLY: Final = 0.7
"""Share of the letters in `main` or `article` from which on the page has said itself where its text is."""

_WORD = re.compile(r"\w+")
_FACT = re.compile(r"[$€£¥₽₴₫]\s?\d|\d\s?(?:[$€£¥₽₴₫%]|usd|eur|rub|руб|gb|tb|mb|гб|мб)\b", re.IGNORECASE)
_CLOSING: Final = re.compile(
    r"(?:related|similar|popular|recent|latest|further|recommended|more|other) (?:articles?|posts?|pages?|topics?|reading|"  # noqa: E501
    r"guides?|questions|resources|help)|you (?:may|might) also (?:like|be interested)|see also|read (?:more|next)|"  # noqa: E501
    r"what(?:'|’)s next|keep reading|still (?:need|have) (?:help|questions)|was this (?:article|page) helpful|"  # noqa: E501
    r"did this (?:answer|help)|share this|leave a (?:comment|reply)|\d* ?comments?$|tags?:?$|categories:?$|"
    r"(?:похожие|популярные|другие|связанные|последние) (?:статьи|материалы|вопросы|записи|новости)|читайте также|"  # noqa: E501
    r"смотрите также|см\. также|вам может быть интересно|статья (?:была )?полезна|комментарии|поделиться|"
    r"(?:ähnliche|verwandte|beliebte|weitere) (?:artikel|beiträge|themen|fragen)|siehe auch|"
    r"war dieser artikel hilfreich|das könnte (?:sie|dich) auch|articles (?:similaires|liés)|artículos relacionados",  # noqa: E501
    re.IGNORECASE,
)
"""What a heading says over things that belong to other pages."""

_NOISE: Final = re.compile(
    r"(?:©|\(c\) ?\d{4}|copyright\b|all rights reserved|все права защищены|alle rechte vorbehalten)|"
    r"(?:we|this (?:web)?site|our website) uses? cookies|by continuing to (?:use|browse)|accept all cookies|"
    r"(?:мы|сайт) использу\w+ (?:файлы )?cookie|diese website verwendet cookies|"
    r"^(?:skip to (?:main )?content|back to top|print(?: this page)?|share|tweet|menu|search|home|loading\.*|"
    r"please enable javascript.{0,80}|наверх|поделиться|печать|nach oben|teilen|drucken)$|"
    r"^(?:was this (?:article|page) helpful\??.{0,30}|(?:yes|no)(?: ?[/|] ?(?:yes|no))?|\d+ (?:out )?of \d+ found this helpful.*)$",  # noqa: E501
    re.IGNORECASE,
)
_SPAN = re.compile(r"\b(?:row|col)span\s*=\s*[^\s>]+", re.IGNORECASE)
_WINDOW: Final = 30_000


def text_of(root: Any, html: str, link_of: Callable[[str], str]) -> str:
    """
    The page's own words as Markdown-like text.

    One judge is the page's structure: what it calls navigation, footer, related. The other is trafilatura,
    which weighs density and wording, knows nothing of ours, and is asked only *where* the text is: written by
    it, prices in tables, answers in `<details>` and hidden tabs, and short pages are lost. A block stays when
    it lies where either finds the article and does not look like a menu, or when it states a fact.
    """
    blocks = blocks_of(root, Chrome(root), link_of)
    if not blocks:
        return ""
    total = sum(block.letters for block in blocks)
    in_main = sum(block.letters for block in blocks if block.main)
    if in_main >= total * _CLEARLY:
        return _written(_chosen(blocks, [False] * len(blocks), [block.main for block in blocks]))
    voted = (
        _votes(html, blocks)
        if len(blocks) <= MAX_VOTED and len(html) <= MAX_VOTED_LETTERS
        else [False] * len(blocks)
    )
    inside = [block.main for block in blocks] if in_main * 2 >= total else _zone(blocks, voted)
    return _written(_chosen(blocks, voted, inside))


def _zone(blocks: list[Rendered], voted: list[bool]) -> list[bool]:
    """Where the votes say the article is: from its heading to its end, and what stands beside its parts."""
    if not any(voted):
        return [True] * len(blocks)
    first, last = voted.index(True), len(voted) - 1 - voted[::-1].index(True)
    for at in range(first):
        if blocks[at].kind == "heading" and blocks[at].level == 1:
            first = at
            break
    # What shares its parent with a voted block is of the same text: a note, a short line, a table at the end.
    beside = {block.places[-1] for block, vote in zip(blocks, voted, strict=True) if vote} - {0}
    return [first <= at <= last or not beside.isdisjoint(block.places) for at, block in enumerate(blocks)]


def _chosen(blocks: list[Rendered], voted: list[bool], inside: list[bool]) -> list[Rendered]:
    menus = _menus(blocks)
    keep: list[bool] = []
    closed = 0
    for at, block in enumerate(blocks):
        if block.kind == "heading":
            closed = (
                block.level
                if _CLOSING.match(block.text)
                else 0
                if block.level <= closed or not closed
                else closed
            )
            keep.append(not closed and (inside[at] or voted[at]))
            continue
        if (closed and block.linked * 2 > block.letters) or (
            len(block.text) < 200 and _NOISE.search(block.text)
        ):
            keep.append(False)
        elif menus[at]:
            keep.append(voted[at] and inside[at] and block.linked < block.letters * 0.9)
        elif inside[at] or voted[at]:
            keep.append(True)
        else:
            keep.append(_tells(block))
    _keep_headings(blocks, keep)
    return [block for block, kept in zip(blocks, keep, strict=True) if kept]


def _menus(blocks: list[Rendered]) -> list[bool]:
    """Which blocks are items of a list of nothing but links, at least three in a row."""
    found = [False] * len(blocks)
    start = 0
    while start < len(blocks):
        end = start
        while (
            end < len(blocks)
            and blocks[end].kind == "item"
            and blocks[end].linked > blocks[end].letters * 0.7
        ):
            end += 1
        if end - start >= 3:
            found[start:end] = [True] * (end - start)
        start = max(end, start + 1)
    return found


def _tells(block: Rendered) -> bool:
    """Whether a block outside the article states something worth keeping all the same."""
    if block.kind in ("table", "code"):
        return block.linked * 2 < block.letters
    words = len(_WORD.findall(block.text))
    return block.linked * 3 < block.letters and (
        words >= 12 or (words >= 3 and bool(_FACT.search(block.text)))
    )


def _keep_headings(blocks: list[Rendered], keep: list[bool]) -> None:
    """A heading stays exactly when something under it does, or when it is the page's own."""
    own = next((at for at, block in enumerate(blocks) if block.kind == "heading" and block.level == 1), -1)
    under = [False] * 8
    """From the end: whether a heading of each level would have something to stand over."""
    for at in range(len(blocks) - 1, -1, -1):
        block = blocks[at]
        if block.kind != "heading":
            if keep[at]:
                under = [True] * 8
            continue
        keep[at] = (under[block.level] and not _CLOSING.match(block.text)) or (at == own and keep[at])
        # What stood under it stands under the headings above it, and under none beside it.
        under = [under[block.level] or under[level] if level < block.level else False for level in range(8)]


def _votes(html: str, blocks: list[Rendered]) -> list[bool]:
    """For each block, whether trafilatura took its words, which it gives in the page's order."""
    from lxml.etree import LxmlError
    from lxml.html import HTMLParser, document_fromstring
    from trafilatura import extract

    # A tree of its own: it wants elements of another class, twice as slow to walk. It fills spanned cells one by  # noqa: E501
    # one, each row again: a hostile table took 8 seconds, and no vote depends on them.
    source = _SPAN.sub("", html).encode("utf-8", "replace")
    try:
        root = document_fromstring(source, parser=HTMLParser(encoding="utf-8"))
        taken = extract(root, fast=True, include_comments=False, include_tables=True, output_format="txt")
    except (ValueError, TypeError, AttributeError, LookupError, AssertionError, RecursionError, LxmlError):
        taken = None  # It fails on pages of its own choosing; ours is the other judge.
    if not taken:
        return [False] * len(blocks)
    words = " " + " ".join(_WORD.findall(taken.casefold())) + " "
    found: list[bool] = []
    at = 0
    for block in blocks:
        own = _WORD.findall(_LINK.sub(r"\1", block.text).casefold())
        if not own:
            found.append(False)
            continue
        # The beginning of a block tells it: a long one may have been cut, or glued to the next.
        place = words.find(f" {' '.join(own[:12])} ", at, at + _WINDOW)
        found.append(place >= 0)
        if place >= 0 and len(own) > 3:
            at = place
    return found


_LINK = re.compile(r"\[([^\[\]]{0,1000})\]\([^()\s]{0,500}\)")


def _written(blocks: list[Rendered]) -> str:
    parts: list[str] = []
    before = ""
    for block in blocks:
        text = f"{'#' * block.level} {block.text}" if block.kind == "heading" else block.text
        if block.kind == "paragraph" and text[:1] == "#":
            text = "\\" + text
        if parts:
            parts.append("\n" if block.kind == before == "item" else "\n\n")
        parts.append(text)
        before = block.kind
    return "".join(parts)


def words_of(text: str) -> list[str]:
    """The words of a text, small, without its marks and the addresses of its links."""
    return _WORD.findall(_LINK.sub(r"\1", text).casefold())
