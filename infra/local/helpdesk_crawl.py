"""Helpdesk crawl: have the running stack fetch WHMCS's tickets, and follow the job to its end."""

import time
from typing import Any

from infra.local.api import ENDED, ApiRefused
from infra.local.words import NotPossible, Running

SECONDS = 3_600.0
_SHOWN = 10


def crawl_whmcs(running: Running, *, area: str | None, since: str | None) -> int:
    """Begin a crawl of the configured helpdesk and tell its progress; 0 when it has succeeded."""
    sent = {name: value for name, value in (("area", area), ("since", since)) if value}
    try:
        job = running.api.post("/v1/admin/crawl-tickets", sent, admin=True)
    except ApiRefused as refused:
        if refused.status in (400, 422):
            raise NotPossible(f"The crawl was not begun: {refused}") from refused
        raise
    return _follow(running, str(job["id"]))


def _follow(running: Running, job_id: str) -> int:
    ends, said = time.monotonic() + SECONDS, ""
    while time.monotonic() < ends:
        job = running.api.get(f"/v1/admin/jobs/{job_id}", admin=True)
        told = _progress(job)
        if told != said:
            said = told
            print(told, flush=True)
        if job["status"] in ENDED:
            return _told(job)
        time.sleep(0.5)
    print(f"Still going on: job {job_id}")
    return 1


def _progress(job: dict[str, Any]) -> str:
    progress, eta = job["progress"], job["eta_seconds"]
    failed = f", {progress['failed']} failed" if progress["failed"] else ""
    left = f", about {eta} s to go" if eta else ""
    return f"{job['subject']}: {job['status']} {progress['done']}/{progress['total'] or '?'}{failed}{left}"


def _told(job: dict[str, Any]) -> int:
    result = job["result"]
    for name in ("error", "warning"):
        if result.get(name):
            print(result[name])
    for error in job["errors"][:_SHOWN]:
        if error["reason"] != result.get("error"):
            print(f"  {error['file']}: {error['reason']}")
    if "count" in result:
        skipped = ", ".join(f"{why}: {n}" for why, n in sorted(result["skipped_why"].items()))
        print(
            f"{result['count']} tickets: {result['created']} new, {result['updated']} changed, "
            f"{result['unchanged']} as they were; {result['skipped']} skipped"
            + (f" ({skipped})" if skipped else "")
        )
        if result["created"]:
            print("New ones wait for approval: GET /v1/tickets?approval_status=pending")
    return 0 if job["status"] == "succeeded" else 1
