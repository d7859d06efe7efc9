"""
Crawls in DynamoDB: one table of plans, frontiers, remembered pages and turns.

| pk | sk | holds |
|---|---|---|
| `job#<id>` | `plan`, `frontier` | one crawl; forgotten a month after it was last touched |
| `site#<site>#<shard>` | key of the page | what a conditional request needs |
| `site#<site>` | `turn`, `about` | whose turn it is; the options of the last crawl |
"""

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict

from pynamodb.attributes import BinaryAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.exceptions import DoesNotExist, PynamoDBException
from pynamodb.expressions.condition import Condition
from pynamodb.models import Model

from candor.adapters.dynamodb import bound_to, is_condition, translated
from candor.adapters.dynamodb_lists import shard_of
from candor.crawling.crawls import Page, Plan, Site, Turn
from candor.crawling.frontier import Frontier
from candor.errors import Unavailable

KEPT_SECONDS = 30 * 24 * 3600
"""A crawl after its end, and a page that has no document: nobody asks for them any more."""

SITE_SHARDS = 8

_ATTEMPTS = 20


class CrawlRow(Model):
    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    data = BinaryAttribute(null=True, legacy_encoding=False)
    revision = NumberAttribute(null=True)
    next_at = NumberAttribute(null=True)
    horizon = NumberAttribute(null=True)
    expires_at = NumberAttribute(null=True)


class DynamoCrawls:
    """`Crawls` in one table (`pk`, `sk`, time to live `expires_at`)."""

    def __init__(self, table_name: str, *, clock: Callable[[], float] = time.time) -> None:
        self._rows = bound_to(CrawlRow, table_name)
        self._clock = clock

    def begin(self, plan: Plan) -> None:
        row = self._rows(_job(plan.job_id), "plan", data=plan.to_bytes(), expires_at=self._expiry())
        with translated():
            row.save()

    def plan(self, job_id: str) -> Plan | None:
        row = self._get(_job(job_id), "plan")
        return Plan.from_bytes(row.data) if row else None

    def frontier(self, job_id: str) -> Frontier:
        row = self._get(_job(job_id), "frontier")
        if row is None:
            return Frontier(job_id=job_id)
        return Frontier.from_bytes(row.data, revision=int(row.revision))

    def save(self, frontier: Frontier) -> bool:
        row = self._rows(
            _job(frontier.job_id),
            "frontier",
            data=frontier.to_bytes(),
            revision=frontier.revision + 1,
            expires_at=self._expiry(),
        )
        if not self._saved(row, frontier.revision):
            return False
        frontier.revision += 1
        return True

    def pages(self, site: str, keys: Iterable[str]) -> Mapping[str, Page]:
        wanted = [(_shelf(site, key), key) for key in dict.fromkeys(keys)]
        if not wanted:
            return {}
        with translated():
            rows = self._rows.batch_get(wanted, consistent_read=True)
            return {row.sk: Page.from_bytes(row.data, site=site, key=row.sk) for row in rows}

    def known(self, site: str) -> Iterator[Page]:
        for shard in range(SITE_SHARDS):
            with translated():
                rows = list(self._rows.query(f"site#{site}#{shard}", consistent_read=True))
            for row in rows:
                yield Page.from_bytes(row.data, site=site, key=row.sk)

    def remember(self, pages: Sequence[Page]) -> None:
        if not pages:
            return
        with translated(), self._rows.batch_write() as batch:
            for page in {(page.site, page.key): page for page in pages}.values():
                expiry = None if page.document else self._expiry()
                row = self._rows(
                    _shelf(page.site, page.key), page.key, data=page.to_bytes(), expires_at=expiry
                )
                batch.save(row)

    def forget(self, pages: Sequence[Page]) -> None:
        if not pages:
            return
        with translated(), self._rows.batch_write() as batch:
            for site, key in {(page.site, page.key) for page in pages}:
                batch.delete(self._rows(_shelf(site, key), key))

    def turn(self, site: str, *, now: float, delay: float, patience: float) -> Turn:
        for _ in range(_ATTEMPTS):
            row = self._get(f"site#{site}", "turn")
            before = (float(row.next_at), float(row.horizon)) if row else (0.0, 0.0)
            revision = int(row.revision) if row else 0
            turn, (next_at, horizon) = Turn.taken(before, now=now, delay=delay, patience=patience)
            fresh = self._rows(
                f"site#{site}",
                "turn",
                next_at=next_at,
                horizon=horizon,
                revision=revision + 1,
                expires_at=self._expiry(),
            )
            if self._saved(fresh, revision):
                return turn
        raise Unavailable("Too many workers are asking this site at once.")

    def site(self, site: str) -> Site:
        row = self._get(f"site#{site}", "about")
        return Site(**json.loads(row.data)) if row else Site()

    def keep_site(self, site: str, about: Site) -> None:
        with translated():
            self._rows(f"site#{site}", "about", data=json.dumps(asdict(about)).encode()).save()

    def _get(self, pk: str, sk: str) -> CrawlRow | None:
        with translated():
            try:
                return self._rows.get(pk, sk, consistent_read=True)
            except DoesNotExist:
                return None

    def _saved(self, row: CrawlRow, was: int) -> bool:
        unmoved: Condition = CrawlRow.revision == was if was else CrawlRow.pk.does_not_exist()
        try:
            with translated():
                row.save(condition=unmoved)
        except PynamoDBException as error:
            if not is_condition(error):
                raise
            return False
        return True

    def _expiry(self) -> int:
        return int(self._clock()) + KEPT_SECONDS


def _job(job_id: str) -> str:
    return f"job#{job_id}"


def _shelf(site: str, key: str) -> str:
    return f"site#{site}#{shard_of(key, SITE_SHARDS)}"
