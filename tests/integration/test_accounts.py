"""Every place accounts, counters, runs and sessions are kept behaves alike."""

import itertools
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from moto import mock_aws

from candor.accounts import Accounts, Role, Scope, Token, User, digest_of
from candor.adapters.memory_accounts import MemoryAccounts, MemoryCounters, MemoryLedger, MemorySessions
from candor.errors import Conflict, NotFound, Unavailable
from candor.limits import Counters
from candor.once import Kept, Ledger
from candor.sessions import KEPT_SECONDS, KEPT_TURNS, Sessions, customer_key
from tests.doubles.tables import create_table

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ADA = User(
    user_id="u1",
    username="Ada",
    email="ada@example.com",
    role=Role.ADMIN,
    active=True,
    password_hash="$argon2id$…",
    credentials_changed_at=NOW,
    created_at=NOW,
    updated_at=NOW,
)
TOKEN = Token(
    token_id="t1",
    user_id="u1",
    name="CI",
    prefix="sk_abcdefg",
    digest=digest_of("sk_abcdefgh"),
    scopes=frozenset({Scope.DOCUMENTS, Scope.DEBUG}),
    expires_at=NOW + timedelta(days=30),
    created_at=NOW,
)


AT_ONCE = pytest.mark.parametrize(
    "technology",
    ["memory", *(pytest.param(n, marks=pytest.mark.slow) for n in ("ministack", "dynamodb_local"))],
    indirect=True,
)
"""Where writers meet; moto loses writes that do."""


