"""Trees: a page as elements, and what people read in one of them."""

import re
from collections.abc import Collection, Iterator
from copy import deepcopy
from typing import Any, Final

from lxml import etree

from candor.errors import UpstreamFailed
from candor.fetching import Fetched
from candor.redaction import mask_cards
from candor.sources.html import text_of_html
from candor.sources.records import tidy
from candor.sources.web_decoding import decoded_page

_DEEPEST: Final = 2_000
"""Elements in each other; what lies deeper the parser drops without a word (at 2,048)."""

_NO_TEXT: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What a tree has no place for: controls, some of which end it, and half letters."""
_IP: Final = r"(?:\d{1,3}\.){3}\d{1,3}|(?:[0-9a-fA-F]{0,4}:){2,7}(?:[0-9a-fA-F]{0,4}|(?:\d{1,3}\.){3}\d{1,3})"
_SIGNED: Final = re.compile(rf"[^\n.:]{{0,40}}:?\s*(?:{_IP})\s*", re.UNICODE)
"""What stands below the last line of a message: a label in some language, and an address."""


def tree_of(fetched: Fetched) -> Any:
    """The page's root element; `UpstreamFailed` for what is no page that can be read whole."""
    text = decoded_page(fetched.body, fetched.headers)
    text = _NO_TEXT.sub("", text)
    parser = etree.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True, huge_tree=True)
    try:
        root = etree.fromstring(text.encode("utf-8", "replace"), parser)
    except (etree.XMLSyntaxError, ValueError):
        root = None
    if root is None:
        raise UpstreamFailed("The site answered with an empty page.")
    if _depth(root) > _DEEPEST:
        raise UpstreamFailed("The page is nested too deeply to be read whole.")
    return root


def _depth(root: Any) -> int:
    deepest = depth = 0
    for event, _ in etree.iterwalk(root, events=("start", "end")):
        depth += 1 if event == "start" else -1
        deepest = max(deepest, depth)
    return deepest


def with_class(root: Any, *names: str) -> Iterator[Any]:
    """Elements below that have all of these classes, in the order of the page."""
    for element in root.iter():
        if isinstance(element.tag, str) and has_class(element, *names):
            yield element


def outermost(root: Any, name: str) -> Iterator[Any]:
    """
    Elements of a class that lie in no other of it: what a message's own markup calls a reply is a part of
    the message that it stands in.
    """
    walk = etree.iterwalk(root, events=("start",))
    for _, element in walk:
        if isinstance(element.tag, str) and has_class(element, name):
            yield element
            walk.skip_subtree()


def has_class(element: Any, *names: str) -> bool:
    classes = (element.get("class") or "").split()
    return all(name in classes for name in names)


def first(root: Any, *names: str, outside: Any = None) -> Any:
    """
    The first element that has one of the classes; the earlier name is preferred. None: there is none.

    What lies in `outside` is passed over: a message's own markup says nothing about the message.
    """
    for name in names:
        walk = etree.iterwalk(root, events=("start",))
        for _, element in walk:
            if element is outside:
                walk.skip_subtree()
            elif isinstance(element.tag, str) and has_class(element, name):
                return element
    return None


def words(element: Any, *, without: Collection[str] = ()) -> str:
    """The words of a name, a label, a title: one line; blank for None. `without`: elements to pass over."""
    if element is None:
        return ""
    silent = {"script", "style", "select", "template", "noscript", *without}
    parts: list[str] = []
    walk = etree.iterwalk(element, events=("start", "end"))
    for event, one in walk:
        if event == "start":
            if one.tag in silent and one is not element:
                walk.skip_subtree()
            elif one.text:
                parts.append(one.text)
        elif one is not element and one.tail:
            parts.append(one.tail)
    return " ".join(tidy("".join(parts)).split())


def selected(root: Any, name: str) -> str:
    """What a `<select>` with this id or name shows as chosen; blank where none is marked."""
    for select in root.iter("select"):
        if name in (select.get("id"), select.get("name")):
            for option in select.iter("option"):
                if option.get("selected") is not None:
                    return " ".join(mask_cards("".join(option.itertext())).split())
    return ""


def message_text(element: Any) -> str:
    """
    What a message says: lists, tables and code kept, entities decoded once, card numbers masked.

    The rating below it and the sender's IP address are no part of it.
    """
    body = deepcopy(element)
    body.tail = None
    for extra in [one for name in ("rating", "rating-done") for one in with_class(body, name)]:
        _drop(extra)
    _cut_signature(body)
    for rule in body.iter("hr"):
        rule.tag = "br"  # It parts what stands above it from what stands below.
    for line_break in body.iter("br"):
        # The line end that PHP writes behind each <br> is no blank at the beginning of the next line.
        if line_break.tail and not _is_verbatim(line_break):
            line_break.tail = _NO_TEXT.sub("", line_break.tail.lstrip(" \t\r\n"))
    return mask_cards(tidy(text_of_html(etree.tostring(body, encoding="unicode", method="html"))))


def attachments_of(reply: Any, body: Any) -> Iterator[str]:
    """The names of the files sent with a message: links to `dl.php`, or plain words once they are removed."""
    named = False
    said = set(body.iter())
    for anchor in reply.iter("a"):
        if "dl.php?type=" in (anchor.get("href") or "") and anchor not in said:
            named = True
            if name := words(first(anchor, "caption")) or words(anchor):
                yield name
    if not named:
        for box in (one for one in with_class(reply, "attachments") if one not in said):
            yield from filter(None, map(words, with_class(box, "caption")))


def rating_of(reply: Any) -> int | None:
    """The stars a customer gave it."""
    given = first(reply, "rating-done")
    stars = sum(1 for _ in with_class(given, "star", "active")) if given is not None else 0
    return stars if 1 <= stars <= 5 else None


def _cut_signature(body: Any) -> None:
    """Cut `<hr>` and the address behind it, where that is all there is behind it."""
    rules = [rule for rule in body.iter("hr") if rule.getparent() is body]
    if not rules:
        return
    behind = [rules[-1].tail or ""]
    for element in rules[-1].itersiblings():
        behind += ["".join(element.itertext()), element.tail or ""]
    if not _SIGNED.fullmatch(" ".join("".join(behind).split())):
        return
    for element in list(rules[-1].itersiblings()):
        body.remove(element)
    body.remove(rules[-1])  # And with it its tail.


def _drop(element: Any) -> None:
    parent = element.getparent()
    if parent is None:
        return
    tail, before = element.tail or "", element.getprevious()
    if before is not None:
        before.tail = _NO_TEXT.sub("", (before.tail or "") + tail)
    else:
        parent.text = _NO_TEXT.sub("", (parent.text or "") + tail)
    parent.remove(element)


def _is_verbatim(element: Any) -> bool:
    return any(one.tag == "pre" for one in element.iterancestors())
