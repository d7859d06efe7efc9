"""Uploads, through the real handler: a form's file becomes a document, or is refused with a sentence."""

import base64
import gzip
import io
import json
import zipfile
from dataclasses import dataclass
from typing import Any

import pytest

from candor.accounts import Role
from candor.adapters.http_fetcher import HttpFetcher
from candor.documents import document_id_of
from candor.edge.multipart import MAX_BODY_BYTES, MAX_FIELD_BYTES, MAX_PARTS
from candor.objects import UPLOADS_PREFIX
from candor.page_fetching import PageFetching
from functions.documents import app
from tests.doubles import whmcs_dump as whmcs
from tests.doubles.crawling import Crawl
from tests.doubles.entrance import API_KEY, Entrance
from tests.doubles.gateway import Answered, Http
from tests.doubles.knowledge import Knowledge

TEXT = "# Refunds\n\nEvery plan can be cancelled within thirty days.\n"


@dataclass
class Desk:
    http: Http
    knowledge: Knowledge
    entrance: Entrance

    def send(
        self, *parts: bytes, content_type: str = "multipart/form-data; boundary=edge", **headers: str
    ) -> Answered:
        body = b"".join(b"--edge\r\n" + part + b"\r\n" for part in parts) + b"--edge--\r\n"
        return self.raw(body, content_type=content_type, **headers)

    def raw(
        self, body: bytes, *, content_type: str = "multipart/form-data; boundary=edge", **headers: str
    ) -> Answered:
        http = self.http.as_(Content_Type=content_type, **headers)
        return http.post("/v1/documents/upload", raw=base64.b64encode(body).decode(), encoded=True)


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Desk:
    entrance, knowledge = Entrance(), Knowledge()
    crawl = Crawl(knowledge=knowledge)
    service = app.Service(
        gate=entrance.gate,
        documents=knowledge.documents,
        page_fetching=PageFetching(fetcher=HttpFetcher(version="1")),
        uploading=knowledge.uploading,
        crawling=crawl.crawling,
        refreshing=crawl.refreshing,
    )
    monkeypatch.setattr(app, "service", lambda: service)
    return Desk(Http(app.handler).as_(X_API_Key=API_KEY), knowledge, entrance)


def file(content: bytes | str, name: str = "refunds.md", disposition: str = "") -> bytes:
    body = content.encode() if isinstance(content, str) else content
    head = disposition or f'form-data; name="file"; filename="{name}"'
    return f"Content-Disposition: {head}\r\nContent-Type: text/plain\r\n\r\n".encode() + body


def field(name: str, value: str) -> bytes:
    return f'Content-Disposition: form-data; name="{name}"\r\n\r\n{value}'.encode()


def test_an_uploaded_file_is_a_document_at_once(desk: Desk) -> None:
    answer = desk.send(field("doc_type", "Policy"), file(TEXT))

    assert answer.status == 201, answer.text
    item = answer.json
    assert item["id"] == document_id_of("file://refunds.md")
    assert (item["title"], item["source_url"], item["doc_type"], item["status"]) == (
        "Refunds",
        "file://refunds.md",
        "policy",
        "queued",
    )
    assert item["metadata"] == {"filename": "refunds.md"}
    assert item["cleaned_content"] == TEXT.strip()
    desk.knowledge.work()
    assert desk.knowledge.quotable("cancelled within thirty days") == ["file://refunds.md"]


def test_title_and_url_of_the_form_win(desk: Desk) -> None:
    item = desk.send(
        field("title", "  Money back  "), field("url", "https://example.com/refunds"), file(TEXT)
    ).json

    assert (item["title"], item["source_url"]) == ("Money back", "https://example.com/refunds")


def test_the_same_name_again_updates_and_the_same_content_changes_nothing(desk: Desk) -> None:
    desk.send(file(TEXT))
    desk.knowledge.work()

    same = desk.send(file(TEXT))
    changed = desk.send(file(TEXT + "\nNot domains.\n"))

    assert (same.json["status"], changed.json["status"]) == ("indexed", "queued")
    assert desk.knowledge.urls() == ["file://refunds.md"]


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ("../../etc/passwd.md", "passwd.md"),
        ("C:\\Users\\Ann\\Цены и сроки.md", "Цены и сроки.md"),
        ("a%22b%0D%0A.md", 'a"b.md'),
        ("${filename}.md", "_{filename}.md"),
        ("a\tb\u202e.md", "a_b_.md"),
        (" . report.md . ", "report.md"),
    ],
)
def test_a_name_is_only_a_name(desk: Desk, sent: str, stored: str) -> None:
    assert desk.send(file(TEXT, sent.replace("\\", "\\\\"))).json["source_url"] == f"file://{stored}"


