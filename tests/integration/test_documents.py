"""
Documents: one contract, over every adapter.

Not over moto: a transaction it cancels puts the whole table back, other threads' writes included.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest

from candor.documents import Change, Contents, Documents, Draft, Origin, Status, document_id_of
from candor.errors import Conflict, NotFound
from candor.jobs import Jobs, JobStatus
from candor.objects import Objects
from tests.doubles import aws

URL = "https://example.com/refunds"


@dataclass(frozen=True, kw_only=True)
class Stores:
    documents: Documents
    jobs: Jobs
    objects: Objects


class Ticking:
    """A clock that goes on by a second whenever it is read."""

    def __init__(self) -> None:
        self._now = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        self._now += timedelta(seconds=1)
        return self._now


@pytest.fixture(params=["memory", "ministack", "dynamodb_local"])
def stores(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stores]:
    from candor.adapters.memory_documents import MemoryDocuments
    from candor.adapters.memory_jobs import MemoryJobs
    from candor.adapters.memory_storage import MemoryObjects
    from candor.adapters.s3 import S3Objects

    if request.param == "memory":
        jobs = MemoryJobs(clock=Ticking())
        documents = MemoryDocuments(jobs=jobs, clock=Ticking())
        yield Stores(documents=documents, jobs=jobs, objects=MemoryObjects())
    else:
        monkeypatch.setenv("AWS_ENDPOINT_URL", request.getfixturevalue(request.param))
        is_only_a_database = request.param == "dynamodb_local"
        yield _dynamo(MemoryObjects() if is_only_a_database else S3Objects(aws.create_bucket()))


def _dynamo(objects: Objects) -> Stores:
    from candor.adapters.dynamodb_documents import DynamoDocuments
    from candor.adapters.dynamodb_jobs import DynamoJobs

    jobs_table = aws.create_jobs_table()
    documents = DynamoDocuments(
        aws.create_documents_table(), objects=objects, jobs_table=jobs_table, clock=Ticking()
    )
    return Stores(documents=documents, jobs=DynamoJobs(jobs_table, clock=Ticking()), objects=objects)


@pytest.fixture
def documents(stores: Stores) -> Documents:
    return stores.documents


def draft(
    text: str = "Money is returned within thirty days.",
    url: str = URL,
    title: str = "Refunds",
    **fields: object,
) -> Draft:
    return Draft(url=url, title=title, text=text, **fields)  # type: ignore[arg-type]


def indexed(documents: Documents, document_id: str, chunks: int = 1) -> None:
    document = documents.find(document_id)
    assert document is not None
    if not document.deleted:
        assert documents.mark_served([(document, chunks)])
    assert documents.mark_indexed([document], confirmed=True)


def test_a_new_document_is_queued_and_pending_and_not_yet_quotable(documents: Documents) -> None:
    document, change = documents.put(draft(product="vps", metadata={"a": [1, {"b": "ü"}]}))

    assert change == Change.CREATED
    assert documents.get(document.document_id) == document
    assert (document.version, document.served_version, document.status) == (1, 0, Status.QUEUED)
    assert document.metadata == {"a": [1, {"b": "ü"}]}
    assert document.product == "vps"
    assert list(documents.pending()) == [document.document_id]
    assert documents.served_versions([document.document_id]) == {}


def test_the_same_content_again_changes_nothing(documents: Documents) -> None:
    first, _ = documents.put(draft())

    again, change = documents.put(draft())

    assert change == Change.UNCHANGED
    assert again == first


@pytest.mark.parametrize(
    "field",
    [{"text": "Other words."}, {"title": "Money back"}, {"doc_type": "policy"}, {"metadata": {"x": 1}}],
)
def test_any_change_of_what_a_reader_sees_is_a_new_version(
    documents: Documents, field: dict[str, object]
) -> None:
    first, _ = documents.put(draft())
    indexed(documents, first.document_id)

    second, change = documents.put(replace(draft(), **field))  # type: ignore[arg-type]

    assert change == Change.UPDATED
    assert (second.version, second.served_version) == (2, 1)
    assert second.created_at == first.created_at
    assert documents.served_versions([first.document_id]) == {first.document_id: 1}


def test_texts_come_back_as_they_were_small_and_large(documents: Documents) -> None:
    unlike = "".join(chr(0x4E00 + (n * 7919) % 20000) for n in range(40_000))
    small, _ = documents.put(draft("Kurz & gut: ü, ї, 日本", raw="<p>Kurz</p>"))
    large, _ = documents.put(draft(unlike, url="https://example.com/large"))

    assert documents.contents(small).text == "Kurz & gut: ü, ї, 日本"
    assert documents.contents(small).raw == "<p>Kurz</p>"
    assert documents.contents(large).text == unlike


def test_a_card_number_is_stored_in_no_part_of_a_document(documents: Documents) -> None:
    card = "4111 1111 1111 1111"
    told = draft(f"It was {card}.", title=f"Paid by {card}", raw=f"<p>{card}</p>", metadata={"note": [card]})

    document, _ = documents.put(told)

    assert (document.title, dict(document.metadata)) == ("Paid by [card]", {"note": ["[card]"]})
    assert documents.contents(document) == Contents(text="It was [card].", raw="<p>[card]</p>")
    assert documents.put(told)[1] == Change.UNCHANGED


def test_contents_of_a_replaced_version_are_not_found(documents: Documents) -> None:
    first, _ = documents.put(draft())
    documents.put(draft("Other words."))

    with pytest.raises(NotFound):
        documents.contents(first)


def test_large_texts_of_earlier_versions_are_removed_once_the_newer_is_indexed(stores: Stores) -> None:
    unlike = "".join(chr(0x4E00 + (n * 7919) % 20000) for n in range(40_000))
    document, _ = stores.documents.put(draft(unlike))
    stores.documents.put(draft(unlike + "!"))

    indexed(stores.documents, document.document_id)

    assert len(list(stores.objects.list("texts/"))) <= 1
    current = stores.documents.get(document.document_id)
    assert stores.documents.contents(current).text == unlike + "!"

    stores.documents.delete(document.document_id)
    indexed(stores.documents, document.document_id)

    assert list(stores.objects.list("texts/")) == []


def test_served_then_indexed(documents: Documents) -> None:
    document, _ = documents.put(draft())

    assert documents.mark_served([(document, 3)])

    served = documents.get(document.document_id)
    assert (served.served_version, served.chunks_count, served.status) == (1, 3, Status.INDEXED_UNCONFIRMED)
    assert list(documents.pending()) == [document.document_id]
    assert documents.served_versions([document.document_id, "nobody"]) == {document.document_id: 1}

    assert documents.mark_indexed([document], confirmed=True)

    assert documents.get(document.document_id).status == Status.INDEXED
    assert list(documents.pending()) == []


def test_a_version_that_is_no_longer_current_cannot_be_served_or_marked(documents: Documents) -> None:
    first, _ = documents.put(draft())
    documents.put(draft("Other words."))

    assert not documents.mark_served([(first, 1)])
    assert not documents.mark_indexed([first], confirmed=True)
    assert not documents.mark_failed(first, "No.")
    assert not documents.reopen(first)
    assert documents.get(first.document_id).status == Status.QUEUED
    assert documents.served_versions([first.document_id]) == {}


def test_of_many_only_the_one_that_has_moved_on_is_left_as_it_is(stores: Stores) -> None:
    documents, jobs = stores.documents, stores.jobs
    job = jobs.start(kind="read_source", subject="a.json", created_by="s3", total=60)
    drafts = [draft(f"Text {number}.", url=f"https://example.com/{number}") for number in range(60)]
    rows = [document for document, _ in documents.put_many(drafts, job_id=job.job_id)]
    documents.put(draft("Other words.", url="https://example.com/7"))
    assert jobs.get(job.job_id).done == 1

    served = documents.mark_served([(row, 2) for row in rows])
    marked = documents.mark_indexed(rows, confirmed=True)

    others = {row.document_id for row in rows if row.url != "https://example.com/7"}
    assert served == marked == others
    assert documents.served_versions([row.document_id for row in rows]) == dict.fromkeys(others, 1)
    assert list(documents.pending()) == [document_id_of("https://example.com/7")]
    assert jobs.get(job.job_id).done == 60


def test_many_put_at_once_are_what_they_would_be_one_by_one(documents: Documents) -> None:
    documents.put(draft(url="https://example.com/known"))
    documents.put(draft(url="https://example.com/changed"))
    large = "".join(f"Price {number} is {number * 7919}. " for number in range(20_000))

    results = documents.put_many(
        [
            draft(url="https://example.com/known"),
            draft("Other words.", url="https://example.com/changed"),
            draft(large, url="https://example.com/large"),
        ]
    )

    assert [change for _, change in results] == [Change.UNCHANGED, Change.UPDATED, Change.CREATED]
    assert [row.version for row, _ in results] == [1, 2, 1]
    found = documents.find_many([*(row.document_id for row, _ in results), "nobody"])
    assert found == {row.document_id: row for row, _ in results}
    assert documents.contents(results[2][0]).text == large
    assert documents.put_many([]) == []
    assert documents.find_many([]) == {}


def test_a_failed_version_says_why_and_the_last_good_one_still_answers(documents: Documents) -> None:
    first, _ = documents.put(draft())
    indexed(documents, first.document_id)
    second, _ = documents.put(draft("Other words."))

    assert documents.mark_failed(second, "It cannot be read.")

    row = documents.get(first.document_id)
    assert (row.status, row.error) == (Status.FAILED, "It cannot be read.")
    assert documents.served_versions([row.document_id]) == {row.document_id: 1}
    assert list(documents.pending()) == []


def test_what_failed_is_tried_anew_when_the_same_content_comes_again(documents: Documents) -> None:
    first, _ = documents.put(draft())
    documents.mark_failed(first, "It cannot be read.")

    second, change = documents.put(draft())

    assert change == Change.UPDATED
    assert (second.version, second.status, second.error) == (2, Status.QUEUED, None)


def test_a_deleted_document_is_gone_at_once_and_pending_until_the_indexes_are_cleared(
    documents: Documents,
) -> None:
    document, _ = documents.put(draft())
    indexed(documents, document.document_id)

    documents.delete(document.document_id)

    assert documents.served_versions([document.document_id]) == {}
    with pytest.raises(NotFound):
        documents.get(document.document_id)
    with pytest.raises(NotFound):
        documents.delete(document.document_id)
    assert documents.list(page=1, page_size=10).items == ()
    assert list(documents.of_source("api")) == []
    row = documents.find(document.document_id)
    assert row is not None
    assert (row.deleted, row.version, row.pending) == (True, 2, True)

    assert documents.mark_indexed([row], confirmed=True)
    assert list(documents.pending()) == []
    assert [row.deleted for row in documents.all()] == [True]


def test_a_deleted_document_can_come_back_and_counts_on(documents: Documents) -> None:
    document, _ = documents.put(draft())
    documents.delete(document.document_id)

    again, change = documents.put(draft())

    assert change == Change.CREATED
    assert (again.version, again.served_version, again.deleted) == (3, 0, False)
    assert [one.document_id for one in documents.list(page=1, page_size=10).items] == [document.document_id]


def test_only_the_source_that_owns_a_document_withdraws_it(documents: Documents) -> None:
    document, _ = documents.put(draft(source="source/a.json"))
    documents.put(draft(source="source/b.json"))

    with pytest.raises(NotFound):
        documents.delete(document.document_id, source="source/a.json")

    assert documents.get(document.document_id).source == "source/b.json"
    assert list(documents.of_source("source/a.json")) == []
    assert [row.url for row in documents.of_source("source/b.json")] == [URL]


def test_an_expected_version_that_has_passed_is_a_conflict(documents: Documents) -> None:
    document, _ = documents.put(draft())
    documents.put(draft("Other words."))

    with pytest.raises(Conflict):
        documents.put(draft("Third words."), expected_version=document.version)

    assert documents.put(draft("Third words."), expected_version=2)[0].version == 3


def test_lists_are_newest_first_and_paged(documents: Documents) -> None:
    for number in range(7):
        documents.put(draft(url=f"https://example.com/{number}", title=f"Page {number}"))

    first = documents.list(page=1, page_size=3)
    last = documents.list(page=3, page_size=3)

    assert [one.title for one in first.items] == ["Page 6", "Page 5", "Page 4"]
    assert [one.title for one in last.items] == ["Page 0"]
    assert first.total == last.total == 7


def test_a_list_too_long_for_one_request_is_counted_and_paged_whole(
    documents: Documents, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("candor.adapters.dynamodb_lists._READ_AT_ONCE", 2)
    for number in range(24):
        documents.put(draft(url=f"https://example.com/{number}", title=f"Page {number}"))

    pages = [documents.list(page=page, page_size=10) for page in (1, 2, 3)]

    assert [one.title for page in pages for one in page.items] == [f"Page {n}" for n in range(23, -1, -1)]
    assert [page.total for page in pages] == [24, 24, 24]


def test_lists_can_be_narrowed_by_type_and_by_words_of_title_or_url(documents: Documents) -> None:
    documents.put(draft(url="https://example.com/one", title="Größe ÄNDERN", doc_type="howto"))
    documents.put(draft(url="https://example.com/TWO", title="Refunds", doc_type="policy"))

    def titles(**which: str) -> list[str]:
        return [one.title for one in documents.list(page=1, page_size=10, **which).items]  # type: ignore[arg-type]

    assert titles(doc_type="policy") == ["Refunds"]
    assert titles(text="ändern") == ["Größe ÄNDERN"]
    assert titles(text="/two") == ["Refunds"]
    assert titles(doc_type="policy", text="ändern") == []


def test_an_index_that_lost_a_document_has_it_reopened(documents: Documents) -> None:
    document, _ = documents.put(draft())
    indexed(documents, document.document_id)

    assert documents.reopen(documents.get(document.document_id))

    row = documents.get(document.document_id)
    assert (row.pending, row.served_version, row.version) == (True, 1, 1)


def test_a_waiting_job_is_told_once_however_often_the_version_is_marked(stores: Stores) -> None:
    documents, jobs = stores.documents, stores.jobs
    job = jobs.start(kind="read_source", subject="a.json", created_by="s3", total=1)
    document, _ = documents.put(draft(), job_id=job.job_id)

    indexed(documents, document.document_id)
    documents.mark_indexed([document], confirmed=True)
    documents.reopen(documents.get(document.document_id))
    indexed(documents, document.document_id)

    assert jobs.get(job.job_id).done == 1
    assert jobs.get(job.job_id).failed == 0


def test_a_job_is_told_when_its_version_is_superseded_deleted_or_failed(stores: Stores) -> None:
    documents, jobs = stores.documents, stores.jobs
    job = jobs.start(kind="read_source", subject="a.json", created_by="s3", total=3)
    for number in range(3):
        documents.put(draft(url=f"https://example.com/{number}"), job_id=job.job_id)

    documents.put(draft("Other words.", url="https://example.com/0"))
    assert jobs.get(job.job_id).done == 1

    documents.delete(document_id_of("https://example.com/1"))
    assert jobs.get(job.job_id).done == 2

    failing = documents.get(document_id_of("https://example.com/2"))
    documents.mark_failed(failing, "It cannot be read.")
    assert (jobs.get(job.job_id).done, jobs.get(job.job_id).failed) == (3, 1)


def test_a_second_job_with_the_same_content_waits_for_the_first_ones_version(stores: Stores) -> None:
    documents, jobs = stores.documents, stores.jobs
    first = jobs.start(kind="read_source", subject="a.json", created_by="s3", total=1)
    second = jobs.start(kind="read_source", subject="a.json", created_by="s3", total=1)
    documents.put(draft(), job_id=first.job_id)

    document, change = documents.put(draft(), job_id=second.job_id)

    assert change == Change.UNCHANGED
    assert document.awaited_by == (first.job_id, second.job_id)
    indexed(documents, document.document_id)
    assert jobs.get(first.job_id).done == jobs.get(second.job_id).done == 1

    third = jobs.start(kind="read_source", subject="a.json", created_by="s3", total=1)
    document, _ = documents.put(draft(), job_id=third.job_id)
    assert third.job_id not in document.awaited_by


def test_a_job_that_no_longer_exists_stops_nothing(documents: Documents) -> None:
    document, _ = documents.put(draft(), job_id="gone-long-ago")

    indexed(documents, document.document_id)

    assert documents.get(document.document_id).status == Status.INDEXED


def test_a_sealed_job_ends_with_its_last_document(stores: Stores) -> None:
    documents, jobs = stores.documents, stores.jobs
    job = jobs.start(kind="read_source", subject="a.json", created_by="s3", total=1)
    document, _ = documents.put(draft(), job_id=job.job_id)
    jobs.seal(job.job_id, result={"ok": 1, "skipped": 0, "error": 0})
    assert not jobs.get(job.job_id).status.ended

    indexed(documents, document.document_id)

    assert jobs.get(job.job_id).status == JobStatus.SUCCEEDED


def test_writers_of_one_url_at_once_lose_no_version_and_tell_every_job(stores: Stores) -> None:
    documents, jobs = stores.documents, stores.jobs
    job = jobs.start(kind="read_source", subject="a.json", created_by="s3", total=8)

    with ThreadPoolExecutor(max_workers=4) as pool:
        results = list(pool.map(lambda n: documents.put(draft(f"Words {n}."), job_id=job.job_id), range(8)))

    assert sorted(document.version for document, _ in results) == list(range(1, 9))
    indexed(documents, document_id_of(URL))
    assert jobs.get(job.job_id).done == 8


def test_a_list_is_narrowed_by_where_documents_come_from_and_how_far_they_are(documents: Documents) -> None:
    sources = {"a": "api", "b": "upload", "c": "web", "d": "source/deep/d.json", "e": "api"}
    ids = {
        name: documents.put(draft(url=f"https://example.com/{name}", title=name, source=source))[
            0
        ].document_id
        for name, source in sources.items()
    }
    indexed(documents, ids["a"])
    failed = documents.find(ids["d"])
    assert failed is not None
    documents.mark_failed(failed, "It has no text.")

    def titles(**filters: object) -> list[str]:
        listing = documents.list(page=1, page_size=10, **filters)  # type: ignore[arg-type]
        assert listing.total == len(listing.items)
        return [document.title for document in listing.items]

    assert titles(origin=Origin.API) == ["e", "a"]
    assert titles(origin=Origin.UPLOAD) == ["b"]
    assert titles(origin=Origin.WEB) == ["c"]
    assert titles(origin=Origin.FILE) == ["d"]
    assert titles(status=Status.INDEXED) == ["a"]
    assert titles(status=Status.FAILED) == ["d"]
    assert titles(status=Status.QUEUED, origin=Origin.API) == ["e"]
    assert titles(status=Status.QUEUED, origin=Origin.API, text="EXAMPLE.com/E", doc_type="other") == ["e"]


def test_a_page_of_a_filtered_list_shows_what_is_true_now(documents: Documents) -> None:
    first, _ = documents.put(draft(url="https://example.com/1", title="Old"))
    documents.put(draft(url="https://example.com/1", title="New"))
    second, _ = documents.put(draft(url="https://example.com/2", title="Gone"))
    documents.delete(second.document_id)

    listing = documents.list(page=1, page_size=10, origin=Origin.API)

    assert [document.title for document in listing.items] == ["New"]
    assert listing.items[0] == documents.get(first.document_id)


def test_far_down_a_list_the_order_is_the_same(documents: Documents) -> None:
    ids = [documents.put(draft(url=f"https://example.com/{n}"))[0].document_id for n in range(7)]

    # So far down that ids are sorted instead of shards merged.
    deep = documents.list(page=101, page_size=2)
    near = [documents.list(page=page, page_size=2) for page in (1, 2, 3, 4)]

    assert (deep.items, deep.total) == ((), 7)
    assert [document.document_id for listing in near for document in listing.items] == ids[::-1]


def test_all_that_a_source_owns_is_read_with_its_texts(documents: Documents) -> None:
    long = " ".join(str(number * 7919 % 1_000_003) for number in range(40_000))
    for number in range(5):
        documents.put(draft(url=f"https://example.com/{number}", text=long if number == 3 else f"t{number}"))
    documents.put(draft(url="https://example.com/file", source="source/a.json"))
    gone, _ = documents.put(draft(url="https://example.com/gone"))
    documents.delete(gone.document_id)

    whole = list(documents.whole_of_source("api"))

    assert {document.url[-1]: contents.text for document, contents in whole} == {
        "0": "t0",
        "1": "t1",
        "2": "t2",
        "3": long,
        "4": "t4",
    }
    assert whole == list(documents.whole_of_source("api"))


def test_rows_can_be_read_some_at_a_time_and_gone_on_with_later(documents: Documents) -> None:
    ids = {
        documents.put(Draft(url=f"https://example.com/{number}", title="P", text="T"))[0].document_id
        for number in range(7)
    }
    gone = min(ids)
    documents.delete(gone)

    pages: list[list[str]] = []
    after = ""
    while rows := documents.some(after=after, limit=3):
        pages.append([row.document_id for row in rows])
        after = pages[-1][-1]

    assert [len(page) for page in pages] == [3, 3, 1]
    assert {id_ for page in pages for id_ in page} == ids
