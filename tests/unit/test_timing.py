"""Timing: what the expressions of schedules mean, to the minute."""

import random
from calendar import monthrange
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from candor.errors import Invalid
from candor.schedules.timing import parse

# A Saturday.
START = datetime(2026, 11, 21, 15, 0, tzinfo=UTC)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def next_of(expression: str, after: datetime = START) -> datetime | None:
    return parse(expression).after(after, since=after)


@pytest.mark.parametrize(
    ("expression", "due"),
    [
        # Rates count from when they were set.
        ("rate(1 minute)", "2026-11-21 15:01"),
        ("rate(5 minutes)", "2026-11-21 15:05"),
        ("rate(1 hour)", "2026-11-21 16:00"),
        ("rate(36 hours)", "2026-11-23 03:00"),
        ("rate(1 day)", "2026-11-22 15:00"),
        ("rate(7 days)", "2026-11-28 15:00"),
        (" rate( 2  hours ) ", "2026-11-21 17:00"),
        # Every minute, hour, day, month, year.
        ("cron(* * * * ? *)", "2026-11-21 15:01"),
        ("cron(0 * * * ? *)", "2026-11-21 16:00"),
        ("cron(0 3 * * ? *)", "2026-11-22 03:00"),
        ("cron(0 15 * * ? *)", "2026-11-22 15:00"),
        ("cron(1 15 * * ? *)", "2026-11-21 15:01"),
        ("cron(0 0 1 * ? *)", "2026-12-01 00:00"),
        ("cron(0 0 1 1 ? *)", "2027-01-01 00:00"),
        ("cron(30 12 24 12 ? 2030)", "2030-12-24 12:30"),
        ("cron(59 23 31 12 ? 2199)", "2199-12-31 23:59"),
        # Lists, ranges, steps.
        ("cron(0,30 * * * ? *)", "2026-11-21 15:30"),
        ("cron(30,0 * * * ? *)", "2026-11-21 15:30"),
        ("cron(10-12 * * * ? *)", "2026-11-21 15:10"),
        ("cron(0/15 * * * ? *)", "2026-11-21 15:15"),
        ("cron(*/25 * * * ? *)", "2026-11-21 15:25"),
        ("cron(7/20 * * * ? *)", "2026-11-21 15:07"),
        ("cron(5-20/10 * * * ? *)", "2026-11-21 15:05"),
        ("cron(0 8-10,20-22/2 * * ? *)", "2026-11-21 20:00"),
        ("cron(0 0 1,15 * ? *)", "2026-12-01 00:00"),
        ("cron(0 0 */10 * ? *)", "2026-12-01 00:00"),
        ("cron(0 0 1 */3 ? *)", "2027-01-01 00:00"),
        ("cron(0 0 1 1 ? 2027/2)", "2027-01-01 00:00"),
        ("cron(0 0 1 1 ? 2028-2030)", "2028-01-01 00:00"),
        # Names, in any case.
        ("cron(0 0 1 MAR ? *)", "2027-03-01 00:00"),
        ("cron(0 0 1 mar,jan ? *)", "2027-01-01 00:00"),
        ("cron(0 0 1 Apr-Jun ? *)", "2027-04-01 00:00"),
        ("cron(0 9 ? * MON-FRI *)", "2026-11-23 09:00"),
        ("cron(0 9 ? * SAT *)", "2026-11-28 09:00"),
        ("cron(0 16 ? * sat *)", "2026-11-21 16:00"),
        ("cron(0 9 ? * TUE,THU *)", "2026-11-24 09:00"),
        ("cron(0 9 ? DEC WED *)", "2026-12-02 09:00"),
        # A week begins on Sunday, with 1.
        ("cron(0 9 ? * 1 *)", "2026-11-22 09:00"),
        ("cron(0 9 ? * 2-6 *)", "2026-11-23 09:00"),
        ("cron(0 9 ? * 7 *)", "2026-11-28 09:00"),
        ("cron(0 16 ? * * *)", "2026-11-21 16:00"),
        # L: the last day of the month, of the week; the last such day of the month.
        ("cron(0 0 L * ? *)", "2026-11-30 00:00"),
        ("cron(0 0 L 2 ? *)", "2027-02-28 00:00"),
        ("cron(0 0 L 2 ? 2028)", "2028-02-29 00:00"),
        ("cron(0 9 ? * L *)", "2026-11-28 09:00"),
        ("cron(0 9 ? * 6L *)", "2026-11-27 09:00"),
        ("cron(0 9 ? * FRIL *)", "2026-11-27 09:00"),
        ("cron(0 9 ? * 1L *)", "2026-11-29 09:00"),
        # W: the working day nearest to it, in the same month.
        ("cron(0 9 22W * ? *)", "2026-11-23 09:00"),
        ("cron(0 9 28W 11 ? *)", "2026-11-27 09:00"),
        ("cron(0 9 1W 8 ? 2026-2027)", "2027-08-02 09:00"),
        ("cron(0 9 1W 5 ? 2027)", "2027-05-03 09:00"),
        ("cron(0 9 31W 1 ? 2027)", "2027-01-29 09:00"),
        ("cron(0 9 31W * ? *)", "2026-12-31 09:00"),
        ("cron(0 9 25W * ? *)", "2026-11-25 09:00"),
        # #: the so-many-th of the month; a month without one is left out.
        ("cron(0 9 ? * 2#1 *)", "2026-12-07 09:00"),
        ("cron(0 9 ? * MON#4 *)", "2026-11-23 09:00"),
        ("cron(0 9 ? * 1#5 *)", "2026-11-29 09:00"),
        ("cron(0 9 ? * 3#5 *)", "2026-12-29 09:00"),
        # Days that not every month or year has.
        ("cron(0 0 29 2 ? *)", "2028-02-29 00:00"),
        ("cron(0 0 31 * ? *)", "2026-12-31 00:00"),
        ("cron(0 0 30,31 2,3 ? *)", "2027-03-30 00:00"),
    ],
)
def test_an_expression_comes_due_next(expression: str, due: str) -> None:
    assert next_of(expression) == at(due)


