"""Publish changes, through the real handler, with real stream batches."""

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from candor.adapters.memory_storage import MemoryQueue
from candor.documents import document_id_of
from candor.errors import Unavailable
from candor.messages import DocumentToIndex, ExportToWrite, Message
from functions.publish_changes import app
from tests.doubles.gateway import Context, wire_event

REFUNDS = document_id_of("https://example.com/help/refunds")
MIGRATIONS = document_id_of("https://example.com/help/migrations")


def publish(
    monkeypatch: pytest.MonkeyPatch, case: str, queue: Any, exports: MemoryQueue | None = None
) -> None:
    told = MemoryQueue() if exports is None else exports
    service = app.Service(index_queue=queue, export_queue=told)
    monkeypatch.setattr(app, "service", lambda: service)
    app.handler(wire_event(Path(f"events/publish_changes/{case}.json")), Context())


def test_each_changed_or_deleted_document_is_queued_once(monkeypatch: pytest.MonkeyPatch) -> None:
    queue = MemoryQueue()

    publish(monkeypatch, "changed", queue)

    assert queue.take() == [DocumentToIndex(document_id=REFUNDS), DocumentToIndex(document_id=MIGRATIONS)]


def test_what_the_worker_itself_wrote_is_no_news(monkeypatch: pytest.MonkeyPatch) -> None:
    queue = MemoryQueue()

    publish(monkeypatch, "nothing_to_do", queue)

    assert queue.take() == []


def test_a_queue_that_is_down_makes_the_stream_deliver_again(monkeypatch: pytest.MonkeyPatch) -> None:
    class Down:
        def send(self, *_: Message, delay_seconds: int = 0) -> None:
            raise Unavailable("The queue is not available right now.")

    with pytest.raises(Unavailable):
        publish(monkeypatch, "changed", Down())


@pytest.mark.parametrize(
    ("case", "told"),
    [
        ("made_by_the_api", 1),
        ("uploaded_and_deleted", 1),
        ("taken_over_by_a_file", 1),
        ("of_a_file", 0),
        ("nothing_to_do", 0),
    ],
)
def test_the_exports_are_told_once_of_what_they_show_or_showed(
    monkeypatch: pytest.MonkeyPatch, case: str, told: int
) -> None:
    queue, exports = MemoryQueue(), MemoryQueue()

    publish(monkeypatch, case, queue, exports)

    messages = exports.take()
    assert len(messages) == told
    for message in messages:
        assert isinstance(message, ExportToWrite)
        assert datetime.fromisoformat(message.changed_at).tzinfo is not None
