"""The vector index: one suite of claims over every store that stands behind the port."""

import itertools
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from candor.adapters.embedded_vectors import EmbeddedVectors
from candor.adapters.memory_search import HashEmbedder, MemoryVectors
from candor.adapters.opensearch import OpenSearchVectors
from candor.adapters.opensearch_client import OpenSearchEndpoint
from candor.adapters.pinecone import PineconeVectors
from candor.errors import Invalid
from candor.search import Hit, Passage, Stored, Vector, VectorIndex, Where
from tests.doubles.passages import CORPUS, passage
from tests.doubles.pinecone import PineconeDouble
from tests.waiting import until

Opening = Callable[[], VectorIndex]

DIMENSIONS = 128

STORES = (
    "memory",
    "embedded",
    "pinecone",
    "pinecone that is late",
    pytest.param("opensearch_2", marks=pytest.mark.slow),
)

embedder = HashEmbedder(DIMENSIONS)
_numbers = itertools.count()


@pytest.fixture(params=STORES)
def opening(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Opening]:
    """Opens the same, at first empty, index as often as called, as several processes would."""
    with ExitStack() as stack:
        if request.param == "memory":
            shared = MemoryVectors()
            yield lambda: shared
        elif request.param == "embedded":
            yield lambda: EmbeddedVectors(tmp_path / "vectors", DIMENSIONS)
        elif request.param == "opensearch_2":
            endpoint = OpenSearchEndpoint(url=request.getfixturevalue("opensearch_2"), timeout_seconds=10)
            name = f"vectors-{next(_numbers)}"

            def opensearch() -> VectorIndex:
                index = OpenSearchVectors(endpoint, index_name=name, dimensions=DIMENSIONS)
                stack.callback(index.close)
                return index

            yield opensearch
        else:
            server = stack.enter_context(PineconeDouble(dimensions=DIMENSIONS))
            server.lag = 0.15 if "late" in request.param else 0.0

            def pinecone() -> VectorIndex:
                index = PineconeVectors(
                    host=server.url, api_key=server.api_key, namespace="candor", dimensions=DIMENSIONS
                )
                stack.callback(index.close)
                return index

            yield pinecone


@pytest.fixture
def index(opening: Opening) -> VectorIndex:
    return opening()


def put(index: VectorIndex, *passages: Passage) -> None:
    """Put, and wait until a read sees it: the wait that the indexer has, too."""
    index.put(passages, embedder.embed_passages(passages))
    for document_id, version in {(one.document_id, one.version) for one in passages}:
        ours = {p.ordinal for p in passages if (p.document_id, p.version) == (document_id, version)}
        until(partial(index.confirmed, document_id, version, len(ours)))


def holds(index: VectorIndex, *expected: Stored) -> bool:
    return sorted(index.stored(), key=_by_name) == sorted(expected, key=_by_name)


def _by_name(row: Stored) -> tuple[str, int]:
    return row.document_id, row.version


def documents(hits: Sequence[Hit]) -> list[str]:
    return [hit.passage.document_id for hit in hits]


def dot(left: Vector, right: Vector) -> float:
    return sum(a * b for a, b in zip(left, right, strict=True))


def test_an_index_nobody_has_written_to_is_empty(index: VectorIndex) -> None:
    question = embedder.embed_question("refund")

    assert index.search(question, limit=5) == []
    assert index.score(question, ["doc:1:0"]) == {}
    assert list(index.stored()) == []
    assert not index.confirmed("doc", 1, 1)
    index.forget("doc")


def test_a_passage_is_found_by_every_process_once_it_is_confirmed(
    index: VectorIndex, opening: Opening
) -> None:
    put(index, *CORPUS)

    found = opening().search(embedder.embed_question("cancelled within thirty days, price returned"), limit=3)

    assert found[0].passage == CORPUS[0]
    assert len(found) == 3


def test_only_that_version_with_that_many_passages_is_confirmed(index: VectorIndex) -> None:
    put(index, passage("One."), passage("Two.", ordinal=1))

    assert index.confirmed("doc", 1, 2)
    assert index.confirmed("doc", 1, 1)
    assert not index.confirmed("doc", 1, 3)
    assert not index.confirmed("doc", 2, 2)
    assert not index.confirmed("other", 1, 2)


