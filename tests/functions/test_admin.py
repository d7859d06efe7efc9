"""Admin, through the real handler, with real proxy events."""

from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import pytest

from candor.exporting import Exports
from candor.jobs import JobStatus
from candor.messages import IndexToReconcile
from functions.admin import app
from tests.doubles import whmcs_dump as whmcs
from tests.doubles.clockwork import Clockwork
from tests.doubles.entrance import ADMIN_KEY, API_KEY, Entrance
from tests.doubles.gateway import Context, Http, answered, wire_event
from tests.doubles.importing import Imports
from tests.doubles.knowledge import Knowledge
from tests.doubles.library import Library

LONG = "This page says enough about hosting to be worth keeping for everybody who asks."


@dataclass
class Desk:
    http: Http
    knowledge: Knowledge
    entrance: Entrance


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Desk:
    entrance, knowledge = Entrance(), Knowledge()
    # What other rooms of this function need is tested where they are.
    others: dict[str, Any] = dict.fromkeys(field.name for field in fields(app.Service))
    own = app.Service(**others)
    service = replace(
        own,
        gate=entrance.gate,
        jobs=knowledge.jobs,
        ingesting=knowledge.ingesting,
        source_runs=knowledge.source_runs,
        imports=knowledge.imports,
        index_queue=knowledge.index_queue,
        export_queue=knowledge.export_queue,
        dead_letters=knowledge.letters,
        redriving=knowledge.redriving,
        exports=Exports(objects=knowledge.objects),
        reindexing=Library().reindexing,
        scheduling=Clockwork().scheduling,
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


def test_a_cancelled_run_stops_every_file_of_it(desk: Desk) -> None:
    for name in ("a", "b"):
        desk.knowledge.drop(f"source/{name}.json", pages(1, 2))
    run = desk.http.post("/v1/admin/ingest-from-source", query={"wait": "false"}).json["job_id"]

    answer = desk.http.post(f"/v1/admin/jobs/{run}/cancel")
    desk.knowledge.work()

    assert answer.json["status"] == "cancelled"
    assert desk.knowledge.urls() == []
    assert {job["status"] for job in desk.http.get("/v1/admin/jobs").json["items"]} == {"cancelled"}


def test_reconciling_is_a_job_of_the_index_worker(desk: Desk) -> None:
    answer = desk.http.post("/v1/admin/reconcile")

    assert answer.status == 202
    assert desk.knowledge.index_queue.take() == [
        IndexToReconcile(reconcile=True, job_id=answer.json["job_id"])
    ]
    assert desk.knowledge.jobs.get(answer.json["id"]).status == JobStatus.QUEUED


def test_a_cancelled_reconcile_repairs_nothing(desk: Desk) -> None:
    desk.http.post("/v1/admin/ingest", {"documents": [record(1)]})
    desk.knowledge.work()
    [held] = desk.knowledge.vectors.stored()
    desk.knowledge.vectors.forget(held.document_id)
    job_id = desk.http.post("/v1/admin/reconcile").json["job_id"]
    desk.http.post(f"/v1/admin/jobs/{job_id}/cancel")
    desk.knowledge.index_queue.take()

    desk.knowledge.reconciling.run(job_id)

    assert len(desk.knowledge.index_queue) == 0
    assert desk.http.get(f"/v1/admin/jobs/{job_id}").json["status"] == "cancelled"


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


def test_jobs_are_narrowed_by_kind_and_status(desk: Desk) -> None:
    desk.http.post("/v1/admin/ingest", {"documents": [record(1)]})
    desk.knowledge.work()
    desk.http.post("/v1/admin/reconcile")

    def found(**query: str) -> list[str]:
        return [job["kind"] for job in desk.http.get("/v1/admin/jobs", query=query).json["items"]]

    assert sorted(found()) == ["ingest", "reconcile", "reconcile_tickets"]
    assert found(kind="ingest") == ["ingest"]
    assert sorted(found(status="queued")) == ["reconcile", "reconcile_tickets"]
    assert found(kind="ingest", status="queued") == []
    assert desk.http.get("/v1/admin/jobs", query={"status": "done"}).status == 422


def test_dead_letters_are_counted_shown_with_their_reason_and_sent_again(desk: Desk) -> None:
    body = '{"document_id": "d1", "text": "words"}'
    desk.knowledge.letters.add("index", body, reason="The engine is down.")

    counts = desk.http.get("/v1/admin/dlq").json
    shown = desk.http.get("/v1/admin/dlq/index")

    assert {one["queue"]: one["messages"] for one in counts["queues"]}["index"] == 1
    [item] = shown.json["items"]
    assert (item["reason"], item["subject"]) == ("The engine is down.", "d1")
    assert " ".join(sorted(item)) == "first_received_at kind message_id reason receive_count subject"
    assert "words" not in shown.text

    answer = desk.http.post("/v1/admin/dlq/index/redrive")

    assert (answer.status, answer.json["status"]) == (202, "queued")
    assert answer.json["id"] == answer.json["job_id"]
    assert desk.knowledge.redriven == [body]
    assert desk.http.get(f"/v1/admin/jobs/{answer.json['id']}").json["status"] == "succeeded"
    assert desk.http.get("/v1/admin/dlq/index").json["items"] == []


def test_a_dead_letter_is_thrown_away_once(desk: Desk) -> None:
    message_id = desk.knowledge.letters.add("index", "nonsense")

    assert desk.http.delete(f"/v1/admin/dlq/index/{message_id}").status == 204
    assert desk.http.delete(f"/v1/admin/dlq/index/{message_id}").status == 404


@pytest.mark.parametrize("queue", ["indices", "Index", "index ", "%2e%2e"])
def test_an_unknown_queue_is_answered_with_the_known_ones(desk: Desk, queue: str) -> None:
    for answer in (
        desk.http.get(f"/v1/admin/dlq/{queue}"),
        desk.http.post(f"/v1/admin/dlq/{queue}/redrive", {}),
        desk.http.delete(f"/v1/admin/dlq/{queue}/m"),
    ):
        assert (answer.status, "changes, index" in answer.json["detail"]) == (404, True)


@pytest.mark.parametrize(
    "body", [{"message_ids": []}, {"message_ids": ["x"] * 101}, {"message_ids": [""]}, {"message_ids": "m"}]
)
def test_what_names_no_messages_redrives_none(desk: Desk, body: dict[str, Any]) -> None:
    desk.knowledge.letters.add("index", "nonsense")

    assert desk.http.post("/v1/admin/dlq/index/redrive", body).status == 422
    assert desk.knowledge.redriven == []


def test_the_same_key_redrives_once(desk: Desk) -> None:
    http = desk.http.as_(Idempotency_Key="redrive-1")

    first, second = (http.post("/v1/admin/dlq/index/redrive", {}) for _ in range(2))

    assert first.json == second.json


def test_exports_are_listed_with_a_link(desk: Desk) -> None:
    assert desk.http.get("/v1/admin/exports").json == []
    desk.knowledge.drop("exports/custom_docs.json", {"pages": []})

    [export] = desk.http.get("/v1/admin/exports").json

    assert (export["name"], export["key"], export["size"]) == (
        "custom_docs",
        "exports/custom_docs.json",
        13,
    )
    assert "custom_docs.json" in export["download_url"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/admin/dlq"),
        ("GET", "/v1/admin/dlq/index"),
        ("POST", "/v1/admin/dlq/index/redrive"),
        ("DELETE", "/v1/admin/dlq/index/m"),
        ("GET", "/v1/admin/exports"),
    ],
)
def test_what_was_given_up_or_exported_is_for_admins(desk: Desk, method: str, path: str) -> None:
    assert Http(app.handler).as_(X_API_Key=API_KEY).send(method, path).status == 403
    assert Http(app.handler).send(method, path).status == 401


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
        "dead_letter_queues": 200,
        "dead_letters": 200,
        "redrive_dead_letters": 202,
        "discard_dead_letter": 404,
        "exports": 200,
    }

    for name, status in wanted.items():
        event = wire_event(Path(f"events/admin/{name}.json"))
        event["headers"]["X-Admin-API-Key"] = ADMIN_KEY
        assert (name, answered(app.handler(event, Context())).status) == (name, status)


