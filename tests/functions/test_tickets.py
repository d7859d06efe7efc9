"""Tickets, through the real handler, with real proxy events."""

import json
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from candor.accounts import Role as AccountRole
from candor.errors import Unavailable
from candor.messages import TicketsToDecide, TicketsToExport
from candor.tickets.learning import url_of
from candor.tickets.values import Approval, Message, Role, TicketDraft
from functions.tickets import app
from tests.doubles.entrance import ADMIN_KEY, API_KEY, Entrance
from tests.doubles.gateway import Context, Http, answered, wire_event
from tests.doubles.knowledge import Knowledge
from tests.doubles.tickets import OPENED, draft

LAMBDA_LIMIT = 6 * 1024 * 1024
PRIVATE = "I am Ann Miller, ann@customer.example, call +44 20 7946 0018. My password is hunter2-Xy!"


@dataclass
class Desk:
    admin: Http
    plain: Http
    entrance: Entrance
    knowledge: Knowledge

    def keep(self, *drafts: TicketDraft, approval: Approval = Approval.PENDING) -> list[str]:
        return [ticket.ticket_id for ticket, _ in self.knowledge.keeping.keep(drafts, approval=approval)]

    def learnt(self, ticket_id: str) -> bool:
        url = url_of(self.knowledge.tickets.get(ticket_id))
        return any(row.url == url and not row.deleted for row in self.knowledge.documents.all())


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Desk:
    entrance, knowledge = Entrance(), Knowledge()
    service = app.Service(
        gate=entrance.gate,
        tickets=knowledge.tickets,
        directory=knowledge.directory,
        reviewing=knowledge.reviewing,
        exporting=knowledge.ticket_exporting,
        objects=knowledge.objects,
        bucket="candor-source",
    )
    monkeypatch.setattr(app, "service", lambda: service)
    http = Http(app.handler)
    return Desk(
        admin=http.as_(X_Admin_API_Key=ADMIN_KEY),
        plain=http.as_(X_API_Key=API_KEY),
        entrance=entrance,
        knowledge=knowledge,
    )


def solved(number: str = "1", **fields: Any) -> TicketDraft:
    """One that something can be learnt from."""
    told: dict[str, Any] = {
        "subject": f"Site {number} shows error 500 after the update",
        "description": f"My shop {number} shows error 500 since the update of PHP. What can I do about it?",
        "replies": (
            Message(
                role=Role.STAFF,
                name="Vera",
                content=f"Open the panel, choose Select PHP Version and go back to 8.{number}: "
                "the plugin of your shop is not ready for the newest version.",
            ),
        ),
    }
    return draft(number, **{**told, **fields})


def test_an_item_of_the_list_has_the_shape_of_the_contract(desk: Desk) -> None:
    (ticket_id,) = desk.keep(draft("42", description="x" * 900, detail_url="https://b.example.com/t?id=42"))

    answer = desk.admin.get("/v1/tickets").json

    (item,) = answer["items"]
    assert (answer["total"], answer["page"], answer["page_size"]) == (1, 1, 20)
    assert {**item, "updated_at": "", "suggestion": {}} == {
        "id": ticket_id,
        "external_id": "42",
        "subject": "Mail does not arrive",
        "description": "x" * 500,
        "status": "Closed",
        "priority": "Medium",
        "department": "Support",
        "client_id": "77",
        "email": "ann@customer.example",
        "name": "Ann Miller",
        "approval_status": "pending",
        "metadata": {"service": "vps-1", "tid": "ABC-000042", "opened_by": "customer"},
        "source_file": "source/dump.sql",
        "detail_url": "https://b.example.com/t?id=42",
        "withdrawn": False,
        "merged": [],
        "messages": 2,
        "suggestion": {},
        "created_at": OPENED.isoformat(),
        "updated_at": "",
    }
    assert 0 <= item["suggestion"]["score"] <= 100


