"""Refreshing: documents that came from the web are fetched again, each counted once."""

from typing import Any

import pytest

from candor.documents import Draft, document_id_of, draft_of
from candor.errors import Conflict, Unavailable, UpstreamFailed
from candor.jobs import Job, JobStatus
from candor.messages import DocumentsToRefresh
from tests.doubles.crawling import Crawl
from tests.doubles.web import Answer, Web, page

BASE = "https://shop.test"


def stored(crawl: Crawl, *paths: str) -> None:
    """Documents as fetch-from-url stores them, and their pages."""
    for path in paths:
        crawl.web.pages[f"{BASE}{path}"] = page(f"The text of {path}.")
        draft = Draft(url=f"{BASE}{path}", title="Stored", text=f"The text of {path}.", source="web")
        crawl.knowledge.documents.put(draft)
    crawl.knowledge.work()


def refreshed(crawl: Crawl) -> Job:
    job = crawl.refreshing.begin_all(created_by="tests")
    crawl.work(job)
    return crawl.knowledge.jobs.get(job.job_id)


@pytest.fixture
def crawl() -> Crawl:
    crawl = Crawl(web=Web())
    stored(crawl, *(f"/{number}" for number in range(100)))
    return crawl


def test_nothing_to_refresh_is_no_failure() -> None:
    job = refreshed(Crawl(web=Web()))

    assert (job.status, job.result["total"]) == (JobStatus.SUCCEEDED, 0)


def test_every_document_is_looked_at_once_and_told(crawl: Crawl) -> None:
    crawl.web.pages[f"{BASE}/7"] = page("Another text.")
    crawl.web.pages[f"{BASE}/8"] = Answer(status=404)
    crawl.web.pages[f"{BASE}/9"] = Answer(status=500)

    job = refreshed(crawl)

    assert (job.status, job.done, job.total, job.failed) == (JobStatus.SUCCEEDED, 100, 100, 1)
    assert job.result == {
        "status": "ok",
        "total": 100,
        "updated": 1,
        "unchanged": 97,
        "gone": 1,
        "error": 1,
        "errors": [{"url": f"{BASE}/9", "reason": "The site answered 500."}],
    }
    assert len([url for url in crawl.web.requests if not url.endswith("robots.txt")]) == 100


def test_a_long_run_goes_on_in_the_next_invocation(crawl: Crawl) -> None:
    job = crawl.refreshing.begin_all(created_by="tests")
    [message] = crawl.queue.take()
    assert isinstance(message, DocumentsToRefresh)
    seconds = iter([100.0, 10.0])

    crawl.refreshing.go_on(message, remaining=lambda: next(seconds))

    assert crawl.knowledge.jobs.get(job.job_id).done == 40
    crawl.work(job)
    ended = crawl.knowledge.jobs.get(job.job_id)
    assert (ended.status, ended.done, ended.result["unchanged"]) == (JobStatus.SUCCEEDED, 100, 100)


@pytest.mark.parametrize("at", range(4))
@pytest.mark.parametrize("error", [Unavailable, Conflict])
def test_a_step_that_is_done_twice_counts_once(crawl: Crawl, at: int, error: type[Exception]) -> None:
    progress, calls = crawl.knowledge.jobs.progress, iter(range(99))
    crawl.web.pages[f"{BASE}/7"] = Answer(status=410)

    def dying(*args: Any, **more: Any) -> Job:
        if next(calls) == at:
            if error is Conflict:
                progress(*args, **more)  # Another worker has the same message, and was quicker.
            raise error("It failed.")
        return progress(*args, **more)

    crawl.knowledge.jobs.progress = dying  # type: ignore[method-assign]
    job = crawl.refreshing.begin_all(created_by="tests")
    [message] = crawl.queue.take()
    for _ in range(3):
        try:
            crawl.deliver(message)
        except Unavailable:
            continue

    ended = crawl.knowledge.jobs.get(job.job_id)
    assert (ended.status, ended.done, ended.failed) == (JobStatus.SUCCEEDED, 100, 0)
    assert (ended.result["unchanged"], ended.result["gone"]) == (99, 1)
    assert len(crawl.urls()) == 99


def test_a_cancelled_run_stops(crawl: Crawl) -> None:
    job = crawl.refreshing.begin_all(created_by="tests")
    crawl.knowledge.jobs.cancel(job.job_id)

    crawl.deliver(*crawl.queue.take())

    assert crawl.web.requests == []


def test_a_site_whose_robots_cannot_be_read_is_not_asked_and_loses_nothing(crawl: Crawl) -> None:
    crawl.web.pages = {url: Answer(status=404) for url in crawl.web.pages}
    crawl.web.pages[f"{BASE}/robots.txt"] = Answer(status=503)

    job = refreshed(crawl)

    assert (job.status, job.failed, len(crawl.urls())) == (JobStatus.FAILED, 100, 100)
    assert set(crawl.web.requests) == {f"{BASE}/robots.txt"}


def test_what_robots_forbids_is_not_asked_for(crawl: Crawl) -> None:
    crawl.web.pages[f"{BASE}/robots.txt"] = Answer(body=b"User-agent: *\nDisallow: /7")

    job = refreshed(crawl)

    assert f"{BASE}/7" not in crawl.web.requests
    assert [error.file for error in job.errors if error.file == f"{BASE}/7"]
    assert f"{BASE}/7" in crawl.urls()


def test_what_a_person_said_about_a_document_stays(crawl: Crawl) -> None:
    documents, document_id = crawl.knowledge.documents, document_id_of(f"{BASE}/7")
    row = documents.get(document_id)
    corrected = draft_of(row, documents.contents(row))
    documents.put(
        Draft(
            url=corrected.url,
            title=corrected.title,
            text=corrected.text,
            doc_type="policy",
            metadata={"team": "sales"},
            source="web",
        )
    )
    crawl.web.pages[f"{BASE}/7"] = page("Another text.", doc_type="pricing")

    crawl.refreshing.refresh(document_id)

    now = documents.get(document_id)
    assert (now.doc_type, now.metadata) == ("policy", {"team": "sales"})


def test_a_document_that_was_not_made_from_its_page_is_not_withdrawn_with_it() -> None:
    crawl = Crawl(web=Web())
    made, _ = crawl.knowledge.documents.put(Draft(url=f"{BASE}/x", title="Ours", text="Written by hand."))

    with pytest.raises(UpstreamFailed, match="stays as it is"):
        crawl.refreshing.refresh(made.document_id)

    assert crawl.urls() == [f"{BASE}/x"]


def test_requests_of_a_run_keep_their_distance() -> None:
    crawl = Crawl(web=Web(), delay_seconds=2.0)
    stored(crawl, "/1", "/2", "/3")
    began = crawl.clock.now

    refreshed(crawl)

    assert crawl.clock.now - began >= 4.0


def test_a_run_asked_for_twice_is_one() -> None:
    crawl = Crawl(web=Web())

    jobs = [crawl.refreshing.begin_all(created_by="schedule", job_id="same").job_id for _ in range(2)]

    assert jobs == ["same", "same"]
    assert crawl.knowledge.jobs.list(page=1, page_size=5)[1] == 1
