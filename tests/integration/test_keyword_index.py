"""The keyword index: one suite of claims over every engine that stands behind the port."""

import itertools
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from candor.adapters.embedded_keywords import EmbeddedKeywords
from candor.adapters.memory_search import MemoryKeywords
from candor.adapters.opensearch import OpenSearchKeywords
from candor.adapters.opensearch_client import OpenSearchEndpoint
from candor.search import Hit, KeywordIndex, Stored, Where
from tests.doubles.passages import CORPUS, passage

Opening = Callable[[], KeywordIndex]

ENGINES = (
    "memory",
    "embedded",
    pytest.param("opensearch_2", marks=pytest.mark.slow),
    pytest.param("opensearch_3", marks=pytest.mark.slow),
)

_numbers = itertools.count()


@pytest.fixture(params=ENGINES)
def opening(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Opening]:
    """Opens the same, at first empty, index as often as called, as several processes would."""
    with ExitStack() as stack:
        if request.param == "memory":
            shared = MemoryKeywords()
            yield lambda: shared
        elif request.param == "embedded":
            yield lambda: EmbeddedKeywords(tmp_path / "keywords")
        else:
            endpoint = OpenSearchEndpoint(url=request.getfixturevalue(request.param), timeout_seconds=10)
            name = f"keywords-{next(_numbers)}"

            def opensearch() -> KeywordIndex:
                index = OpenSearchKeywords(endpoint, index_name=name)
                stack.callback(index.close)
                return index

            yield opensearch


@pytest.fixture
def index(opening: Opening) -> KeywordIndex:
    return opening()


def documents(hits: list[Hit]) -> list[str]:
    return [hit.passage.document_id for hit in hits]


def test_an_index_nobody_has_written_to_is_empty(index: KeywordIndex) -> None:
    assert index.search("refund", limit=5) == []
    assert index.score("refund", ["doc:1:0"]) == {}
    assert list(index.stored()) == []
    index.forget("doc")


def test_a_passage_is_found_as_soon_as_it_is_put(index: KeywordIndex, opening: Opening) -> None:
    index.put(CORPUS)

    found = opening().search("How do I get my money back on a plan?", limit=3)

    assert found[0].passage == CORPUS[0]
    assert all(hit.score > 0 for hit in found)


def test_the_best_come_first_and_no_more_than_asked_for(index: KeywordIndex) -> None:
    index.put(CORPUS)

    found = index.search("change the DNS record or the password, or restore backups", limit=2)

    scores = [
        hit.score for hit in index.search("change the DNS record or the password, or backups", limit=10)
    ]
    assert len(found) == 2
    assert scores == sorted(scores, reverse=True)
    assert len(scores) >= 3


def test_a_word_in_the_title_weighs_more_than_one_in_a_long_text(index: KeywordIndex) -> None:
    filler = "Nothing else is said here about anything of interest to anybody, " * 3
    index.put(
        [
            passage(f"{filler} and a firewall is mentioned once.", document="aside", title="Odds and ends"),
            passage(f"{filler} and nothing is mentioned at all.", document="subject", title="Firewall"),
            *CORPUS,
        ]
    )

    assert documents(index.search("firewall", limit=2)) == ["subject", "aside"]


def test_headings_above_a_passage_are_searched_too(index: KeywordIndex) -> None:
    index.put([passage("Press the red button.", document="a", path="Servers › Reinstallation"), *CORPUS])

    assert documents(index.search("reinstallation", limit=3)) == ["a"]


def test_no_word_in_common_is_no_hit(index: KeywordIndex) -> None:
    index.put(CORPUS)

    assert index.search("zeppelin", limit=5) == []
    assert index.search("", limit=5) == []
    assert index.search("?!", limit=5) == []
    assert index.score("zeppelin", [CORPUS[0].passage_id]) == {}


