"""HTML: a page's words in Markdown-like text, headings, lists, tables and links kept."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser

_SILENT = frozenset(
    {
        "script",
        "style",
        "noscript",
        "template",
        "svg",
        "iframe",
        "object",
        "nav",
        "footer",
        "button",
        "select",
        "title",
        "aside",
    }
)
"""What no visitor reads. Not `head` and `form`: one is often left open, the other put round whole pages."""
_VOID = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
)
_BLOCK = frozenset(
    {
        "p",
        "div",
        "section",
        "article",
        "main",
        "header",
        "ul",
        "ol",
        "dl",
        "dt",
        "dd",
        "table",
        "tr",
        "blockquote",
        "figure",
        "figcaption",
        "pre",
        "address",
        "details",
        "summary",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
    }
)
_SPACE = re.compile(r"[ \t\n\r\f]+")
_GAPS = re.compile(r"\n{3,}")


_DEEPEST = 50
"""Lists in lists, or silent elements in each other: a page that goes deeper is no page."""

_MARK = re.compile(r"<(?=[A-Za-z/!?])")
_NAME = re.compile(r"</?([A-Za-z][^\s/>]*)")
_INSIDE_TAG = re.compile(r"[\"'>]")
_QUOTING = re.compile(r"=\s*$")
_END_OF_RAW = {
    name: re.compile(rf"</{name}(?=[\s/>])", re.IGNORECASE)
    for name in ("script", "style", "noscript", "template")
}


def _well_formed(html: str) -> Iterator[str]:
    """
    The page without comments, declarations, scripts and styles, ending where a tag never does.

    Browsers see it so too. HTMLParser would look for each missing end again and again: 80 KB of `<!--` cost
    it ten seconds.
    """
    at = 0
    while found := _MARK.search(html, at):
        start = found.start()
        yield html[at:start].replace("<", "&lt;")
        if html.startswith("<!--", start):
            end = html.find("-->", start + 4)
            at = end + 3 if end >= 0 else len(html)
            continue
        name = _NAME.match(html, start)
        if name is None:
            # A declaration, a processing instruction, or `</` before no name.
            end = html.find(">", start)
            at = end + 1 if end >= 0 else len(html)
            continue
        end = _end_of_tag(html, name.end())
        if end < 0:
            return
        tag = name[1].lower()
        at = end
        if (raw := _END_OF_RAW.get(tag)) is not None and html[start + 1] != "/":
            closing = raw.search(html, end)
            if closing is None:
                return
            at = closing.start()
        yield html[start:end]
    yield html[at:].replace("<", "&lt;")


def _end_of_tag(html: str, at: int) -> int:
    """Behind a tag's `>`, which does not count inside a quoted value; -1 when there is none."""
    while found := _INSIDE_TAG.search(html, at):
        if found[0] == ">":
            return found.end()
        at = found.end()
        if _QUOTING.search(html, max(0, found.start() - 20), found.start()):
            closing = html.find(found[0], at)
            if closing < 0:
                return -1
            at = closing + 1
    return -1


class _Writer(HTMLParser):
    """Collects lines. Never fails: HTMLParser reads whatever it is given."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._silent: list[str] = []
        self._verbatim = 0
        self._lists: list[int] = []
        """One for each open list: -1 for bullets, else the last number given."""
        self._cells: list[list[str]] | None = None
        self._rows = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self._silent or (tag in _SILENT and tag not in _VOID):
            if tag not in _VOID and len(self._silent) < _DEEPEST:
                self._silent.append(tag)
            return
        if tag == "br":
            self._write("\n" if self._cells is None else " ")
        elif len(tag) == 2 and tag[0] == "h" and tag[1] in "123456":
            self._write("\n\n" + "#" * int(tag[1]) + " ")
        elif tag in ("ul", "ol"):
            self._write("" if self._lists else "\n\n")
            self._lists.append(-1 if tag == "ul" else 0)
        elif tag == "li":
            self._item()
        elif tag == "table":
            self._rows = 0
            self._write("\n\n")
        elif tag == "tr":
            self._cells = []
        elif tag in ("td", "th") and self._cells is not None:
            self._cells.append([])
        elif tag == "pre":
            self._verbatim += 1
            self._write("\n\n```\n")
        elif tag in _BLOCK and not self._lists:
            self._write("\n\n")

    def handle_endtag(self, tag: str) -> None:
        if self._silent:
            # A tag never closed inside a silent part must not silence the rest of the page.
            if tag in self._silent:
                del self._silent[self._silent.index(tag) :]
            return
        if tag == "tr" and self._cells is not None:
            self._row()
        elif tag in ("ul", "ol") and self._lists:
            self._lists.pop()
            self._write("" if self._lists else "\n\n")
        elif tag == "pre" and self._verbatim:
            self._verbatim -= 1
            self._write("\n```\n\n")
        elif tag in _BLOCK and tag != "tr" and not self._lists:
            self._write("\n\n")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self._write(data if self._verbatim else _SPACE.sub(" ", data))

    def _write(self, text: str) -> None:
        if self._cells is not None:
            if self._cells:
                self._cells[-1].append(_SPACE.sub(" ", text))
            return
        if text == " " and (not self.parts or self.parts[-1].endswith(("\n", " "))):
            return
        self.parts.append(text)

    def _item(self) -> None:
        depth = "  " * min(_DEEPEST, max(0, len(self._lists) - 1))
        if self._lists and self._lists[-1] >= 0:
            self._lists[-1] += 1
            self._write(f"\n{depth}{self._lists[-1]}. ")
        else:
            self._write(f"\n{depth}- ")

    def _row(self) -> None:
        cells = ["".join(cell).strip().replace("|", "/") for cell in self._cells or []]
        self._cells = None
        if not any(cells):
            return
        self._rows += 1
        self._write("| " + " | ".join(cells) + " |\n")
        if self._rows == 1:
            self._write("|" + " --- |" * len(cells) + "\n")


def text_of_html(html: str) -> str:
    """The words a visitor reads; menus, forms, scripts and footers left out."""
    writer = _Writer()
    writer.feed("".join(_well_formed(html)))
    writer.close()
    lines = (
        line if line.startswith((" ", "\t")) else line.strip() for line in "".join(writer.parts).split("\n")
    )
    return _GAPS.sub("\n\n", "\n".join(line.rstrip() for line in lines)).strip()
