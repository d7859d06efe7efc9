"""Crawling, through the API on the local stack: a hostile website becomes exactly its own knowledge."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.doubles.site import Site
from tests.e2e.running import RunningStack
from tests.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

SECONDS = 240.0


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with Site(pages=60) as site:
        yield site


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, model_cache: Path, site: Site) -> Iterator[RunningStack]:
    running = RunningStack(
        tmp_path_factory.mktemp("crawling"),
        MODEL_CACHE=str(model_cache),
        RATE_LIMIT_REQUESTS="0",
        FETCH_ALLOWED_ORIGINS=site.origin,
    )
    running.start()
    yield running
    running.stop()


def ended(stack: RunningStack, job_id: str) -> Any:
    job: dict[str, Any] = {}

    def is_over() -> bool:
        job.update(stack.admin("GET", f"/v1/admin/jobs/{job_id}").json)
        return job["status"] not in ("queued", "running")

    until(is_over, seconds=SECONDS, every=0.2)
    return job


def crawl(stack: RunningStack, site: Site, **body: Any) -> Any:
    asked = {"base_url": f"{site.base}/", "max_pages": 500, "max_depth": 10, **body}
    reply = stack.admin("POST", "/v1/documents/crawl-website", asked)
    assert reply.status == 202, reply.body
    return ended(stack, reply.json["job_id"])


def documents(stack: RunningStack) -> dict[str, Any]:
    found: dict[str, Any] = {}
    page = 1
    while items := stack.api("GET", f"/v1/documents?page={page}&page_size=100").json["items"]:
        found |= {item["source_url"]: item for item in items}
        page += 1
    return found


def first_source(stack: RunningStack, question: str) -> str:
    answer = stack.api("POST", "/v1/reply/generate", {"query": question}).json
    return str(answer["citations"][0]["source_url"]) if answer["citations"] else ""


def test_a_website_is_crawled_again_and_what_changed_on_it_follows(stack: RunningStack, site: Site) -> None:
    job = crawl(stack, site)

    assert job["status"] == "succeeded", job
    found = documents(stack)
    wanted = set(site.must_have)
    optional = set(site.may_have) | set(site.with_scripts)
    assert wanted <= found.keys(), sorted(wanted - found.keys())
    assert found.keys() <= wanted | optional, sorted(found.keys() - wanted - optional)
    assert {item["status"] for item in found.values()} == {"indexed"}
    asked = {visit.path for visit in site.requests}
    assert not asked & site.must_not_ask
    assert not site.elsewhere
    assert job["progress"]["done"] == job["progress"]["total"]
    assert job["result"]["pages_ingested"] == len(found)

    again = crawl(stack, site)

    assert documents(stack) == found, "a second crawl changes nothing"
    counts = {name: again["result"][name] for name in ("created", "updated", "gone", "unchanged")}
    assert counts == {"created": 0, "updated": 0, "gone": 0, "unchanged": len(found)}

    edited, deleted = sorted(path for path in site.must_have if "/kb/" in path and path.count("/") > 4)[3:5]
    site.edit(edited.removeprefix(site.base), "The purple gateway in Reykjavik answers on port 7321.")
    site.delete(deleted.removeprefix(site.base))

    third = crawl(stack, site)

    counts = {name: third["result"][name] for name in ("created", "updated", "gone")}
    assert counts == {"created": 0, "updated": 1, "gone": 1}
    assert documents(stack).keys() == found.keys() - {deleted}
    assert first_source(stack, "On which port does the purple gateway in Reykjavik answer?") == edited


def test_a_crawl_can_be_cancelled(stack: RunningStack, site: Site) -> None:
    reply = stack.admin("POST", "/v1/documents/crawl-website", {"url": f"{site.base}/", "delay_seconds": 1})
    job_id = reply.json["job_id"]

    assert stack.admin("POST", f"/v1/admin/jobs/{job_id}/cancel").json["status"] == "cancelled"

    before = len(site.requests)
    asked, ends = -1, time.monotonic() + SECONDS
    while (now := len(site.requests)) != asked and time.monotonic() < ends:
        asked = now
        time.sleep(4)
    assert asked == len(site.requests), "it goes on"
    assert asked - before <= 25, "robots.txt, the start, the sitemaps, and one batch for each worker"


def test_one_document_and_all_documents_are_fetched_again(stack: RunningStack, site: Site) -> None:
    [url, other, *_] = sorted(url for url in documents(stack) if "/kb/" in url and url in site.must_have)
    document_id = documents(stack)[url]["id"]

    one = stack.admin("POST", f"/v1/documents/{document_id}/re-crawl")
    assert (one.status, one.json["updated"], one.json["source_url"]) == (200, False, url)

    site.delete(other.removeprefix(site.base), status=410)
    reply = stack.admin("POST", "/v1/documents/re-crawl-all")
    job = ended(stack, reply.json["job_id"])

    assert job["status"] == "succeeded", job
    assert job["result"]["gone"] == 1
    assert other not in documents(stack)


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:1/", "http://169.254.169.254/", "file:///etc/passwd", "http://localhost/"]
)
def test_an_address_nobody_may_crawl_is_refused(stack: RunningStack, address: str) -> None:
    assert stack.admin("POST", "/v1/documents/crawl-website", {"base_url": address}).status == 400
