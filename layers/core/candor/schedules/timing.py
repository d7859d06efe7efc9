"""
Timing: when a schedule's expression comes due.

The expressions are EventBridge Scheduler's `rate(…)` and `cron(…)`, in UTC. They are read here and not left
to AWS, because a mistake must be a sentence for whoever made it, because the local cloud accepts anything,
and because `next_run` and "was this run done already?" need the same answer everywhere.

<https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html>
"""

import re
from calendar import monthrange
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Final, Protocol

from candor.errors import Invalid

MAX_LENGTH: Final = 256
"""What EventBridge Scheduler takes of an expression."""

MAX_INTERVAL: Final = timedelta(days=3_660)

_FIRST_YEAR, _LAST_YEAR = 1970, 2199

_HINT: Final = 'Write "rate(6 hours)" or "cron(0 3 * * ? *)".'

_MONTHS: Final = {
    **{"JAN": 1, "FEB": 2, "MAR": 3, "APR": 4, "MAY": 5, "JUN": 6},
    **{"JUL": 7, "AUG": 8, "SEP": 9, "OCT": 10, "NOV": 11, "DEC": 12},
}
_WEEKDAYS: Final = {"SUN": 1, "MON": 2, "TUE": 3, "WED": 4, "THU": 5, "FRI": 6, "SAT": 7}

_RATE = re.compile(r"rate\( *([0-9]+) +([a-z]+) *\)")
_UNITS: Final = {
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
}


