"""Publish changes, through the real handler, with real stream batches."""

from pathlib import Path
from typing import Any

import pytest

from candor.adapters.memory_storage import MemoryQueue
from candor.documents import document_id_of
from candor.errors import Unavailable
from candor.messages import DocumentToIndex, Message
from functions.publish_changes import app
from tests.doubles.gateway import Context, wire_event

REFUNDS = document_id_of("https://example.com/help/refunds")
MIGRATIONS = document_id_of("https://example.com/help/migrations")


def publish(monkeypatch: pytest.MonkeyPatch, case: str, queue: Any) -> None:
    monkeypatch.setattr(app, "service", lambda: app.Service(index_queue=queue))
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
