"""Importing through the real adapters: a worker that is killed at any moment leaves exactly the truth."""

import gzip
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from candor.adapters.bucket_imports import BucketDump, BucketSpill
from candor.adapters.dynamodb_documents import DynamoDocuments
from candor.adapters.dynamodb_jobs import DynamoJobs
from candor.adapters.dynamodb_tickets import DynamoTickets
from candor.adapters.memory_storage import MemoryObjects
from candor.adapters.s3 import S3Objects
from candor.errors import NotFound
from candor.importing.orders import Orders
from candor.jobs import JobStatus
from candor.objects import Objects
from tests.doubles import aws
from tests.doubles import whmcs_dump as whmcs
from tests.doubles.tables import create_table

ROOT = Path(__file__).parents[2]
TICKETS = 700
KILLS = 20


@pytest.fixture(params=["memory", "ministack"])
def objects(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Objects]:
    if request.param == "memory":
        yield MemoryObjects()
    else:
        monkeypatch.setenv("AWS_ENDPOINT_URL", request.getfixturevalue("ministack"))
        yield S3Objects(aws.create_bucket())


def test_a_block_that_is_written_twice_counts_once(objects: Objects) -> None:
    spill = BucketSpill(objects, "imports/job/spill/")
    spill.append("tickets/000/0-0-1-0", b"first")
    spill.append("tickets/000/0-0-1-0", b"second")
    spill.append("extras/0-0-1-0", b"more")

    assert b"".join(spill.read("tickets/000/0-0-1-0")) == b"second"
    assert b"".join(spill.read("tickets/001/0-0-1-0")) == b""
    assert sorted(spill.names()) == ["extras/0-0-1-0", "tickets/000/0-0-1-0"]


def test_clearing_an_imports_work_files_leaves_those_of_others(objects: Objects) -> None:
    mine, others = BucketSpill(objects, "imports/a/spill/"), BucketSpill(objects, "imports/b/spill/")
    mine.append("x", b"1")
    others.append("x", b"2")

    mine.clear()

    assert list(mine.names()) == []
    assert b"".join(others.read("x")) == b"2"


def test_a_dump_in_the_bucket_is_read_from_anywhere(objects: Objects) -> None:
    objects.put("source/a.sql", b"0123456789")
    dump = BucketDump(objects, ["source/a.sql"])

    assert (list(dump.files), dump.size("source/a.sql")) == (["source/a.sql"], 10)
    for start, rest in ((0, b"0123456789"), (4, b"456789"), (9, b"9"), (10, b""), (99, b"")):
        with dump.open("source/a.sql", start) as stream:
            assert stream.read() == rest
    with pytest.raises(NotFound):
        BucketDump(objects, ["source/b.sql"]).size("source/b.sql")


@pytest.mark.slow
def test_an_import_killed_at_random_moments_ends_as_exactly_what_the_dump_holds(
    ministack: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", ministack)
    environment = _environment(ministack, tmp_path)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    objects = S3Objects(environment["SOURCE_BUCKET"])
    body = whmcs.dump(
        tickets=[
            whmcs.ticket(number, merged_ticket_id=number - 1 if number % 50 == 0 else 0)
            for number in range(1, TICKETS + 1)
        ],
        replies=[whmcs.reply(10_000 + number, number) for number in range(1, TICKETS + 6)],
        articles=[whmcs.article(number) for number in range(1, 31)],
    )
    objects.put("source/whmcs.sql.gz", gzip.compress(body))
    jobs, tickets, documents = _stores(environment, objects)
    orders = Orders(jobs=jobs, objects=objects, queue=_Nowhere())
    job_id = orders.place(["source/whmcs.sql.gz"], created_by="somebody").job_id
    chance, killed = random.Random(20261121), 0

    for _ in range(KILLS):
        worker = _worker(environment, job_id)
        assert worker.stdout is not None
        worker.stdout.readline()
        time.sleep(chance.uniform(0.0, 0.25))
        killed += worker.poll() is None
        os.kill(worker.pid, signal.SIGKILL)
        worker.wait()
        worker.stdout.close()
    last = _worker(environment, job_id)
    assert last.wait(600) == 0
    last.communicate()

    job = jobs.get(job_id)
    rows = {int(row.number): row for row in tickets.after("", limit=10_000)}
    merged = TICKETS // 50
    assert killed > KILLS // 2, "the worker was done before it could be killed"
    assert job.status == JobStatus.SUCCEEDED
    assert rows.keys() == {number for number in range(1, TICKETS + 1) if number % 50}
    assert {row.version for row in rows.values()} == {1}
    assert sum(row.messages for row in rows.values()) == 2 * TICKETS
    assert (job.result["created"], job.result["updated"], job.result["unchanged"]) == (len(rows), 0, 0)
    assert (job.result["merged"], job.result["replies"]) == (merged, TICKETS + merged)
    assert job.result["skipped_reasons"] == {"replies whose ticket is not in the dump": 5}
    assert (job.result["documents"], job.result["documents_created"]) == (30, 30)
    assert len([row for row in documents.all() if not row.deleted]) == 30
    assert list(objects.list("imports/")) == []


class _Nowhere:
    """A queue whose messages nobody gets: the test itself starts the workers."""

    def send(self, *messages: object, delay_seconds: int = 0) -> None:
        pass


def _environment(endpoint: str, folder: Path) -> dict[str, str]:
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "CONFIG_TABLE": create_table("ConfigTable"),
        "DOCUMENTS_TABLE": create_table("DocumentsTable"),
        "JOBS_TABLE": create_table("JobsTable"),
        "TICKETS_TABLE": create_table("TicketsTable"),
        "SOURCE_BUCKET": aws.create_bucket(),
        "SOURCE_QUEUE_URL": aws.create_queue(),
        "CONFIG_KEY_ID": "alias/config",
        "EMBEDDED_STORE": str(folder / "store"),
    }


def _stores(
    environment: Mapping[str, str], objects: Objects
) -> tuple[DynamoJobs, DynamoTickets, DynamoDocuments]:
    jobs = DynamoJobs(environment["JOBS_TABLE"])
    tickets = DynamoTickets(environment["TICKETS_TABLE"], objects=objects)
    documents = DynamoDocuments(
        environment["DOCUMENTS_TABLE"], objects=objects, jobs_table=environment["JOBS_TABLE"]
    )
    return jobs, tickets, documents


def _worker(environment: Mapping[str, str], job_id: str) -> "subprocess.Popen[str]":
    path = f"{ROOT}:{ROOT / 'layers' / 'core'}"
    return subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("importing_process.py")), job_id, "40"],
        env={**os.environ, **environment, "PYTHONPATH": path},
        stdout=subprocess.PIPE,
        text=True,
    )
