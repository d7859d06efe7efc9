"""Importing: a dump becomes tickets and documents, whatever interrupts it."""

import gzip
import io
import tarfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from candor.adapters.memory_jobs import MemoryJobs
from candor.errors import Invalid, Malformed, NotFound, Unavailable
from candor.importing import run, service
from candor.jobs import Job, JobStatus
from candor.schedules.expiring import Expiring
from candor.tickets.values import Approval
from tests.doubles import whmcs_dump as whmcs
from tests.doubles.importing import KEY, Imports


class Crash(BaseException):
    """The worker is gone."""


@pytest.fixture
def imports() -> Imports:
    return Imports()


def counts(job: Job, *names: str) -> dict[str, Any]:
    return {name: job.result[name] for name in names}


def test_a_dropped_dump_becomes_pending_tickets_and_documents(imports: Imports) -> None:
    body = whmcs.dump(
        tickets=[whmcs.ticket(1), whmcs.ticket(2), whmcs.ticket(3, merged_ticket_id=1)],
        replies=[whmcs.reply(11, 1), whmcs.reply(12, 3), whmcs.reply(13, 99)],
        articles=[whmcs.article(1), whmcs.article(2, private="1")],
    )

    job = imports.drop(body)

    assert (job.kind, job.status, job.subject) == ("import_dump", JobStatus.SUCCEEDED, KEY)
    assert (job.done, job.total, job.failed) == (1_000, 1_000, 0)
    assert counts(job, "tickets", "created", "updated", "unchanged", "merged", "documents", "dry_run") == {
        "tickets": 2,
        "created": 2,
        "updated": 0,
        "unchanged": 0,
        "merged": 1,
        "documents": 1,
        "dry_run": False,
    }
    assert job.result["rows"] == {
        "tblknowledgebase": 2,
        "tblticketdepartments": 2,
        "tblticketreplies": 3,
        "tbltickets": 3,
    }
    assert job.result["skipped_reasons"] == {
        "replies whose ticket is not in the dump": 1,
        "private articles": 1,
    }
    assert [(row.number, row.approval, row.department, row.source_file) for row in imports.rows()] == [
        ("1", Approval.PENDING, "Support", KEY),
        ("2", Approval.PENDING, "Support", KEY),
    ]
    assert imports.rows()[0].messages == 4
    assert [row.source for row in imports.knowledge.documents.all()] == [KEY]
    assert imports.knowledge.quotable("set up a mailbox")


def test_a_dump_that_was_uploaded_takes_the_place_of_the_one_of_its_name(imports: Imports) -> None:
    imports.drop(whmcs.of(3, articles=4))
    imports.knowledge.drop("uploads/today/whmcs.sql", whmcs.of(3, articles=1))
    rows = imports.rows()

    job = imports.order(["uploads/today/whmcs.sql"])

    assert counts(job, "unchanged", "documents_withdrawn") == {"unchanged": 3, "documents_withdrawn": 3}
    assert imports.rows() == rows
    assert {row.source for row in imports.knowledge.documents.all()} == {KEY}


def test_nothing_of_an_ended_import_stays_among_the_work_files(imports: Imports) -> None:
    imports.drop(whmcs.of(5))

    assert imports.work_files() == []


def test_secrets_of_the_dump_are_nowhere_in_what_is_kept(imports: Imports) -> None:
    imports.drop(whmcs.of(3, message="My card is 4111 1111 1111 1111."))

    kept = repr([(row, imports.tickets.talk(row)) for row in imports.rows()])
    assert "My card is" in kept
    for secret in ("SECRETKEY", "203.0.113.77", "4111"):
        assert secret not in kept


def test_a_second_import_of_the_same_dump_changes_nothing(imports: Imports) -> None:
    imports.drop(whmcs.of(40))
    before = imports.rows()
    documents = list(imports.knowledge.documents.all())

    job = imports.order()

    assert counts(job, "created", "updated", "unchanged", "documents_unchanged") == {
        "created": 0,
        "updated": 0,
        "unchanged": 40,
        "documents_unchanged": 2,
    }
    assert imports.rows() == before
    assert list(imports.knowledge.documents.all()) == documents


