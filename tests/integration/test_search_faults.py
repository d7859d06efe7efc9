"""Engines on bad days: what an adapter promises when the network or the service does not keep its own."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from candor.adapters.memory_search import HashEmbedder
from candor.adapters.opensearch import OpenSearchKeywords, OpenSearchVectors
from candor.adapters.opensearch_client import BULK_BYTES, BULK_PASSAGES, OpenSearchEndpoint
from candor.adapters.pinecone import PineconeVectors
from candor.errors import Invalid, Unavailable
from candor.search import Where
from tests.doubles.loopback import Loopback, Reply, Request
from tests.doubles.passages import CORPUS, passage
from tests.doubles.pinecone import Fail, PineconeDouble

DIMENSIONS = 64
embedder = HashEmbedder(DIMENSIONS)


class Engine(Loopback):
    """Takes everything an OpenSearch would, keeps nothing, and can be told what to answer."""

    def __init__(self) -> None:
        super().__init__()
        self.answers: Callable[[Request], Reply | None] = lambda request: None

    def reply(self, request: Request) -> Reply:
        if answer := self.answers(request):
            return answer
        if request.method == "HEAD":
            return Reply(status=200)
        if request.path.endswith("/_bulk"):
            return Reply(body={"errors": False, "items": []})
        return Reply(body={"hits": {"hits": [], "total": {"value": 0}}})

    def bulks(self) -> list[Request]:
        return [request for request in self.requests if request.path.endswith("/_bulk")]


@pytest.fixture
def engine() -> Iterator[Engine]:
    with Engine() as server:
        yield server


@pytest.fixture
def words(engine: Engine) -> Iterator[OpenSearchKeywords]:
    index = OpenSearchKeywords(OpenSearchEndpoint(url=engine.url, timeout_seconds=10), index_name="words")
    with closing(index):
        yield index


@pytest.fixture
def pinecone() -> Iterator[PineconeDouble]:
    with PineconeDouble(dimensions=DIMENSIONS) as server:
        yield server


def pinecone_vectors(pinecone: PineconeDouble, *, timeout_seconds: float) -> PineconeVectors:
    return PineconeVectors(
        host=pinecone.url,
        api_key=pinecone.api_key,
        namespace="candor",
        dimensions=DIMENSIONS,
        timeout_seconds=timeout_seconds,
    )


@pytest.fixture
def vectors(pinecone: PineconeDouble) -> Iterator[PineconeVectors]:
    with closing(pinecone_vectors(pinecone, timeout_seconds=10)) as index:
        yield index


BAD_ANSWERS = {
    "overloaded": Reply(status=503, body={}),
    "throttled": Reply(
        status=429, body={"error": {"type": "es_rejected_execution_exception"}, "status": 429}
    ),
    "forbidden": Reply(status=403, body={"message": "no permissions"}),
    "hanging": Reply(body={}, delay=60.0),
    "cut off": Reply(body={"hits": {"hits": []}}, cut=True),
    "not JSON": Reply(body=b"<html>", headers={"Content-Type": "text/html"}),
}


@pytest.mark.parametrize("kind", BAD_ANSWERS)
def test_an_opensearch_in_trouble_is_unavailable_in_time(engine: Engine, kind: str) -> None:
    engine.answers = lambda request: BAD_ANSWERS[kind]
    words = OpenSearchKeywords(OpenSearchEndpoint(url=engine.url, timeout_seconds=0.4), index_name="words")

    for call in (
        lambda: words.search("refund", limit=3),
        lambda: words.score("refund", ["doc:1:0"]),
        lambda: list(words.stored()),
        lambda: words.forget("doc"),
        lambda: words.put(CORPUS),
    ):
        before = len(engine.requests)
        with pytest.raises(Unavailable):
            call()
        assert len(engine.requests) - before <= 4, "tried again and again"

    words.close()
    assert engine.sat_out == 0


def test_a_question_is_never_quoted_in_an_error(engine: Engine, words: OpenSearchKeywords) -> None:
    reason = {"type": "parse_exception", "reason": "cannot parse 'my password is hunter2'"}
    engine.answers = lambda request: Reply(status=400, body={"error": reason, "status": 400})

    with pytest.raises(Unavailable) as raised:
        words.search("my password is hunter2", limit=3)

    assert "hunter2" not in str(raised.value)


def test_nobody_listening_is_unavailable() -> None:
    endpoint = OpenSearchEndpoint(url="http://127.0.0.1:9", timeout_seconds=1.0)
    vectors = PineconeVectors(
        host="http://127.0.0.1:9", api_key="key", namespace="", dimensions=DIMENSIONS, timeout_seconds=0.5
    )

    with closing(OpenSearchKeywords(endpoint, index_name="words")) as words, pytest.raises(Unavailable):
        words.search("refund", limit=3)
    with closing(vectors), pytest.raises(Unavailable):
        vectors.search(embedder.embed_question("refund"), limit=3)


def test_one_hiccup_of_a_gateway_is_not_noticed(engine: Engine, words: OpenSearchKeywords) -> None:
    engine.answers = lambda request: Reply(status=502, body={}) if len(engine.requests) == 1 else None

    assert words.search("refund", limit=3) == []


def test_a_passage_the_engine_is_too_busy_for_is_worth_another_try(
    engine: Engine, words: OpenSearchKeywords
) -> None:
    engine.answers = _bulk_item({"status": 429, "error": {"type": "rejected_execution_exception"}})

    with pytest.raises(Unavailable):
        words.put(CORPUS)


def test_a_passage_the_engine_refuses_will_be_refused_again(
    engine: Engine, words: OpenSearchKeywords
) -> None:
    engine.answers = _bulk_item(
        {"_id": "a:1:0", "status": 400, "error": {"type": "mapper_parsing_exception"}}
    )

    with pytest.raises(Invalid, match="a:1:0"):
        words.put(CORPUS)


def test_an_index_that_two_create_at_once_is_there_for_both(
    engine: Engine, words: OpenSearchKeywords
) -> None:
    exists = {"type": "resource_already_exists_exception", "reason": "index exists"}

    def answers(request: Request) -> Reply | None:
        if request.method == "HEAD":
            return Reply(status=404)
        if request.method == "PUT":
            return Reply(status=400, body={"error": exists, "status": 400})
        return None

    engine.answers = answers

    words.put(CORPUS)

    assert len(engine.bulks()) == 1


@pytest.mark.slow
def test_bulk_requests_stay_small_and_only_the_last_refreshes(
    engine: Engine, words: OpenSearchKeywords
) -> None:
    words.put([passage("Слова що займають місце. " * 300, document=f"d{number}") for number in range(700)])

    assert len(engine.bulks()) > 2
    assert max(len(request.body) for request in engine.bulks()) <= BULK_BYTES
    assert max(request.body.count(b"\n") // 2 for request in engine.bulks()) <= BULK_PASSAGES
    assert sum(request.body.count(b"\n") // 2 for request in engine.bulks()) == 700
    assert [request.query.get("refresh") for request in engine.bulks()][-2:] == [None, ["true"]]


@pytest.mark.parametrize("service", ["es", "aoss"])
def test_requests_to_aws_are_signed_for_the_right_service(engine: Engine, service: Any) -> None:
    endpoint = OpenSearchEndpoint(url=engine.url, region="eu-central-1", service=service, timeout_seconds=10)

    with closing(OpenSearchKeywords(endpoint, index_name="words")) as words:
        words.search("refund", limit=3)
        words.put(CORPUS)

    for request in engine.requests:
        signature = request.headers["authorization"]
        assert signature.startswith("AWS4-HMAC-SHA256 Credential=test/")
        assert f"/eu-central-1/{service}/aws4_request" in signature
        assert "x-amz-content-sha256" in request.headers


def test_a_collection_without_refresh_and_delete_by_query_is_not_asked_for_either(engine: Engine) -> None:
    """OpenSearch Serverless answers both with an error."""
    rows = [{"_id": f"doc:1:{n}", "sort": [f"doc:1:{n}"]} for n in range(3)]

    def answers(request: Request) -> Reply | None:
        if request.method == "HEAD":
            return Reply(status=404)
        is_first = request.path.endswith("/_search") and b"search_after" not in request.body
        return Reply(body={"hits": {"hits": rows}}) if is_first else None

    engine.answers = answers
    endpoint = OpenSearchEndpoint(url=engine.url, region="eu-central-1", service="aoss", timeout_seconds=10)

    with closing(OpenSearchKeywords(endpoint, index_name="words")) as words:
        words.put(CORPUS)
        words.forget("doc")

    asked = " ".join(f"{request.path} {request.query}" for request in engine.requests)
    created = next(request for request in engine.requests if request.method == "PUT")
    deleted = [json.loads(line)["delete"]["_id"] for line in engine.bulks()[-1].body.splitlines()]
    assert "refresh" not in asked
    assert "_delete_by_query" not in asked
    assert "number_of_shards" not in created.body.decode()
    assert deleted == ["doc:1:0", "doc:1:1", "doc:1:2"]


def test_vectors_are_not_kept_where_ids_of_ours_are_refused(engine: Engine) -> None:
    endpoint = OpenSearchEndpoint(url=engine.url, region="eu-central-1", service="aoss")

    with pytest.raises(Invalid, match="Serverless"):
        OpenSearchVectors(endpoint, index_name="vectors", dimensions=DIMENSIONS)


def test_a_user_and_a_password_are_sent_when_given(engine: Engine) -> None:
    endpoint = OpenSearchEndpoint(url=engine.url, user="candor", password="s3cret")

    with closing(OpenSearchKeywords(endpoint, index_name="words")) as words:
        words.search("refund", limit=3)

    assert engine.requests[0].headers["authorization"].startswith("Basic ")


@pytest.mark.parametrize(
    ("given", "reached"),
    [
        (
            "search-candor.eu-central-1.es.amazonaws.com",
            "https://search-candor.eu-central-1.es.amazonaws.com",
        ),
        ("localhost:9200", "http://localhost:9200"),
        ("http://opensearch:9200", "http://opensearch:9200"),
    ],
)
def test_a_host_alone_is_reached_safely(given: str, reached: str) -> None:
    assert OpenSearchEndpoint(url=given).absolute_url == reached


@pytest.mark.parametrize(
    "wrong", [{"url": "ftp://x.example"}, {"url": ""}, {"url": "https://x.example", "service": "es"}]
)
def test_an_endpoint_that_cannot_be_meant_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        OpenSearchEndpoint(**wrong)


@pytest.mark.slow
@pytest.mark.parametrize("fail", [503, 500, 429, 401, 404, "slow"])
def test_a_pinecone_in_trouble_is_unavailable_in_time(
    pinecone: PineconeDouble, fail: int | str, monkeypatch: pytest.MonkeyPatch
) -> None:
    naps: list[float] = []
    monkeypatch.setattr("pinecone._internal.http_client._retry_sleep", naps.append)
    question = embedder.embed_question("refund")
    vectors = pinecone_vectors(pinecone, timeout_seconds=0.4)
    pinecone.fail = (
        Fail(verb="*", times=99, delay=60.0)
        if fail == "slow"
        else Fail(verb="*", times=99, status=int(fail), retry_after="3600")
    )

    for call in (
        lambda: vectors.search(question, limit=3),
        lambda: vectors.score(question, ["doc:1:0"]),
        lambda: vectors.confirmed("doc", 1, 1),
        lambda: vectors.forget("doc"),
        lambda: list(vectors.stored()),
    ):
        before = len(pinecone.requests)
        with pytest.raises(Unavailable):
            call()
        assert len(pinecone.requests) - before <= 2, "more than one retry"

    vectors.close()
    assert len(naps) == (0 if fail in (401, 404) else 5)
    assert max(naps, default=0) <= 1, "soon, whatever Retry-After says"
    assert pinecone.sat_out == 0


def test_one_hiccup_of_pinecone_is_not_noticed(pinecone: PineconeDouble, vectors: PineconeVectors) -> None:
    vectors.put(CORPUS, embedder.embed_passages(CORPUS))
    pinecone.fail = Fail(verb="query", status=503)

    assert len(vectors.search(embedder.embed_question("refund"), limit=3)) == 3


def test_an_upsert_whose_answer_was_lost_is_not_stored_twice(
    pinecone: PineconeDouble, vectors: PineconeVectors
) -> None:
    pinecone.fail = Fail(verb="upsert", status=503, lost=True)

    vectors.put(CORPUS, embedder.embed_passages(CORPUS))

    assert len(list(vectors.stored())) == len(CORPUS)
    assert pinecone.count("upsert") == 2


def test_what_pinecone_can_never_take_is_said_before_it_is_asked(
    pinecone: PineconeDouble, vectors: PineconeVectors
) -> None:
    too_long = passage("long " * 9000, document="a")
    not_ascii = passage("short", document="документ")

    for wrong in (too_long, not_ascii):
        with pytest.raises(Invalid):
            vectors.put([wrong], embedder.embed_passages([wrong]))

    assert pinecone.requests == []


def test_pinecone_is_asked_in_requests_it_takes(pinecone: PineconeDouble, vectors: PineconeVectors) -> None:
    many = [passage("слово " * 500, document=f"d{n}") for n in range(1300)]

    vectors.put(many, embedder.embed_passages(many))
    scores = vectors.score(embedder.embed_question("слово"), [one.passage_id for one in many])
    vectors.search(embedder.embed_question("слово"), limit=50_000, where=Where(doc_types=frozenset({"none"})))

    assert len(scores) == 1300
    assert len(list(vectors.stored())) == 1300


def test_what_is_in_a_namespace_of_others_is_not_ours(
    pinecone: PineconeDouble, vectors: PineconeVectors
) -> None:
    other = PineconeVectors(
        host=pinecone.url, api_key=pinecone.api_key, namespace="other", dimensions=DIMENSIONS
    )
    with closing(other):
        other.put(CORPUS, embedder.embed_passages(CORPUS))

    assert vectors.search(embedder.embed_question("refund"), limit=3) == []
    assert list(vectors.stored()) == []


def test_no_library_is_loaded_before_it_is_needed() -> None:
    """A Lambda pays for each import at its cold start: 250 ms, 330 ms and 640 ms for these three."""
    program = (
        "import sys\n"
        "import candor.adapters.opensearch, candor.adapters.pinecone, candor.adapters.openai_embeddings\n"
        "from candor.adapters.opensearch_client import OpenSearchEndpoint\n"
        "endpoint = OpenSearchEndpoint(url='http://127.0.0.1:9')\n"
        "candor.adapters.opensearch.OpenSearchKeywords(endpoint, index_name='a')\n"
        "candor.adapters.openai_embeddings.OpenAIEmbeddings(model='m', dimensions=1, api_key='k')\n"
        "candor.adapters.pinecone.PineconeVectors(host='h', api_key='k', namespace='', dimensions=1)\n"
        "libraries = {'opensearchpy', 'pinecone', 'openai', 'botocore', 'httpx', 'requests'}\n"
        "print(sorted(libraries & set(sys.modules)))\n"
    )
    core = Path(__file__).parents[2] / "layers" / "core"

    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(core)},
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.strip() == "[]"


def _bulk_item(row: dict[str, Any]) -> Callable[[Request], Reply | None]:
    def answers(request: Request) -> Reply | None:
        if request.path.endswith("/_bulk"):
            return Reply(body={"errors": True, "items": [{"index": {"status": 201}}, {"index": row}]})
        return None

    return answers
