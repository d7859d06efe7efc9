"""Crawls: one contract, over every adapter."""

import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from candor.crawling.crawls import Crawls, Options, Page, Plan, Site
from candor.crawling.frontier import Frontier, Outcome, Written, key_for
from tests.doubles.tables import create_table

SITE = "shop.test"


@pytest.fixture(params=["memory", "moto", "ministack", "dynamodb_local"])
def crawls(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Crawls]:
    from candor.adapters.dynamodb_crawls import DynamoCrawls
    from candor.adapters.memory_crawls import MemoryCrawls

    if request.param == "memory":
        yield MemoryCrawls()
    elif request.param == "moto":
        from moto import mock_aws

        monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
        with mock_aws():
            yield DynamoCrawls(create_table("CrawlsTable"))
    else:
        monkeypatch.setenv("AWS_ENDPOINT_URL", request.getfixturevalue(request.param))
        yield DynamoCrawls(create_table("CrawlsTable"))


def page(number: int, **more: object) -> Page:
    url = f"https://{SITE}/{number}"
    given = {"etag": f'"{number}"', "title": f"Page {number}", "links": (f"{url}/a", f"{url}/b"), **more}
    return Page(site=SITE, key=key_for(url), url=url, outcome=Outcome.KEPT, **given)  # type: ignore[arg-type]


@pytest.fixture
def workers(request: pytest.FixtureRequest) -> int:
    """How many work at once. moto loses writes that meet, which no DynamoDB does."""
    return 1 if request.node.callspec.params["crawls"] == "moto" else 3


def test_a_plan_comes_back_as_it_was(crawls: Crawls) -> None:
    plan = Plan(
        job_id="one",
        start=f"https://{SITE}/",
        site=SITE,
        options=Options(max_pages=7, exclude_prefixes=("/blog",)),
        delay=1.5,
        started=12.25,
        robots_status=200,
        robots=b"User-agent: *\nDisallow: /\xff",
    )

    crawls.begin(replace(plan, delay=9))
    crawls.begin(plan)

    assert crawls.plan("one") == plan
    assert crawls.plan("another") is None


def test_a_job_without_a_frontier_has_an_empty_one(crawls: Crawls) -> None:
    frontier = crawls.frontier("new")

    assert (frontier.entries, frontier.revision, frontier.seeded) == ({}, 0, False)


def test_a_frontier_comes_back_as_it_was_saved(crawls: Crawls) -> None:
    frontier = crawls.frontier("job")
    frontier.add("a", depth=1, limit=10, listed=True, known=True)
    frontier.add("b?c", depth=2, limit=10, outcome=Outcome.DISALLOWED)
    frontier.claim(key_for("a"), text="t", fold="f", max_pages=5)
    frontier.settle(key_for("a"), Outcome.KEPT, written=Written.CREATED, round=1)
    frontier.fail(f"https://{SITE}/c", "It answered 500.")
    frontier.seeded = True
    frontier.withdrawn = {"gone": 2}
    frontier.moved_at = 17.5

    assert crawls.save(frontier)

    assert crawls.frontier("job") == frontier
    assert frontier.revision == 1


def test_a_state_that_somebody_else_has_replaced_is_not_saved(crawls: Crawls) -> None:
    mine, theirs = crawls.frontier("job"), crawls.frontier("job")
    theirs.add("a", depth=0, limit=10)
    assert crawls.save(theirs)
    mine.add("b", depth=0, limit=10)

    assert not crawls.save(mine)

    assert list(crawls.frontier("job").entries) == [key_for("a")]
    assert crawls.save(crawls.frontier("job"))


def test_workers_that_save_at_once_lose_nothing(crawls: Crawls, workers: int) -> None:
    def add(number: int) -> None:
        while True:
            frontier = crawls.frontier("job")
            frontier.add(str(number), depth=0, limit=100)
            if crawls.save(frontier):
                return

    with ThreadPoolExecutor(max_workers=workers) as pool:
        list(pool.map(add, range(15)))

    assert crawls.frontier("job").entries.keys() == {key_for(str(number)) for number in range(15)}


