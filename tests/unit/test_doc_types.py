"""Document types: which of them pages are given, as an administrator changes the list."""

import threading

from candor.adapters.memory_entries import MemoryBooks
from candor.doc_types import DocTypes
from candor.entries import Following
from candor.errors import Unavailable


class House:
    def __init__(self) -> None:
        self.books = MemoryBooks()
        self.doc_types = DocTypes(books=self.books)
        self.now = 100.0
        self.given = DocTypes(books=self.books).following(ticks=lambda: self.now)

    def id_of(self, key: str) -> str:
        return next(found.doc_type_id for found in self.doc_types.list() if found.key == key)


def test_pages_are_given_the_types_that_are_listed_and_switched_on() -> None:
    house = House()
    assert [house.given(key) for key in ("pricing", "faq", "news")] == ["pricing", "faq", "other"]

    house.doc_types.change(house.id_of("pricing"), {"enabled": False})
    house.doc_types.delete(house.id_of("faq"))
    house.doc_types.add(key="news")
    house.now += 4.9

    assert [house.given(key) for key in ("pricing", "faq", "news", "tos")] == [
        "other",
        "other",
        "news",
        "tos",
    ]


def test_while_the_table_is_down_the_last_list_known_counts_and_at_first_the_seeds() -> None:
    house, late = House(), House()
    house.doc_types.change(house.id_of("pricing"), {"enabled": False})
    assert house.given("pricing") == "other"

    house.books.down = late.books.down = True
    house.now += 60

    assert (house.given("pricing"), late.given("pricing")) == ("other", "pricing")


def test_whoever_asks_while_another_reads_gets_what_was_known() -> None:
    now, reading, read = [0.0], threading.Event(), threading.Event()
    made = iter(("first", "second"))

    def make() -> tuple[int, str]:
        found = next(made)
        if found == "second":
            reading.set()
            assert read.wait(60)
        return (1 if found == "first" else 2), found

    following = Following(version=lambda: 2, make=make, first=lambda: "none", ticks=lambda: now[0])
    assert following() == "first"

    now[0] = 10.0
    slow = threading.Thread(target=following)
    slow.start()
    assert reading.wait(60)
    assert following() == "first"
    read.set()
    slow.join(60)

    assert following() == "second"


def test_a_store_that_hangs_is_not_waited_for_by_every_question() -> None:
    now = [0.0]
    asked = []

    def make() -> tuple[int, str]:
        asked.append(1)
        now[0] += 12.0
        raise Unavailable("down")

    following = Following(version=lambda: 1, make=make, first=lambda: "seeds", ticks=lambda: now[0])

    assert [following() for _ in range(3)] == ["seeds"] * 3
    assert len(asked) == 1
