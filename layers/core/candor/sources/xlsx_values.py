"""XLSX values: a number as its cell shows it: a date, a price, a percentage."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

_DATES: Final = frozenset({14, 15, 16, 17, 22, 27, 28, 29, 30, 31, 36, 50, 51, 52, 53, 54, 55, 56, 57, 58})
_TIMES: Final = frozenset({18, 19, 20, 21, 45, 46, 47})
_BUILT_IN: Final = {1: "0", 2: "0.00", 3: "#,##0", 4: "#,##0.00", 9: "0%", 10: "0.00%"}
_MOST: Final = 100_000

_QUOTED = re.compile(r'"([^"]*)"|\\(.)')
_BRACKETED = re.compile(r"\[\$([^\]-]*)[^\]]*\]")
_OTHER_BRACKETS = re.compile(r"\[(?!h+\]|m+\]|s+\])[^\]]*\]", re.IGNORECASE)
_PADDING = re.compile(r"[_*].")
_DIGITS = re.compile(r"[0#?][0#?,. ]*")


class Formats:
    """Hears `styles.xml`, then writes numbers by the style of their cell."""

    def __init__(self, *, from_1904: bool) -> None:
        self._custom: dict[int, str] = {}
        self._styles: list[int] = []
        self._in_styles = False
        # The 29th of February 1900, which never was, is day 60 of the older count.
        self._epoch = datetime(1904, 1, 1) if from_1904 else datetime(1899, 12, 30)  # noqa: DTZ001

    def start(self, tag: str, attrs: Mapping[str, str]) -> None:
        if tag == "s:numFmt" and len(self._custom) < _MOST:
            self._custom[_number(attrs.get("numFmtId"))] = attrs.get("formatCode", "")[:200]
        elif tag == "s:cellXfs":
            self._in_styles = True
        elif tag == "s:xf" and self._in_styles and len(self._styles) < _MOST:
            self._styles.append(_number(attrs.get("numFmtId")))

    def end(self, tag: str) -> None:
        if tag == "s:cellXfs":
            self._in_styles = False

    def data(self, text: str) -> None: ...

    def shown(self, text: str, style: int) -> str:
        """The number written in a cell as that cell shows it; anything else as it is."""
        try:
            value = float(text)
        except ValueError:
            return text
        if value != value or abs(value) > 1e300:
            return text
        form = self._styles[style] if style < len(self._styles) else 0
        code = self._custom.get(form, _BUILT_IN.get(form, ""))
        if form in _DATES or (form not in _TIMES and _is_date(code)):
            return self._date(value)
        if form in _TIMES:
            return self._date(value % 1)
        return _written(value, code)

    def _date(self, value: float) -> str:
        try:
            moment = self._epoch + timedelta(seconds=round(value * 86_400))
        except (OverflowError, ValueError):
            return _plain(value)
        if 0 <= value < 1:
            return f"{moment:%H:%M}" if moment.second == 0 else f"{moment:%H:%M:%S}"
        return f"{moment:%Y-%m-%d}" if value == int(value) else f"{moment:%Y-%m-%d %H:%M}"


def _number(text: str | None) -> int:
    return int(text) if text and text[:6].isdecimal() and len(text) < 7 else 0


def _is_date(code: str) -> bool:
    bare = _OTHER_BRACKETS.sub("", _PADDING.sub("", _QUOTED.sub("", code))).casefold()
    return any(letter in bare for letter in "ymdhs") and not any(sign in bare for sign in "0#?")


def _written(value: float, code: str) -> str:
    """By a format code: its currency, its percent sign, its number of decimals."""
    parts = code.split(";")
    section = parts[1] if value < 0 and len(parts) > 1 and parts[1] else parts[0]
    literals = _QUOTED.sub(
        lambda match: (match[1] or match[2] or "").replace("0", ""), _PADDING.sub("", section)
    )
    literals = _OTHER_BRACKETS.sub("", _BRACKETED.sub(lambda match: match[1], literals))
    digits = _DIGITS.search(literals)
    if not digits or code.casefold() == "general":
        return _plain(value)
    before, after = literals[: digits.start()].strip(), literals[digits.end() :]
    spaced = " " if digits[0].endswith(" ") or after[:1].isspace() else ""
    after = after.strip()
    if "e+" in after.casefold() or "/" in after or len(before) + len(after) > 20:
        return _plain(value)
    percent = "%" in after or "%" in before
    decimals = len(digits[0].rstrip(" ,").partition(".")[2])
    number = value * 100 if percent else value
    text = f"{number:.{min(decimals, 10)}f}"
    sign = "-" if text.startswith("-") and text.strip("-0.") else ""
    text = text.removeprefix("-")
    if value < 0 and len(parts) > 1 and parts[1] and ("(" in before or "-" in before):
        sign, before, after = "-", before.strip("(-"), after.strip(")")
    return f"{sign}{before}{text}{spaced if after and after != '%' else ''}{after}"


def _plain(value: float) -> str:
    """Fifteen digits are what a sheet knows; the rest is noise of the binary number."""
    return f"{value:.0f}" if value == int(value) and abs(value) < 1e15 else f"{value:.15g}"
