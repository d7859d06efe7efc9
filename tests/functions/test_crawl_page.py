"""Crawl page and render page through the real handlers, with real SQS batches; and the routes before them."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from candor.adapters.http_fetcher import HttpFetcher
from candor.crawling.crawls import Options
from candor.documents import Draft, document_id_of
from candor.errors import Unavailable
from candor.fetching import Fetched
from candor.jobs import JobStatus
from candor.messages import Message
from candor.page_fetching import PageFetching
from functions.crawl_page import app
from functions.documents import app as documents_app
from functions.render_page import app as render_app
from tests.doubles.crawling import Crawl
from tests.doubles.entrance import API_KEY, Entrance
from tests.doubles.gateway import Context, Http, wire_event
from tests.doubles.web import Answer, Web, page

BASE = "https://shop.test"
SCRIPTS = page("", kind="thin")


class Long(Context):
    """Of a worker that has just begun."""

    def get_remaining_time_in_millis(self) -> int:
        return 120_000


class Browser:
    """Sees what the scripts would bring."""

    def __init__(self, there: bool = True) -> None:
        self.there = there
        self.rendered: list[str] = []

    def render(self, url: str, *, total_seconds: float = 30.0) -> Fetched:
        if not self.there:
            raise Unavailable("There is no browser here.")
        self.rendered.append(url)
        return Fetched(url=url, status=200, body=page("Scripts bring the prices: 5 a month.").body)


@dataclass
class Desk:
    crawl: Crawl
    http: Http
    browser: Browser
    pauses: list[dict[str, int]]

    def defer(self, queue_arn: str, pauses: dict[str, int]) -> None:
        self.pauses.append(dict(pauses))

    def deliver(self, *messages: Message, to: Any = app) -> Any:
        """One batch as SQS brings it; `remaining` is what a new invocation has."""
        event = wire_event(Path("events/crawl_page/finish.json"))
        [record] = event["Records"]
        records = [
            {**record, "messageId": f"m{number}", "receiptHandle": f"r{number}", "body": message.to_json()}
            for number, message in enumerate(messages)
        ]
        return to.handler({"Records": records}, Long())

    def work(self, job_id: str) -> None:
        for _ in range(500):
            if self.crawl.knowledge.jobs.get(job_id).status.ended:
                return
            for queue, to in ((self.crawl.queue, app), (self.crawl.render_queue, render_app)):
                if messages := queue.take():
                    assert self.deliver(*messages, to=to) == {"batchItemFailures": []}
            self.crawl.knowledge.work()
            times = [queue.next_at() for queue in (self.crawl.queue, self.crawl.render_queue)]
            at = min((at for at in times if at is not None), default=self.crawl.clock.now)
            self.crawl.clock.now = max(self.crawl.clock.now, at)


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Desk:
    web = Web(
        {
            f"{BASE}/": page("Welcome to the shop.", "/help", "/app"),
            f"{BASE}/help": page("Help is here at any hour."),
            f"{BASE}/app": SCRIPTS,
        }
    )
    browser, entrance = Browser(), Entrance()
    crawl = Crawl(web=web, browser=browser)
    desk = Desk(crawl, Http(documents_app.handler).as_(X_API_Key=API_KEY), browser, [])
    graves = crawl.knowledge.graves
    service = app.Service(
        crawling=crawl.crawling, refreshing=crawl.refreshing, graveyard=graves, deferral=desk
    )
    monkeypatch.setattr(app, "service", lambda: service)
    rendering = render_app.Service(crawling=crawl.crawling, graveyard=graves, deferral=desk)
    monkeypatch.setattr(render_app, "service", lambda: rendering)
    documents = documents_app.Service(
        gate=entrance.gate,
        documents=crawl.knowledge.documents,
        page_fetching=PageFetching(fetcher=HttpFetcher(version="1")),
        uploading=crawl.knowledge.uploading,
        crawling=crawl.crawling,
        refreshing=crawl.refreshing,
    )
    monkeypatch.setattr(documents_app, "service", lambda: documents)
    return desk


def test_a_site_asked_for_is_crawled_to_its_end(desk: Desk) -> None:
    answer = desk.http.post("/v1/documents/crawl-website", {"base_url": f"{BASE}/", "max_pages": 10})

    assert answer.status == 202, answer.text
    assert answer.json == {"job_id": answer.json["id"], "id": answer.json["id"], "status": "queued"}
    desk.work(answer.json["id"])
    job = desk.crawl.knowledge.jobs.get(answer.json["id"])
    assert (job.kind, job.subject, job.status) == ("crawl_website", f"{BASE}/", JobStatus.SUCCEEDED)
    assert desk.crawl.urls() == [f"{BASE}/", f"{BASE}/app", f"{BASE}/help"]
    assert desk.browser.rendered == [f"{BASE}/app"]
    assert desk.crawl.knowledge.quotable("scripts prices") == [f"{BASE}/app"]


def test_a_page_that_needed_a_browser_is_not_rendered_again_unless_it_changed(desk: Desk) -> None:
    for _ in range(2):
        answer = desk.http.post("/v1/documents/crawl-website", {"url": f"{BASE}/"})
        desk.work(answer.json["id"])

    assert desk.browser.rendered == [f"{BASE}/app"]
    assert desk.crawl.knowledge.jobs.get(answer.json["id"]).result["unchanged"] == 3
    desk.crawl.web.pages[f"{BASE}/app"] = page(" ", kind="thin")
    answer = desk.http.post("/v1/documents/crawl-website", {"url": f"{BASE}/"})
    desk.work(answer.json["id"])
    assert desk.browser.rendered == [f"{BASE}/app"] * 2


@pytest.mark.parametrize(
    ("said", "kept"),
    [("A few words.", False), ("These are the words that stand there without a browser: " * 2, True)],
)
def test_without_a_browser_a_page_is_what_it_says_without_scripts(desk: Desk, said: str, kept: bool) -> None:
    desk.browser.there = False
    desk.crawl.web.pages[f"{BASE}/app"] = page(said, kind="thin")

    answer = desk.http.post("/v1/documents/crawl-website", {"url": f"{BASE}/"})
    desk.work(answer.json["id"])

    assert (f"{BASE}/app" in desk.crawl.urls()) is kept
    result = desk.crawl.knowledge.jobs.get(answer.json["id"]).result
    assert result["skipped"] == ({} if kept else {"empty": 1})
    desk.browser.there = True
    answer = desk.http.post("/v1/documents/crawl-website", {"url": f"{BASE}/"})
    desk.work(answer.json["id"])
    assert desk.crawl.knowledge.quotable("scripts prices") == [f"{BASE}/app"], "a browser sees more later"


def test_waiting_brings_the_result(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    wait = desk.crawl.crawling.wait

    def working(job_id: str, *, seconds: float) -> Any:
        desk.work(job_id)
        return wait(job_id, seconds=seconds)

    monkeypatch.setattr(desk.crawl.crawling, "wait", working)

    answer = desk.http.post("/v1/documents/crawl-website", {"base_url": BASE}, query={"wait": "true"})

    assert answer.status == 200, answer.text
    assert (answer.json["status"], answer.json["pages_crawled"], answer.json["pages_ingested"]) == (
        "ok",
        3,
        3,
    )
    assert {"url": f"{BASE}/help", "title": "Help is here at any ", "doc_type": "other"} in answer.json[
        "pages"
    ]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 422),
        ({"base_url": "http://127.0.0.1/"}, 400),
        ({"base_url": "ftp://shop.test/"}, 400),
        ({"base_url": BASE, "max_pages": 0}, 422),
        ({"base_url": BASE, "max_pages": 501}, 422),
        ({"base_url": BASE, "max_depth": 11}, 422),
        ({"base_url": BASE, "delay_seconds": 61}, 422),
    ],
)
def test_what_cannot_be_crawled_is_refused_before_any_job(desk: Desk, body: Any, status: int) -> None:
    answer = desk.http.post("/v1/documents/crawl-website", body)

    assert answer.status == status, answer.text
    assert desk.crawl.knowledge.jobs.list(page=1, page_size=1)[1] == 0


def test_all_documents_from_the_web_are_fetched_again(desk: Desk) -> None:
    desk.work(desk.http.post("/v1/documents/crawl-website", {"url": BASE}).json["id"])
    desk.http.post(
        "/v1/documents", {"url": f"{BASE}/by-hand", "raw_text": "Written by hand, and left alone."}
    )
    desk.crawl.knowledge.work()
    desk.crawl.web.pages[f"{BASE}/"] = page("Welcome to the new shop.", "/help")
    desk.crawl.web.pages[f"{BASE}/help"] = Answer(status=410)

    answer = desk.http.post("/v1/documents/re-crawl-all")
    assert answer.status == 202, answer.text
    desk.work(answer.json["id"])

    job = desk.crawl.knowledge.jobs.get(answer.json["id"])
    assert job.result == {
        "status": "ok",
        "total": 3,
        "updated": 1,
        "unchanged": 1,
        "gone": 1,
        "error": 0,
        "errors": [],
    }
    assert desk.crawl.urls() == [f"{BASE}/", f"{BASE}/app", f"{BASE}/by-hand"]


def test_one_document_is_fetched_again(desk: Desk) -> None:
    desk.work(desk.http.post("/v1/documents/crawl-website", {"url": BASE}).json["id"])
    document_id = document_id_of(f"{BASE}/help")

    same = desk.http.post(f"/v1/documents/{document_id}/re-crawl")
    desk.crawl.web.pages[f"{BASE}/help"] = page("Help is here by day.")
    changed = desk.http.post(f"/v1/documents/{document_id}/re-crawl")
    desk.crawl.web.pages[f"{BASE}/help"] = Answer(status=500)
    failed = desk.http.post(f"/v1/documents/{document_id}/re-crawl")
    del desk.crawl.web.pages[f"{BASE}/help"]
    gone = desk.http.post(f"/v1/documents/{document_id}/re-crawl")

    assert (same.json["updated"], same.json["status"], same.json["chunks_count"]) == (False, "indexed", 1)
    assert (changed.json["updated"], changed.json["status"]) == (True, "queued")
    assert (failed.status, failed.json["detail"]) == (502, "The site answered 500.")
    assert (gone.json["status"], gone.json["updated"], gone.json["source_url"]) == (
        "gone",
        False,
        f"{BASE}/help",
    )
    assert desk.http.post(f"/v1/documents/{document_id}/re-crawl").status == 404


def test_a_document_without_an_address_cannot_be_fetched_again(desk: Desk) -> None:
    made, _ = desk.crawl.knowledge.documents.put(
        Draft(url="plan://large", title="Large", text="8 GB of memory.")
    )

    answer = desk.http.post(f"/v1/documents/{made.document_id}/re-crawl")

    assert answer.status == 422
    assert "no http(s) address" in answer.json["detail"]


def test_only_what_is_nonsense_is_buried(desk: Desk) -> None:
    answer = app.handler(wire_event(Path("events/crawl_page/partly_nonsense.json")), Context())

    assert answer == {"batchItemFailures": []}
    assert [body for body, _ in desk.crawl.knowledge.graves.buried] == [
        "no JSON at all",
        json.dumps({"job_id": "00000000-0000-4000-8000-0000000000cc", "kind": "walk"}),
    ]


@pytest.mark.parametrize("case", ["site", "pages", "finish", "refresh"])
def test_work_for_a_job_nobody_knows_is_taken_and_forgotten(desk: Desk, case: str) -> None:
    answer = app.handler(wire_event(Path(f"events/crawl_page/{case}.json")), Context())

    assert answer == {"batchItemFailures": []}
    assert desk.crawl.web.requests == []


def test_a_page_to_render_for_a_job_nobody_knows_is_taken_and_forgotten(desk: Desk) -> None:
    answer = render_app.handler(wire_event(Path("events/render_page/page.json")), Context())

    assert answer == {"batchItemFailures": []}


def test_a_store_that_is_down_sends_the_batch_back_with_a_pause(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = desk.crawl.crawling.begin_site(BASE, options=Options(), created_by="tests")
    desk.deliver(*desk.crawl.queue.take())

    def down(*_: Any, **__: Any) -> Any:
        raise Unavailable("The database is not available right now.")

    monkeypatch.setattr(desk.crawl.crawls, "save", down)
    messages = desk.crawl.queue.take()

    answer = desk.deliver(*messages)

    assert len(answer["batchItemFailures"]) == len(messages) == 1
    assert desk.pauses
    monkeypatch.undo()
    assert desk.crawl.knowledge.jobs.get(job.job_id).status == JobStatus.RUNNING
