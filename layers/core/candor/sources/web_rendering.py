"""Web rendering: the part of a page's tree that people read, as blocks of Markdown-like text."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from lxml import etree

from candor.sources.web_chrome import Chrome
from candor.sources.web_tables import is_data, table_of

_HEADINGS: Final = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_BLOCKS: Final = frozenset(
    """address article aside blockquote body center details dialog dd div dl dt fieldset figcaption figure footer
    form header hgroup hr html li main nav ol p pre section summary table tbody td tfoot th thead tr ul
    h1 h2 h3 h4 h5 h6 caption video audio optgroup""".split()  # noqa: E501, SIM905
)
_SPACE = re.compile(r"[ \t\n\r\f\xa0\u2007\u202f\u200b]+")
_BREAK: Final = "\x0b"
"""Stands for `<br>` until a block's white space is folded."""


@dataclass(slots=True)
class Rendered:
    """One block of the page, in its order."""

    text: str
    kind: str
    """heading, paragraph, item, table or code."""
    level: int = 0
    """A heading's 1 to 6; an item's depth, from 0."""
    letters: int = 0
    linked: int = 0
    """How many of the letters are a link's."""
    main: bool = False
    """Lies in what the page itself calls its main part."""
    places: tuple[int, ...] = ()
    """The parts of the page that it lies in, the nearest two, by number."""


