"""Reindexing, on a stack of its own: answers go on, nothing stale is quoted, and a kill is no end of it."""

import re
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.doubles.openai import OpenAIDouble
from tests.e2e.running import RunningStack
from tests.e2e.test_journeys import ended, whole
from tests.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

QUESTION = "Within how many days must a rented zeppelin be returned?"
ZEPPELIN = "https://shop.example/help/zeppelin"
PAGES = 60


@pytest.fixture(scope="module")
def embedding_server() -> Iterator[OpenAIDouble]:
    with OpenAIDouble(dimensions=192) as double:
        yield double


@pytest.fixture(scope="module")
def shop(
    tmp_path_factory: pytest.TempPathFactory, model_cache: Path, embedding_server: OpenAIDouble
) -> Iterator[RunningStack]:
    stack = RunningStack(
        tmp_path_factory.mktemp("shop"),
        MODEL_CACHE=str(model_cache),
        EMBEDDING_BASE_URL=embedding_server.base_url,
        RATE_LIMIT_REQUESTS="0",
    )
    stack.start()
    pages = [
        {
            "url": f"https://shop.example/help/{number}",
            "title": f"Balloon {number}",
            "raw_text": f"## Balloon {number}\nBalloon {number} is kept in hall {number}. It flies Sundays. "
            f"Ask the crew of hall {number} for a seat in it.",
        }
        for number in range(PAGES)
    ]
    accepted = stack.admin("POST", "/v1/admin/ingest", {"documents": [*pages, zeppelin(10)]})
    assert accepted.status == 202, accepted.body
    assert ended(stack, accepted.json["id"], seconds=120)["status"] == "succeeded"
    yield stack
    stack.stop()


def zeppelin(days: int) -> dict[str, str]:
    text = f"## Zeppelin rental\nA rented zeppelin must be returned within {days} days of its first flight."
    return {"url": ZEPPELIN, "title": "Zeppelin rental", "raw_text": text}


class Public:
    """People who ask all the time, and an editor who changes the page they ask about."""

    def __init__(self, stack: RunningStack) -> None:
        self._stack = stack
        self._over = threading.Event()
        self.days = 10
        """What the page has said for good: nothing older may be quoted."""
        self.asked = 0
        self.problems: list[str] = []
        self.embedders: list[str] = []
        self._threads = [threading.Thread(target=self._run, args=(work,)) for work in (self._ask, self._edit)]

    def __enter__(self) -> "Public":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(180)

    def _run(self, work: Any) -> None:
        while not self._over.is_set():
            work()

    def _ask(self) -> None:
        least = self.days
        reply = self._stack.admin("POST", "/v1/reply/generate", {"query": QUESTION})
        self.asked += 1
        if reply.status != 200:
            self.problems.append(f"{reply.status} {reply.body!r}")
            return
        self.embedders.append(reply.json["debug"]["retrieval"]["embedder"])
        quoted = [int(days) for days in re.findall(r"(\d+) days", whole(reply.json))]
        if quoted and min(quoted) < least:
            self.problems.append(f"quotes {min(quoted)} days, when the page says {least}")

    def _edit(self) -> None:
        days = self.days + 1
        document = self._stack.admin("POST", "/v1/documents", zeppelin(days)).json
        path = f"/v1/documents/{document['id']}"
        try:
            until(lambda: self._stack.admin("GET", path).json["status"] == "indexed", every=0.1)
            self.days = days
        except AssertionError as error:
            self.problems.append(f"{days} days are not indexed: {error}")
        self._over.wait(0.3)


def reindexed(stack: RunningStack, body: dict[str, Any]) -> dict[str, Any]:
    reply = stack.admin("POST", "/v1/admin/reindex", body)
    assert reply.status == 202, reply.body
    job = ended(stack, reply.json["id"], seconds=180)
    assert job["status"] == "succeeded", job
    return job


def embedder(stack: RunningStack) -> str:
    reply = stack.admin("POST", "/v1/reply/generate", {"query": QUESTION})
    assert reply.status == 200, reply.body
    name: str = reply.json["debug"]["retrieval"]["embedder"]
    return name


def differences(stack: RunningStack) -> dict[str, int]:
    job = ended(stack, stack.admin("POST", "/v1/admin/reconcile").json["id"])
    return {kind: job["result"][kind] for kind in ("missing", "stale", "extra")}


NONE = {"missing": 0, "stale": 0, "extra": 0}


@pytest.mark.parametrize(
    ("body", "name"),
    [({"embedder": "wordllama"}, "wordllama-1"), ({"embedder": "balloons-large"}, "balloons-large")],
)
def test_answers_go_on_while_another_embedder_takes_over(
    shop: RunningStack, capsys: pytest.CaptureFixture[str], body: dict[str, Any], name: str
) -> None:
    before = embedder(shop)

    with Public(shop) as public:
        until(lambda: public.embedders)
        job = reindexed(shop, body)
        until(lambda: public.embedders[-1] == name and public.asked > 5)

    assert public.problems == []
    assert set(public.embedders) == {before, name}
    assert job["result"]["documents"] == PAGES + 1
    assert differences(shop) == NONE
    # A part that takes longer than it is waited for, on a busy machine, is well a moment later.
    until(lambda: shop.call("GET", "/v1/health").json["status"] == "healthy")
    with capsys.disabled():
        sys.stdout.write(
            f"\n  {before} → {name}: {job['result']['seconds']} s for {PAGES + 1} documents, "
            f"{public.asked} questions and {public.days} changes meanwhile\n"
        )


def test_a_build_that_is_cancelled_changes_nothing(shop: RunningStack) -> None:
    before = embedder(shop)
    job = shop.admin("POST", "/v1/admin/reindex", {"embedder": "minilm"}).json

    assert shop.admin("POST", "/v1/admin/reindex", {}).status == 409
    assert shop.admin("POST", f"/v1/admin/jobs/{job['id']}/cancel").status == 200
    impossible = {"embedder": "wordllama", "dimensions": 7}
    until(lambda: shop.admin("POST", "/v1/admin/reindex", impossible).status == 422)

    assert embedder(shop) == before
    assert differences(shop) == NONE


def test_a_build_goes_on_where_a_kill_of_the_whole_stack_found_it(shop: RunningStack) -> None:
    reindexing = "/v1/admin/jobs?kind=reindex"
    until(lambda: shop.admin("GET", reindexing).json["items"][0]["status"] != "running")
    reply = shop.admin("POST", "/v1/admin/reindex", {"embedder": "embedded"})
    assert reply.status == 202, reply.body
    job_id = reply.json["id"]
    until(lambda: shop.admin("GET", f"/v1/admin/jobs/{job_id}").json["status"] != "queued")

    shop.kill()
    shop.start()

    assert ended(shop, job_id, seconds=180)["status"] == "succeeded"
    until(lambda: embedder(shop) == "minilm-wordllama-1")
    assert differences(shop) == NONE