@pytest.mark.parametrize("expression", ["cron(0 0 1 1 ? 2020)", "cron(0 0 * * ? 1999-2025)"])
def test_one_whose_last_time_has_passed_never_comes_due(expression: str) -> None:
    assert next_of(expression) is None


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("", "no expression"),
        ("every day", "no expression"),
        ("0 3 * * ? *", "no expression"),
        ("rate(5 minutes", "whole number and a unit"),
        ("rate(5)", "whole number and a unit"),
        ("rate(1.5 hours)", "whole number and a unit"),
        ("rate(-5 minutes)", "whole number and a unit"),
        ("rate(five minutes)", "whole number and a unit"),
        ("rate(٥ minutes)", "whole number and a unit"),
        ("rate(5 Minutes)", "whole number and a unit"),
        ("rate(5 apples)", '"apples" is no unit'),
        ("rate(2 weeks)", '"weeks" is no unit'),
        ("rate(30 seconds)", '"seconds" is no unit'),
        ("rate(0 minutes)", "from 1"),
        ("rate(1 minutes)", r"rate\(1 minute\)"),
        ("rate(5 minute)", r"rate\(5 minutes\)"),
        ("rate(2 day)", r"rate\(2 days\)"),
        ("rate(99999999999 days)", "at most"),
        ("at(2030-01-01T00:00:00)", "repeats"),
        ("cron()", "six fields, and this one has 0"),
        ("cron(0 3 * * ?)", "six fields, and this one has 5"),
        ("cron(0 0 3 * * ? *)", "six fields, and this one has 7"),
        ("cron(0 3 * * * *)", 'must be "\\?"'),
        ("cron(0 3 ? * ? *)", 'must be "\\?"'),
        ("cron(0 3 1 * MON *)", 'must be "\\?"'),
        ("cron(60 3 * * ? *)", '"60" is no minutes'),
        ("cron(0 24 * * ? *)", '"24" is no hours'),
        ("cron(0 3 0 * ? *)", '"0" is no day of the month'),
        ("cron(0 3 32 * ? *)", '"32" is no day of the month'),
        ("cron(0 3 1 13 ? *)", '"13" is no month'),
        ("cron(0 3 1 FOO ? *)", '"FOO" is no month'),
        ("cron(0 3 ? * 8 *)", '"8" is no day of the week'),
        ("cron(0 3 ? * 0 *)", '"0" is no day of the week'),
        ("cron(0 3 ? * MON/2 *)", "takes no steps"),
        ("cron(0 3 ? * 2#6 *)", "number after #"),
        ("cron(0 3 ? * 2#0 *)", "number after #"),
        ("cron(0 3 ? * 2#1,3#1 *)", "number after #"),
        ("cron(0 3 0W * ? *)", "day of the month"),
        ("cron(0 3 LW * ? *)", "day of the month"),
        ("cron(0 3 L-3 * ? *)", "day of the month"),
        ("cron(0 3 1,L * ? *)", "day of the month"),
        ("cron(0 3 ? * XL *)", "day of the week"),
        ("cron(0 3 * * ? 1969)", '"1969" is no year'),
        ("cron(0 3 * * ? 2200)", '"2200" is no year'),
        ("cron(20-10 3 * * ? *)", "runs backwards"),
        ("cron(0 22-2 * * ? *)", "runs backwards"),
        ("cron(*/0 3 * * ? *)", "step of the minutes"),
        ("cron(*/ 3 * * ? *)", "step of the minutes"),
        ("cron(, 3 * * ? *)", '"" is no minutes'),
        ("cron(1, 3 * * ? *)", '"" is no minutes'),
        ("cron(1- 3 * * ? *)", '"" is no minutes'),
        ("cron(? 3 * * ? *)", '"\\?" is no minutes'),
        ("cron(+1 3 * * ? *)", '"\\+1" is no minutes'),
        ("cron(² 3 * * ? *)", "is no minutes"),
        ("cron(0 0 30 2 ? *)", "has such a day"),
        ("cron(0 0 31 4,6,9,11 ? *)", "has such a day"),
        ("cron(0 0 29 2 ? 2027)", "has such a day"),
        (f"cron({'1,' * 200}1 3 * * ? *)", "longer than 256"),
    ],
)
def test_what_cannot_be_meant_is_a_sentence(expression: str, said: str) -> None:
    with pytest.raises(Invalid, match=said):
        parse(expression)


