"""Wiring of search: the index that is live, the one being built, and what keeps them true."""

from functools import cache
from typing import TYPE_CHECKING

from candor import settings
from candor.wiring import engines
from candor.wiring.environment import environment, stores
from candor.wiring.knowledge import documents, index_queue, ingesting, jobs, objects, source_queue

if TYPE_CHECKING:
    from candor.indexing.building import IndexBuilding
    from candor.indexing.generations import Generations
    from candor.indexing.live import LiveIndexing
    from candor.indexing.reconciling import LiveReconciling
    from candor.indexing.reindexing import Reindexing
    from candor.indexing.shelves import Shelves
    from candor.retrieval import LiveRetrieval
    from candor.search import Embedder, KeywordIndex, VectorIndex


@cache
def search_settings() -> settings.Search:
    return settings.Search.read(environment())


@cache
def model_settings() -> settings.Model:
    return settings.Model.read(environment())


@cache
def generations() -> "Generations | None":
    """Where it stands which index is live; None for a function that was not given the table."""
    if not stores().config_table:
        return None
    from candor.adapters.dynamodb_generations import DynamoGenerations

    return DynamoGenerations(stores().config_table or "")


@cache
def shelves() -> "Shelves":
    from candor.indexing.shelves import Shelves

    search, model = search_settings(), model_settings()
    return Shelves(
        generations=generations(),
        default=engines.default_generation(search, model),
        open=lambda generation: engines.shelf(search, model, generation),
        recordable=engines.is_complete(search, model),
    )


def keywords() -> "KeywordIndex":
    """The live index's, at this moment."""
    return shelves().live().keywords


def vectors() -> "VectorIndex":
    """The live index's, at this moment."""
    return shelves().live().vectors


def embedder() -> "Embedder":
    """The live index's, at this moment."""
    return shelves().live().embedder


@cache
def retrieval() -> "LiveRetrieval":
    from candor.retrieval import LiveRetrieval

    return LiveRetrieval(shelves=shelves(), truth=documents())


@cache
def indexing() -> "LiveIndexing":
    from candor.indexing.live import LiveIndexing

    return LiveIndexing(documents=documents(), shelves=shelves())


@cache
def index_building() -> "IndexBuilding":
    from candor.indexing.building import IndexBuilding

    return IndexBuilding(
        documents=documents(),
        generations=_recorded(),
        shelves=shelves(),
        jobs=jobs(),
        index_queue=index_queue(),
    )


@cache
def reindexing() -> "Reindexing":
    from candor.analysis import ANALYSER_VERSION
    from candor.indexing.reindexing import Reindexing
    from candor.wiring.embedders import KnownEmbedders

    return Reindexing(
        generations=_recorded(),
        shelves=shelves(),
        embedders=KnownEmbedders(search_settings(), model_settings()),
        building=index_building(),
        jobs=jobs(),
        analyser=ANALYSER_VERSION,
    )


def _recorded() -> "Generations":
    settings.need(stores().config_table, "CONFIG_TABLE")
    recorded = generations()
    assert recorded is not None
    return recorded


@cache
def reconciling() -> "LiveReconciling":
    from candor.indexing.reconciling import LiveReconciling, Reconciling

    def over(keywords: "KeywordIndex", vectors: "VectorIndex | None") -> Reconciling:
        return Reconciling(
            documents=documents(),
            keywords=keywords,
            vectors=vectors,
            index_queue=index_queue(),
            jobs=jobs(),
            objects=objects(),
            ingesting=ingesting(),
            source_queue=source_queue(),
        )

    return LiveReconciling(shelves(), over)
