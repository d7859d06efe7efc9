"""Asking for another index, through the real handler, with real proxy events."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import pytest

from functions.admin import app
from tests.doubles.entrance import ADMIN_KEY, API_KEY, Entrance
from tests.doubles.gateway import Context, Http, answered, wire_event
from tests.doubles.library import Library


@dataclass
class Desk:
    http: Http
    library: Library


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Desk:
    entrance, library = Entrance(), Library().filled(3)
    parts: dict[str, Any] = dict.fromkeys(field.name for field in fields(app.Service))
    parts |= {"gate": entrance.gate, "jobs": library.jobs, "reindexing": library.reindexing}
    service = app.Service(**parts)
    monkeypatch.setattr(app, "service", lambda: service)
    return Desk(Http(app.handler).as_(X_Admin_API_Key=ADMIN_KEY), library)


def test_another_embedder_is_a_job_that_ends_with_its_index_live(desk: Desk) -> None:
    answer = desk.http.post("/v1/admin/reindex", {"embedder": "new"})

    assert answer.status == 202
    assert answer.json == {"job_id": answer.json["id"], "id": answer.json["id"], "status": "queued"}
    desk.library.work()
    job = desk.library.jobs.get(answer.json["id"])
    assert (job.kind, job.status, job.result["embedder"]) == ("reindex", "succeeded", "new")
    assert desk.library.live().embedder == "new"


def test_without_a_body_it_is_the_embedder_of_the_settings(desk: Desk) -> None:
    assert desk.http.post("/v1/admin/reindex").status == 202

    desk.library.work()

    assert (desk.library.live().embedder, desk.library.live().generation_id) == ("old", "2")


def test_while_one_is_built_a_second_is_refused_by_the_name_of_its_job(desk: Desk) -> None:
    first = desk.http.post("/v1/admin/reindex", {"embedder": "new"}).json["id"]

    answer = desk.http.post("/v1/admin/reindex", {"embedder": "new"})

    assert answer.status == 409
    assert first in answer.json["detail"]


@pytest.mark.parametrize(
    "body",
    [
        {"embedder": "nobody"},
        {"embedder": ""},
        {"embedder": "x" * 201},
        {"embedder": 7},
        {"embedder": "new", "dimensions": 0},
        {"embedder": "new", "dimensions": "many"},
        [],
    ],
)
def test_what_cannot_be_meant_is_refused_and_begins_nothing(desk: Desk, body: Any) -> None:
    answer = desk.http.post("/v1/admin/reindex", body)

    assert answer.status == 422
    assert desk.library.generations.read().building is None


def test_an_embedder_that_does_not_answer_is_503_and_begins_nothing(desk: Desk) -> None:
    desk.library.embedders["new"].down = True

    answer = desk.http.post("/v1/admin/reindex", {"embedder": "new"})

    assert (answer.status, "taken down" in answer.json["detail"]) == (503, True)
    assert desk.library.generations.read().building is None


def test_only_an_administrator_may(desk: Desk) -> None:
    nobody = Http(app.handler)

    assert nobody.post("/v1/admin/reindex", {}).status == 401
    assert nobody.as_(X_API_Key=API_KEY).post("/v1/admin/reindex", {}).status == 403


def test_the_same_request_sent_again_begins_nothing_twice(desk: Desk) -> None:
    keyed = desk.http.as_(X_Admin_API_Key=ADMIN_KEY, Idempotency_Key="k")

    answers = [keyed.post("/v1/admin/reindex", {"embedder": "new"}) for _ in range(2)]

    assert [answer.status for answer in answers] == [202, 202]
    assert answers[0].json == answers[1].json


def test_the_wire_event_is_understood(desk: Desk) -> None:
    event = wire_event(Path("events/admin/reindex.json"))
    event["headers"]["X-Admin-API-Key"] = ADMIN_KEY

    answer = answered(app.handler(event, Context()))

    assert answer.status == 422
    assert "no such embedder" in answer.json["detail"]
