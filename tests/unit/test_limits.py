"""Limits and once: the rules themselves, without a request around them."""

import threading
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from candor.adapters.memory_accounts import MemoryCounters, MemoryLedger
from candor.errors import Conflict, TooMany
from candor.limits import LoginTries, RateLimit, Rates, address_of
from candor.once import Once


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(
    ("ip", "counted_as"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("2001:db8:0:1:aaaa::1", "2001:db8:0:1::/64"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("", "unknown"),
        ("not an address", "unknown"),
    ],
)
def test_what_an_address_is_counted_as(ip: str, counted_as: str) -> None:
    assert address_of(ip) == counted_as


def test_no_limit_counts_nothing() -> None:
    counters = MemoryCounters()
    counters.down = True

    RateLimit(counters=counters, rates=lambda: Rates(requests=0)).check("somebody")


def test_a_refusal_says_when_the_window_ends() -> None:
    clock = Clock()
    limit = RateLimit(counters=MemoryCounters(), rates=lambda: Rates(requests=1), clock=clock)
    limit.check("a")
    clock.now += 10

    with pytest.raises(TooMany) as refused:
        limit.check("a")

    assert 50 <= refused.value.retry_after <= 51
    limit.check("b")


def test_a_window_of_failures_slides() -> None:
    clock = Clock()
    tries = LoginTries(counters=MemoryCounters(), clock=clock)
    for _ in range(5):
        tries.failed("ada")
        clock.now += 10

    with pytest.raises(TooMany):
        tries.check("Ada ")
    clock.now += 11
    tries.check("ada")
    tries.failed("ada")
    with pytest.raises(TooMany):
        tries.check("ada")


def test_of_many_guesses_side_by_side_five_get_an_answer() -> None:
    tries, refused = LoginTries(counters=MemoryCounters(), clock=Clock()), list[TooMany]()

    def guess() -> None:
        try:
            tries.failed("ada")
        except TooMany as error:
            refused.append(error)

    threads = [threading.Thread(target=guess) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(refused) == 7


@given(answer=st.binary(max_size=300), key=st.text(max_size=20))
def test_an_answer_comes_back_as_it_was_and_lies_unreadable(answer: bytes, key: str) -> None:
    ledger = MemoryLedger()
    once = Once(ledger=ledger, secret=b"s")

    first = once(key, "scope", "f", lambda: (answer, True))
    again = once(key, "scope", "f", lambda: pytest.fail("executed twice"))

    assert (first, again) == ((answer, False), (answer, True))
    [kept] = ledger._kept.values()
    assert kept.answer is not None
    assert len(answer) < 4 or answer not in kept.answer


def test_without_the_servers_secret_a_kept_answer_cannot_be_opened() -> None:
    once = Once(ledger=MemoryLedger(), secret=b"s")
    once("k", "scope", "f", lambda: (b"sk_the_token", True))

    stolen, _ = replace(once, secret=b"t")("k", "scope", "f", lambda: (b"", True))

    assert stolen != b"sk_the_token"


def test_a_run_that_died_is_run_again_after_its_lease() -> None:
    clock = Clock()
    once = Once(
        ledger=MemoryLedger(), clock=clock, sleep=lambda seconds: setattr(clock, "now", clock.now + seconds)
    )

    def die() -> tuple[bytes, bool]:
        raise SystemExit

    dead = replace(once, ledger=_Forgetful(once.ledger))  # type: ignore[arg-type]
    with pytest.raises(SystemExit):
        dead("k", "scope", "f", die)
    with pytest.raises(Conflict):
        once("k", "scope", "f", lambda: (b"2", True))
    clock.now += 61

    assert once("k", "scope", "f", lambda: (b"3", True)) == (b"3", False)


class _Forgetful:
    """A ledger whose process dies before it can say so."""

    def __init__(self, ledger: MemoryLedger) -> None:
        self.begin, self.end = ledger.begin, ledger.end

    def abandon(self, key: str, run: str) -> None:
        return None
