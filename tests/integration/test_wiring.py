"""Wiring: the environment decides what stands behind a port, and the functions can be built from it."""

import importlib
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import boto3
import pytest
from moto import mock_aws

from candor import wiring
from candor.adapters.absent import AbsentVault
from candor.answering.budgets import Tier
from candor.errors import Unavailable
from candor.settings import SettingsError
from tests.doubles.gateway import Http
from tests.doubles.tables import create_table

TABLES = (
    "Accounts",
    "Counters",
    "Crawls",
    "Conversations",
    "Documents",
    "Jobs",
    "Answers",
    "Config",
    "Tickets",
)


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """Everything the template makes for the HTTP functions, and their environment."""
    for name in ("OPENSEARCH_HOST", "PINECONE_HOST", "EMBEDDED_STORE", "EMBEDDING_MODEL", "MODEL_CACHE"):
        monkeypatch.delenv(name, raising=False)
    with mock_aws():
        for table in TABLES:
            monkeypatch.setenv(f"{table.upper()}_TABLE", create_table(f"{table}Table"))
        boto3.client("s3").create_bucket(Bucket="source")
        monkeypatch.setenv("SOURCE_BUCKET", "source")
        for queue in ("INDEX", "SOURCE", "EXPORT", "CRAWL", "TICKET"):
            url = boto3.client("sqs").create_queue(QueueName=queue)["QueueUrl"]
            monkeypatch.setenv(f"{queue}_QUEUE_URL", url)
        for name in ("SCHEDULE_PREFIX", "KEEP_TIME_ARN", "SCHEDULER_ROLE_ARN"):
            monkeypatch.setenv(name, name.lower())
        key = boto3.client("kms").create_key()["KeyMetadata"]["KeyId"]
        monkeypatch.setenv("CONFIG_KEY_ID", key)
        secret = json.dumps({"root": "generated", "OPENSEARCH_PASSWORD": "pw"})
        arn = boto3.client("secretsmanager").create_secret(Name="keys", SecretString=secret)["ARN"]
        monkeypatch.setenv("SECRET_ID", arn)
        monkeypatch.setenv("API_KEY", "set-in-the-environment")
        yield monkeypatch
        importlib.import_module("candor.adapters.probes")._client.cache_clear()


@pytest.fixture
def internet(aws: pytest.MonkeyPatch) -> None:
    """A server of the operator's own may be a model's."""
    aws.setenv("FETCH_ALLOWED_ORIGINS", "127.0.0.1:8099")


@pytest.fixture
def auth(aws: pytest.MonkeyPatch) -> Iterator[Http]:
    app = importlib.import_module("functions.auth.app")
    app.service.cache_clear()
    yield Http(app.handler)
    app.service.cache_clear()


def test_keys_come_from_the_secret_and_the_environment_wins(aws: pytest.MonkeyPatch) -> None:
    environment = wiring.environment()

    assert environment["API_KEY"] == "set-in-the-environment"
    assert len(environment["JWT_SECRET"]) == 64
    assert environment["JWT_SECRET"] != environment["ADMIN_API_KEY"]


def test_a_secret_that_cannot_be_read_is_unavailable(aws: pytest.MonkeyPatch) -> None:
    aws.setenv("SECRET_ID", "arn:aws:secretsmanager:us-east-1:123456789012:secret:gone-abcdef")

    with pytest.raises(Unavailable):
        wiring.environment()


def test_production_does_not_serve_with_an_unsafe_environment(aws: pytest.MonkeyPatch) -> None:
    aws.setenv("APP_ENV", "production")
    aws.setenv("CORS_ORIGINS", "*")

    with pytest.raises(SettingsError, match="CORS_ORIGINS"):
        wiring.gate()