def test_words_are_found_in_their_other_forms(index: KeywordIndex) -> None:
    index.put(CORPUS)

    assert documents(index.search("cancelling", limit=1)) == ["refunds"]
    assert documents(index.search("возвращение денег за покупку", limit=1)) == ["vozvrat"]
    assert documents(index.search("резервні копії", limit=1)) == ["kopiyi"]


def test_a_passage_comes_back_as_it_was_put(index: KeywordIndex) -> None:
    odd = passage(
        'Ціна: 5 € 🙂 «тариф»\n\n| a | b |\n\ttab \\ backslash "quotes" {json: 1} \u00a0 zażółć',
        document="odd",
        version=3,
        ordinal=7,
        title="Тариф — №1",
        path="Ціни › VPS",
        doc_type="pricing",
        source="uploads/ціни 2024.json",
        language="uk",
    )
    index.put([odd])

    (hit,) = index.search("тариф", limit=1)

    assert hit.passage == odd


def test_putting_again_under_the_same_id_replaces(index: KeywordIndex) -> None:
    index.put([passage("The office is in Lisbon.")])

    index.put([passage("The office is in Porto.")])

    assert index.search("Lisbon", limit=5) == []
    assert [hit.passage.text for hit in index.search("Porto", limit=5)] == ["The office is in Porto."]
    assert list(index.stored()) == [Stored(document_id="doc", version=1, passages=1)]


def test_putting_nothing_changes_nothing(index: KeywordIndex) -> None:
    index.put([])

    assert list(index.stored()) == []


def test_versions_of_a_document_lie_side_by_side_until_one_is_forgotten(index: KeywordIndex) -> None:
    index.put([passage("The office is in Lisbon.", version=1)])
    index.put(
        [passage("The office is in Porto.", version=2), passage("It has a door.", version=2, ordinal=1)]
    )
    index.put([passage("Another office.", document="other")])
    both = {
        hit.passage.version for hit in index.search("office", limit=5) if hit.passage.document_id == "doc"
    }

    index.forget("doc", keep_version=2)

    assert both == {1, 2}
    assert index.search("Lisbon", limit=5) == []
    assert documents(index.search("Porto", limit=5)) == ["doc"]
    assert sorted(index.stored(), key=lambda stored: stored.document_id) == [
        Stored(document_id="doc", version=2, passages=2),
        Stored(document_id="other", version=1, passages=1),
    ]


def test_tidying_up_after_an_old_version_leaves_a_newer_one_alone(index: KeywordIndex) -> None:
    index.put([passage("The office is in Lisbon.", version=1), passage("The office is in Porto.", version=3)])

    index.forget("doc", keep_version=2)

    assert list(index.stored()) == [Stored(document_id="doc", version=3, passages=1)]


def test_forgetting_twice_is_forgetting_once(index: KeywordIndex) -> None:
    index.put(CORPUS)

    index.forget("refunds")
    index.forget("refunds")

    assert index.search("cancelled", limit=5) == []
    assert "refunds" not in {stored.document_id for stored in index.stored()}
    assert len(list(index.stored())) == len(CORPUS) - 1


def test_an_id_that_begins_like_another_is_not_taken_for_it(index: KeywordIndex) -> None:
    index.put([passage("The office.", document="a"), passage("The office.", document="a:1")])

    index.forget("a")

    assert documents(index.search("office", limit=5)) == ["a:1"]


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (Where(doc_types=frozenset({"pricing"})), {"prices"}),
        (Where(doc_types=frozenset({"pricing", "policy"})), {"prices", "refunds"}),
        (Where(sources=frozenset({"crawl"})), {"backups", "dns"}),
        (Where(statuses=frozenset({"draft"})), {"password"}),
        (Where(sources=frozenset({"crawl"}), doc_types=frozenset({"pricing"})), set()),
        (Where(), {"prices", "refunds", "backups", "dns", "password"}),
    ],
)
def test_only_what_the_filter_admits_is_found(index: KeywordIndex, where: Where, expected: set[str]) -> None:
    index.put(CORPUS)

    found = index.search("price of backups, a password, DNS records, plan returned", limit=10, where=where)

    assert set(documents(found)) == expected


