"""Schedules on the running stack: they ring by themselves, are put right, and outlive a kill."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from candor.schedules.values import EARLY
from infra.local.aws import Clients
from tests.doubles.loopback import Loopback, Reply, Request
from tests.e2e.running import RunningStack
from tests.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.usefixtures("by_itself")]

PATH = "/v1/admin/schedules"


class Shop(Loopback):
    """A site of one page, whose price changes."""

    price = "12.00"

    def reply(self, request: Request) -> Reply:
        if request.path != "/":
            return Reply(status=404, body=b"Nothing here.", headers={"Content-Type": "text/plain"})
        page = f"""<!doctype html><html><head><title>Mailboxes</title></head><body><main><h1>Mailboxes</h1>
        <p>A mailbox of fifty gigabytes costs {self.price} EUR a year, spam filter and calendar included.</p>
        <p>Mail of a mailbox that is cancelled can be exported for thirty days; afterwards it is deleted.</p>
        </main></body></html>"""
        return Reply(body=page.encode(), headers={"Content-Type": "text/html; charset=utf-8"})


@pytest.fixture
def own_stack(tmp_path: Path, model_cache: Path) -> Iterator[RunningStack]:
    """The real template on a stack that a test may kill."""
    running = RunningStack(tmp_path / "state", MODEL_CACHE=str(model_cache))
    yield running
    running.kill()


def shown(stack: RunningStack, name: str) -> dict[str, Any]:
    schedule: dict[str, Any] = stack.admin("GET", f"{PATH}/{name}").json
    return schedule


def ringing(stack: RunningStack, name: str) -> dict[str, Any] | None:
    """What is set in EventBridge Scheduler for it."""
    prefix = stack.outputs["KeepTimeFunction"].removesuffix("-keep-time")
    try:
        found: dict[str, Any] = Clients(stack.aws)("scheduler").get_schedule(Name=f"{prefix}.{name}")
    except ClientError:
        return None
    return found


def soon() -> str:
    """Every day, next in the first minute that is far enough away for the schedule to be known by then."""
    due = datetime.now(UTC) + timedelta(seconds=120)
    return f"cron({due.minute} {due.hour} * * ? *)"


@pytest.fixture(scope="module")
def by_itself(stack: RunningStack) -> Iterator[dict[str, Any]]:
    """A schedule as it was made before the first test here, so that its minute comes while the others run."""
    made = stack.admin("PUT", f"{PATH}/by-itself", {"kind": "reconcile", "expression": soon()})
    assert made.status == 200
    yield made.json
    stack.admin("DELETE", f"{PATH}/by-itself")


def test_the_exact_call_that_the_scheduler_makes_is_answered_once(stack: RunningStack) -> None:
    stack.admin("PUT", f"{PATH}/exact", {"kind": "reconcile", "expression": "rate(1 day)"})
    found = ringing(stack, "exact")
    assert found is not None
    asked = stack.admin("POST", f"{PATH}/exact/run").json["job_id"]

    def call() -> dict[str, Any]:
        answer = Clients(stack.aws)("lambda").invoke(
            FunctionName=found["Target"]["Arn"], Payload=found["Target"]["Input"].encode()
        )
        called: dict[str, Any] = json.loads(answer["Payload"].read())
        return called

    # Asking has rung already: whoever of the two calls is first does it.
    assert call()["started"] in (0, 1)
    assert call() == {"started": 0}
    until(lambda: shown(stack, "exact")["last_status"] == "succeeded")
    assert shown(stack, "exact")["last_job_id"] == asked
    assert stack.admin("DELETE", f"{PATH}/exact").status == 204


def test_what_nobody_needs_is_cleared_when_asked_for(stack: RunningStack) -> None:
    job_id = stack.admin("POST", f"{PATH}/daily-expiry/run").json["job_id"]

    until(lambda: stack.admin("GET", f"/v1/admin/jobs/{job_id}").json["status"] == "succeeded")
    result = stack.admin("GET", f"/v1/admin/jobs/{job_id}").json["result"]
    assert result["removed"].keys() == {"texts", "talks", "uploads", "imports", "dumps"}


def test_a_bad_expression_or_address_is_a_sentence_and_nothing_rings(stack: RunningStack) -> None:
    site = {"kind": "re_crawl", "expression": "rate(1 day)"}

    refused = [
        stack.admin("PUT", f"{PATH}/bad", {**site, "expression": "rate(5 apples)"}),
        stack.admin("PUT", f"{PATH}/bad", {**site, "target": "http://169.254.169.254/latest/meta-data"}),
        stack.admin("PUT", f"{PATH}/bad", {**site, "target": "http://no-such-host.invalid/"}),
    ]

    assert [reply.status for reply in refused] == [422, 400, 400]
    assert all(reply.json["detail"] for reply in refused)
    assert stack.admin("GET", f"{PATH}/bad").status == 404
    assert ringing(stack, "bad") is None


def test_the_built_in_schedules_ring_from_the_first_start(stack: RunningStack) -> None:
    until(lambda: ringing(stack, "nightly-reconcile") is not None)

    found = ringing(stack, "nightly-reconcile")
    assert found is not None
    assert (found["ScheduleExpression"], found["State"]) == ("cron(0 3 * * ? *)", "ENABLED")
    weekly = ringing(stack, "weekly-re-crawl")
    assert weekly is not None
    assert weekly["State"] == "DISABLED"


def test_a_schedule_keeps_a_site_fresh(tmp_path: Path, model_cache: Path) -> None:
    with Shop() as shop:
        origin = shop.url.removeprefix("http://")
        stack = RunningStack(tmp_path / "state", MODEL_CACHE=str(model_cache), FETCH_ALLOWED_ORIGINS=origin)
        stack.start()
        try:
            body = {"kind": "re_crawl", "expression": "rate(1 day)", "target": f"{shop.url}/"}
            assert stack.admin("PUT", f"{PATH}/shop", body).status == 200

            asked = [stack.admin("POST", f"{PATH}/shop/run").json["job_id"]]
            until(lambda: shown(stack, "shop")["last_status"] == "succeeded")
            shop.price = "19.50"
            asked.append(stack.admin("POST", f"{PATH}/shop/run").json["job_id"])

            def fresh() -> bool:
                schedule = shown(stack, "shop")
                return (schedule["last_job_id"], schedule["last_status"]) == (asked[1], "succeeded")

            until(fresh)
            [document] = stack.admin("GET", "/v1/documents").json["items"]
            text = stack.admin("GET", f"/v1/documents/{document['id']}").json["cleaned_content"]
            assert "19.50" in text
            jobs = [stack.admin("GET", f"/v1/admin/jobs/{job_id}").json for job_id in asked]
            assert [job["kind"] for job in jobs] == ["crawl_website"] * 2
            assert jobs[0]["result"]["pages_ingested"] == 1
        finally:
            stack.kill()


def test_schedules_outlive_a_kill_and_what_rings_is_put_right(own_stack: RunningStack) -> None:
    own_stack.start()
    body = {"kind": "reconcile", "expression": "rate(7 hours)"}
    made = own_stack.admin("PUT", f"{PATH}/kept", body).json
    own_stack.admin("PUT", f"{PATH}/nightly-reconcile", {"expression": "cron(30 1 * * ? *)"})
    scheduler = Clients(own_stack.aws)("scheduler")
    prefix = own_stack.outputs["KeepTimeFunction"].removesuffix("-keep-time")
    scheduler.delete_schedule(Name=f"{prefix}.kept")
    own_stack.kill()

    own_stack.start()

    assert shown(own_stack, "kept")["next_run"] == made["next_run"]
    until(lambda: ringing(own_stack, "kept") is not None)
    assert shown(own_stack, "nightly-reconcile")["expression"] == "cron(30 1 * * ? *)"
    found = ringing(own_stack, "nightly-reconcile")
    assert found is not None
    assert found["ScheduleExpression"] == "cron(30 1 * * ? *)"


def test_a_schedule_made_over_the_api_rings_by_itself_and_its_job_succeeds(
    stack: RunningStack, by_itself: dict[str, Any]
) -> None:
    due = datetime.fromisoformat(by_itself["next_run"])

    until(lambda: shown(stack, "by-itself")["last_status"] == "succeeded", seconds=300)

    schedule = shown(stack, "by-itself")
    began = datetime.fromisoformat(schedule["last_run"])
    # A heartbeat that comes in the half minute before its time rings too.
    assert began >= due - EARLY, "it rang before its time"
    assert datetime.fromisoformat(schedule["next_run"]) == due + timedelta(days=1)
    job = stack.admin("GET", f"/v1/admin/jobs/{schedule['last_job_id']}").json
    assert (job["kind"], job["created_by"]) == ("reconcile", "schedule:by-itself")
    assert job["result"]["status"] == "ok"
    assert stack.admin("DELETE", f"{PATH}/by-itself").status == 204
    assert ringing(stack, "by-itself") is None
