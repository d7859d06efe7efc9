"""Indexing: one document at a time, step by step. What many at once may do is simulated elsewhere."""

from collections.abc import Sequence
from typing import Any

import pytest

from candor.documents import Document, Draft, Status
from candor.errors import Invalid, NotFound, Unavailable
from candor.jobs import JobStatus
from candor.search import Passage, Vector
from tests.doubles.knowledge import Knowledge

URL = "https://example.com/refunds"


@pytest.fixture
def knowledge() -> Knowledge:
    return Knowledge()


def put(
    knowledge: Knowledge, text: str = "Money is returned within thirty days.", url: str = URL, **more: Any
) -> str:
    document, _ = knowledge.documents.put(Draft(url=url, title="Refunds", text=text), **more)
    return document.document_id


def row(knowledge: Knowledge, document_id: str) -> Document:
    found = knowledge.documents.find(document_id)
    assert found is not None
    return found


def test_words_are_findable_before_anything_is_embedded(knowledge: Knowledge) -> None:
    document_id = put(knowledge)
    knowledge.embedder.down = True

    failures = knowledge.indexing.index_many([document_id])

    assert list(failures) == [document_id]
    assert knowledge.quotable("money returned") == [URL]
    assert row(knowledge, document_id).status == Status.INDEXED_UNCONFIRMED
    knowledge.embedder.down = False
    assert knowledge.indexing.index_many([document_id]) == {}
    assert row(knowledge, document_id).status == Status.INDEXED


def test_the_old_version_answers_until_the_new_one_does(knowledge: Knowledge) -> None:
    document_id = put(knowledge)
    knowledge.indexing.index_many([document_id])
    put(knowledge, "Money is returned within sixty days.")

    assert knowledge.quotable("thirty days") == [URL]
    knowledge.indexing.index_many([document_id])

    [hit] = knowledge.keywords.search("days", limit=5)
    assert "sixty" in hit.passage.text
    assert [one.version for one in knowledge.vectors.stored()] == [2]


def test_vectors_that_are_not_yet_visible_keep_the_document_unconfirmed(knowledge: Knowledge) -> None:
    document_id = put(knowledge)
    knowledge.vectors.hold()

    failures = knowledge.indexing.index_many([document_id])

    assert list(failures) == [document_id]
    assert row(knowledge, document_id).status == Status.INDEXED_UNCONFIRMED
    assert list(knowledge.documents.pending()) == [document_id]


def test_what_has_its_vectors_already_is_not_embedded_again(knowledge: Knowledge) -> None:
    document_id = put(knowledge)
    knowledge.vectors.hold()
    knowledge.indexing.index_many([document_id])
    knowledge.vectors.settle()
    knowledge.embedder.down = True

    assert knowledge.indexing.index_many([document_id]) == {}
    assert row(knowledge, document_id).status == Status.INDEXED


def test_a_document_that_can_never_be_indexed_fails_alone_with_a_sentence(knowledge: Knowledge) -> None:
    job = knowledge.jobs.start(kind="t", subject="t", created_by="t", total=2)
    good = put(knowledge, job_id=job.job_id)
    bad = put(knowledge, "Poison.", url="https://example.com/bad", job_id=job.job_id)
    embed = knowledge.embedder.embed_passages

    def choke(passages: Sequence[Passage]) -> list[Vector]:
        if any("Poison" in passage.text for passage in passages):
            raise Invalid("The model refuses this text.")
        return embed(passages)

    knowledge.embedder.embed_passages = choke  # type: ignore[method-assign]

    assert knowledge.indexing.index_many([good, bad]) == {}

    assert row(knowledge, good).status == Status.INDEXED
    assert (row(knowledge, bad).status, row(knowledge, bad).error) == (
        Status.FAILED,
        "The model refuses this text.",
    )
    told = knowledge.jobs.get(job.job_id)
    assert (told.done, told.failed) == (2, 1)


def test_a_document_whose_text_is_lost_fails_with_a_sentence(knowledge: Knowledge) -> None:
    document_id = put(knowledge)

    def lost(_: Document) -> None:
        raise NotFound("There is no such object.")

    knowledge.documents.contents = lost  # type: ignore[method-assign,assignment]

    assert knowledge.indexing.index_many([document_id]) == {}
    assert row(knowledge, document_id).status == Status.FAILED


def test_a_document_without_a_word_is_indexed_with_no_passage(knowledge: Knowledge) -> None:
    document_id = put(knowledge, text="")

    assert knowledge.indexing.index_many([document_id]) == {}
    assert (row(knowledge, document_id).status, row(knowledge, document_id).chunks_count) == (
        Status.INDEXED,
        0,
    )


