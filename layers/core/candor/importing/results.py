"""Results: what an import says in the end, and why part of a dump is refused."""

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any, Final

from candor.importing.course import Course
from candor.importing.orders import ImportOrder
from candor.jobs import MAX_ERRORS_KEPT, JobError
from candor.whmcs import dumps

TOGETHER: Final = (
    "If it is one of several files, import them together: POST /v1/admin/import-dump with all of them as "
    "s3_keys, in their order."
)
"""What to do with part of a dump."""

_TICKETS = "tickets"
_REPLIES = "ticketreplies"


def expected_tickets(scan: dumps.Scan) -> int:
    """Rows of tickets in the dump: more than will come of them, for some are merged or not wanted."""
    return _rows(scan).get(_TICKETS, 0)


def part_of(scan: dumps.Scan, key: str) -> str:
    """Why a file that was dropped alone is not a whole dump; blank for one that is."""
    held = {name for name, count in _rows(scan).items() if count}
    # A table without rows is one all the same.
    held |= {name.rpartition("|")[2] for name in scan.layouts if name.startswith(f"{scan.chosen}|")}
    lacking = [name for name in (_TICKETS, _REPLIES) if name not in held]
    if not lacking:
        return ""
    return (
        f"{PurePosixPath(key).name} seems to be a part of a dump: it holds {', '.join(sorted(held))}, "
        f"and not {' or '.join(lacking)}. Nothing was stored. {TOGETHER}"
    )


def problems_of(scan: dumps.Scan) -> list[JobError]:
    return [
        JobError(file=problem.file, record=-1, reason=_told(problem))
        for problem in dict.fromkeys((*scan.truncations, *scan.problems))
    ][:MAX_ERRORS_KEPT]


def result_of(scan: dumps.Scan, course: Course, order: ImportOrder) -> dict[str, Any]:
    """The report. `ok`, `skipped` and `error` are what every job that reads files tells."""
    tally = dumps.Tally.of(course.tally) if course.tally else dumps.Tally()
    return {
        "status": "ok",
        "dry_run": order.dry_run,
        "ok": course.created + course.updated + course.unchanged,
        "error": course.failed,
        "tickets": course.tickets,
        "created": course.created,
        "updated": course.updated,
        "unchanged": course.unchanged,
        "documents": course.documents,
        "documents_created": course.documents_created,
        "documents_updated": course.documents_updated,
        "documents_unchanged": course.documents_unchanged,
        "documents_withdrawn": course.documents_withdrawn,
        "files": [file.key for file in order.files],
        **dumps.report(scan, tally).told(),
    }


def _told(problem: dumps.Problem) -> str:
    where = f" (byte {problem.offset:,} of its text)" if problem.offset else ""
    return problem.sentence if "byte" in problem.sentence else f"{problem.sentence}{where}"


def _rows(scan: dumps.Scan) -> Mapping[str, int]:
    return scan.rows.get(scan.chosen, {})