def test_what_a_person_decided_stays_and_what_changed_is_updated(imports: Imports) -> None:
    imports.drop(whmcs.of(3))
    first = imports.rows()[0]
    imports.tickets.decide(first.ticket_id, Approval.REJECTED, by="ann")

    job = imports.drop(whmcs.of(3, status="Open"), sequencer="2")

    assert counts(job, "created", "updated") == {"created": 0, "updated": 3}
    assert [(row.approval, row.status) for row in imports.rows()] == [
        (Approval.REJECTED, "Open"),
        (Approval.PENDING, "Open"),
        (Approval.PENDING, "Open"),
    ]


def test_a_dry_run_tells_the_same_counts_and_stores_nothing(imports: Imports) -> None:
    imports.knowledge.drop(KEY, whmcs.of(30))
    imports.order()
    imports.knowledge.drop("uploads/newer.sql", whmcs.of(35, status="Open"))
    rows, documents = imports.rows(), list(imports.knowledge.documents.all())

    foreseen = imports.order(["uploads/newer.sql"], dry_run=True)

    assert (imports.rows(), list(imports.knowledge.documents.all())) == (rows, documents)
    done = imports.order(["uploads/newer.sql"])
    same = foreseen.result.keys() - {"dry_run"}
    assert {name: foreseen.result[name] for name in same} == {name: done.result[name] for name in same}
    assert counts(done, "created", "updated") == {"created": 5, "updated": 30}


def test_tickets_of_other_departments_statuses_and_times_are_counted_and_left(imports: Imports) -> None:
    tickets = [
        whmcs.ticket(1),
        whmcs.ticket(2, did=2),
        whmcs.ticket(3, status="Open"),
        whmcs.ticket(4, date="2020-01-01 00:00:00", lastreply="2020-01-02 00:00:00"),
    ]
    imports.knowledge.drop("uploads/a.sql", whmcs.dump(tickets=tickets))

    job = imports.order(
        ["uploads/a.sql"],
        departments=["support"],
        statuses=["CLOSED"],
        since=datetime(2026, 1, 1, tzinfo=UTC),
        approval=Approval.APPROVED,
    )

    assert [(row.number, row.approval) for row in imports.rows()] == [("1", Approval.APPROVED)]
    assert job.result["skipped"] == 3


def test_files_of_one_dump_are_read_as_one(imports: Imports) -> None:
    body = whmcs.of(50)
    imports.knowledge.drop("uploads/d/part1.sql.gz", gzip.compress(body[: len(body) // 2]))
    whole = {
        "uploads/d/a.tblticketreplies.sql": whmcs.dump(
            replies=[whmcs.reply(11, 1)], without=("tbltickets", "tblknowledgebase")
        ),
        "uploads/d/b.tbltickets.sql.gz": gzip.compress(
            whmcs.dump(
                tickets=[whmcs.ticket(1)],
                without=("tblticketreplies", "tblknowledgebase", "tblticketdepartments"),
            )
        ),
        "uploads/d/metadata": b"# Started dump at: 2026-11-20 03:00:00\n",
    }
    for key, part in whole.items():
        imports.knowledge.drop(key, part)

    job = imports.order(list(whole))

    assert job.status == JobStatus.SUCCEEDED, job.result
    assert [(row.number, row.messages) for row in imports.rows()] == [("1", 2)]
    assert job.result["files"] == [key for key in whole if not key.endswith("metadata")]


@pytest.mark.parametrize("without", ["tbltickets", "tblticketreplies"])
def test_part_of_a_dump_that_is_dropped_alone_is_refused_with_what_to_do(
    imports: Imports, without: str
) -> None:
    body = whmcs.dump(tickets=[whmcs.ticket(1)], replies=[whmcs.reply(11, 1)], without=(without,))

    job = imports.drop(body)

    assert job.status == JobStatus.FAILED
    assert imports.rows() == []
    [error] = job.errors
    assert error.record == -1
    assert "s3_keys" in error.reason


def test_a_dump_that_is_cut_off_is_kept_to_the_last_whole_row_and_says_so(imports: Imports) -> None:
    body = whmcs.of(100)

    job = imports.drop(body[: body.rindex(b"'Mail of site 77")])

    assert job.status == JobStatus.SUCCEEDED
    assert job.result["truncated_at"] > 0
    assert len(imports.rows()) == 76
    assert any("cut off" in error.reason for error in job.errors)


def test_a_cut_off_dump_withdraws_no_document(imports: Imports) -> None:
    imports.drop(whmcs.of(3, articles=5))
    shorter = whmcs.of(3, articles=1)

    imports.drop(shorter[:-200], sequencer="2")
    assert len(imports.knowledge.urls()) == 5

    job = imports.drop(shorter, sequencer="3")
    assert job.result["documents_withdrawn"] == 4
    assert len(imports.knowledge.urls()) == 1


def test_a_dump_without_its_tools_last_line_withdraws_no_document_and_says_so(imports: Imports) -> None:
    imports.drop(whmcs.of(3, articles=5))
    shorter = whmcs.of(3, articles=1)

    job = imports.drop(shorter[: shorter.rindex(b";") + 1], sequencer="2")

    assert job.result["truncated_at"] is None
    assert len(imports.knowledge.urls()) == 5
    assert sum("lacks the last line" in error.reason for error in job.errors) == 1


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"<html>502</html>", "web page"),
        (b"", "is empty"),
        (b'{"tickets": []}', "JSON"),
    ],
)
def test_what_a_first_look_refuses_makes_no_job(imports: Imports, body: bytes, told: str) -> None:
    imports.knowledge.drop("uploads/a.sql", body)

    with pytest.raises(Invalid, match=told):
        imports.order(["uploads/a.sql"])

    assert imports.knowledge.jobs.list(page=1, page_size=1)[1] == 0


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gz"])
def test_a_backup_of_a_whole_account_is_called_a_tar_archive(
    imports: Imports, pack: Callable[[bytes], bytes]
) -> None:
    body = io.BytesIO()
    with tarfile.open(fileobj=body, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("backup/mysql/whmcs.sql"))
    imports.knowledge.drop("uploads/backup.tar.gz", pack(body.getvalue()))

    with pytest.raises(Invalid, match=r"a tar archive \(unpack it"):
        imports.order(["uploads/backup.tar.gz"])


