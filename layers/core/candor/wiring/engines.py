"""
Wiring of engines: which one and which embedder the settings name.

Called once per sandbox by `candor.wiring.search`; like everywhere in wiring, a library is imported only
where it is chosen.
"""

from typing import TYPE_CHECKING

from candor.settings import Model, Search, SettingsError, need

if TYPE_CHECKING:
    from candor.adapters.opensearch_client import OpenSearchEndpoint
    from candor.search import Embedder, KeywordIndex, VectorIndex

_NO_SEARCH = "is not configured: set OPENSEARCH_HOST, or EMBEDDED_STORE on one machine."
_NO_EMBEDDER = "No embedding model is set: OPENAI_API_KEY, or EMBEDDED_STORE on one machine."


def keywords(search: Search) -> "KeywordIndex":
    """OpenSearch where there is one, else the embedded index, else one that says what to set."""
    from candor.analysis import ANALYSER_VERSION

    if search.opensearch_host:
        from candor.adapters.opensearch import OpenSearchKeywords

        name = f"{search.opensearch_index}-words-{ANALYSER_VERSION}"
        return OpenSearchKeywords(_opensearch(search), index_name=name)
    if search.embedded_store:
        from candor.adapters.embedded_keywords import EmbeddedKeywords

        return EmbeddedKeywords(f"{search.embedded_store}/words-{ANALYSER_VERSION}")
    from candor.adapters.absent import AbsentKeywords

    return AbsentKeywords(f"Search by words {_NO_SEARCH}")


def vectors(search: Search, model: Model, embedder: "Embedder") -> "VectorIndex":
    """Pinecone where there is one, else OpenSearch's k-NN, else the embedded index, else a sentence."""
    from candor.adapters.absent import AbsentVectors, NoVectors

    if words_only(search, model):
        return NoVectors()
    if not (rents_embedder(search, model) or has_embedder(search)):
        return AbsentVectors(_NO_EMBEDDER)
    name = f"{embedder.name}-{embedder.dimensions}"
    if search.pinecone_host:
        from candor.adapters.pinecone import PineconeVectors

        return PineconeVectors(
            host=search.pinecone_host,
            api_key=need(search.pinecone_api_key, "PINECONE_API_KEY"),
            namespace=name,
            dimensions=embedder.dimensions,
        )
    if search.opensearch_host:
        from candor.adapters.opensearch import OpenSearchVectors

        return OpenSearchVectors(
            _opensearch(search),
            index_name=f"{search.opensearch_index}-vectors-{name}",
            dimensions=embedder.dimensions,
        )
    if search.embedded_store:
        from candor.adapters.embedded_vectors import EmbeddedVectors

        return EmbeddedVectors(f"{search.embedded_store}/vectors-{name}", embedder.dimensions)
    return AbsentVectors(f"Search by meaning {_NO_SEARCH} PINECONE_HOST will do too.")


def embedder(search: Search, model: Model) -> "Embedder":
    """A model of the operator's where one is named and can be asked, else the embedded one."""
    if rents_embedder(search, model):
        from candor.adapters.openai_embeddings import OpenAIEmbeddings

        name = need(search.embedding_model, "EMBEDDING_MODEL")
        return OpenAIEmbeddings(
            model=name,
            dimensions=search.embedding_dimensions,
            api_key=model.openai_api_key or "none",
            base_url=search.embedding_base_url or model.openai_base_url or "",
            # Only these can be told how long their vectors shall be; others refuse the parameter.
            shorten=name.startswith("text-embedding-3"),
        )
    if has_embedder(search):
        from candor.adapters.embedded_embedder import EmbeddedEmbedder

        return EmbeddedEmbedder(search.model_cache or f"{search.embedded_store}/models")
    from candor.adapters.absent import AbsentEmbedder, NoEmbedder

    if words_only(search, model):
        return NoEmbedder()
    return AbsentEmbedder(_NO_EMBEDDER)


def words_only(search: Search, model: Model) -> bool:
    """
    An OpenSearch and nothing that embeds: search by words alone, which is worth having. Vectors that are
    named (Pinecone) and cannot be filled are a mistake instead, and say so.
    """
    return bool(
        search.opensearch_host
        and not search.pinecone_host
        and not rents_embedder(search, model)
        and not has_embedder(search)
    )


def rents_embedder(search: Search, model: Model) -> bool:
    """Whether embedding costs a call to somebody's server."""
    return bool(search.embedding_model and (model.openai_api_key or search.embedding_base_url))


def has_embedder(search: Search) -> bool:
    """Whether there is a place for the embedded model, which is then at hand for nothing."""
    return bool(search.embedded_store or search.model_cache)


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
