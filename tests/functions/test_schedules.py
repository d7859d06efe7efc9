"""Schedules, through the real handlers: changed over the API, carried out by keep_time."""

from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from candor.errors import Unavailable
from candor.jobs import JobStatus
from candor.schedules.values import Entry
from functions.admin import app as admin
from functions.keep_time import app as keep_time
from tests.doubles.clockwork import Clockwork
from tests.doubles.entrance import ADMIN_KEY, API_KEY, Entrance
from tests.doubles.gateway import Answered, Context, Http, answered, wire_event

PATH = "/v1/admin/schedules"
SITE = {"kind": "re_crawl", "expression": "rate(6 hours)", "target": "https://example.com/help"}
BUILT_IN = ["daily-expiry", "nightly-reconcile", "weekly-re-crawl"]


@dataclass
class Desk:
    http: Http
    clockwork: Clockwork

    def put(self, name: str, body: Any) -> Answered:
        return self.http.send("PUT", f"{PATH}/{name}", body=body)


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Desk:
    entrance, clockwork = Entrance(), Clockwork()
    desk = SimpleNamespace(gate=entrance.gate, scheduling=clockwork.scheduling, jobs=clockwork.knowledge.jobs)
    keeper = keep_time.Service(keeping=clockwork.keeping, scheduling=clockwork.scheduling)
    monkeypatch.setattr(admin, "service", lambda: desk)
    monkeypatch.setattr(keep_time, "service", lambda: keeper)
    return Desk(Http(admin.handler).as_(X_Admin_API_Key=ADMIN_KEY), clockwork)


class Late(Context):
    """A function that has all its time before it."""

    def get_remaining_time_in_millis(self) -> int:
        return 600_000


def rung(case: str) -> dict[str, int]:
    answer: dict[str, int] = keep_time.handler(wire_event(Path(f"events/keep_time/{case}.json")), Late())
    return answer


def test_the_built_in_schedules_are_listed_as_a_bare_array(desk: Desk) -> None:
    answer = desk.http.get(PATH)

    assert answer.status == 200
    assert [schedule["name"] for schedule in answer.json] == BUILT_IN
    assert answer.json[1] == {
        "name": "nightly-reconcile",
        "kind": "reconcile",
        "expression": "cron(0 3 * * ? *)",
        "enabled": True,
        "target": "all",
        "built_in": True,
        "last_run": None,
        "next_run": answer.json[1]["next_run"],
        "last_job_id": None,
        "last_status": None,
    }
    assert answer.json[1]["next_run"].endswith("T03:00:00+00:00")
    assert answer.json[2]["next_run"] is None


def test_a_schedule_is_made_changed_in_part_and_deleted(desk: Desk) -> None:
    made = desk.put("help", SITE)
    assert (made.status, made.json["target"], made.json["enabled"]) == (200, SITE["target"], True)
    assert made.json["next_run"]

    changed = desk.put("help", {"enabled": False})
    assert (changed.status, changed.json["expression"]) == (200, "rate(6 hours)")
    assert changed.json["next_run"] is None
    assert desk.http.get(f"{PATH}/help").json == changed.json

    assert desk.http.delete(f"{PATH}/help").status == 204
    assert desk.http.get(f"{PATH}/help").status == 404
    assert desk.http.delete(f"{PATH}/help").status == 404


@pytest.mark.parametrize(
    ("name", "body", "status", "said"),
    [
        ("help", {**SITE, "expression": "rate(5 apples)"}, 422, "is no unit of a rate"),
        ("help", {**SITE, "expression": "rate(1 minute)"}, 422, "every 5 minutes"),
        ("help", {**SITE, "expression": "0 3 * * *"}, 422, "no expression"),
        ("help", {**SITE, "expression": "  "}, 422, ""),
        ("help", {**SITE, "expression": 7}, 422, ""),
        ("help", {**SITE, "kind": "reindex"}, 422, ""),
        ("help", {**SITE, "kind": "crawl_tickets"}, 422, 'always "all"'),
        ("help", {**SITE, "kind": "expire"}, 422, 'always "all"'),
        ("help", {**SITE, "enabled": "perhaps"}, 422, ""),
        ("help", {**SITE, "target": "http://127.0.0.1/"}, 400, "not public"),
        ("help", {**SITE, "target": "a" * 2_001}, 422, ""),
        ("help", {}, 422, "say its kind and expression"),
        ("help", [], 422, ""),
        ("Help", SITE, 422, "small letters"),
        ("h" * 41, SITE, 422, "small letters"),
        ("nightly-reconcile", {"kind": "expire"}, 409, "keeps its kind"),
    ],
)
def test_what_cannot_be_meant_is_answered_with_a_sentence(
    desk: Desk, name: str, body: Any, status: int, said: str
) -> None:
    answer = desk.put(name, body)

    assert (answer.status, said in answer.json["detail"]) == (status, True), answer.text
    assert [schedule["name"] for schedule in desk.http.get(PATH).json] == BUILT_IN