@pytest.mark.parametrize(
    "key", ["exports/a.sql", "a.sql", "source/../exports/a.sql", "/source/a.sql", "texts/a"]
)
def test_only_what_was_dropped_or_uploaded_is_imported(imports: Imports, key: str) -> None:
    with pytest.raises(Malformed, match="under source/ or uploads/"):
        imports.order([key])


def test_a_dump_that_is_not_there_is_not_found(imports: Imports) -> None:
    with pytest.raises(NotFound, match="There is no object"):
        imports.order(["source/missing.sql"])


def test_another_products_dump_fails_with_a_sentence(imports: Imports) -> None:
    body = (
        whmcs.HEAD + "CREATE TABLE `wp_posts` (`ID` int);\nINSERT INTO `wp_posts` VALUES (1);\n" + whmcs.TAIL
    )

    job = imports.drop(body.encode())

    assert job.status == JobStatus.FAILED
    assert job.result["status"] == "error"
    assert "WHMCS" in job.errors[0].reason
    assert imports.work_files() == []


def test_progress_never_goes_back_and_says_what_is_done(
    imports: Imports, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "STEP", 10)
    seen: list[tuple[int, str]] = []
    progress = imports.knowledge.jobs.progress

    def watched(job_id: str, **more: Any) -> Job:
        job = progress(job_id, **more)
        seen.append((job.done, str(job.checkpoint.get("stage"))))
        return job

    imports.knowledge.jobs.progress = watched  # type: ignore[method-assign]
    imports.drop(whmcs.of(95))

    done = [each for each, _ in seen]
    assert done == sorted(done)
    assert done[-1] == 1_000
    assert len(set(done)) > 8
    assert "storing tickets: 50 of about 95" in [stage for _, stage in seen]


def test_a_long_import_goes_on_in_the_next_invocation(
    imports: Imports, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "STEP", 10)
    imports.knowledge.drop(KEY, whmcs.of(95))
    job = imports.knowledge.imports.place([KEY], created_by="x")
    seconds = {"left": 0.0}
    turns = 0

    def remaining() -> float:
        seconds["left"] -= 15
        return seconds["left"]

    while not imports.knowledge.jobs.get(job.job_id).status.ended:
        assert imports.knowledge.source_queue.take()
        seconds["left"] = 120.0
        imports.importing.go_on(job.job_id, remaining=remaining)
        turns += 1
        assert turns < 60

    assert turns > 2
    job = imports.knowledge.jobs.get(job.job_id)
    assert counts(job, "tickets", "created", "replies") == {"tickets": 95, "created": 95, "replies": 95}
    assert len(imports.rows()) == 95