# ------------------------------------------------------------------ imports
def test_a_dump_is_imported_as_it_was_ordered(desk: Desk) -> None:
    imports = Imports(knowledge=desk.knowledge)
    desk.knowledge.drop("uploads/whmcs.sql", whmcs.of(4))
    order = {
        "s3_key": "uploads/whmcs.sql",
        "approval_status": "approved",
        "departments": [1],
        "since": "2026-01-01",
    }

    answer = desk.http.post("/v1/admin/import-dump", order)

    assert answer.status == 202
    assert answer.json["job_id"] == answer.json["id"]
    desk.knowledge.work()
    job = desk.http.get(f"/v1/admin/jobs/{answer.json['id']}").json
    assert (job["kind"], job["status"], job["result"]["created"]) == ("import_dump", "succeeded", 4)
    assert (job["progress"], job["stage"]) == ({"done": 1000, "total": 1000, "failed": 0}, "done")
    assert {row.approval.value for row in imports.rows()} == {"approved"}


@pytest.mark.parametrize(
    ("order", "status", "told"),
    [
        ({"s3_key": "exports/a.sql"}, 400, "under source/ or uploads/"),
        ({"s3_key": "source/../secret"}, 400, "under source/ or uploads/"),
        ({"s3_key": "source/missing.sql"}, 404, "There is no object source/missing.sql"),
        ({"s3_key": "uploads/page.sql"}, 422, "holds a web page"),
        ({"s3_keys": ["uploads/metadata"]}, 422, "None of these files holds SQL"),
        ({}, 422, "s3_key"),
        ({"s3_key": "uploads/a", "s3_keys": ["uploads/b"]}, 422, "s3_key"),
        ({"s3_keys": []}, 422, ""),
        ({"s3_key": "uploads/whmcs.sql", "approval_status": "maybe"}, 422, ""),
        ({"s3_key": "uploads/whmcs.sql", "since": "yesterday"}, 422, ""),
        ({"s3_key": "uploads/\u0000"}, 422, ""),
    ],
)
def test_an_order_that_cannot_be_meant_makes_no_job(
    desk: Desk, order: dict[str, Any], status: int, told: str
) -> None:
    desk.knowledge.drop("uploads/page.sql", b"<!DOCTYPE html><html></html>")
    desk.knowledge.drop("uploads/metadata", b"# Started dump at: 2026-11-20\n")

    answer = desk.http.post("/v1/admin/import-dump", order)

    assert answer.status == status, answer.json
    assert told in answer.text
    assert desk.http.get("/v1/admin/jobs").json["total"] == 0


def test_only_an_admin_imports(desk: Desk) -> None:
    assert (
        desk.http.as_(X_Admin_API_Key="", X_API_Key=API_KEY).post("/v1/admin/import-dump", {}).status == 403
    )


def test_reading_everything_again_imports_the_dumps_among_it(desk: Desk) -> None:
    imports = Imports(knowledge=desk.knowledge)
    desk.knowledge.drop("source/whmcs.sql", whmcs.of(4))
    desk.knowledge.drop("source/pages.json", {"pages": [{"url": "https://example.com/1", "text": LONG}]})

    rehearsed = desk.http.post("/v1/admin/ingest-from-source", query={"dry_run": "true"}).json
    answer = desk.http.post("/v1/admin/ingest-from-source")

    assert (rehearsed["results"]["ok"], rehearsed["results"]["error"]) == (1, 0)
    assert answer.json["results"] == {"ok": 5, "skipped": 0, "error": 0}
    assert len(imports.rows()) == 4