def test_one_ticket_is_shown_whole_by_its_id_and_by_its_key_in_the_helpdesk(desk: Desk) -> None:
    told = draft(
        "42",
        description="y" * 2_000,
        attachments=("log.txt",),
        replies=(
            Message(role=Role.STAFF, name="Vera", content="Done.", posted=OPENED, attachments=("a.png",)),
            Message(role=Role.CUSTOMER, name="Ann Miller", content="Thanks", rating=5),
        ),
    )
    (ticket_id,) = desk.keep(told)

    item = desk.admin.get(f"/v1/tickets/{ticket_id}").json

    assert desk.admin.get("/v1/tickets/42").json == item
    assert item["description"] == "y" * 2_000
    assert item["metadata"]["replies"] == [
        {
            "role": "staff",
            "name": "Vera",
            "content": "Done.",
            "posted": OPENED.isoformat(),
            "attachments": ["a.png"],
        },
        {"role": "customer", "name": "Ann Miller", "content": "Thanks", "posted": None, "rating": 5},
    ]
    assert (item["metadata"]["opened_by"], item["metadata"]["tid"]) == ("customer", "ABC-000042")
    assert (item["attachments"], item["decided_by"], item["complete"]) == (["log.txt"], None, True)
    assert item["suggestion"]["reasons"]
    assert desk.admin.get("/v1/tickets/43").status == 404


def test_lists_are_filtered_searched_sorted_and_paged(desk: Desk) -> None:
    desk.keep(
        *(solved(str(number), opened_at=OPENED + timedelta(days=number)) for number in range(1, 6)),
        draft("6", status="Open", department="Sales", subject="Rückerstattung"),
    )

    def numbers(**query: str) -> list[str]:
        answer = desk.admin.get("/v1/tickets", query=query)
        assert answer.status == 200, answer.text
        return [item["external_id"] for item in answer.json["items"]]

    assert numbers() == ["5", "4", "3", "2", "1", "6"]
    assert numbers(page="2", page_size="2") == ["3", "2"]
    assert numbers(status="open") == ["6"]
    assert numbers(department="sales", q="ruckerst") == ["6"]
    assert numbers(approval_status="approved") == []
    assert numbers(q="ABC-000003") == ["3"]
    assert numbers(sort="suggested")[-1] == "6"
    for wrong in ({"approval_status": "maybe"}, {"sort": "best"}, {"page": "0"}, {"page_size": "101"}):
        assert desk.admin.get("/v1/tickets", query=wrong).status == 422


def test_only_administrators_see_whose_a_ticket_is_and_what_was_written(desk: Desk) -> None:
    told = solved(
        description=PRIVATE,
        subject="For Ann Miller",
        replies=(Message(role=Role.STAFF, name="Vera Stone", content="Dear Ann, ask Vera: vera@kunde.de"),),
        metadata={"cc": "bob@kunde.de"},
        detail_url="https://b.example.com/t?id=1",
        attachments=("ann@customer.example.txt",),
    )
    (ticket_id,) = desk.keep(told)
    user = desk.entrance.user()
    reader = Http(app.handler).as_(Authorization=f"Bearer {desk.entrance.jwt(user)}")

    for client in (desk.plain, reader):
        shown = client.get("/v1/tickets").text + client.get(f"/v1/tickets/{ticket_id}").text
        for private in ["Ann", "Miller", "ann@", "hunter2", "7946", "Vera", "vera@", "b.example", "kunde"]:
            assert private not in shown, private
        item = client.get(f"/v1/tickets/{ticket_id}").json
        assert (item["email"], item["name"], item["client_id"], item["detail_url"]) == (None,) * 4
        assert set(item["metadata"]) == {"tid", "opened_by", "replies"}

    whole = desk.admin.get(f"/v1/tickets/{ticket_id}").json
    assert whole["description"] == PRIVATE
    assert whole["metadata"]["cc"] == "bob@kunde.de"


