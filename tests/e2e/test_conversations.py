"""Conversations on the local stack: answered from what is known, in order, and forgotten on demand."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.e2e.running import RunningStack
from tests.e2e.test_journeys import ended
from tests.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

CUSTOMER = "crm/ada+1@example.com"
PAGE = {
    "url": "https://talks.example/axolotls",
    "title": "Axolotl rental",
    "raw_text": "An axolotl is rented for 9 days. The deposit for an axolotl is €431.00 and is paid by card.",
}


@pytest.fixture(scope="module")
def known(stack: RunningStack) -> None:
    document_id = stack.api("POST", "/v1/documents", PAGE).json["id"]
    until(lambda: stack.api("GET", f"/v1/documents/{document_id}").json["status"] == "indexed")


def _opened(stack: RunningStack) -> str:
    opened = {"source_type": "livechat", "source_id": "visitor-9"}
    talk: str = stack.api("POST", "/v1/conversations", opened, X_External_User_Id=CUSTOMER).json["id"]
    return talk


def _said(stack: RunningStack, talk: str, content: str, **headers: str) -> dict[str, Any]:
    path, body = f"/v1/conversations/{talk}/messages", {"content": content}
    reply = stack.api("POST", path, body, X_External_User_Id=CUSTOMER, **headers)
    # Whoever waits too long for the others' answer is told to ask again, under the same key.
    while "Idempotency_Key" in headers and reply.status in (409, 503):
        time.sleep(int(reply.headers["Retry-After"]))
        reply = stack.api("POST", path, body, X_External_User_Id=CUSTOMER, **headers)
    assert reply.status == 200, reply.body
    sent: dict[str, Any] = reply.json
    return sent


@pytest.mark.usefixtures("known")
def test_a_conversation_is_answered_handed_over_rated_and_its_customer_erased(stack: RunningStack) -> None:
    talk = _opened(stack)

    asked = _said(stack, talk, "For how many days is an axolotl rented?")
    assert (asked["message"]["decision"], "9 days" in asked["answer"]) == ("PASS", True)
    assert asked["message"]["citations"][0]["source_url"] == PAGE["url"]

    path = f"/v1/conversations/{talk}"
    assert stack.admin("POST", f"{path}/takeover").json["owner"] == "key:admin"
    assert _said(stack, talk, "What is the deposit for an axolotl?")["answer"] == ""
    assert stack.admin("POST", f"{path}/release").json["owner"] is None
    assert "€431.00" in _said(stack, talk, "And what is the deposit for an axolotl?")["answer"]
    assert _said(stack, talk, "talk to a person")["message"]["decision"] == "ESCALATE"

    rated = f"{path}/messages/{asked['message']['message_id']}/feedback"
    assert stack.api("POST", rated, {"rating": "up"}).json["proposed"] is True
    whole = stack.api("GET", path).json
    assert [m["role"] for m in whole["messages"]] == ["user", "assistant", "user"] + ["user", "assistant"] * 2
    proposed = stack.admin("GET", f"/v1/tickets/{talk}").json
    assert (proposed["approval_status"], proposed["external_id"]) == ("pending", talk)

    job = stack.admin("DELETE", "/v1/admin/end-users/crm%2Fada%2B1%40example.com").json["job_id"]
    until(lambda: stack.api("GET", path).status == 404)
    erased = ended(stack, job)
    assert (erased["status"], erased["result"]["conversations"], erased["result"]["messages"]) == (
        "succeeded",
        1,
        7,
    )
    assert stack.admin("GET", f"/v1/tickets/{talk}").status == 404


@pytest.mark.usefixtures("known")
def test_many_senders_in_one_conversation_lose_and_double_nothing(stack: RunningStack) -> None:
    talk = _opened(stack)
    questions = [f"What is the deposit for an axolotl, asks number {number}?" for number in range(12)]

    def send(question: str) -> str:
        key = f"{talk}-{questions.index(question)}"
        sent = _said(stack, talk, question, Idempotency_Key=key)
        assert _said(stack, talk, question, Idempotency_Key=key) == sent
        return str(sent["message"]["message_id"])

    with ThreadPoolExecutor(max_workers=12) as pool:
        told = list(pool.map(send, questions))

    messages = stack.api("GET", f"/v1/conversations/{talk}").json["messages"]
    assert sorted(m["content"] for m in messages if m["role"] == "user") == sorted(questions)
    assert {m["id"] for m in messages if m["role"] == "assistant"} == set(told)
    assert [m["created_at"] for m in messages] == sorted(m["created_at"] for m in messages)