@pytest.mark.parametrize("name", ["", "..", "/", "???", "x" * 300 + ".md"])
def test_a_name_that_says_nothing_is_refused(desk: Desk, name: str) -> None:
    answer = desk.send(file(TEXT, name))

    assert answer.status == 422
    assert "name" in answer.json["detail"]


def test_a_form_without_a_file_or_with_two_is_refused(desk: Desk) -> None:
    for parts in (
        [field("title", "x")],
        [file(TEXT), file(TEXT)],
        [field("file", TEXT)],
        [file(TEXT, disposition='form-data; name="upload"; filename="a.md"')],
    ):
        assert desk.send(*parts).status == 422
    assert desk.knowledge.urls() == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no form at all",
        b"--edge\r\n" + file(TEXT),
        b"--edge\r\nContent-Disposition\r\n\r\nx\r\n--edge--\r\n",
        b"--edge\r\n\r\nnameless\r\n--edge--\r\n",
        b"--edge\r\n" + b"".join(b"X-%d: y\r\n" % n for n in range(20)) + b"\r\nx\r\n--edge--\r\n",
        b"--edge\r\nX-Long: " + b"y" * 10_000 + b"\r\n\r\nx\r\n--edge--\r\n",
        b"--other\r\n" + file(TEXT) + b"\r\n--other--\r\n",
        b"--edge\r\nContent-Transfer-Encoding: base64\r\n" + file("eA==") + b"\r\n--edge--\r\n",
        b"".join(b"--edge\r\n" + field("title", "x") + b"\r\n" for _ in range(MAX_PARTS + 1))
        + b"--edge--\r\n",
    ],
)
def test_a_broken_form_is_a_bad_request(desk: Desk, body: bytes) -> None:
    answer = desk.raw(body)

    assert answer.status == 400, answer.text
    assert "y" * 100 not in answer.text


@pytest.mark.parametrize(
    "content_type", ["application/json", "text/plain", "", "multipart/mixed; boundary=edge"]
)
def test_what_is_no_form_is_an_unsupported_type(desk: Desk, content_type: str) -> None:
    assert desk.send(file(TEXT), content_type=content_type).status == 415


@pytest.mark.parametrize(
    "content_type", ["multipart/form-data", f"multipart/form-data; boundary={'x' * 400}"]
)
def test_a_boundary_that_is_none_is_a_bad_request(desk: Desk, content_type: str) -> None:
    assert desk.send(file(TEXT), content_type=content_type).status == 400


def test_fields_are_checked_like_those_of_json(desk: Desk) -> None:
    assert desk.send(field("url", "javascript:alert(1)"), file(TEXT)).json["errors"][0]["loc"] == [
        "body",
        "url",
    ]
    assert desk.send(field("title", "x" * 501), file(TEXT)).status == 422
    assert desk.send(field("title", "x" * (MAX_FIELD_BYTES + 1)), file(TEXT)).status == 422
    assert desk.send(field("title", "a\x00b"), file(TEXT)).status == 422
    assert desk.send(field("title", " "), file(TEXT)).json["title"] == "Refunds"


def test_a_large_body_is_told_the_other_way(desk: Desk) -> None:
    answer = desk.send(file(b"x" * MAX_BODY_BYTES))

    assert answer.status == 413
    assert "upload-url" in answer.json["detail"]


@pytest.mark.parametrize(
    ("name", "content", "status", "word"),
    [
        ("photo.txt", b"\x89PNG\r\n\x1a\n" + b"\x00" * 50, 415, "picture"),
        ("tool.exe", b"MZ\x90\x00" + b"\x00" * 80, 415, "program"),
        ("notes.zip", b"", 422, "empty"),
        ("data.bin", b"plain words", 415, "suffix"),
        ("whmcs.sql", whmcs.of(1), 415, "database dump"),
        ("whmcs.sql.gz", gzip.compress(whmcs.of(1)), 415, "import-dump"),
        ("whmcs.txt", whmcs.of(1), 415, "database dump"),
        ("words.sql", b"plain words", 415, "no SQL at its beginning"),
        ("empty.txt", b"   ", 422, "no text"),
        ("broken.pdf", b"%PDF-1.7 and nothing more", 422, "PDF"),
        ("broken.docx", b"PK\x03\x04 and nothing more", 422, "damaged"),
    ],
)
def test_what_cannot_be_read_is_refused_with_a_reason(
    desk: Desk, name: str, content: bytes, status: int, word: str
) -> None:
    answer = desk.send(file(content, name))

    assert (answer.status, word in answer.json["detail"]) == (status, True), answer.text
    assert desk.knowledge.urls() == []


