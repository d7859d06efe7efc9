"""
Settings: what the environment tells a function, one class for each concern.

A variable that is empty is unset. Where a name has an alias, the name itself wins. Read by wiring and
by nothing else, so that no adapter and no domain module knows the environment.
"""

import hashlib
import hmac
import logging
import math
import os
from collections.abc import Iterator, Mapping
from dataclasses import Field, dataclass, field, fields
from types import UnionType
from typing import Any, Self, get_args

from candor.addresses import origin_of
from candor.config.slots import NORMALIZER

SHORTEST_SECRET = 32
"""Bytes. HS256 is as strong as its key, and no stronger than 256 bits."""

KEYS = ("JWT_SECRET", "API_KEY", "ADMIN_API_KEY")
"""Derived from the one generated secret unless they are set."""

STORED = (*KEYS, "OPENAI_API_KEY", "PINECONE_API_KEY", "OPENSEARCH_PASSWORD")
"""What the secret may hold as a field of its JSON."""

REPLACED = {
    "DATABASE_URL": "Tables are DynamoDB's; their names are set by the template.",
    "DATABASE_URL_SYNC": "Tables are DynamoDB's; their names are set by the template.",
    "REDIS_URL": "Limits and memory are kept in DynamoDB; nothing replaces it.",
    "QDRANT_HOST": "Vectors are in Pinecone (PINECONE_HOST), OpenSearch (OPENSEARCH_HOST) or embedded.",
    "OBJECT_STORAGE_URL": "Files are in the template's source bucket.",
}
"""Variables of the older product, and what took their place."""

_EXAMPLES = (
    "change-me",
    "change_me",
    "changeme",
    "change-this",
    "your-secret",
    "your_secret",
    "your-api-key",
)
"""What stands in examples where a secret belongs."""

_log = logging.getLogger(__name__)


class SettingsError(Exception):
    """The environment is not one to start with. The text names the variable."""


