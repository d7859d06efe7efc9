"""Ticket directory: one contract, over every adapter."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from candor.adapters.opensearch_client import OpenSearchEndpoint
from candor.adapters.opensearch_tickets import OpenSearchTicketDirectory
from candor.tickets.store import Entry, TicketDirectory
from candor.tickets.succession import prepared, succession
from candor.tickets.values import Approval, Order, Talk, Ticket, Wanted, ticket_id_of
from tests.doubles.tickets import OPENED, draft, entry

KINDS = [
    "memory",
    "sqlite",
    pytest.param("opensearch_2", marks=pytest.mark.slow),
    pytest.param("opensearch_3", marks=pytest.mark.slow),
]


@pytest.fixture(params=KINDS)
def directory(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[TicketDirectory]:
    from candor.adapters.memory_tickets import MemoryTicketDirectory
    from candor.adapters.sqlite_tickets import SqliteTicketDirectory

    if request.param == "memory":
        yield MemoryTicketDirectory()
    elif request.param == "sqlite":
        embedded = SqliteTicketDirectory(tmp_path / "tickets")
        yield embedded
        embedded.close()
    else:
        endpoint = OpenSearchEndpoint(url=request.getfixturevalue(request.param), timeout_seconds=10)
        opensearch = OpenSearchTicketDirectory(endpoint, prefix=f"t{uuid4().hex[:8]}")
        yield opensearch
        opensearch.close()


def id_of(number: str) -> str:
    return ticket_id_of("whmcs", number)


def numbered(count: int, **fields: object) -> list[Entry]:
    """Entries a minute apart, the last the newest."""
    return [
        entry(str(number), created_at=OPENED + timedelta(minutes=number), **fields) for number in range(count)
    ]


def found(directory: TicketDirectory, **wanted: object) -> set[str]:
    ids, total = directory.page(Wanted(**wanted), page=1, page_size=100)  # type: ignore[arg-type]
    assert total == len(ids) == directory.count(Wanted(**wanted))  # type: ignore[arg-type]
    names = {id_of(str(number)): str(number) for number in range(200)}
    return {names[ticket_id] for ticket_id in ids}


def test_nothing_is_found_before_anything_is_put(directory: TicketDirectory) -> None:
    assert directory.page(Wanted(), page=1, page_size=10) == ([], 0)
    assert directory.count(Wanted(text="mail")) == 0
    assert directory.after(Wanted(), "", limit=5) == []
    assert directory.entries_after("", limit=5) == []
    directory.remove(["nobody"])
    directory.put([])
    assert directory.revise([]) == []


def test_lists_are_newest_first_and_paged(directory: TicketDirectory) -> None:
    directory.put(numbered(25))

    pages = [directory.page(Wanted(), page=page, page_size=10) for page in (1, 2, 3, 4)]

    assert [ticket_id for ids, _ in pages for ticket_id in ids] == [id_of(str(n)) for n in range(24, -1, -1)]
    assert [total for _, total in pages] == [25, 25, 25, 25]


def test_every_page_of_a_list_is_reached_from_either_end(directory: TicketDirectory) -> None:
    directory.put(numbered(23))

    for size in (1, 5, 7, 23, 100):
        ids: list[str] = []
        for page in range(1, 25):
            ids += directory.page(Wanted(status="closed"), page=page, page_size=size)[0]
            assert len(ids) == min(23, page * size)
        assert ids == [id_of(str(n)) for n in range(22, -1, -1)]


def test_those_of_one_moment_are_each_on_one_page(directory: TicketDirectory) -> None:
    directory.put([entry(str(number)) for number in range(90)])
    directory.put([entry("90", created_at=OPENED - timedelta(seconds=1))])
    directory.put([entry("91", created_at=OPENED + timedelta(seconds=1))])

    pages = [directory.page(Wanted(), page=page, page_size=10)[0] for page in range(1, 11)]

    ids = [ticket_id for page in pages for ticket_id in page]
    assert len(set(ids)) == len(ids) == 92
    assert (ids[0], ids[-1]) == (id_of("91"), id_of("90"))


def test_more_than_a_second_holds_lie_in_their_order_among_their_neighbours(
    directory: TicketDirectory,
) -> None:
    crowd = [entry(str(number)) for number in range(300)]
    later = [entry(str(number), created_at=OPENED + timedelta(hours=2)) for number in range(300, 310)]
    before = entry("310", created_at=OPENED - timedelta(seconds=1))
    directory.put([later[0], *crowd[:150], before, *later[1:5]])
    directory.put([*crowd[150:], *later[5:], entry("0", words="Said anew", revision=9)])

    ids = [one for page in range(1, 5) for one in directory.page(Wanted(), page=page, page_size=100)[0]]

    assert len(set(ids)) == len(ids) == 311
    assert set(ids[:10]) == {one.ticket_id for one in later}
    assert ids[-1] == before.ticket_id
    assert found(directory, text="anew") == {"0"}


def test_of_entries_of_one_ticket_that_come_together_the_latest_counts(directory: TicketDirectory) -> None:
    moved = OPENED + timedelta(days=1)
    directory.put([entry("1", revision=5, words="held"), entry("2", words="other"), entry("3", revision=2)])

    directory.put(
        [
            entry("1", revision=4, words="late"),
            entry("2", revision=7, words="newest", created_at=moved),
            entry("2", revision=6, words="newer"),
            entry("4", revision=3, words="first"),
            entry("4", revision=3, words="second"),
            entry("3", revision=3, created_at=moved),
        ]
    )

    answers = ("held", "late", "other", "newer", "newest", "first", "second", "mail")
    assert [found(directory, text=text) for text in answers] == [
        {"1"}, set(), set(), set(), {"2"}, set(), {"4"}, {"3"},
    ]  # fmt: skip
    ids, _ = directory.page(Wanted(), page=1, page_size=10)
    assert set(ids[:2]) == {id_of("2"), id_of("3")}


def test_times_before_computers_and_far_ahead_are_sorted_too(directory: TicketDirectory) -> None:
    years = (1, 1969, 1970, 2026, 9999)
    directory.put([entry(str(year), created_at=datetime(year, 1, 1, tzinfo=UTC)) for year in years])

    ids, _ = directory.page(Wanted(), page=1, page_size=10)

    assert ids == [id_of(str(year)) for year in reversed(years)]


def test_what_promises_most_comes_first_then_the_newest(directory: TicketDirectory) -> None:
    worths = (10, 90, 50, 90, 0)
    directory.put(
        [
            entry(str(number), worth=worth, created_at=OPENED + timedelta(minutes=number))
            for number, worth in enumerate(worths)
        ]
    )

    first, _ = directory.page(Wanted(), page=1, page_size=3, order=Order.WORTH)
    second, _ = directory.page(Wanted(), page=2, page_size=3, order=Order.WORTH)
    searched, _ = directory.page(Wanted(text="mail"), page=1, page_size=9, order=Order.WORTH)

    assert [*first, *second] == searched == [id_of(number) for number in ("3", "1", "2", "0", "4")]


def test_filters_hold_together_and_ignore_case(directory: TicketDirectory) -> None:
    directory.put(
        [
            entry("1", status="Open", department="Sales"),
            entry("2", status="Closed", department="Sales", approval=Approval.APPROVED),
            entry("3", status="Closed", department="Support", helpdesk="other"),
            entry("4", status="Закрыт", department="Größe", source_file="source/b.json"),
        ]
    )

    assert found(directory, status="closed") == {"2", "3"}
    assert found(directory, status="CLOSED", department="sales") == {"2"}
    assert found(directory, approval=Approval.PENDING) == {"1", "3", "4"}
    assert found(directory, helpdesk="OTHER") == {"3"}
    assert found(directory, status="ЗАКРЫТ", department="grösse") == {"4"}
    assert found(directory, source_file="source/b.json") == {"4"}
    assert found(directory, status="Unknown") == set()
    assert found(directory, status="Closed", approval=Approval.APPROVED, text="mail") == {"2"}
    assert found(directory) == {"1", "2", "3", "4"}


WORDS = {
    "1": "ABC-123456 Ann Miller ann.miller@shop.example.com My policies were changed",
    "2": "Не приходит оплата за хостинг, ошибка 504",
    "3": "Rückerstattung der Rechnungen für VPS-2",
    "4": "v-change-sys-port /etc/php.ini don't panic, O'Brien's C:\\temp",
    "5": "日本語のメールが届かない",
    "6": "Кошти внесено, дякую. Café naïve",
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("#ABC-123456", "1"),
        ("abc-123", "1"),
        ("123456", "1"),
        ("ann.miller@shop.example.com", "1"),
        ("ANN.MILLER@SHOP", "1"),
        ("shop.example.com", "1"),
        ("miller ann", "1"),
        ("policy", "1"),
        ("оплаты", "2"),
        ("ОПЛАТА хостинга", "2"),
        ("ошибки", "2"),
        ("504", "2"),
        ("ruckerstattung", "3"),
        ("Rückerst", "3"),
        ("rechnung", "3"),
        ("vps-2", "3"),
        ("change-sys", "4"),
        ("php.ini", "4"),
        ("/etc/php.ini", "4"),
        ("don’t", "4"),
        ("obrien", "4"),
        ("メール", "5"),
        ("届か", "5"),
        ("cafe", "6"),
        ("дякую", "6"),
        ("nothing of it", ""),
        ("ann 504", ""),
        ("###", ""),
        ('" OR *', ""),
        ("terms:abc", ""),
    ],
)
def test_tickets_are_found_by_words_of_any_language_and_by_their_beginnings(
    directory: TicketDirectory, text: str, expected: str
) -> None:
    directory.put([entry(number, words) for number, words in WORDS.items()])

    assert found(directory, text=text) == ({expected} if expected else set())


def test_blank_words_find_everything(directory: TicketDirectory) -> None:
    directory.put(numbered(3))

    assert found(directory, text="  \n") == {"0", "1", "2"}


def test_what_was_put_again_is_found_by_its_new_words_alone(directory: TicketDirectory) -> None:
    directory.put([entry("1", "first words"), entry("2", "first words")])

    later = OPENED + timedelta(days=1)
    directory.put([entry("1", "other words", version=2, revision=2, status="Open", created_at=later)])

    assert found(directory, text="first") == {"2"}
    assert found(directory, text="other") == {"1"}
    assert found(directory, text="words") == {"1", "2"}
    assert found(directory, status="open") == {"1"}
    assert directory.page(Wanted(), page=1, page_size=1)[0] == [id_of("1")]


def test_a_count_is_of_this_moment_whoever_has_written(directory: TicketDirectory) -> None:
    directory.put(numbered(3))
    assert (directory.count(Wanted(text="mail")), directory.count(Wanted(status="closed"))) == (3, 3)

    directory.put([entry("7")])
    assert (directory.count(Wanted(text="mail")), directory.count(Wanted(status="closed"))) == (4, 4)

    directory.revise([ticket("7", revision=2, status="Open")])
    assert (directory.count(Wanted(text="mail")), directory.count(Wanted(status="closed"))) == (4, 3)

    directory.remove([id_of("7")])
    assert (directory.count(Wanted(text="mail")), directory.count(Wanted(status="closed"))) == (3, 3)


def test_an_entry_that_comes_late_undoes_nothing(directory: TicketDirectory) -> None:
    directory.put([entry("1", "later", version=2, revision=5, approval=Approval.APPROVED)])

    directory.put([entry("1", "earlier", version=1, revision=4)])

    assert found(directory, text="later", approval=Approval.APPROVED) == {"1"}
    assert directory.entries_after("", limit=9) == [(id_of("1"), 2, Approval.APPROVED)]


def test_a_decision_changes_what_filters_find_and_keeps_the_words(directory: TicketDirectory) -> None:
    directory.put([entry("1", "some words"), entry("2", "some words")])

    absent = directory.revise(
        [ticket("1", revision=2, approval=Approval.APPROVED, status="Open"), ticket("3", revision=1)]
    )

    assert absent == [id_of("3")]
    assert found(directory, text="words", approval=Approval.APPROVED, status="open") == {"1"}
    assert found(directory, text="words", approval=Approval.PENDING) == {"2"}
    assert directory.revise([ticket("1", revision=1), ticket("2", revision=1)]) == []
    assert found(directory, approval=Approval.APPROVED) == {"1"}


def test_words_of_an_earlier_version_are_wanted_anew(directory: TicketDirectory) -> None:
    directory.put([entry("1")])

    assert directory.revise([ticket("1", version=2, revision=2)]) == [id_of("1")]


def test_what_is_removed_is_found_no_more_and_may_come_back(directory: TicketDirectory) -> None:
    directory.put([entry("1", revision=7), entry("2")])

    directory.remove([id_of("1"), id_of("nobody")])

    assert found(directory) == {"2"}
    assert found(directory, text="mail") == {"2"}
    directory.put([entry("1", revision=1)])
    assert found(directory, text="mail") == {"1", "2"}


def test_all_that_is_meant_can_be_worked_through_in_order_of_id(directory: TicketDirectory) -> None:
    directory.put([*numbered(20), entry("20", "other", status="Open")])

    seen: list[str] = []
    while ids := directory.after(Wanted(text="mail", status="closed"), seen[-1] if seen else "", limit=7):
        assert len(ids) <= 7
        seen += ids

    assert seen == sorted(id_of(str(number)) for number in range(20))
    assert len(directory.after(Wanted(), "", limit=100)) == 21


def test_entries_are_told_in_order_of_id_with_version_and_approval(directory: TicketDirectory) -> None:
    directory.put([entry(str(n), version=n + 1, approval=Approval.REJECTED) for n in range(5)])

    told = [*directory.entries_after("", limit=2)]
    told += directory.entries_after(told[-1][0], limit=10)

    assert told == sorted((id_of(str(n)), n + 1, Approval.REJECTED) for n in range(5))


def test_a_word_longer_than_any_and_a_text_longer_than_any_are_found(directory: TicketDirectory) -> None:
    directory.put([entry("1", f"{'x' * 500} end-{'y' * 500}"), entry("2", " ".join(map(str, range(50_000))))])

    assert found(directory, text="x" * 500) == {"1"}
    assert found(directory, text="y" * 400) == {"1"}
    assert found(directory, text="17") == {"2"}
    assert found(directory, text=" ".join(map(str, range(500)))) == {"2"}


def ticket(number: str, **fields: object) -> Ticket:
    """The row of `entry(number)`."""

    def nothing_yet() -> Talk:
        raise AssertionError("a new ticket has no talk yet")

    row, _, _ = succession(None, nothing_yet, prepared(draft(number)), approval=Approval.PENDING, now=OPENED)
    return replace(row, **fields)  # type: ignore[arg-type]


def test_another_process_sees_what_was_written_and_counts_it(tmp_path: Path) -> None:
    from candor.adapters.sqlite_tickets import SqliteTicketDirectory

    one, other = SqliteTicketDirectory(tmp_path), SqliteTicketDirectory(tmp_path)
    one.put([entry("1")])
    assert other.count(Wanted(text="mail")) == 1

    one.put([entry("2")])
    one.revise([ticket("1", revision=2, status="Open")])

    assert other.count(Wanted(text="mail")) == 2
    assert other.count(Wanted(status="open")) == 1
    one.close()
    other.close()
