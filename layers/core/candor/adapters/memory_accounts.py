"""In-memory accounts, counters, runs and sessions: for tests and for small demos."""

import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from candor.accounts import Token, User, folded
from candor.answering.values import Turn
from candor.errors import Conflict, NotFound, Unavailable
from candor.limits import Count
from candor.once import Kept
from candor.sessions import KEPT_SECONDS, KEPT_TURNS


class _Switched:
    """One lock, and a switch that takes the whole thing down."""

    def __init__(self) -> None:
        self.down = False
        """Set it and every call raises `Unavailable`, as a table does that cannot be reached."""
        self._lock = threading.RLock()

    def _open(self) -> threading.RLock:
        if self.down:
            raise Unavailable("The in-memory table has been taken down.")
        return self._lock


class MemoryAccounts(_Switched):
    """`Accounts` in dictionaries."""

    def __init__(self) -> None:
        super().__init__()
        self._users: dict[str, User] = {}
        self._tokens: dict[str, Token] = {}

    def add_user(self, user: User) -> None:
        with self._open():
            if self.user_by_name(user.username) is not None:
                raise Conflict("This user name is taken.")
            self._users[user.user_id] = user

    def user(self, user_id: str) -> User | None:
        with self._open():
            return self._users.get(user_id)

    def user_by_name(self, username: str) -> User | None:
        with self._open():
            same = (user for user in self._users.values() if folded(user.username) == folded(username))
            return next(same, None)

    def users(self, *, page: int, page_size: int) -> tuple[Sequence[User], int]:
        with self._open():
            everybody = sorted(self._users.values(), key=lambda user: (user.created_at, user.user_id))
            start = (page - 1) * page_size
            return everybody[start : start + page_size], len(everybody)

    def change_user(self, before: User, after: User) -> None:
        with self._open():
            if self._users.get(before.user_id) != before:
                raise Conflict("The user was changed meanwhile.")
            namesake = self.user_by_name(after.username)
            if namesake is not None and namesake.user_id != after.user_id:
                raise Conflict("This user name is taken.")
            self._users[after.user_id] = after

    def add_token(self, token: Token) -> None:
        with self._open():
            self._tokens[token.digest] = token

    def token(self, digest: str) -> Token | None:
        with self._open():
            return self._tokens.get(digest)

    def tokens(self, user_id: str) -> Sequence[Token]:
        with self._open():
            own = (token for token in self._tokens.values() if token.user_id == user_id)
            return sorted(own, key=lambda token: (token.created_at, token.token_id), reverse=True)

    def remove_token(self, user_id: str, token_id: str) -> None:
        with self._open():
            for token in self.tokens(user_id):
                if token.token_id == token_id:
                    del self._tokens[token.digest]
                    return
            raise NotFound("You have no such token.")

    def touch_token(self, digest: str, at: datetime) -> None:
        with self._open():
            if digest in self._tokens:
                self._tokens[digest] = replace(self._tokens[digest], last_used_at=at)


class MemoryCounters(_Switched):
    """`Counters` in dictionaries."""

    def __init__(self) -> None:
        super().__init__()
        self._counts: dict[str, Count] = {}
        self._marks: dict[str, tuple[float, ...]] = {}

    def add(self, key: str, *, window: int, now: float) -> Count:
        with self._open():
            count = self._counts.get(key)
            if count is None or count.ends_at <= now:
                count = Count(used=0, ends_at=now + window)
            self._counts[key] = replace(count, used=count.used + 1)
            return self._counts[key]

    def recent(self, key: str, *, window: int, now: float) -> tuple[float, ...]:
        with self._open():
            return tuple(mark for mark in self._marks.get(key, ()) if mark > now - window)

    def mark(self, key: str, *, window: int, now: float) -> tuple[float, ...]:
        with self._open():
            self._marks[key] = (*self.recent(key, window=window, now=now), now)
            return self._marks[key]


class MemoryLedger(_Switched):
    """A `Ledger` in a dictionary."""

    def __init__(self) -> None:
        super().__init__()
        self._kept: dict[str, Kept] = {}

    def begin(self, key: str, kept: Kept, *, now: float) -> Kept | None:
        with self._open():
            other = self._kept.get(key)
            if other is not None and (other.ended or other.lease_until > now):
                return other
            self._kept[key] = kept
            return None

    def end(self, key: str, kept: Kept, *, now: float) -> None:
        with self._open():
            if key in self._kept and self._kept[key].run == kept.run:
                self._kept[key] = kept

    def abandon(self, key: str, run: str) -> None:
        with self._open():
            if key in self._kept and self._kept[key].run == run:
                del self._kept[key]


class MemorySessions(_Switched):
    """`Sessions` in a dictionary."""

    def __init__(self) -> None:
        super().__init__()
        self._sessions: dict[str, tuple[float, tuple[Turn, ...]]] = {}
        self._customers: dict[str, set[str]] = {}

    def turns(self, session: str, *, now: float) -> Sequence[Turn]:
        with self._open():
            until, turns = self._sessions.get(session, (0.0, ()))
            return turns[-KEPT_TURNS:] if now < until else ()

    def remember(
        self, session: str, question: str, answer: str, *, now: float, customer: str | None = None
    ) -> None:
        with self._open():
            if customer:
                self._customers.setdefault(customer, set()).add(session)
            turns = (
                *self.turns(session, now=now),
                Turn(role="user", content=question),
                Turn(role="assistant", content=answer),
            )
            self._sessions[session] = (now + KEPT_SECONDS, turns)

    def forget_customer(self, customer: str) -> int:
        with self._open():
            gone = [self._sessions.pop(each, (0.0, ())) for each in self._customers.pop(customer, ())]
            return sum(len(turns) for _, turns in gone)
