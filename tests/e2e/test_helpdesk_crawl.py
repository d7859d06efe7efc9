"""A WHMCS helpdesk crawled through the API on the local stack: exact and harmless, whatever happens."""

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.doubles.whmcs_site import NOTE, PASSWORD, USERNAME, Truth, WhmcsSite, tickets
from tests.e2e.running import RunningStack
from tests.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

SECONDS = 300.0
WRONG = "certainly-not-the-password"


@pytest.fixture(scope="module")
def site() -> Iterator[WhmcsSite]:
    with WhmcsSite(tickets(255), newest_first=True) as site:
        yield site


@pytest.fixture(scope="module")
def stack(
    tmp_path_factory: pytest.TempPathFactory, model_cache: Path, site: WhmcsSite
) -> Iterator[RunningStack]:
    running = RunningStack(
        tmp_path_factory.mktemp("helpdesk"),
        MODEL_CACHE=str(model_cache),
        RATE_LIMIT_REQUESTS="0",
        FETCH_ALLOWED_ORIGINS=site.origin,
    )
    running.unspeakable |= {PASSWORD, WRONG}
    running.start()
    settings = {"base_url": site.base, "username": USERNAME, "password": PASSWORD, "time_zone": "UTC"}
    put = running.admin("PUT", "/v1/admin/config/whmcs", settings)
    assert put.status == 200, put.body
    yield running
    running.stop()


def begun(stack: RunningStack, **body: Any) -> str:
    reply = stack.admin("POST", "/v1/admin/crawl-tickets", body)
    assert reply.status == 202, reply.body
    return str(reply.json["job_id"])


def ended(stack: RunningStack, job_id: str) -> Any:
    job: dict[str, Any] = {}

    def is_over() -> bool:
        job.update(stack.admin("GET", f"/v1/admin/jobs/{job_id}").json)
        return job["status"] not in ("queued", "running")

    until(is_over, seconds=SECONDS, every=0.1)
    return job


def crawl(stack: RunningStack, **body: Any) -> Any:
    return ended(stack, begun(stack, **body))


def listed(stack: RunningStack) -> list[Any]:
    found: list[Any] = []
    page = 1
    while items := stack.admin("GET", f"/v1/tickets?page={page}&page_size=100").json["items"]:
        found += items
        page += 1
    return found


def alerts(stack: RunningStack) -> list[Any]:
    shown: list[Any] = stack.admin("GET", "/v1/admin/alerts").json
    return shown


def test_a_helpdesk_is_crawled_exactly_and_nothing_on_it_is_changed(
    stack: RunningStack, site: WhmcsSite
) -> None:
    job = crawl(stack)

    assert job["status"] == "succeeded", job["result"]
    assert job["progress"] == {"done": 255, "total": 255, "failed": 0}
    assert job["result"]["count"] == job["result"]["created"] == 255
    items = listed(stack)
    assert sorted(item["external_id"] for item in items) == sorted(str(one) for one in site.truths)
    assert {item["approval_status"] for item in items} == {"pending"}
    assert site.changes == []
    whole = [stack.admin("GET", f"/v1/tickets/{item['id']}") for item in items[:40]]
    assert not any(NOTE in reply.body.decode() for reply in whole)


def test_a_second_crawl_since_the_first_reads_almost_nothing(stack: RunningStack, site: WhmcsSite) -> None:
    crawl(stack)
    before = len(site.paths())

    job = crawl(stack, since="last")

    assert job["status"] == "succeeded"
    assert job["result"]["created"] == job["result"]["updated"] == 0
    assert len(site.paths()) - before < 10


def test_a_session_that_ends_in_the_middle_is_no_end_of_the_crawl(
    stack: RunningStack, site: WhmcsSite
) -> None:
    site.habits.expires_after = [*([10_000] * site._ended), 60, 90]
    logins = site.logins

    job = crawl(stack)

    site.habits.expires_after = ()
    assert job["status"] == "succeeded", job["result"]
    assert job["progress"] == {"done": 255, "total": 255, "failed": 0}
    assert site.logins > logins
    assert alerts(stack) == []


def test_a_wrong_password_is_tried_once_and_is_an_alert_until_a_crawl_succeeds(
    stack: RunningStack, site: WhmcsSite
) -> None:
    tried = site.bad_logins

    job = crawl(stack, username=USERNAME, password=WRONG)

    assert job["status"] == "failed"
    assert site.bad_logins == tried + 1
    [alert] = alerts(stack)
    assert (alert["id"], alert["message"]) == ("whmcs-login", job["result"]["error"])
    assert stack.admin("GET", "/v1/admin/config/whmcs").json["login"]["ok"] is False
    crawl(stack, since="last")
    assert alerts(stack) == []


def test_a_cancelled_crawl_stops(stack: RunningStack, site: WhmcsSite) -> None:
    site.habits.slow = 0.2
    job_id = begun(stack)
    time.sleep(2)

    stack.admin("POST", f"/v1/admin/jobs/{job_id}/cancel")

    before, asked = len(site.paths()), -1
    while (now := len(site.paths())) != asked:
        asked = now
        time.sleep(3)
    site.habits.slow = 0.0
    assert ended(stack, job_id)["status"] == "cancelled"
    assert asked - before < 60, "no more than one batch for each worker"


def test_a_crawl_killed_in_the_middle_goes_on_where_it_was(stack: RunningStack, site: WhmcsSite) -> None:
    fresh = [_renumbered(truth, 10_000) for truth in tickets(120)]
    site.truths.update({truth.id: truth for truth in fresh})
    site.habits.slow = 0.15
    job_id = begun(stack)
    until(lambda: stack.admin("GET", f"/v1/admin/jobs/{job_id}").json["progress"]["done"] >= 40)

    stack.kill()
    stack.start()

    site.habits.slow = 0.0
    job = ended(stack, job_id)
    assert job["status"] == "succeeded", job["result"]
    assert job["progress"] == {"done": 375, "total": 375, "failed": 0}
    items = listed(stack)
    assert len(items) == len({item["external_id"] for item in items}) == 375
    assert site.changes == []


def test_a_schedule_fetches_what_is_new(stack: RunningStack, site: WhmcsSite) -> None:
    body = {"kind": "crawl_tickets", "expression": "rate(1 hour)"}
    assert stack.admin("PUT", "/v1/admin/schedules/helpdesk", body).status == 200

    reply = stack.admin("POST", "/v1/admin/schedules/helpdesk/run")

    assert reply.status == 202
    job = ended(stack, reply.json["job_id"])
    assert (job["kind"], job["status"]) == ("crawl_tickets", "succeeded"), job
    assert job["result"]["since"]
    assert job["created_by"]


def test_nothing_secret_was_logged(stack: RunningStack) -> None:
    log = "".join(stack.log)

    assert PASSWORD not in log
    assert WRONG not in log


def _renumbered(truth: Truth, more: int) -> Truth:
    return replace(truth, id=truth.id + more, tid=f"N{truth.tid}", merged=())
