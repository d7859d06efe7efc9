"""Metering: what is counted reaches the statistics once, and nobody waits for it."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from candor.adapters.memory_answers import MemoryAnswers
from candor.adapters.memory_statistics import MemoryStatistics
from candor.answering.models import Usage
from candor.answering.snapshots import Shown, Snapshot
from candor.answering.values import Decision
from candor.errors import Unavailable
from candor.statistics.counting import CountedAnswers, CountedConversations
from candor.statistics.metering import Meter
from candor.statistics.values import BOUNDS_MS, Entry, bucket, key, of_name, parts, quantile
from tests.doubles.answering import REFUNDS
from tests.doubles.clock import Ticks
from tests.doubles.numbers import NOW, Numbers, an_answer
from tests.doubles.talks import ADA, CITATION, Talks

SHOWN = Shown.of(REFUNDS, score=1.0, cosine=0.5, bm25=7.0)


@pytest.fixture
def numbers() -> Numbers:
    return Numbers()


def test_an_answer_counts_once_however_often_it_is_kept(numbers: Numbers) -> None:
    answers = CountedAnswers(MemoryAnswers(numbers.statistics), numbers.meter)

    assert answers.keep(an_answer("a1"))
    assert not answers.keep(an_answer("a1", decision=Decision.ESCALATE))
    answers.keep(an_answer("a2", decision=Decision.ESCALATE))

    total = numbers.statistics.total()
    assert (total["answers"], total["decision|PASS"], total["decision|ESCALATE"]) == (2, 1, 1)


def test_an_answer_is_counted_by_the_time_it_is_told(numbers: Numbers) -> None:
    CountedAnswers(MemoryAnswers(numbers.statistics), numbers.meter).keep(an_answer("a1"))

    assert numbers.statistics.writes == 1


def test_an_answer_that_was_not_kept_is_not_counted(numbers: Numbers) -> None:
    kept = MemoryAnswers(numbers.statistics)
    kept.down = True

    with pytest.raises(Unavailable):
        CountedAnswers(kept, numbers.meter).keep(an_answer("a1"))

    assert numbers.statistics.total() == {}


def test_an_answer_and_all_that_is_owed_are_one_write(numbers: Numbers) -> None:
    answers = CountedAnswers(MemoryAnswers(numbers.statistics), numbers.meter)
    numbers.meter.request(function="replies", method="GET", route="/health", status=200, milliseconds=1)

    answers.keep(an_answer("a1"))

    assert numbers.statistics.writes == 1
    assert (numbers.statistics.total()["answers"], numbers.statistics.total()["requests"]) == (1, 1)


def test_what_was_owed_is_owed_still_where_an_answer_had_been_kept_before(numbers: Numbers) -> None:
    answers = CountedAnswers(MemoryAnswers(numbers.statistics), numbers.meter)
    answers.keep(an_answer("a1"))
    numbers.meter.request(function="replies", method="GET", route="/health", status=200, milliseconds=1)

    assert not answers.keep(an_answer("a1"))
    numbers.meter.end()

    assert (numbers.statistics.total()["answers"], numbers.statistics.total()["requests"]) == (1, 1)
    assert numbers.statistics.details(["replies"])["replies"]["route|GET|/health|2xx"] == 1


@pytest.mark.parametrize("applied", [True, False], ids=["its answer was lost", "it did nothing"])
def test_a_failed_write_of_an_answer_and_its_counts_counts_once(numbers: Numbers, applied: bool) -> None:
    class Failing(MemoryAnswers):
        def keep(self, snapshot: Snapshot, *, counted: Entry | None = None) -> bool:
            if counted is None:
                return super().keep(snapshot)
            if applied:
                super().keep(snapshot, counted=counted)
            raise Unavailable("Nobody knows whether it was written.")

    numbers.meter.request(function="replies", method="GET", route="/health", status=200, milliseconds=1)

    CountedAnswers(Failing(numbers.statistics), numbers.meter).keep(an_answer("a1"))
    numbers.ticks.now += 60
    numbers.meter.end()

    assert (numbers.statistics.total()["answers"], numbers.statistics.total()["requests"]) == (1, 1)


def test_dead_statistics_cost_no_answer_and_lose_none(numbers: Numbers) -> None:
    answers = CountedAnswers(MemoryAnswers(numbers.statistics), numbers.meter)
    numbers.statistics.down = True
    for number in range(3):
        assert answers.keep(an_answer(f"a{number}"))

    numbers.statistics.down = False
    numbers.ticks.now += 60
    answers.keep(an_answer("later"))

    assert numbers.statistics.total()["answers"] == 4


def test_an_entry_whose_reply_was_lost_counts_once() -> None:
    class Lossy(MemoryStatistics):
        def add(self, entry: Entry) -> None:
            super().add(entry)
            if self.writes == 1:
                raise Unavailable("It was written, and nobody was told.")

    statistics, ticks = Lossy(), Ticks()
    meter = Meter(statistics, clock=lambda: NOW, ticks=ticks)

    meter.count({"answers": 1})
    meter.store()
    ticks.now += 60
    meter.count({"answers": 1})
    meter.store()

    assert statistics.total() == {"answers": 2}


def test_dead_statistics_are_asked_four_times_a_minute(numbers: Numbers) -> None:
    asked: list[float] = []

    class Dead(MemoryStatistics):
        def add(self, entry: Entry) -> None:
            asked.append(numbers.ticks.now)
            raise Unavailable("down")

    meter = Meter(Dead(), clock=lambda: NOW, ticks=numbers.ticks)
    for _ in range(60):
        meter.count({"answers": 1})
        meter.end()
        numbers.ticks.now += 1

    assert len(asked) == 4


def test_a_conversation_is_one_write_for_each_message_and_its_answer(numbers: Numbers) -> None:
    talks = Talks()
    store = CountedConversations(talks.store, numbers.meter)
    counted = CountedAnswers(talks.answers, numbers.meter)
    talks = Talks(store=store, answers=counted)  # type: ignore[arg-type]
    talk = talks.open()
    before = numbers.statistics.writes

    talks.replying.send(talk.conversation_id, "Hello there", principal=ADA)

    total = numbers.statistics.total()
    assert (total["conversations"], total["answers"]) == (1, 1)
    assert of_name(total, "messages") == {("user",): 1, ("assistant",): 1}
    assert numbers.statistics.writes == before + 1


def test_a_message_that_waits_for_a_person_is_counted_at_the_end_of_its_request(numbers: Numbers) -> None:
    talks = Talks(store=CountedConversations(Talks().store, numbers.meter))  # type: ignore[arg-type]
    talk = talks.open()
    talks.conversing.take_over(talk.conversation_id, ADA)

    talks.replying.send(talk.conversation_id, "Hello?", principal=ADA)
    numbers.meter.end()

    assert of_name(numbers.statistics.total(), "messages") == {("user",): 1}


def test_many_threads_count_into_one(numbers: Numbers) -> None:
    def work(number: int) -> None:
        numbers.meter.count({"answers": 1})
        numbers.meter.request(function="chat", method="GET", route="/x", status=200, milliseconds=7)
        numbers.meter.end()

    with ThreadPoolExecutor(16) as threads:
        list(threads.map(work, range(400)))
    numbers.meter.store()

    assert numbers.statistics.total() == {"answers": 400, "requests": 400}
    details = numbers.statistics.details(["chat"])["chat"]
    assert (details["route|GET|/x|2xx"], details["request_le|10"], details["request_ms"]) == (400, 400, 2_800)


@pytest.mark.parametrize(
    ("said", "counts"),
    [
        ({"timings_ms": {"total": 5.0}}, {"retrieval|hit": 0, "retrieval|miss": 0}),
        ({"timings_ms": {"search_total": 5.0, "total": 9}}, {"retrieval|miss": 1}),
        ({"evidence": (SHOWN,)}, {"retrieval|hit": 1}),
        ({"evidence": (SHOWN,), "decision": Decision.ASK_USER}, {"retrieval|hit": 1}),
        ({"evidence": (SHOWN,), "decision": Decision.ESCALATE}, {"retrieval|miss": 1}),
        (
            {"evidence": (SHOWN,), "decision": Decision.ESCALATE, "citations": (CITATION,)},
            {"retrieval|hit": 1},
        ),
        ({"degraded": ("vectors",)}, {"retrieval|miss": 1, "degraded|vectors": 1, "retrieval_degraded": 1}),
        ({"degraded": ("keywords", "vectors")}, {"degraded|keywords": 1, "retrieval_degraded": 1}),
        ({"model": "m", "llm_calls": 2, "cost_usd": None}, {"llm_calls|m": 2, "llm_unpriced|m": 1}),
        ({"model": "m", "llm_calls": 1, "cost_usd": 0.00000005}, {"llm_cost|m": 50, "llm_unpriced|m": 0}),
        ({"model": "m", "cost_usd": None}, {"llm_unpriced|m": 0}),
    ],
)
def test_what_an_answer_counts_for(numbers: Numbers, said: dict[str, Any], counts: dict[str, int]) -> None:
    CountedAnswers(MemoryAnswers(numbers.statistics), numbers.meter).keep(an_answer("a1", **said))

    total = numbers.statistics.total()
    assert {name: total.get(name, 0) for name in counts} == counts


def test_each_model_counts_for_what_it_took(numbers: Numbers) -> None:
    small = Usage(calls=1, input_tokens=100, output_tokens=10, cost_usd=0.001).of("small")
    big = Usage(calls=1, input_tokens=2_000, output_tokens=200, cost_usd=0.05).of("big")
    spent = small + big + Usage() + big

    assert (spent.calls, spent.input_tokens, spent.cost_usd) == (3, 4_100, pytest.approx(0.101))
    assert spent.by_model["big"] == Usage(calls=2, input_tokens=4_000, output_tokens=400, cost_usd=0.1)
    assert spent.by_model["small"].by_model == {}


def test_what_ended_untold_counts_for_the_writer(numbers: Numbers) -> None:
    small = {"calls": 1, "input": 100, "output": 10, "cost_usd": 0.001}
    big = {"calls": 1, "input": 2_000, "output": 200, "cost_usd": 0.05}
    answers = CountedAnswers(MemoryAnswers(numbers.statistics), numbers.meter)

    answers.keep(
        an_answer(
            "all-told",
            model="big",
            llm_calls=2,
            input_tokens=2_100,
            output_tokens=210,
            cost_usd=0.051,
            spending={"small": small, "big": big},
        )
    )
    answers.keep(
        an_answer(
            "one-cut-short",
            model="extractive",
            llm_calls=2,
            input_tokens=300,
            output_tokens=11,
            cost_usd=None,
            spending={"small": small},
        )
    )

    total = numbers.statistics.total()
    assert of_name(total, "llm_calls") == {("small",): 2, ("big",): 1, ("extractive",): 1}
    assert of_name(total, "llm_cost") == {("small",): 2_000_000, ("big",): 50_000_000}
    assert of_name(total, "llm_unpriced") == {("extractive",): 1}
    assert total["llm_tokens|extractive|input"] == 200


def test_keys_hold_whatever_a_label_says() -> None:
    for label in (
        "gpt-5.2",
        "/v1/documents/{id}",
        "a|b",
        "100%",
        "модель",
        "",
        "line\nbreak",
        "ft:gpt-4o:me",
    ):
        assert parts(key("name", label, "x")) == ("name", (label, "x"))


def test_times_fall_into_the_bucket_they_do_not_exceed() -> None:
    assert bucket("answer", 0) == bucket("answer", 5) == "answer_le|5"
    assert bucket("answer", 5.1) == "answer_le|10"
    assert bucket("answer", 30_000) == "answer_le|30000"
    assert bucket("answer", 30_001) == "answer_le|inf"


def test_a_quantile_lies_within_its_bucket() -> None:
    counts = {(str(bound),): 10 for bound in BOUNDS_MS[:4]}

    assert quantile({}, 0.5) is None
    assert quantile(counts, 0.5) == 10
    assert quantile(counts, 0.25) == 5
    assert quantile(counts, 1.0) == 50
    assert quantile({("inf",): 3}, 0.5) == 30_000


def test_what_a_store_counts_stays_in_its_hour(numbers: Numbers) -> None:
    numbers.meter.count({"answers": 1})
    numbers.meter.store()

    hour = NOW.replace(minute=0)
    assert numbers.statistics.hours([hour, hour - timedelta(hours=1)]) == {hour: {"answers": 1}}
