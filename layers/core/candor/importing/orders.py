"""
Orders: what is to be imported, and how.

An order lies in the bucket beside the import's work files; the job and its messages only name it. It says
which content of each file is meant: one that is replaced meanwhile must not be read half and half.
"""

import json
import uuid
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Any, Final

from candor.errors import Invalid, Malformed, NotFound
from candor.importing.first_look import first_look, may_be_dump
from candor.importing.receipts import Receipts
from candor.jobs import Job, Jobs
from candor.messages import DumpToImport, Queue
from candor.objects import IMPORTS_PREFIX, SOURCE_PREFIX, ObjectInfo, Objects, mark_of
from candor.tickets.values import Approval

KIND: Final = "import_dump"

UPLOADS_PREFIX: Final = "uploads/"

MAX_FILES: Final = 1_000
"""Of one dump: mydumper writes a few per table."""

_LOOKERS: Final = 16
"""Files looked at side by side: the request that names a thousand is answered within its 29 seconds."""

_AT_ONCE: Final = 1_000


@dataclass(frozen=True, kw_only=True, slots=True)
class DumpFile:
    """One file of a dump, and which content of it is meant (`objects.mark_of`)."""

    key: str
    mark: str
    size: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ImportOrder:
    files: tuple[DumpFile, ...]
    dry_run: bool = False
    approval: Approval = Approval.PENDING
    """Of tickets that are new; those we know keep their own."""
    departments: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()
    since: datetime | None = None
    dropped: bool = False
    """Nobody said that this one file is all there is: part of a dump is refused."""

    @property
    def key(self) -> str:
        """Its first file."""
        return self.files[0].key

    @property
    def owner(self) -> str:
        """
        What its tickets and documents belong to: its first file as it lies under `source/`, or would.

        So the next dump of that name, whichever way it comes, takes the place of this one.
        """
        inside = self.key.startswith(SOURCE_PREFIX)
        return self.key if inside else f"{SOURCE_PREFIX}{PurePosixPath(self.key).name}"

    @property
    def subject(self) -> str:
        more = len(self.files) - 1
        return f"{self.key} and {more} more" if more else self.key

    def to_json(self) -> bytes:
        fields = {**asdict(self), "since": self.since.isoformat() if self.since else None}
        return json.dumps(fields, ensure_ascii=False).encode("utf-8", "surrogatepass")

    @classmethod
    def from_json(cls, body: bytes) -> "ImportOrder":
        fields: dict[str, Any] = json.loads(body.decode("utf-8", "surrogatepass"))
        return cls(
            files=tuple(DumpFile(**file) for file in fields["files"]),
            dry_run=fields["dry_run"],
            approval=Approval(fields["approval"]),
            departments=tuple(fields["departments"]),
            statuses=tuple(fields["statuses"]),
            since=datetime.fromisoformat(fields["since"]) if fields["since"] else None,
            dropped=fields["dropped"],
        )


