"""Wiring of embedders: which ones can be asked for, by what name, and which one the settings ask for."""

from functools import cache
from typing import TYPE_CHECKING, Final

from candor.errors import Invalid
from candor.indexing.generations import NO_EMBEDDER
from candor.settings import Model, Search

if TYPE_CHECKING:
    from candor.adapters.openai_embeddings import OpenAIEmbeddings
    from candor.indexing.reindexing import Choice
    from candor.search import Embedder

EMBEDDED: Final = "embedded"
PARTS: Final = ("minilm", "wordllama")

NO_EMBEDDER_SET: Final = "No embedding model is set: OPENAI_API_KEY, or EMBEDDED_STORE on one machine."


def asked(search: Search, model: Model) -> tuple[str, int]:
    """The embedder the settings ask for, and the length of its vectors (0: its own)."""
    if rents_embedder(search, model):
        return search.embedding_model or "", search.embedding_dimensions
    return (EMBEDDED, 0) if has_embedder(search) else (NO_EMBEDDER, 1)


def embedder(search: Search, model: Model, name: str, dimensions: int) -> "Embedder":
    """The embedder of that name; one that says what is missing where it cannot be had."""
    if name in (EMBEDDED, *PARTS) and has_embedder(search):
        return _embedded(name, search.model_cache or f"{search.embedded_store}/models")
    if name == NO_EMBEDDER:
        from candor.adapters.absent import AbsentEmbedder, NoEmbedder

        return NoEmbedder() if words_only(search, model) else AbsentEmbedder(NO_EMBEDDER_SET)
    if name not in (EMBEDDED, *PARTS) and _can_rent(search, model):
        return _rented(search, model, name, dimensions)
    from candor.adapters.absent import AbsentEmbedder

    needs = "EMBEDDED_STORE" if name in (EMBEDDED, *PARTS) else "OPENAI_API_KEY or EMBEDDING_BASE_URL"
    return AbsentEmbedder(
        f"The live index was made by the embedder {name}, which takes {needs}.", dimensions=dimensions
    )


class KnownEmbedders:
    """`reindexing.Embedders` of these settings."""

    def __init__(self, search: Search, model: Model) -> None:
        self._search = search
        self._model = model

    def choose(self, embedder: str | None, dimensions: int | None) -> "Choice":
        wanted, its_dimensions = asked(self._search, self._model)
        if embedder is not None and embedder != wanted:
            wanted, its_dimensions = embedder, 0
        if wanted == NO_EMBEDDER and words_only(self._search, self._model):
            return self._none()
        if wanted in (EMBEDDED, *PARTS) and has_embedder(self._search):
            return self._embedded(wanted, dimensions)
        if wanted in (EMBEDDED, *PARTS, NO_EMBEDDER) or not _can_rent(self._search, self._model):
            raise Invalid(f"The embedder {wanted!r} cannot be used here. {self._usable()}")
        return self._rented(wanted, dimensions or its_dimensions)

    def _none(self) -> "Choice":
        """Words alone: they too are built anew, when our analysis of them has changed."""
        from candor.indexing.reindexing import Choice

        return Choice(embedder=NO_EMBEDDER, name=NO_EMBEDDER, dimensions=1)

    def _embedded(self, name: str, dimensions: int | None) -> "Choice":
        from candor.indexing.reindexing import Choice

        made = embedder(self._search, self._model, name, 0)
        if dimensions not in (None, made.dimensions):
            raise Invalid(f"The embedder {name!r} gives {made.dimensions} dimensions and no others.")
        made.embed_question("probe")
        return Choice(embedder=name, name=made.name, dimensions=made.dimensions)

    def _rented(self, name: str, dimensions: int) -> "Choice":
        from candor.indexing.reindexing import Choice

        probe = _rented(self._search, self._model, name, dimensions if _can_shorten(name) else 0)
        measured = probe.measured()
        if dimensions not in (0, measured):
            raise Invalid(
                f"The model {name!r} gives {measured} dimensions, not {dimensions}: "
                "say so in `dimensions`, or in EMBEDDING_DIMENSIONS."
            )
        return Choice(embedder=name, name=probe.name, dimensions=measured)

    def _usable(self) -> str:
        """What can be asked for, as a sentence."""
        ours = [f"{name!r}" for name in (EMBEDDED, *PARTS)] if has_embedder(self._search) else []
        if _can_rent(self._search, self._model):
            ours.append("the name of any model of the embedding server")
            return f"These can: {', '.join(ours)}."
        more = "With OPENAI_API_KEY or EMBEDDING_BASE_URL set, any model of that server can, too."
        return f"These can: {', '.join(ours)}. {more}" if ours else more


def rents_embedder(search: Search, model: Model) -> bool:
    """Whether embedding costs a call to somebody's server."""
    return bool(search.embedding_model and _can_rent(search, model))


def has_embedder(search: Search) -> bool:
    """Whether there is a place for the embedded model, which is then at hand for nothing."""
    return bool(search.embedded_store or search.model_cache)


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


def _can_rent(search: Search, model: Model) -> bool:
    return bool(model.openai_api_key or search.embedding_base_url)


def _rented(search: Search, model: Model, name: str, dimensions: int) -> "OpenAIEmbeddings":
    from candor.adapters.openai_embeddings import OpenAIEmbeddings

    return OpenAIEmbeddings(
        model=name,
        dimensions=dimensions,
        api_key=model.openai_api_key or "none",
        base_url=search.embedding_base_url or model.openai_base_url or "",
        shorten=_can_shorten(name),
    )


def _can_shorten(name: str) -> bool:
    """Only these can be told how long their vectors shall be; others refuse the parameter."""
    return name.startswith("text-embedding-3")


@cache
def _embedded(name: str, folder: str) -> "Embedder":
    """One of each: a model takes memory, and is worth as much to the live index as beside it."""
    from candor.adapters.embedded_embedder import EmbeddedEmbedder, PartEmbedder

    match name:
        case "minilm" | "wordllama" as part:
            return PartEmbedder(part, folder)
        case _:
            return EmbeddedEmbedder(folder)
