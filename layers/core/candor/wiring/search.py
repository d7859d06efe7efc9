"""Wiring of search: the engines the settings name, and what keeps them true."""

from functools import cache
from typing import TYPE_CHECKING

from candor import settings
from candor.wiring import engines
from candor.wiring.environment import environment
from candor.wiring.knowledge import documents, index_queue, ingesting, jobs, objects, source_queue

if TYPE_CHECKING:
    from candor.indexing import Indexing
    from candor.reconciling import Reconciling
    from candor.retrieval import Retrieval
    from candor.search import Embedder, KeywordIndex, VectorIndex


@cache
def search_settings() -> settings.Search:
    return settings.Search.read(environment())


@cache
def model_settings() -> settings.Model:
    return settings.Model.read(environment())


@cache
def keywords() -> "KeywordIndex":
    return engines.keywords(search_settings())


@cache
def vectors() -> "VectorIndex":
    return engines.vectors(search_settings(), model_settings(), embedder())


@cache
def embedder() -> "Embedder":
    return engines.embedder(search_settings(), model_settings())


@cache
def retrieval() -> "Retrieval":
    from candor.retrieval import Retrieval

    return Retrieval(keywords=keywords(), vectors=vectors(), embedder=embedder(), truth=documents())


@cache
def indexing() -> "Indexing":
    from candor.indexing import Indexing

    return Indexing(documents=documents(), keywords=keywords(), vectors=vectors(), embedder=embedder())


@cache
def reconciling() -> "Reconciling":
    from candor.reconciling import Reconciling

    return Reconciling(
        documents=documents(),
        keywords=keywords(),
        vectors=None if engines.words_only(search_settings(), model_settings()) else vectors(),
        index_queue=index_queue(),
        jobs=jobs(),
        objects=objects(),
        ingesting=ingesting(),
        source_queue=source_queue(),
    )
