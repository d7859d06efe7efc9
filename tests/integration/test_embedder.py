"""The embedder: one suite of claims over every model that stands behind the port, and OpenAI's bad days."""

import math
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from candor.adapters.embedded_embedder import EmbeddedEmbedder
from candor.adapters.memory_search import HashEmbedder
from candor.adapters.openai_embeddings import OpenAIEmbeddings
from candor.errors import Unavailable
from candor.search import Embedder, Vector
from tests.doubles.openai import Mode, OpenAIDouble
from tests.doubles.passages import CORPUS, passage


@pytest.fixture
def openai() -> Iterator[OpenAIDouble]:
    with OpenAIDouble(dimensions=96) as server:
        yield server


def of(openai: OpenAIDouble, *, timeout_seconds: float) -> OpenAIEmbeddings:
    return OpenAIEmbeddings(
        model="Example/Embed-3_small",
        dimensions=96,
        api_key="key",
        base_url=openai.base_url,
        timeout_seconds=timeout_seconds,
        patience_seconds=30.0,
    )


@pytest.fixture
def remote(openai: OpenAIDouble) -> Iterator[OpenAIEmbeddings]:
    with closing(of(openai, timeout_seconds=10)) as embedder:
        yield embedder


@pytest.fixture(scope="session")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> EmbeddedEmbedder:
    return EmbeddedEmbedder(tmp_path_factory.mktemp("models"))


@pytest.fixture(params=["hash", pytest.param("embedded", marks=pytest.mark.slow), "openai"])
def embedder(request: pytest.FixtureRequest) -> Embedder:
    makers: dict[str, Callable[[], Embedder]] = {
        "hash": HashEmbedder,
        "embedded": lambda: request.getfixturevalue("embedded"),
        "openai": lambda: request.getfixturevalue("remote"),
    }
    return makers[request.param]()


def cosine(left: Vector, right: Vector) -> float:
    return float(sum(a * b for a, b in zip(left, right, strict=True)))


def test_each_passage_has_a_vector_of_length_one_in_its_place(embedder: Embedder) -> None:
    vectors = embedder.embed_passages(CORPUS)

    assert len(vectors) == len(CORPUS)
    assert {len(vector) for vector in vectors} == {embedder.dimensions}
    assert [math.sqrt(cosine(vector, vector)) for vector in vectors] == pytest.approx(
        [1.0] * len(CORPUS), abs=1e-4
    )
    alone = [embedder.embed_passages([one])[0] for one in CORPUS]
    assert min(cosine(a, b) for a, b in zip(vectors, alone, strict=True)) > 0.95


def test_a_question_is_nearest_to_the_passage_that_answers_it(embedder: Embedder) -> None:
    vectors = embedder.embed_passages(CORPUS)

    question = embedder.embed_question("How do I restore a backup of last night?")

    nearest = max(range(len(CORPUS)), key=lambda place: cosine(question, vectors[place]))
    assert CORPUS[nearest].document_id == "backups"


def test_the_title_counts(embedder: Embedder) -> None:
    plain, titled = embedder.embed_passages(
        [passage("It takes a day."), passage("It takes a day.", title="Refunds")]
    )

    question = embedder.embed_question("Refunds")

    assert cosine(question, titled) > cosine(question, plain)


def test_no_passages_have_no_vectors(embedder: Embedder) -> None:
    assert list(embedder.embed_passages([])) == []


@pytest.mark.parametrize("text", ["", " ", "?!", "🙂", "word " * 20_000])
def test_whatever_is_asked_has_a_vector(embedder: Embedder, text: str) -> None:
    vector = embedder.embed_question(text)

    assert len(vector) == embedder.dimensions
    assert all(math.isfinite(value) for value in vector)


def test_its_name_can_be_part_of_the_name_of_an_index(embedder: Embedder) -> None:
    assert embedder.name
    assert all(letter.isdigit() or letter == "-" or "a" <= letter <= "z" for letter in embedder.name)


def test_many_passages_go_in_requests_that_a_server_takes(
    openai: OpenAIDouble, remote: OpenAIEmbeddings
) -> None:
    openai.max_inputs, openai.max_tokens = 128, 60_000
    many = [passage("Filling words. " * 300 + str(number), document=f"d{number}") for number in range(300)]

    vectors = remote.embed_passages(many)

    assert len(vectors) == 300
    assert sum(len(texts) for texts in openai.embedded) == 300
    assert openai.embedded[0][0].startswith("Filling words.")


def test_dimensions_are_sent_only_where_asked_for(openai: OpenAIDouble, remote: OpenAIEmbeddings) -> None:
    openai.accepts_dimensions = False
    assert len(remote.embed_question("refund")) == 96
    openai.accepts_dimensions = True

    shorter = OpenAIEmbeddings(
        model="m", dimensions=32, api_key="key", base_url=openai.base_url, shorten=True
    )

    with closing(shorter):
        assert len(shorter.embed_question("refund")) == 32


def test_a_model_of_another_length_is_told_so(openai: OpenAIDouble, remote: OpenAIEmbeddings) -> None:
    openai.dimensions = 64

    with pytest.raises(Unavailable, match="64 dimensions, not 96"):
        remote.embed_question("refund")


def test_passages_wait_for_a_busy_server(openai: OpenAIDouble, remote: OpenAIEmbeddings) -> None:
    openai.mode, openai.failures = Mode.LIMITED, 2

    assert len(remote.embed_passages(CORPUS)) == len(CORPUS)
    assert len(openai.requests) == 3


def test_a_question_survives_one_hiccup(openai: OpenAIDouble, remote: OpenAIEmbeddings) -> None:
    openai.mode, openai.failures = Mode.CUT, 1

    assert len(remote.embed_question("refund")) == 96


@pytest.mark.parametrize("mode", [Mode.DOWN, Mode.SLOW, Mode.LIMITED, Mode.CUT, Mode.GARBLED, Mode.FORBIDDEN])
def test_a_question_does_not_wait_longer_than_it_may(openai: OpenAIDouble, mode: Mode) -> None:
    openai.mode, openai.delay = mode, 60.0

    with closing(of(openai, timeout_seconds=0.6)) as hasty, pytest.raises(Unavailable):
        hasty.embed_question("refund")

    assert openai.sat_out == 0


def test_a_wrong_key_is_not_tried_twice(openai: OpenAIDouble, remote: OpenAIEmbeddings) -> None:
    openai.mode = Mode.FORBIDDEN

    with pytest.raises(Unavailable, match="401"):
        remote.embed_passages(CORPUS)

    assert len(openai.requests) == 1


def test_an_hour_asked_for_is_not_waited_but_passed_on(
    openai: OpenAIDouble, remote: OpenAIEmbeddings
) -> None:
    openai.mode, openai.retry_after = Mode.LIMITED, "120"

    with pytest.raises(Unavailable) as raised:
        remote.embed_passages(CORPUS)

    assert raised.value.retry_after == 120
    assert len(openai.requests) == 1


def test_nobody_listening_is_unavailable() -> None:
    embedder = OpenAIEmbeddings(
        model="m", dimensions=8, api_key="key", base_url="http://127.0.0.1:9/v1", timeout_seconds=0.3
    )

    with closing(embedder), pytest.raises(Unavailable):
        embedder.embed_question("refund")
