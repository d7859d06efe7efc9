"""Reindexing: another index is built beside the live one, and only a complete one goes live."""

import pytest

from candor.adapters.memory_search import MemoryVectors
from candor.documents import Contents, Document, Status
from candor.errors import Conflict, Invalid, NotFound, Unavailable
from candor.indexing.building import DROPPED_AFTER, MOST_TRIES, SEEN_BY_ALL
from candor.indexing.generations import Generation
from candor.jobs import JobStatus
from candor.messages import DocumentToIndex, IndexToBuild
from tests.doubles.library import Library


@pytest.fixture
def library() -> Library:
    return Library().filled(12)


def begin(library: Library, embedder: str | None = "new") -> str:
    return library.reindexing.begin(embedder=embedder, dimensions=None, created_by="ada").job_id


def test_the_first_indexing_records_the_index_that_the_settings_name(library: Library) -> None:
    assert library.live() == library.default
    assert library.wrong() == []


def test_a_new_embedder_goes_live_when_everything_is_written_by_it(library: Library) -> None:
    job_id = begin(library)

    library.work()

    job = library.jobs.get(job_id)
    assert (job.status, job.done, job.total) == (JobStatus.SUCCEEDED, 12, 12)
    assert job.result["documents"] == 12
    assert (library.live().embedder, library.live().dimensions) == ("new", 32)
    assert library.wrong() == []
    found = library.retrieval().find("matter 7")
    assert (found.embedder, found.generation, found.degraded) == ("new", "2", ())
    assert found.hits[0].passage.title == "Page 7"


def test_words_that_the_new_embedder_does_not_change_are_kept(library: Library) -> None:
    begin(library)

    library.work()

    assert list(library.words) == ["words-1"]
    assert library.live().words == "words-1"


def test_without_a_change_both_halves_are_built_anew(library: Library) -> None:
    begin(library, None)

    library.work()

    assert (library.live().words, library.live().vectors) == ("words-1-g2", "old-64-g2")
    assert (library.wrong(), library.left_over()) == ([], [])


def test_another_analyser_builds_the_words_and_keeps_the_vectors(library: Library) -> None:
    library.analyser = "2"
    embedded = library.embedders["old"].embedded
    library.new_reindexing().begin(embedder=None, dimensions=None, created_by="ada")

    library.work()

    assert (library.live().words, library.live().vectors) == ("words-2-g2", "old-64")
    assert library.embedders["old"].embedded == embedded
    assert (library.wrong(), library.left_over()) == ([], [])


def test_the_old_index_answers_until_the_switch(library: Library) -> None:
    begin(library)
    retrieval = library.retrieval()
    seen: list[str] = []

    while (message := library.queue.take()) is not None:
        found = retrieval.find("matter 7")
        assert found.hits[0].passage.title == "Page 7"
        assert found.degraded == ()
        seen.append(found.embedder)
        library.handle(message)

    assert seen[0] == "old"
    assert seen[-1] == "new"
    assert seen == sorted(seen, reverse=True)


def test_the_old_index_is_removed_when_nobody_can_be_asking_it(library: Library) -> None:
    begin(library)
    library.work(at_most=5_000)
    assert library.left_over() == []

    second = Library().filled(3)
    begin(second)
    second.work_until(lambda: second.live().embedder == "new")
    switched = second.queue.now
    assert second.left_over() == ["old-64"]
    second.work()
    assert second.left_over() == []
    assert second.queue.now >= switched + DROPPED_AFTER


def test_changes_made_meanwhile_are_in_both_indexes(library: Library) -> None:
    begin(library)
    for number in (2, 3, 40):
        library.put(number, f"A changed text about matter {number}, with other words.")
    library.documents.delete(next(row.document_id for row in library.documents.all() if "/5" in row.url))

    library.work()

    assert library.live().embedder == "new"
    assert library.wrong() == []
    assert "changed" in library.retrieval().find("changed text matter 2").hits[0].passage.text


def test_only_one_index_is_built_at_a_time(library: Library) -> None:
    job_id = begin(library)

    with pytest.raises(Conflict, match=job_id):
        begin(library)


def test_an_embedder_nobody_knows_changes_nothing(library: Library) -> None:
    with pytest.raises(Invalid):
        begin(library, "nobody")

    assert library.generations.read().building is None
    assert len(library.queue) == 0


def test_an_embedder_that_does_not_answer_is_found_out_before_anything_begins(library: Library) -> None:
    library.embedders["new"].down = True

    with pytest.raises(Unavailable):
        begin(library)

    assert library.generations.read().building is None