def test_a_long_import_lets_others_have_their_turn(imports: Imports, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "STEP", 10)
    monkeypatch.setattr(service, "TURN_SECONDS", 2.0)
    now, keep = [0.0], imports.knowledge.keeping.keep
    monkeypatch.setattr(service, "time", SimpleNamespace(monotonic=lambda: now[0]))

    def slowly(*given: Any, **named: Any) -> Any:
        now[0] += 1.0
        return keep(*given, **named)

    monkeypatch.setattr(imports.knowledge.keeping, "keep", slowly)
    imports.knowledge.drop(KEY, whmcs.of(50))
    job = imports.knowledge.imports.place([KEY], created_by="x")
    imports.knowledge.source_queue.take()

    imports.importing.go_on(job.job_id, remaining=lambda: 1_000.0)

    assert 0 < len(imports.rows()) < 50
    assert len(imports.knowledge.source_queue) == 1


@pytest.mark.parametrize("crash_at", range(1, 24))
def test_a_worker_killed_anywhere_leaves_counts_right(
    imports: Imports, crash_at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "STEP", 20)
    monkeypatch.setattr(run, "DOCUMENTS_STEP", 2)
    body = whmcs.dump(
        tickets=[whmcs.ticket(number) for number in range(1, 96)],
        replies=[whmcs.reply(1_000 + number, number) for number in range(1, 99)],
        articles=[whmcs.article(number, private="1" if number == 3 else "") for number in range(1, 7)],
    )
    imports.knowledge.drop(KEY, body)
    left = {"calls": crash_at}

    def killing(port: Any, name: str, *, after: bool) -> None:
        real = getattr(port, name)

        def call(*args: Any, **kwargs: Any) -> Any:
            result = real(*args, **kwargs) if after else None
            left["calls"] -= 1
            if left["calls"] == 0:
                raise Crash
            return result if after else real(*args, **kwargs)

        setattr(port, name, call)

    known = imports.knowledge
    killing(known.jobs, "progress", after=False)
    killing(known.keeping, "keep", after=True)
    killing(known.documents, "put_many", after=True)
    killing(known.jobs, "finish", after=True)
    try:
        imports.notice()
        known.work()
    except Crash:
        # What the worker had in hand comes back, and so does what told of the drop.
        imports.notice()
        known.work()

    job = known.job()
    assert job.status == JobStatus.SUCCEEDED
    names = (
        *("tickets", "created", "updated", "unchanged", "replies"),
        *("documents", "documents_created", "skipped"),
    )
    assert counts(job, *names) == {
        "tickets": 95,
        "created": 95,
        "updated": 0,
        "unchanged": 0,
        "replies": 95,
        "documents": 5,
        "documents_created": 5,
        "skipped": 4,
    }
    assert [row.number for row in imports.rows()] == [str(number) for number in range(1, 96)]
    assert {row.version for row in imports.rows()} == {1}
    assert imports.work_files() == []


def _meanwhile(port: Any, name: str, act: Callable[[], None]) -> None:
    """Something happens, once, while a method of this port is called."""
    real, done = getattr(port, name), []

    def call(*args: Any, **kwargs: Any) -> Any:
        if not done:
            done.append(True)
            act()
        return real(*args, **kwargs)

    setattr(port, name, call)


def test_a_message_delivered_to_two_workers_counts_once(
    imports: Imports, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "STEP", 10)
    imports.knowledge.drop(KEY, whmcs.of(45))
    job = imports.knowledge.imports.place([KEY], created_by="x")

    def other() -> None:
        imports.importing.go_on(job.job_id, remaining=lambda: 1_000.0)

    _meanwhile(imports.knowledge.keeping, "keep", other)
    imports.knowledge.work()

    job = imports.knowledge.jobs.get(job.job_id)
    assert counts(job, "tickets", "created") == {"tickets": 45, "created": 45}
    assert imports.work_files() == []