def test_the_score_is_the_cosine_and_the_nearest_come_first(index: VectorIndex) -> None:
    put(index, *CORPUS)
    question = embedder.embed_question("restore the backups of my server")

    found = index.search(question, limit=len(CORPUS))

    vectors = embedder.embed_passages(CORPUS)
    cosines = {one.passage_id: dot(question, vector) for one, vector in zip(CORPUS, vectors, strict=True)}
    assert {hit.passage.passage_id: hit.score for hit in found} == pytest.approx(cosines, abs=1e-5)
    assert [hit.score for hit in found] == sorted((hit.score for hit in found), reverse=True)
    assert found[0].passage.document_id == "backups"


def test_opposite_and_equal_vectors_score_minus_one_and_one(index: VectorIndex) -> None:
    vector = embedder.embed_question("a direction")
    index.put([passage("a direction")], [vector])
    until(lambda: index.confirmed("doc", 1, 1))

    (same,) = index.search(vector, limit=1)
    (opposite,) = index.search([-value for value in vector], limit=1)

    assert same.score == pytest.approx(1.0, abs=1e-5)
    assert opposite.score == pytest.approx(-1.0, abs=1e-5)


def test_no_more_than_asked_for(index: VectorIndex) -> None:
    put(index, *CORPUS)

    assert len(index.search(embedder.embed_question("anything"), limit=2)) == 2


def test_a_passage_comes_back_as_it_was_put(index: VectorIndex) -> None:
    odd = passage(
        'Ціна: 5 € 🙂 «тариф»\n\n| a | b |\n\ttab \\ backslash "quotes" {json: 1} \u00a0 zażółć',
        version=3,
        ordinal=7,
        title="Тариф — №1",
        source="uploads/ціни 2024.json",
        language="uk",
    )
    put(index, odd)

    (hit,) = index.search(embedder.embed_question("тариф"), limit=1)

    assert hit.passage == odd


def test_putting_again_under_the_same_id_replaces(index: VectorIndex) -> None:
    put(index, passage("The office is in Lisbon."))

    put(index, passage("Backups are kept for a week."))

    def text_found() -> str:
        (hit,) = index.search(embedder.embed_question("Backups are kept for a week."), limit=5)
        return hit.passage.text if hit.score > 0.9 else ""

    until(lambda: text_found() == "Backups are kept for a week.")
    assert holds(index, Stored(document_id="doc", version=1, passages=1))


def test_putting_nothing_changes_nothing(index: VectorIndex) -> None:
    index.put([], [])

    assert list(index.stored()) == []
    assert index.confirmed("doc", 1, 0)


def test_passages_without_their_vectors_are_a_mistake(index: VectorIndex) -> None:
    with pytest.raises((ValueError, Invalid)):
        index.put(CORPUS, embedder.embed_passages(CORPUS[:2]))

    assert list(index.stored()) == []


def test_versions_of_a_document_lie_side_by_side_until_one_is_forgotten(index: VectorIndex) -> None:
    put(index, passage("The office is in Lisbon.", version=1))
    put(index, passage("The office is in Porto.", version=2), passage("A door.", version=2, ordinal=1))
    put(index, passage("Another office.", document="other"))
    before = {
        (hit.passage.document_id, hit.passage.version) for hit in index.search([1.0] * DIMENSIONS, limit=9)
    }

    index.forget("doc", keep_version=2)

    assert before == {("doc", 1), ("doc", 2), ("other", 1)}
    kept = (
        Stored(document_id="doc", version=2, passages=2),
        Stored(document_id="other", version=1, passages=1),
    )
    until(lambda: holds(index, *kept))
    assert "doc:1:0" not in index.score([1.0] * DIMENSIONS, ["doc:1:0", "doc:2:0"])


def test_tidying_up_after_an_old_version_leaves_a_newer_one_alone(index: VectorIndex) -> None:
    put(index, passage("The office is in Lisbon.", version=1), passage("The office is in Porto.", version=3))

    index.forget("doc", keep_version=2)

    until(lambda: holds(index, Stored(document_id="doc", version=3, passages=1)))


