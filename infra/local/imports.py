"""Imports: a WHMCS dump into the running stack, or only read here."""

import argparse
import os
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self, TextIO

from infra.local.api import ENDED, ApiRefused
from infra.local.report import lines
from infra.local.shown import joined
from infra.local.words import SOURCE_FOLDER, NotPossible, Running, core

PREFIX = "uploads/imports/"
"""Where dumps are put: nothing looks there until it is told to."""

_FIRST_BYTES = 65_536
_LOOK_SECONDS = 0.5
_SAY_SECONDS = 2.0
_LOG_SECONDS = 30.0
_UNREACHABLE_SECONDS = 120.0
_INTERRUPTED = 130


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """What of a dump is wanted, and where its tickets are written too."""

    approval: str = "pending"
    departments: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()
    since: str = ""
    out: Path | None = None

    @classmethod
    def of(cls, parsed: argparse.Namespace) -> Self:
        """From the command line."""
        return cls(
            approval=parsed.approval,
            departments=_listed(parsed.departments),
            statuses=_listed(parsed.statuses),
            since=parsed.since,
            out=parsed.out,
        )

    def body(self) -> dict[str, Any]:
        body: dict[str, Any] = {"approval_status": self.approval}
        if self.departments:
            body["departments"] = list(self.departments)
        if self.statuses:
            body["statuses"] = list(self.statuses)
        if self.since:
            body["since"] = self.since
        return body

    def since_when(self) -> datetime | None:
        if not self.since:
            return None
        try:
            found = datetime.fromisoformat(self.since)
        except ValueError:
            raise NotPossible(f"SINCE={self.since} is no date: write it as 2026-01-31.") from None
        return found if found.tzinfo else found.replace(tzinfo=UTC)


def import_whmcs(running: Running, files: str | None, wanted: Wanted, *, dry_run: bool = False) -> int:
    """Upload each dump, have it imported and follow that; the report of each."""
    wanted.since_when()
    code = 0
    with _opened(wanted.out) as out:
        for dump in dumps_of(files):
            imported = _import(running, dump, wanted, dry_run=dry_run)
            if imported == _INTERRUPTED:
                return imported
            if imported == 0 and out is not None:
                _read(dump, wanted, out, quiet=True)
            code = max(code, imported)
    return code


def import_dry(files: str | None, wanted: Wanted) -> int:
    """Read the dumps here, and say what an import would find. Needs no running stack."""
    code = 0
    with _opened(wanted.out) as out:
        for dump in dumps_of(files):
            code = max(code, _read(dump, wanted, out))
    return code


def dumps_of(files: str | None) -> list[list[Path]]:
    """Each dump's files: those that are named are one dump; without a name, every dump under ./source."""
    if files:
        named = [Path(name.strip()) for name in files.split(",") if name.strip()]
        found: list[Path] = []
        for path in named:
            if path.is_dir():
                found += [file for file in sorted(path.iterdir()) if file.is_file() and file.name[0] != "."]
            elif path.is_file():
                found.append(path)
            else:
                raise NotPossible(f"There is no file or folder {path}.")
        if not found:
            raise NotPossible(f"{files} holds no file.")
        return [found]
    folder = Path(SOURCE_FOLDER)
    dumps = list(_under(folder)) if folder.is_dir() else []
    if not dumps:
        raise NotPossible(f"There is no dump under ./{SOURCE_FOLDER}: name one with FILE=dump.sql.gz.")
    return dumps


def _under(folder: Path) -> Iterator[list[Path]]:
    """What lies beside mydumper's `metadata` is one dump; any other file that is one is one by itself."""
    is_sql_dump = core("candor.sources.dump_heads").is_sql_dump
    inside = sorted(path for path in folder.iterdir() if path.name[0] != ".")
    found = []
    for file in inside:
        if file.is_file():
            with file.open("rb") as stream:
                if is_sql_dump(stream.read(_FIRST_BYTES), file.name):
                    found.append(file)
    if found and (folder / "metadata").is_file():
        yield found
    else:
        yield from ([file] for file in found)
    for path in inside:
        if path.is_dir():
            yield from _under(path)


def _import(running: Running, files: Sequence[Path], wanted: Wanted, *, dry_run: bool) -> int:
    if "SourceBucket" not in running.outputs:
        raise NotPossible("The stack has no output SourceBucket: there is nowhere to put the dump.")
    bucket, folder = running.outputs["SourceBucket"], uuid.uuid4().hex[:12]
    s3, keys = running.clients("s3"), []
    for file in files:
        keys.append(f"{PREFIX}{folder}/{file.name}")
        print(f"uploading {file} ({file.stat().st_size / 1e6:.1f} MB)", flush=True)
        s3.upload_file(str(file), bucket, keys[-1])
    body = {**wanted.body(), "s3_keys": keys, "dry_run": dry_run}
    try:
        job_id = running.api.post("/v1/admin/import-dump", body, admin=True)["job_id"]
    except ApiRefused:
        _remove(running, keys)
        raise
    try:
        job = _followed(running, job_id)
    except KeyboardInterrupt:
        print(
            f"\nThe import goes on: job {job_id}. See it with GET {running.url}/v1/admin/jobs/{job_id}, "
            f"stop it with POST {running.url}/v1/admin/jobs/{job_id}/cancel (header X-Admin-API-Key)."
        )
        return _INTERRUPTED
    if dry_run:
        _remove(running, keys)
    print(f"{', '.join(file.name for file in files)}: {job['status']}")
    print("\n".join(lines(job["result"], job["errors"])))
    return 0 if job["status"] == "succeeded" else 1


