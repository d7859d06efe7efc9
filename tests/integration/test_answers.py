"""Snapshots are kept alike in memory and in DynamoDB."""

import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from moto import mock_aws

from candor.adapters.memory_answers import MemoryAnswers
from candor.adapters.memory_statistics import MemoryStatistics
from candor.answering.snapshots import Answers, Shown, Snapshot, as_dict, from_dict
from candor.answering.values import Citation, Decision, Turn
from candor.errors import NotFound, Unavailable
from candor.sessions import customer_key
from candor.statistics.values import Entry, Statistics
from tests.doubles.answering import REFUNDS
from tests.doubles.tables import create_table

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
KEPT = Snapshot(
    answer_id="01A",
    created_at=NOW,
    question="Within how many days?",
    history=(Turn(role="user", content="Hi"),),
    language="en",
    principal="p1",
    external_user_id="c1",
    trace_id="t1",
    text="Within 30 days.",
    decision=Decision.PASS,
    confidence=0.8125,
    citations=(
        Citation(
            chunk_id="refunds:1:0",
            document_id="refunds",
            source_url="https://example.com/refunds",
            doc_type="policy",
            title="Refund policy",
            quote="within 30 days",
        ),
    ),
    evidence=(Shown.of(REFUNDS, score=1.0, cosine=0.5, bm25=7.25),),
    model="extractive",
    prompt_version="abc",
    features={"cosine": 0.5},
    verification={"sentences": 1, "supported": 1, "dropped": []},
    cost_usd=None,
    timings_ms={"total": 12.5},
)


@pytest.fixture(params=["memory", "dynamodb"])
def answers(request: pytest.FixtureRequest) -> Iterator[Answers]:
    if request.param == "memory":
        yield MemoryAnswers()
        return
    from candor.adapters.dynamodb_answers import DynamoAnswers
    from candor.adapters.dynamodb_statistics import DynamoStatistics

    with mock_aws():
        yield DynamoAnswers(create_table("AnswersTable"), DynamoStatistics(create_table("CountersTable")))


def test_a_snapshot_comes_back_as_it_was_kept(answers: Answers) -> None:
    answers.keep(KEPT)

    assert answers.get("01A") == KEPT


def test_a_snapshot_never_changes(answers: Answers) -> None:
    assert answers.keep(KEPT)

    assert not answers.keep(replace(KEPT, text="Something else"))

    assert answers.get("01A").text == "Within 30 days."


@pytest.mark.parametrize("answer_id", ["nothing", ""])
def test_an_unknown_snapshot_is_not_found(answers: Answers, answer_id: str) -> None:
    with pytest.raises(NotFound):
        answers.get(answer_id)


def test_a_day_is_listed_newest_first_and_by_decision(answers: Answers) -> None:
    for number in range(12):
        decision = Decision.ESCALATE if number % 3 == 0 else Decision.PASS
        answers.keep(
            replace(
                KEPT, answer_id=f"a{number}", created_at=NOW + timedelta(seconds=number), decision=decision
            )
        )
    answers.keep(replace(KEPT, answer_id="yesterday", created_at=NOW - timedelta(days=1)))

    def ids(page: int, page_size: int, decision: Decision | None = None) -> tuple[list[str], int]:
        found, total = answers.page(date(2026, 11, 21), decision=decision, page=page, page_size=page_size)
        return [each.answer_id for each in found], total

    assert ids(1, 100) == ([f"a{number}" for number in reversed(range(12))], 12)
    assert ids(2, 5) == (["a6", "a5", "a4", "a3", "a2"], 12)
    assert ids(4, 5) == ids(1_000_000, 100) == ([], 12)
    assert ids(1, 3, Decision.ESCALATE) == (["a9", "a6", "a3"], 4)
    assert ids(2, 3, Decision.ESCALATE) == (["a0"], 4)
    assert ids(1, 3, Decision.ASK_USER) == ([], 0)
    assert answers.page(date(2026, 11, 22), page=1, page_size=20) == ([], 0)
    assert answers.page(date(2026, 11, 20), page=1, page_size=20)[0][0].question == KEPT.question


def test_a_snapshot_too_large_for_an_item_loses_its_talk_and_stays(answers: Answers) -> None:
    import random

    letters = random.Random(7)
    noise = "".join(chr(letters.randrange(0x4E00, 0x9FFF)) for _ in range(400_000))
    huge = replace(KEPT, answer_id="huge", history=(Turn(role="user", content=noise),))

    answers.keep(huge)

    assert answers.get("huge").text == KEPT.text
    assert answers.get("huge").evidence == KEPT.evidence


