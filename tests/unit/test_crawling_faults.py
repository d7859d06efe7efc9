"""Crawling under faults: killed anywhere, delivered twice, out of order, by two workers: the same end."""

import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from candor.errors import Unavailable
from candor.jobs import Job, JobStatus
from candor.messages import PageToCrawl
from tests.doubles.crawling import Crawl
from tests.doubles.web import Answer, Web, moved, page

BASE = "https://shop.test"

PORTS = {
    "crawls": (
        "begin",
        "plan",
        "frontier",
        "save",
        "pages",
        "known",
        "remember",
        "forget",
        "site",
        "keep_site",
    ),
    "documents": ("put", "find", "delete", "served_versions"),
    "jobs": ("get", "measure", "finish"),
    "queue": ("send",),
}


class Killed(BaseException):
    """The worker is gone: nothing catches this."""


def a_site() -> dict[str, Answer]:
    same = "The same text under two addresses."
    pages = {
        "/": page("Start.", "/a", "/b", "/old", "/twin", "/deep/twin"),
        "/a": page("Article A.", "/c", "/missing"),
        "/b": page("Article B.", "/c", "/named"),
        "/c": page("Article C."),
        "/old": moved("/new"),
        "/new": page("The new place.", "/"),
        "/twin": page(same),
        "/deep/twin": page(same),
        "/named": page("Called otherwise.", canonical="/c2"),
        "/broken": Answer(status=500),
    }
    return {BASE + path: answer for path, answer in pages.items()}


KEPT = sorted(f"{BASE}/{path}" for path in ("", "a", "b", "c", "new", "twin", "named"))


def changed(web: Web) -> None:
    """What happens to the site between the two crawls."""
    del web.pages[f"{BASE}/c"]
    web.pages[f"{BASE}/a"] = page("Article A, rewritten.", "/c", "/missing")
    web.pages[f"{BASE}/twin"] = page("Please log in.", kind="login")


KEPT_AFTER = sorted(f"{BASE}/{path}" for path in ("", "a", "b", "new", "deep/twin", "named"))


def ports(crawl: Crawl) -> dict[str, Any]:
    return {
        "crawls": crawl.crawls,
        "documents": crawl.knowledge.documents,
        "jobs": crawl.knowledge.jobs,
        "queue": crawl.queue,
    }


def breaking(
    crawl: Crawl, name: str, at: int, *, after: bool, error: type[BaseException]
) -> Callable[[], None]:
    """The `at`-th call of a port's method dies, before or after it has done its work. Returns the repair."""
    port_name, method = name.split(".")
    port = ports(crawl)[port_name]
    real = getattr(port, method)
    calls = iter(range(10**9))

    def call(*args: Any, **kwargs: Any) -> Any:
        # Only a crawl's own calls: those of the test, and of the indexing beside it, are none of its steps.
        dies = crawl.delivering and next(calls) == at
        if dies and not after:
            raise error("It failed.")
        result = real(*args, **kwargs)
        if dies:
            raise error("It failed.")
        return result

    setattr(port, method, call)
    return lambda: setattr(port, method, real)


def work_through(crawl: Crawl, job: Job, rng: random.Random) -> None:
    """As `Crawl.work`, but a batch whose worker dies comes back."""
    for _ in range(3_000):
        if crawl.knowledge.jobs.get(job.job_id).status.ended:
            return
        messages = crawl.queue.take(1 + rng.randrange(4))
        try:
            crawl.deliver(*messages)
        except (Killed, Unavailable):
            crawl.queue.messages += [(crawl.clock.now, message) for message in messages]
        crawl.knowledge.work()
        if not messages:
            at = crawl.queue.next_at()
            assert at is not None, "nothing is left to be done, and the job has not ended"
            crawl.clock.now = max(crawl.clock.now, at)
    raise AssertionError("the job does not end")