def test_a_rate_is_due_at_its_multiples_from_when_it_was_set() -> None:
    rate = parse("rate(6 hours)")

    assert rate.until(START + timedelta(hours=5, minutes=59), since=START) is None
    assert rate.until(START + timedelta(hours=6), since=START) == START + timedelta(hours=6)
    assert rate.until(START + timedelta(hours=17), since=START) == START + timedelta(hours=12)
    assert rate.after(START + timedelta(hours=12), since=START) == START + timedelta(hours=18)
    assert rate.after(START - timedelta(days=9), since=START) == START + timedelta(hours=6)
    assert rate.until(START - timedelta(days=9), since=START) is None


def test_what_was_due_before_it_was_set_does_not_count() -> None:
    nightly = parse("cron(0 3 * * ? *)")

    assert nightly.until(START, since=START - timedelta(hours=13)) is not None
    assert nightly.until(START, since=at("2026-11-21 03:00")) is None
    assert nightly.until(START, since=START + timedelta(days=9)) is None


@pytest.mark.parametrize(
    ("expression", "minutes"),
    [
        ("rate(90 minutes)", 90),
        ("cron(* * * * ? *)", 1),
        ("cron(0/5 * * * ? *)", 5),
        ("cron(0,4 8 * * ? *)", 4),
        ("cron(58 23 * * ? *)", 24 * 60),
        ("cron(1,59 0,23 * * ? *)", 2),
        ("cron(0 8-18/2 ? * MON *)", 120),
    ],
)
def test_the_least_time_between_two_runs(expression: str, minutes: int) -> None:
    assert parse(expression).shortest == timedelta(minutes=minutes)


