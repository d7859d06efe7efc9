"""Expiring: what no row names any more leaves the bucket, and nothing else does."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from moto import mock_aws

from candor.adapters.dynamodb_documents import DynamoDocuments
from candor.adapters.dynamodb_jobs import DynamoJobs
from candor.adapters.dynamodb_tickets import DynamoTickets
from candor.adapters.s3 import S3Objects
from candor.documents import Draft, document_id_of
from candor.jobs import JobStatus
from candor.objects import INGEST_PREFIX
from candor.schedules.expiring import STEP, Expiring
from tests.doubles import aws
from tests.doubles.tables import create_table
from tests.doubles.tickets import draft

URL = "https://example.com/terms"
# Prose that does not shrink: its text is too large for the row.
LARGE = "".join(chr(0x4E00 + (n * 7919) % 20000) for n in range(40_000))


@dataclass(kw_only=True)
class Stores:
    documents: DynamoDocuments
    tickets: DynamoTickets
    jobs: DynamoJobs
    objects: S3Objects
    later: timedelta = timedelta()

    def expire(
        self, remaining: Callable[[], float] = lambda: 600.0, *, job_id: str | None = None, **time: float
    ) -> dict[str, Any]:
        """Run it as if so much time had passed; the job's result."""
        self.later = timedelta(**time)
        expiring = Expiring(
            documents=self.documents,
            tickets=self.tickets,
            jobs=self.jobs,
            objects=self.objects,
            clock=lambda: datetime.now(UTC) + self.later,
        )
        job = self.jobs.start(kind="expire", subject="all", created_by="schedule:x", job_id=job_id)
        expiring.run(job.job_id, remaining=remaining)
        return {"job_status": self.jobs.get(job.job_id).status, **self.jobs.get(job.job_id).result}

    def keys(self, prefix: str) -> list[str]:
        return [info.key for info in self.objects.list(prefix)]

    def put(self, text: str) -> str:
        document, _ = self.documents.put(Draft(url=URL, title="Terms", text=text))
        return document.document_id

    def served(self) -> str:
        return self.documents.contents(self.documents.get(document_id_of(URL))).text


@pytest.fixture(params=["moto", "ministack"])
def stores(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stores]:
    def made() -> Stores:
        objects, jobs = S3Objects(aws.create_bucket()), aws.create_jobs_table()
        documents = DynamoDocuments(aws.create_documents_table(), objects=objects, jobs_table=jobs)
        tickets = DynamoTickets(create_table("TicketsTable"), objects=objects, writers=1)
        return Stores(documents=documents, tickets=tickets, jobs=DynamoJobs(jobs), objects=objects)

    if request.param == "moto":
        with mock_aws():
            yield made()
    else:
        monkeypatch.setenv("AWS_ENDPOINT_URL", request.getfixturevalue(request.param))
        yield made()


def test_a_text_that_a_row_names_stays_however_old(stores: Stores) -> None:
    stores.put(LARGE)

    result = stores.expire(days=900)

    assert result["removed"] == {"texts": 0, "uploads": 0, "imports": 0, "dumps": 0, "talks": 0}
    assert stores.served() == LARGE


def test_a_text_that_the_row_will_clear_itself_is_left_to_it(stores: Stores) -> None:
    stores.put(LARGE)
    stores.put(LARGE + "!")
    assert len(stores.keys("texts/")) == 2

    stores.expire(days=2)

    assert len(stores.keys("texts/")) == 2


def test_what_a_killed_writer_left_is_removed_after_a_day(stores: Stores) -> None:
    document_id = stores.put(LARGE)
    stores.objects.put(f"texts/{document_id}/7-ffff", b"of a row that was never written")
    stores.objects.put("texts/nobody/1-ffff", b"of a document that never was")

    assert stores.expire(hours=23)["removed"]["texts"] == 0
    result = stores.expire(hours=25)

    assert (result["removed"]["texts"], result["bytes"]) == (2, 31 + 28)
    assert len(stores.keys("texts/")) == 1
    assert stores.served() == LARGE