class Timing(Protocol):
    """When something comes due. All moments are in UTC."""

    def after(self, moment: datetime, *, since: datetime) -> datetime | None:
        """The first time it is due later than `moment`; None: never again. `since`: when it was set."""
        ...

    def until(self, moment: datetime, *, since: datetime) -> datetime | None:
        """The last time it was due, up to and including `moment` but later than `since`; None: not yet."""
        ...

    @property
    def shortest(self) -> timedelta:
        """The least time between two runs."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Rate:
    """Every so often, counted from when it was set."""

    interval: timedelta

    def after(self, moment: datetime, *, since: datetime) -> datetime | None:
        try:
            return since + (max(0, (moment - since) // self.interval) + 1) * self.interval
        except OverflowError:
            return None

    def until(self, moment: datetime, *, since: datetime) -> datetime | None:
        times = (moment - since) // self.interval
        return since + times * self.interval if times >= 1 else None

    @property
    def shortest(self) -> timedelta:
        return self.interval


@dataclass(frozen=True, kw_only=True, slots=True)
class Cron:
    """At these minutes of these hours, on days that both the month and the rule for days allow."""

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    months: tuple[int, ...]
    years: frozenset[int]
    days: "MonthDays | WeekDays"

    def after(self, moment: datetime, *, since: datetime) -> datetime | None:
        moment = max(moment, since)
        for day in self._days_from(moment.date()):
            for hour in self.hours:
                for minute in self.minutes:
                    due = datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC)
                    if due > moment:
                        return due
        return None

    def until(self, moment: datetime, *, since: datetime) -> datetime | None:
        for day in self._days_back_from(moment.date(), since.date()):
            for hour in reversed(self.hours):
                for minute in reversed(self.minutes):
                    due = datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC)
                    if due <= moment:
                        return due if due > since else None
        return None

    @property
    def shortest(self) -> timedelta:
        minutes = [60 * hour + minute for hour in self.hours for minute in self.minutes]
        # Two days in a row are taken for granted: a rule without any would have to be looked for.
        gaps = [later - earlier for earlier, later in pairwise(minutes)]
        return timedelta(minutes=min([*gaps, 24 * 60 - minutes[-1] + minutes[0]]))

    def _days_from(self, first: date) -> Iterator[date]:
        for year in range(first.year, _LAST_YEAR + 1):
            if year not in self.years:
                continue
            for month in self.months:
                if (year, month) >= (first.year, first.month):
                    days = (date(year, month, day) for day in self.days.of(year, month))
                    yield from (day for day in days if day >= first)

    def _days_back_from(self, last: date, first: date) -> Iterator[date]:
        for year in range(last.year, first.year - 1, -1):
            if year not in self.years:
                continue
            for month in reversed(self.months):
                if (first.year, first.month) <= (year, month) <= (last.year, last.month):
                    days = (date(year, month, day) for day in reversed(self.days.of(year, month)))
                    yield from (day for day in days if first <= day <= last)


@dataclass(frozen=True, kw_only=True, slots=True)
class MonthDays:
    """Days of a month by number; the last one; or the working day nearest to one."""

    numbers: frozenset[int] = frozenset()
    last: bool = False
    nearest_to: int = 0

    def of(self, year: int, month: int) -> tuple[int, ...]:
        length = monthrange(year, month)[1]
        if self.last:
            return (length,)
        if self.nearest_to:
            return (_working_day(year, month, self.nearest_to),) if self.nearest_to <= length else ()
        return tuple(sorted(day for day in self.numbers if day <= length))


@dataclass(frozen=True, kw_only=True, slots=True)
class WeekDays:
    """Days of a week, 1 is Sunday; the last such day of the month; or its so-many-th."""

    numbers: frozenset[int]
    last: bool = False
    nth: int = 0

    def of(self, year: int, month: int) -> tuple[int, ...]:
        length = monthrange(year, month)[1]
        days = tuple(day for day in range(1, length + 1) if _weekday(year, month, day) in self.numbers)
        if self.last:
            return days[-1:]
        if self.nth:
            return days[self.nth - 1 : self.nth]
        return days


def parse(expression: str) -> Timing:
    """What an expression means; `Invalid` with a sentence that says what to write instead."""
    text = expression.strip()
    if len(text) > MAX_LENGTH:
        raise Invalid(f"The expression is longer than {MAX_LENGTH} characters.")
    if text.startswith("rate("):
        return _rate(text)
    if text.startswith("cron(") and text.endswith(")"):
        return _cron(text.removeprefix("cron(").removesuffix(")").split())
    if text.startswith("at("):
        raise Invalid(f"A schedule repeats; at(…) would run once. {_HINT}")
    raise Invalid(f"This is no expression of a schedule. {_HINT}")


def _rate(text: str) -> Rate:
    found = _RATE.fullmatch(text)
    if found is None:
        raise Invalid(
            'A rate is a whole number and a unit: "rate(5 minutes)", "rate(1 hour)", "rate(7 days)".'
        )
    count, unit = int(found[1]), found[2]
    one = unit.removesuffix("s")
    if one not in _UNITS:
        raise Invalid(f'"{unit[:20]}" is no unit of a rate: it counts minutes, hours or days.')
    if count == 0:
        raise Invalid("A rate counts from 1.")
    if (count == 1) != (unit == one):
        right = one if count == 1 else f"{one}s"
        raise Invalid(
            f'Write "rate({count} {right})": the unit is singular after 1 and plural after all else.'
        )
    if count > MAX_INTERVAL // _UNITS[one]:
        raise Invalid(f"A rate is {MAX_INTERVAL.days} days at most.")
    return Rate(interval=count * _UNITS[one])


def _cron(fields: list[str]) -> Cron:
    if len(fields) != 6:
        raise Invalid(
            f"cron(…) has six fields, and this one has {len(fields)}: minutes, hours, day of the month, "
            'month, day of the week, year. For 3:00 every night write "cron(0 3 * * ? *)".'
        )
    minutes, hours, month_days, months, week_days, years = fields
    if (month_days == "?") == (week_days == "?"):
        raise Invalid(
            'Exactly one of the day of the month and the day of the week must be "?": "cron(0 3 * * ? *)" is '
            'every day, "cron(0 3 ? * MON-FRI *)" every working day.'
        )
    cron = Cron(
        minutes=tuple(sorted(_numbers(minutes, "minutes", 0, 59))),
        hours=tuple(sorted(_numbers(hours, "hours", 0, 23))),
        months=tuple(sorted(_numbers(months, "month", 1, 12, _MONTHS))),
        years=_numbers(years, "year", _FIRST_YEAR, _LAST_YEAR),
        days=_week_days(week_days) if month_days == "?" else _month_days(month_days),
    )
    if not any(cron.days.of(year, month) for year in sorted(cron.years) for month in cron.months):
        raise Invalid("No year of this expression has such a day.")
    return cron


def _month_days(field: str) -> MonthDays:
    text = field.upper()
    if text == "L":
        return MonthDays(last=True)
    if text.endswith("W"):
        return MonthDays(nearest_to=_number(text.removesuffix("W"), "day of the month", 1, 31))
    return MonthDays(numbers=_numbers(field, "day of the month", 1, 31))


def _week_days(field: str) -> WeekDays:
    what, text = "day of the week", field.upper()
    if text == "L":
        return WeekDays(numbers=frozenset([7]))
    if "#" in text:
        day, _, nth = text.partition("#")
        number = _number(day, what, 1, 7, _WEEKDAYS)
        return WeekDays(
            numbers=frozenset([number]), nth=_number(nth, "number after # in the day of the week", 1, 5)
        )
    if text.endswith("L"):
        return WeekDays(
            numbers=frozenset([_number(text.removesuffix("L"), what, 1, 7, _WEEKDAYS)]), last=True
        )
    if "/" in text:
        raise Invalid("The day of the week takes no steps: list the days, as in MON,WED,FRI.")
    return WeekDays(numbers=_numbers(field, what, 1, 7, _WEEKDAYS))


def _numbers(
    field: str, what: str, low: int, high: int, names: Mapping[str, int] | None = None
) -> frozenset[int]:
    """What a list of numbers, ranges and steps names: `5`, `1-5`, `*/10`, `0/15`, `MON-FRI`, `1,3`."""
    found: set[int] = set()
    for part in field.upper().split(","):
        span, slash, step = part.partition("/")
        every = _number(step, f"step of the {what}", 1, high) if slash else 1
        first, dash, last = span.partition("-")
        if span == "*":
            start, end = low, high
        elif dash:
            start, end = _number(first, what, low, high, names), _number(last, what, low, high, names)
            if start > end:
                raise Invalid(f'"{_quoted(span)}" in the {what} runs backwards: write two ranges.')
        else:
            start = _number(span, what, low, high, names)
            end = high if slash else start
        found.update(range(start, end + 1, every))
    return frozenset(found)


def _number(text: str, what: str, low: int, high: int, names: Mapping[str, int] | None = None) -> int:
    if names and text in names:
        return names[text]
    # isdecimal alone would take digits of other scripts.
    if text.isascii() and text.isdecimal() and len(text) <= 4 and low <= int(text) <= high:
        return int(text)
    also = f" or {next(iter(names))}…{list(names)[-1]}" if names else ""
    raise Invalid(f'"{_quoted(text)}" is no {what}: it goes from {low} to {high}{also}.')


def _quoted(text: str) -> str:
    return "".join(c for c in text[:20] if c.isprintable())


def _weekday(year: int, month: int, day: int) -> int:
    return date(year, month, day).isoweekday() % 7 + 1


def _working_day(year: int, month: int, day: int) -> int:
    """The nearest day from Monday to Friday in the same month."""
    length = monthrange(year, month)[1]
    match date(year, month, day).isoweekday():
        case 6:
            return day - 1 if day > 1 else day + 2
        case 7:
            return day + 1 if day < length else day - 2
        case _:
            return day
