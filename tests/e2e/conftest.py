"""The local stack, started once for all journeys."""

from collections.abc import Iterator

import pytest

from tests.e2e.running import SMALL, RunningStack


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    """The real template: `base_url`, `aws`, `credentials`, `api(…)`, `admin(…)`."""
    running = RunningStack(tmp_path_factory.mktemp("stack"))
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="session")
def small_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    """A template of two functions, for what concerns the local cloud alone."""
    running = RunningStack(tmp_path_factory.mktemp("small"), template=SMALL)
    running.start()
    yield running
    running.stop()
