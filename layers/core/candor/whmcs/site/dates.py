"""Dates: moments as WHMCS pages write them, in whichever of its formats and its themes' languages."""

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

_MONTHS: Final = {
    stem: number
    for number, stems in enumerate(
        (
            "jan ene янв gen sty oca січ",
            "feb fév fev фев лют şub",
            "mar mär mrt мар бер",
            "apr abr avr апр kwi nis кві",
            "may mai mei maj мая май mag тра",
            "jun juin giu июн cze haz чер",
            "jul juil lug июл lip tem лип",
            "aug ago aoû авг sie ağu сер",
            "sep set сен wrz eyl вер",
            "oct okt out ott окт paź eki жов",
            "nov ноя lis kas лис",
            "dec dez déc dic дек gru ara гру",
        ),
        start=1,
    )
    for stem in stems.split()
}
"""The first letters of a month's name: English, and the languages that WHMCS is shipped with most."""

_CLOCK: Final = re.compile(r"(?<!\d)(\d{1,2}):(\d{2})(?::(\d{2}))?(?:\.\d+)?\s*([ap])?\.?(?:m\b)?", re.I)
_ISO: Final = re.compile(r"(?<!\d)(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?!\d)")
_NUMBERS: Final = re.compile(r"(?<!\d)(\d{1,2})[-/.](\d{1,2})[-/.](\d{4})(?!\d)")
_DAY_NAMED: Final = re.compile(
    r"(?<!\d)(\d{1,2})(?:st|nd|rd|th|º|er|\.)?\s+(?:de\s+)?([^\W\d_]{3,})\.?,?\s+(?:de\s+)?(\d{4})(?!\d)",
    re.I,
)
_NAMED_DAY: Final = re.compile(r"([^\W\d_]{3,})\.?\s+(\d{1,2})(?:st|nd|rd|th)?,?\s+(\d{4})(?!\d)", re.I)
_AGO: Final = re.compile(r"(\d{1,5})\s*(y|mo|w|d|h|m|s)[a-z]*", re.I)
_SAYS_AGO: Final = re.compile(r"\bago\b", re.I)
_UNITS: Final = {
    "y": timedelta(days=365), "mo": timedelta(days=30), "w": timedelta(weeks=1), "d": timedelta(days=1),
    "h": timedelta(hours=1), "m": timedelta(minutes=1), "s": timedelta(seconds=1),
}  # fmt: skip
_LONGEST: Final = 200
"""Letters in which a date is looked for."""


class Dates:
    """
    Reads the dates of one site, and remembers what they told about it. 03/04/2026 is ambiguous for as long
    as no other date has told the order; then WHMCS's own default holds, the day first.
    """

    def __init__(self, *, zone: tzinfo = UTC, day_first: bool | None = None) -> None:
        self.day_first = day_first
        """None: not known yet."""
        self.newest_first: bool | None = None
        """How the site orders a ticket's messages: a setting of its own. None: not known yet."""
        self._zone = zone

    def learn(self, texts: Iterable[str], *, now: datetime) -> None:
        """
        Look at several dates of one kind for what tells their order: a number above 12, a day that would
        lie in the future, or a list that is sorted when it is read one way only.
        """
        if self.day_first is not None:
            return
        found = [match for text in texts if (match := _NUMBERS.search(text[:_LONGEST]))]
        for match in found:
            first, second = int(match[1]), int(match[2])
            if (first > 12) != (second > 12):
                self.day_first = first > 12
                return
        tomorrow = now + timedelta(days=2)  # Sites live in other zones than we do.
        ways = {first: [_numbered(one, first, self._zone) for one in found] for first in (True, False)}
        possible = [way for way, read in ways.items() if all(one and one <= tomorrow for one in read)]
        if len(possible) == 1:
            self.day_first = possible[0]
            return
        ordered = [way for way, read in ways.items() if len(set(read)) > 2 and _is_sorted(read)]
        if len(ordered) == 1:
            self.day_first = ordered[0]

    def moment(self, text: str, *, now: datetime | None = None, latest: bool = False) -> datetime | None:
        """
        The moment a text names, in UTC; None when it names none.

        "3 hours ago" counts from `now`. With `latest` a text that leaves something open (the seconds, the
        time of day, "2 days ago") is taken as the latest moment it allows.
        """
        text = " ".join(text[:_LONGEST].split())
        if now is not None and _SAYS_AGO.search(text):
            return _ago(text, now, latest=latest)
        day = self._day(text)
        if day is None:
            return None
        clock = _CLOCK.search(text)
        if clock is None:
            return _utc(day + timedelta(days=1) - timedelta(seconds=1) if latest else day)
        hour, minute, second = int(clock[1]), int(clock[2]), int(clock[3] or (59 if latest else 0))
        if clock[4]:
            hour = hour % 12 + (12 if clock[4].lower() == "p" else 0)
        try:
            return _utc(day.replace(hour=hour, minute=minute, second=second))
        except ValueError:
            return None

    def _day(self, text: str) -> datetime | None:
        if match := _ISO.search(text):
            return _date(match[1], match[2], match[3], self._zone)
        if match := _NUMBERS.search(text):
            return _numbered(match, self.day_first is not False, self._zone)
        for match in _DAY_NAMED.finditer(text):
            if month := _month(match[2]):
                return _date(match[3], month, match[1], self._zone)
        for match in _NAMED_DAY.finditer(text):
            if month := _month(match[1]):
                return _date(match[3], month, match[2], self._zone)
        return None


def _numbered(match: re.Match[str], day_first: bool, zone: tzinfo) -> datetime | None:
    first, second = int(match[1]), int(match[2])
    # One that can be read one way only is read so, whatever the others are.
    if first > 12 or second > 12:
        day_first = first > 12
    day, month = (first, second) if day_first else (second, first)
    return _date(match[3], month, day, zone)


def _date(year: str | int, month: str | int, day: str | int, zone: tzinfo) -> datetime | None:
    try:
        found = datetime(int(year), int(month), int(day), tzinfo=zone)
    except ValueError:
        return None
    # A year of nil is how PHP writes "never".
    return found if found.year > 1990 else None


def _month(name: str) -> int:
    name = name.lower()
    return next((_MONTHS[name[:size]] for size in (4, 3) if name[:size] in _MONTHS), 0)


def _ago(text: str, now: datetime, *, latest: bool) -> datetime | None:
    found = [(int(number), _UNITS[unit.lower()]) for number, unit in _AGO.findall(text)]
    if not found:
        return None
    try:
        moment = now - sum((number * unit for number, unit in found), timedelta())
        return moment if latest else moment - min(unit for _, unit in found)
    except OverflowError:
        return None


def _is_sorted(read: Sequence[datetime | None]) -> bool:
    known = [one for one in read if one is not None]
    return known == sorted(known) or known == sorted(known, reverse=True)


def _utc(moment: datetime) -> datetime | None:
    try:
        return moment.astimezone(UTC)
    except (OverflowError, ValueError):
        return None
