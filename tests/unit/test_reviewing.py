"""Reviewing: what is decided, and that knowledge follows, whoever else decides at the same moment."""

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from candor.errors import Conflict, Invalid, NotFound, Unavailable
from candor.jobs import JobStatus
from candor.messages import TicketsToDecide
from candor.tickets.learning import url_of
from candor.tickets.values import Approval, Wanted
from tests.doubles.knowledge import Knowledge
from tests.doubles.tickets import draft, lesson

APPROVED, PENDING, REJECTED = Approval.APPROVED, Approval.PENDING, Approval.REJECTED


@pytest.fixture
def knowledge() -> Knowledge:
    return Knowledge()


def kept(knowledge: Knowledge, count: int, approval: Approval = PENDING, **fields: Any) -> list[str]:
    pairs = knowledge.keeping.keep([lesson(n, **fields) for n in range(count)], approval=approval)
    return [ticket.ticket_id for ticket, _ in pairs]


def learnt(knowledge: Knowledge) -> set[str]:
    """Ids of tickets that have a document."""
    urls = {row.url for row in knowledge.documents.all() if not row.deleted}
    return {row.ticket_id for row in knowledge.tickets.after("", limit=1_000) if url_of(row) in urls}


def done(knowledge: Knowledge, wanted: Wanted, approval: Approval) -> Any:
    job = knowledge.reviewing.begin(wanted, approval, by="ada")
    return knowledge.reviewing.go_on(job.job_id, seconds=60)


def test_knowledge_is_there_and_gone_as_soon_as_the_decision_is(knowledge: Knowledge) -> None:
    (ticket_id,) = kept(knowledge, 1)

    for approval in (APPROVED, APPROVED, REJECTED, APPROVED, PENDING, REJECTED):
        ticket = knowledge.reviewing.decide(ticket_id, approval, by="ada")

        assert ticket.approval == approval
        assert learnt(knowledge) == ({ticket_id} if approval == APPROVED else set())
        assert knowledge.directory.count(Wanted(approval=approval)) == 1
        assert knowledge.directory.count(Wanted()) == 1


def test_an_unknown_ticket_cannot_be_decided_and_stops_no_other(knowledge: Knowledge) -> None:
    (ticket_id,) = kept(knowledge, 1)

    with pytest.raises(NotFound):
        knowledge.reviewing.decide("nobody", APPROVED, by="ada")

    told = knowledge.reviewing.decide_some(["nobody", "0", ticket_id], APPROVED, by="ada")
    assert [(one.reference, one.ticket is not None, one.changed) for one in told] == [
        ("nobody", False, False),
        ("0", True, True),
        (ticket_id, True, True),
    ]


def test_a_decision_that_was_interrupted_is_made_whole_by_repeating_it(
    knowledge: Knowledge, monkeypatch: pytest.MonkeyPatch
) -> None:
    (ticket_id,) = kept(knowledge, 1)

    def down(*_: object, **__: object) -> None:
        raise Unavailable("The search is down.")

    for where, name in ((knowledge.learning, "follow"), (knowledge.directory, "revise")):
        with monkeypatch.context() as broken:
            broken.setattr(where, name, down)
            with pytest.raises(Unavailable):
                knowledge.reviewing.decide(ticket_id, APPROVED, by="ada")

        knowledge.reviewing.decide(ticket_id, APPROVED, by="ada")

        assert learnt(knowledge) == {ticket_id}
        assert knowledge.directory.count(Wanted(approval=APPROVED)) == 1
        knowledge.reviewing.decide(ticket_id, PENDING, by="ada")


def test_reviewers_who_disagree_at_the_same_moment_leave_what_the_rows_say(knowledge: Knowledge) -> None:
    ids = kept(knowledge, 6)
    begin = threading.Barrier(4)

    def review(seed: int) -> None:
        rng = random.Random(seed)
        begin.wait()
        for _ in range(15):
            some = rng.sample(ids, 3)
            knowledge.reviewing.decide_some(some, rng.choice(list(Approval)), by=str(seed))

    with ThreadPoolExecutor(max_workers=4) as pool:
        for work in [pool.submit(review, seed) for seed in range(4)]:
            work.result()

    rows = knowledge.tickets.some(ids)
    assert learnt(knowledge) == {row.ticket_id for row in rows if row.approval == APPROVED}
    for row in rows:
        assert (
            row.ticket_id in knowledge.directory.page(Wanted(approval=row.approval), page=1, page_size=100)[0]
        )


