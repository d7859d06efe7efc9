"""Uploads: every kind of file, handed in both ways, answers questions a moment later."""

import json
import mimetypes
import urllib.error
import urllib.request
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.e2e.running import RunningStack
from tests.e2e.test_journeys import asked, cited, ended, indexed
from tests.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

FILES = Path(__file__).parents[1] / "data" / "readers"

QUESTIONS = {
    "handbook.pdf": "Within how many minutes are Business tickets answered by phone support?",
    "returns.docx": "Через сколько дней после заявки возвращаются деньги?",
    "onboarding.pptx": "How long does the trial of new customers last?",
    "backups.pdf": "How many nights does the extended plan for larger servers keep?",
    "hours.odt": "В какие часы вы отвечаете в понедельник?",
    "restore.eml": "Как восстановить резервную копию через панель?",
}


def form(fields: Mapping[str, str], name: str, content: bytes) -> tuple[bytes, str]:
    """A multipart body as a browser writes it, and its content type."""
    mark = uuid.uuid4().hex
    parts = [
        f'--{mark}\r\nContent-Disposition: form-data; name="{field}"\r\n\r\n{value}\r\n'.encode()
        for field, value in fields.items()
    ]
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    disposition = f'Content-Disposition: form-data; name="file"; filename="{name}"'
    head = f"--{mark}\r\n{disposition}\r\nContent-Type: {kind}\r\n\r\n"
    return b"".join([*parts, head.encode(), content, f"\r\n--{mark}--\r\n".encode()]), (
        f"multipart/form-data; boundary={mark}"
    )


def sent(url: str, body: bytes, content_type: str, **headers: str) -> tuple[int, bytes]:
    named = {"Content-Type": content_type} | {k.replace("_", "-"): v for k, v in headers.items()}
    request = urllib.request.Request(url, data=body, headers=named, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def uploaded(stack: RunningStack, name: str, content: bytes, **fields: str) -> tuple[int, dict[str, Any]]:
    body, content_type = form(fields, name, content)
    status, answer = sent(
        f"{stack.base_url}/v1/documents/upload", body, content_type, X_API_Key=stack.credentials["API_KEY"]
    )
    return status, json.loads(answer)


def invited(stack: RunningStack, name: str, **more: Any) -> dict[str, Any]:
    reply = stack.api("POST", "/v1/documents/upload-url", {"filename": name, **more})
    assert reply.status == 201, reply.body
    answer: dict[str, Any] = reply.json
    return answer


@pytest.mark.parametrize("name", sorted(path.name for path in FILES.iterdir() if path.is_file()))
def test_every_kind_of_file_is_a_document_at_once(stack: RunningStack, name: str) -> None:
    status, item = uploaded(stack, name, (FILES / name).read_bytes())

    assert status == 201, item
    assert item["source_url"] == f"file://{name}"
    indexed(stack, item["id"])
    if name in QUESTIONS:
        answer = asked(stack, QUESTIONS[name])
        assert f"file://{name}" in cited(answer), answer


def test_a_file_put_by_a_form_answers_and_leaves_again(stack: RunningStack) -> None:
    content = b"# Parrots\n\nThe green parrot of the reception eats eleven walnuts every Thursday.\n"
    invitation = invited(stack, "parrots & Co.md", title="Parrot care", doc_type="howto")

    body, content_type = form(invitation["fields"], "whatever.md", content)
    status, answer = sent(invitation["url"], body, content_type)

    assert status in (200, 201, 204), answer
    found: list[dict[str, Any]] = []

    def is_there() -> bool:
        found[:] = stack.api("GET", f"/v1/documents?q={quote('parrots & Co')}").json["items"]
        return bool(found) and found[0]["status"] == "indexed"

    until(is_there)
    assert (found[0]["title"], found[0]["doc_type"]) == ("Parrot care", "howto")
    [job] = [
        job
        for job in stack.admin("GET", "/v1/admin/jobs?page_size=100").json["items"]
        if job["subject"] == invitation["key"]
    ]
    assert ended(stack, job["id"])["status"] == "succeeded"
    question = "How many walnuts does the green parrot of the reception eat every Thursday?"
    assert invitation["document_url"] in cited(asked(stack, question))

    changed, changed_type = form(invitation["fields"], "x.md", content.replace(b"eleven", b"twelve"))
    assert sent(invitation["url"], changed, changed_type)[0] in (200, 201, 204)
    until(lambda: "twelve" in asked(stack, question)["answer"])


def test_a_form_takes_its_own_key_and_no_more_bytes_than_it_says(stack: RunningStack) -> None:
    invitation = invited(stack, "only.md")
    other = {**invitation["fields"], "key": "source/other.md"}

    body, content_type = form(other, "only.md", b"# Other\n\nWords of another file.")

    assert sent(invitation["url"], body, content_type)[0] in (400, 403)
    empty, empty_type = form(invitation["fields"], "only.md", b"")
    assert sent(invitation["url"], empty, empty_type)[0] in (400, 403)


def test_a_file_too_large_for_one_request_is_told_the_other_way(stack: RunningStack) -> None:
    status, answer = uploaded(stack, "large.txt", b"Many words. " * 370_000)

    assert status == 413
    assert "upload-url" in answer["detail"]


def test_what_is_no_document_is_refused_with_a_sentence(stack: RunningStack) -> None:
    status, answer = uploaded(stack, "scan.pdf", b"\x89PNG\r\n\x1a\n" + bytes(100))

    assert (status, "picture" in answer["detail"]) == (415, True)
