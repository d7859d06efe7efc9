"""Dump report: what was read, how, and what came of it, exactly enough to be checked against the database."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from candor.whmcs.dumps.values import Scan, Tally


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """Every row read is in it: as a ticket, a reply, a merged ticket, or skipped with its reason."""

    rows: Mapping[str, int]
    """Table, with its prefix → rows read."""
    tickets: int
    replies: int
    """Messages after the first one, those of merged tickets included."""
    merged: int
    documents: int
    skipped: Mapping[str, int]
    """Reason → how many."""
    truncated_at: int | None
    truncations: tuple[Mapping[str, Any], ...]
    encodings: Mapping[str, int]
    """How texts beyond ASCII were read → how many."""
    charsets: Mapping[str, int]
    """What the dump says of its letters → rows."""
    layouts: Mapping[str, str]
    """Table → how many columns in whose order."""
    tables_skipped: tuple[str, ...]
    """The first tables passed over."""
    problems: tuple[Mapping[str, Any], ...]
    """The first hundred."""
    problems_count: int

    def told(self) -> dict[str, Any]:
        """What an import's result says of the dump, whoever asked for it to be read."""
        return {
            "rows": dict(self.rows),
            "replies": self.replies,
            "merged": self.merged,
            "skipped": sum(self.skipped.values()),
            "skipped_reasons": dict(self.skipped),
            "truncated_at": self.truncated_at,
            "encodings": dict(self.encodings),
            "charsets": dict(self.charsets),
            "layouts": dict(self.layouts),
            "tables_passed_over": list(self.tables_skipped),
            "problems": self.problems_count,
        }


def report(scan: Scan, tally: Tally | None = None) -> Report:
    """The report of a dump; `tally` is the sum over its partitions and documents, as far as made."""
    tally = tally if tally is not None else Tally()
    prefix = scan.chosen.rsplit(":", 1)[-1]
    skipped = dict(tally.skipped)
    if scan.malformed:
        skipped["rows that cannot be read"] = scan.malformed
    return Report(
        rows={f"{prefix}{table}": count for table, count in sorted(scan.rows.get(scan.chosen, {}).items())},
        tickets=tally.tickets,
        replies=tally.replies,
        merged=tally.merged,
        documents=tally.documents,
        skipped=skipped,
        truncated_at=scan.truncated_at,
        truncations=tuple(asdict(one) for one in scan.truncations),
        encodings=dict(tally.encodings),
        charsets=dict(scan.charsets),
        layouts={
            f"{prefix}{key.partition('|')[2]}": f"{len(layout.columns)} columns by {layout.found}"
            for key, layout in sorted(scan.used.items())
            if key.startswith(f"{scan.chosen}|")
        },
        tables_skipped=scan.tables_skipped,
        problems=tuple(asdict(one) for one in scan.problems),
        problems_count=scan.problems_count,
    )
