"""
Speed of the directory of tickets, embedded: writing it, and every kind of question, with its 95th percentile.

    python -m tests.benchmarks.bench_tickets -n 200000
"""

import argparse
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from pathlib import Path

from candor.adapters.sqlite_tickets import SqliteTicketDirectory
from candor.tickets.store import Entry
from candor.tickets.succession import prepared, succession
from candor.tickets.values import Approval, Order, Talk, Ticket, TicketDraft, Wanted, ticket_id_of

_STATUSES = ("Closed", "Answered", "Open", "Customer-Reply", "On Hold")
_DEPARTMENTS = ("Support", "Sales", "Billing", "Abuse")
_LETTERS = "aaabcdeeeefghiiijklmnooooprsttuvwyz"
_BEGAN = datetime(2015, 1, 1, tzinfo=UTC)
_WORDS_OF_ONE = 160
_PUT_AT_ONCE = 1_000
_ASKED = 40


class Vocabulary:
    """Words as unevenly used as those of a language (Zipf), and some that everybody uses."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self.words = ["".join(rng.choices(_LETTERS, k=rng.randint(3, 11))) for _ in range(40_000)]
        self._weights = list(accumulate(1 / place for place in range(1, len(self.words) + 1)))

    def text(self, count: int) -> str:
        return " ".join(self._rng.choices(self.words, cum_weights=self._weights, k=count))


def entries(count: int, vocabulary: Vocabulary, rng: random.Random) -> Iterator[Entry]:
    for number in range(count):
        customer = f"user{number % 30_000}@customer{number % 900}.example.com"
        yield Entry(
            ticket_id=ticket_id_of("whmcs", str(number)),
            version=1,
            words=f"ABC-{number:06} {number} {customer} hosting {vocabulary.text(_WORDS_OF_ONE)}",
            status=rng.choices(_STATUSES, (70, 15, 8, 5, 2))[0],
            approval=rng.choices(tuple(Approval), (80, 15, 5))[0],
            department=rng.choice(_DEPARTMENTS),
            helpdesk="whmcs",
            source_file="source/dump.sql",
            worth=rng.randint(0, 100),
            created_at=_BEGAN + timedelta(minutes=number * 25),
            revision=1,
        )


def questions(
    directory: SqliteTicketDirectory, count: int, vocabulary: Vocabulary, rng: random.Random
) -> dict[str, Callable[[], object]]:
    def page(wanted: Wanted, number: int, order: Order = Order.NEWEST) -> object:
        return directory.page(wanted, page=number, page_size=100, order=order)

    def some_page(share: float = 1.0) -> int:
        return rng.randint(1, max(1, int(count * share / 100)))

    closed, pending = Wanted(status="closed"), Wanted(status="closed", approval=Approval.PENDING)
    sales = Wanted(status="open", department="sales")
    return {
        "first page": lambda: page(Wanted(), 1),
        "any page": lambda: page(Wanted(), some_page()),
        "any page, what promises most first": lambda: page(Wanted(), some_page(), Order.WORTH),
        "any page of 70 %": lambda: page(closed, some_page(0.7)),
        "any page of 56 %, most promising first": lambda: page(pending, some_page(0.56), Order.WORTH),
        "any page of 2 %": lambda: page(sales, some_page(0.02)),
        "a count with three filters": lambda: directory.count(
            Wanted(status="closed", approval=Approval.PENDING, department="sales")
        ),
        "a number": lambda: page(Wanted(text=f"#ABC-{rng.randrange(count):06}"), 1),
        "an e-mail address": lambda: page(Wanted(text=f"user{rng.randrange(30_000)}@customer"), 1),
        "a word": lambda: page(Wanted(text=rng.choice(vocabulary.words)), 1),
        "two words": lambda: page(Wanted(text=" ".join(rng.choices(vocabulary.words[:500], k=2))), 1),
        "three letters of a word": lambda: page(Wanted(text=rng.choice(vocabulary.words)[:3]), 1),
        "a frequent word, filtered": lambda: page(
            Wanted(text=rng.choice(vocabulary.words[:50]), status="closed"), some_page(0.1)
        ),
        "a word that all have": lambda: page(Wanted(text="hosting"), some_page()),
        "a word that all have, filtered": lambda: page(Wanted(text="hosting", status="closed"), 1),
        "a word that all have, by promise": lambda: page(Wanted(text="hosting"), 1, Order.WORTH),
        "100 decisions": lambda: directory.revise(decided(rng, count)),
    }


def decided(rng: random.Random, count: int) -> list[Ticket]:
    draft = prepared(TicketDraft(number="0", subject="x", description="y", status="Closed"))
    row, _, _ = succession(None, _none, draft, approval=Approval.APPROVED, now=_BEGAN)
    return [
        replace(row, ticket_id=ticket_id_of("whmcs", str(rng.randrange(count))), revision=time.time_ns())
        for _ in range(100)
    ]


def _none() -> Talk:
    raise AssertionError("a new ticket has no talk yet")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument("-n", type=int, default=200_000, help="tickets")
    count = parser.parse_args().n
    rng = random.Random(7)
    vocabulary = Vocabulary(rng)
    with tempfile.TemporaryDirectory() as folder:
        directory = SqliteTicketDirectory(folder)
        batch: list[Entry] = []
        spent = 0.0
        for entry in entries(count, vocabulary, rng):
            batch.append(entry)
            if len(batch) == _PUT_AT_ONCE or entry.ticket_id == ticket_id_of("whmcs", str(count - 1)):
                began = time.perf_counter()
                directory.put(batch)
                spent += time.perf_counter() - began
                batch = []
        size = sum(file.stat().st_size for file in Path(folder).iterdir())
        print(f"{count:,} tickets put: {count / spent:,.0f} a second, {size / 1e6:,.0f} MB on disk")
        worst = 0.0
        for name, ask in questions(directory, count, vocabulary, rng).items():
            times = []
            for _ in range(_ASKED):
                began = time.perf_counter()
                ask()
                times.append((time.perf_counter() - began) * 1000)
            p95 = statistics.quantiles(times, n=20)[-1]
            worst = max(worst, p95)
            print(f"{name:<42} p50 {statistics.median(times):7.1f} ms   p95 {p95:7.1f} ms")
        print(f"{'the slowest of them':<42} {'':14} p95 {worst:7.1f} ms")
        directory.close()


if __name__ == "__main__":
    main()