def test_a_customers_answers_are_found_and_erased(answers: Answers) -> None:
    for number in range(5):
        of = f"customer {number % 2}"
        answers.keep(replace(KEPT, answer_id=f"a{number}", external_user_id=of))
    answers.keep(replace(KEPT, answer_id="nobody's", external_user_id=None))
    zero, one = customer_key("customer 0"), customer_key("customer 1")

    assert sorted(answers.of_customer(zero, limit=9)) == ["a0", "a2", "a4"]
    assert len(answers.of_customer(zero, limit=2)) == 2
    assert answers.erase(["a0", "a2", "a4", "a4", "unknown"]) == 3

    assert answers.of_customer(zero, limit=9) == []
    assert answers.erase(["a0"]) == answers.erase([]) == 0
    assert sorted(answers.of_customer(one, limit=9)) == ["a1", "a3"]
    assert answers.get("a1").external_user_id == "customer 1"
    with pytest.raises(NotFound):
        answers.get("a2")


def test_fields_of_a_later_version_are_dropped() -> None:
    assert from_dict({**as_dict(KEPT), "not_known_yet": 1}) == KEPT


class TestCounted:
    """A snapshot and what it counts for: both, or neither."""

    @pytest.fixture(params=["memory", "moto", "ministack", "dynamodb_local"])
    def both(
        self, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
    ) -> Iterator[tuple[Answers, Statistics]]:
        if request.param == "memory":
            numbers = MemoryStatistics()
            yield MemoryAnswers(numbers), numbers
            return
        if request.param == "moto":
            with mock_aws():
                yield self._on_tables()
            return
        monkeypatch.setenv("AWS_ENDPOINT_URL", request.getfixturevalue(request.param))
        yield self._on_tables()

    @staticmethod
    def _on_tables() -> tuple[Answers, Statistics]:
        from candor.adapters.dynamodb_answers import DynamoAnswers
        from candor.adapters.dynamodb_statistics import DynamoStatistics

        statistics = DynamoStatistics(create_table("CountersTable"))
        return DynamoAnswers(create_table("AnswersTable"), statistics), statistics

    def test_what_is_kept_is_counted_with_it(self, both: tuple[Answers, Statistics]) -> None:
        answers, statistics = both

        assert answers.keep(KEPT, counted=an_entry(answers=1))

        assert answers.get("01A") == KEPT
        assert statistics.total() == {"answers": 1}

    def test_what_was_kept_before_is_not_counted_again(self, both: tuple[Answers, Statistics]) -> None:
        answers, statistics = both
        answers.keep(KEPT, counted=an_entry(answers=1))

        assert not answers.keep(replace(KEPT, text="Something else"), counted=an_entry(answers=1))

        assert answers.get("01A").text == "Within 30 days."
        assert statistics.total() == {"answers": 1}

    def test_of_many_counts_none_is_left_out(self, both: tuple[Answers, Statistics]) -> None:
        answers, statistics = both
        counts = {f"llm_calls|model-{number}": number for number in range(1, 301)}

        assert answers.keep(KEPT, counted=an_entry(**counts))

        assert statistics.total() == counts

    def test_details_of_many_topics_are_counted_in_the_same_write(
        self, both: tuple[Answers, Statistics]
    ) -> None:
        answers, statistics = both
        writes: list[object] = []
        if not isinstance(statistics, MemoryStatistics):
            events = statistics._client.meta.events  # type: ignore[attr-defined]
            events.register("provide-client-params.dynamodb.TransactWriteItems", lambda **_: writes.append(1))
        details = {f"intent-{number}": {f"n{name}": 1 for name in range(8)} for number in range(60)}

        assert answers.keep(KEPT, counted=replace(an_entry(answers=1), details=details))

        assert statistics.details(list(details)) == details
        assert len(writes) <= 1, "a part of it could be left out"

    def test_where_nothing_can_be_counted_nothing_is_kept(self, both: tuple[Answers, Statistics]) -> None:
        answers, statistics = both
        if isinstance(statistics, MemoryStatistics):
            statistics.down = True
        else:
            statistics._table = "no-such-table"  # type: ignore[attr-defined]

        with pytest.raises(Unavailable):
            answers.keep(KEPT, counted=an_entry(answers=1))

        assert answers.keep(KEPT)


def an_entry(**counts: int) -> Entry:
    return Entry(entry_id=uuid.uuid4().hex, at=NOW, counts=counts)
