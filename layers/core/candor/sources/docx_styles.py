"""DOCX styles: which paragraphs are headings, and what number each list item has."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

_HEADING = re.compile(r"(?:heading|заголовок|überschrift|titre|título|titolo) ?(\d)", re.IGNORECASE)
_PLACE = re.compile(r"%([1-9])")
_ROMAN: Final = ((10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i"))
_LONGEST_CHAIN: Final = 20
_MOST: Final = 20_000
"""Styles or lists of one document: the second million is an attack."""


@dataclass(kw_only=True, slots=True)
class Style:
    name: str = ""
    parent: str = ""
    outline: int | None = None
    """0 for a first level heading; 9 is body text."""
    number: str | None = None
    level: int | None = None


class Styles:
    """Hears `styles.xml`."""

    def __init__(self) -> None:
        self._styles: dict[str, Style] = {}
        self._style: Style | None = None
        self._resolved: dict[str, Style] = {}

    def start(self, tag: str, attrs: Mapping[str, str]) -> None:
        value = attrs.get("w:val", "")
        if tag == "w:style":
            self._style = Style()
            if attrs.get("w:type", "paragraph") == "paragraph" and len(self._styles) < _MOST:
                self._styles[attrs.get("w:styleId", "")] = self._style
        elif self._style is None:
            return
        elif tag == "w:name":
            self._style.name = value
            if found := _HEADING.match(value):
                self._style.outline = int(found[1]) - 1
        elif tag == "w:basedOn":
            self._style.parent = value
        elif tag == "w:outlineLvl" and value.isdecimal():
            self._style.outline = int(value)
        elif tag == "w:numId":
            self._style.number = value
        elif tag == "w:ilvl" and value.isdecimal():
            self._style.level = min(int(value), 8)

    def end(self, tag: str) -> None:
        if tag == "w:style":
            self._style = None

    def data(self, text: str) -> None: ...

    def of(self, style_id: str) -> Style:
        """The style with what it takes over from those it is based on."""
        if style_id in self._resolved:
            return self._resolved[style_id]
        own = self._styles.get(style_id, Style())
        found = Style(name=own.name, outline=own.outline, number=own.number, level=own.level)
        parent = own.parent
        for _ in range(_LONGEST_CHAIN):
            above = self._styles.get(parent)
            if above is None:
                break
            found.outline = above.outline if found.outline is None else found.outline
            found.number = above.number if found.number is None else found.number
            found.level = above.level if found.level is None else found.level
            parent = above.parent
        if len(self._resolved) < _MOST:
            self._resolved[style_id] = found
        return found


@dataclass(kw_only=True, slots=True)
class _Level:
    form: str = "decimal"
    text: str = ""
    first: int = 1


@dataclass(kw_only=True, slots=True)
class _List:
    levels: dict[int, _Level] = field(default_factory=dict)
    counts: dict[int, int] = field(default_factory=dict)


class Numbering:
    """Hears `numbering.xml`, then counts the items of each list."""

    def __init__(self) -> None:
        self._abstract: dict[str, _List] = {}
        self._lists: dict[str, _List] = {}
        self._now: _List | None = None
        self._level: _Level | None = None
        self._number = ""

    def start(self, tag: str, attrs: Mapping[str, str]) -> None:
        value = attrs.get("w:val", "")
        if tag == "w:abstractNum" and len(self._abstract) < _MOST:
            self._now = self._abstract[attrs.get("w:abstractNumId", "")] = _List()
        elif tag == "w:num":
            self._now, self._number = None, attrs.get("w:numId", "")
        elif tag == "w:abstractNumId" and self._number and len(self._lists) < _MOST:
            base = self._abstract.get(value, _List())
            self._lists[self._number] = _List(levels=base.levels, counts=base.counts)
        elif tag == "w:startOverride" and self._number in self._lists:
            # A list begun again counts for itself.
            self._lists[self._number].counts = {}
        elif tag == "w:lvl" and self._now is not None:
            self._level = _Level()
            depth = attrs.get("w:ilvl", "")
            self._now.levels[int(depth) if depth.isdecimal() and len(depth) < 3 else 0] = self._level
        elif self._level is None:
            return
        elif tag == "w:numFmt":
            self._level.form = value
        elif tag == "w:lvlText":
            self._level.text = value[:60]
        elif tag == "w:start" and value.isdecimal():
            self._level.first = int(value[:6])

    def end(self, tag: str) -> None:
        if tag == "w:lvl":
            self._level = None
        elif tag == "w:num":
            self._number = ""

    def data(self, text: str) -> None: ...

    def next(self, number: str | None, depth: int | None) -> tuple[str, int]:
        """The mark of the next item of a list (`-`, `3.`, `2.1`; blank for none) and how deep it stands."""
        found = self._lists.get(number or "")
        depth = depth or 0
        if found is None or number == "0":
            return "", 0
        level = found.levels.get(depth, _Level(text=f"%{depth + 1}."))
        if level.form == "none":
            return "", 0
        if level.form == "bullet":
            return "-", depth
        found.counts[depth] = found.counts.get(depth, level.first - 1) + 1
        for deeper in [one for one in found.counts if one > depth]:
            del found.counts[deeper]

        def shown(place: re.Match[str]) -> str:
            at = int(place[1]) - 1
            its = found.levels.get(at, level)
            return _written(found.counts.get(at, its.first), its.form)

        mark = _PLACE.sub(shown, level.text).strip()
        return mark or f"{found.counts[depth]}.", depth


def _written(number: int, form: str) -> str:
    if form in ("lowerLetter", "upperLetter"):
        letter = chr(ord("a") + (number - 1) % 26)
        return letter.upper() if form == "upperLetter" else letter
    if form in ("lowerRoman", "upperRoman") and 0 < number < 40:
        text = ""
        for value, sign in _ROMAN:
            while number >= value:
                text, number = text + sign, number - value
        return text.upper() if form == "upperRoman" else text
    return str(number)