def test_forgetting_twice_is_forgetting_once(index: VectorIndex) -> None:
    put(index, *CORPUS)

    index.forget("refunds")
    index.forget("refunds")

    until(lambda: "refunds" not in documents(index.search(embedder.embed_question("plan"), limit=9)))
    assert len(list(index.stored())) == len(CORPUS) - 1


def test_an_id_that_begins_like_another_is_not_taken_for_it(index: VectorIndex) -> None:
    put(index, passage("The office.", document="a"), passage("The office.", document="a:1"))

    index.forget("a")

    until(lambda: holds(index, Stored(document_id="a:1", version=1, passages=1)))


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (Where(doc_types=frozenset({"pricing"})), {"prices"}),
        (Where(doc_types=frozenset({"pricing", "policy"})), {"prices", "refunds", "vozvrat"}),
        (Where(sources=frozenset({"crawl"})), {"backups", "dns"}),
        (Where(statuses=frozenset({"draft"})), {"password"}),
        (Where(sources=frozenset({"crawl"}), doc_types=frozenset({"pricing"})), set()),
        (Where(), {one.document_id for one in CORPUS}),
    ],
)
def test_only_what_the_filter_admits_is_found(index: VectorIndex, where: Where, expected: set[str]) -> None:
    put(index, *CORPUS)

    found = index.search(embedder.embed_question("price of backups"), limit=10, where=where)

    assert set(documents(found)) == expected


def test_a_rare_kind_is_found_however_far_away_it_lies(index: VectorIndex) -> None:
    near = [passage(f"refund number{n}", document=f"near{n}") for n in range(150)]
    put(index, *near, passage("Полностью о другом.", document="far", doc_type="tos"))

    where = Where(doc_types=frozenset({"tos"}))

    assert documents(index.search(embedder.embed_question("refund"), limit=3, where=where)) == ["far"]


def test_named_passages_get_their_cosine_and_unknown_ones_are_left_out(index: VectorIndex) -> None:
    many = [passage(f"about subject{n} and thing{n % 7}", document=f"d{n}") for n in range(300)]
    put(index, *many)
    question = embedder.embed_question("subject7 and thing3")
    wanted = many[5:255]

    scores = index.score(question, [*(one.passage_id for one in wanted), "unknown:1:0", "d5:2:0", "d5:1:0"])

    vectors = embedder.embed_passages(wanted)
    expected = {one.passage_id: dot(question, vector) for one, vector in zip(wanted, vectors, strict=True)}
    assert scores == pytest.approx(expected, abs=1e-5)


def test_a_large_batch_is_stored_whole(index: VectorIndex) -> None:
    long = "Filling words that take room in a request. " * 60
    many = [passage(f"{long} number{n}", document=f"d{n // 100}", ordinal=n % 100) for n in range(1200)]

    put(index, *many)

    assert holds(index, *(Stored(document_id=f"d{n}", version=1, passages=100) for n in range(12)))
    index.forget("d3")
    until(lambda: len(list(index.stored())) == 11)


def test_writers_at_the_same_time_lose_nothing(opening: Opening) -> None:
    def write(number: int) -> None:
        index = opening()
        for version in (1, 2):
            put(index, passage(f"The office of {number}.", document=f"d{number}", version=version))
        index.forget(f"d{number}", keep_version=2)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(write, range(12)))

    expected = [Stored(document_id=f"d{number}", version=2, passages=1) for number in range(12)]
    until(lambda: holds(opening(), *expected))


def test_two_that_forget_the_same_document_at_once_both_succeed(opening: Opening) -> None:
    first = opening()
    put(first, *(replace(passage("The office."), ordinal=n) for n in range(150)))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: opening().forget("doc"), range(4)))

    until(lambda: holds(first))


def test_a_dropped_index_holds_nothing_and_can_be_begun_anew(index: VectorIndex, opening: Opening) -> None:
    put(index, *CORPUS)

    index.drop()
    index.drop()

    assert opening().search(embedder.embed_question("refund"), limit=5) == []
    assert list(opening().stored()) == []
    put(index, CORPUS[0])
    assert [one.passages for one in opening().stored()] == [1]


def test_an_index_that_never_was_is_dropped_without_a_word(index: VectorIndex) -> None:
    index.drop()

    assert list(index.stored()) == []