def test_a_store_that_takes_no_vectors_of_that_length_is_found_out_before_anything_begins(
    library: Library,
) -> None:
    library.vectors["new-32-g2"] = MemoryVectors()
    library.vectors["new-32-g2"].down = True

    with pytest.raises(Unavailable, match="cannot be asked with 32 dimensions"):
        begin(library)

    assert library.generations.read().building is None


def test_what_waited_for_an_embedder_that_is_gone_is_done_after_the_switch(library: Library) -> None:
    library.embedders["old"].down = True
    document_id = library.put(50)
    assert library.indexing.index_many([document_id])
    while library.queue.take() is not None:
        pass  # Its message has been given up, as after the last try.
    begin(library)

    library.work()

    assert library.documents.get(document_id).status == Status.INDEXED


def test_a_cancelled_build_leaves_the_live_index_and_nothing_else(library: Library) -> None:
    job_id = begin(library, None)
    for _ in range(2):
        message = library.queue.take()
        assert message is not None
        library.handle(message)
    library.jobs.cancel(job_id)

    library.work()

    assert library.live() == library.default
    assert (library.wrong(), library.left_over()) == ([], [])
    assert library.generations.read().building is None
    assert begin(library)


def test_an_embedder_that_fails_for_a_while_delays_the_build_and_the_job_says_so(library: Library) -> None:
    job_id = begin(library)
    library.embedders["new"].down = True
    for _ in range(4):
        message = library.queue.take()
        assert message is not None
        library.handle(message)
    assert "taken down" in library.jobs.get(job_id).errors[0].reason
    assert library.jobs.get(job_id).status == JobStatus.RUNNING
    library.embedders["new"].down = False

    library.work()

    assert library.jobs.get(job_id).status == JobStatus.SUCCEEDED
    assert library.wrong() == []


def test_an_embedder_that_fails_for_good_leaves_the_live_index_as_it_was(library: Library) -> None:
    job_id = begin(library)
    library.embedders["new"].down = True

    library.work()

    job = library.jobs.get(job_id)
    assert job.status == JobStatus.FAILED
    assert len(job.errors) == MOST_TRIES
    assert library.live() == library.default
    assert library.generations.read().building is None
    assert (library.wrong(), library.left_over()) == ([], [])


def test_fresh_documents_do_not_wait_for_an_embedder_that_is_down_beside(library: Library) -> None:
    begin(library)
    library.embedders["new"].down = True
    document_id = library.put(50)
    library.queue.now += SEEN_BY_ALL

    assert library.indexing.index_many([document_id]) == {}

    assert library.documents.get(document_id).status == Status.INDEXED


def test_an_embedder_that_is_down_for_good_is_left_behind_by_reindexing(library: Library) -> None:
    """The reason one reindexes: the model is gone. What it never embedded is embedded by the new one."""
    library.embedders["old"].down = True
    document_id = library.put(50)
    assert library.indexing.index_many([document_id])
    library.queue.take()
    begin(library)

    library.work_until(lambda: library.live().embedder == "new")
    library.work()

    assert library.documents.get(document_id).served_version == 1
    assert library.wrong() == []


def test_a_text_the_new_embedder_refuses_is_reported_and_found_by_words(library: Library) -> None:
    library.embedders["new"].refuses = "Poison"
    library.put(50, "Poison is what this page is about.")
    library.work()
    job_id = begin(library)

    library.work()

    job = library.jobs.get(job_id)
    assert (job.status, job.result["refused"]) == (JobStatus.SUCCEEDED, 1)
    assert job.errors[0].file == "https://example.com/50"
    [row] = [row for row in library.documents.all() if row.url.endswith("/50")]
    assert (row.status, row.error) == (Status.FAILED, "The model refuses this text.")
    assert library.live().embedder == "new"
    found = library.retrieval().find("poison")
    assert found.hits[0].passage.url == "https://example.com/50"


def test_a_document_whose_new_version_failed_is_tried_again_by_the_new_index(library: Library) -> None:
    library.embedders["old"].refuses = "Poison"
    document_id = library.put(3, "Poison is what this page is about now.")
    library.work()
    assert library.documents.get(document_id).status == Status.FAILED
    begin(library)

    library.work()

    row = library.documents.get(document_id)
    assert (row.status, row.served_version) == (Status.INDEXED, 2)
    assert library.wrong() == []