def test_a_filter_changes_who_is_found_and_not_the_score(index: KeywordIndex) -> None:
    index.put(CORPUS)
    (free,) = (hit for hit in index.search("backups", limit=9) if hit.passage.document_id == "prices")

    (filtered,) = index.search("backups", limit=9, where=Where(doc_types=frozenset({"pricing"})))

    assert filtered.score == pytest.approx(free.score, rel=1e-5)


def test_a_filter_is_compared_letter_for_letter(index: KeywordIndex) -> None:
    index.put([passage("The office.", source="Uploads/Prices 2024.json")])

    def found(source: str) -> int:
        return len(index.search("office", limit=5, where=Where(sources=frozenset({source}))))

    assert found("Uploads/Prices 2024.json") == 1
    assert found("uploads/prices 2024.json") == 0
    assert found("Prices") == 0


def test_the_score_of_named_passages_is_the_one_of_the_search(index: KeywordIndex) -> None:
    index.put(CORPUS)
    found = {hit.passage.passage_id: hit.score for hit in index.search("restore backups", limit=10)}

    scores = index.score("restore backups", [*found, CORPUS[2].passage_id, "unknown:1:0", *found])

    assert scores == pytest.approx(found, rel=1e-5)
    assert set(found) == {"backups:1:0", "prices:1:0"}


def test_a_question_as_long_as_a_letter_is_answered(index: KeywordIndex) -> None:
    index.put(CORPUS)
    letter = " ".join(f"word{number} phrase{number}" for number in range(1500))

    assert documents(index.search(f"How is a plan cancelled? {letter}", limit=1)) == ["refunds"]


def test_a_large_batch_is_stored_whole(index: KeywordIndex) -> None:
    long = "Filling words that take room in a request. " * 60
    many = [passage(f"{long} number{n}", document=f"d{n // 10}", ordinal=n % 10) for n in range(2100)]

    index.put(many)

    stored = list(index.stored())
    assert len(stored) == 210
    assert {row.passages for row in stored} == {10}
    assert [hit.passage.passage_id for hit in index.search("number2099", limit=2)] == ["d209:1:9"]
    assert len(index.score("room", [one.passage_id for one in many[:1500]])) == 1500


def test_writers_at_the_same_time_lose_nothing(opening: Opening) -> None:
    def write(number: int) -> None:
        index = opening()
        for version in (1, 2):
            index.put([passage(f"The office of {number}.", document=f"d{number}", version=version)])
        index.forget(f"d{number}", keep_version=2)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(write, range(12)))

    expected = [Stored(document_id=f"d{number}", version=2, passages=1) for number in range(12)]
    assert sorted(opening().stored(), key=lambda row: int(row.document_id[1:])) == expected


def test_two_that_forget_the_same_document_at_once_both_succeed(opening: Opening) -> None:
    first = opening()
    first.put([replace(passage("The office."), ordinal=n) for n in range(200)])

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: opening().forget("doc"), range(4)))

    assert list(first.stored()) == []


def test_a_dropped_index_holds_nothing_and_can_be_begun_anew(index: KeywordIndex, opening: Opening) -> None:
    index.put(CORPUS)

    index.drop()
    index.drop()

    fresh = opening()
    assert fresh.search("refund", limit=5) == []
    assert list(fresh.stored()) == []
    index.put(CORPUS[:1])
    assert [one.passages for one in opening().stored()] == [1]
    assert opening().search("How do I get my money back on a plan?", limit=3)[0].passage == CORPUS[0]


def test_an_index_that_never_was_is_dropped_without_a_word(index: KeywordIndex) -> None:
    index.drop()

    assert list(index.stored()) == []
