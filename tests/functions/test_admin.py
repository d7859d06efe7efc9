"""Admin, through the real handler, with real proxy events."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from candor.jobs import JobStatus
from candor.messages import IndexToReconcile
from functions.admin import app
from tests.doubles.entrance import ADMIN_KEY, API_KEY, Entrance
from tests.doubles.gateway import Context, Http, answered, wire_event
from tests.doubles.knowledge import Knowledge

LONG = "This page says enough about hosting to be worth keeping for everybody who asks."


@dataclass
class Desk:
    http: Http
    knowledge: Knowledge
    entrance: Entrance


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Desk:
    entrance, knowledge = Entrance(), Knowledge()
    service = app.Service(
        gate=entrance.gate,
        jobs=knowledge.jobs,
        ingesting=knowledge.ingesting,
        source_runs=knowledge.source_runs,
        index_queue=knowledge.index_queue,
    )
    monkeypatch.setattr(app, "service", lambda: service)
    return Desk(Http(app.handler).as_(X_Admin_API_Key=ADMIN_KEY), knowledge, entrance)


def record(number: int, **fields: Any) -> dict[str, Any]:
    return {"url": f"https://example.com/{number}", "title": f"Page {number}", "raw_text": LONG, **fields}


def test_documents_handed_in_together_are_accepted_and_become_searchable(desk: Desk) -> None:
    answer = desk.http.post("/v1/admin/ingest", {"documents": [record(1), record(2)]})

    assert answer.status == 202
    assert answer.json == {
        "job_id": answer.json["id"],
        "id": answer.json["id"],
        "documents_count": 2,
        "status": "queued",
    }
    desk.knowledge.work()
    job = desk.http.get(f"/v1/admin/jobs/{answer.json['id']}").json
    assert job["status"] == "succeeded"
    assert job["progress"] == {"done": 2, "total": 2, "failed": 0}
    assert job["result"]["created"] == job["result"]["ok"] == 2
    assert sorted(desk.knowledge.quotable("hosting page")) == [
        "https://example.com/1",
        "https://example.com/2",
    ]
    assert {row.source for row in desk.knowledge.documents.all()} == {"api"}


def test_what_has_been_accepted_is_durable_before_anything_works(desk: Desk) -> None:
    desk.http.post("/v1/admin/ingest", {"documents": [record(1)]})

    # Everything in memory but the bucket and the job is lost; reconciling finds both.
    desk.knowledge.source_queue.take()
    desk.knowledge.reconciling.run(
        desk.knowledge.jobs.start(kind="reconcile", subject="", created_by="").job_id
    )
    desk.knowledge.work()

    assert desk.knowledge.urls() == ["https://example.com/1"]


@pytest.mark.parametrize(
    ("bad", "index"),
    [
        ([record(0), "text"], 1),
        ([record(0), record(1), {"raw_text": LONG}], 2),
        ([{"url": "mailto:a@b.c", "raw_text": LONG}], 0),
        ([record(0), None], 1),
    ],
)
def test_one_bad_record_refuses_the_whole_request_and_is_named(
    desk: Desk, bad: list[Any], index: int
) -> None:
    answer = desk.http.post("/v1/admin/ingest", {"documents": bad})

    assert answer.status == 422
    assert {fault["loc"][2] for fault in answer.json["errors"]} == {index}
    assert list(desk.knowledge.documents.all()) == []
    assert len(desk.knowledge.source_queue) == 0


@pytest.mark.parametrize("body", [{}, {"documents": []}, {"documents": {}}])
def test_a_request_without_documents_is_refused(desk: Desk, body: dict[str, Any]) -> None:
    assert desk.http.post("/v1/admin/ingest", body).status == 422


def test_records_without_text_are_reported_by_number_and_the_rest_is_kept(desk: Desk) -> None:
    answer = desk.http.post("/v1/admin/ingest", {"documents": [record(0), record(1, raw_text=" ")]})

    desk.knowledge.work()

    job = desk.http.get(f"/v1/admin/jobs/{answer.json['id']}").json
    assert (job["status"], job["progress"]["failed"]) == ("succeeded", 1)
    assert [error["record"] for error in job["errors"]] == [1]
    assert desk.knowledge.urls() == ["https://example.com/0"]


def test_an_unfinished_job_shows_how_far_it_is(desk: Desk) -> None:
    job_id = desk.http.post("/v1/admin/ingest", {"documents": [record(1)]}).json["job_id"]

    job = desk.http.get(f"/v1/admin/jobs/{job_id}").json

    assert (job["status"], job["progress"]) == ("queued", {"done": 0, "total": 1, "failed": 0})
    assert job["eta_seconds"] is None
    assert desk.http.get("/v1/admin/jobs/nobody").status == 404


def test_jobs_are_listed_newest_first(desk: Desk) -> None:
    ids = [desk.http.post("/v1/admin/ingest", {"documents": [record(n)]}).json["id"] for n in range(3)]

    page = desk.http.get("/v1/admin/jobs", query={"page_size": "2"}).json

    assert [job["id"] for job in page["items"]] == [ids[2], ids[1]]
    assert page["total"] == 3


def test_a_cancelled_job_reads_nothing_more(desk: Desk) -> None:
    job_id = desk.http.post("/v1/admin/ingest", {"documents": [record(1)]}).json["job_id"]

    assert desk.http.post(f"/v1/admin/jobs/{job_id}/cancel").json["status"] == "cancelled"
    desk.knowledge.work()

    assert desk.knowledge.urls() == []
    assert desk.http.post("/v1/admin/jobs/nobody/cancel").status == 404


def test_reconciling_is_a_job_of_the_index_worker(desk: Desk) -> None:
    answer = desk.http.post("/v1/admin/reconcile")

    assert answer.status == 202
    assert desk.knowledge.index_queue.take() == [
        IndexToReconcile(reconcile=True, job_id=answer.json["job_id"])
    ]
    assert desk.knowledge.jobs.get(answer.json["id"]).status == JobStatus.QUEUED


def pages(*numbers: int) -> dict[str, Any]:
    return {"pages": [{"url": f"https://example.com/{n}", "title": f"P{n}", "text": LONG} for n in numbers]}


def test_the_bucket_is_read_again_and_the_answer_waits_for_it(desk: Desk) -> None:
    desk.knowledge.drop("source/a.json", pages(1, 2))
    desk.knowledge.drop("source/deep/b.json", {"pages": [*pages(3)["pages"], {"url": "https://x"}, 7]})
    desk.knowledge.drop("exports/c.json", pages(9))

    answer = desk.http.post("/v1/admin/ingest-from-source")

    assert answer.status == 200
    assert answer.json["results"] == {"ok": 3, "skipped": 1, "error": 1}
    assert (answer.json["status"], answer.json["total"]) == ("ok", 5)
    assert [file["name"] for file in answer.json["files"]] == ["a.json", "deep/b.json"]
    assert [error["record"] for error in answer.json["files"][1]["errors"]] == [1, 2]
    assert len(desk.knowledge.urls()) == 3
    again = desk.http.post("/v1/admin/ingest-from-source", query={"prefix": "source/a"}).json
    assert again["results"] == {"ok": 2, "skipped": 0, "error": 0}


def test_a_dry_run_counts_the_same_and_changes_nothing(desk: Desk) -> None:
    desk.knowledge.drop("source/a.json", {"pages": [*pages(1, 1)["pages"], {"url": "https://x"}, 7]})
    desk.knowledge.drop("source/b.json", b"{")

    dry = desk.http.post("/v1/admin/ingest-from-source", query={"dry_run": "true"}).json

    assert dry["results"] == {"ok": 1, "skipped": 2, "error": 2}
    assert desk.knowledge.urls() == []
    assert desk.knowledge.jobs.list(page=1, page_size=1)[1] == 0
    assert desk.http.post("/v1/admin/ingest-from-source").json["results"] == dry["results"]


def test_without_waiting_the_run_is_a_job_that_ends_by_itself(desk: Desk) -> None:
    desk.knowledge.drop("source/a.json", pages(1))

    answer = desk.http.post("/v1/admin/ingest-from-source", query={"wait": "false"})

    assert answer.status == 202
    desk.knowledge.work()
    job = desk.http.get(f"/v1/admin/jobs/{answer.json['job_id']}").json
    assert (job["status"], job["result"]["results"]["ok"]) == ("succeeded", 1)


@pytest.mark.parametrize(
    "query",
    [
        {"prefix": "exports/"},
        {"prefix": "source/../exports"},
        {"source_dir": "/etc"},
        {"source_dir": "sources/x"},
        {"prefix": "source/./x"},
        {"prefix": "../source/"},
    ],
)
def test_a_prefix_outside_the_source_folder_is_refused(desk: Desk, query: dict[str, str]) -> None:
    assert desk.http.post("/v1/admin/ingest-from-source", query=query).status == 400


def test_only_admins_are_admitted(desk: Desk) -> None:
    http = Http(app.handler).as_(X_API_Key=API_KEY)

    assert http.post("/v1/admin/ingest", {"documents": [record(1)]}).status == 403
    assert http.get("/v1/admin/jobs").status == 403
    assert Http(app.handler).get("/v1/admin/jobs").status == 401


def test_the_same_key_ingests_once(desk: Desk) -> None:
    http = desk.http.as_(Idempotency_Key="k-1")

    first = http.post("/v1/admin/ingest", {"documents": [record(1)]})
    second = http.post("/v1/admin/ingest", {"documents": [record(1)]})

    assert first.json == second.json
    assert desk.knowledge.jobs.list(page=1, page_size=1)[1] == 1


def test_every_wire_event_is_answered_as_it_says(desk: Desk) -> None:
    desk.knowledge.jobs.start(
        kind="t", subject="t", created_by="t", job_id="3f2b8a52-5d0e-4f55-9a31-6d1f6c1b7a01"
    )
    wanted = {
        "ingest": 202,
        "ingest_from_source": 200,
        "jobs": 200,
        "job": 200,
        "cancel_job": 200,
        "reconcile": 202,
    }

    for name, status in wanted.items():
        event = wire_event(Path(f"events/admin/{name}.json"))
        event["headers"]["X-Admin-API-Key"] = ADMIN_KEY
        assert (name, answered(app.handler(event, Context())).status) == (name, status)