def test_an_import_at_the_moment_of_a_decision_changes_neither(knowledge: Knowledge) -> None:
    ids = kept(knowledge, 8)
    begin = threading.Barrier(2)

    def bring() -> None:
        begin.wait()
        for status in ("Open", "Answered", "Closed", "Resolved") * 3:
            knowledge.keeping.keep([lesson(n, status=status) for n in range(8)])

    def review() -> None:
        begin.wait()
        for approval in (APPROVED, REJECTED, APPROVED) * 3:
            knowledge.reviewing.decide_some(ids, approval, by="ada")

    with ThreadPoolExecutor(max_workers=2) as pool:
        for work in (pool.submit(bring), pool.submit(review)):
            work.result()

    assert {row.approval for row in knowledge.tickets.some(ids)} == {APPROVED}
    assert learnt(knowledge) == set(ids)
    assert knowledge.directory.count(Wanted(approval=APPROVED, status="resolved")) == 8


def test_all_that_a_filter_means_are_decided_in_steps_that_add_up(knowledge: Knowledge) -> None:
    kept(knowledge, 230)
    knowledge.keeping.keep([draft("other", status="Open")])

    job = knowledge.reviewing.begin(Wanted(status="closed"), REJECTED, by="ada")
    assert (job.total, job.kind, job.status) == (230, "decide_tickets", JobStatus.RUNNING)
    assert knowledge.export_queue.take() == [TicketsToDecide(job_id=job.job_id)]

    first = knowledge.reviewing.go_on(job.job_id, seconds=0)
    assert (first.done, first.status) == (100, JobStatus.RUNNING)

    ended = knowledge.reviewing.go_on(job.job_id, seconds=60)

    assert (ended.status, ended.done, ended.total) == (JobStatus.SUCCEEDED, 230, 230)
    assert ended.result["changed"] == ended.result["count"] == 230
    assert knowledge.directory.count(Wanted(approval=REJECTED)) == 230
    assert knowledge.tickets.find("other").approval == PENDING
    assert {row.decided_by for row in knowledge.tickets.after("", limit=300)} == {"ada", None}


def test_a_step_that_is_done_twice_counts_once(knowledge: Knowledge, monkeypatch: pytest.MonkeyPatch) -> None:
    kept(knowledge, 120)
    job = knowledge.reviewing.begin(Wanted(status="closed"), REJECTED, by="ada")
    progress = knowledge.jobs.progress

    def overtaken(job_id: str, **told: Any) -> Any:
        monkeypatch.setattr(knowledge.jobs, "progress", progress)
        knowledge.reviewing.go_on(job_id, seconds=0)
        return progress(job_id, **told)

    monkeypatch.setattr(knowledge.jobs, "progress", overtaken)
    ended = knowledge.reviewing.go_on(job.job_id, seconds=60)

    assert (ended.status, ended.done, ended.total) == (JobStatus.SUCCEEDED, 120, 120)
    assert knowledge.reviewing.go_on(job.job_id, seconds=60) == ended


