"""The record of generations: one contract, over every adapter."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from candor.errors import Conflict
from candor.indexing.generations import Generation, Generations, Record, Retired
from tests.doubles.tables import create_table

FIRST = Generation(
    generation_id="1",
    words="words-1",
    vectors="minilm-384",
    analyser="1",
    embedder="embedded",
    embedder_name="minilm",
    dimensions=384,
    settings="embedded-384",
)


def later(number: int) -> Generation:
    return replace(
        FIRST,
        generation_id=str(number),
        vectors=f"large-3072-g{number}",
        embedder="text-embedding-3-large",
        embedder_name="large",
        dimensions=3072,
        job_id=f"job-{number}",
    )


@pytest.fixture(params=["memory", "ministack", "dynamodb_local"])
def generations(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Generations]:
    from candor.adapters.dynamodb_generations import DynamoGenerations
    from candor.adapters.memory_generations import MemoryGenerations

    if request.param == "memory":
        yield MemoryGenerations()
    else:
        monkeypatch.setenv("AWS_ENDPOINT_URL", request.getfixturevalue(request.param))
        yield DynamoGenerations(create_table("ConfigTable"))


def test_nothing_is_recorded_at_first(generations: Generations) -> None:
    assert generations.read() == Record()


def test_the_first_one_recorded_stays_whatever_a_later_deploy_names(generations: Generations) -> None:
    assert generations.settle(FIRST) == generations.read() == Record(live=FIRST, serial=1)

    assert generations.settle(later(1)).live == FIRST


def test_one_is_built_and_goes_live_and_the_old_one_is_retired(generations: Generations) -> None:
    generations.settle(FIRST)
    built = later(2)

    assert generations.start(built) == Record(live=FIRST, building=built, serial=2)
    switched = generations.switch("2", at=17.5)

    assert switched == generations.read()
    assert switched == Record(live=built, retired=(Retired(generation=FIRST, at=17.5),), serial=2)
    assert generations.dropped("1") == Record(live=built, serial=2)


def test_a_switch_done_twice_is_done_once(generations: Generations) -> None:
    generations.settle(FIRST)
    generations.start(later(2))

    once = generations.switch("2", at=17.5)

    assert generations.switch("2", at=99.0) == once


def test_what_is_abandoned_can_never_go_live(generations: Generations) -> None:
    generations.settle(FIRST)
    generations.start(later(2))

    abandoned = generations.abandon("2", at=3.0)

    assert abandoned == Record(live=FIRST, retired=(Retired(generation=later(2), at=3.0),), serial=2)
    assert generations.abandon("2", at=4.0) == abandoned
    with pytest.raises(Conflict):
        generations.switch("2", at=5.0)


def test_a_second_one_is_not_begun_beside_the_first(generations: Generations) -> None:
    generations.settle(FIRST)
    generations.start(later(2))

    with pytest.raises(Conflict):
        generations.start(later(3))


def test_a_number_is_never_given_twice(generations: Generations) -> None:
    generations.settle(FIRST)
    generations.start(later(2))
    generations.abandon("2", at=3.0)

    with pytest.raises(Conflict):
        generations.start(later(2))
    assert generations.start(later(3)).serial == 3


def test_of_many_who_begin_at_once_one_does(generations: Generations) -> None:
    generations.settle(FIRST)

    def begin(number: int) -> bool:
        try:
            generations.start(replace(later(2), job_id=f"job-{number}"))
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(6) as pool:
        begun = list(pool.map(begin, range(6)))

    assert begun.count(True) == 1
    building = generations.read().building
    assert building is not None
    assert building.job_id == f"job-{begun.index(True)}"


def test_what_a_later_version_wrote_besides_is_passed_over() -> None:
    fields = Record(live=FIRST, serial=1).as_fields()
    fields["live"]["colour"] = "green"

    assert Record.of({**fields, "mood": "good"}) == Record(live=FIRST, serial=1)


def test_names_another_generation_needs_are_known() -> None:
    record = Record(live=later(2), retired=(Retired(generation=FIRST, at=0.0),), serial=2)

    assert "words/words-1" in record.names_beside("1")
    assert "vectors/minilm-384" not in record.names_beside("1")