def test_a_changed_text_without_a_word_takes_the_old_passages_away(knowledge: Knowledge) -> None:
    document_id = put(knowledge)
    knowledge.indexing.index_many([document_id])
    put(knowledge, text="")

    knowledge.indexing.index_many([document_id])

    assert list(knowledge.keywords.stored()) == list(knowledge.vectors.stored()) == []


def test_when_time_runs_out_the_rest_comes_back(knowledge: Knowledge) -> None:
    ids = [put(knowledge, url=f"https://example.com/{n}") for n in range(6)]
    seconds = iter([60.0] * 4 + [1.0] * 100)

    failures = knowledge.indexing.index_many(ids, remaining=lambda: next(seconds))

    assert set(ids[4:]) <= set(failures)
    assert knowledge.indexing.index_many(list(failures)) == {}
    assert {row(knowledge, document_id).status for document_id in ids} == {Status.INDEXED}


@pytest.mark.parametrize("index", ["keywords", "vectors"])
def test_an_index_that_is_down_sends_everything_back(knowledge: Knowledge, index: str) -> None:
    document_id = put(knowledge)
    getattr(knowledge, index).down = True

    failures = knowledge.indexing.index_many([document_id])

    assert isinstance(failures[document_id], Unavailable)
    assert list(knowledge.documents.pending()) == [document_id]


def test_an_id_given_twice_is_indexed_once(knowledge: Knowledge) -> None:
    document_id = put(knowledge)

    assert knowledge.indexing.index_many([document_id, document_id]) == {}
    assert [one.passages for one in knowledge.keywords.stored()] == [1]


# ------------------------------------------------------------------ reconciling


def reconciled(knowledge: Knowledge) -> dict[str, Any]:
    job = knowledge.jobs.start(kind="reconcile", subject="t", created_by="t")
    knowledge.reconciling.run(job.job_id)
    done = knowledge.jobs.get(job.job_id)
    assert done.status == JobStatus.SUCCEEDED
    return dict(done.result)


def counts(report: dict[str, Any]) -> tuple[int, int, int]:
    return report["missing"], report["stale"], report["extra"]


def test_where_everything_agrees_nothing_is_done(knowledge: Knowledge) -> None:
    put(knowledge)
    knowledge.work()

    report = reconciled(knowledge)

    assert counts(report) == (0, 0, 0)
    assert (report["documents"], report["passages"], report["requeued"]) == (
        1,
        {"keywords": 1, "vectors": 1},
        0,
    )


def test_what_an_index_lost_is_indexed_again(knowledge: Knowledge) -> None:
    document_id = put(knowledge)
    knowledge.work()
    knowledge.keywords.forget(document_id)

    report = reconciled(knowledge)
    knowledge.work()

    assert counts(report) == (1, 0, 0)
    assert report["examples"] == [{"kind": "missing", "index": "keywords", "document_id": document_id}]
    assert knowledge.quotable("money") == [URL]
    assert counts(reconciled(knowledge)) == (0, 0, 0)


def test_earlier_versions_and_strangers_are_removed(knowledge: Knowledge) -> None:
    document_id = put(knowledge)
    knowledge.work()
    [old] = [hit.passage for hit in knowledge.keywords.search("money", limit=5)]
    put(knowledge, "Money is returned within sixty days.")
    knowledge.work()
    stranger = Passage(
        document_id="nobody", version=4, ordinal=0, title="", path="", text="Money", url="u",
        doc_type="faq", source="api", language="en",
    )  # fmt: skip
    knowledge.keywords.put([old, stranger])
    knowledge.vectors.put([stranger], knowledge.embedder.embed_passages([stranger]))

    report = reconciled(knowledge)

    assert counts(report) == (0, 1, 2)
    assert [(one.document_id, one.version) for one in knowledge.keywords.stored()] == [(document_id, 2)]
    assert counts(reconciled(knowledge)) == (0, 0, 0)


def test_a_pending_row_whose_message_was_lost_is_queued_again(knowledge: Knowledge) -> None:
    document_id = put(knowledge)
    knowledge.index_queue.take()

    report = reconciled(knowledge)
    knowledge.work()

    assert (report["pending"], report["requeued"]) == (1, 1)
    assert row(knowledge, document_id).status == Status.INDEXED


def test_a_dropped_file_nobody_told_us_about_is_read(knowledge: Knowledge) -> None:
    text = "This page says enough about hosting to be worth keeping for everybody who asks."
    knowledge.drop("source/lost.json", {"pages": [{"url": URL, "title": "Refunds", "text": text}]})

    report = reconciled(knowledge)
    knowledge.work()

    assert report["sources_requeued"] == 1
    assert knowledge.urls() == [URL]
    assert reconciled(knowledge)["sources_requeued"] == 0
