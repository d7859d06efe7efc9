"""
Entries: short lists that an administrator keeps, such as intents and document types.

Each list is a book with a version. A change is written only if the book is still at the version it was made
from, so that two administrators at once lose nothing and a key is never used twice. What we ship (seeds)
is shown until it is changed or deleted, and what was deleted stays so.
"""

import logging
import threading
import time
import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Generic, Protocol, TypeVar

from candor.errors import Conflict, Fault, Invalid, NotFound, Unavailable

logger = logging.getLogger(__name__)

T = TypeVar("T")

SEEN_AFTER_SECONDS: Final = 4.0
"""How old a reading may be when somebody asks: with the reading itself, less than five."""

_ROUNDS: Final = 8
_STEP: Final = 10
"""Between two entries' places, so that one can be put between them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One line of a list, under a key of its own."""

    entry_id: str
    key: str
    enabled: bool = True
    sort_order: int = 0
    content: Mapping[str, Any] = field(default_factory=dict)
    """What is particular to its list; as JSON holds it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Book:
    """A list as it is kept: what was written into it, and which seeds were deleted from it."""

    version: int = 0
    """Counts changes; 0 before the first."""
    entries: tuple[Entry, ...] = ()
    gone: frozenset[str] = frozenset()


class Books(Protocol):
    """Where the lists are kept, by name. Each method raises `Unavailable`."""

    def version(self, name: str) -> int:
        """Read consistently, and cheap: for whoever wants to know whether to read again."""
        ...

    def read(self, name: str) -> Book:
        """All of it, as one change left it."""
        ...

    def write(
        self,
        name: str,
        *,
        version: int,
        put: Entry | None = None,
        drop: str | None = None,
        gone: Collection[str] = (),
    ) -> None:
        """
        The change that makes this version: an entry put, one dropped, and all the seeds that are gone.

        `Conflict` if the book is not at the version before it.
        """
        ...


def seed(name: str, key: str, place: int, **content: Any) -> Entry:
    """An entry that is there from the first day. Its id is the same everywhere."""
    entry_id = str(uuid.uuid5(uuid.NAMESPACE_URL, f"candor:{name}/{key}"))
    return Entry(entry_id=entry_id, key=key, sort_order=place * _STEP, content=content)


class Listing:
    """One list: shown in order, added to, changed in part, and shortened."""

    def __init__(self, *, name: str, books: Books, seeds: Sequence[Entry], most: int, what: str) -> None:
        """`what` one entry is called, in errors: "intent"."""
        self._name = name
        self._books = books
        self._seeds = tuple(seeds)
        self._most = most
        self._what = what

    @property
    def version(self) -> int:
        return self._books.version(self._name)

    def read(self) -> tuple[int, tuple[Entry, ...]]:
        """The version, and all its entries in their order."""
        book = self._books.read(self._name)
        return book.version, self._shown(book)

    def seeds(self) -> tuple[Entry, ...]:
        """What there is before anybody has said anything."""
        return self._shown(Book())

    def get(self, entry_id: str) -> Entry:
        """`NotFound` for one that is not in the list."""
        return self._found(self.read()[1], entry_id)

    def add(
        self,
        key: str,
        *,
        enabled: bool = True,
        sort_order: int | None = None,
        content: Mapping[str, Any],
        check: Callable[[Sequence[Entry]], None] = lambda _: None,
    ) -> Entry:
        """
        A new entry, at the end unless its place is named. `Conflict` for a key in use, `Invalid` when full.

        `check` is given the list as it would be, and raises what is wrong with it.
        """
        entry_id = str(uuid.uuid4())

        def added(book: Book, shown: tuple[Entry, ...]) -> Entry:
            if len(shown) >= self._most:
                raise Invalid(f"There are {self._most} of them, and no more are kept: delete one first.")
            self._check_key(shown, entry_id, key)
            last = max((entry.sort_order for entry in shown), default=0)
            place = last + _STEP if sort_order is None else sort_order
            made = Entry(entry_id=entry_id, key=key, enabled=enabled, sort_order=place, content=content)
            check((*shown, made))
            self._books.write(self._name, version=book.version + 1, put=made, gone=book.gone)
            return made

        return self._changed(added)

    def change(
        self,
        entry_id: str,
        change: Callable[[Entry], Entry],
        *,
        check: Callable[[Sequence[Entry]], None] = lambda _: None,
    ) -> Entry:
        """The entry as `change` makes it, which may be asked again. Errors as of `add` and `get`."""

        def changed(book: Book, shown: tuple[Entry, ...]) -> Entry:
            before = self._found(shown, entry_id)
            after = replace(change(before), entry_id=entry_id)
            if after == before:
                return before
            self._check_key(shown, entry_id, after.key)
            check([after if entry.entry_id == entry_id else entry for entry in shown])
            self._books.write(self._name, version=book.version + 1, put=after, gone=book.gone)
            return after

        return self._changed(changed)

    def delete(self, entry_id: str) -> None:
        """`NotFound` for one that is not in the list, also the second time."""

        def deleted(book: Book, shown: tuple[Entry, ...]) -> Entry:
            before = self._found(shown, entry_id)
            is_seed = any(entry.entry_id == entry_id for entry in self._seeds)
            gone = book.gone | {entry_id} if is_seed else book.gone
            self._books.write(self._name, version=book.version + 1, drop=entry_id, gone=gone)
            return before

        self._changed(deleted)

    def _changed(self, make: Callable[[Book, tuple[Entry, ...]], Entry]) -> Entry:
        for _ in range(_ROUNDS):
            book = self._books.read(self._name)
            shown = self._shown(book)
            before = book.version
            try:
                return make(book, shown)
            except Conflict:
                # A key in use is no reason to try again; a book that has moved on is.
                if self._books.version(self._name) == before:
                    raise
        raise Conflict(f"Somebody else is changing the list of {self._what}s. Try again.", retry_after=1)

    def _shown(self, book: Book) -> tuple[Entry, ...]:
        written = {entry.entry_id for entry in book.entries}
        fresh = (entry for entry in self._seeds if entry.entry_id not in written | book.gone)
        return tuple(sorted((*fresh, *book.entries), key=lambda entry: (entry.sort_order, entry.key)))

    def _found(self, shown: Sequence[Entry], entry_id: str) -> Entry:
        for entry in shown:
            if entry.entry_id == entry_id:
                return entry
        raise NotFound(f"There is no such {self._what}.")

    def _check_key(self, shown: Sequence[Entry], entry_id: str, key: str) -> None:
        if any(entry.key.casefold() == key.casefold() and entry.entry_id != entry_id for entry in shown):
            raise Conflict(f'There is another {self._what} with the key "{key}".')


class Following(Generic[T]):
    """
    What is made of a book, made anew within seconds of a change. Asking raises nothing.

    While the store is down, what was made last stays; at first that is what is made of no book at all.
    """

    def __init__(
        self,
        *,
        version: Callable[[], int],
        make: Callable[[], tuple[int, T]],
        first: Callable[[], T],
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        """`version` is cheap; `make` reads all of it, and says which version that was."""
        self._version = version
        self._make = make
        self._first = first
        self._ticks = ticks
        self._lock = threading.Lock()
        self._made: tuple[int, T] | None = None
        self._fresh_until = 0.0

    def __call__(self) -> T:
        made = self._made
        if made is not None and self._ticks() < self._fresh_until:
            return made[1]
        if not self._lock.acquire(blocking=made is None):
            assert made is not None
            return made[1]  # Somebody else is reading it just now.
        try:
            if self._made is None or self._ticks() >= self._fresh_until:
                self._made, since = self._read(self._made)
                self._fresh_until = since + SEEN_AFTER_SECONDS
            return self._made[1]
        finally:
            self._lock.release()

    def _read(self, made: tuple[int, T] | None) -> tuple[tuple[int, T], float]:
        began = self._ticks()
        try:
            return (made if made is not None and made[0] == self._version() else self._make()), began
        except Unavailable:
            logger.warning("list not read: what was last known of it stays in force")
            # A store that hangs has taken seconds to say so: the next question does not wait for it again.
            return made or (-1, self._first()), self._ticks()


def checked_key(key: str) -> str:
    """A key as it is kept; `Invalid` for what is no short name."""
    bare = key.strip()
    if not (0 < len(bare) <= 64 and bare.replace("-", "").replace("_", "").replace(".", "").isalnum()):
        sentence = "is no key: up to 64 letters, digits, dots, hyphens and underscores"
        raise Invalid(f"The key {sentence}.", [Fault(loc=("body", "key"), msg=sentence)])
    return bare