class Orders:
    """Takes orders, and keeps them until their import has ended."""

    def __init__(self, *, jobs: Jobs, objects: Objects, queue: Queue) -> None:
        self._jobs = jobs
        self._objects = objects
        self._queue = queue
        self._receipts = Receipts(objects)

    def place(
        self,
        keys: Sequence[str],
        *,
        created_by: str,
        dry_run: bool = False,
        approval: Approval = Approval.PENDING,
        departments: Sequence[str] = (),
        statuses: Sequence[str] = (),
        since: datetime | None = None,
    ) -> Job:
        """
        Import these files as one dump, in this order.

        `Malformed` for a key that is not ours to read, `NotFound` for one where nothing lies, `Invalid` for
        what a first look tells is no dump.
        """
        named = list(dict.fromkeys(keys))
        if not named:
            raise Invalid("Name the dump's file: s3_key, or s3_keys for one in several files.")
        if len(named) > MAX_FILES:
            raise Invalid(f"A dump has at most {MAX_FILES} files here: join some of them.")
        with ThreadPoolExecutor(max_workers=_LOOKERS) as pool:
            infos = list(pool.map(self._found, named))
            looks = list(pool.map(lambda info: first_look(self._objects, info), infos))
        begun = False
        wanted: list[ObjectInfo] = []
        for info, look in zip(infos, looks, strict=True):
            if look.kind == "aside":
                continue
            # A dump that was cut into pieces goes on in the middle of a statement, or of what is packed.
            if look.kind == "other" and not begun:
                raise Invalid(look.sentence)
            begun = True
            wanted.append(info)
        if not wanted:
            raise Invalid("None of these files holds SQL: an import wants what mysqldump writes.")
        order = ImportOrder(
            files=tuple(map(_file, wanted)),
            dry_run=dry_run,
            approval=approval,
            departments=tuple(departments),
            statuses=tuple(statuses),
            since=_aware(since),
        )
        return self._start(order, str(uuid.uuid4()), created_by=created_by)

    def of_drop(self, info: ObjectInfo, *, job_id: str, created_by: str) -> Job | None:
        """The job that imports what was dropped there; None when it is no dump."""
        if not may_be_dump(info.key):
            return None
        try:
            job = self._jobs.get(job_id)
        except NotFound:
            pass
        else:
            # Seen before: what it is was found out then.
            if job.kind != KIND:
                return None
            if not job.status.ended:
                self.go_on_later(job_id)
            return job
        if not self.takes(info):
            return None
        return self._start(ImportOrder(files=(_file(info),), dropped=True), job_id, created_by=created_by)

    def takes(self, info: ObjectInfo) -> bool:
        """Whether what lies there is a dump."""
        try:
            return may_be_dump(info.key) and first_look(self._objects, info).kind == "dump"
        except NotFound:
            return False

    def retired(self, key: str) -> bool:
        """Whether what lay there was a dump that we removed ourselves, after it had been imported."""
        return self._receipts.retired(key)

    def renew(self, key: str) -> None:
        """Something lies there again: whoever removes that means it."""
        self._receipts.renew(key)

    def read(self, job_id: str) -> ImportOrder:
        return ImportOrder.from_json(self._objects.read(_order_key(job_id)))

    def go_on_later(self, job_id: str) -> None:
        self._queue.send(DumpToImport(job_id=job_id))

    def clear(self, job_id: str) -> None:
        """Everything the import worked with. What else it wrote stays."""
        keys = [info.key for info in self._objects.list(work_prefix(job_id))]
        for start in range(0, len(keys), _AT_ONCE):
            self._objects.delete(*keys[start : start + _AT_ONCE])

    def _start(self, order: ImportOrder, job_id: str, *, created_by: str) -> Job:
        # The order first: whoever finds the job finds what it is about.
        self._objects.put(_order_key(job_id), order.to_json(), content_type="application/json")
        job = self._jobs.start(kind=KIND, subject=order.subject, created_by=created_by, job_id=job_id)
        if not job.status.ended:
            self.go_on_later(job_id)
        return job

    def _found(self, key: str) -> ObjectInfo:
        parts = key.split("/")
        if not key.startswith((SOURCE_PREFIX, UPLOADS_PREFIX)) or ".." in parts or "\\" in key or "" in parts:
            raise Malformed(
                f"A dump is read from under {SOURCE_PREFIX} or {UPLOADS_PREFIX} of the source bucket: "
                "name its key there."
            )
        info = self._objects.find(key)
        if info is None:
            raise NotFound(f"There is no object {key} in the source bucket: upload the dump first.")
        return info


def work_prefix(job_id: str) -> str:
    return f"{IMPORTS_PREFIX}{job_id}/"


def _order_key(job_id: str) -> str:
    return f"{work_prefix(job_id)}order.json"


def _file(info: ObjectInfo) -> DumpFile:
    return DumpFile(key=info.key, mark=mark_of(info), size=info.size)


def _aware(at: datetime | None) -> datetime | None:
    return at.replace(tzinfo=UTC) if at is not None and at.tzinfo is None else at