class _Renderer:
    """One walk over the tree, without recursion: pages nest as deep as they like."""

    def __init__(self, chrome: Chrome, link_of: Callable[[str], str]) -> None:
        self.found: list[Rendered] = []
        self._chrome = chrome
        self._link_of = link_of
        self._inline: list[str] = []
        self._letters = self._linked = 0
        self._anchors: list[tuple[int, str]] = []
        """For each open link: where in `_inline` it began (-1 when a block has ended since), and whereto."""
        self._lists: list[int] = []
        self._item: str = ""
        """The mark of a list item that has begun and has no text yet."""
        self._in_item = 0
        self._heading = 0
        self._last_level = 1
        self._main = 0
        self._term = False
        """A term of a definition list waits for its definition, to stand in one line with it."""
        self._open: list[int] = [0, 0, 0]
        self._opened = 0

    def walk(self, root: Any) -> list[Rendered]:
        walker = etree.iterwalk(root, events=("start", "end"))
        skipped: Any = None
        for event, element in walker:
            if event == "start":
                if self._opens(element):
                    if element.text and element is not skipped:
                        self._say(element.text)
                else:
                    walker.skip_subtree()
                    skipped = element
            else:
                if element is skipped:
                    skipped = None
                else:
                    self._closes(element)
                if element.tail and element is not root:
                    self._say(element.tail)
        self._flush()
        return self.found

    def _opens(self, element: Any) -> bool:
        """False when the subtree is left out, or was dealt with whole."""
        tag = element.tag
        if self._chrome.drops(element, in_main=self._main > 0):
            if tag in _BLOCKS:
                self._flush()
            else:
                self._say(" ")
            return False
        if tag == "br":
            self._inline.append(_BREAK)
        elif tag == "a":
            self._anchors.append((len(self._inline), element.get("href") or ""))
        elif tag == "table" and is_data(element):
            self._flush()
            self._table(element)
            return False
        elif tag in ("pre", "textarea"):
            self._flush()
            self._code(element)
            return False
        elif tag in _BLOCKS:
            self._block(tag, element)
        return True

    def _block(self, tag: str, element: Any) -> None:
        if not (self._term and tag in ("dd", "p", "div")):
            self._flush()
        self._opened += 1
        self._open.append(self._opened)
        if tag == "main" or tag == "article" or element.get("role") == "main":
            self._main += 1
        if tag in _HEADINGS:
            self._heading = self._last_level = int(tag[1])
        elif tag == "summary" or (tag == "dt" and _asks(element)):
            # A question that opens is a heading to its answer.
            self._heading = min(self._last_level + 1, 6)
        elif label := self._chrome.label_of_panel(element):
            level = min(self._last_level + 1, 6)
            self._add(Rendered(text=label, kind="heading", level=level, letters=len(label)))
        if tag in ("ul", "ol"):
            self._lists.append(-1 if tag == "ul" else _start_of(element))
        elif tag == "li":
            self._in_item += 1
            self._item = "- "
            if self._lists and self._lists[-1] >= 0:
                self._item = f"{self._lists[-1]}. "
                self._lists[-1] += 1
        elif tag == "dt" and not self._heading:
            self._item = "- "

    def _closes(self, element: Any) -> None:
        tag = element.tag
        if tag == "a" and self._anchors:
            self._link(*self._anchors.pop())
        if tag not in _BLOCKS:
            return
        if tag == "dt" and not self._heading:  # noqa: SIM102
            if "".join(self._inline).strip():
                self._inline.append(": ")
                self._term = True
                self._open.pop()
                return
        self._flush()
        if len(self._open) > 3:
            self._open.pop()
        if tag in _HEADINGS or tag in ("summary", "dt"):
            self._heading = 0
        if tag in ("ul", "ol") and self._lists:
            self._lists.pop()
        elif tag == "li":
            self._in_item = max(0, self._in_item - 1)
            self._item = ""
        elif tag == "main" or tag == "article" or element.get("role") == "main":
            self._main = max(0, self._main - 1)

    def _say(self, text: str) -> None:
        self._inline.append(text)
        letters = len(text) if not text.isspace() else 0
        self._letters += letters
        if self._anchors:
            self._linked += letters

    def _link(self, start: int, href: str) -> None:
        if start < 0 or self._heading:
            return
        words = _SPACE.sub(" ", "".join(self._inline[start:]).replace(_BREAK, " "))
        target = self._link_of(href) if words.strip() else ""
        if not target or words.strip() in target or "]" in words or len(target) > 300:
            return
        before = " " if words[0] == " " else ""
        after = " " if words[-1] == " " else ""
        del self._inline[start:]
        self._inline.append(f"{before}[{words.strip()}]({target}){after}")

    def _flush(self) -> None:
        """Ends a block: the inline text so far becomes one."""
        self._term = False
        self._anchors = [(-1, href) for _, href in self._anchors]
        if not self._inline:
            return
        raw, letters, linked = "".join(self._inline), self._letters, self._linked
        self._inline.clear()
        self._letters = self._linked = 0
        lines = [_SPACE.sub(" ", line).strip() for line in raw.split(_BREAK)]
        text = "\n".join(line for line in lines if line)
        if not text:
            return
        depth = max(0, len(self._lists) - 1)
        block = Rendered(text=text, kind="paragraph", letters=letters, linked=linked)
        if self._heading:
            block.kind, block.level, block.text = "heading", self._heading, text.replace("\n", " ")
            self._item = ""
        elif self._item:
            indent = "  " * depth
            block.kind, block.level = "item", depth
            block.text = indent + self._item + text.replace("\n", f"\n{indent}  ")
            self._item = ""
        elif self._in_item:
            indent = "  " * (depth + 1)
            block.kind, block.level = "item", depth
            block.text = indent + text.replace("\n", f"\n{indent}")
        self._add(block)

    def _table(self, element: Any) -> None:
        caption, text = table_of(element, self._chrome)
        if caption:
            self._add(Rendered(text=caption, kind="paragraph", letters=len(caption)))
        if text:
            linked = sum(len("".join(link.itertext())) for link in element.iter("a"))
            self._add(Rendered(text=text, kind="table", letters=len(text), linked=linked))

    def _code(self, element: Any) -> None:
        for line_end in element.iter("br"):
            line_end.tail = "\n" + (line_end.tail or "")
        text = "".join(element.itertext()).strip("\n").rstrip()
        if text.strip() and element.tag == "pre":
            fence = "````" if "```" in text else "```"
            text = f"{fence}\n{text}\n{fence}"
            self._add(Rendered(text=text, kind="code", letters=len(text)))

    def _add(self, block: Rendered) -> None:
        block.main = self._main > 0
        block.places = tuple(self._open[-3:-1])
        self.found.append(block)


def blocks_of(root: Any, chrome: Chrome, link_of: Callable[[str], str]) -> list[Rendered]:
    """The tree's blocks; what `chrome` drops is left out. `link_of` gives a link's address, blank for none."""  # noqa: E501
    return _Renderer(chrome, link_of).walk(root)


def _asks(element: Any) -> bool:
    return "".join(element.itertext()).rstrip().endswith(("?", "？"))


def _start_of(element: Any) -> int:
    start = element.get("start") or "1"
    return int(start) if start.isdigit() and len(start) < 5 else 1
