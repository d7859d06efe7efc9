"""Options: what a start was told, by flags, the environment and `.env`, in that order."""

import argparse
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from infra.template import TEMPLATE

FUNCTION_VARIABLES = (
    "OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_API_BASE", "LLM_MODEL", "LLM_MODEL_NAME",
    "LLM_FALLBACK_MODEL", "LLM_MODEL_ECONOMY", "LLM_MAX_TOKENS", "LLM_TOKENS_PER_DAY",
    "LLM_ECONOMY_SHARE", "ANSWER_CONFIDENCE", "EMBEDDING_MODEL", "EMBEDDING_MODEL_NAME",
    "EMBEDDING_BASE_URL", "EMBEDDING_DIMENSIONS", "PINECONE_API_KEY", "PINECONE_HOST", "OPENSEARCH_HOST",
    "OPENSEARCH_INDEX", "OPENSEARCH_SERVICE", "OPENSEARCH_USER", "OPENSEARCH_PASSWORD", "MODEL_CACHE",
    "API_KEY", "ADMIN_API_KEY", "JWT_SECRET", "JWT_EXPIRE_MINUTES", "APP_NAME", "NORMALIZER_DOMAIN_TERMS",
    "NORMALIZER_SLOTS_ENABLED", "NORMALIZER_SLOT_PRODUCT_TYPES", "NORMALIZER_SLOT_OS_TYPES", "CORS_ORIGINS",
    "DOCS_ENABLED", "RATE_LIMIT_REQUESTS", "RATE_LIMIT_WINDOW_SECONDS", "RATE_LIMIT_CUSTOMER_REQUESTS",
    "CONVERSATION_TTL_DAYS", "STREAM_BEAT_SECONDS", "WHMCS_BASE_URL", "WHMCS_LIST_PATH", "WHMCS_LOGIN_PATH",
    "PUBLIC_QUERY_ENABLED", "DUMP_KEEP_DAYS", "FETCH_ALLOWED_ORIGINS", "BROWSER_PATH", "BROWSER_FLAGS",
    "APP_ENV",
)  # fmt: skip
"""
Settings of the functions: set for `make run` or in `.env`, they reach every function under the same name.
"""

ALIASES = {
    "OPENAI_API_BASE": "OPENAI_BASE_URL",
    "LLM_MODEL_NAME": "LLM_MODEL",
    "EMBEDDING_MODEL_NAME": "EMBEDDING_MODEL",
}
"""Older names. The template sets the newer one, so the older is handed on under it."""

REPLACED = {
    "DATABASE_URL": "DynamoDB keeps everything",
    "DATABASE_URL_SYNC": "DynamoDB keeps everything",
    "REDIS_URL": "counters and memory live in DynamoDB",
    "QDRANT_HOST": "set PINECONE_HOST or OPENSEARCH_HOST, or leave both for the embedded engine",
    "OBJECT_STORAGE_URL": "files lie in the source bucket",
}
"""Settings of an older product that nothing reads any more, and what took their place."""

NO = ("", "0", "false", "no", "off")


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    host: str
    """Where the API listens: loopback, unless a container says otherwise."""
    port: int
    aws_port: int
    state: Path
    fresh: bool
    demo: bool
    endpoint: str | None
    """Deploy to and serve what answers here, and start no cloud of our own."""
    once: bool
    auth: bool
    """Enforce IAM policies, so that a missing permission shows here and not on AWS."""
    template: Path
    variables: Mapping[str, str]
    """Settings that reach the functions."""
    replaced: tuple[str, ...]
    reload: bool = True
    """Put saved files in force while it runs."""

    @property
    def root(self) -> Path:
        """The folder the template's own paths start from."""
        return self.template.parent

    @property
    def aws(self) -> str:
        return self.endpoint or f"http://127.0.0.1:{self.aws_port}"

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


def environment(folder: Path) -> dict[str, str]:
    """
    The process's variables over those of `.env` in this folder; one set to nothing takes no other's place.
    """
    file = read_env_file(folder / ".env")
    return {**file, **{name: value for name, value in os.environ.items() if value or name not in file}}


def read_env_file(path: Path) -> dict[str, str]:
    """NAME=value lines; `export`, quotes, blank lines and comments as shells take them. No file: nothing."""
    if not path.is_file():
        return {}
    values = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        name, equals, value = line.strip().removeprefix("export ").partition("=")
        if not equals or name.startswith("#"):
            continue
        value = value.strip()
        if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
            value = value[1:-1]
        else:
            value = value.split(" #")[0].rstrip()
        values[name.strip()] = value
    return values


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of `run`. Each has a variable of the same meaning, which the Makefile passes on."""
    parser.add_argument("--port", type=int, help="where the API listens (PORT, 8000)")
    parser.add_argument("--aws-port", type=int, help="where the embedded AWS listens (AWS_PORT, 4566)")
    parser.add_argument("--state", type=Path, help="the folder that keeps everything (STATE, .candor)")
    parser.add_argument("--fresh", action="store_true", help="wipe that folder first (FRESH=1)")
    parser.add_argument(
        "--no-demo", action="store_true", help="load no demo data on the first start (DEMO=0)"
    )
    parser.add_argument("--endpoint", help="use the AWS that answers here, such as LocalStack (ENDPOINT)")
    parser.add_argument("--once", action="store_true", help="stop after the first answer (ONCE=1)")
    parser.add_argument("--no-auth", action="store_true", help="do not enforce IAM policies (AUTH=0)")
    parser.add_argument("--no-reload", action="store_true", help="leave saved files alone (RELOAD=0)")
    parser.add_argument("--template", type=Path, default=TEMPLATE, help=argparse.SUPPRESS)


def parse(arguments: argparse.Namespace, environ: Mapping[str, str]) -> Options:
    """Flags first, then the environment. Raises `ValueError` with a sentence."""
    template = arguments.template.resolve()
    endpoint = arguments.endpoint or environ.get("ENDPOINT") or None
    variables = {name: environ[name] for name in FUNCTION_VARIABLES if environ.get(name)}
    for older, name in ALIASES.items():
        if older in variables:
            variables.setdefault(name, variables[older])
    return Options(
        host=environ.get("LISTEN_ADDRESS") or "127.0.0.1",
        port=arguments.port or _port("PORT", environ, 8000),
        aws_port=arguments.aws_port or _port("AWS_PORT", environ, 4566),
        state=(arguments.state or Path(environ.get("STATE") or template.parent / ".candor")).absolute(),
        fresh=arguments.fresh or _yes("FRESH", environ, default=False),
        demo=not arguments.no_demo and _yes("DEMO", environ, default=True),
        endpoint=endpoint.rstrip("/") if endpoint else None,
        once=arguments.once or _yes("ONCE", environ, default=False),
        auth=not arguments.no_auth and _yes("AUTH", environ, default=True),
        template=template,
        variables=variables,
        replaced=tuple(name for name in REPLACED if environ.get(name)),
        reload=not arguments.no_reload and _yes("RELOAD", environ, default=True),
    )


def _yes(name: str, environ: Mapping[str, str], *, default: bool) -> bool:
    value = environ.get(name)
    return default if value is None or value == "" else value.strip().lower() not in NO


def _port(name: str, environ: Mapping[str, str], default: int) -> int:
    text = environ.get(name) or str(default)
    if not text.isdigit() or not 0 < int(text) < 65536:
        raise ValueError(f"{name}={text} is not a port: set {name} to a number from 1 to 65535.")
    return int(text)