@pytest.mark.parametrize(
    "guess",
    [
        "hunter",
        "hunter2-Xy",
        "zora@qui",
        "zora@quill.exampl",
        "quil",
        "0018",
        "20 7946 0018",
        "site hunter2",
        "anyt",
    ],
)
def test_what_is_masked_cannot_be_found_out_by_searching(desk: Desk, guess: str) -> None:
    desk.keep(
        solved("1", description=PRIVATE, name="Zora Quill", email="zora@quill.example"),
        solved("2", description="My site is slow.", attachments=("anything@else-mail.net.pdf",)),
    )

    found = desk.plain.get("/v1/tickets", query={"q": guess}).json

    assert (found["items"], found["total"]) == ([], 0)
    assert desk.admin.get("/v1/tickets", query={"q": guess}).json["total"] == 1


@pytest.mark.parametrize("known", ["zora@quill.example", "ZORA quill", "site zora@quill.example", "700"])
def test_who_knows_whom_he_looks_for_finds_his_tickets(desk: Desk, known: str) -> None:
    [ticket_id, _] = desk.keep(
        solved("1", name="Zora Quill", email="zora@quill.example", client_id="700"), solved("2")
    )

    found = desk.plain.get("/v1/tickets", query={"q": known}).json

    assert [row["id"] for row in found["items"]] == [ticket_id]
    assert found["items"][0]["email"] is None


def test_everybody_finds_what_he_may_read_page_by_page(desk: Desk) -> None:
    desk.keep(*(solved(str(number)) for number in range(1, 61)))
    desk.keep(solved("61", subject="A card", description="error hunter2 is no password of mine"))

    pages = [
        desk.plain.get("/v1/tickets", query={"q": "plug", "page_size": "25", "page": str(at)})
        for at in (1, 2, 3)
    ]

    assert [len(page.json["items"]) for page in pages] == [25, 25, 11]
    assert {page.json["total"] for page in pages} == {61}
    rare = desk.plain.get("/v1/tickets", query={"q": "no password of mine", "page_size": "1"}).json
    assert (len(rare["items"]), rare["total"]) == (1, 1)
    assert (
        desk.plain.get("/v1/tickets", query={"q": "mine card", "page_size": "1", "page": "2"}).json["items"]
        == []
    )


def test_an_excerpt_that_ends_within_an_address_does_not_show_its_half(desk: Desk) -> None:
    desk.keep(draft(description="x " * 243 + "write to ann@customer.example please"))

    (item,) = desk.plain.get("/v1/tickets").json["items"]

    assert "ann@" not in item["description"]


def test_nobody_reads_without_a_credential_and_nobody_but_administrators_decides(desk: Desk) -> None:
    (ticket_id,) = desk.keep(draft())
    paths = [
        ("PATCH", f"/v1/admin/tickets/{ticket_id}/approval", {"approval_status": "approved"}),
        ("POST", "/v1/admin/tickets/approval", {"ids": [ticket_id], "approval_status": "approved"}),
    ]
    user = desk.entrance.user("bob")
    reader = Http(app.handler).as_(Authorization=f"Bearer {desk.entrance.jwt(user)}")

    assert Http(app.handler).get("/v1/tickets").status == 401
    assert Http(app.handler).get(f"/v1/tickets/{ticket_id}").status == 401
    for method, path, body in paths:
        assert Http(app.handler).send(method, path, body=body).status == 401
        for client in (desk.plain, reader):
            assert client.send(method, path, body=body).status == 403
    assert desk.knowledge.tickets.get(ticket_id).approval == Approval.PENDING


