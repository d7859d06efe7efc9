"""Books of entries: one contract, over every store."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from candor.adapters.dynamodb_entries import DynamoBooks
from candor.adapters.memory_entries import MemoryBooks
from candor.entries import Book, Books, Entry, Listing, seed
from candor.errors import Conflict, Invalid, NotFound
from tests.doubles.tables import create_table

SEEDS = [seed("things", "one", 1, text="first"), seed("things", "two", 2, text="second")]


@pytest.fixture(params=["memory", "ministack", "dynamodb_local"])
def books(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Books:
    if request.param == "memory":
        return MemoryBooks()
    monkeypatch.setenv("AWS_ENDPOINT_URL", request.getfixturevalue(request.param))
    return DynamoBooks(create_table("ConfigTable"))


def listing(books: Books, *, most: int = 100) -> Listing:
    return Listing(name="things", books=books, seeds=SEEDS, most=most, what="thing")


def keys(things: Listing) -> list[str]:
    return [entry.key for entry in things.read()[1]]


def test_a_book_nobody_has_written_in_is_empty(books: Books) -> None:
    assert books.read("things") == Book()
    assert books.version("things") == 0


def test_what_is_written_is_read_again_with_its_version(books: Books) -> None:
    entry = Entry(entry_id="a", key="ключ", enabled=False, sort_order=-3, content={"x": ["ü", 1, None]})

    books.write("things", version=1, put=entry, gone={"s2", "s1"})

    assert books.read("things") == Book(version=1, entries=(entry,), gone=frozenset({"s1", "s2"}))
    assert books.version("things") == 1
    assert books.read("others") == Book()


def test_a_change_made_of_an_older_version_is_refused_and_writes_nothing(books: Books) -> None:
    books.write("things", version=1, put=Entry(entry_id="a", key="a"))

    for version in (1, 3):
        with pytest.raises(Conflict):
            books.write("things", version=version, put=Entry(entry_id="b", key="b"), drop="a")

    assert [entry.entry_id for entry in books.read("things").entries] == ["a"]


def test_more_than_one_page_of_entries_is_read_whole(books: Books) -> None:
    for number in range(8):
        entry = Entry(entry_id=f"{number}", key=f"{number}", content={"text": "я" * 90_000})
        books.write("things", version=number + 1, put=entry)

    assert len(books.read("things").entries) == 8


def test_seeds_are_there_from_the_first_day_and_changed_ones_stay_changed(books: Books) -> None:
    things = listing(books)
    assert keys(things) == ["one", "two"]

    things.change(SEEDS[0].entry_id, lambda entry: replace(entry, content={"text": "changed"}))

    assert [entry.content["text"] for entry in listing(books).read()[1]] == ["changed", "second"]
    assert things.get(SEEDS[0].entry_id).content == {"text": "changed"}


def test_a_deleted_seed_stays_deleted_and_its_key_is_free(books: Books) -> None:
    things = listing(books)

    things.delete(SEEDS[0].entry_id)

    assert keys(listing(books)) == ["two"]
    for gone in (lambda: things.delete(SEEDS[0].entry_id), lambda: things.get(SEEDS[0].entry_id)):
        with pytest.raises(NotFound):
            gone()
    things.add("one", content={"text": "another"})
    assert keys(things) == ["two", "one"]


def test_a_key_in_use_is_refused_also_in_other_letters_and_when_an_entry_is_renamed(books: Books) -> None:
    things = listing(books)
    made = things.add("Three", content={})

    with pytest.raises(Conflict, match="three"):
        things.add("three", content={})
    with pytest.raises(Conflict, match="one"):
        things.change(made.entry_id, lambda entry: replace(entry, key="one"))

    assert things.change(made.entry_id, lambda entry: replace(entry, key="THREE")).key == "THREE"


def test_entries_stand_in_the_order_they_were_given(books: Books) -> None:
    things = listing(books)

    things.add("first", sort_order=-1, content={})
    things.add("between", sort_order=15, content={})
    things.add("last", content={})

    assert keys(things) == ["first", "one", "between", "two", "last"]


def test_a_full_list_takes_no_more(books: Books) -> None:
    things = listing(books, most=3)
    things.add("three", content={})

    with pytest.raises(Invalid, match="3"):
        things.add("four", content={})


def test_a_change_that_changes_nothing_makes_no_version(books: Books) -> None:
    things = listing(books)

    things.change(SEEDS[0].entry_id, lambda entry: entry)

    assert things.version == 0


def test_writers_at_once_lose_nothing_and_use_no_key_twice(books: Books) -> None:
    things = listing(books)

    def add(number: int) -> str:
        for _ in range(40):
            try:
                return things.add(f"key-{number % 4}", content={"number": number}).key
            except Conflict as error:
                if error.retry_after is None:
                    return ""
        raise AssertionError("never written")

    with ThreadPoolExecutor(4) as pool:
        made = [key for key in pool.map(add, range(8)) if key]

    assert sorted(made) == ["key-0", "key-1", "key-2", "key-3"]
    assert sorted(keys(things)) == sorted(["one", "two", *made])
    assert things.version == 4