def _remove(running: Running, keys: Sequence[str]) -> None:
    """What was uploaded holds passwords: it does not stay for nothing."""
    for key in keys:
        running.clients("s3").delete_object(Bucket=running.outputs["SourceBucket"], Key=key)


def _followed(running: Running, job_id: str) -> dict[str, Any]:
    """The job when it has ended, its progress told meanwhile."""
    told, told_at, reached = "", 0.0, time.monotonic()
    at_terminal = sys.stdout.isatty()
    while True:
        try:
            job: dict[str, Any] = running.api.get(f"/v1/admin/jobs/{job_id}", admin=True)
            reached = time.monotonic()
        except OSError as error:
            # A stack that is restarted goes on with the job.
            if time.monotonic() - reached > _UNREACHABLE_SECONDS:
                sentence = f"The stack does not answer any more: {error}. The job is {job_id}."
                raise NotPossible(sentence) from error
            time.sleep(_LOOK_SECONDS)
            continue
        text, ended = _progress(job), job["status"] in ENDED
        waited = time.monotonic() - told_at
        # The time to go changes by itself: a log is told of it now and then.
        news = text.partition(", about ")[0] != told.partition(", about ")[0]
        if at_terminal or ended or waited > _LOG_SECONDS or (news and waited > _SAY_SECONDS):
            print(f"\r\x1b[K{text}" if at_terminal else text, end="" if at_terminal else "\n", flush=True)
            told, told_at = text, time.monotonic()
        if ended:
            if at_terminal:
                print()
            return job
        time.sleep(_LOOK_SECONDS)


def _progress(job: Mapping[str, Any]) -> str:
    done, total = job["progress"]["done"], job["progress"]["total"]
    if not total:
        return f"{job['status']}, waiting for a worker"
    eta = job.get("eta_seconds")
    rest = "" if eta is None else f", about {eta // 60} min {eta % 60:02d} s to go"
    return f"{100 * done // total:3d} %  {job.get('stage') or job['status']}{rest}"


def _read(files: Sequence[Path], wanted: Wanted, out: TextIO | None, *, quiet: bool = False) -> int:
    """Read a dump here; its report, unless that has been told already."""
    reading, results = core("candor.whmcs.dumps"), core("candor.importing.results")
    dump = core("candor.adapters.dump_files").FolderDump(files)
    options = reading.Options(
        departments=wanted.departments, statuses=wanted.statuses, since=wanted.since_when()
    )
    name = ", ".join(file.name for file in files)
    with tempfile.TemporaryDirectory(prefix="candor-import-") as folder:
        spill = core("candor.adapters.spills").FolderSpill(Path(folder, "spill"), durable=False)
        try:
            scan = reading.scan(dump, spill, options, on_progress=_Telling())
        except core("candor.errors").Invalid as error:
            print(f"{name}: {error}")
            return 1
        whole = joined(
            scan,
            spill,
            options,
            source=f"source/{files[0].name}",
            approval=wanted.approval,
            folder=Path(folder),
            out=out,
        )
        tally = reading.Tally()
        for _ in reading.documents(scan, spill, options, tally=tally):
            pass
        whole.add(tally)
        if not quiet:
            result = {
                "tickets": whole.tickets,
                "documents": whole.documents,
                **reading.report(scan, whole).told(),
            }
            problems = [{"reason": one.reason} for one in results.problems_of(scan)]
            print(f"{name}: nothing is stored")
            print("\n".join(lines(result, problems)))
    return 0


@contextmanager
def _opened(out: Path | None) -> Iterator[TextIO | None]:
    """The file of tickets, in its place when it is complete."""
    if out is None:
        yield None
        return
    unfinished = out.with_name(f".{out.name}.{os.getpid()}")
    try:
        with unfinished.open("w", encoding="utf-8") as file:
            yield file
        unfinished.replace(out)
    finally:
        unfinished.unlink(missing_ok=True)


class _Telling:
    """Tells how far the reading has come, every so often."""

    def __init__(self) -> None:
        self._told = time.monotonic()

    def __call__(self, scan: Any) -> None:
        if time.monotonic() - self._told > _SAY_SECONDS:
            self._told = time.monotonic()
            print(f"  read {scan.bytes_done / 1e6:.1f} of {scan.bytes_total / 1e6:.1f} MB", flush=True)


def _listed(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())
