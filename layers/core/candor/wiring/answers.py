"""Wiring of answers: from a question to what is said, and whether everything works."""

from functools import cache
from typing import TYPE_CHECKING

from candor import settings
from candor.wiring import embedders, engines
from candor.wiring.announcing import announced_answers
from candor.wiring.environment import stores
from candor.wiring.knowledge import documents
from candor.wiring.operations import budget, meter, queues, statistics, tables
from candor.wiring.search import model_settings, retrieval, search_settings, shelves
from candor.wiring.tuning import model_access, models, policies
from candor.wiring.vocabulary import shortcuts

if TYPE_CHECKING:
    from candor.answering.evidence import Likeness
    from candor.answering.replaying import Replaying
    from candor.answering.service import Answering, Models
    from candor.answering.snapshots import Answers
    from candor.health import Health


@cache
def snapshots() -> "Answers":
    """Where answers are kept, counted, and told to webhooks."""
    from candor.adapters.dynamodb_answers import DynamoAnswers
    from candor.statistics.counting import CountedAnswers

    answers = DynamoAnswers(settings.need(stores().answers_table, "ANSWERS_TABLE"), statistics())
    return announced_answers(CountedAnswers(answers, meter()))


@cache
def answering() -> "Answering":
    """From a question to an answer. Without a key of a model it is made of the evidence's own sentences."""
    return _answering(snapshots())


@cache
def replaying() -> "Replaying":
    """Answers that were kept: looked at, and asked once more by the same answering."""
    from candor.answering.replaying import Replaying

    return Replaying(answers=snapshots(), truth=documents(), asking=_answering)


def rehearse() -> None:
    """
    Answer one question for nobody, by no model: what the first asker would wait for is loaded then.

    That is the embedding model, the live index, the tables of words and the client of a language model;
    together they take as long as thirty answers. Raises nothing on account of what cannot be reached.
    """
    from candor.adapters.openai_model import OpenAIModel
    from candor.answering.budgets import Tier
    from candor.answering.replaying import Slip
    from candor.answering.values import Question

    _answering(Slip(), written_by=lambda _: ()).answer(Question(text="How do I cancel what I have ordered?"))
    for model in models()(Tier.FULL):
        if isinstance(model, OpenAIModel):
            model.open()


def _answering(kept_in: "Answers", *, written_by: "Models | None" = None) -> "Answering":
    from candor.answering.service import Answering

    return Answering(
        retrieval=retrieval(),
        policies=policies(),
        models=written_by or models(),
        snapshots=kept_in,
        budget=budget(),
        likeness=_likeness(),
        shortcuts=shortcuts(),
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


def _probing_model() -> None:
    from candor.adapters import probes

    base_url, key = model_access()
    if key:  # Without one answers are extractive, and that cannot fail.
        probes.model_probe(base_url, key)()


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

    documents_table = settings.need(stores().documents_table, "DOCUMENTS_TABLE")
    return Health(
        checks={
            "dynamodb": probes.tables_probe(
                probes.table_probe(documents_table, "document_id"), sorted(tables().values())
            ),
            "s3": probes.bucket_probe(settings.need(stores().source_bucket, "SOURCE_BUCKET")),
            "queues": probes.queues_probe(queues()),
            "search": _probing_words,
            "vectors": _probing_vectors,
            "model": _probing_model,
        }
    )
