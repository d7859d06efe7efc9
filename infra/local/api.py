"""API: the running stack over HTTP, as any integrator would call it."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

OWN_AGENT = "candor-local"
"""Whoever follows a job asks twice a second: the front does not log what it asks."""

ENDED = ("succeeded", "failed", "cancelled")
_NEWEST = 100


class ApiRefused(OSError):
    """The API answered with an error; `status` is its number, the text its own sentence."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(f"the API answered {status}: {detail}")
        self.status = status


class Api:
    """Raises `ApiRefused`, and `OSError` when nothing answers."""

    def __init__(self, base_url: str, credentials: Mapping[str, str]) -> None:
        self._base_url = base_url
        self._credentials = credentials

    def get(self, path: str, *, admin: bool = False) -> Any:
        return self._call("GET", path, None, admin=admin)

    def post(self, path: str, body: Mapping[str, Any], *, admin: bool = False) -> Any:
        return self._call("POST", path, body, admin=admin)

    def _call(self, method: str, path: str, body: Mapping[str, Any] | None, *, admin: bool) -> Any:
        key = "ADMIN_API_KEY" if admin else "API_KEY"
        header = "X-Admin-API-Key" if admin else "X-API-Key"
        request = urllib.request.Request(  # noqa: S310 - an address of our own.
            self._base_url + path,
            None if body is None else json.dumps(body).encode(),
            {"Content-Type": "application/json", "User-Agent": OWN_AGENT, header: self._credentials[key]},
            method=method,
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as response:  # noqa: S310
                return json.loads(response.read() or b"null")
        except urllib.error.HTTPError as error:
            raise ApiRefused(error.code, _detail(error.read())) from error


def follow_files(
    api: Api, keys: Iterable[str], *, since: datetime, tell: Callable[[str], None], seconds: float
) -> dict[str, dict[str, Any]]:
    """
    Wait for the jobs that read these objects, telling progress; the jobs by key, ended ones and those still
    running.

    A job takes its object's key, or its name under source/, as its subject.
    """
    wanted = list(keys)
    ends = time.monotonic() + seconds
    jobs: dict[str, dict[str, Any]] = {}
    while time.monotonic() < ends:
        missing = [key for key in wanted if key not in jobs]
        for job in api.get(f"/v1/admin/jobs?page_size={_NEWEST}", admin=True)["items"] if missing else ():
            if datetime.fromisoformat(job["created_at"]) < since:
                continue
            for key in missing:
                if str(job.get("subject", "")).removeprefix("source/") == key.removeprefix("source/"):
                    jobs.setdefault(key, job)
        # A job that was seen is asked for by its id: newer ones may have pushed it off the first page.
        for key, job in jobs.items():
            if job["status"] not in ENDED:
                jobs[key] = api.get(f"/v1/admin/jobs/{job['id']}", admin=True)
        tell("   ".join(_progress(key, jobs.get(key)) for key in wanted))
        if len(jobs) == len(wanted) and all(job["status"] in ENDED for job in jobs.values()):
            return jobs
        time.sleep(0.5)
    return jobs


def now() -> datetime:
    """A second early: the clock that stamps a job and this one need not tick together."""
    return datetime.fromtimestamp(time.time() - 1, UTC)


def _progress(key: str, job: Mapping[str, Any] | None) -> str:
    name = key.removeprefix("source/")
    if job is None:
        return f"{name}: waiting"
    progress = job.get("progress") or {}
    failed = f", {progress['failed']} failed" if progress.get("failed") else ""
    return f"{name}: {job['status']} {progress.get('done', 0)}/{progress.get('total') or '?'}{failed}"


def _detail(body: bytes) -> str:
    try:
        return str(json.loads(body)["detail"])
    except (ValueError, KeyError, TypeError):
        return body[:200].decode(errors="replace")
