"""Exporting: a file follows the documents, and dropping it elsewhere gives the same ones."""

import io
import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from candor.adapters.memory_documents import MemoryDocuments
from candor.adapters.memory_exports import MemoryExportMarks
from candor.adapters.memory_storage import MemoryObjects, MemoryQueue
from candor.documents import Draft
from candor.errors import Unavailable
from candor.exporting import DELAY_SECONDS, EVERY_SECONDS, Exporting, Exports, custom_docs
from candor.messages import ExportToWrite
from candor.sources import read
from tests.doubles.knowledge import Knowledge

KEY = "exports/custom_docs.json"


class Office:
    """Exporting in memory, with a clock that can be turned."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 1, 1, tzinfo=UTC)
        self.documents, self.marks, self.queue = MemoryDocuments(), MemoryExportMarks(), MemoryQueue()
        self.objects: Any = MemoryObjects()

    @property
    def exporting(self) -> Exporting:
        return Exporting(
            exports=[custom_docs(self.documents)],
            objects=self.objects,
            marks=self.marks,
            queue=self.queue,
            now=lambda: self.moment,
        )

    def put(self, name: str, text: str = "Some words.", **more: Any) -> str:
        """A change; the time at which it is told, which is when its message arrives."""
        self.documents.put(Draft(url=f"https://example.com/{name}", title=name, text=text, **more))
        at = self.moment.isoformat()
        self.moment += timedelta(seconds=DELAY_SECONDS)
        return at

    def shown(self) -> list[str]:
        return [page["title"] for page in json.loads(self.objects.read(KEY))["pages"]]


@pytest.fixture
def office() -> Office:
    return Office()


def test_a_change_is_in_the_export(office: Office) -> None:
    office.exporting.write(office.put("a"))

    assert office.shown() == ["a"]


def test_only_what_nobody_else_keeps_is_exported(office: Office) -> None:
    for source in ("api", "upload", "web", "source/a.json"):
        at = office.put(source.replace("/", "-"), source=source)

    office.exporting.write(at)

    assert sorted(office.shown()) == ["api", "upload"]


def test_what_has_been_deleted_leaves_the_export(office: Office) -> None:
    office.exporting.write(office.put("a"))
    [row] = office.documents.all()
    office.documents.delete(row.document_id)
    at = office.moment.isoformat()
    office.moment += timedelta(seconds=60)

    office.exporting.write(at)

    assert office.shown() == []


def test_an_export_of_nothing_is_a_file_that_says_so(office: Office) -> None:
    office.exporting.write()

    assert json.loads(office.objects.read(KEY))["pages"] == []


def test_dropped_elsewhere_it_gives_the_same_documents(office: Office) -> None:
    office.put("short", text="Yes.")
    office.put(
        "long",
        text='# Prices\n\n| a | b |\n| --- | --- |\n| 1 | 2 |\n\nїжак ü 日本 \U0001f600 "quoted" \\n',
        doc_type="custom-type",
        effective_date="2026-01-01",
        product="vps",
        region="eu",
        metadata={"deep": {"list": [1, None, "ü"]}, "true": True},
    )
    office.exporting.write(office.put("html", text="Read as text.", raw="<p>Read as text.</p>"))
    elsewhere = Knowledge()

    elsewhere.drop("source/custom_docs.json", office.objects.read(KEY))
    [info] = elsewhere.objects.list("source/")
    elsewhere.ingesting.queue_object(info, created_by="s3")
    elsewhere.work()

    assert elsewhere.job().result["created"] == 3
    kept = ("url", "title", "doc_type", "effective_date", "product", "region", "metadata")
    for document in office.documents.all():
        copy = elsewhere.documents.get(document.document_id)
        assert {name: getattr(copy, name) for name in kept} == {
            name: getattr(document, name) for name in kept
        }
        assert elsewhere.documents.contents(copy).text == office.documents.contents(document).text


def test_its_pages_are_read_by_the_reader_of_drops_without_a_word_of_complaint(office: Office) -> None:
    office.exporting.write(office.put("a", text="."))

    records = list(read(io.BytesIO(office.objects.read(KEY)), "source/custom_docs.json"))

    assert [(record.reason, record.draft is not None) for record in records] == [("", True)]


def test_the_messages_of_one_moment_are_one_export(office: Office) -> None:
    changes = [office.put("a"), office.put("b")]
    office.moment += timedelta(seconds=30)
    office.exporting.write(max(changes))
    written = office.objects.find(KEY)
    office.documents.put(Draft(url="https://example.com/unseen", title="unseen", text="x"))

    for at in changes:
        office.exporting.write(at)

    assert office.objects.find(KEY) == written
    assert sorted(office.shown()) == ["a", "b"]


def test_changes_that_go_on_are_exported_every_so_often_and_none_is_forgotten(office: Office) -> None:
    office.exporting.write(office.put("a"))
    office.exporting.write(office.put("b"))

    assert office.shown() == ["a"]
    [again] = office.queue.take()
    assert isinstance(again, ExportToWrite)

    office.moment += timedelta(seconds=EVERY_SECONDS)
    office.exporting.write(again.changed_at)

    assert sorted(office.shown()) == ["a", "b"]
    assert DELAY_SECONDS + EVERY_SECONDS < 60


class Slow(MemoryObjects):
    """A bucket where another writer is quicker: it writes while the first one still reads."""

    def __init__(self) -> None:
        super().__init__()
        self.meanwhile: Any = None

    def write(
        self, key: str, pieces: Iterable[bytes], *, content_type: str = "application/octet-stream"
    ) -> None:
        body = b"".join(pieces)
        if self.meanwhile is not None:
            meanwhile, self.meanwhile = self.meanwhile, None
            meanwhile()
        self.put(key, body, content_type=content_type)


def test_of_two_writers_at_once_the_later_truth_stays(office: Office) -> None:
    office.objects = Slow()
    first = office.put("a")

    def another_is_quicker() -> None:
        at = office.put("b")
        office.moment += timedelta(seconds=EVERY_SECONDS)
        office.exporting.write(at)
        assert sorted(office.shown()) == ["a", "b"]

    office.objects.meanwhile = another_is_quicker
    office.exporting.write(first)

    assert sorted(office.shown()) == ["a", "b"]


def test_who_is_always_overtaken_gives_its_message_back(office: Office) -> None:
    at = office.put("a")
    office.marks.want("custom_docs", (office.moment + timedelta(days=1)).isoformat())

    with pytest.raises(Unavailable):
        office.exporting.write(at)


def test_a_writing_that_fails_leaves_the_old_file(office: Office) -> None:
    office.exporting.write(office.put("a"))
    before = office.objects.read(KEY)

    class Broken(MemoryDocuments):
        def whole_of_source(self, source: str) -> Any:
            raise Unavailable("The database is not available right now.")

    office.documents = Broken()
    office.moment += timedelta(seconds=60)
    with pytest.raises(Unavailable):
        office.exporting.write(office.moment.isoformat())

    assert office.objects.read(KEY) == before


def test_a_file_somebody_else_put_there_is_replaced(office: Office) -> None:
    office.objects.put(KEY, b"\xff\x00 not ours")

    office.exporting.write(office.put("a"))

    assert office.shown() == ["a"]


def test_the_exports_are_listed_with_an_address(office: Office) -> None:
    office.exporting.write(office.put("a"))
    office.objects.put("exports/", b"")
    exports = Exports(objects=office.objects)

    [written] = exports.list()

    assert (written.name, written.key, written.size) == ("custom_docs", KEY, len(office.objects.read(KEY)))
    assert "custom_docs.json" in exports.link(written)