def test_a_user_made_in_the_tables_can_sign_in_and_be_limited(auth: Http, aws: pytest.MonkeyPatch) -> None:
    aws.setenv("RATE_LIMIT_REQUESTS", "3")
    admin = auth.as_(X_Admin_API_Key=wiring.environment()["ADMIN_API_KEY"])

    made = admin.post("/v1/admin/users", {"username": "ada", "password": "correct horse"})
    token = auth.post("/v1/auth/login", {"username": "Ada", "password": "correct horse"}).json["access_token"]
    bearer = auth.as_(Authorization=f"Bearer {token}")
    statuses = [bearer.get("/v1/auth/me").status for _ in range(4)]
    again = auth.as_(X_Admin_API_Key=wiring.environment()["ADMIN_API_KEY"], Idempotency_Key="k")
    twice = [
        again.post("/v1/admin/users", {"username": "bob", "password": "correct horse"}) for _ in range(2)
    ]

    assert made.status == 201
    assert statuses == [200, 200, 200, 429]
    assert [answer.status for answer in twice] == [201, 201]
    assert twice[0].json == twice[1].json


def test_health_tells_what_to_set_where_no_search_is_configured(aws: pytest.MonkeyPatch) -> None:
    report = wiring.health().report()

    assert [report[name] for name in ("dynamodb", "s3", "queues", "model")] == ["ok"] * 4
    assert "OPENSEARCH_HOST" in report["search"]
    assert "EMBEDDED_STORE" in report["vectors"]


def test_health_names_what_is_missing(aws: pytest.MonkeyPatch) -> None:
    aws.setenv("SOURCE_BUCKET", "gone")
    aws.setenv("DOCUMENTS_TABLE", "gone")

    report = wiring.health().report()

    assert report["s3"] == "The source bucket does not answer."
    assert report["dynamodb"] == "The database does not answer."


EMBEDDED = {"EMBEDDED_STORE": "store"}
OPENSEARCH = {"OPENSEARCH_HOST": "http://127.0.0.1:1", "OPENSEARCH_SERVICE": "basic"}
PINECONE = {"PINECONE_HOST": "http://127.0.0.1:1", "PINECONE_API_KEY": "k"}
OPENAI = {"OPENAI_API_KEY": "sk-1", "EMBEDDING_MODEL": "text-embedding-3-small"}


@pytest.mark.parametrize("searched_by", [{}, OPENSEARCH, EMBEDDED])
def test_a_rehearsal_keeps_nothing_and_fails_for_nobody(
    internet: None, aws: pytest.MonkeyPatch, tmp_path: Path, searched_by: dict[str, str]
) -> None:
    environment = {**searched_by, "OPENAI_API_KEY": "sk-1", "OPENAI_BASE_URL": "http://127.0.0.1:8099/v1"}
    if "EMBEDDED_STORE" in searched_by:
        environment |= {"EMBEDDED_STORE": str(tmp_path), "EMBEDDING_MODEL": "text-embedding-3-small"}
    for name, value in environment.items():
        aws.setenv(name, value)

    wiring.rehearse()

    today = datetime.now(UTC).date()
    assert wiring.snapshots().page(today, page=1, page_size=10) == ([], 0)