def test_two_imports_of_one_dump_at_once_store_it_once(imports: Imports) -> None:
    imports.knowledge.drop(KEY, whmcs.of(45))
    first = imports.knowledge.imports.place([KEY], created_by="x")
    _meanwhile(imports.knowledge.keeping, "keep", lambda: imports.order() and None)

    imports.knowledge.work()

    job = imports.knowledge.jobs.get(first.job_id)
    assert counts(job, "tickets", "unchanged") == {"tickets": 45, "unchanged": 45}
    assert {row.version for row in imports.rows()} == {1}


@pytest.mark.parametrize("port", ["keeping", "documents"])
def test_a_dump_replaced_while_it_is_imported_ends_as_the_new_one(imports: Imports, port: str) -> None:
    imports.knowledge.drop(KEY, whmcs.of(5, articles=3))
    method = {"keeping": "keep", "documents": "put_many"}[port]

    def replaced() -> None:
        imports.knowledge.drop(KEY, whmcs.of(5, articles=1, status="Open"))
        imports.notice(sequencer="2")

    _meanwhile(getattr(imports.knowledge, port), method, replaced)
    imports.notice()
    imports.knowledge.work()

    assert {row.status for row in imports.rows()} == {"Open"}
    assert len(imports.knowledge.urls()) == 1
    statuses = {job.status for job in imports.knowledge.jobs.list(page=1, page_size=9)[0]}
    assert statuses == {JobStatus.SUCCEEDED, JobStatus.CANCELLED}


def test_a_dump_removed_while_it_is_imported_leaves_no_document(imports: Imports) -> None:
    imports.knowledge.drop(KEY, whmcs.of(5))

    def removed() -> None:
        imports.knowledge.objects.delete(KEY)
        imports.notice(removed=True, sequencer="2")

    _meanwhile(imports.knowledge.documents, "put_many", removed)
    imports.notice()
    imports.knowledge.work()

    assert imports.knowledge.urls() == []
    assert imports.knowledge.quotable("mailbox") == []


def test_a_cancelled_import_stops_and_clears_its_work_files(
    imports: Imports, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "STEP", 10)
    imports.knowledge.drop(KEY, whmcs.of(45))
    job = imports.knowledge.imports.place([KEY], created_by="x")

    _meanwhile(imports.knowledge.keeping, "keep", lambda: imports.knowledge.jobs.cancel(job.job_id) and None)
    imports.knowledge.work()

    assert imports.knowledge.jobs.get(job.job_id).status == JobStatus.CANCELLED
    assert len(imports.rows()) == 10
    assert imports.work_files() == []


def test_an_import_that_was_cancelled_while_nobody_worked_is_cleared_too(imports: Imports) -> None:
    imports.knowledge.drop(KEY, whmcs.of(5))
    job = imports.knowledge.imports.place([KEY], created_by="x")
    assert imports.work_files()

    imports.knowledge.jobs.cancel(job.job_id)
    imports.knowledge.work()

    assert imports.work_files() == []
    assert imports.rows() == []


def test_one_ticket_that_cannot_be_stored_is_named_and_the_others_are(imports: Imports) -> None:
    keep = imports.knowledge.keeping.keep

    def refusing(drafts: Any, **more: Any) -> Any:
        if any(draft.number == "3" for draft in drafts):
            raise Invalid("It is too large for a row.")
        return keep(drafts, **more)

    imports.knowledge.keeping.keep = refusing  # type: ignore[method-assign]

    job = imports.drop(whmcs.of(5))

    assert (job.status, job.failed, job.result["error"]) == (JobStatus.SUCCEEDED, 1, 1)
    assert [row.number for row in imports.rows()] == ["1", "2", "4", "5"]
    assert "Ticket 3: It is too large for a row." in [error.reason for error in job.errors]


def test_those_that_were_stored_before_one_was_refused_count_as_new(imports: Imports) -> None:
    keep = imports.knowledge.keeping.keep

    def refusing(drafts: Any, **more: Any) -> Any:
        before = [draft for draft in drafts if int(draft.number) < 3]
        if len(before) < len(drafts) and any(draft.number == "3" for draft in drafts):
            keep(before, **more)
            raise Invalid("It is too large for a row.")
        return keep(drafts, **more)

    imports.knowledge.keeping.keep = refusing  # type: ignore[method-assign]

    job = imports.drop(whmcs.of(5))

    assert counts(job, "created", "unchanged", "error") == {"created": 4, "unchanged": 0, "error": 1}