def test_what_is_approved_is_learnt_and_what_leaves_is_forgotten_at_once(desk: Desk) -> None:
    (ticket_id,) = desk.keep(solved())

    answer = desk.admin.send(
        "PATCH", f"/v1/admin/tickets/{ticket_id}/approval", body={"approval_status": "approved"}
    )

    assert (answer.status, answer.json) == (200, {"status": "ok", "approval_status": "approved"})
    assert desk.learnt(ticket_id)
    assert desk.admin.get("/v1/tickets", query={"approval_status": "approved"}).json["total"] == 1

    for approval in ("rejected", "approved", "pending"):
        by_key = desk.admin.send("PATCH", "/v1/admin/tickets/1/approval", body={"approval_status": approval})
        assert by_key.json == {"status": "ok", "approval_status": approval}
        assert desk.learnt(ticket_id) == (approval == "approved")
    assert desk.admin.get("/v1/tickets", query={"approval_status": "pending"}).json["total"] == 1


def test_who_decided_is_remembered(desk: Desk) -> None:
    (ticket_id,) = desk.keep(draft())
    admin = desk.entrance.user("root", AccountRole.ADMIN)
    person = Http(app.handler).as_(Authorization=f"Bearer {desk.entrance.jwt(admin)}")

    person.send("PATCH", f"/v1/admin/tickets/{ticket_id}/approval", body={"approval_status": "rejected"})

    assert person.get(f"/v1/tickets/{ticket_id}").json["decided_by"] == f"user:{admin.user_id}"
    assert desk.plain.get(f"/v1/tickets/{ticket_id}").json["decided_by"] is None


@pytest.mark.parametrize("body", [{}, {"approval_status": "yes"}, {"approval_status": None}, [], "approved"])
def test_a_decision_that_is_none_is_refused(desk: Desk, body: Any) -> None:
    (ticket_id,) = desk.keep(draft())

    path = f"/v1/admin/tickets/{ticket_id}/approval"

    assert desk.admin.send("PATCH", path, body=body).status == 422
    unknown = desk.admin.send(
        "PATCH", "/v1/admin/tickets/nobody/approval", body={"approval_status": "approved"}
    )
    assert unknown.status == 404


def test_several_are_decided_each_with_its_own_result(desk: Desk) -> None:
    first, second = desk.keep(solved("1"), solved("2"))
    body = {"ids": [first, "2", "nobody", first], "approval_status": "approved"}

    answer = desk.admin.post("/v1/admin/tickets/approval", body)

    assert answer.status == 200
    assert answer.json == {
        "status": "ok",
        "results": [
            {"id": first, "status": "ok", "approval_status": "approved", "changed": True},
            {"id": "2", "status": "ok", "approval_status": "approved", "changed": True},
            {"id": "nobody", "status": "not_found", "approval_status": None, "changed": False},
            {"id": first, "status": "ok", "approval_status": "approved", "changed": True},
        ],
    }
    assert desk.learnt(first)
    assert desk.learnt(second)
    again = desk.admin.post("/v1/admin/tickets/approval", body)
    assert [one["changed"] for one in again.json["results"]] == [False] * 4


def test_a_dry_run_of_several_says_what_would_come_of_each_and_decides_nothing(desk: Desk) -> None:
    [first] = desk.keep(solved("1"), approval=Approval.APPROVED)
    [second] = desk.keep(solved("2"), approval=Approval.REJECTED)
    body = {"ids": [first, "2", "nobody"], "approval_status": "rejected", "dry_run": True}

    answer = desk.admin.post("/v1/admin/tickets/approval", body)

    assert answer.status == 200
    assert answer.json == {
        "status": "ok",
        "dry_run": True,
        "results": [
            {"id": first, "status": "ok", "approval_status": "rejected", "changed": True},
            {"id": "2", "status": "ok", "approval_status": "rejected", "changed": False},
            {"id": "nobody", "status": "not_found", "approval_status": None, "changed": False},
        ],
    }
    kept = desk.knowledge.tickets.some([first, second])
    assert [ticket.approval for ticket in kept] == [Approval.APPROVED, Approval.REJECTED]
    assert desk.learnt(first)


