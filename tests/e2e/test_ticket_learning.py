"""Tickets on the local stack: a dropped file answers, a rejected ticket falls silent, exports come back."""

import json
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from infra.local.aws import Clients
from tests.e2e.running import RunningStack
from tests.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

TICKETS = Path("tests/data/tickets/hosting.json")
QUESTIONS: dict[str, str] = json.loads(Path("tests/data/tickets/questions.json").read_text("utf-8"))
KEY = "source/sample_conversations.json"
FEWEST = 45
"""Of 50, without a model; 48 were measured on the stack."""


def dropped(stack: RunningStack, key: str, body: bytes) -> dict[str, Any]:
    """The job that has read this file."""
    bucket = stack.outputs["SourceBucket"]
    Clients(stack.aws)("s3").put_object(Bucket=bucket, Key=key, Body=body)

    def job() -> dict[str, Any] | None:
        found = stack.admin("GET", "/v1/admin/jobs?kind=read_source&page_size=100").json["items"]
        return next((one for one in found if one["subject"] == key), None)

    until(lambda: (found := job()) is not None and found["status"] in ("succeeded", "failed"), seconds=240)
    found = job()
    assert found is not None
    return found


def asked(stack: RunningStack, number: str) -> tuple[str, list[str], str]:
    reply = stack.api("POST", "/v1/reply/generate", {"query": QUESTIONS[number]})
    assert reply.status == 200, reply.body
    numbers = [citation["source_url"].rpartition("/")[2] for citation in reply.json["citations"]]
    return reply.json["decision"], numbers, reply.json["answer"]


def decide(stack: RunningStack, number: str, approval: str) -> None:
    path = f"/v1/admin/tickets/{number}/approval"
    assert stack.admin("PATCH", path, {"approval_status": approval}).json["approval_status"] == approval


def test_fifty_solved_tickets_answer_fall_silent_and_come_back_from_their_export(stack: RunningStack) -> None:
    job = dropped(stack, KEY, TICKETS.read_bytes())
    assert (job["status"], job["result"]["ok"], job["progress"]["done"]) == ("succeeded", 50, 50)

    right = [number for number in QUESTIONS if asked(stack, number)[:2] == ("PASS", [number])]
    assert len(right) >= FEWEST - 3  # Other journeys' documents stand beside ours, and may be cited as well.

    number = right[0]
    before = asked(stack, number)
    decide(stack, number, "rejected")
    assert number not in asked(stack, number)[1]
    decide(stack, number, "approved")
    until(lambda: asked(stack, number)[1] == before[1])

    reply = stack.admin("POST", "/v1/admin/ingest-tickets-to-file", {})
    until(lambda: reply.status == 200 or exports(stack) != [])
    with urllib.request.urlopen(link(stack, reply), timeout=120) as answer:
        written = json.load(answer)
    assert written["conversations_count"] >= 50
    again = dropped(stack, "source/again.json", json.dumps(written).encode())
    assert (again["result"]["created"], again["result"]["error"]) == (0, 0)
    assert asked(stack, number)[2] == before[2]

    Clients(stack.aws)("s3").delete_object(Bucket=stack.outputs["SourceBucket"], Key="source/again.json")
    until(lambda: number not in asked(stack, number)[1])


def exports(stack: RunningStack) -> list[dict[str, Any]]:
    found = stack.admin("GET", "/v1/admin/exports").json
    return [one for one in found["items"] if one["name"] == "sample_conversations"]


def link(stack: RunningStack, reply: Any) -> str:
    """Of an export that was there at once, or that took longer than a request may."""
    if reply.status == 200:
        return str(reply.json["download_url"])
    return str(exports(stack)[0]["download_url"])