def test_what_was_said_in_a_ticket_stays_and_what_a_killed_writer_left_of_it_is_removed(
    stores: Stores,
) -> None:
    ((ticket, _),) = stores.tickets.put([draft(description=LARGE * 5)])
    (named,) = stores.keys("talks/")
    stores.objects.put(f"talks/{ticket.ticket_id}/9-ffff", b"of a row that was never written")

    assert stores.expire(hours=23)["removed"]["talks"] == 0
    assert stores.expire(hours=25)["removed"]["talks"] == 1

    assert stores.keys("talks/") == [named]
    assert stores.tickets.talk(ticket).description == LARGE * 5


def test_no_two_writes_share_a_key(stores: Stores) -> None:
    document_id = stores.put(LARGE)
    first = stores.keys("texts/")
    stores.documents.delete(document_id)

    stores.put(LARGE)

    assert len(set(stores.keys("texts/")) - set(first)) == 1


def test_a_text_written_while_the_bucket_is_looked_through_stays(stores: Stores) -> None:
    document_id = stores.put("Short.")
    stores.objects.put(f"texts/{document_id}/2-ffff", b"left behind")
    left = iter([600.0, 600.0])

    def remaining() -> float:
        # Between two looks at the clock somebody changes the document.
        if next(left, None) is not None:
            stores.put(LARGE + str(len(stores.keys("texts/"))))
        return 600.0

    stores.expire(remaining, hours=25)

    assert stores.served().startswith(LARGE)
    assert f"texts/{document_id}/2-ffff" not in stores.keys("texts/")


def test_uploads_are_removed_after_a_week_unless_they_are_still_to_be_read(stores: Stores) -> None:
    for name in ("read", "waiting"):
        stores.jobs.start(kind="ingest", subject=name, created_by="x", job_id=name)
        stores.objects.put(f"{INGEST_PREFIX}{name}.json", b"{}")
    stores.jobs.finish("read", JobStatus.SUCCEEDED)
    stores.objects.put("uploads/dump.sql.gz", b"x")
    stores.objects.put("source/kept.json", b"{}")
    stores.objects.put("exports/kept.json", b"{}")

    assert stores.expire(days=6)["removed"]["uploads"] == 0
    result = stores.expire(days=8)

    assert result["removed"]["uploads"] == 2
    assert stores.keys("uploads/") == [f"{INGEST_PREFIX}waiting.json"]
    assert stores.keys("source/") + stores.keys("exports/") == ["source/kept.json", "exports/kept.json"]


@pytest.mark.slow
def test_many_objects_are_cleared_step_by_step_over_several_calls(stores: Stores) -> None:
    for number in range(STEP + 5):
        stores.objects.put(f"texts/{number:04d}/1-aa", b"x")
    left = iter([600.0, 600.0, 1.0, 1.0])

    first = stores.expire(lambda: next(left), job_id="expire-1", days=2)
    assert first["job_status"] == JobStatus.RUNNING
    assert len(stores.keys("texts/")) == 5
    second = stores.expire(job_id="expire-1", days=2)

    assert second["job_status"] == JobStatus.SUCCEEDED
    assert (second["removed"]["texts"], second["looked_at"]) == (STEP + 5, STEP + 5)
    assert stores.keys("texts/") == []


def test_a_cancelled_job_removes_nothing_more(stores: Stores) -> None:
    stores.objects.put("texts/a/1-aa", b"x")
    stores.jobs.start(kind="expire", subject="all", created_by="x", job_id="cancelled")
    stores.jobs.cancel("cancelled")

    assert stores.expire(job_id="cancelled", days=2)["job_status"] == JobStatus.CANCELLED
    assert stores.keys("texts/") == ["texts/a/1-aa"]
