"""Wiring of answers: from a question to what is said, and whether everything works."""

from functools import cache
from typing import TYPE_CHECKING

from candor import settings
from candor.wiring import embedders, engines
from candor.wiring.environment import app, stores
from candor.wiring.search import model_settings, retrieval, search_settings, shelves

if TYPE_CHECKING:
    from candor.answering.evidence import Likeness
    from candor.answering.models import Model
    from candor.answering.service import Answering
    from candor.answering.snapshots import Answers
    from candor.health import Health


@cache
def snapshots() -> "Answers":
    from candor.adapters.dynamodb_answers import DynamoAnswers

    return DynamoAnswers(settings.need(stores().answers_table, "ANSWERS_TABLE"))


@cache
def answering() -> "Answering":
    """From a question to an answer. Without a key of a model it is made of the evidence's own sentences."""
    from candor.answering.deciding import Thresholds
    from candor.answering.service import Answering

    model = model_settings()
    thresholds = Thresholds()
    if model.answer_confidence is not None:
        thresholds = Thresholds(answer=model.answer_confidence)
    return Answering(
        retrieval=retrieval(),
        model=_model(model, model.llm_model),
        fallback_model=_model(model, model.llm_fallback_model),
        snapshots=snapshots(),
        likeness=_likeness(),
        app_name=app().app_name,
        thresholds=thresholds,
    )


def _model(model: settings.Model, name: str | None) -> "Model | None":
    if not model.openai_api_key or not name:
        return None
    from candor.adapters.openai_model import OpenAIModel
    from candor.prices import known_prices

    return OpenAIModel(
        model=name,
        api_key=model.openai_api_key,
        base_url=model.openai_base_url or "",
        max_tokens=model.llm_max_tokens,
        prices=known_prices(),
    )


def _likeness() -> "Likeness | None":
    """Only by an embedder at hand: a rented one would be called, and paid, once more for each question."""
    from candor.answering.evidence import EmbeddedLikeness

    rented = engines.rents_embedder(search_settings(), model_settings())
    at_hand = engines.has_embedder(search_settings()) and not rented
    if not at_hand:
        return None
    return EmbeddedLikeness(embedders.embedder(search_settings(), model_settings(), embedders.EMBEDDED, 0))


def _probing_words() -> None:
    from candor.adapters import probes

    live = shelves().live()
    probes.keywords_probe(live.keywords)()
    _complain("words")


def _probing_vectors() -> None:
    from candor.adapters import probes

    live = shelves().live()
    probes.vectors_probe(live.vectors, live.embedder)()
    _complain("vectors")


def _complain(half: str) -> None:
    """An index that works, and is not the one the settings ask for, is worth a sentence."""
    from candor.errors import Unavailable
    from candor.indexing.generations import complaints

    if sentence := complaints(shelves().live().generation, shelves().default).get(half):
        raise Unavailable(sentence)


@cache
def health() -> "Health":
    from candor.adapters import probes
    from candor.health import Health

    named = stores()
    queues = {
        "index": named.index_queue_url,
        "source": named.source_queue_url,
        "crawl": named.crawl_queue_url,
        "ticket": named.ticket_queue_url,
        "render": named.render_queue_url,
        "export": named.export_queue_url,
    }
    model = model_settings()
    return Health(
        checks={
            "dynamodb": probes.table_probe(
                settings.need(stores().documents_table, "DOCUMENTS_TABLE"), "document_id"
            ),
            "s3": probes.bucket_probe(settings.need(stores().source_bucket, "SOURCE_BUCKET")),
            "queues": probes.queues_probe({name: url for name, url in queues.items() if url}),
            "search": _probing_words,
            "vectors": _probing_vectors,
            # Without a key answers are extractive, and that cannot fail.
            "model": probes.model_probe(
                model.openai_base_url or "https://api.openai.com/v1", model.openai_api_key
            )
            if model.openai_api_key
            else lambda: None,
        }
    )
