"""The frontier of a crawl: what its pages are to each other, whatever order they come in."""

import itertools

import pytest

from candor.crawling.crawls import Options
from candor.crawling.frontier import MAX_ERRORS, Frontier, Outcome, Written, key_for
from candor.crawling.visiting import MAX_PAUSE, retry_after


def frontier_of(*urls: str, **more: bool) -> Frontier:
    frontier = Frontier(job_id="job", seeded=True)
    for url in urls:
        frontier.add(url, depth=1, limit=1_000, **more)
    return frontier


def test_a_page_is_found_once() -> None:
    frontier = Frontier(job_id="job")

    assert [frontier.add("https://a/x", depth=1, limit=10) for _ in range(2)] == [True, False]


def test_a_crawl_is_complete_when_the_first_pages_are_in_and_nothing_waits() -> None:
    frontier = frontier_of("https://a/x")
    assert not frontier.complete

    frontier.settle(key_for("https://a/x"), Outcome.GONE)

    assert frontier.complete
    frontier.seeded = False
    assert not frontier.complete


def test_pages_that_need_no_request_do_not_use_up_the_limit() -> None:
    frontier = Frontier(job_id="job")

    for number in range(5):
        frontier.add(f"https://a/no/{number}", depth=1, limit=4, outcome=Outcome.DISALLOWED)
    found = [frontier.add(f"https://a/{number}", depth=1, limit=4) for number in range(6)]

    assert found == [True] * 3 + [False] * 3, "8 entries in all, however many are refused"
    assert frontier.cut


def test_a_page_found_nearer_is_visited_again_once() -> None:
    frontier = frontier_of("https://a/x")
    key = key_for("https://a/x")
    frontier.entries[key].depth = 3
    frontier.settle(key, Outcome.KEPT)

    assert frontier.add("https://a/x", depth=2, limit=10)
    assert not frontier.add("https://a/x", depth=2, limit=10)
    assert frontier.entries[key].outcome == Outcome.WAITING


def test_a_message_that_opens_a_page_again_may_come_before_that_is_saved() -> None:
    frontier = frontier_of("https://a/x")
    key = key_for("https://a/x")
    frontier.settle(key, Outcome.DUPLICATE)

    assert frontier.is_done(key, depth=1, round=0)
    assert not frontier.is_done(key, depth=0, round=0)
    assert not frontier.is_done(key, depth=1, round=1)
    frontier.settle(key, Outcome.KEPT, round=1)
    assert frontier.is_done(key, depth=1, round=1)


@pytest.mark.parametrize(
    "order", list(itertools.permutations(["https://a/one", "https://a/two?x=1", "https://a/sub/three"]))
)
def test_the_winner_of_pages_that_say_the_same_does_not_depend_on_the_order(order: tuple[str, ...]) -> None:
    frontier = frontier_of(*order)

    for url in order:
        outcome = frontier.claim(key_for(url), text="t", fold=key_for(url), max_pages=1)
        frontier.settle(key_for(url), outcome)

    assert frontier.winners() == {key_for("https://a/one")}


def test_a_canonical_address_wins_then_one_without_a_query_then_one_of_a_sitemap() -> None:
    frontier = frontier_of("https://a/a", "https://a/listed")
    frontier.add("https://a/listed?x=1", depth=0, limit=9, listed=True)
    frontier.add("https://a/listed", depth=1, limit=9, listed=True)
    frontier.add("https://a/canonical/long", depth=9, limit=9, wanted=True)
    urls = ("https://a/canonical/long", "https://a/listed", "https://a/a", "https://a/listed?x=1")

    assert sorted(urls, key=lambda url: frontier.rank(key_for(url))) == list(urls)


def test_two_spellings_of_one_address_are_one_page_though_their_texts_differ() -> None:
    frontier = frontier_of("https://a/x", "https://a/x/")

    first = frontier.claim(key_for("https://a/x"), text="10:01", fold="same", max_pages=5)
    second = frontier.claim(key_for("https://a/x/"), text="10:02", fold="same", max_pages=5)

    assert (first, second) == (Outcome.KEPT, Outcome.DUPLICATE)


def test_places_are_kept_for_pages_that_have_a_document() -> None:
    frontier = frontier_of("https://a/old1", "https://a/old2", known=True)
    frontier.add("https://a/new", depth=1, limit=10)

    assert frontier.claim(key_for("https://a/new"), text="n", fold="n", max_pages=2) == Outcome.LIMIT
    for name in ("old1", "old2"):
        key = key_for(f"https://a/{name}")
        assert frontier.claim(key, text=name, fold=name, max_pages=2) == Outcome.KEPT


def test_claiming_again_changes_nothing() -> None:
    frontier = frontier_of("https://a/x")
    key = key_for("https://a/x")

    claims = [frontier.claim(key, text="t", fold="f", max_pages=1) for _ in range(3)]

    assert claims == [Outcome.KEPT] * 3


def test_a_chain_leads_somewhere_if_it_ends_at_a_page_that_stands_for_it() -> None:
    frontier = frontier_of("https://a/1", "https://a/2", "https://a/3", "https://a/4")
    one, two, three, four = (key_for(f"https://a/{number}") for number in range(1, 5))
    frontier.settle(one, Outcome.CANONICAL, target=two)
    frontier.settle(two, Outcome.REDIRECT, target=three)
    frontier.settle(three, Outcome.KEPT)
    frontier.settle(four, Outcome.CANONICAL, target=four)

    assert frontier.leads_somewhere(one)
    assert not frontier.leads_somewhere(four)
    frontier.settle(three, Outcome.GONE)
    assert not frontier.leads_somewhere(one)


def test_what_was_written_first_is_what_is_told() -> None:
    frontier = frontier_of("https://a/x")
    key = key_for("https://a/x")

    frontier.settle(key, Outcome.KEPT, written=Written.CREATED)
    frontier.settle(key, Outcome.KEPT, written=Written.UNCHANGED)

    assert frontier.entries[key].written == Written.CREATED


def test_the_first_errors_are_kept() -> None:
    frontier = Frontier(job_id="job")

    for number in range(MAX_ERRORS + 5):
        frontier.fail(f"https://a/{number}", "x" * 1_000)

    frontier.fail("https://a/0", "The second reason. " + "x" * 200)
    assert len(frontier.errors) == MAX_ERRORS
    assert frontier.errors["https://a/0"].startswith("The second reason.")
    assert len(frontier.errors["https://a/0"]) == 200


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        ("7", 7),
        ("0", 1),
        ("100000", MAX_PAUSE),
        ("Thu, 01 Jan 1970 00:01:30 GMT", 60),
        ("Thu, 01 Jan 1960 00:00:00 GMT", 1),
        ("soon", 5),
        ("", 5),
        ("-3", 5),
        ("nan", 5),
    ],
)
def test_how_long_a_site_wants_to_be_left_alone(given: str, seconds: float) -> None:
    assert retry_after({"retry-after": given}, now=30.0) == seconds


def test_options_survive_names_nobody_knows() -> None:
    assert Options.of({"max_pages": 3, "colour": "blue", "exclude_prefixes": ["/x"]}) == Options(
        max_pages=3, exclude_prefixes=("/x",)
    )