def _setting(
    name: str,
    *aliases: str,
    default: Any = None,
    least: int | None = None,
    most: int | None = None,
    secret: bool = False,
) -> Any:
    return field(
        default=default,
        repr=not secret,
        metadata={"name": name, "aliases": aliases, "least": least, "most": most},
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _FromEnvironment:
    @classmethod
    def read(cls, environ: Mapping[str, str] | None = None) -> Self:
        """Every field from its variable. `SettingsError` for a value that is none of its kind."""
        given = os.environ if environ is None else environ
        values: dict[str, Any] = {}
        for f in fields(cls):
            for name in (f.metadata["name"], *f.metadata["aliases"]):
                if text := given.get(name, "").strip():
                    values[f.name] = _parsed(f, name, text)
                    break
        return cls(**values)


def _parsed(f: "Field[Any]", name: str, text: str) -> Any:
    kind = get_args(f.type)[0] if isinstance(f.type, UnionType) else f.type
    if kind is bool:
        if text.casefold() in ("1", "true", "yes", "on"):
            return True
        if text.casefold() in ("0", "false", "no", "off"):
            return False
        raise SettingsError(f"{name} must be true or false.")
    if kind is float:
        try:
            real = float(text)
        except ValueError:
            real = math.nan
        if not 0 <= real < math.inf:
            raise SettingsError(f"{name} must be a number, 0 or more.")
        if f.metadata["most"] is not None and real > f.metadata["most"]:
            raise SettingsError(f"{name} must be a number from 0 to {f.metadata['most']}.")
        return real
    if kind is int:
        least = f.metadata["least"]
        try:
            number = int(text)
        except ValueError:
            raise SettingsError(f"{name} must be a whole number.") from None
        if least is not None and number < least:
            raise SettingsError(f"{name} must be {least} or more.")
        return number
    if kind == tuple[str, ...]:
        return tuple(part.strip() for part in text.split(",") if part.strip())
    return text


@dataclass(frozen=True, kw_only=True, slots=True)
class App(_FromEnvironment):
    """What the assistant is called, how open it is, and how long it remembers."""

    app_name: str = _setting("APP_NAME", default="Candor")
    app_env: str = _setting("APP_ENV", default="local")
    docs_enabled: bool = _setting("DOCS_ENABLED", default=True)
    cors_origins: tuple[str, ...] = _setting("CORS_ORIGINS", default=())
    public_query_enabled: bool = _setting("PUBLIC_QUERY_ENABLED", default=False)
    conversation_ttl_days: int = _setting("CONVERSATION_TTL_DAYS", default=365, least=0)
    """After which a message of a conversation is forgotten; 0: never."""
    stream_beat_seconds: float = _setting("STREAM_BEAT_SECONDS", default=15.0)
    """After so much silence a stream says that it is still there; 0: never."""
    secret_id: str | None = _setting("SECRET_ID")

    @property
    def in_production(self) -> bool:
        return self.app_env.casefold() in ("production", "prod")


@dataclass(frozen=True, kw_only=True, slots=True)
class Security(_FromEnvironment):
    """Keys. One that is unset admits nobody."""

    jwt_secret: str | None = _setting("JWT_SECRET", secret=True)
    jwt_expire_minutes: int = _setting("JWT_EXPIRE_MINUTES", default=10_080, least=1)
    api_key: str | None = _setting("API_KEY", secret=True)
    admin_api_key: str | None = _setting("ADMIN_API_KEY", secret=True)


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits(_FromEnvironment):
    """How often somebody may ask."""

    rate_limit_requests: int = _setting("RATE_LIMIT_REQUESTS", default=60, least=0)
    rate_limit_window_seconds: int = _setting("RATE_LIMIT_WINDOW_SECONDS", default=60, least=1)
    rate_limit_customer_requests: int = _setting("RATE_LIMIT_CUSTOMER_REQUESTS", default=0, least=0)
    """For one customer inside a key's own limit; 0: as many as the key."""
    llm_tokens_per_day: int = _setting("LLM_TOKENS_PER_DAY", default=0, least=0)
    """Of a UTC day, for all askers together; 0: no limit."""
    llm_economy_share: float = _setting("LLM_ECONOMY_SHARE", default=0.8, most=1)
    """Of them, from which on the economy model writes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Model(_FromEnvironment):
    """The language model. Without a key answers are extractive."""

    openai_api_key: str | None = _setting("OPENAI_API_KEY", secret=True)
    openai_base_url: str | None = _setting("OPENAI_BASE_URL", "OPENAI_API_BASE")
    llm_model: str = _setting("LLM_MODEL", "LLM_MODEL_NAME", default="gpt-5.2")
    llm_fallback_model: str | None = _setting("LLM_FALLBACK_MODEL")
    llm_model_economy: str | None = _setting("LLM_MODEL_ECONOMY")
    """For when the day's tokens run low, and for steps smaller than an answer."""
    llm_max_tokens: int = _setting("LLM_MAX_TOKENS", default=2_048, least=16)
    answer_confidence: float | None = _setting("ANSWER_CONFIDENCE", most=1)
    """From which an answer is given; unset: what was found best (`answering/deciding.py`)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Normalizer(_FromEnvironment):
    """Words of the company's trade, and what questions may leave open."""

    domain_terms: tuple[str, ...] = _setting("NORMALIZER_DOMAIN_TERMS", default=())
    slots_enabled: tuple[str, ...] = _setting("NORMALIZER_SLOTS_ENABLED", default=())
    """Names of slots, or true or false for all or none; unset: all."""
    slot_product_types: tuple[str, ...] = _setting("NORMALIZER_SLOT_PRODUCT_TYPES", default=())
    slot_os_types: tuple[str, ...] = _setting("NORMALIZER_SLOT_OS_TYPES", default=())


@dataclass(frozen=True, kw_only=True, slots=True)
class Search(_FromEnvironment):
    """Where passages are found."""

    opensearch_host: str | None = _setting("OPENSEARCH_HOST")
    opensearch_index: str = _setting("OPENSEARCH_INDEX", default="candor")
    """How the names of our indexes begin."""
    opensearch_service: str = _setting("OPENSEARCH_SERVICE", default="basic")
    opensearch_user: str | None = _setting("OPENSEARCH_USER")
    opensearch_password: str | None = _setting("OPENSEARCH_PASSWORD", secret=True)
    aws_region: str | None = _setting("AWS_REGION", "AWS_DEFAULT_REGION")
    pinecone_host: str | None = _setting("PINECONE_HOST")
    pinecone_api_key: str | None = _setting("PINECONE_API_KEY", secret=True)
    embedded_store: str | None = _setting("EMBEDDED_STORE")
    model_cache: str | None = _setting("MODEL_CACHE")
    embedding_model: str | None = _setting("EMBEDDING_MODEL", "EMBEDDING_MODEL_NAME")
    embedding_base_url: str | None = _setting("EMBEDDING_BASE_URL")
    embedding_dimensions: int = _setting("EMBEDDING_DIMENSIONS", default=1_536, least=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Stores(_FromEnvironment):
    """Names of tables, bucket and queues. The template gives each function those it may use."""

    accounts_table: str | None = _setting("ACCOUNTS_TABLE")
    answers_table: str | None = _setting("ANSWERS_TABLE")
    config_table: str | None = _setting("CONFIG_TABLE")
    conversations_table: str | None = _setting("CONVERSATIONS_TABLE")
    counters_table: str | None = _setting("COUNTERS_TABLE")
    documents_table: str | None = _setting("DOCUMENTS_TABLE")
    crawls_table: str | None = _setting("CRAWLS_TABLE")
    jobs_table: str | None = _setting("JOBS_TABLE")
    inbox_table: str | None = _setting("INBOX_TABLE")
    tickets_table: str | None = _setting("TICKETS_TABLE")
    source_bucket: str | None = _setting("SOURCE_BUCKET")
    index_queue_url: str | None = _setting("INDEX_QUEUE_URL")
    source_queue_url: str | None = _setting("SOURCE_QUEUE_URL")
    index_dlq_url: str | None = _setting("INDEX_DLQ_URL")
    source_dlq_url: str | None = _setting("SOURCE_DLQ_URL")
    export_queue_url: str | None = _setting("EXPORT_QUEUE_URL")
    export_dlq_url: str | None = _setting("EXPORT_DLQ_URL")
    crawl_queue_url: str | None = _setting("CRAWL_QUEUE_URL")
    crawl_dlq_url: str | None = _setting("CRAWL_DLQ_URL")
    ticket_queue_url: str | None = _setting("TICKET_QUEUE_URL")
    ticket_dlq_url: str | None = _setting("TICKET_DLQ_URL")
    render_queue_url: str | None = _setting("RENDER_QUEUE_URL")
    render_dlq_url: str | None = _setting("RENDER_DLQ_URL")
    changes_dlq_url: str | None = _setting("CHANGES_DLQ_URL")
    message_queue_url: str | None = _setting("MESSAGE_QUEUE_URL")
    message_dlq_url: str | None = _setting("MESSAGE_DLQ_URL")
    webhook_queue_url: str | None = _setting("WEBHOOK_QUEUE_URL")
    webhook_dlq_url: str | None = _setting("WEBHOOK_DLQ_URL")
    config_key_id: str | None = _setting("CONFIG_KEY_ID")
    """Of the KMS key that seals secrets of the configuration."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Fetch(_FromEnvironment):
    """How pages are fetched, and with what they are looked at."""

    allowed_origins: tuple[str, ...] = _setting("FETCH_ALLOWED_ORIGINS", default=())
    """host:port of servers that may be anywhere, inside too."""
    crawl_delay_seconds: float = _setting("CRAWL_DELAY_SECONDS", default=0.2)
    """Between two requests of a crawl to one site; none where `allowed_origins` names it."""
    browser_path: str | None = _setting("BROWSER_PATH")
    browser_flags: tuple[str, ...] = _setting("BROWSER_FLAGS", default=())


@dataclass(frozen=True, kw_only=True, slots=True)
class Whmcs(_FromEnvironment):
    """The helpdesk that is meant until the API's settings name another."""

    base_url: str | None = _setting("WHMCS_BASE_URL")
    list_path: str | None = _setting("WHMCS_LIST_PATH")
    login_path: str | None = _setting("WHMCS_LOGIN_PATH")


@dataclass(frozen=True, kw_only=True, slots=True)
class Clockwork(_FromEnvironment):
    """What rings when a schedule comes due."""

    keep_time_arn: str | None = _setting("KEEP_TIME_ARN")
    scheduler_role_arn: str | None = _setting("SCHEDULER_ROLE_ARN")
    schedule_prefix: str | None = _setting("SCHEDULE_PREFIX")


@dataclass(frozen=True, kw_only=True, slots=True)
class Imports(_FromEnvironment):
    """What happens to a helpdesk's dump after it was imported."""

    dump_keep_days: float = _setting("DUMP_KEEP_DAYS", default=1.0)
    """Before the file is removed; 0: at once."""


CONCERNS: tuple[type[_FromEnvironment], ...] = (
    App,
    Security,
    Limits,
    Model,
    Normalizer,
    Search,
    Stores,
    Fetch,
    Whmcs,
    Clockwork,
    Imports,
)


def variables() -> Iterator[tuple[str, tuple[str, ...], Any]]:
    """Every variable: its name, its aliases, its default. For the test that wants each one documented."""
    for concern in CONCERNS:
        for f in fields(concern):
            yield f.metadata["name"], f.metadata["aliases"], f.default


def slots_named(given: tuple[str, ...]) -> list[str] | None:
    """The slots of NORMALIZER_SLOTS_ENABLED; None while it is unset. `SettingsError` for what is no slot."""
    if not given:
        return None
    try:
        read: list[str] = NORMALIZER.setting("normalizer_slots_enabled").read(given)
    except ValueError as error:
        raise SettingsError(f"NORMALIZER_SLOTS_ENABLED {error}, or true, or false.") from None
    return read


def need(value: str | None, name: str) -> str:
    """The value of a variable one cannot do without; `SettingsError` naming it."""
    if not value:
        raise SettingsError(f"{name} is not set.")
    return value


def with_secrets(environ: Mapping[str, str], stored: Mapping[str, str]) -> dict[str, str]:
    """
    The environment, completed from the fields of the secret.

    The environment wins, then a field of the secret; a key that is in neither follows from the
    generated field `root` by HMAC-SHA256.
    """
    completed = dict(environ)
    for name in STORED:
        if completed.get(name, "").strip():
            continue
        if value := str(stored.get(name) or "").strip():
            completed[name] = value
        elif name in KEYS and (root := str(stored.get("root") or "")):
            completed[name] = hmac.new(root.encode(), name.encode(), hashlib.sha256).hexdigest()
    return completed


def check(environ: Mapping[str, str]) -> None:
    """
    Refuse an environment nobody should start with: `SettingsError`, with a sentence naming the setting.

    Every value must be of its kind; in production, keys must be set and CORS must name its origins.
    """
    for concern in CONCERNS:
        concern.read(environ)
    for origin in Fetch.read(environ).allowed_origins:
        try:
            origin_of(origin)
        except ValueError:
            sentence = "FETCH_ALLOWED_ORIGINS names origins as host:port, comma separated."
            raise SettingsError(sentence) from None
    slots_named(Normalizer.read(environ).slots_enabled)
    app, security = App.read(environ), Security.read(environ)
    if not app.in_production:
        return
    for name, value in (
        ("JWT_SECRET", security.jwt_secret),
        ("API_KEY", security.api_key),
        ("ADMIN_API_KEY", security.admin_api_key),
    ):
        if not value:
            raise SettingsError(f"{name} is not set; production does not start without it.")
        if any(example in value.casefold() for example in _EXAMPLES) or value in ("secret", "password"):
            raise SettingsError(f"{name} is an example's; production needs one of its own.")
    if len((security.jwt_secret or "").encode()) < SHORTEST_SECRET:
        raise SettingsError(f"JWT_SECRET is shorter than {SHORTEST_SECRET} bytes; production needs more.")
    if "*" in app.cors_origins:
        raise SettingsError("CORS_ORIGINS is *; in production name the origins that may call.")


def log_replaced(environ: Mapping[str, str]) -> None:
    """Say what replaced the variables of the older product that are still set."""
    for name, instead in REPLACED.items():
        if environ.get(name, "").strip():
            _log.warning("%s is not used. %s", name, instead)
