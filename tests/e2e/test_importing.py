"""Importing: a WHMCS dump is dropped, its tickets are reviewed, and what is approved answers."""

import gzip
import json
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from infra.local.aws import Clients
from tests.doubles import whmcs_dump as whmcs
from tests.e2e.running import ROOT, RunningStack
from tests.e2e.test_journeys import asked, cited, ended, jobs_of, whole
from tests.waiting import until

pytestmark = pytest.mark.e2e

ASKED = "Our carillon plugin stays silent after the upgrade to release nine. How do we get its bells back?"
ANSWERED = (
    "Release nine moved the carillon plugin into its own queue. Open the panel, choose Bells and press "
    "Rebuild chimes; the plugin rings again within four minutes."
)


def solved(number: int) -> tuple[dict[str, Any], dict[str, Any]]:
    ticket = whmcs.ticket(
        number,
        title="Carillon plugin is silent",
        message=ASKED,
        name="Zebulon Quist",
        email="zebulon.quist@customer.example",
    )
    return ticket, whmcs.reply(90_000_000 + number, number, message=ANSWERED)


def put(stack: RunningStack, key: str, body: bytes) -> None:
    Clients(stack.aws)("s3").put_object(Bucket=stack.outputs["SourceBucket"], Key=key, Body=body)


def tickets(stack: RunningStack, **query: str) -> dict[str, Any]:
    asking = "&".join(f"{name}={value}" for name, value in query.items())
    reply = stack.admin("GET", f"/v1/tickets?{asking}")
    assert reply.status == 200, reply.body
    listed: dict[str, Any] = reply.json
    return listed


