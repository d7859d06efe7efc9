"""Spending: tiers of a day's budget, its alerts, and what happens when nobody can count."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from candor.answering.budgets import Tier
from candor.answering.models import Usage
from candor.errors import Unavailable
from candor.prices import cost, known_prices
from candor.spending import ECONOMY_ALERT, EXTRACTIVE_ALERT, Allowance, DayBudget
from tests.doubles.numbers import NOW, Numbers


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def numbers(clock: Clock) -> Numbers:
    numbers = Numbers(clock=clock)
    numbers.allowance = Allowance(tokens_per_day=1_000, economy_share=0.8)
    return numbers


def spend(budget: DayBudget, tokens: int) -> None:
    budget.spend(Usage(calls=1, input_tokens=tokens - tokens // 4, output_tokens=tokens // 4))


def alerts(numbers: Numbers) -> dict[str, int]:
    return {alert.alert_id: alert.times for alert in numbers.alerts.list()}


@pytest.mark.parametrize(
    ("used", "tier"),
    [
        (0, Tier.FULL),
        (799, Tier.FULL),
        (800, Tier.ECONOMY),
        (999, Tier.ECONOMY),
        (1_000, Tier.EXTRACTIVE),
        (5_000, Tier.EXTRACTIVE),
    ],
)
def test_the_tier_falls_with_what_was_used(numbers: Numbers, used: int, tier: Tier) -> None:
    if used:
        spend(numbers.budget, used)

    assert numbers.budget.tier() is tier
    assert numbers.another_budget().tier() is tier


def test_without_a_limit_everything_is_allowed(numbers: Numbers) -> None:
    numbers.allowance = Allowance(tokens_per_day=0)
    spend(numbers.budget, 10**9)

    assert numbers.budget.tier() is Tier.FULL
    assert alerts(numbers) == {}


@pytest.mark.parametrize(("share", "tier"), [(0.0, Tier.ECONOMY), (1.0, Tier.FULL)])
def test_the_share_may_be_nothing_or_all(numbers: Numbers, share: float, tier: Tier) -> None:
    numbers.allowance = Allowance(tokens_per_day=1_000, economy_share=share)

    assert numbers.budget.tier() is tier
    spend(numbers.budget, 1_000)
    assert numbers.budget.tier() is Tier.EXTRACTIVE


def test_what_another_process_spent_is_seen_at_once_near_a_step(numbers: Numbers) -> None:
    one, other = numbers.budget, numbers.another_budget()
    assert one.tier() is other.tier() is Tier.FULL

    spend(one, 1_000)

    assert other.tier() is Tier.EXTRACTIVE


def test_far_from_a_step_a_reading_serves_for_two_seconds(numbers: Numbers) -> None:
    numbers.allowance = Allowance(tokens_per_day=10**9)
    for _ in range(50):
        numbers.budget.tier()
    assert numbers.spent.reads == 1

    numbers.ticks.now += 2
    numbers.budget.tier()
    assert numbers.spent.reads == 2


def test_each_step_is_an_alert_once_a_day_whoever_meets_it(numbers: Numbers, clock: Clock) -> None:
    budgets = [numbers.another_budget() for _ in range(5)]
    spend(budgets[0], 790)
    assert alerts(numbers) == {}

    spend(budgets[1], 10)
    for budget in budgets:
        budget.tier()
    assert alerts(numbers) == {ECONOMY_ALERT: 1}

    spend(budgets[2], 300)
    for budget in budgets:
        spend(budget, 10)
        budget.tier()
    assert alerts(numbers) == {EXTRACTIVE_ALERT: 1}

    clock.now += timedelta(days=1)
    assert {budget.tier() for budget in budgets} == {Tier.FULL}
    assert alerts(numbers) == {}

    spend(budgets[4], 2_000)
    assert alerts(numbers) == {EXTRACTIVE_ALERT: 1}


def test_a_higher_limit_takes_the_alert_back(numbers: Numbers) -> None:
    spend(numbers.budget, 1_000)
    assert alerts(numbers) == {EXTRACTIVE_ALERT: 1}

    numbers.allowance = Allowance(tokens_per_day=10_000)

    assert numbers.budget.tier() is Tier.FULL
    assert alerts(numbers) == {}


def test_a_limit_taken_away_takes_the_alert_along(numbers: Numbers) -> None:
    spend(numbers.budget, 1_000)
    numbers.allowance = Allowance(tokens_per_day=0)

    assert numbers.another_budget().tier() is Tier.FULL

    assert alerts(numbers) == {}


def test_the_alert_says_what_happens_and_what_to_do(numbers: Numbers) -> None:
    spend(numbers.budget, 850)

    [alert] = numbers.alerts.list()

    assert alert.message.startswith("80% of today's 1,000 tokens")
    assert "limits.llm_tokens_per_day" in alert.message


def test_two_dozen_at_once_spend_too_much_only_what_was_under_way(numbers: Numbers) -> None:
    numbers.allowance = Allowance(tokens_per_day=100_000)
    budgets = [numbers.another_budget() for _ in range(24)]
    each = 1_000

    def ask(number: int) -> int:
        if budgets[number % 24].tier() is Tier.EXTRACTIVE:
            return 0
        spend(budgets[number % 24], each)
        return each

    with ThreadPoolExecutor(24) as threads:
        used = sum(threads.map(ask, range(600)))

    assert used == numbers.spent.read(NOW.date()).tokens
    assert 100_000 <= used <= 100_000 + 23 * each
    assert alerts(numbers) == {EXTRACTIVE_ALERT: 1}


def test_usage_without_tokens_costs_no_write(numbers: Numbers) -> None:
    numbers.spent.down = True

    numbers.budget.spend(Usage())
    numbers.budget.spend(Usage(calls=1))

    numbers.spent.down = False
    assert numbers.budget.tier() is Tier.FULL
    assert numbers.spent.read(NOW.date()).tokens == 0


def test_while_nobody_can_count_the_last_number_counts_on(numbers: Numbers) -> None:
    spend(numbers.budget, 700)
    numbers.spent.down = True

    assert numbers.budget.tier() is Tier.FULL
    spend(numbers.budget, 200)
    assert numbers.budget.tier() is Tier.ECONOMY

    numbers.spent.down = False
    numbers.ticks.now += 60
    spend(numbers.budget, 50)
    assert numbers.spent.read(NOW.date()).tokens == 950


def test_a_store_that_is_down_is_not_asked_for_every_answer(numbers: Numbers) -> None:
    asked = 0

    class Counting(type(numbers.spent)):  # type: ignore[misc]
        def read(self, day: object) -> object:
            nonlocal asked
            asked += 1
            raise Unavailable("down")

    numbers.spent = Counting()
    budget = numbers.another_budget()

    for _ in range(20):
        assert budget.tier() is Tier.FULL

    assert asked == 1


def test_limits_that_cannot_be_read_stay_what_they_were(numbers: Numbers) -> None:
    def failing() -> Allowance:
        raise Unavailable("down")

    allowances = [lambda: Allowance(tokens_per_day=100), failing]
    budget = DayBudget(
        spent=numbers.spent,
        allowance=lambda: (allowances[0] if len(allowances) == 2 else failing)(),
        alerts=numbers.alerts,
        today=lambda: NOW.date(),
        ticks=numbers.ticks,
    )
    spend(budget, 100)
    allowances.pop()

    assert budget.tier() is Tier.EXTRACTIVE


def test_an_alert_that_could_not_be_raised_is_tried_again(numbers: Numbers) -> None:
    class Moody(type(numbers.alerts)):  # type: ignore[misc]
        down = True

        def raise_(self, alert_id: str, message: str) -> object:
            if self.down:
                raise Unavailable("down")
            return super().raise_(alert_id, message)

    numbers.alerts = Moody()
    budget = numbers.another_budget()
    spend(budget, 850)
    assert alerts(numbers) == {}

    numbers.alerts.down = False
    budget.tier()

    assert alerts(numbers) == {ECONOMY_ALERT: 1}


# ---------------------------------------------------------------- prices
DAY = datetime(2026, 11, 21, tzinfo=UTC).date()


def test_a_small_model_is_not_billed_as_its_big_one() -> None:
    prices = known_prices()
    for big, small in (
        ("gpt-4o", "gpt-4o-mini"),
        ("gpt-4.1", "gpt-4.1-nano"),
        ("gpt-5", "gpt-5-mini"),
        ("gpt-5", "gpt-5-nano"),
    ):
        bill = {
            name: cost(prices, name, input_tokens=1_000, output_tokens=1_000, day=DAY)
            for name in (big, small)
        }
        assert bill[big] is not None
        assert bill[small] is not None
        assert bill[big] > 4 * bill[small]


@pytest.mark.parametrize("name", ["gpt-4o-mini-mine", "gpt-5.2x", "GPT-4o", "", "gpt", "ft:gpt-4o-mini:me"])
def test_a_model_that_is_nearly_known_has_no_price(name: str) -> None:
    assert cost(known_prices(), name, input_tokens=1, output_tokens=1, day=DAY) is None


def test_before_its_first_day_a_model_has_no_price() -> None:
    for name, rows in known_prices().items():
        first = rows[0].since
        before = first - timedelta(days=1)
        assert cost(known_prices(), name, input_tokens=1, output_tokens=1, day=before) is None
        assert cost(known_prices(), name, input_tokens=1, output_tokens=1, day=first) is not None


def test_a_price_that_changed_holds_from_its_day() -> None:
    prices = known_prices()
    last = datetime(2025, 6, 9, tzinfo=UTC).date()

    assert cost(prices, "o3", input_tokens=1_000_000, output_tokens=0, day=last) == 10
    assert cost(prices, "o3", input_tokens=1_000_000, output_tokens=0, day=last + timedelta(days=1)) == 2


def test_every_price_is_a_price() -> None:
    for name, rows in known_prices().items():
        assert len({row.since for row in rows}) == len(rows), name
        for row in rows:
            assert 0 < row.input < row.output, name
