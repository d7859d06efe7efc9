"""Engines that are started once for all integration tests, on loopback, without Docker."""

import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import pytest

from infra.dynamodb import server as dynamodb
from infra.opensearch.server import NEWEST, WITH_KNN, Edition, node
from tests.doubles import aws
from tests.doubles.clock import Clock
from tests.doubles.web_server import Page, WebServer
from tests.ports import free_port


def _running(edition: Edition, data: Path) -> Iterator[str]:
    if reason := edition.reason_missing():
        pytest.skip(f"OpenSearch {edition.version} cannot run here: {reason}")
    with node(data, port=free_port(), edition=edition, memory="512m") as server:
        yield server.url


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def opensearch_2(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The url of a real OpenSearch 2.19 with k-NN."""
    yield from _running(WITH_KNN, tmp_path_factory.mktemp("opensearch-2"))


@pytest.fixture(scope="session")
def opensearch_3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The url of a real OpenSearch 3, without k-NN."""
    yield from _running(NEWEST, tmp_path_factory.mktemp("opensearch-3"))


@pytest.fixture(scope="session")
def dynamodb_local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The url of DynamoDB Local: AWS's own engine, stricter than the emulators."""
    if reason := dynamodb.reason_missing():
        pytest.skip(f"DynamoDB Local cannot run here: {reason}")
    log = tmp_path_factory.mktemp("dynamodb") / "engine.log"
    with dynamodb.engine(log, port=free_port()) as server:
        yield server.url


@pytest.fixture(scope="session")
def ministack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The url of the embedded AWS that `make run` runs on."""
    with aws.ministack(tmp_path_factory.mktemp("ministack"), port=free_port()) as url:
        yield url


@pytest.fixture
def serve() -> Iterator[Callable[..., WebServer]]:
    """Starts web servers that end with the test: their pages, and a TLS context where they shall have one."""
    with ExitStack() as running:

        def start(pages: Mapping[str, Page] | None = None, *, tls: ssl.SSLContext | None = None) -> WebServer:
            return running.enter_context(WebServer(pages=pages or {}, tls=tls))

        yield start