def command(stack: RunningStack, *words: str) -> "subprocess.CompletedProcess[str]":
    """One of `make`'s words, for this stack."""
    return subprocess.run(
        [sys.executable, "-m", "infra.local", *words],
        cwd=ROOT,
        env={"STATE": str(stack.state), "PATH": "", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_a_dropped_dump_is_reviewed_and_answers_when_it_is_approved(stack: RunningStack) -> None:
    ticket, reply = solved(70_001)
    others = [whmcs.ticket(number) for number in range(70_002, 70_012)]
    body = whmcs.dump(
        tickets=[ticket, *others],
        replies=[reply, *(whmcs.reply(91_000_000 + each["id"], each["id"]) for each in others)],
    )
    stack.unspeakable |= {"zebulon.quist@customer.example", "SECRETKEY"}

    put(stack, "source/carillon.sql.gz", gzip.compress(body))
    until(lambda: bool(jobs_of(stack, "carillon.sql.gz")))
    job = ended(stack, jobs_of(stack, "carillon.sql.gz")[0]["id"])

    assert (job["kind"], job["status"], job["result"]["created"]) == ("import_dump", "succeeded", 11)
    found = tickets(stack, q="carillon", approval_status="pending")
    assert [one["external_id"] for one in found["items"]] == ["70001"]
    detail = stack.admin("GET", f"/v1/tickets/{found['items'][0]['id']}").json
    assert detail["metadata"]["replies"][0]["content"] == ANSWERED
    assert "SECRETKEY" not in json.dumps(detail)
    assert "chimes" not in whole(asked(stack, ASKED))

    approved = stack.admin(
        "PATCH", f"/v1/admin/tickets/{detail['id']}/approval", {"approval_status": "approved"}
    )

    assert approved.status == 200, approved.body
    until(lambda: "Rebuild chimes" in whole(asked(stack, ASKED)))
    answer = asked(stack, ASKED)
    assert cited(answer)
    assert "Quist" not in whole(answer)


def test_the_same_dump_again_changes_nothing_and_its_removal_leaves_the_tickets(stack: RunningStack) -> None:
    body = whmcs.dump(
        tickets=[whmcs.ticket(number) for number in range(71_001, 71_031)],
        replies=[whmcs.reply(92_000_000 + number, number) for number in range(71_001, 71_031)],
        articles=[whmcs.article(7_100)],
    )
    put(stack, "source/again.sql", body)
    until(lambda: bool(jobs_of(stack, "again.sql")))
    ended(stack, jobs_of(stack, "again.sql")[0]["id"])

    answer = stack.admin("POST", "/v1/admin/import-dump", {"s3_key": "source/again.sql"})
    job = ended(stack, answer.json["job_id"])

    assert (job["result"]["created"], job["result"]["unchanged"]) == (0, 30)
    url = "whmcs://kb/7100"
    until(lambda: bool(stack.api("GET", f"/v1/documents?q={url}").json["total"]))
    Clients(stack.aws)("s3").delete_object(Bucket=stack.outputs["SourceBucket"], Key="source/again.sql")
    until(lambda: not stack.api("GET", f"/v1/documents?q={url}").json["total"])
    assert tickets(stack, source_file="source/again.sql")["total"] == 30


def test_the_command_line_imports_follows_and_reports(stack: RunningStack, tmp_path: Path) -> None:
    dump, out = tmp_path / "words.sql.gz", tmp_path / "tickets.jsonl"
    body = whmcs.dump(
        tickets=[whmcs.ticket(number) for number in range(72_001, 72_021)],
        replies=[whmcs.reply(93_000_000 + number, number) for number in range(72_001, 72_021)],
    )
    dump.write_bytes(gzip.compress(body))

    foreseen = command(stack, "import-whmcs", str(dump), "--dry-run")
    done = command(stack, "import-whmcs", str(dump), "--out", str(out), "--departments", "Support")

    assert (foreseen.returncode, done.returncode) == (0, 0), foreseen.stderr + done.stderr
    assert "20  (20 would be created)" in foreseen.stdout
    assert "20  (20 created)" in done.stdout
    assert "100 %" in done.stdout
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    assert [line["external_id"] for line in lines] == [str(number) for number in range(72_001, 72_021)]
    shown = stack.admin("GET", f"/v1/tickets/{lines[0]['id']}").json
    moving = ("updated_at",)
    assert {k: v for k, v in lines[0].items() if k not in moving} == {
        k: v for k, v in shown.items() if k not in moving
    }


def test_the_command_line_says_what_is_wrong(stack: RunningStack, tmp_path: Path) -> None:
    page = tmp_path / "page.sql"
    page.write_text("<!DOCTYPE html><html><body>502 Bad Gateway</body></html>")

    refused = command(stack, "import-whmcs", str(page))
    missing = command(stack, "import-whmcs", str(tmp_path / "none.sql"))

    assert (refused.returncode, missing.returncode) == (1, 1)
    assert "holds a web page" in refused.stderr
    assert "There is no file or folder" in missing.stderr


def test_an_interrupted_command_leaves_the_import_running_and_says_so(
    stack: RunningStack, tmp_path: Path
) -> None:
    dump = tmp_path / "long.sql.gz"
    numbers = range(73_001, 75_001)
    body = whmcs.dump(
        tickets=[whmcs.ticket(number) for number in numbers],
        replies=[whmcs.reply(94_000_000 + number, number) for number in numbers],
    )
    dump.write_bytes(gzip.compress(body))
    # Whoever runs the tests in the background has them ignore Ctrl-C, and their children with them.
    hears = "import runpy, signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    watcher = subprocess.Popen(
        [
            *(sys.executable, "-c", hears + "runpy.run_module('infra.local', run_name='__main__')"),
            *("import-whmcs", str(dump)),
        ],
        cwd=ROOT,
        env={"STATE": str(stack.state), "PATH": "", "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert watcher.stdout is not None
    # What it tells first: that nobody has begun, or how far they are already.
    until(lambda: re.search(r"waiting for a worker|\d %", watcher.stdout.readline()))

    watcher.send_signal(signal.SIGINT)
    said, _ = watcher.communicate(timeout=120)

    assert watcher.returncode == 130, said
    [job_id] = re.findall(r"job ([0-9a-f-]{36})", said)
    job = ended(stack, job_id, seconds=180)
    assert (job["status"], job["result"]["tickets"]) == ("succeeded", len(numbers))
