"""Reindexing over the engines themselves: the new index holds what the documents say, the old one is gone."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from candor.adapters.embedded_keywords import EmbeddedKeywords
from candor.adapters.embedded_vectors import EmbeddedVectors
from candor.adapters.memory_search import HashEmbedder, MemoryKeywords
from candor.adapters.opensearch import OpenSearchKeywords, OpenSearchVectors
from candor.adapters.opensearch_client import OpenSearchEndpoint
from candor.adapters.pinecone import PineconeVectors
from candor.indexing.generations import Generation
from candor.indexing.shelves import Shelf
from candor.search import KeywordIndex, VectorIndex
from tests.doubles.library import Library
from tests.doubles.pinecone import PineconeDouble
from tests.waiting import until

Engines = Callable[[Generation], tuple[KeywordIndex, VectorIndex]]

PINECONE_DIMENSIONS = 64
"""Of every vector in one of its indexes, whoever made it."""

_numbers = itertools.count()


@pytest.fixture(params=["embedded", "pinecone", pytest.param("opensearch_2", marks=pytest.mark.slow)])
def library(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Library]:
    with ExitStack() as stack:
        library = Library()
        library.embedders["new"] = HashEmbedder(PINECONE_DIMENSIONS)  # type: ignore[assignment]
        engines = _engines(request, tmp_path, stack)
        opened: dict[Generation, Shelf] = {}

        def open_(generation: Generation) -> Shelf:
            if generation not in opened:
                keywords, vectors = engines(generation)
                opened[generation] = Shelf(
                    generation=generation,
                    keywords=keywords,
                    vectors=vectors,
                    embedder=library.embedders[generation.embedder],
                )
            return opened[generation]

        library.opens = open_
        yield library


def _engines(request: pytest.FixtureRequest, folder: Path, stack: ExitStack) -> Engines:
    if request.param == "embedded":
        return lambda made: (
            EmbeddedKeywords(folder / made.words),
            EmbeddedVectors(folder / made.vectors, made.dimensions),
        )
    if request.param == "pinecone":
        server = stack.enter_context(PineconeDouble(dimensions=PINECONE_DIMENSIONS))
        server.lag = 0.05
        words: dict[str, MemoryKeywords] = {}

        def pinecone(made: Generation) -> tuple[KeywordIndex, VectorIndex]:
            vectors = PineconeVectors(
                host=server.url,
                api_key=server.api_key,
                namespace=made.vectors,
                dimensions=made.dimensions,
            )
            stack.callback(vectors.close)
            return words.setdefault(made.words, MemoryKeywords()), vectors

        return pinecone
    endpoint = OpenSearchEndpoint(url=request.getfixturevalue(request.param), timeout_seconds=10)
    prefix = f"reindex-{next(_numbers)}"

    def opensearch(made: Generation) -> tuple[KeywordIndex, VectorIndex]:
        keywords = OpenSearchKeywords(endpoint, index_name=f"{prefix}-{made.words}")
        vectors = OpenSearchVectors(
            endpoint, index_name=f"{prefix}-vectors-{made.vectors}", dimensions=made.dimensions
        )
        stack.callback(keywords.close)
        stack.callback(vectors.close)
        return keywords, vectors

    return opensearch


def held(index: KeywordIndex | VectorIndex) -> dict[str, tuple[int, int]]:
    return {one.document_id: (one.version, one.passages) for one in index.stored()}


def test_both_halves_are_built_beside_and_the_old_ones_are_removed(library: Library) -> None:
    library.filled(7)
    old = library.open(library.live())
    library.analyser = "2"
    job = library.new_reindexing().begin(embedder="new", dimensions=None, created_by="ada")
    library.put(2, "A changed text about matter 2.")
    library.documents.delete(next(row.document_id for row in library.documents.all() if "/5" in row.url))

    library.work()

    assert library.jobs.get(job.job_id).status == "succeeded"
    live = library.open(library.live())
    expected = {
        row.document_id: (row.served_version, row.chunks_count)
        for row in library.documents.all()
        if not row.deleted
    }
    assert len(expected) == 6
    assert held(live.keywords) == expected
    until(lambda: held(live.vectors) == expected)
    found = library.retrieval().find("matter 3 hosting")
    assert (found.hits[0].passage.title, found.generation, found.degraded) == ("Page 3", "2", ())
    assert held(old.keywords) == held(old.vectors) == {}
