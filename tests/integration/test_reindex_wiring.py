"""Which index is live: the record decides, the settings only begin it. Which embedders may be asked for."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import boto3
import pytest
from moto import mock_aws

from candor import wiring
from candor.errors import Invalid, Unavailable
from candor.indexing.generations import Generation
from candor.indexing.reindexing import Choice
from candor.settings import Model, Search
from candor.wiring.embedders import KnownEmbedders
from tests.doubles.openai import Mode, OpenAIDouble
from tests.doubles.tables import create_table

NAMES = ("OPENSEARCH_HOST", "PINECONE_HOST", "EMBEDDED_STORE", "EMBEDDING_MODEL", "MODEL_CACHE")


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[pytest.MonkeyPatch]:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    with mock_aws():
        for table in ("Documents", "Jobs", "Config"):
            monkeypatch.setenv(f"{table.upper()}_TABLE", create_table(f"{table}Table"))
        boto3.client("s3").create_bucket(Bucket="source")
        monkeypatch.setenv("SOURCE_BUCKET", "source")
        monkeypatch.setenv("INDEX_QUEUE_URL", boto3.client("sqs").create_queue(QueueName="i")["QueueUrl"])
        monkeypatch.setenv("EMBEDDED_STORE", str(tmp_path / "store"))
        yield monkeypatch


@pytest.fixture
def openai() -> Iterator[OpenAIDouble]:
    with OpenAIDouble(dimensions=96) as double:
        yield double


def deployed(aws: pytest.MonkeyPatch, **settings: str) -> None:
    """A new process, with other settings."""
    for builder in vars(wiring).values():
        if hasattr(builder, "cache_clear"):
            builder.cache_clear()
    for name, value in settings.items():
        aws.setenv(name, value)


def test_an_index_is_called_as_it_was_before_there_were_records(
    aws: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from candor.analysis import ANALYSER_VERSION

    live = wiring.shelves().for_writing().live.generation

    assert (live.words, live.vectors) == (f"words-{ANALYSER_VERSION}", "minilm-wordllama-1-384")
    generations = wiring.generations()
    assert generations is not None
    assert generations.read().live == live


def test_a_deploy_with_another_embedder_goes_on_with_the_index_there_is_and_health_says_so(
    aws: pytest.MonkeyPatch, openai: OpenAIDouble
) -> None:
    wiring.shelves().for_writing()

    deployed(aws, EMBEDDING_MODEL="large", EMBEDDING_BASE_URL=openai.base_url, EMBEDDING_DIMENSIONS="96")

    assert (wiring.embedder().name, wiring.embedder().dimensions) == ("minilm-wordllama-1", 384)
    sentence = wiring.health().report()["vectors"]
    assert "The settings name another embedder (large, 96 dimensions)" in sentence
    assert "POST /v1/admin/reindex" in sentence
    assert wiring.health().report()["search"] == "ok"


def test_an_index_chosen_against_the_settings_is_no_complaint_until_they_change(
    aws: pytest.MonkeyPatch, openai: OpenAIDouble
) -> None:
    chosen(wiring.shelves().for_writing().live.generation)

    deployed(aws)
    assert wiring.embedder().name == "minilm-1"
    assert wiring.health().report()["vectors"] == "ok"

    deployed(aws, EMBEDDING_MODEL="large", EMBEDDING_BASE_URL=openai.base_url)
    assert "another embedder" in wiring.health().report()["vectors"]


def chosen(first: Generation) -> None:
    generations = wiring.generations()
    assert generations is not None
    generations.start(
        replace(
            first,
            generation_id="2",
            vectors="minilm-1-384-g2",
            embedder="minilm",
            embedder_name="minilm-1",
            settings=wiring.shelves().default.wish,
            job_id="job",
        )
    )
    generations.switch("2", at=0.0)


def test_an_index_whose_embedder_is_of_another_version_is_searched_by_words_alone(
    aws: pytest.MonkeyPatch,
) -> None:
    first = wiring.shelves().default
    generations = wiring.generations()
    assert generations is not None
    generations.settle(replace(first, embedder_name="minilm-wordllama-0", vectors="minilm-wordllama-0-384"))

    with pytest.raises(Unavailable, match="no longer brings"):
        wiring.embedder().embed_question("why?")
    assert "POST /v1/admin/reindex" in wiring.health().report()["vectors"]


def test_an_index_made_by_a_model_nobody_can_ask_any_more_says_what_it_takes(aws: pytest.MonkeyPatch) -> None:
    generations = wiring.generations()
    assert generations is not None
    generations.settle(
        replace(wiring.shelves().default, embedder="large", embedder_name="large", dimensions=96)
    )

    with pytest.raises(Unavailable, match="OPENAI_API_KEY"):
        wiring.embedder().embed_question("why?")


def test_without_the_table_the_settings_decide(aws: pytest.MonkeyPatch) -> None:
    aws.delenv("CONFIG_TABLE")

    assert wiring.shelves().for_writing().live.generation.embedder == "embedded"


EMBEDDED = Search(embedded_store="store")


@pytest.mark.parametrize(
    ("asked", "choice"),
    [
        (None, ("embedded", "minilm-wordllama-1", 384)),
        ("wordllama", ("wordllama", "wordllama-1", 256)),
    ],
)
def test_the_embedded_embedder_and_its_parts_can_be_asked_for(
    tmp_path: Path, asked: str | None, choice: tuple[str, str, int]
) -> None:
    known = KnownEmbedders(Search(embedded_store=str(tmp_path)), Model())

    name, its_name, dimensions = choice
    assert known.choose(asked, None) == Choice(embedder=name, name=its_name, dimensions=dimensions)


def test_a_part_of_the_embedded_embedder_has_one_length(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="256 dimensions and no others"):
        KnownEmbedders(Search(embedded_store=str(tmp_path)), Model()).choose("wordllama", 100)


def test_a_name_nobody_knows_is_answered_with_those_that_can_be_asked_for() -> None:
    with pytest.raises(Invalid, match=r"'embedded', 'minilm', 'wordllama'.*OPENAI_API_KEY"):
        KnownEmbedders(EMBEDDED, Model()).choose("large", None)
    with pytest.raises(Invalid, match="OPENAI_API_KEY or EMBEDDING_BASE_URL"):
        KnownEmbedders(Search(), Model()).choose(None, None)
    with pytest.raises(Invalid, match="cannot be used here"):
        KnownEmbedders(Search(), Model(openai_api_key="sk")).choose("minilm", None)


def test_a_models_dimensions_are_measured(openai: OpenAIDouble) -> None:
    known = KnownEmbedders(Search(embedding_base_url=openai.base_url), Model())

    assert known.choose("BGE/large.en", None) == Choice(
        embedder="BGE/large.en", name="bge-large-en", dimensions=96
    )


def test_a_model_that_gives_other_dimensions_than_asked_for_is_refused(openai: OpenAIDouble) -> None:
    known = KnownEmbedders(Search(embedding_base_url=openai.base_url), Model())

    with pytest.raises(Invalid, match="gives 96 dimensions, not 100"):
        known.choose("large", 100)


def test_a_model_that_can_be_shortened_is_asked_for_that_length(openai: OpenAIDouble) -> None:
    known = KnownEmbedders(Search(embedding_base_url=openai.base_url), Model())
    openai.accepts_dimensions = False

    with pytest.raises(Invalid, match="answered 400"):
        known.choose("text-embedding-3-small", 32)


def test_the_settings_own_model_is_held_to_the_settings_dimensions(openai: OpenAIDouble) -> None:
    search = Search(embedding_base_url=openai.base_url, embedding_model="large", embedding_dimensions=1536)

    with pytest.raises(Invalid, match="EMBEDDING_DIMENSIONS"):
        KnownEmbedders(search, Model()).choose(None, None)


def test_a_server_that_does_not_answer_is_told_from_a_model_it_does_not_have(openai: OpenAIDouble) -> None:
    known = KnownEmbedders(Search(embedding_base_url=openai.base_url), Model())
    openai.mode = Mode.DOWN

    with pytest.raises(Unavailable, match="503"):
        known.choose("large", None)


def test_a_question_a_part_has_been_asked_is_embedded_once(tmp_path: Path) -> None:
    from candor.adapters.embedded_embedder import PartEmbedder

    part = PartEmbedder("wordllama", tmp_path)

    first = part.embed_question("Wo ist meine Rechnung?")

    assert part.embed_question("Wo ist meine Rechnung?") is first
    assert len(first) == part.dimensions == 256


def test_where_search_is_by_words_alone_they_can_be_built_anew() -> None:
    known = KnownEmbedders(Search(opensearch_host="http://127.0.0.1:9"), Model())

    assert known.choose(None, None) == Choice(embedder="none", name="none", dimensions=1)
