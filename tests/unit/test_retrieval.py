import threading
from collections.abc import Iterable, Mapping, Sequence

import pytest

from candor.adapters.memory_search import MemoryKeywords, MemoryVectors
from candor.errors import Unavailable
from candor.retrieval import Retrieval, fuse
from candor.search import ANYTHING, Hit, Passage, Vector, Where
from tests.doubles.passages import passage

_AXES = ("password", "refund", "server", "weather")


class OneAxisAWord:
    """An `Embedder` one can compute by hand: a dimension for each of four words, and one for none."""

    name = "axes"
    dimensions = len(_AXES) + 1

    def embed_passages(self, passages: Sequence[Passage]) -> list[Vector]:
        return [self.embed_question(passage.text) for passage in passages]

    def embed_question(self, question: str) -> Vector:
        vector = [float(word in question.lower()) for word in _AXES]
        vector.append(float(not any(vector)))
        length = sum(value * value for value in vector) ** 0.5
        return [value / length for value in vector]


class Served:
    """A `Truth` of a fixed table, that remembers how often it was asked."""

    def __init__(self, **versions: int) -> None:
        self.versions = versions
        self.asked = 0

    def served_versions(self, document_ids: Iterable[str]) -> Mapping[str, int]:
        self.asked += 1
        return {id_: self.versions[id_] for id_ in document_ids if id_ in self.versions}


class Hanging(MemoryKeywords):
    """Answers when it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.let_go = threading.Event()

    def search(self, question: str, *, limit: int, where: Where = ANYTHING) -> list[Hit]:
        self.let_go.wait(60)
        return super().search(question, limit=limit, where=where)


PASSAGES = (
    passage("Change the password in your account.", document="a", title="Password"),
    passage("A refund takes five days.", document="b", doc_type="policy"),
    passage("The server restarts at night.", document="c"),
)


class World:
    def __init__(
        self, passages: Sequence[Passage] = PASSAGES, keywords: MemoryKeywords | None = None
    ) -> None:
        self.keywords = keywords or MemoryKeywords()
        self.vectors = MemoryVectors()
        self.truth = Served(**{passage.document_id: 1 for passage in passages})
        embedder = OneAxisAWord()
        self.keywords.put(passages)
        self.vectors.put(passages, embedder.embed_passages(passages))
        self.retrieval = Retrieval(
            keywords=self.keywords, vectors=self.vectors, embedder=embedder, truth=self.truth
        )

    def documents(self, question: str, **named: object) -> list[str]:
        found = self.retrieval.find(question, **named)  # type: ignore[arg-type]
        return [hit.passage.document_id for hit in found.hits]


def test_what_both_indexes_prefer_comes_first_with_both_scores() -> None:
    found = World().retrieval.find("How do I change my password?")

    best = found.hits[0]
    assert best.passage.document_id == "a"
    assert best.score == pytest.approx(1.0)
    assert best.cosine == pytest.approx(1.0)
    assert best.bm25
    assert found.degraded == ()
    assert found.best_cosine == pytest.approx(1.0)
    assert found.coverage == pytest.approx(1.0)
    assert found.timings_ms["total"] >= found.timings_ms["truth"]


def test_without_vectors_words_alone_answer_and_it_says_so() -> None:
    world = World()
    world.vectors.down = True

    found = world.retrieval.find("refund")

    assert [hit.passage.document_id for hit in found.hits] == ["b"]
    assert found.degraded == ("vectors",)
    assert found.hits[0].cosine is None
    assert found.best_cosine is None


def test_without_words_meaning_alone_answers_and_it_says_so() -> None:
    world = World()
    world.keywords.down = True

    found = world.retrieval.find("refund")

    assert found.hits[0].passage.document_id == "b"
    assert found.hits[0].bm25 is None
    assert found.degraded == ("keywords",)


def test_with_both_gone_search_is_unavailable() -> None:
    world = World()
    world.keywords.down = world.vectors.down = True

    with pytest.raises(Unavailable):
        world.retrieval.find("refund")


def test_an_index_that_is_late_is_not_waited_for() -> None:
    hanging = Hanging()
    world = World(keywords=hanging)

    found = world.retrieval.find("refund", deadline_seconds=2.0)
    hanging.let_go.set()

    # Had it been waited for, its words would have been found with the others.
    assert found.degraded == ("keywords",)
    assert found.hits[0].passage.document_id == "b"


def test_what_the_truth_no_longer_serves_is_not_found() -> None:
    world = World([*PASSAGES, passage("Old: change the password by fax.", document="old")])
    world.truth.versions["old"] = 2
    del world.truth.versions["c"]

    documents = world.documents("password server")

    assert "old" not in documents
    assert "c" not in documents
    assert world.truth.asked == 1


def test_enough_remain_when_many_of_the_best_are_stale() -> None:
    stale = [passage("password " * 3, document=f"stale{n}") for n in range(40)]
    fresh = [passage("password and other words", document=f"fresh{n}") for n in range(8)]
    world = World([*stale, *fresh])
    world.truth.versions = {one.document_id: 1 for one in fresh}

    assert len(world.documents("password", limit=8)) == 8


def test_only_passages_of_the_asked_kind_are_found() -> None:
    assert World().documents("refund password", where=Where(doc_types=frozenset({"policy"}))) == ["b"]


def test_no_more_than_the_limit_are_found_and_an_empty_index_finds_nothing() -> None:
    assert len(World().documents("password refund server", limit=2)) == 2
    empty = World([]).retrieval.find("password")
    assert (empty.hits, empty.best_cosine, empty.coverage, empty.degraded) == ((), None, 0.0, ())


def test_a_question_that_points_back_is_read_with_the_turn_before() -> None:
    world = World()

    assert world.documents("How long does it take?", previous="I want a refund")[0] == "b"


def test_a_question_that_stands_alone_is_not_drowned_by_the_turn_before() -> None:
    world = World()

    assert world.documents("Where do I change the account password?", previous="I want a refund")[0] == "a"


def test_coverage_is_the_share_of_words_the_best_hits_hold() -> None:
    found = World().retrieval.find("change password zeppelin unicorn")

    assert found.coverage == pytest.approx(0.5)


def test_fusion_weighs_words_by_their_share_and_nearness_by_its_distance() -> None:
    fused = fuse(
        ["x", "y", "z"],
        bm25={"x": 10.0, "y": 5.0},
        cosine={"x": 0.2, "y": 0.7, "z": 0.45},
        vector_weight=0.6,
    )

    assert list(fused) == ["y", "z", "x"]
    assert fused == pytest.approx(
        {"y": 0.6 + 0.4 / 2, "z": 0.6 * (1 - 0.25 / 0.3), "x": 0.6 * (1 - 0.5 / 0.3) + 0.4}
    )


def test_fusion_does_not_make_an_opinion_of_noise() -> None:
    fused = fuse(["x", "y"], bm25={"x": 8.0}, cosine={"x": 0.01, "y": 0.03})

    assert list(fused) == ["x", "y"]