def test_a_document_that_is_cut_otherwise_today_is_counted_anew(library: Library) -> None:
    document_id = library.put(3, "One. Two.")
    library.work()
    row = library.documents.get(document_id)
    library.documents._rows[document_id] = _with_count(row, 7)
    begin(library)

    library.work()

    assert library.documents.get(document_id).chunks_count == 1
    assert library.live().embedder == "new"
    assert library.wrong() == []


def _with_count(row: object, count: int) -> object:
    from dataclasses import replace

    return replace(row, chunks_count=count)  # type: ignore[type-var]


def test_a_worker_that_has_not_seen_the_build_begin_is_outwaited(library: Library) -> None:
    worker = library.new_worker()
    worker.index_many([])
    worker._shelves.plan()
    begin(library)
    document_id = library.put(3, "A changed text, indexed by a worker that knows of one index only.")

    assert worker.index_many([document_id]) == {}
    library.work()

    assert library.wrong() == []


def test_a_worker_that_was_busy_from_before_the_build_to_after_the_switch_does_its_work_again() -> None:
    library = Library().filled(4)
    first = library.put(2, "A changed text that takes long to read.")
    second = library.put(3, "A changed text, indexed by a worker that knows of one index only.")
    while library.queue.take() is not None:
        pass  # Both messages are that worker's.
    contents = library.documents.contents

    def slow(document: Document) -> Contents:
        library.documents.contents = contents  # type: ignore[method-assign]
        read = contents(document)
        begin(library)
        library.work_until(lambda: library.live().embedder == "new")
        return read

    library.documents.contents = slow  # type: ignore[method-assign]

    assert library.new_worker().index_many([first, second]) == {}

    held = {(one.document_id, one.version) for one in library.vectors["new-32-g2"].stored()}
    assert {(first, 2), (second, 2)} <= held
    assert held.isdisjoint({(first, 1), (second, 1)})
    assert {library.documents.get(one).status for one in (first, second)} == {Status.INDEXED}


def test_nothing_is_missing_at_the_moment_of_the_switch(library: Library) -> None:
    begin(library)
    library.work_until(lambda: library.embedders["new"].embedded > 0)
    library.embedders["new"].down = True
    document_id = library.put(3, "A changed text that is embedded by the live embedder alone.")
    assert library.indexing.index_many([document_id]) == {}
    library.embedders["new"].down = False
    library.queue.send(DocumentToIndex(document_id=document_id))

    library.work_until(lambda: library.live().embedder == "new")

    assert library.wrong() == []


def test_a_change_whose_message_was_lost_is_waited_for_and_asked_for_again(library: Library) -> None:
    document_id = library.put(3, "A changed text nobody has been told of.")
    assert library.queue.take() == DocumentToIndex(document_id=document_id)
    begin(library)

    library.work_until(lambda: library.live().embedder == "new")

    assert library.documents.get(document_id).served_version == 2
    assert library.wrong() == []


def test_who_has_not_seen_the_switch_yet_finds_what_has_changed_since(library: Library) -> None:
    library.analyser = "2"
    library.new_reindexing().begin(embedder="new", dimensions=None, created_by="ada")
    library.work_until(lambda: library.live().embedder == "new")
    reader = library.retrieval()
    reader._following._shelves._record = library.generations.read().of(
        {"live": _fields(library.default), "serial": 1}
    )
    reader._following._shelves._until = float("inf")
    document_id = library.put(3, "A zeppelin is what this page tells of now.")

    assert library.new_worker().index_many([document_id]) == {}

    found = reader.find("zeppelin")
    assert (found.embedder, found.hits[0].passage.version) == ("old", 2)


def test_what_is_deleted_while_it_is_being_written_leaves_nothing_in_the_new_index(library: Library) -> None:
    document_id = next(row.document_id for row in library.documents.all() if row.url.endswith("/3"))
    begin(library)
    library.work_until(lambda: library.generations.read().building is not None)
    written: list[int] = []

    def deleted() -> None:
        library.documents.delete(document_id)
        assert library.indexing.index_many([document_id]) == {}
        written.append(library.embedders["new"].embedded)

    library.embedders["new"].meanwhile = deleted
    library.work_until(lambda: bool(written))

    held = [one.document_id for one in library.vectors["new-32-g2"].stored()]
    assert held
    assert document_id not in held


