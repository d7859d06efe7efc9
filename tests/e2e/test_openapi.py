"""OpenAPI: the description the stack serves is valid, whole, and true of real answers."""

import json
import re
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from candor.edge.routes import ROUTES
from infra.local.aws import Clients
from tests.e2e.running import Reply, RunningStack
from tests.waiting import one_day, until

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


@pytest.fixture(scope="module")
def described(stack: RunningStack) -> dict[str, Any]:
    document: dict[str, Any] = stack.call("GET", "/openapi.json").json
    return document


def test_the_description_is_valid_openapi(described: dict[str, Any]) -> None:
    validate(described)


def test_the_description_names_every_route_and_no_other(described: dict[str, Any]) -> None:
    named = {(method.upper(), path) for path, methods in described["paths"].items() for method in methods}

    assert named == {(route.method, route.path) for route in ROUTES}


def test_real_answers_are_what_the_description_says(stack: RunningStack, described: dict[str, Any]) -> None:
    one_day(seconds=120)
    login = {"username": "admin", "password": stack.credentials["ADMIN_PASSWORD"]}
    signed_in = stack.call("POST", "/v1/auth/login", login)
    person = {"Authorization": f"Bearer {signed_in.json['access_token']}"}
    page = {"url": "https://described.example/page", "raw_text": "A page.", "effective_date": "2026-01-31"}
    calls: list[tuple[str, str, Any]] = [
        ("GET", "/v1/auth/me", None),
        ("POST", "/v1/auth/tokens", {"name": "described", "expires_at": "2030-01-01T00:00:00+02:00"}),
        ("GET", "/v1/auth/tokens", None),
        ("GET", "/v1/admin/users", None),
        ("POST", "/v1/admin/users", {"username": "described", "password": "a long password"}),
        ("POST", "/v1/reply/generate", {"query": "What is this?"}),
        ("POST", "/api/v1/query", {"query": "What is this?"}),
        ("POST", "/v1/conversations", {"source_type": "ticket", "source_id": "described"}),
        ("GET", "/v1/conversations", None),
        ("POST", "/v1/documents", page),
        ("GET", "/v1/documents", None),
        ("POST", "/v1/admin/ingest", {"documents": [page]}),
        ("POST", "/v1/admin/ingest-from-source?dry_run=1", None),
        ("POST", "/v1/admin/reconcile", None),
        ("GET", "/v1/admin/jobs", None),
        ("GET", "/v1/admin/schedules", None),
        ("GET", "/v1/admin/dlq", None),
        ("GET", "/v1/admin/exports", None),
        ("POST", "/v1/admin/reindex", {"embedder": "nobody"}),
        ("POST", "/v1/documents/upload-url", {"filename": "described.pdf"}),
        ("POST", "/v1/documents/fetch-from-url", {"url": "http://10.0.0.1/"}),
        ("POST", "/v1/documents/crawl-website", {"base_url": "http://10.0.0.1/"}),
        ("POST", "/v1/documents/re-crawl-all", None),
        ("PUT", "/v1/admin/config/whmcs", {"username": "described"}),
        ("GET", "/v1/admin/config/whmcs", None),
        ("GET", "/v1/admin/config", None),
        ("PUT", "/v1/admin/config/llm", {"llm_model": "described"}),
        ("GET", "/v1/admin/config/llm", None),
        ("PUT", "/v1/admin/config/archi", {"self_critic_enabled": True}),
        ("GET", "/v1/admin/config/archi", None),
        ("PUT", "/v1/admin/config/limits", {"llm_tokens_per_day": 1_000_000}),
        ("GET", "/v1/admin/config/limits", None),
        ("PUT", "/v1/admin/config/system-prompt", {"value": "Be\nbrief."}),
        ("GET", "/v1/admin/config/system-prompt", None),
        ("POST", "/v1/admin/config/refresh-cache", None),
        ("GET", "/v1/admin/config/versions", None),
        ("POST", "/v1/admin/config/rollback", {"version": 0}),
        ("POST", "/v1/admin/save-whmcs-cookies", {"session_cookies": [{"name": "WHMCS1", "value": "x"}]}),
        ("GET", "/v1/admin/whmcs-cookies", None),
        ("DELETE", "/v1/admin/whmcs-cookies", None),
        ("POST", "/v1/admin/check-whmcs-cookies", {"base_url": "http://10.0.0.1/"}),
        ("POST", "/v1/admin/crawl-tickets", {"base_url": "http://10.0.0.1/"}),
        ("GET", "/v1/admin/alerts", None),
        ("GET", "/v1/admin/intents", None),
        ("POST", "/v1/admin/intents", {"key": "described", "patterns": "described", "answer": "Yes."}),
        ("GET", "/v1/admin/doc-types", None),
        ("POST", "/v1/admin/doc-types", {"key": "described"}),
        ("POST", "/v1/admin/config/auto-generate-from-domain", {"url": "http://10.0.0.1/"}),
        ("GET", "/v1/tickets", None),
        ("POST", "/v1/admin/tickets/approval", {"ids": ["nobody"], "approval_status": "approved"}),
        ("POST", "/v1/admin/ingest-tickets-to-file", None),
        ("POST", "/v1/admin/import-dump", {"s3_key": "source/nothing.sql"}),
        ("GET", "/v1/admin/answers", None),
        ("POST", "/v1/admin/webhooks", {"url": "http://10.0.0.1/", "events": ["answer"]}),
        ("GET", "/v1/admin/webhooks", None),
        ("POST", "/v1/integrations/plain", {"message_id": "described", "chat_id": "d", "text": "What?"}),
        ("POST", "/v1/integrations/bitrix24", None),
        ("POST", "/v1/integrations/whmcs", {"event": "TicketOpen"}),
        ("GET", "/v1/admin/config/bitrix24", None),
        ("PUT", "/v1/admin/config/bitrix24", {"lines": ["7"]}),
        ("GET", "/v1/admin/config/whmcs_notes", None),
        ("PUT", "/v1/admin/config/whmcs_notes", {"departments": ["Billing"]}),
        ("GET", "/v1/dashboard/stats", None),
        ("GET", "/v1/health", None),
        ("GET", "/health", None),
        ("GET", "/openapi.json", None),
    ]
    replies = {("POST", "/v1/auth/login"): signed_in}
    for method, path, body in calls:
        replies[method, path.partition("?")[0]] = stack.call(method, path, body, **person)
    ids = {
        "/v1/documents/{id}": replies["POST", "/v1/documents"].json["id"],
        "/v1/documents/{id}/re-crawl": replies["POST", "/v1/documents"].json["id"],
        "/v1/admin/jobs/{id}": replies["POST", "/v1/admin/ingest"].json["id"],
        "/v1/admin/users/{id}": replies["POST", "/v1/admin/users"].json["id"],
        "/v1/auth/tokens/{token_id}": replies["POST", "/v1/auth/tokens"].json["id"],
        "/v1/admin/intents/{id}": replies["POST", "/v1/admin/intents"].json["id"],
        "/v1/admin/doc-types/{id}": replies["POST", "/v1/admin/doc-types"].json["id"],
    }
    for method, path, body in (
        ("GET", "/v1/documents/{id}", None),
        ("PATCH", "/v1/documents/{id}", {"title": "Described"}),
        ("POST", "/v1/documents/{id}/re-crawl", None),
        ("DELETE", "/v1/documents/{id}", None),
        ("GET", "/v1/admin/jobs/{id}", None),
        ("GET", "/v1/admin/users/{id}", None),
        ("PATCH", "/v1/admin/users/{id}", {"email": "a@example.com"}),
        ("DELETE", "/v1/admin/users/{id}", None),
        ("DELETE", "/v1/auth/tokens/{token_id}", None),
        ("GET", "/v1/admin/intents/{id}", None),
        ("PUT", "/v1/admin/intents/{id}", {"patterns": "(a+)+"}),
        ("DELETE", "/v1/admin/intents/{id}", None),
        ("GET", "/v1/admin/doc-types/{id}", None),
        ("PUT", "/v1/admin/doc-types/{id}", {"label": "Described"}),
        ("DELETE", "/v1/admin/doc-types/{id}", None),
    ):
        replies[method, path] = stack.call(method, re.sub(r"{\w+}", ids[path], path), body, **person)
    ticket, talk = dropped_ticket(stack), replies["POST", "/v1/conversations"].json["id"]
    for method, path, body in (
        ("GET", "/v1/tickets/{id}", None),
        ("PATCH", "/v1/admin/tickets/{id}/approval", {"approval_status": "rejected"}),
    ):
        replies[method, path] = stack.call(method, path.replace("{id}", ticket), body, **person)
    said = stack.call("POST", f"/v1/conversations/{talk}/messages", {"content": "What is this?"}, **person)
    replies["POST", "/v1/conversations/{id}/messages"] = said
    streamed = f"/v1/conversations/{talk}/messages:stream"
    told = stack.call("POST", streamed, {"content": "What is this?"}, **person)
    replies["POST", "/v1/conversations/{id}/messages:stream"] = told
    message = said.json["message"]["message_id"]
    for method, path, body in (
        ("POST", "/v1/conversations/{id}/messages/{message_id}/feedback", {"rating": 2}),
        ("POST", "/v1/conversations/{id}/takeover", None),
        ("POST", "/v1/conversations/{id}/release", None),
        ("PATCH", "/v1/conversations/{id}", {"metadata": {"shop": "one"}}),
        ("GET", "/v1/conversations/{id}", None),
        ("DELETE", "/v1/conversations/{id}", None),
        ("DELETE", "/v1/admin/end-users/{external_user_id}", None),
    ):
        place = path.replace("{id}", talk).replace("{message_id}", message)
        place = place.replace("{external_user_id}", "described")
        replies[method, path] = stack.call(method, place, body, **person)
    cancelled = f"/v1/admin/jobs/{ids['/v1/admin/jobs/{id}']}/cancel"
    replies["POST", "/v1/admin/jobs/{id}/cancel"] = stack.call("POST", cancelled, **person)
    for method, path, body in (
        ("GET", "/v1/admin/webhooks/{id}", None),
        ("PUT", "/v1/admin/webhooks/{id}", {"enabled": False}),
        ("POST", "/v1/admin/webhooks/{id}/test", None),
        ("DELETE", "/v1/admin/webhooks/{id}", None),
        ("GET", "/v1/integrations/plain/{message_id}", None),
    ):
        named = path.replace("{id}", "nobody").replace("{message_id}", "described")
        replies[method, path] = stack.call(method, named, body, **person)
    weekly = {"kind": "reconcile", "expression": "cron(0 5 ? * MON *)"}
    for method, path, body in (
        ("PUT", "/v1/admin/schedules/{name}", weekly),
        ("GET", "/v1/admin/schedules/{name}", None),
        ("POST", "/v1/admin/schedules/{name}/run", None),
        ("DELETE", "/v1/admin/schedules/{name}", None),
    ):
        replies[method, path] = stack.call(method, path.replace("{name}", "described"), body, **person)
    for method, path, body in (
        ("GET", "/v1/admin/dlq/{queue}", None),
        ("POST", "/v1/admin/dlq/{queue}/redrive", {}),
        ("DELETE", "/v1/admin/dlq/{queue}/{message_id}", None),
    ):
        named = path.replace("{queue}", "source").replace("{message_id}", "nobody")
        replies[method, path] = stack.call(method, named, body, **person)
    answer = replies["GET", "/v1/admin/answers"].json["items"][0]["id"]
    for method, path in (("GET", "/v1/admin/answers/{id}"), ("POST", "/v1/admin/answers/{id}/replay")):
        replies[method, path] = stack.call(method, path.replace("{id}", answer), **person)
    for method, body in (("GET", None), ("PUT", {"value": None})):
        setting = stack.call(method, "/v1/admin/config/app_name", body, **person)
        replies[method, "/v1/admin/config/{key}"] = setting
    alert = ("DELETE", "/v1/admin/alerts/{id}")
    replies[alert] = stack.call("DELETE", "/v1/admin/alerts/nobody", **person)
    form = 'Content-Disposition: form-data; name="file"; filename="described.md"'
    upload = f"--x\r\n{form}\r\n\r\n# A page\r\n--x--\r\n".encode()
    replies["POST", "/v1/documents/upload"] = stack.call(
        "POST", "/v1/documents/upload", upload, Content_Type="multipart/form-data; boundary=x", **person
    )
    pages = {("GET", path) for path in ("/", "/docs", "/redoc", "/v1/metrics")}

    assert set(replies) | pages == {(route.method, route.path) for route in ROUTES}
    assert all_untrue(described, replies) == {}


