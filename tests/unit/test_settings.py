"""Settings: what the environment may say, and what stops a start."""

import hashlib
import hmac
import logging
from pathlib import Path

import pytest

from candor import settings
from candor.settings import App, Limits, Model, Search, Security, SettingsError, Stores

SAFE = {
    "APP_ENV": "production",
    "JWT_SECRET": "k3Jh8sPq0ZxW7vTn5yBm2cRd9fGa4eLu",
    "API_KEY": "an-api-key-of-ours",
    "ADMIN_API_KEY": "an-admin-key-of-ours",
    "CORS_ORIGINS": "https://desk.example.com",
}


def test_what_is_unset_or_empty_has_its_default() -> None:
    assert App.read({"APP_NAME": "", "DOCS_ENABLED": " "}) == App.read({})
    assert Limits.read({}).rate_limit_requests == 60
    assert Security.read({"API_KEY": ""}).api_key is None


def test_values_are_read_as_what_they_are() -> None:
    app = App.read({"CORS_ORIGINS": "https://a.example, https://b.example,", "DOCS_ENABLED": "No"})

    assert app.cors_origins == ("https://a.example", "https://b.example")
    assert app.docs_enabled is False
    assert Limits.read({"RATE_LIMIT_REQUESTS": "0"}).rate_limit_requests == 0


@pytest.mark.parametrize(
    ("concern", "name", "value"),
    [
        (App, "DOCS_ENABLED", "maybe"),
        (Limits, "RATE_LIMIT_REQUESTS", "many"),
        (Limits, "RATE_LIMIT_REQUESTS", "-1"),
        (Limits, "RATE_LIMIT_WINDOW_SECONDS", "0"),
        (Security, "JWT_EXPIRE_MINUTES", "1.5"),
        (Model, "LLM_MAX_TOKENS", "none"),
        (Model, "ANSWER_CONFIDENCE", "65"),
        (Model, "ANSWER_CONFIDENCE", "high"),
        (Search, "EMBEDDING_DIMENSIONS", "0"),
    ],
)
def test_a_value_of_the_wrong_kind_is_a_sentence_that_names_it(
    concern: type[App], name: str, value: str
) -> None:
    with pytest.raises(SettingsError, match=name):
        concern.read({name: value})


@pytest.mark.parametrize(
    ("concern", "field", "name", "alias"),
    [
        (Model, "openai_base_url", "OPENAI_BASE_URL", "OPENAI_API_BASE"),
        (Model, "llm_model", "LLM_MODEL", "LLM_MODEL_NAME"),
        (Search, "embedding_model", "EMBEDDING_MODEL", "EMBEDDING_MODEL_NAME"),
    ],
)
def test_an_alias_is_read_when_the_name_itself_is_unset(
    concern: type[Model], field: str, name: str, alias: str
) -> None:
    assert getattr(concern.read({alias: "old"}), field) == "old"
    assert getattr(concern.read({alias: "old", name: ""}), field) == "old"
    assert getattr(concern.read({alias: "old", name: "new"}), field) == "new"


def test_secrets_are_not_shown() -> None:
    shown = repr(Security.read(SAFE)) + repr(Model.read({"OPENAI_API_KEY": "sk-1"}))

    assert SAFE["JWT_SECRET"] not in shown
    assert "sk-1" not in shown


def test_a_safe_environment_starts() -> None:
    settings.check(SAFE)
    settings.check({})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("JWT_SECRET", ""),
        ("JWT_SECRET", "x" * 31),
        ("JWT_SECRET", "change-me-in-production-please-do-it"),
        ("JWT_SECRET", "your-secret-key-change-in-production"),
        ("API_KEY", ""),
        ("API_KEY", "changeme"),
        ("ADMIN_API_KEY", ""),
        ("ADMIN_API_KEY", "  "),
        ("CORS_ORIGINS", "*"),
        ("CORS_ORIGINS", "https://a.example,*"),
        ("RATE_LIMIT_REQUESTS", "x"),
        ("FETCH_ALLOWED_ORIGINS", "intranet"),
    ],
)
def test_production_does_not_start_with(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name) as refused:
        settings.check({**SAFE, name: value})

    assert not value.strip() or len(value) < 4 or value not in str(refused.value)


@pytest.mark.parametrize("stage", ["", "local", "staging", "development"])
def test_elsewhere_the_same_starts(stage: str) -> None:
    settings.check({**SAFE, "APP_ENV": stage, "JWT_SECRET": "short", "API_KEY": "", "CORS_ORIGINS": "*"})


def test_the_environment_wins_over_the_secret_and_the_secret_over_what_is_derived() -> None:
    stored = {"root": "r00t", "API_KEY": "stored", "OPENAI_API_KEY": "sk-stored"}

    completed = settings.with_secrets({"ADMIN_API_KEY": "set", "OPENAI_API_KEY": ""}, stored)

    derived = hmac.new(b"r00t", b"JWT_SECRET", hashlib.sha256).hexdigest()
    assert completed == {
        "ADMIN_API_KEY": "set",
        "API_KEY": "stored",
        "OPENAI_API_KEY": "sk-stored",
        "JWT_SECRET": derived,
    }


def test_only_keys_are_derived_and_only_from_a_root() -> None:
    assert settings.with_secrets({}, {"root": ""}) == {}
    assert set(settings.with_secrets({}, {"root": "r"})) == set(settings.KEYS)


def test_derived_keys_are_good_enough_for_production() -> None:
    settings.check(settings.with_secrets({"APP_ENV": "production"}, {"root": "generated"}))


def test_variables_of_the_older_product_are_answered_with_what_replaced_them(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.WARNING):
        settings.log_replaced(
            {"REDIS_URL": "redis://user:secret@cache", "QDRANT_HOST": "", "DATABASE_URL": "x"}
        )

    assert len(caplog.messages) == 2
    assert any("REDIS_URL" in message for message in caplog.messages)
    assert "secret" not in caplog.text


def test_a_variable_one_cannot_do_without_is_named() -> None:
    with pytest.raises(SettingsError, match="ACCOUNTS_TABLE is not set"):
        settings.need(Stores.read({}).accounts_table, "ACCOUNTS_TABLE")


def test_every_variable_has_one_name() -> None:
    names = [name for name, aliases, _ in settings.variables() for name in (name, *aliases)]

    assert len(names) == len(set(names))
    assert {"OPENAI_API_KEY", "PUBLIC_QUERY_ENABLED", "JWT_EXPIRE_MINUTES", "PINECONE_HOST"} <= set(names)


def test_every_setting_has_its_place_in_the_readme() -> None:
    readme = Path("README.md").read_text(encoding="utf-8")

    undocumented = [
        name
        for name, aliases, _ in settings.variables()
        for word in (name, *aliases)
        if f"`{word}`" not in readme
    ]
    assert not undocumented
