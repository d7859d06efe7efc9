"""Lists in DynamoDB: newest first over an index spread over shards, so that no partition grows hot."""

import heapq
import itertools
import random
import time
import zlib
from collections.abc import Callable, Sequence
from typing import TypeVar

from pynamodb.exceptions import PynamoDBException, TransactWriteError
from pynamodb.expressions.condition import Condition
from pynamodb.models import Model

T = TypeVar("T")
M = TypeVar("M", bound=Model)

_ATTEMPTS = 10

_READ_AT_ONCE = 100
"""Rows of a shard in one request: with fewer, small tables would be asked a second time, for their count."""


def shard_of(key: str, shards: int) -> str:
    """Which of so many shards a key belongs to; the same on every machine."""
    return str(zlib.crc32(key.encode()) % shards)


def newest(
    rows: type[M], index_name: str, *, shards: int, page: int, page_size: int
) -> tuple[Sequence[M], int]:
    """One page of the rows, by `created_at`, and how many there are in all."""
    return newest_of(rows, index_name, [*map(str, range(shards))], page=page, page_size=page_size)


def newest_of(
    rows: type[M],
    index_name: str,
    shards: Sequence[str],
    *,
    page: int,
    page_size: int,
    where: Condition | None = None,
) -> tuple[Sequence[M], int]:
    """
    The same of the shards with these keys, and of those rows alone that a condition holds for.

    By the index's name: PynamoDB's index objects belong to whichever table their model was bound to last.
    """
    wanted = page * page_size
    runs = [
        rows.query(
            shard,
            index_name=index_name,
            filter_condition=where,
            scan_index_forward=False,
            page_size=_READ_AT_ONCE,
        )
        for shard in shards
    ]
    merged = heapq.merge(*runs, key=lambda row: str(getattr(row, "created_at", "")), reverse=True)
    found = list(itertools.islice(merged, wanted - page_size, wanted))
    # A shard that has been read to its end is counted; only a larger one is asked.
    total = sum(
        run.total_count
        if run.page_iter.last_evaluated_key is None
        else rows.count(shard, index_name=index_name, filter_condition=where)
        for shard, run in zip(shards, runs, strict=True)
    )
    return found, total


def persistently(write: Callable[[], T]) -> T:
    """
    Try again while another transaction holds one of the rows: DynamoDB refuses the later of two at once.

    Anything else, a failed condition too, is raised.
    """
    for attempt in itertools.count():
        try:
            return write()
        except PynamoDBException as error:
            if attempt >= _ATTEMPTS or not _is_contested(error):
                raise
            time.sleep(random.uniform(0, 0.01 * 2**attempt))  # noqa: S311 - spreads retries, guards nothing
    raise AssertionError("count() does not end")


def _is_contested(error: PynamoDBException) -> bool:
    if isinstance(error, TransactWriteError):
        codes = [reason.code for reason in error.cancellation_reasons if reason is not None]
        return "TransactionConflict" in codes and not any("Conditional" in code for code in codes)
    return error.cause_response_code in ("TransactionConflictException", "TransactionInProgressException")
