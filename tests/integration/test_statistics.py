"""Statistics and spending: one contract each, over every adapter."""

import random
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta

import pytest
from moto import mock_aws

from candor.errors import Unavailable
from candor.spending import Spent, Standing
from candor.statistics.values import Counts, Entry, Statistics
from tests.doubles.tables import create_table
from tests.waiting import until

NOON = datetime(2026, 11, 21, 12, 30, tzinfo=UTC)
TODAY = NOON.date()


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine on a busy machine takes its time; and tokens told again after a time-out count twice."""
    monkeypatch.setattr("candor.adapters.dynamodb_statistics._READ_SECONDS", 60)


@pytest.fixture(params=["memory", "moto", "ministack", "dynamodb_local"])
def statistics(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Statistics]:
    from candor.adapters.dynamodb_statistics import DynamoStatistics
    from candor.adapters.memory_statistics import MemoryStatistics

    if request.param == "memory":
        yield MemoryStatistics()
    elif request.param == "moto":
        with mock_aws():
            yield DynamoStatistics(create_table("CountersTable"))
    else:
        monkeypatch.setenv("AWS_ENDPOINT_URL", request.getfixturevalue(request.param))
        yield DynamoStatistics(create_table("CountersTable"))


@pytest.fixture(params=["memory", "moto", "ministack", "dynamodb_local"])
def spent(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Spent]:
    from candor.adapters.dynamodb_statistics import DynamoSpent
    from candor.adapters.memory_statistics import MemorySpent

    if request.param == "memory":
        yield MemorySpent()
    elif request.param == "moto":
        with mock_aws():
            yield DynamoSpent(create_table("CountersTable"))
    else:
        monkeypatch.setenv("AWS_ENDPOINT_URL", request.getfixturevalue(request.param))
        yield DynamoSpent(create_table("CountersTable"))


def an_entry(at: datetime = NOON, details: dict[str, Counts] | None = None, **counts: int) -> Entry:
    return Entry(entry_id=uuid.uuid4().hex, at=at, counts=counts, details=details or {})


def hour_of(at: datetime) -> datetime:
    return at.replace(minute=0)


def test_what_is_added_is_found_by_hour_by_day_and_in_all(statistics: Statistics) -> None:
    statistics.add(an_entry(answers=1, tokens=120))
    statistics.add(an_entry(NOON + timedelta(minutes=20), answers=2))
    statistics.add(an_entry(NOON + timedelta(hours=3), answers=4))
    statistics.add(an_entry(NOON + timedelta(days=1), answers=8))

    asked = [hour_of(NOON + timedelta(hours=hours)) for hours in (0, 1, 3, 24)]
    days = [TODAY - timedelta(days=1), TODAY, TODAY + timedelta(days=1)]

    assert statistics.hours(asked) == {
        asked[0]: {"answers": 3, "tokens": 120},
        asked[2]: {"answers": 4},
        asked[3]: {"answers": 8},
    }
    assert statistics.days(days) == {days[1]: {"answers": 7, "tokens": 120}, days[2]: {"answers": 8}}
    assert statistics.total() == {"answers": 15, "tokens": 120}


def test_nothing_counted_is_nothing_found(statistics: Statistics) -> None:
    assert statistics.hours([hour_of(NOON)]) == {}
    assert statistics.days([TODAY]) == {}
    assert statistics.total() == statistics.details(["replies"]) == {}
    assert statistics.hours([]) == {}


def test_details_are_found_by_topic(statistics: Statistics) -> None:
    statistics.add(an_entry(details={"chat": {"route|GET|/x|2xx": 2}, "auth": {"other": 1}}, requests=3))
    statistics.add(an_entry(details={"chat": {"route|GET|/x|2xx": 1}}, requests=1))

    assert statistics.total() == {"requests": 4}
    assert statistics.details(["chat"]) == {"chat": {"route|GET|/x|2xx": 3}}
    assert statistics.details(["auth", "nobody"]) == {"auth": {"other": 1}}
    assert statistics.days([TODAY]) == {TODAY: {"requests": 4}}


def test_hundreds_of_names_fit_into_one_entry(statistics: Statistics) -> None:
    many = {f"route|GET|/v1/things/{number}|2xx": number + 1 for number in range(400)}

    statistics.add(an_entry(details={"chat": many}, **{f"n{number}": 1 for number in range(150)}))

    assert statistics.details(["chat"]) == {"chat": many}
    assert len(statistics.days([TODAY])[TODAY]) == 150


def test_names_of_any_letters_come_back(statistics: Statistics) -> None:
    names = {"llm_calls|gpt-5.2": 1, "llm_calls|модель «ё»": 2, "a#b:c/{d}": 3, "size": 4}

    statistics.add(an_entry(**names))

    assert statistics.total() == names


def test_two_hundred_days_are_read_at_once(statistics: Statistics) -> None:
    days = [TODAY - timedelta(days=back) for back in range(200)]
    for back in (0, 57, 199):
        statistics.add(an_entry(NOON - timedelta(days=back), answers=back + 1))

    assert statistics.days(days) == {days[back]: {"answers": back + 1} for back in (0, 57, 199)}


def test_a_day_s_tokens_add_up_and_the_next_begins_at_nothing(spent: Spent) -> None:
    assert spent.read(TODAY) == Standing()
    assert spent.add(TODAY, 100) == Standing(tokens=100)
    assert spent.add(TODAY, 23) == Standing(tokens=123)

    assert spent.read(TODAY) == Standing(tokens=123)
    assert spent.read(TODAY + timedelta(days=1)) == Standing()


def test_a_step_is_told_once(spent: Spent) -> None:
    spent.add(TODAY, 1)

    assert spent.tell(TODAY, told="economy", instead_of="")
    assert not spent.tell(TODAY, told="economy", instead_of="")
    assert spent.tell(TODAY, told="extractive", instead_of="economy")
    assert spent.add(TODAY, 1) == spent.read(TODAY) == Standing(tokens=2, told="extractive")
    assert spent.tell(TODAY, told="", instead_of="extractive")
    assert spent.read(TODAY) == Standing(tokens=2)


def test_a_step_can_be_told_before_anything_was_spent(spent: Spent) -> None:
    assert spent.tell(date(2026, 1, 1), told="full", instead_of="")

    assert spent.read(date(2026, 1, 1)) == Standing(told="full")


class TestTogether:
    """Many at once, and one twice. moto loses concurrent writes, and looks at no transaction's token."""

    @pytest.fixture(params=["memory", "ministack", "dynamodb_local"])
    def statistics(self, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Statistics:
        from candor.adapters.dynamodb_statistics import DynamoStatistics
        from candor.adapters.memory_statistics import MemoryStatistics

        if request.param == "memory":
            return MemoryStatistics()
        monkeypatch.setenv("AWS_ENDPOINT_URL", request.getfixturevalue(request.param))
        return DynamoStatistics(create_table("CountersTable"))

    @pytest.fixture(params=["memory", "ministack", "dynamodb_local"])
    def spent(self, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Spent:
        from candor.adapters.dynamodb_statistics import DynamoSpent
        from candor.adapters.memory_statistics import MemorySpent

        if request.param == "memory":
            return MemorySpent()
        monkeypatch.setenv("AWS_ENDPOINT_URL", request.getfixturevalue(request.param))
        return DynamoSpent(create_table("CountersTable"))

    def test_an_entry_sent_again_counts_once(self, statistics: Statistics) -> None:
        entry = an_entry(answers=1)

        statistics.add(entry)
        statistics.add(entry)

        assert statistics.total() == {"answers": 1}

    def test_nothing_is_lost_and_nothing_counts_twice(self, statistics: Statistics) -> None:
        entries = [an_entry(answers=1, details={"chat": {"x": 2}}) for _ in range(120)]
        sent = entries + entries[::4]
        random.Random(7).shuffle(sent)

        def is_kept(entry: Entry) -> bool:
            try:
                statistics.add(entry)
            except Unavailable:
                return False  # Twelve at once on a busy machine: the others were quicker each time.
            return True

        with ThreadPoolExecutor(12) as threads:
            list(threads.map(lambda entry: until(lambda: is_kept(entry)), sent))

        assert statistics.total() == {"answers": 120}
        assert statistics.details(["chat"]) == {"chat": {"x": 240}}
        assert statistics.hours([hour_of(NOON)]) == {hour_of(NOON): {"answers": 120}}

    def test_tokens_of_many_add_up_and_one_of_them_tells(self, spent: Spent) -> None:
        with ThreadPoolExecutor(12) as threads:
            standings = list(threads.map(lambda _: spent.add(TODAY, 10), range(60)))
            told = list(threads.map(lambda _: spent.tell(TODAY, told="economy", instead_of=""), range(12)))

        assert sorted(standing.tokens for standing in standings) == [10 * n for n in range(1, 61)]
        assert told.count(True) == 1