def test_a_table_that_is_down_loses_nothing(imports: Imports) -> None:
    imports.knowledge.drop(KEY, whmcs.of(5))
    keep = imports.knowledge.keeping.keep

    def down(*_: Any, **__: Any) -> Any:
        raise Unavailable("The database is not available right now.")

    imports.knowledge.keeping.keep = down  # type: ignore[method-assign]
    imports.notice()
    with pytest.raises(Unavailable):
        imports.knowledge.work()
    imports.knowledge.keeping.keep = keep  # type: ignore[method-assign]

    imports.notice()
    imports.knowledge.work()

    assert imports.knowledge.job().result["created"] == 5


# ------------------------------------------------------------------ what becomes of the file
def expire(imports: Imports, **later: float) -> Any:
    jobs = MemoryJobs()
    expiring = Expiring(
        documents=imports.knowledge.documents,
        tickets=imports.knowledge.tickets,
        jobs=jobs,
        objects=imports.knowledge.objects,
        clock=lambda: datetime.now(UTC) + timedelta(**later),
    )
    job = jobs.start(kind="expire", subject="all", created_by="x")
    expiring.run(job.job_id, remaining=lambda: 600.0)
    return jobs.get(job.job_id).result["removed"]


def test_an_imported_dump_is_removed_after_a_day_and_what_it_brought_stays(imports: Imports) -> None:
    imports.drop(whmcs.of(5))
    rows, urls = imports.rows(), imports.knowledge.urls()

    assert expire(imports, hours=20)["dumps"] == 0
    assert expire(imports, hours=25)["dumps"] == 1
    imports.notice(removed=True, sequencer="2")
    imports.knowledge.work()

    assert imports.knowledge.objects.find(KEY) is None
    assert (imports.rows(), imports.knowledge.urls()) == (rows, urls)
    assert imports.knowledge.quotable("mailbox")
    assert expire(imports, hours=50)["dumps"] == 0


def test_a_dump_that_nobody_wants_kept_is_removed_at_once() -> None:
    imports = Imports(keep_days=0.0)

    imports.drop(whmcs.of(5))
    imports.notice(removed=True, sequencer="2")
    imports.knowledge.work()

    assert imports.knowledge.objects.find(KEY) is None
    assert len(imports.knowledge.urls()) == 2
    assert len(imports.rows()) == 5


def test_a_person_who_removes_a_dump_takes_its_documents_back(imports: Imports) -> None:
    imports.drop(whmcs.of(5))
    rows = imports.rows()

    imports.remove()

    assert imports.knowledge.urls() == []
    assert imports.rows() == rows


def test_a_dump_dropped_again_after_we_removed_it_can_be_taken_back_by_a_person(imports: Imports) -> None:
    imports.drop(whmcs.of(5))
    expire(imports, hours=25)
    imports.notice(removed=True, sequencer="2")
    imports.drop(whmcs.of(6), sequencer="3")

    imports.remove(sequencer="4")

    assert imports.knowledge.urls() == []


def test_a_newer_file_under_an_imported_dumps_name_is_not_removed(imports: Imports) -> None:
    imports.drop(whmcs.of(5))
    imports.knowledge.drop(KEY, whmcs.of(6))

    expire(imports, hours=25)

    assert imports.knowledge.objects.find(KEY) is not None


def test_a_dump_whose_import_failed_stays_for_whoever_looks(imports: Imports) -> None:
    imports.drop(whmcs.dump(tickets=[whmcs.ticket(1)], without=("tblticketreplies",)))

    expire(imports, days=30)

    assert imports.knowledge.objects.find(KEY) is not None


def test_work_files_of_an_import_that_was_given_up_are_cleared_and_a_running_ones_are_not(
    imports: Imports,
) -> None:
    imports.knowledge.objects.put("imports/nobody/spill/x", b"rows")
    imports.knowledge.objects.put("imports/running/spill/x", b"rows")

    assert expire(imports, days=1)["imports"] == 0
    assert expire(imports, days=3)["imports"] == 2
