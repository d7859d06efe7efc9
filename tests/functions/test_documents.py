"""Documents, through the real handler, with real proxy events."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from candor.accounts import Role, Scope
from candor.adapters.http_fetcher import HttpFetcher
from candor.documents import Change, Draft, document_id_of
from candor.page_fetching import PageFetching
from functions.documents import app
from tests.doubles.crawling import Crawl
from tests.doubles.entrance import API_KEY, Entrance
from tests.doubles.gateway import Context, Http, answered, wire_event
from tests.doubles.knowledge import Knowledge

URL = "https://example.com/help/refunds"
TEXT = "# Refunds\n\nEvery plan can be cancelled within thirty days."


@dataclass
class Desk:
    http: Http
    knowledge: Knowledge
    entrance: Entrance


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


def create(desk: Desk, **fields: Any) -> Any:
    answer = desk.http.post("/v1/documents", {"url": URL, "raw_text": TEXT, **fields})
    assert answer.status == 201, answer.text
    return answer.json


def test_a_created_document_has_the_shape_of_the_contract(desk: Desk) -> None:
    item = create(desk, doc_type="policy", effective_date="2026-01-01", metadata={"a": 1}, product="vps")

    assert item["id"] == document_id_of(URL)
    assert {**item, "created_at": "", "updated_at": ""} == {
        "id": item["id"],
        "title": "Refunds",
        "source_url": URL,
        "doc_type": "policy",
        "effective_date": "2026-01-01",
        "product": "vps",
        "region": None,
        "chunks_count": 0,
        "status": "queued",
        "error": None,
        "source": "api",
        "source_file": None,
        "metadata": {"a": 1},
        "raw_content": TEXT,
        "cleaned_content": TEXT,
        "created_at": "",
        "updated_at": "",
    }
    assert desk.http.get(f"/v1/documents/{item['id']}").json == item


def test_the_same_url_again_updates_and_the_same_text_changes_nothing(desk: Desk) -> None:
    first = create(desk)
    desk.knowledge.work()

    same = create(desk)
    changed = create(desk, raw_text=TEXT + " Not domains.")

    assert same["id"] == changed["id"] == first["id"]
    assert same["status"] == "indexed"
    assert changed["status"] == "queued"
    assert desk.http.get("/v1/documents").json["total"] == 1


def test_html_is_cleaned_and_the_original_is_kept(desk: Desk) -> None:
    html = "<h1>Backups</h1><nav>Home</nav><p>Seven nights are kept.</p><ul><li>one</li></ul>"

    item = create(desk, raw_text=None, raw_html=html)

    assert item["cleaned_content"] == "# Backups\n\nSeven nights are kept.\n\n- one"
    assert item["raw_content"] == html
    assert item["title"] == "Backups"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"raw_text": TEXT}, "url"),
        ({"url": "", "raw_text": TEXT}, "url"),
        ({"url": "ftp://example.com/x", "raw_text": TEXT}, "url"),
        ({"url": "javascript:alert(1)", "raw_text": TEXT}, "url"),
        ({"url": "https://", "raw_text": TEXT}, "url"),
        ({"url": URL, "raw_text": 5}, "raw_text"),
        ({"url": URL, "raw_text": TEXT, "effective_date": "yesterday"}, "effective_date"),
        ({"url": URL, "raw_text": TEXT, "metadata": []}, "metadata"),
        ({"url": URL, "raw_text": TEXT, "metadata": {"a": "я" * 25_000}}, "metadata"),
        ({"url": URL, "raw_text": "a\x00b"}, "raw_text"),
        ({"url": URL, "raw_text": TEXT, "title": "x" * 501}, "title"),
    ],
)
def test_a_field_that_cannot_be_meant_is_named(desk: Desk, body: dict[str, Any], field: str) -> None:
    answer = desk.http.post("/v1/documents", body)

    assert answer.status == 422
    assert field in [fault["loc"][1] for fault in answer.json["errors"]]


@pytest.mark.parametrize(
    "texts", [{}, {"raw_text": "   "}, {"raw_html": "<script>x</script>"}, {"content": None}]
)
def test_a_document_without_text_is_refused(desk: Desk, texts: dict[str, Any]) -> None:
    assert desk.http.post("/v1/documents", {"url": URL, **texts}).status == 422


def test_a_change_keeps_the_text_and_the_index_follows(desk: Desk) -> None:
    item = create(desk, effective_date="2026-01-01")
    desk.knowledge.work()

    answer = desk.http.patch(
        f"/v1/documents/{item['id']}", {"title": "Money back", "doc_type": "policy", "effective_date": None}
    )

    assert answer.status == 200
    assert (answer.json["title"], answer.json["doc_type"]) == ("Money back", "policy")
    assert answer.json["effective_date"] is None
    assert answer.json["cleaned_content"] == TEXT
    desk.knowledge.work()
    [hit] = desk.knowledge.keywords.search("money back cancelled", limit=5)
    assert (hit.passage.title, hit.passage.doc_type) == ("Money back", "policy")


def test_a_change_of_nothing_changes_nothing(desk: Desk) -> None:
    item = create(desk)

    assert desk.http.patch(f"/v1/documents/{item['id']}", {}).json == item


def test_a_change_meets_another_change_halfway(desk: Desk) -> None:
    item = create(desk)
    documents = desk.knowledge.documents
    contents, disturbed = documents.contents, []

    def meanwhile(document: Any) -> Any:
        found = contents(document)
        if not disturbed:
            disturbed.append(documents.put(Draft(url=URL, title="Refunds", text="Newer text.")))
        return found

    documents.contents = meanwhile  # type: ignore[method-assign]

    answer = desk.http.patch(f"/v1/documents/{item['id']}", {"title": "Money back"})

    assert disturbed[0][1] == Change.UPDATED
    assert (answer.json["title"], answer.json["cleaned_content"]) == ("Money back", "Newer text.")


def test_a_deleted_document_is_gone_from_answers_at_once(desk: Desk) -> None:
    item = create(desk)
    desk.knowledge.work()
    assert desk.knowledge.quotable("cancelled") == [URL]

    answer = desk.http.delete(f"/v1/documents/{item['id']}")

    assert (answer.status, answer.text) == (204, "")
    assert desk.knowledge.quotable("cancelled") == []
    assert desk.http.get(f"/v1/documents/{item['id']}").status == 404
    assert desk.http.delete(f"/v1/documents/{item['id']}").status == 404
    assert desk.http.patch(f"/v1/documents/{item['id']}", {"title": "x"}).status == 404
    desk.knowledge.work()
    assert list(desk.knowledge.keywords.stored()) == list(desk.knowledge.vectors.stored()) == []


def test_lists_are_paged_narrowed_and_without_contents(desk: Desk) -> None:
    for number in range(3):
        create(
            desk, url=f"https://example.com/{number}", title=f"Page {number}", doc_type=f"type{number % 2}"
        )

    page = desk.http.get("/v1/documents", query={"page_size": "2"}).json
    some = desk.http.get("/v1/documents", query={"doc_type": "type0", "q": "PAGE 2"}).json

    assert (page["total"], page["page"], page["page_size"]) == (3, 1, 2)
    assert [item["title"] for item in page["items"]] == ["Page 2", "Page 1"]
    assert "cleaned_content" not in page["items"][0]
    assert [item["title"] for item in some["items"]] == ["Page 2"]


@pytest.mark.parametrize("query", [{"page": "0"}, {"page_size": "101"}, {"page_size": "0"}, {"page": "x"}])
def test_a_page_that_does_not_exist_is_refused(desk: Desk, query: dict[str, str]) -> None:
    assert desk.http.get("/v1/documents", query=query).status == 422


def test_a_plain_user_reads_and_does_not_write(desk: Desk) -> None:
    item = create(desk)
    user = desk.entrance.user()
    reader = Http(app.handler).as_(Authorization=f"Bearer {desk.entrance.jwt(user)}")

    assert reader.get("/v1/documents").status == 200
    assert reader.get(f"/v1/documents/{item['id']}").status == 200
    assert reader.post("/v1/documents", {"url": URL, "raw_text": TEXT}).status == 403
    assert reader.patch(f"/v1/documents/{item['id']}", {"title": "x"}).status == 403
    assert reader.delete(f"/v1/documents/{item['id']}").status == 403
    assert Http(app.handler).get("/v1/documents").status == 401


def test_a_token_with_the_scope_documents_writes(desk: Desk) -> None:
    admin = desk.entrance.user("grace", role=Role.ADMIN)
    key = desk.entrance.token(admin, Scope.DOCUMENTS)

    answer = Http(app.handler).as_(X_API_Key=key).post("/v1/documents", {"url": URL, "raw_text": TEXT})

    assert answer.status == 201


def test_every_wire_event_is_answered_as_it_says(desk: Desk) -> None:
    wanted = {"create": 201, "create_from_html": 201, "list": 200, "show": 200, "change": 200, "delete": 204}

    for name, status in wanted.items():
        event = wire_event(Path(f"events/documents/{name}.json"))
        event["headers"]["X-API-Key"] = API_KEY
        assert (name, answered(app.handler(event, Context())).status) == (name, status)


def test_a_list_is_narrowed_by_status_and_by_where_documents_come_from(desk: Desk) -> None:
    create(desk, url="https://example.com/a", title="From the API")
    desk.knowledge.work()
    desk.knowledge.documents.put(
        Draft(url="https://example.com/b", title="Dropped", text=TEXT, source="source/help/b.json")
    )
    for source in ("upload", "web"):
        url = f"https://example.com/{source}"
        desk.knowledge.documents.put(Draft(url=url, title=source, text=TEXT, source=source))

    def found(**query: str) -> list[tuple[str, str]]:
        items = desk.http.get("/v1/documents", query=query).json["items"]
        return [(item["title"], item["source"]) for item in items]

    assert found(source="api") == [("From the API", "api")]
    assert found(source="file") == [("Dropped", "file")]
    assert found(source="upload", status="queued") == [("upload", "upload")]
    assert found(status="indexed") == [("From the API", "api")]
    assert found(status="queued", q="WEB") == [("web", "web")]
    assert desk.http.get("/v1/documents", query={"status": "done"}).status == 422
    assert desk.http.get("/v1/documents", query={"source": "ftp"}).status == 422