@pytest.mark.parametrize(
    ("builder", "environment", "chosen"),
    [
        (wiring.keywords, {}, "AbsentKeywords"),
        (wiring.keywords, EMBEDDED, "EmbeddedKeywords"),
        (wiring.keywords, EMBEDDED | OPENSEARCH, "OpenSearchKeywords"),
        (wiring.ticket_directory, {}, "AbsentTicketDirectory"),
        (wiring.ticket_directory, EMBEDDED, "SqliteTicketDirectory"),
        (wiring.ticket_directory, EMBEDDED | OPENSEARCH, "OpenSearchTicketDirectory"),
        (wiring.vectors, {}, "AbsentVectors"),
        (wiring.vectors, EMBEDDED, "EmbeddedVectors"),
        (wiring.vectors, EMBEDDED | OPENSEARCH, "OpenSearchVectors"),
        (wiring.vectors, EMBEDDED | OPENSEARCH | PINECONE, "PineconeVectors"),
        (wiring.vectors, EMBEDDED | PINECONE, "PineconeVectors"),
        (wiring.vectors, OPENSEARCH | OPENAI, "OpenSearchVectors"),
        (wiring.vectors, OPENSEARCH | PINECONE, "AbsentVectors"),
        (wiring.embedder, {}, "AbsentEmbedder"),
        (wiring.embedder, EMBEDDED, "EmbeddedEmbedder"),
        (wiring.embedder, {"MODEL_CACHE": "models"}, "EmbeddedEmbedder"),
        (wiring.embedder, EMBEDDED | OPENAI, "OpenAIEmbeddings"),
        (wiring.embedder, EMBEDDED | {"EMBEDDING_MODEL": "text-embedding-3-small"}, "EmbeddedEmbedder"),
        (wiring.embedder, EMBEDDED | {"OPENAI_API_KEY": "sk-1"}, "EmbeddedEmbedder"),
        (
            wiring.embedder,
            {"EMBEDDING_MODEL": "m", "EMBEDDING_BASE_URL": "http://127.0.0.1:1/v1"},
            "OpenAIEmbeddings",
        ),
    ],
)
def test_the_environment_decides_what_searches(
    aws: pytest.MonkeyPatch,
    tmp_path: Path,
    builder: Callable[[], object],
    environment: dict[str, str],
    chosen: str,
) -> None:
    aws.chdir(tmp_path)
    for name, value in environment.items():
        aws.setenv(name, value)

    assert type(builder()).__name__ == chosen


@pytest.mark.parametrize(
    "function", ["auth", "replies", "chat", "documents", "tickets", "admin", "settings", "operations"]
)
def test_every_http_function_can_be_built(aws: pytest.MonkeyPatch, tmp_path: Path, function: str) -> None:
    aws.setenv("EMBEDDED_STORE", str(tmp_path))
    app = importlib.import_module(f"functions.{function}.app")
    app.service.cache_clear()

    built = app.service()

    app.service.cache_clear()
    assert built.gate is wiring.gate()


def test_without_a_key_nobody_writes_and_with_one_the_models_that_are_named(aws: pytest.MonkeyPatch) -> None:
    aws.setenv("LLM_FALLBACK_MODEL", "gpt-5-mini")
    aws.setenv("LLM_MODEL_ECONOMY", "gpt-5-nano")
    assert [wiring.models()(tier) for tier in Tier] == [(), (), ()]

    for builder in (wiring.models, wiring.configuration, wiring.environment, wiring.model_settings):
        builder.cache_clear()
    aws.setenv("OPENAI_API_KEY", "sk-1")

    named = {tier: [model.name for model in wiring.models()(tier)] for tier in Tier}
    assert named == {
        Tier.FULL: ["gpt-5.2", "gpt-5-mini"],
        Tier.ECONOMY: ["gpt-5-nano"],
        Tier.EXTRACTIVE: [],
    }


def test_models_follow_the_settings_and_a_client_is_kept_while_it_is_the_same(
    aws: pytest.MonkeyPatch, internet: None
) -> None:
    aws.setenv("OPENAI_API_KEY", "sk-of-the-environment")
    models, config = wiring.models(), wiring.configuration()
    [first] = models(Tier.FULL)

    config.put("brand", {"app_name": "Ada"}, by="ada")
    assert models(Tier.FULL) == (first,)
    config.put("llm", {"llm_fallback_model": "other"}, by="ada")
    assert models(Tier.FULL)[0] is first
    config.put("llm", {"llm_api_key": "sk-of-the-settings"}, by="ada")
    [second, _] = models(Tier.FULL)

    assert second is not first
    assert second._api_key == "sk-of-the-settings"  # type: ignore[attr-defined]
    config.put("llm", {"llm_api_key": "", "llm_fallback_model": ""}, by="ada")
    [third] = models(Tier.FULL)
    assert third._api_key == "sk-of-the-environment"  # type: ignore[attr-defined]


