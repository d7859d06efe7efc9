"""What was logged: nothing that was said, and no key, whatever the other journeys did before."""

from collections.abc import Iterator

import jwt
import pytest

from infra.local.aws import Clients
from tests.e2e.running import RunningStack

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

CANARY = "quetzalcoatlus"
PASSWORD = "opensesame-and-more"


def test_no_log_holds_a_key_a_password_a_token_or_what_anybody_said(stack: RunningStack) -> None:
    busy(stack)

    terminal = "".join(after_the_keys_were_shown(stack.log))
    cloud = "\n".join(logged(stack))

    assert "POST   /v1/reply/generate 200" in terminal
    assert '"message":"decided"' in cloud
    said = stack.unspeakable | {CANARY, PASSWORD, *(stack.credentials[n] for n in KEYS)}
    assert {word for word in said if word.casefold() in terminal.casefold()} == set()
    assert {word for word in said if word.casefold() in cloud.casefold()} == set()


KEYS = ("ADMIN_PASSWORD", "API_KEY", "ADMIN_API_KEY", "JWT_SECRET")


def busy(stack: RunningStack) -> None:
    """Everything that could tempt somebody to log it, in requests that succeed and in ones that fail."""
    page = {"url": f"https://logged.example/{CANARY}", "title": CANARY, "raw_text": f"The {CANARY} flew."}
    made = stack.api("POST", "/v1/documents", page, Idempotency_Key=CANARY)
    assert made.status == 201
    stack.admin("POST", "/v1/admin/ingest", {"documents": [{**page, "metadata": {CANARY: "\ud800"}}]})
    stack.admin("POST", "/v1/admin/ingest", {"documents": [{**page, "url": f"{page['url']}/2"}]})
    s3 = Clients(stack.aws)("s3")
    s3.put_object(
        Bucket=stack.outputs["SourceBucket"], Key="source/logged.json", Body=f'{{"pages": [{CANARY}'.encode()
    )
    for path in ("/v1/reply/generate", "/api/v1/query"):
        body = {"query": f"Did the {CANARY} fly?", "session_id": CANARY, "source_id": CANARY}
        assert stack.api("POST", path, body, X_External_User_Id=CANARY).status == 200
        stack.api("POST", path, f'{{"query": "{CANARY}'.encode())
        stack.api("POST", path, {"query": [CANARY], "language": CANARY})
    opened = {"source_type": "livechat", "source_id": CANARY, "metadata": {CANARY: CANARY}}
    talk = stack.api("POST", "/v1/conversations", opened, X_External_User_Id=CANARY).json["id"]
    said = {"content": f"Did the {CANARY} fly?"}
    sent = stack.api("POST", f"/v1/conversations/{talk}/messages", said, X_External_User_Id=CANARY)
    assert sent.status == 200
    rated = f"/v1/conversations/{talk}/messages/{sent.json['message']['message_id']}/feedback"
    stack.api("POST", rated, {"rating": "up", "comment": CANARY})
    stack.api("POST", f"/v1/conversations/{talk}/messages", {"content": [CANARY]})
    stack.api("GET", f"/v1/documents?q={CANARY}&page=0")
    stack.call("POST", "/v1/auth/login", {"username": CANARY, "password": PASSWORD})
    stack.admin("POST", "/v1/admin/users", {"username": CANARY, "password": PASSWORD, "email": CANARY})
    stack.admin("POST", "/v1/admin/users", {"username": CANARY, "password": PASSWORD})
    signed_in = stack.call("POST", "/v1/auth/login", {"username": CANARY, "password": PASSWORD})
    person = {"Authorization": f"Bearer {signed_in.json['access_token']}"}
    token = stack.call("POST", "/v1/auth/tokens", {"name": CANARY}, **person).json["token"]
    forged = jwt.encode({"sub": CANARY, "exp": 1}, "z" * 40)
    stack.unspeakable |= {signed_in.json["access_token"], token, forged, "sk_" + CANARY}
    stack.call("GET", "/v1/documents", X_API_Key=token)
    stack.call("GET", "/v1/documents", X_API_Key="sk_" + CANARY)
    stack.call("GET", "/v1/documents", Authorization=f"Bearer {forged}")
    stack.admin("DELETE", f"/v1/documents/{made.json['id']}")


def after_the_keys_were_shown(lines: list[str]) -> Iterator[str]:
    """A first start shows the keys once, by their names: those lines apart."""
    names = tuple(f"{name}=" for name in (*KEYS, "ADMIN_USERNAME"))
    return (line for line in lines if not line.strip().startswith(names))


def logged(stack: RunningStack) -> Iterator[str]:
    """Every line of every function, as CloudWatch keeps it."""
    logs = Clients(stack.aws)("logs")
    for group in logs.describe_log_groups()["logGroups"]:
        for page in logs.get_paginator("filter_log_events").paginate(logGroupName=group["logGroupName"]):
            yield from (event["message"] for event in page["events"])