def test_words_are_written_to_both_indexes_as_they_come(library: Library) -> None:
    library.analyser = "2"
    library.new_reindexing().begin(embedder="new", dimensions=None, created_by="ada")
    library.queue.now += SEEN_BY_ALL
    document_id = library.put(50)

    assert library.indexing.index_many([document_id]) == {}

    for index in (library.words["words-1"], library.words["words-2-g2"], library.vectors["new-32-g2"]):
        assert document_id in {one.document_id for one in index.stored()}


def _fields(generation: Generation) -> dict[str, object]:
    return {name: getattr(generation, name) for name in Generation.__dataclass_fields__}


def test_a_build_whose_message_was_lost_goes_on_when_indexes_are_reconciled(library: Library) -> None:
    job_id = begin(library)
    while library.queue.take() is not None:
        pass

    library.building.resume()
    library.work()

    assert library.jobs.get(job_id).status == JobStatus.SUCCEEDED
    assert library.live().embedder == "new"


def test_a_build_that_was_killed_before_it_had_a_job_gets_one(library: Library) -> None:
    library.generations.start(successor(library, "2", "job-1"))
    with pytest.raises(Conflict):
        begin(library)

    library.work()

    assert library.jobs.get("job-1").status == JobStatus.SUCCEEDED
    assert library.live().embedder == "new"


def test_a_build_whose_job_is_over_makes_way_for_the_next(library: Library) -> None:
    library.jobs.start(kind="reindex", subject="", created_by="", job_id="job-1")
    library.jobs.cancel("job-1")
    library.generations.start(successor(library, "2", "job-1"))

    job_id = begin(library)
    library.work()

    assert library.jobs.get(job_id).status == JobStatus.SUCCEEDED
    assert library.live().generation_id == "3"
    assert (library.wrong(), library.left_over()) == ([], [])


def test_there_and_back_again_at_once_loses_nothing(library: Library) -> None:
    for embedder in ("new", "old", "new"):
        begin(library, embedder)
        while library.live().embedder != embedder or library.generations.read().building:
            message = library.queue.take()
            assert message is not None
            library.handle(message)
    library.work()

    assert library.live().generation_id == "4"
    assert (library.wrong(), library.left_over()) == ([], [])


def test_messages_about_builds_and_indexes_that_never_were_are_nothing_to_do(library: Library) -> None:
    library.building.work("nobody", remaining=lambda: 100.0)
    library.building.drop("77")
    library.building.resume()

    assert len(library.queue) == 0


def test_with_little_time_left_a_step_waits_for_the_next_invocation(library: Library) -> None:
    job_id = begin(library)
    library.queue.take()

    library.building.work(job_id, remaining=lambda: 3.0)

    assert library.jobs.get(job_id).status == JobStatus.QUEUED
    assert library.queue.take() == IndexToBuild(build=job_id)


def test_an_old_record_stays_in_force_while_the_table_cannot_be_read(library: Library) -> None:
    retrieval = library.retrieval()
    retrieval.find("matter 7")
    library.generations.down = True
    library.queue.now += 60

    assert retrieval.find("matter 7").embedder == "old"
    with pytest.raises(Unavailable):
        library.retrieval().find("matter 7")


def test_the_record_is_read_once_in_five_seconds(library: Library) -> None:
    retrieval = library.retrieval()
    before = library.generations.reads

    for _ in range(50):
        retrieval.find("matter 7")
        library.queue.now += 0.25

    assert library.generations.reads - before == 3


def test_a_deploy_that_names_another_embedder_goes_on_with_the_index_there_is(library: Library) -> None:
    library.default = Generation(
        **{
            **_fields(library.default),
            "vectors": "new-32",
            "embedder": "new",
            "embedder_name": "new",
            "dimensions": 32,
            "settings": "new-32",
        }  # type: ignore[arg-type]
    )
    worker = library.new_worker()
    document_id = library.put(99)

    assert worker.index_many([document_id]) == {}

    assert library.retrieval().find("matter 99").embedder == "old"
    assert library.wrong() == []


def successor(library: Library, generation_id: str, job_id: str) -> Generation:
    return Generation(
        generation_id=generation_id,
        words=library.live().words,
        vectors=f"new-32-g{generation_id}",
        analyser="1",
        embedder="new",
        embedder_name="new",
        dimensions=32,
        settings="old-64",
        job_id=job_id,
    )


def test_a_job_that_is_gone_is_no_reason_to_fail(library: Library) -> None:
    with pytest.raises(NotFound):
        library.jobs.get("nobody")
    library.queue.send(IndexToBuild(build="nobody"), DocumentToIndex(document_id="nobody"))

    library.work()

    assert library.wrong() == []