def test_the_environments_key_goes_to_no_server_that_was_set_later(
    aws: pytest.MonkeyPatch, internet: None
) -> None:
    aws.setenv("OPENAI_API_KEY", "sk-of-the-environment")
    models, config = wiring.models(), wiring.configuration()
    assert models(Tier.FULL)

    config.put("llm", {"llm_base_url": "http://127.0.0.1:8099/v1"}, by="ada")
    assert models(Tier.FULL) == ()
    config.put("llm", {"llm_api_key": "sk-of-that-server"}, by="ada")

    [model] = models(Tier.FULL)
    assert (model._api_key, model._base_url) == (  # type: ignore[attr-defined]
        "sk-of-that-server",
        "http://127.0.0.1:8099/v1",
    )


def test_a_key_that_cannot_be_opened_leaves_the_models_that_are_known(
    aws: pytest.MonkeyPatch, internet: None
) -> None:
    aws.setenv("OPENAI_API_KEY", "sk-of-the-environment")
    models, config = wiring.models(), wiring.configuration()
    [first] = models(Tier.FULL)
    config.put("llm", {"llm_api_key": "sk-of-the-settings"}, by="ada")
    config._opened.clear()
    config._vault = AbsentVault()

    assert models(Tier.FULL) == (first,)


def test_what_is_tuned_reaches_policy_limits_and_name(aws: pytest.MonkeyPatch) -> None:
    aws.setenv("APP_NAME", "Hosting")
    aws.setenv("RATE_LIMIT_REQUESTS", "5")
    aws.setenv("NORMALIZER_DOMAIN_TERMS", "VPS, cPanel")
    aws.setenv("NORMALIZER_SLOTS_ENABLED", "false")
    assert (wiring.app_name(), wiring.rates()().requests) == ("Hosting", 5)
    assert (wiring.policies()().domain_terms, wiring.policies()().slots) == (("VPS", "cPanel"), {})

    wiring.configuration().put("brand", {"app_name": "Ada"}, by="ada")
    wiring.configuration().put("limits", {"rate_limit_requests": 9}, by="ada")

    assert (wiring.app_name(), wiring.rates()().requests) == ("Ada", 9)
    assert wiring.policies()().version == 2


def test_without_its_table_everything_is_as_the_environment_says(aws: pytest.MonkeyPatch) -> None:
    aws.setenv("APP_NAME", "Hosting")
    aws.setenv("OPENAI_API_KEY", "sk-1")
    aws.setenv("CONFIG_TABLE", "gone")

    assert wiring.app_name() == "Hosting"
    assert wiring.rates()().requests == 60
    assert [model.name for model in wiring.models()(Tier.FULL)] == ["gpt-5.2"]


def test_slots_nobody_knows_stop_the_start(aws: pytest.MonkeyPatch) -> None:
    aws.setenv("NORMALIZER_SLOTS_ENABLED", "colour")

    with pytest.raises(SettingsError, match="NORMALIZER_SLOTS_ENABLED"):
        wiring.gate()


def test_an_opensearch_without_anything_that_embeds_searches_by_words_alone(
    aws: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    aws.setenv("OPENSEARCH_HOST", "http://127.0.0.1:9")
    nothing = wiring.vectors()

    nothing.put([], wiring.embedder().embed_passages([]))

    assert nothing.confirmed("any", 1, 5)
    assert nothing.search(wiring.embedder().embed_question("why?"), limit=3) == []
    assert list(wiring.reconciling()._following.now()._indexes) == ["keywords"]


def test_a_service_of_opensearch_nobody_knows_is_refused(aws: pytest.MonkeyPatch) -> None:
    aws.setenv("OPENSEARCH_HOST", "https://search.example.com")
    aws.setenv("OPENSEARCH_SERVICE", "solr")

    with pytest.raises(SettingsError, match="OPENSEARCH_SERVICE"):
        wiring.keywords()
