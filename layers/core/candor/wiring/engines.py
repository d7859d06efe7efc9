"""
Wiring of engines: which ones the settings name, and how the indexes of a generation are called there.

Called by `candor.wiring.search`; like everywhere in wiring, a library is imported only where it is chosen.
"""

from typing import TYPE_CHECKING

from candor.indexing.generations import NO_EMBEDDER, Generation
from candor.settings import Model, Search, SettingsError, need
from candor.wiring.embedders import (
    NO_EMBEDDER_SET,
    asked,
    embedder,
    has_embedder,
    rents_embedder,
    words_only,
)

if TYPE_CHECKING:
    from candor.adapters.opensearch_client import OpenSearchEndpoint
    from candor.indexing.shelves import Shelf
    from candor.search import KeywordIndex, VectorIndex
    from candor.tickets.store import TicketDirectory

_NO_SEARCH = "is not configured: set OPENSEARCH_HOST, or EMBEDDED_STORE on one machine."


def default_generation(search: Search, model: Model) -> Generation:
    """What the settings ask for: the one that is live while nothing is recorded."""
    from candor.analysis import ANALYSER_VERSION

    name, dimensions = asked(search, model)
    made = embedder(search, model, name, dimensions)
    return Generation(
        generation_id="1",
        words=f"words-{ANALYSER_VERSION}",
        vectors=f"{made.name}-{made.dimensions}",
        analyser=ANALYSER_VERSION,
        embedder=name,
        embedder_name=made.name,
        dimensions=made.dimensions,
        settings=f"{name}-{made.dimensions}",
    )


def is_complete(search: Search, model: Model) -> bool:
    """Whether there are engines and what embeds for them, so that an index can be begun at all."""
    name, _ = asked(search, model)
    return bool(search.opensearch_host or search.embedded_store) and (
        name != NO_EMBEDDER or words_only(search, model)
    )


def shelf(search: Search, model: Model, generation: Generation) -> "Shelf":
    """The engines of a generation. Nothing is connected to or loaded yet."""
    from candor.indexing.shelves import Shelf

    made = embedder(search, model, generation.embedder, generation.dimensions)
    if made.name not in (generation.embedder_name, "none"):
        from candor.adapters.absent import AbsentEmbedder

        made = AbsentEmbedder(
            f"The live index was made by {generation.embedder_name}, which this version no longer brings: "
            "POST /v1/admin/reindex.",
            dimensions=generation.dimensions,
        )
    return Shelf(
        generation=generation,
        keywords=keywords(search, generation),
        vectors=vectors(search, model, generation),
        embedder=made,
    )


def keywords(search: Search, generation: Generation) -> "KeywordIndex":
    """OpenSearch where there is one, else the embedded index, else one that says what to set."""
    if search.opensearch_host:
        from candor.adapters.opensearch import OpenSearchKeywords

        name = f"{search.opensearch_index}-{generation.words}"
        return OpenSearchKeywords(_opensearch(search), index_name=name)
    if search.embedded_store:
        from candor.adapters.embedded_keywords import EmbeddedKeywords

        return EmbeddedKeywords(f"{search.embedded_store}/{generation.words}")
    from candor.adapters.absent import AbsentKeywords

    return AbsentKeywords(f"Search by words {_NO_SEARCH}")


def vectors(search: Search, model: Model, generation: Generation) -> "VectorIndex":
    """Pinecone where there is one, else OpenSearch's k-NN, else the embedded index, else a sentence."""
    from candor.adapters.absent import AbsentVectors, NoVectors

    if generation.embedder == NO_EMBEDDER:
        is_mistake = asked(search, model)[0] == NO_EMBEDDER and not words_only(search, model)
        return AbsentVectors(NO_EMBEDDER_SET) if is_mistake else NoVectors()
    name, dimensions = generation.vectors, generation.dimensions
    if search.pinecone_host:
        from candor.adapters.pinecone import PineconeVectors

        return PineconeVectors(
            host=search.pinecone_host,
            api_key=need(search.pinecone_api_key, "PINECONE_API_KEY"),
            namespace=name,
            dimensions=dimensions,
        )
    if search.opensearch_host:
        from candor.adapters.opensearch import OpenSearchVectors

        return OpenSearchVectors(
            _opensearch(search), index_name=f"{search.opensearch_index}-vectors-{name}", dimensions=dimensions
        )
    if search.embedded_store:
        from candor.adapters.embedded_vectors import EmbeddedVectors

        return EmbeddedVectors(f"{search.embedded_store}/vectors-{name}", dimensions)
    return AbsentVectors(f"Search by meaning {_NO_SEARCH} PINECONE_HOST will do too.")


def ticket_directory(search: Search) -> "TicketDirectory":
    """OpenSearch where there is one, else the embedded one, else one that says what to set."""
    if search.opensearch_host:
        from candor.adapters.opensearch_tickets import OpenSearchTicketDirectory

        return OpenSearchTicketDirectory(_opensearch(search), prefix=search.opensearch_index)
    if search.embedded_store:
        from candor.adapters.sqlite_tickets import SqliteTicketDirectory

        return SqliteTicketDirectory(f"{search.embedded_store}/tickets")
    from candor.adapters.absent import AbsentTicketDirectory

    return AbsentTicketDirectory(f"Finding tickets {_NO_SEARCH}")


def _opensearch(search: Search) -> "OpenSearchEndpoint":
    from candor.adapters.opensearch_client import OpenSearchEndpoint

    url = need(search.opensearch_host, "OPENSEARCH_HOST")
    match search.opensearch_service:
        case "es" | "aoss" as service:
            return OpenSearchEndpoint(url=url, region=search.aws_region or "", service=service)
        case "basic":
            return OpenSearchEndpoint(
                url=url, user=search.opensearch_user or "", password=search.opensearch_password or ""
            )
        case _:
            raise SettingsError("OPENSEARCH_SERVICE must be es, aoss or basic.")


__all__ = [
    "default_generation",
    "has_embedder",
    "is_complete",
    "keywords",
    "rents_embedder",
    "shelf",
    "ticket_directory",
    "vectors",
    "words_only",
]
