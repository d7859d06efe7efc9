"""Crawls of a WHMCS double through the real door, by every way in: exact, and nothing there is changed."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from candor.adapters.http_fetcher import HttpFetcher
from candor.jobs import Job, JobStatus
from candor.tickets.values import Approval
from candor.whmcs.site.reading import open_helpdesk
from tests.doubles.helpdesk import Crawled
from tests.doubles.whmcs_site import IDENTIFIER, NOTE, PASSWORD, SECRET, USERNAME, WhmcsSite, alerts, tickets

LOGIN = {"username": USERNAME, "password": PASSWORD}
WAYS: dict[str, dict[str, Any]] = {
    "api": {"api_identifier": IDENTIFIER, "api_secret": SECRET},
    "admin pages": LOGIN,
    "client pages": {**LOGIN, "area": "client"},
}

Serve = Callable[..., WhmcsSite]


@pytest.fixture
def serve() -> Iterator[Serve]:
    with ExitStack() as running:

        def start(count: int = 60, *, bad: int = 0, **habits: Any) -> WhmcsSite:
            return running.enter_context(WhmcsSite([*tickets(count), *alerts(bad)], **habits))

        yield start


def crawling(site: WhmcsSite, **settings: Any) -> Crawled:
    """A crawl of that site as it is configured, through the door."""
    fetcher = HttpFetcher(version="1", allowed_origins=[site.origin])
    crawled = Crawled(
        check_address=fetcher.check, opens=lambda access: open_helpdesk(access, fetcher), pause=time.sleep
    )
    crawled.clock.now = time.time()
    crawled.configuration.put("whmcs", {"base_url": site.base, **settings}, by="ada")
    return crawled


def wanted(site: WhmcsSite) -> list[str]:
    return sorted(str(truth.id) for truth in site.truths.values())


def said(crawled: Crawled) -> str:
    rows = crawled.rows()
    return json.dumps([[repr(row), repr(crawled.tickets.talk(row))] for row in rows])


def ended_well(job: Job) -> bool:
    assert job.status is JobStatus.SUCCEEDED, (job.result, job.errors)
    return job.failed == 0 and job.done == job.total


@pytest.mark.parametrize("way", WAYS)
def test_255_tickets_are_all_there_for_hardly_more_than_a_request_each(serve: Serve, way: str) -> None:
    site = serve(255)
    crawled = crawling(site, **WAYS[way])

    job = crawled.crawl()

    assert ended_well(job)
    assert job.result["count"] == len(crawled.rows()) == len(wanted(site))
    assert len(site.requests) <= 255 + 25
    assert site.changes == []
    assert NOTE not in said(crawled)
    assert {row.approval for row in crawled.rows()} == {Approval.PENDING}


def test_the_way_in_is_told_and_a_second_crawl_since_the_first_reads_almost_nothing(serve: Serve) -> None:
    site = serve(120, newest_first=True)
    crawled = crawling(site, **LOGIN, time_zone="UTC")
    assert crawled.crawl().result["read_over"] == "admin pages"
    before = len(site.paths())

    job = crawled.crawl("last")

    assert ended_well(job)
    assert job.result["created"] == job.result["updated"] == 0
    assert job.result["unchanged"] <= 3
    views = [path for path in site.paths()[before:] if "viewticket" in path or "action=view" in path]
    assert len(views) <= 3


@pytest.mark.parametrize("way", ["admin pages", "client pages"])
def test_a_session_that_expires_in_the_middle_is_renewed_and_nothing_is_lost(serve: Serve, way: str) -> None:
    site = serve(60, expires_after=[25, 30])
    crawled = crawling(site, **WAYS[way])

    job = crawled.crawl()

    assert ended_well(job)
    assert len(crawled.rows()) == 60
    assert site.logins >= 2
    assert list(crawled.alerts.list()) == []


def test_cookies_that_expire_in_the_middle_stop_the_crawl_and_are_an_alert(serve: Serve) -> None:
    site = serve(60)
    crawled = crawling(site)
    crawled.cookies.save([site.browser_cookie()], by="ada")
    assert ended_well(crawled.crawl())
    site.sessions.clear()

    job = crawled.crawl()

    assert job.status is JobStatus.FAILED
    assert site.logins == 0
    assert [alert.alert_id for alert in crawled.alerts.list()] == ["whmcs-login"]
    crawled.cookies.save([site.browser_cookie()], by="ada")
    assert ended_well(crawled.crawl())
    assert list(crawled.alerts.list()) == []


@pytest.mark.parametrize("way", WAYS)
def test_wrong_credentials_are_tried_once_and_never_again(serve: Serve, way: str) -> None:
    site = serve(10)
    wrong = {"password": "not this one"} if way != "api" else {"api_secret": "not-this-one"}
    crawled = crawling(site, **{**WAYS[way], **wrong})

    job = crawled.crawl()

    assert (job.status, job.done) == (JobStatus.FAILED, 0)
    assert site.bad_logins <= 1
    assert not site.banned
    [alert] = crawled.alerts.list()
    assert alert.message == job.result["error"]
    assert len(alert.message) > 20


def test_a_busy_site_is_left_alone_as_long_as_it_asks(serve: Serve) -> None:
    site = serve(40, busy_every=30, retry_after="1")
    crawled = crawling(site, **LOGIN)
    began = time.monotonic()

    job = crawled.crawl()

    assert ended_well(job)
    assert len(crawled.rows()) == 40
    assert time.monotonic() - began >= 1


def test_a_one_time_code_is_good_for_a_crawl_of_many_workers(serve: Serve) -> None:
    from candor.whmcs.site import totp

    secret = "JBSWY3DPEHPK3PXP"
    site = serve(60, totp_secret=secret)
    began = time.time()
    site.clock = lambda: began  # However long the first worker takes to log in, the code is still good.
    crawled = crawling(site)
    crawled.seconds = 95

    def counted() -> float:
        return 95.0 - 20.0 * next(ticking)

    ticking = iter(range(1_000))
    job = crawled.begun(**LOGIN, totp_code=totp.code(secret, began))
    invocations = 0
    while not crawled.jobs.get(job.job_id).status.ended:
        [message] = crawled.queue.take()
        ticking = iter(range(1_000))
        crawled.crawling.go_on(message, remaining=counted)  # type: ignore[arg-type]
        invocations += 1

    assert ended_well(crawled.jobs.get(job.job_id))
    assert invocations > 2
    assert site.logins == 1


def test_monitoring_is_left_out_and_counted(serve: Serve) -> None:
    site = serve(20, bad=10)
    crawled = crawling(site, **LOGIN, ignore=["[ALERT]*", "mailer-daemon", "Mail delivery failed*"])

    job = crawled.crawl()

    assert ended_well(job)
    assert (job.result["count"], job.result["skipped"]) == (20, 10)
    assert not any("ALR-" in path for path in site.paths())


def test_what_a_customer_sees_meets_what_the_staff_sees(serve: Serve) -> None:
    site = serve(40)
    crawled = crawling(site, **LOGIN)
    crawled.crawl()
    crawled.approve("7")
    known = crawled.numbers()

    job = crawled.crawl(area="client", **LOGIN)

    assert ended_well(job)
    assert crawled.numbers() == known
    assert [row.number for row in crawled.rows() if row.approval is Approval.APPROVED] == ["7"]


def test_a_site_that_leads_inside_is_not_followed(serve: Serve) -> None:
    site = serve(5)
    crawled = crawling(site, **LOGIN)
    site.habits.moved_to = "http://169.254.169.254"

    job = crawled.crawl()

    assert job.status is JobStatus.FAILED
    assert crawled.rows() == []