def dropped_ticket(stack: RunningStack) -> str:
    """The number of a ticket that came by a file."""
    talk = {"id": "described-1", "subject": "A folder is gone", "description": "Customer: It is.\nStaff: No."}
    Clients(stack.aws)("s3").put_object(
        Bucket=stack.outputs["SourceBucket"],
        Key="source/described.json",
        Body=json.dumps({"conversations": [talk]}).encode(),
    )
    until(lambda: stack.admin("GET", "/v1/tickets/described-1").status == 200)
    return "described-1"


def test_refusals_are_what_the_description_says(stack: RunningStack, described: dict[str, Any]) -> None:
    refusals = {
        ("GET", "/v1/documents"): stack.call("GET", "/v1/documents"),
        ("GET", "/v1/admin/users"): stack.admin("GET", "/v1/admin/users?page=0"),
        ("GET", "/v1/admin/jobs"): stack.api("GET", "/v1/admin/jobs"),
        ("GET", "/v1/documents/{id}"): stack.api("GET", "/v1/documents/nobody"),
        ("POST", "/v1/documents"): stack.api("POST", "/v1/documents", {"url": 1}),
        ("POST", "/v1/reply/generate"): stack.api("POST", "/v1/reply/generate", b"{"),
        ("POST", "/api/v1/query"): stack.api("POST", "/api/v1/query", {}),
        ("POST", "/v1/admin/ingest-from-source"): stack.admin(
            "POST", "/v1/admin/ingest-from-source?prefix=/etc"
        ),
    }

    assert all_untrue(described, refusals) == {}


def all_untrue(
    described: dict[str, Any], replies: dict[tuple[str, str], Reply]
) -> dict[tuple[str, str], list[str]]:
    found = {place: untrue(described, *place, reply) for place, reply in replies.items()}
    return {place: faults for place, faults in found.items() if faults}


def untrue(described: dict[str, Any], method: str, path: str, reply: Reply) -> list[str]:
    """Where a reply is not as the description says."""
    responses = described["paths"][path][method.lower()]["responses"]
    if str(reply.status) not in responses:
        return [f"{reply.status} is not described: {reply.body[:200]!r}"]
    content = responses[str(reply.status)].get("content")
    if content is None:
        return [f"a body that is not described: {reply.body[:200]!r}"] if reply.body else []
    kind = reply.headers["Content-Type"].partition(";")[0]
    whole = {**content[kind]["schema"], "components": described["components"]}
    said = reply.json if kind == "application/json" else reply.body.decode()
    return [fault.message for fault in Draft202012Validator(whole).iter_errors(said)]