def cases() -> Iterator[tuple[str, int, bool]]:
    for port, methods in PORTS.items():
        for method in methods:
            for at in (0, 1, 2, 3, 5, 8, 13):
                for after in (False, True):
                    yield f"{port}.{method}", at, after


def check(crawl: Crawl, job: Job, kept: list[str]) -> None:
    ended = crawl.knowledge.jobs.get(job.job_id)
    assert ended.status == JobStatus.SUCCEEDED, ended
    assert crawl.urls() == kept
    result = ended.result
    assert result["pages_crawled"] == result["pages_ingested"] == len(kept)
    assert result["created"] + result["updated"] + result["unchanged"] == len(kept)
    assert ended.done == ended.total
    assert not list(crawl.knowledge.documents.pending())


@pytest.mark.slow
@pytest.mark.parametrize("error", [Killed, Unavailable])
def test_a_worker_killed_at_any_call_leaves_nothing_undone_and_counts_nothing_twice(
    error: type[BaseException],
) -> None:
    for name, at, after in cases():
        rng = random.Random(f"{name} {at} {after}")
        crawl = Crawl(web=Web(a_site()))
        job = crawl.begin(BASE)
        repair = breaking(crawl, name, at, after=after, error=error)
        try:
            work_through(crawl, job, rng)
        finally:
            repair()

        check(crawl, job, KEPT)
        assert crawl.knowledge.jobs.get(job.job_id).result["created"] == len(KEPT), (name, at, after)


@pytest.mark.slow
def test_a_second_crawl_killed_at_any_call_withdraws_what_it_should_and_counts_it_once() -> None:
    for name, at, after in cases():
        rng = random.Random(f"{name} {at} {after}")
        crawl = Crawl(web=Web(a_site()))
        crawl.run(BASE)
        changed(crawl.web)
        crawl.clock.sleep(60)
        job = crawl.begin(BASE)
        repair = breaking(crawl, name, at, after=after, error=Killed)
        try:
            work_through(crawl, job, rng)
        finally:
            repair()

        check(crawl, job, KEPT_AFTER)
        result = crawl.knowledge.jobs.get(job.job_id).result
        told = {key: result[key] for key in ("created", "updated", "unchanged", "gone")}
        assert told == {"created": 1, "updated": 1, "unchanged": 4, "gone": 2}, (name, at, after)


@pytest.mark.parametrize("seed", range(25))
def test_messages_in_any_order_and_twice_lead_to_the_same_end(seed: int) -> None:
    crawl = Crawl(web=Web(a_site()))
    job = crawl.begin(BASE)

    crawl.work(job, chaos=random.Random(seed), batch=1 + seed % 5)

    check(crawl, job, KEPT)
    changed(crawl.web)
    again = crawl.begin(BASE)
    crawl.work(again, chaos=random.Random(seed), batch=1 + seed % 5)
    check(crawl, again, KEPT_AFTER)


@pytest.mark.parametrize("seed", range(12))
def test_two_workers_with_the_same_pages_count_them_once(seed: int) -> None:
    """While one worker is at its first writes, another gets the same messages and finishes before it."""
    rng = random.Random(seed)
    crawl = Crawl(web=Web(a_site()))
    job = crawl.begin(BASE)
    save, busy = crawl.crawls.save, list[bool]()
    last: list[PageToCrawl] = []

    def meanwhile(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            if not busy and rng.random() < 0.4:
                busy.append(True)
                crawl.deliver(*last)
                busy.clear()
            return real(*args, **kwargs)

        return call

    crawl.crawls.save = meanwhile(save)  # type: ignore[method-assign]
    deliver = crawl.deliver

    def remembering(*messages: Any, **more: Any) -> None:
        if not busy:
            last[:] = [message for message in messages if isinstance(message, PageToCrawl)]
        deliver(*messages, **more)

    crawl.deliver = remembering  # type: ignore[method-assign]

    crawl.work(job)

    check(crawl, job, KEPT)