# An oracle that knows no more than the rules: it asks each minute whether it matches.


def _matches(field: str, value: int, low: int, high: int) -> bool:
    for part in field.split(","):
        span, _, step = part.partition("/")
        first, _, last = span.partition("-")
        start = low if span == "*" else int(first)
        end = high if span == "*" or (step and not last) else int(last or first)
        if start <= value <= end and (value - start) % int(step or 1) == 0:
            return True
    return False


def _day_matches(moment: datetime, month_days: str, week_days: str) -> bool:
    length = monthrange(moment.year, moment.month)[1]
    weekday = moment.isoweekday() % 7 + 1
    if week_days == "?":
        if month_days == "L":
            return moment.day == length
        if month_days.endswith("W"):
            wanted = int(month_days[:-1])
            if wanted > length or moment.isoweekday() > 5:
                return False
            near = [
                day
                for day in range(1, length + 1)
                if datetime(moment.year, moment.month, day, tzinfo=UTC).isoweekday() <= 5
            ]
            return moment.day == min(near, key=lambda day: (abs(day - wanted), day))
        return _matches(month_days, moment.day, 1, 31)
    if week_days == "L":
        return weekday == 7
    if week_days.endswith("L"):
        return weekday == int(week_days[:-1]) and moment.day > length - 7
    if "#" in week_days:
        day, nth = week_days.split("#")
        return weekday == int(day) and (moment.day - 1) // 7 + 1 == int(nth)
    return _matches(week_days, weekday, 1, 7)


def _minutes(expression: str, first: datetime, days: int) -> Iterator[datetime]:
    minutes, hours, month_days, months, week_days, _ = expression[5:-1].split()
    for number in range(days * 24 * 60):
        moment = first + timedelta(minutes=number)
        if (
            _matches(minutes, moment.minute, 0, 59)
            and _matches(hours, moment.hour, 0, 23)
            and _matches(months, moment.month, 1, 12)
            and _day_matches(moment, month_days, week_days)
        ):
            yield moment


def _field(rng: random.Random, low: int, high: int) -> str:
    one, two = sorted(rng.randint(low, high) for _ in range(2))
    return rng.choice(
        [
            "*",
            str(one),
            f"{one},{two}",
            f"{one}-{two}",
            f"*/{rng.randint(1, high)}",
            f"{one}/{rng.randint(1, 9)}",
            f"{one}-{two}/{rng.randint(1, 5)}",
        ]
    )


def _expression(rng: random.Random) -> str:
    if rng.random() < 0.5:
        days = (
            "?",
            rng.choice(["L", f"{rng.randint(1, 7)}L", f"{rng.randint(1, 7)}#{rng.randint(1, 5)}", "2-6"]),
        )
    else:
        days = (rng.choice(["L", f"{rng.randint(1, 31)}W", "*", _field(rng, 1, 31)]), "?")
    months = rng.choice(["*", _field(rng, 1, 12)])
    return f"cron({_field(rng, 0, 59)} {_field(rng, 0, 23)} {days[0]} {months} {days[1]} *)"


@pytest.mark.parametrize("seed", range(40))
def test_every_minute_that_matches_is_found_and_no_other(seed: int) -> None:
    rng = random.Random(seed)
    expression, first = _expression(rng), datetime(2027, rng.randint(1, 12), 1, tzinfo=UTC)
    try:
        timing = parse(expression)
    except Invalid:
        assert not any(_minutes(expression, first, 31))
        return

    truth = list(_minutes(expression, first, 31))
    end, before = first + timedelta(days=31), first - timedelta(minutes=1)
    found: list[datetime] = []
    moment = before
    while (due := timing.after(moment, since=before)) is not None and due < end and len(found) < 3_000:
        found.append(due)
        moment = due
    assert found == truth[:3_000]
    for _ in range(30):
        asked = first + timedelta(seconds=rng.randrange(31 * 86_400))
        passed = [due for due in truth if due <= asked]
        assert timing.until(asked, since=before) == (passed[-1] if passed else None)