@pytest.mark.parametrize(
    "body",
    [
        {"approval_status": "approved"},
        {"ids": [], "approval_status": "approved"},
        {"ids": ["1"] * 101, "approval_status": "approved"},
        {"ids": ["1"], "filter": {"status": "Open"}, "approval_status": "approved"},
        {"ids": ["1"]},
        {"filter": {}, "approval_status": "approved"},
        {"filter": {"q": "  "}, "approval_status": "approved"},
        {"filter": {"stauts": "Open"}, "approval_status": "approved"},
        {"filter": {"status": "Open", "stauts": "Open"}, "approval_status": "approved"},
        {"filter": {"approval_status": "maybe"}, "approval_status": "approved"},
    ],
)
def test_what_could_mean_more_than_was_meant_is_refused(desk: Desk, body: Any) -> None:
    desk.keep(draft())

    answer = desk.admin.post("/v1/admin/tickets/approval", body)

    assert answer.status == 422, answer.text
    assert desk.knowledge.tickets.find("1").approval == Approval.PENDING


def test_a_filter_is_counted_first_and_then_decided_as_a_job(desk: Desk) -> None:
    desk.keep(*(solved(str(number)) for number in range(1, 8)), draft("8", status="Open"))
    body = {"filter": {"status": "closed", "approval_status": "pending"}, "approval_status": "approved"}

    counted = desk.admin.post("/v1/admin/tickets/approval", {**body, "dry_run": True})
    assert counted.json == {"status": "ok", "dry_run": True, "approval_status": "approved", "count": 7}
    assert desk.knowledge.export_queue.take() == []

    accepted = desk.admin.post("/v1/admin/tickets/approval", body)

    assert accepted.status == 202
    job_id = accepted.json["job_id"]
    assert accepted.json == {"job_id": job_id, "id": job_id, "status": "queued", "count": 7}
    assert desk.knowledge.export_queue.take() == [TicketsToDecide(job_id=job_id)]
    job = desk.knowledge.reviewing.go_on(job_id, seconds=60)
    assert job.result == {
        "status": "ok",
        "approval_status": "approved",
        "count": 7,
        "changed": 7,
        "skipped": 0,
        "failed": 0,
    }
    assert desk.admin.get("/v1/tickets", query={"approval_status": "approved"}).json["total"] == 7


def test_the_same_request_twice_is_one_job(desk: Desk) -> None:
    desk.keep(draft())
    body = {"filter": {"status": "Closed"}, "approval_status": "rejected"}

    first, again = (
        desk.admin.as_(Idempotency_Key="once").post("/v1/admin/tickets/approval", body) for _ in range(2)
    )

    assert first.json == again.json
    assert len(desk.knowledge.export_queue.take()) == 1


