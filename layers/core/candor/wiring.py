"""
Wiring: which adapter stands behind which port.

The only module that imports adapters. Each builder runs once per sandbox, on first use, and
imports its library inside, so a function pays only for what it asks for.
"""

import os
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING

from candor import settings, wiring_search

if TYPE_CHECKING:
    from candor.accounts import Accounts, Passwords, TokenDesk, UserAdministration
    from candor.answering.evidence import Likeness
    from candor.answering.models import Model
    from candor.answering.service import Answering
    from candor.answering.snapshots import Answers
    from candor.authentication import Login, Signer
    from candor.documents import Documents
    from candor.edge.gate import Gate
    from candor.edge.queue import Graveyard
    from candor.health import Health
    from candor.indexing import Indexing
    from candor.ingesting import Ingesting
    from candor.jobs import Jobs
    from candor.limits import Counters
    from candor.messages import Queue
    from candor.objects import Objects
    from candor.once import Once
    from candor.reconciling import Reconciling
    from candor.retrieval import Retrieval
    from candor.search import Embedder, KeywordIndex, VectorIndex
    from candor.sessions import Sessions
    from candor.source_runs import SourceRuns


# ------------------------------------------------------------------ settings
@cache
def environment() -> Mapping[str, str]:
    """The environment, completed from the secret. One call per sandbox."""
    settings.log_replaced(os.environ)
    secret_id = settings.App.read().secret_id
    if secret_id is None:
        return dict(os.environ)
    from candor.adapters.secrets import read_secret

    return settings.with_secrets(os.environ, read_secret(secret_id))


@cache
def app() -> settings.App:
    return settings.App.read()


@cache
def stores() -> settings.Stores:
    return settings.Stores.read()


# ------------------------------------------------------------------ accounts and the gate
@cache
def accounts() -> "Accounts":
    from candor.adapters.dynamodb_accounts import DynamoAccounts

    return DynamoAccounts(settings.need(stores().accounts_table, "ACCOUNTS_TABLE"))


@cache
def counters() -> "Counters":
    from candor.adapters.dynamodb_counters import DynamoCounters

    return DynamoCounters(settings.need(stores().counters_table, "COUNTERS_TABLE"))


@cache
def once() -> "Once":
    from candor.adapters.dynamodb_counters import DynamoLedger
    from candor.once import Once

    secret = settings.Security.read(environment()).jwt_secret or ""
    ledger = DynamoLedger(settings.need(stores().counters_table, "COUNTERS_TABLE"))
    return Once(ledger=ledger, secret=secret.encode("utf-8", "surrogatepass"))


@cache
def passwords() -> "Passwords":
    from candor.adapters.passwords import Argon2Passwords

    return Argon2Passwords()


@cache
def signer() -> "Signer":
    from candor.adapters.tokens import JwtSigner

    return JwtSigner(settings.Security.read(environment()).jwt_secret)


@cache
def gate() -> "Gate":
    """What stands before every view. `SettingsError` when the environment is not one to start with."""
    from candor.authentication import Authentication
    from candor.edge.gate import Gate
    from candor.limits import RateLimit

    settings.check(environment())
    security, limits = settings.Security.read(environment()), settings.Limits.read()
    return Gate(
        authentication=Authentication(
            accounts=accounts(),
            signer=signer(),
            api_key=security.api_key,
            admin_api_key=security.admin_api_key,
            jwt_expire_minutes=security.jwt_expire_minutes,
        ),
        rate_limit=RateLimit(
            counters=counters(),
            requests=limits.rate_limit_requests,
            window_seconds=limits.rate_limit_window_seconds,
            customer_requests=limits.rate_limit_customer_requests,
        ),
        once=once(),
        cors_origins=app().cors_origins,
        public_query=app().public_query_enabled,
    )


@cache
def login() -> "Login":
    from candor.authentication import Login
    from candor.limits import LoginTries

    return Login(
        accounts=accounts(),
        passwords=passwords(),
        signer=signer(),
        tries=LoginTries(counters=counters()),
        jwt_expire_minutes=settings.Security.read(environment()).jwt_expire_minutes,
    )


@cache
def users() -> "UserAdministration":
    from candor.accounts import UserAdministration

    return UserAdministration(accounts=accounts(), passwords=passwords())


@cache
def token_desk() -> "TokenDesk":
    from candor.accounts import TokenDesk

    return TokenDesk(accounts=accounts())


@cache
def sessions() -> "Sessions":
    from candor.adapters.dynamodb_sessions import DynamoSessions

    return DynamoSessions(settings.need(stores().conversations_table, "CONVERSATIONS_TABLE"))


