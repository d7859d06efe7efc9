"""Reviewing: tickets of a dropped file are listed, searched, decided about, and answers follow."""

import json
from typing import Any

import pytest

from infra.local.aws import Clients
from tests.e2e.running import RunningStack
from tests.e2e.test_journeys import asked, ended
from tests.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

THINGS = ("quokka", "wombat", "numbat", "bilby", "potoroo", "quoll")


def conversation(number: int) -> dict[str, Any]:
    thing = THINGS[number]
    return {
        "external_id": f"rv-{number}",
        "subject": f"The {thing} module does not start",
        "description": f"Since yesterday the {thing} module of my server does not start. What can I do?",
        "status": "Closed" if number < 4 else "Open",
        "priority": "High",
        "email": "pat@kunde.de",
        "name": "Pat Morrow",
        "metadata": {
            "replies": [
                {
                    "role": "staff",
                    "content": f"Open the panel, choose Modules, select {thing} and press Rebuild. "
                    f"The {thing} module starts again within {number + 3} minutes.",
                }
            ]
        },
    }


@pytest.fixture(scope="module")
def reviewed(stack: RunningStack) -> RunningStack:
    body = {"source": "desk", "conversations": [conversation(number) for number in range(len(THINGS))]}
    Clients(stack.aws)("s3").put_object(
        Bucket=stack.outputs["SourceBucket"], Key="source/reviewed.json", Body=json.dumps(body).encode()
    )
    until(lambda: listed(stack, q="module")["total"] == len(THINGS))
    return stack


def listed(stack: RunningStack, **query: str) -> dict[str, Any]:
    words = "&".join(f"{name}={value}" for name, value in query.items())
    reply = stack.admin("GET", f"/v1/tickets?{words}")
    assert reply.status == 200, reply.body
    found: dict[str, Any] = reply.json
    return found


def quotes(stack: RunningStack, thing: str) -> bool:
    answer = asked(stack, f"The {thing} module does not start. What can I do?")
    return thing in answer["answer"] and "Rebuild" in answer["answer"]


def decide(stack: RunningStack, body: dict[str, Any]) -> dict[str, Any]:
    reply = stack.admin("POST", "/v1/admin/tickets/approval", body)
    assert reply.status in (200, 202), reply.body
    decided: dict[str, Any] = reply.json
    return decided


def test_tickets_are_found_by_filter_and_words_and_shown_to_whom_they_concern(reviewed: RunningStack) -> None:
    assert listed(reviewed, q="quokka")["total"] == 1
    assert listed(reviewed, q="module", status="open")["total"] == 2
    (item,) = listed(reviewed, q="pat@kunde.de+bilby")["items"]
    assert (item["external_id"], item["approval_status"]) == ("rv-3", "approved")

    whole = reviewed.admin("GET", f"/v1/tickets/{item['id']}").json
    assert whole["name"] == "Pat Morrow"
    assert "Rebuild" in whole["metadata"]["replies"][0]["content"]
    masked = reviewed.api("GET", "/v1/tickets/rv-3")
    assert masked.status == 200
    assert b"Morrow" not in masked.body
    assert b"kunde" not in masked.body


def test_a_rejected_ticket_is_in_no_answer_from_the_next_question_on(reviewed: RunningStack) -> None:
    until(lambda: quotes(reviewed, "wombat"))

    reply = reviewed.admin("PATCH", "/v1/admin/tickets/rv-1/approval", {"approval_status": "rejected"})

    assert (reply.status, reply.json) == (200, {"status": "ok", "approval_status": "rejected"})
    assert not quotes(reviewed, "wombat")
    assert listed(reviewed, q="wombat", approval_status="rejected")["total"] == 1

    reviewed.admin("PATCH", "/v1/admin/tickets/rv-1/approval", {"approval_status": "approved"})
    until(lambda: quotes(reviewed, "wombat"))


def test_all_that_a_filter_means_are_decided_as_a_job(reviewed: RunningStack) -> None:
    until(lambda: quotes(reviewed, "quoll"))
    wanted = {"q": "module pat", "status": "open", "source_file": "source/reviewed.json"}

    counted = decide(reviewed, {"filter": wanted, "approval_status": "pending", "dry_run": True})
    assert counted["count"] == 2
    job = ended(reviewed, decide(reviewed, {"filter": wanted, "approval_status": "pending"})["job_id"])

    assert (job["status"], job["result"]["changed"]) == ("succeeded", 2)
    assert not quotes(reviewed, "quoll")
    assert quotes(reviewed, "numbat")

    told = decide(reviewed, {"ids": ["rv-4", "rv-5", "nobody"], "approval_status": "approved"})
    assert [one["status"] for one in told["results"]] == ["ok", "ok", "not_found"]
    until(lambda: quotes(reviewed, "quoll"))
