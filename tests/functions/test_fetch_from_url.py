"""Fetching one page by its address: the real handler, the real door, a website on loopback."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest

from candor.accounts import Role, Scope
from candor.adapters.http_fetcher import HttpFetcher
from candor.documents import document_id_of
from candor.page_fetching import PageFetching
from functions.documents import app
from tests.doubles.entrance import API_KEY, Entrance
from tests.doubles.gateway import Answered, Context, Http, answered, wire_event
from tests.doubles.knowledge import Knowledge
from tests.doubles.web_server import WebServer, answer, moved

WORDS = (
    "Every hosting plan can be cancelled within thirty days of the order, and the whole price is returned."
)
PAGE = f"""<!doctype html><html lang="en"><head><title>Refunds</title></head><body>
<nav><a href="/">Home</a></nav><main><h1>Refunds</h1><p>{WORDS}</p>
<p>A domain that has been registered cannot be returned, because the registry has been paid.</p></main>
</body></html>""".encode()


@dataclass
class Desk:
    http: Http
    knowledge: Knowledge
    entrance: Entrance
    site: WebServer

    def fetch(self, path: str, **more: object) -> Answered:
        url = f"{self.site.url}{path}" if path.startswith("/") else path
        return self.http.post("/v1/documents/fetch-from-url", {"url": url, **more})


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    pages = {
        "/refunds": answer(PAGE),
        "/moved": moved("/refunds"),
        "/refresh": answer(
            b"<html><head><meta http-equiv='refresh' content='0; url=/refunds'></head></html>"
        ),
        "/circle": moved("/circle"),
        "/inside": moved("http://127.0.0.1:1/"),
        "/down": answer(b"<p>Sorry", status="503 Service Unavailable"),
        "/missing": answer(PAGE, status="404 Not Found"),
        "/huge": b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 5000001\r\n\r\n",
        "/cut": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "/logo": answer(b"\x89PNG", content_type="image/png"),
        "/api": answer(b'{"price": 4}', content_type="application/json"),
        "/blank": answer(b"<html><head><title>Blank</title></head><body></body></html>"),
        "/plain": answer(WORDS.encode(), content_type="text/plain"),
    }
    entrance, knowledge = Entrance(), Knowledge()
    with WebServer(pages=pages) as site:
        fetcher = HttpFetcher(version="1", allowed_origins=[site.origin])
        # Of the desk's parts only those that this view asks for.
        service = SimpleNamespace(
            gate=entrance.gate,
            documents=knowledge.documents,
            page_fetching=PageFetching(fetcher=fetcher),
        )
        monkeypatch.setattr(app, "service", lambda: service)
        yield Desk(Http(app.handler).as_(X_API_Key=API_KEY), knowledge, entrance, site)


def test_a_page_is_shown_and_not_stored(desk: Desk) -> None:
    shown = desk.fetch("/refunds")

    assert shown.status == 200
    assert shown.json["title"] == "Refunds"
    assert WORDS in shown.json["content"]
    assert "Home" not in shown.json["content"]
    assert shown.json["raw_html"] == PAGE.decode()
    assert shown.json["document"] is None
    assert desk.http.get("/v1/documents").json["total"] == 0


@pytest.mark.parametrize("path", ["/refunds", "/moved", "/refresh", "/refunds?utm_source=letter#top"])
def test_a_stored_page_lies_under_the_address_it_came_from(desk: Desk, path: str) -> None:
    document = desk.fetch(path, store=True, title="Money back", doc_type="policy").json["document"]

    url = f"{desk.site.url}/refunds"
    assert (document["id"], document["source_url"]) == (document_id_of(url), url)
    assert (document["title"], document["doc_type"], document["status"]) == ("Money back", "policy", "queued")
    stored = desk.http.get(f"/v1/documents/{document['id']}").json
    assert WORDS in stored["cleaned_content"]
    assert stored["raw_content"] == PAGE.decode()
    assert desk.knowledge.documents.get(document["id"]).source == "web"
    desk.knowledge.work()
    assert desk.knowledge.quotable("cancelled") == [url]


def test_a_page_that_one_answer_cannot_hold_is_cut_and_its_text_is_not(desk: Desk) -> None:
    huge = PAGE.replace(b"</main>", b"<!--" + b'"' * 4_000_000 + b"--></main>")
    desk.site.pages = {"/huge-page": answer(huge)}

    shown = desk.fetch("/huge-page")

    assert shown.status == 200
    assert len(shown.text.encode()) < 6_000_000
    assert WORDS in shown.json["content"]
    assert huge.decode().startswith(shown.json["raw_html"])
    assert len(shown.json["raw_html"]) > 1_000_000


def test_a_page_fetched_again_and_unchanged_is_not_indexed_again(desk: Desk) -> None:
    desk.fetch("/refunds", store=True)
    desk.knowledge.work()

    again = desk.fetch("/refunds", store=True).json["document"]

    assert again["status"] == "indexed"
    assert desk.http.get("/v1/documents").json["total"] == 1


@pytest.mark.parametrize(
    "url",
    [
        "example.com", "ftp://example.com/", "file:///etc/passwd", "http://localhost/", "http://127.0.0.1:9/",
        "http://169.254.169.254/latest/meta-data/", "http://user:word@example.com/", "http://[::1]/",
        "http://nobody.invalid/", "http://example.com:22/", f"http://example.com/{'a' * 3000}", "/inside",
    ],
)  # fmt: skip
def test_an_address_that_may_not_be_fetched_is_400_with_a_sentence(desk: Desk, url: str) -> None:
    answer = desk.fetch(url)

    assert answer.status == 400, answer.text
    assert answer.json["detail"].endswith(".")


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("/circle", "circle"),
        ("/down", "status 503"),
        ("/missing", "status 404"),
        ("/huge", "larger than"),
        ("/cut", "no valid HTTP"),
    ],
)
def test_a_page_that_fails_is_502_with_a_sentence(desk: Desk, path: str, says: str) -> None:
    answer = desk.fetch(path)

    assert (answer.status, list(answer.json)) == (502, ["detail"])
    assert says in answer.json["detail"]


def test_what_is_no_page_is_415_and_names_what_it_is(desk: Desk) -> None:
    answer = desk.fetch("/logo")

    assert answer.status == 415
    assert "image/png" in answer.json["detail"]


def test_data_that_nobody_reads_as_a_page_is_415(desk: Desk) -> None:
    answer = desk.fetch("/api")

    assert answer.status == 415
    assert "application/json" in answer.json["detail"]


def test_plain_text_is_a_page_too(desk: Desk) -> None:
    assert WORDS in desk.fetch("/plain").json["content"]


def test_a_page_without_text_can_be_shown_and_not_stored(desk: Desk) -> None:
    shown, stored = desk.fetch("/blank"), desk.fetch("/blank", store=True)

    assert (shown.status, shown.json["content"]) == (200, "")
    assert stored.status == 422
    assert "no text" in stored.json["detail"]


@pytest.mark.parametrize("body", [{}, {"url": 5}, {"url": "https://example.com/", "store": "perhaps"}])
def test_a_body_that_cannot_be_meant_is_422(desk: Desk, body: dict[str, object]) -> None:
    assert desk.http.post("/v1/documents/fetch-from-url", body).status == 422


def test_the_same_key_fetches_once(desk: Desk) -> None:
    client = desk.http.as_(Idempotency_Key="k-1")

    answers = [
        client.post("/v1/documents/fetch-from-url", {"url": f"{desk.site.url}/refunds"}) for _ in range(2)
    ]

    assert answers[0].json == answers[1].json
    assert desk.site.paths == ["/refunds"]


def test_who_may_not_write_may_not_fetch(desk: Desk) -> None:
    user, admin = desk.entrance.user(), desk.entrance.user("grace", role=Role.ADMIN)
    body = {"url": f"{desk.site.url}/refunds"}
    reader = Http(app.handler).as_(Authorization=f"Bearer {desk.entrance.jwt(user)}")
    writer = Http(app.handler).as_(X_API_Key=desk.entrance.token(admin, Scope.DOCUMENTS))

    assert Http(app.handler).post("/v1/documents/fetch-from-url", body).status == 401
    assert reader.post("/v1/documents/fetch-from-url", body).status == 403
    assert desk.site.connections == 0
    assert writer.post("/v1/documents/fetch-from-url", body).status == 200


def test_the_wire_event_is_answered(desk: Desk) -> None:
    event = wire_event(Path("events/documents/fetch_from_url.json"))
    event["headers"]["X-API-Key"] = API_KEY
    event["body"] = event["body"].replace("https://example.com/", f"{desk.site.url}/refunds")

    assert answered(app.handler(event, Context())).json["title"] == "Refunds"