def test_an_archive_is_no_document(desk: Desk) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.txt", TEXT)

    assert desk.send(file(buffer.getvalue(), "report.docx")).status == 415


def test_a_file_of_several_documents_is_a_job(desk: Desk) -> None:
    pages = [{"url": f"https://example.com/{n}", "title": f"P{n}", "text": TEXT * 3} for n in range(3)]

    answer = desk.send(file(json.dumps({"pages": pages}), "pages.json"))
    desk.knowledge.work()

    assert answer.status == 202
    assert answer.json["job_id"] == answer.json["id"] == desk.knowledge.job().job_id
    assert desk.knowledge.job().subject == f"{UPLOADS_PREFIX}pages.json"
    assert desk.knowledge.urls() == [f"https://example.com/{n}" for n in range(3)]


def test_the_same_form_again_under_a_key_is_done_once_whatever_its_boundary(desk: Desk) -> None:
    def once(boundary: str, text: str) -> Answered:
        mark = boundary.encode()
        body = b"--" + mark + b"\r\n" + file(text) + b"\r\n--" + mark + b"--\r\n"
        content_type = f"multipart/form-data; boundary={boundary}"
        return desk.raw(body, content_type=content_type, Idempotency_Key="one")

    first, again, other = once("aaa", TEXT), once("bbb", TEXT), once("aaa", TEXT + "More.")

    assert first.status == again.status == 201
    assert again.headers["idempotency-replayed"] == "true"
    assert other.status == 409


def test_a_plain_user_may_not_upload(desk: Desk) -> None:
    token = desk.entrance.token(desk.entrance.user("ann", Role.USER))
    desk.http = Http(app.handler).as_(X_API_Key=token)

    assert desk.send(file(TEXT)).status == 403
    assert desk.http.post("/v1/documents/upload-url", {"filename": "a.md"}).status == 403


def test_an_invitation_names_the_one_key_and_carries_what_was_said(desk: Desk) -> None:
    body = {"filename": "x/Handbuch.pdf", "title": "Наш справочник", "doc_type": "HowTo", "size": 1_000}

    answer = desk.http.post("/v1/documents/upload-url", body)

    assert answer.status == 201
    assert answer.json["key"] == answer.json["fields"]["key"] == f"{UPLOADS_PREFIX}Handbuch.pdf"
    assert answer.json["document_url"] == "file://Handbuch.pdf"
    assert answer.json["max_bytes"] == 200_000_000
    assert answer.json["fields"]["x-amz-meta-title"].isascii()
    # What a client does with it: the reader finds what was said about the file.
    metadata = {
        name.removeprefix("x-amz-meta-"): value
        for name, value in answer.json["fields"].items()
        if name.startswith("x-amz-meta-")
    }
    desk.knowledge.objects.put(answer.json["key"], TEXT.encode(), metadata=metadata)
    desk.knowledge.ingesting.queue_object(
        desk.knowledge.objects.find(answer.json["key"]),  # type: ignore[arg-type]
        created_by="s3",
    )
    desk.knowledge.work()
    [item] = desk.http.get("/v1/documents").json["items"]
    assert (item["title"], item["doc_type"], item["source_url"]) == (
        "Наш справочник",
        "howto",
        "file://Handbuch.pdf",
    )


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 422),
        ({"filename": "  "}, 422),
        ({"filename": "/"}, 422),
        ({"filename": "a.pdf", "size": 200_000_001}, 413),
        ({"filename": "a.pdf", "size": 0}, 422),
        ({"filename": "a.exe"}, 415),
        ({"filename": "a.pdf", "content_type": "text/plain\r\nx: y"}, 422),
        ({"filename": "a.pdf", "url": "ftp://example.com"}, 422),
        ({"filename": "a.pdf", "title": "Ж" * 490}, 422),
        ({"filename": "dump.sql.gz"}, 201),
        ({"filename": "без расширения"}, 201),
    ],
)
def test_an_invitation_is_refused_before_anything_is_sent(
    desk: Desk, body: dict[str, Any], status: int
) -> None:
    assert desk.http.post("/v1/documents/upload-url", body).status == status


def test_an_answer_to_a_long_document_fits_into_what_a_function_may_answer(desk: Desk) -> None:
    answer = desk.send(file("Слово. " * 280_000, "long.txt"))

    assert answer.status == 201
    assert len(answer.text.encode()) < 6_000_000
    assert len(answer.json["cleaned_content"]) > 1_900_000
