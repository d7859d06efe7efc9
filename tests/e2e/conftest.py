"""The local stack, started once for all journeys."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.local.credentials import NAMES
from infra.local.options import FUNCTION_VARIABLES
from tests.doubles.openai import OpenAIDouble
from tests.e2e.running import SMALL, RunningStack


@pytest.fixture(scope="session")
def model_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The embedded embedding model takes seconds to prepare: once for all stacks."""
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory, model_cache: Path) -> Iterator[RunningStack]:
    """
    The real template: `base_url`, `aws`, `credentials`, `api(…)`, `admin(…)`. Nobody's requests are limited.

    With ENDPOINT set (`make test-e2e ENDPOINT=http://…`) it is deployed to whatever speaks AWS there, and
    the functions' settings in the caller's environment reach it too, keys apart: OPENSEARCH_HOST and its kin
    name the engines that belong to that endpoint. Without ENDPOINT none of them does: the journeys run on the
    embedded engines, whatever a developer's shell has set.
    """
    running = RunningStack(
        tmp_path_factory.mktemp("stack"),
        **{"MODEL_CACHE": str(model_cache)} | _of_the_caller() | {"RATE_LIMIT_REQUESTS": "0"},
    )
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def model() -> Iterator[OpenAIDouble]:
    """What a stack of the module's own may write with."""
    with OpenAIDouble() as double:
        yield double


@pytest.fixture(scope="session")
def small_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    """A template of two functions, for what concerns the local cloud alone, ENDPOINT or not."""
    running = RunningStack(tmp_path_factory.mktemp("small"), template=SMALL)
    running.start()
    yield running
    running.stop()


def _of_the_caller() -> dict[str, str]:
    """ENDPOINT, and with it the settings that belong to it."""
    if not os.environ.get("ENDPOINT"):
        return {}
    names = ("ENDPOINT", *(name for name in FUNCTION_VARIABLES if name not in NAMES))
    return {name: os.environ[name] for name in names if os.environ.get(name)}