@pytest.fixture(
    params=[
        "memory",
        "moto",
        *(pytest.param(n, marks=pytest.mark.slow) for n in ("ministack", "dynamodb_local")),
    ]
)
def technology(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    if request.param == "moto":
        with mock_aws():
            yield "dynamodb"
        return
    if request.param != "memory":
        monkeypatch.setenv("AWS_ENDPOINT_URL", request.getfixturevalue(request.param))
    yield "memory" if request.param == "memory" else "dynamodb"


@pytest.fixture
def accounts(technology: str) -> Accounts:
    if technology == "memory":
        return MemoryAccounts()
    from candor.adapters.dynamodb_accounts import DynamoAccounts

    accounts = DynamoAccounts(create_table("AccountsTable"))
    # A second table in the process changes nothing.
    DynamoAccounts(create_table("AccountsTable")).users(page=1, page_size=1)
    return accounts


@pytest.fixture
def counters(technology: str) -> Counters:
    if technology == "memory":
        return MemoryCounters()
    from candor.adapters.dynamodb_counters import DynamoCounters

    return DynamoCounters(create_table("CountersTable"))


@pytest.fixture
def ledger(technology: str) -> Ledger:
    if technology == "memory":
        return MemoryLedger()
    from candor.adapters.dynamodb_counters import DynamoLedger

    return DynamoLedger(create_table("CountersTable"))


@pytest.fixture
def sessions(technology: str) -> Sessions:
    if technology == "memory":
        return MemorySessions()
    from candor.adapters.dynamodb_sessions import DynamoSessions

    return DynamoSessions(create_table("ConversationsTable"))


def test_a_user_reads_back_as_it_was_added(accounts: Accounts) -> None:
    accounts.add_user(ADA)

    assert accounts.user("u1") == ADA
    assert accounts.user("u2") is None


@pytest.mark.parametrize("name", ["Ada", "ada", " ADA ", "Ａｄａ"])
def test_a_name_is_one_name_however_it_is_written(accounts: Accounts, name: str) -> None:
    accounts.add_user(ADA)

    assert accounts.user_by_name(name) == ADA
    with pytest.raises(Conflict):
        accounts.add_user(replace(ADA, user_id="u2", username=name))


def test_users_are_listed_oldest_first_and_by_page(accounts: Accounts) -> None:
    for number in range(5):
        at = NOW + timedelta(microseconds=number)
        accounts.add_user(replace(ADA, user_id=f"u{number}", username=f"n{number}", created_at=at))

    users, total = accounts.users(page=2, page_size=2)

    assert ([user.user_id for user in users], total) == (["u2", "u3"], 5)


def test_a_change_of_what_somebody_else_has_changed_is_a_conflict(accounts: Accounts) -> None:
    accounts.add_user(ADA)
    accounts.change_user(ADA, replace(ADA, email=None, updated_at=NOW + timedelta(seconds=1)))

    with pytest.raises(Conflict):
        accounts.change_user(ADA, replace(ADA, active=False, updated_at=NOW + timedelta(seconds=2)))

    changed = accounts.user("u1")
    assert changed is not None
    assert (changed.active, changed.email) == (True, None)


def test_a_new_name_frees_the_old_one_and_cannot_be_somebody_elses(accounts: Accounts) -> None:
    accounts.add_user(ADA)
    grace = replace(ADA, user_id="u2", username="Grace")
    accounts.add_user(grace)
    later = NOW + timedelta(seconds=1)

    with pytest.raises(Conflict, match="taken"):
        accounts.change_user(grace, replace(grace, username="ada", updated_at=later))
    accounts.change_user(ADA, replace(ADA, username="Countess", updated_at=later))
    accounts.add_user(replace(ADA, user_id="u3"))

    assert accounts.user_by_name("countess") == replace(ADA, username="Countess", updated_at=later)


def test_a_token_is_found_by_its_hash_until_it_is_removed(accounts: Accounts) -> None:
    accounts.add_token(TOKEN)
    accounts.touch_token(TOKEN.digest, NOW)

    assert accounts.token(TOKEN.digest) == replace(TOKEN, last_used_at=NOW)
    accounts.remove_token("u1", "t1")
    assert accounts.token(TOKEN.digest) is None
    assert list(accounts.tokens("u1")) == []


def test_tokens_are_listed_for_their_user_alone_newest_first(accounts: Accounts) -> None:
    for number, user in enumerate(["u1", "u1", "u2"]):
        at = NOW + timedelta(seconds=number)
        accounts.add_token(
            replace(
                TOKEN,
                token_id=f"t{number}",
                user_id=user,
                digest=f"d{number}",
                created_at=at,
                scopes=frozenset(),
            )
        )

    assert [token.token_id for token in accounts.tokens("u1")] == ["t1", "t0"]


def test_nobody_removes_a_token_of_somebody_else(accounts: Accounts) -> None:
    accounts.add_token(TOKEN)

    with pytest.raises(NotFound):
        accounts.remove_token("u2", "t1")

    assert accounts.token(TOKEN.digest) is not None


def test_touching_a_token_that_is_gone_brings_nothing_back(accounts: Accounts) -> None:
    accounts.touch_token(TOKEN.digest, NOW)

    assert accounts.token(TOKEN.digest) is None


def test_a_window_starts_with_its_first_use(counters: Counters) -> None:
    counts = [counters.add("k", window=60, now=now) for now in (1_000.0, 1_030.0, 1_059.9, 1_060.1)]

    assert [count.used for count in counts] == [1, 2, 3, 1]
    assert [count.ends_at for count in counts] == [1_060.0, 1_060.0, 1_060.0, 1_120.1]


def test_keys_are_counted_apart(counters: Counters) -> None:
    counters.add("a", window=60, now=1_000.0)

    assert counters.add("b", window=60, now=1_000.0).used == 1


@AT_ONCE
def test_uses_at_the_same_time_are_all_counted(counters: Counters) -> None:
    used: list[int] = []

    def use() -> None:
        used.append(counters.add("k", window=60, now=1_000.0).used)

    _at_once([use] * 8)

    assert sorted(used) == list(range(1, 9))


def test_marks_are_forgotten_one_by_one(counters: Counters) -> None:
    for now in (1_000.0, 1_010.0, 1_020.5):
        counters.mark("k", window=60, now=now)

    assert counters.recent("k", window=60, now=1_061.0) == (1_010.0, 1_020.5)
    assert counters.mark("k", window=60, now=1_075.0) == (1_020.5, 1_075.0)
    assert counters.recent("other", window=60, now=1_061.0) == ()


@AT_ONCE
def test_marks_at_the_same_time_are_all_kept(counters: Counters) -> None:
    places = itertools.count()

    _at_once([lambda: counters.mark("k", window=60, now=1_000.0 + next(places))] * 4)

    assert len(counters.recent("k", window=60, now=1_010.0)) == 4


RUN = Kept(run="r1", fingerprint="f", lease_until=1_060.0, answer=None)


def test_of_two_runs_under_one_key_the_second_is_told_of_the_first(ledger: Ledger) -> None:
    assert ledger.begin("k", RUN, now=1_000.0) is None

    assert ledger.begin("k", replace(RUN, run="r2"), now=1_001.0) == RUN


def test_an_ended_run_keeps_its_answer(ledger: Ledger) -> None:
    ledger.begin("k", RUN, now=1_000.0)
    ledger.end("k", replace(RUN, lease_until=0.0, answer=b"\x00answer"), now=1_001.0)

    kept = ledger.begin("k", replace(RUN, run="r2"), now=2_000.0)

    assert kept is not None
    assert (kept.run, kept.answer) == ("r1", b"\x00answer")


def test_an_answer_too_large_to_keep_is_known_to_have_been(ledger: Ledger) -> None:
    ledger.begin("k", RUN, now=1_000.0)
    ledger.end("k", replace(RUN, answer=b""), now=1_001.0)

    kept = ledger.begin("k", replace(RUN, run="r2"), now=2_000.0)

    assert kept is not None
    assert kept.answer == b""


def test_a_dead_run_is_taken_over_and_cannot_end_afterwards(ledger: Ledger) -> None:
    ledger.begin("k", RUN, now=1_000.0)

    second = replace(RUN, run="r2", lease_until=1_200.0)
    assert ledger.begin("k", second, now=1_061.0) is None
    ledger.end("k", replace(RUN, answer=b"late"), now=1_062.0)
    ledger.abandon("k", "r1")

    assert ledger.begin("k", replace(RUN, run="r3"), now=1_063.0) == second


def test_an_abandoned_run_leaves_the_key_free(ledger: Ledger) -> None:
    ledger.begin("k", RUN, now=1_000.0)
    ledger.abandon("k", "r1")

    assert ledger.begin("k", replace(RUN, run="r2"), now=1_001.0) is None


@AT_ONCE
def test_of_many_runs_at_once_one_begins(ledger: Ledger) -> None:
    begun: list[bool] = []
    numbers = itertools.count()

    def begin() -> None:
        begun.append(ledger.begin("k", replace(RUN, run=f"r{next(numbers)}"), now=1_000.0) is None)

    _at_once([begin] * 6)

    assert sorted(begun) == [False] * 5 + [True]


def test_the_last_turns_come_back_oldest_first(sessions: Sessions) -> None:
    for number in range(5):
        sessions.remember("s", f"q{number}", f"a{number}", now=1_000.0 + number)

    turns = sessions.turns("s", now=1_010.0)

    assert [(turn.role, turn.content) for turn in turns] == [
        (role, f"{role[0].replace('u', 'q')}{number}")
        for number in (2, 3, 4)
        for role in ("user", "assistant")
    ]
    assert len(turns) == KEPT_TURNS
    assert list(sessions.turns("other", now=1_010.0)) == []


def test_a_session_is_forgotten_after_a_day(sessions: Sessions) -> None:
    sessions.remember("s", "q", "a", now=1_000.0)

    assert list(sessions.turns("s", now=1_001.0 + KEPT_SECONDS)) == []


def test_a_customers_turns_are_forgotten_and_the_others_stay(sessions: Sessions) -> None:
    seven, eight = customer_key("customer 7"), customer_key("customer 8")
    sessions.remember("s1", "q", "a", now=1_000.0, customer=seven)
    sessions.remember("s1", "q", "a", now=1_001.0, customer=seven)
    sessions.remember("s2", "q", "a", now=1_000.0, customer=seven)
    sessions.remember("s3", "q", "a", now=1_000.0, customer=eight)
    sessions.remember("s4", "q", "a", now=1_000.0)

    assert sessions.forget_customer(seven) == 6
    assert sessions.forget_customer(seven) == 0

    left = [len(sessions.turns(f"s{number}", now=1_010.0)) for number in (1, 2, 3, 4)]
    assert left == [0, 0, 2, 2]


@pytest.mark.parametrize("call", ["user", "token", "users"])
def test_a_table_that_is_not_there_is_unavailable(call: str) -> None:
    from candor.adapters.dynamodb_accounts import DynamoAccounts

    with mock_aws():
        accounts = DynamoAccounts("nowhere")
        calls = {
            "user": lambda: accounts.user("u"),
            "token": lambda: accounts.token("d"),
            "users": lambda: accounts.users(page=1, page_size=1),
        }
        with pytest.raises(Unavailable):
            calls[call]()


def _at_once(calls: list[Callable[[], object]]) -> None:
    threads = [threading.Thread(target=call) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