def test_a_built_in_schedule_is_switched_off_instead_of_deleted(desk: Desk) -> None:
    refused = desk.http.delete(f"{PATH}/nightly-reconcile")

    assert (refused.status, "enabled:false" in refused.json["detail"]) == (409, True)
    assert desk.put("nightly-reconcile", {"enabled": False}).json["enabled"] is False


def test_a_run_can_be_asked_for(desk: Desk) -> None:
    answer = desk.http.post(f"{PATH}/daily-expiry/run")

    assert answer.status == 202
    assert answer.json["job_id"] == answer.json["id"]
    assert rung("heartbeat")["started"] == 1
    shown = desk.http.get(f"{PATH}/daily-expiry").json
    assert (shown["last_job_id"], shown["last_status"]) == (answer.json["id"], "succeeded")
    assert shown["last_run"]
    assert desk.http.post(f"{PATH}/nobody/run").status == 404


def test_the_same_key_asks_once(desk: Desk) -> None:
    http = desk.http.as_(Idempotency_Key="k-1")

    first = http.post(f"{PATH}/daily-expiry/run")
    rung("heartbeat")

    assert http.post(f"{PATH}/daily-expiry/run").json == first.json


def test_only_admins_are_admitted(desk: Desk) -> None:
    http = Http(admin.handler).as_(X_API_Key=API_KEY)

    assert {http.get(PATH).status, http.get(f"{PATH}/help").status, http.delete(f"{PATH}/help").status} == {
        403
    }
    assert http.send("PUT", f"{PATH}/help", body=SITE).status == 403
    assert http.post(f"{PATH}/daily-expiry/run").status == 403
    assert Http(admin.handler).get(PATH).status == 401


def test_a_schedule_rings_and_what_is_due_begins_once(desk: Desk) -> None:
    rung("heartbeat")
    assert rung("schedule") == {"started": 0}
    desk.clockwork.wait(hours=12)

    assert rung("schedule") == {"started": 1}
    assert rung("schedule") == {"started": 0}

    jobs, _ = desk.clockwork.knowledge.jobs.list(page=1, page_size=5)
    assert {job.kind for job in jobs} == {"reconcile", "reconcile_tickets"}
    assert {job.created_by for job in jobs} == {"schedule:nightly-reconcile"}
    assert len(desk.clockwork.knowledge.index_queue) == len(desk.clockwork.knowledge.export_queue) == 1


def test_a_heartbeat_stores_repairs_and_makes_up_for_what_was_missed(desk: Desk) -> None:
    assert rung("heartbeat") == {"started": 0, "repaired": len(BUILT_IN)}
    assert rung("heartbeat") == {"started": 0, "repaired": 0}
    desk.clockwork.wait(days=2)

    assert rung("heartbeat") == {"started": 2, "repaired": 0}


def test_an_event_of_any_shape_is_a_heartbeat(desk: Desk) -> None:
    for event in ({}, {"schedule": ""}, {"schedule": 7}, {"schedule": None}, {"time": "now"}):
        assert keep_time.handler(event, Late()).keys() == {"started", "repaired"}
    assert keep_time.handler({"schedule": "deleted-since"}, Late()) == {"started": 0}


def test_what_rings_without_a_schedule_rings_no_more(desk: Desk) -> None:
    desk.put("help", SITE)
    desk.clockwork.timetable.set(Entry(name="stray", expression="rate(1 minute)", enabled=True))

    for name in ("stray", "help"):
        keep_time.handler({"schedule": name}, Late())

    assert desk.clockwork.timetable.find("stray") is None
    assert desk.clockwork.timetable.find("help") is not None


def test_what_is_due_begins_although_what_rings_cannot_be_repaired(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    rung("heartbeat")
    desk.clockwork.wait(hours=12)

    def broken(_: str) -> None:
        raise Unavailable("EventBridge Scheduler is not available right now.")

    monkeypatch.setattr(desk.clockwork.timetable, "find", broken)

    with pytest.raises(Unavailable):
        rung("heartbeat")
    assert len(desk.clockwork.knowledge.index_queue) == 1


def test_a_run_that_cannot_begin_fails_where_everybody_can_see_it(desk: Desk) -> None:
    desk.put("help", SITE)
    desk.clockwork.wait(hours=6)
    desk.clockwork.broken = Unavailable("The queue is not available right now.")

    def ring() -> Any:
        return keep_time.handler({"schedule": "help"}, Late())

    for _ in range(2):
        with pytest.raises(Unavailable):
            ring()
    assert ring() == {"started": 1}

    shown = desk.http.get(f"{PATH}/help").json
    assert shown["last_status"] == JobStatus.FAILED
    assert (
        "The queue is not available"
        in desk.clockwork.knowledge.jobs.get(shown["last_job_id"]).errors[0].reason
    )


def test_every_wire_event_is_answered_as_it_says(desk: Desk) -> None:
    wanted = {
        "schedules": 200,
        "schedule": 200,
        "put_schedule": 200,
        "delete_schedule": 204,
        "run_schedule": 202,
    }

    for name, status in wanted.items():
        event = wire_event(Path(f"events/admin/{name}.json"))
        event["headers"]["X-Admin-API-Key"] = ADMIN_KEY
        assert (name, answered(admin.handler(event, Context())).status) == (name, status)