def test_the_frontier_of_the_largest_crawl_fits(crawls: Crawls) -> None:
    rng = random.Random(1)
    frontier = Frontier(job_id="large")
    for number in range(2 * Options(max_pages=500).max_visits):
        url = f"https://{SITE}/{number}?{rng.random()}"
        key = key_for(url)
        frontier.add(url, depth=3, limit=10**6, listed=True, wanted=True)
        entry = frontier.entries[key]
        entry.text, entry.fold, entry.target = (key_for(str(rng.random())) for _ in range(3))
        frontier.settle(key, Outcome.DUPLICATE, target=entry.target, written=Written.UNCHANGED)
    for number in range(200):
        frontier.fail("".join(chr(rng.randrange(32, 126)) for _ in range(300)) + str(number), "x" * 900)

    assert crawls.save(frontier)

    assert len(crawls.frontier("large").entries) == 4_200
    assert len(frontier.to_bytes()) < 300_000


def test_pages_are_remembered_and_forgotten(crawls: Crawls) -> None:
    pages = [page(number) for number in range(60)]
    crawls.remember([*pages, page(61, title="old"), page(61, title="new", document=True, version=3)])

    found = crawls.pages(SITE, [pages[3].key, pages[59].key, key_for("nowhere")])

    assert found == {pages[3].key: pages[3], pages[59].key: pages[59]}
    assert {one.key: one for one in crawls.known(SITE)} == {
        one.key: one for one in [*pages, page(61, title="new", document=True, version=3)]
    }
    crawls.forget([*pages[:58], page(999)])
    assert sorted(one.url for one in crawls.known(SITE)) == sorted(
        one.url for one in (pages[58], pages[59], page(61))
    )
    crawls.remember([])
    crawls.forget([])


def test_sites_do_not_share_their_pages(crawls: Crawls) -> None:
    crawls.remember([page(1), replace(page(1), site="other.test", title="Other")])

    assert [one.title for one in crawls.known("other.test")] == ["Other"]
    assert crawls.pages(SITE, [page(1).key])[page(1).key].title == "Page 1"
    assert crawls.pages(SITE, []) == {}


def test_a_page_with_too_many_links_is_read_whole_the_next_time(crawls: Crawls) -> None:
    rng = random.Random(2)
    links = tuple(f"https://{SITE}/{rng.getrandbits(400):x}" for _ in range(4_000))

    crawls.remember([page(1, links=links)])

    [kept] = crawls.known(SITE)
    assert (kept.links, kept.reader, kept.title) == ((), 0, "Page 1")


def test_turns_are_taken_one_after_the_other(crawls: Crawls) -> None:
    turns = [crawls.turn(SITE, now=100.0, delay=2.0, patience=5.0) for _ in range(3)]

    assert [(turn.granted, turn.wait) for turn in turns] == [(True, 0.0), (True, 2.0), (True, 4.0)]
    assert crawls.turn("other.test", now=100.0, delay=2.0, patience=5.0).wait == 0.0
    assert crawls.turn(SITE, now=200.0, delay=2.0, patience=5.0).wait == 0.0


def test_those_who_would_wait_too_long_are_sent_away_to_different_times(crawls: Crawls) -> None:
    crawls.turn(SITE, now=100.0, delay=10.0, patience=5.0)

    away = [crawls.turn(SITE, now=100.0, delay=10.0, patience=5.0) for _ in range(3)]

    assert [(turn.granted, turn.wait) for turn in away] == [(False, 10.0), (False, 20.0), (False, 30.0)]
    assert crawls.turn(SITE, now=110.0, delay=10.0, patience=5.0).granted


def test_workers_take_turns_of_their_own(crawls: Crawls, workers: int) -> None:
    with ThreadPoolExecutor(max_workers=workers) as pool:
        turns = list(pool.map(lambda _: crawls.turn(SITE, now=50.0, delay=1.0, patience=100.0), range(12)))

    assert sorted(turn.wait for turn in turns) == [float(number) for number in range(12)]


def test_what_is_known_of_a_site_is_kept(crawls: Crawls) -> None:
    assert crawls.site(SITE) == Site()

    crawls.keep_site(SITE, Site(options=Options(max_pages=9).as_json(), suspected_by="job"))

    assert Options.of(crawls.site(SITE).options) == Options(max_pages=9)
    assert crawls.site(SITE).suspected_by == "job"