@pytest.mark.parametrize("letter", ["a", "ж", "\x01", '"', "😀"])
def test_however_long_a_ticket_is_its_answer_fits_into_one_of_lambda(desk: Desk, letter: str) -> None:
    large = letter * (2_000_000 // len(letter.encode()))
    replies = tuple(Message(role=Role.STAFF, content=f"{number} {large}") for number in range(4))
    (ticket_id,) = desk.keep(draft(description="The question.", replies=replies))

    answer = app.handler(admin_event("show", id=ticket_id), Context())

    assert answer["statusCode"] == 200
    assert len(json.dumps(answer, ensure_ascii=False).encode()) < LAMBDA_LIMIT
    item = json.loads(answer["body"])
    assert item["complete"] is False
    assert item["description"] == "The question."
    assert [reply["content"][:1] for reply in item["metadata"]["replies"]] == ["0", "1", "2", "3"]


def test_a_ticket_of_two_megabytes_is_shown_whole(desk: Desk) -> None:
    text = "All of it, word by word. " * 80_000
    (ticket_id,) = desk.keep(draft(description=text))

    item = desk.admin.get(f"/v1/tickets/{ticket_id}").json

    assert item["complete"] is True
    assert item["description"] == text


def test_a_list_of_the_largest_rows_fits_into_one_answer(desk: Desk) -> None:
    told = {f"field {number}": '"' * 4_000 for number in range(9)}
    desk.keep(
        *(draft(str(n), subject="ж" * 2_000, description="\x01" * 900, metadata=told) for n in range(100))
    )

    answer = desk.admin.get("/v1/tickets", query={"page_size": "100"})

    assert answer.status == 200
    assert len(json.dumps(answer.text, ensure_ascii=False).encode()) < LAMBDA_LIMIT
    assert len(answer.json["items"]) == 100
    assert all(item["metadata"]["tid"] for item in answer.json["items"])


def test_a_directory_that_is_down_is_said_to_be(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    (ticket_id,) = desk.keep(draft())

    def down(*_: object, **__: object) -> None:
        raise Unavailable("OpenSearch cannot be reached.")

    monkeypatch.setattr(desk.knowledge.directory, "page", down)

    assert desk.admin.get("/v1/tickets").status == 503
    assert desk.admin.get(f"/v1/tickets/{ticket_id}").status == 200


@pytest.mark.parametrize("case", ["list", "show", "approve", "approve_many"])
def test_the_sample_events_are_answered(desk: Desk, case: str) -> None:
    desk.keep(draft("1042", subject="A refund, please"))

    answer = answered(app.handler(admin_event(case), Context()))

    assert answer.status == 200, answer.text


def admin_event(case: str, **parameters: str) -> dict[str, Any]:
    event = wire_event(Path(f"events/tickets/{case}.json"))
    event["headers"]["X-Admin-API-Key"] = ADMIN_KEY
    if parameters:
        event["pathParameters"] = parameters
    return event


def exported_meanwhile(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker of the exports' queue works while the request waits."""
    exporting = desk.knowledge.ticket_exporting
    monkeypatch.setattr(exporting, "_pause", lambda _: _work_off(desk))


def _work_off(desk: Desk) -> None:
    for message in desk.knowledge.export_queue.take():
        if isinstance(message, TicketsToExport):
            desk.knowledge.ticket_exporting.go_on(message.job_id, seconds=60)


def test_approved_tickets_become_a_file_with_an_address(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.keep(solved("1"), solved("2"), approval=Approval.APPROVED)
    desk.keep(solved("3"))
    exported_meanwhile(desk, monkeypatch)

    answer = desk.admin.post("/v1/admin/ingest-tickets-to-file")

    assert answer.status == 200
    assert (answer.json["status"], answer.json["count"]) == ("ok", 2)
    assert answer.json["path"] == "s3://candor-source/exports/sample_conversations.json"
    assert answer.json["download_url"]
    written = json.loads(desk.knowledge.objects.read("exports/sample_conversations.json"))
    assert {one["external_id"] for one in written["conversations"]} == {"1", "2"}


def test_people_are_in_the_file_only_when_asked_for(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.keep(solved("1", email="ann@customer.co", name="Ann Miller"), approval=Approval.APPROVED)
    exported_meanwhile(desk, monkeypatch)

    plain = desk.admin.post("/v1/admin/ingest-tickets-to-file").json["path"]
    people = desk.admin.post("/v1/admin/ingest-tickets-to-file", query={"include_pii": "true"}).json["path"]

    def body(path: str) -> str:
        return desk.knowledge.objects.read(path.removeprefix("s3://candor-source/")).decode()

    assert "ann@customer.co" not in body(plain)
    assert "ann@customer.co" in body(people)


def test_an_export_that_takes_longer_is_a_job(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "WAIT_SECONDS", 0.01)

    answer = desk.admin.post("/v1/admin/ingest-tickets-to-file")

    assert answer.status == 202
    assert answer.json["job_id"] == answer.json["id"]
    assert desk.knowledge.export_queue.take() == [TicketsToExport(job_id=answer.json["job_id"])]


def test_only_administrators_may_export(desk: Desk) -> None:
    assert desk.plain.post("/v1/admin/ingest-tickets-to-file").status == 403