# ------------------------------------------------------------------ search
@cache
def search_settings() -> settings.Search:
    return settings.Search.read(environment())


@cache
def model_settings() -> settings.Model:
    return settings.Model.read(environment())


@cache
def keywords() -> "KeywordIndex":
    return wiring_search.keywords(search_settings())


@cache
def vectors() -> "VectorIndex":
    return wiring_search.vectors(search_settings(), model_settings(), embedder())


@cache
def embedder() -> "Embedder":
    return wiring_search.embedder(search_settings(), model_settings())


@cache
def retrieval() -> "Retrieval":
    from candor.retrieval import Retrieval

    return Retrieval(keywords=keywords(), vectors=vectors(), embedder=embedder(), truth=documents())


# ------------------------------------------------------------------ answering
@cache
def snapshots() -> "Answers":
    from candor.adapters.dynamodb_answers import DynamoAnswers

    return DynamoAnswers(settings.need(stores().answers_table, "ANSWERS_TABLE"))


@cache
def answering() -> "Answering":
    """From a question to an answer. Without a key of a model it is made of the evidence's own sentences."""
    from candor.answering.service import Answering

    model = model_settings()
    return Answering(
        retrieval=retrieval(),
        model=_model(model, model.llm_model),
        fallback_model=_model(model, model.llm_fallback_model),
        snapshots=snapshots(),
        likeness=_likeness(),
        app_name=app().app_name,
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

    rented = wiring_search.rents_embedder(search_settings(), model_settings())
    at_hand = wiring_search.has_embedder(search_settings()) and not rented
    return EmbeddedLikeness(embedder()) if at_hand else None


# ------------------------------------------------------------------ documents and jobs
@cache
def objects() -> "Objects":
    from candor.adapters.s3 import S3Objects

    return S3Objects(settings.need(stores().source_bucket, "SOURCE_BUCKET"))


@cache
def documents() -> "Documents":
    from candor.adapters.dynamodb_documents import DynamoDocuments

    table = settings.need(stores().documents_table, "DOCUMENTS_TABLE")
    return DynamoDocuments(table, objects=objects(), jobs_table=stores().jobs_table)


@cache
def jobs() -> "Jobs":
    from candor.adapters.dynamodb_jobs import DynamoJobs

    return DynamoJobs(settings.need(stores().jobs_table, "JOBS_TABLE"))


@cache
def index_queue() -> "Queue":
    from candor.adapters.sqs import SqsQueue

    return SqsQueue(settings.need(stores().index_queue_url, "INDEX_QUEUE_URL"))


@cache
def source_queue() -> "Queue":
    from candor.adapters.sqs import SqsQueue

    return SqsQueue(settings.need(stores().source_queue_url, "SOURCE_QUEUE_URL"))


@cache
def index_graveyard() -> "Graveyard":
    from candor.adapters.sqs import SqsQueue

    return SqsQueue(settings.need(stores().index_dlq_url, "INDEX_DLQ_URL"))


@cache
def source_graveyard() -> "Graveyard":
    from candor.adapters.sqs import SqsQueue

    return SqsQueue(settings.need(stores().source_dlq_url, "SOURCE_DLQ_URL"))


@cache
def ingesting() -> "Ingesting":
    from candor.ingesting import Ingesting

    return Ingesting(documents=documents(), jobs=jobs(), objects=objects(), queue=source_queue())


@cache
def source_runs() -> "SourceRuns":
    from candor.source_runs import SourceRuns

    return SourceRuns(ingesting=ingesting(), jobs=jobs(), objects=objects())


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
        vectors=None if wiring_search.words_only(search_settings(), model_settings()) else vectors(),
        index_queue=index_queue(),
        jobs=jobs(),
        objects=objects(),
        ingesting=ingesting(),
        source_queue=source_queue(),
    )


# ------------------------------------------------------------------ health
@cache
def health() -> "Health":
    from candor.adapters import probes
    from candor.health import Health

    queues = (stores().index_queue_url, stores().source_queue_url)
    model = model_settings()
    return Health(
        checks={
            "dynamodb": probes.table_probe(
                settings.need(stores().documents_table, "DOCUMENTS_TABLE"), "document_id"
            ),
            "s3": probes.bucket_probe(settings.need(stores().source_bucket, "SOURCE_BUCKET")),
            "queues": probes.queues_probe([url for url in queues if url]),
            "search": probes.keywords_probe(keywords()),
            "vectors": probes.vectors_probe(vectors(), embedder()),
            # Without a key answers are extractive, and that cannot fail.
            "model": probes.model_probe(
                model.openai_base_url or "https://api.openai.com/v1", model.openai_api_key
            )
            if model.openai_api_key
            else lambda: None,
        }
    )