def test_a_job_that_was_killed_goes_on_where_it_stopped(
    knowledge: Knowledge, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept(knowledge, 250)
    job = knowledge.reviewing.begin(Wanted(status="closed"), APPROVED, by="ada")
    knowledge.reviewing.go_on(job.job_id, seconds=0)

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as dying:
        dying.setattr(knowledge.directory, "revise", killed)
        with pytest.raises(KeyboardInterrupt):
            knowledge.reviewing.go_on(job.job_id, seconds=60)

    ended = knowledge.reviewing.go_on(job.job_id, seconds=60)

    assert (ended.status, ended.done) == (JobStatus.SUCCEEDED, 250)
    assert knowledge.directory.count(Wanted(approval=APPROVED)) == 250
    assert {row.approval for row in knowledge.tickets.after("", limit=300)} == {APPROVED}


def test_a_job_that_was_killed_after_a_step_counts_what_the_step_did(
    knowledge: Knowledge, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept(knowledge, 250)
    job = knowledge.reviewing.begin(Wanted(approval=PENDING), APPROVED, by="ada")
    knowledge.reviewing.go_on(job.job_id, seconds=0)
    progress = knowledge.jobs.progress

    def killed(job_id: str, *, done: int = 0, **told: Any) -> Any:
        if done:
            raise KeyboardInterrupt
        return progress(job_id, done=done, **told)

    with monkeypatch.context() as dying:
        dying.setattr(knowledge.jobs, "progress", killed)
        with pytest.raises(KeyboardInterrupt):
            knowledge.reviewing.go_on(job.job_id, seconds=60)
    assert knowledge.directory.count(Wanted(approval=APPROVED)) == 200

    ended = knowledge.reviewing.go_on(job.job_id, seconds=60)

    assert (ended.status, ended.done, ended.total) == (JobStatus.SUCCEEDED, 250, 250)
    assert (ended.result["count"], ended.result["changed"], ended.result["skipped"]) == (250, 250, 0)


def test_a_cancelled_job_decides_no_further(knowledge: Knowledge) -> None:
    kept(knowledge, 150)
    job = knowledge.reviewing.begin(Wanted(status="closed"), REJECTED, by="ada")
    knowledge.reviewing.go_on(job.job_id, seconds=0)

    knowledge.jobs.cancel(job.job_id)
    ended = knowledge.reviewing.go_on(job.job_id, seconds=60)

    assert (ended.status, ended.done) == (JobStatus.CANCELLED, 100)
    assert knowledge.directory.count(Wanted(approval=REJECTED)) == 100


def test_the_same_job_again_changes_nothing(knowledge: Knowledge) -> None:
    kept(knowledge, 12)

    first, again = (done(knowledge, Wanted(status="closed"), APPROVED) for _ in range(2))

    assert (first.result["changed"], again.result["changed"]) == (12, 0)
    assert again.result["count"] == 12


def test_what_comes_in_after_the_job_was_asked_for_is_not_decided(knowledge: Knowledge) -> None:
    kept(knowledge, 3)
    job = knowledge.reviewing.begin(Wanted(approval=PENDING), APPROVED, by="ada")

    knowledge.keeping.keep([draft("late")])
    ended = knowledge.reviewing.go_on(job.job_id, seconds=60)

    assert knowledge.tickets.find("late").approval == PENDING
    assert (ended.result["count"], ended.result["skipped"]) == (3, 1)


def test_what_another_reviewer_has_decided_meanwhile_stays(knowledge: Knowledge) -> None:
    ids = kept(knowledge, 3)
    job = knowledge.reviewing.begin(Wanted(approval=PENDING), APPROVED, by="ada")

    # As when the directory is a moment behind.
    knowledge.tickets.decide(ids[0], REJECTED, by="bob")
    ended = knowledge.reviewing.go_on(job.job_id, seconds=60)

    assert knowledge.tickets.get(ids[0]).approval == REJECTED
    assert (ended.result["changed"], ended.result["skipped"]) == (2, 1)


def test_one_that_cannot_be_decided_is_told_and_holds_up_no_other(
    knowledge: Knowledge, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = kept(knowledge, 5)
    follow = knowledge.learning.follow

    def refuse(ticket_ids: Any, **more: Any) -> Any:
        if ids[2] in ticket_ids:
            raise Invalid("It cannot be read.")
        return follow(ticket_ids, **more)

    monkeypatch.setattr(knowledge.learning, "follow", refuse)
    ended = done(knowledge, Wanted(status="closed"), APPROVED)

    assert (ended.status, ended.done, ended.failed) == (JobStatus.SUCCEEDED, 5, 1)
    assert [(error.file, error.reason) for error in ended.errors] == [(ids[2], "It cannot be read.")]
    assert learnt(knowledge) == set(ids) - {ids[2]}


def test_the_jobs_subject_says_what_was_meant_and_not_what_was_looked_for(knowledge: Knowledge) -> None:
    job = knowledge.reviewing.begin(Wanted(status="Closed", text="ann@customer.example"), APPROVED, by="ada")

    assert job.subject == "approved: status=Closed, q=…"


def test_a_conflict_of_two_workers_is_no_error_of_the_ticket(knowledge: Knowledge) -> None:
    ids = kept(knowledge, 40)
    job = knowledge.reviewing.begin(Wanted(status="closed"), REJECTED, by="ada")

    with ThreadPoolExecutor(max_workers=3) as pool:
        works = [pool.submit(knowledge.reviewing.go_on, job.job_id, seconds=60) for _ in range(3)]
        try:
            ended = [work.result() for work in works]
        except Conflict as error:  # pragma: no cover - what must not happen
            pytest.fail(str(error))

    assert {one.status for one in ended} == {JobStatus.SUCCEEDED}
    assert knowledge.jobs.get(job.job_id).done == len(ids)
    assert knowledge.jobs.get(job.job_id).failed == 0
