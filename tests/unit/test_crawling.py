"""Crawling: a site in memory becomes exactly the documents it should, however its messages travel."""

import itertools
import random
from dataclasses import replace
from typing import Any

import pytest

from candor.documents import Draft, document_id_of, draft_of
from candor.errors import Malformed
from candor.jobs import JobStatus
from candor.messages import CrawlToFinish
from tests.doubles.crawling import Crawl
from tests.doubles.web import Answer, Web, moved, page

BASE = "https://shop.test"


def site(**pages: Answer) -> dict[str, Answer]:
    """Pages by path: `a__b` is /a/b, `home` is /."""
    return {
        f"{BASE}/{path.replace('__', '/').removeprefix('home')}": answer for path, answer in pages.items()
    }


def urls(*paths: str) -> list[str]:
    return sorted(f"{BASE}/{path}" for path in paths)


@pytest.fixture
def crawl() -> Crawl:
    return Crawl(
        web=Web(
            site(
                home=page("Welcome to the shop.", "/plans", "/help", "/missing"),
                plans=page("Plans cost 5 and 10 a month.", "/", "/plans/large", doc_type="pricing"),
                plans__large=page("The large plan has 8 GB of memory.", "/help"),
                help=page("Help is here at any hour.", "/help/backups"),
                help__backups=page("Backups are kept for seven nights.", "/"),
            )
        )
    )


def test_every_page_of_a_site_becomes_a_document(crawl: Crawl) -> None:
    job = crawl.run(BASE)

    assert job.status == JobStatus.SUCCEEDED, job.errors
    assert crawl.urls() == urls("", "plans", "plans/large", "help", "help/backups")
    row = crawl.knowledge.documents.get(document_id_of(f"{BASE}/plans"))
    assert (row.source, row.doc_type, row.title) == ("web", "pricing", "Plans cost 5 and 10 ")
    assert crawl.knowledge.quotable("backups nights") == [f"{BASE}/help/backups"]


def test_the_result_counts_everything_once(crawl: Crawl) -> None:
    job = crawl.run(BASE)

    assert (job.done, job.total, job.failed) == (6, 6, 0)
    told = {
        name: job.result[name] for name in job.result if name not in ("seconds", "pages_per_second", "bytes")
    }
    pages = told.pop("pages")
    assert told == {
        "status": "ok",
        "pages_crawled": 5,
        "pages_ingested": 5,
        "pages_fetched": 6,
        "created": 5,
        "updated": 0,
        "unchanged": 0,
        "gone": 0,
        "withdrawn": {},
        "duplicates": 0,
        "skipped": {"gone": 1},
        "errors": 0,
        "rendered": 0,
        "limit_reached": False,
        "not_yet_searchable": 0,
    }
    assert {"url": f"{BASE}/plans", "title": "Plans cost 5 and 10 ", "doc_type": "pricing"} in pages


@pytest.mark.parametrize("etags", [True, False])
def test_a_second_run_changes_nothing(crawl: Crawl, etags: bool) -> None:
    crawl.web.etags = etags
    crawl.run(BASE)
    before = list(crawl.knowledge.documents.all())

    job = crawl.run(BASE)

    assert list(crawl.knowledge.documents.all()) == before
    assert (job.result["unchanged"], job.result["created"], job.result["updated"]) == (5, 0, 0)
    assert crawl.web.not_modified == (5 if etags else 0)


# ---------------------------------------------------------------- what changes between two crawls


def test_what_changed_is_updated_and_what_disappeared_is_withdrawn(crawl: Crawl) -> None:
    crawl.run(BASE)
    crawl.web.pages[f"{BASE}/help/backups"] = page("Backups are kept for fourteen nights.", "/")
    del crawl.web.pages[f"{BASE}/plans/large"]

    job = crawl.run(BASE)

    assert crawl.urls() == urls("", "plans", "help", "help/backups")
    assert crawl.knowledge.quotable("fourteen nights") == [f"{BASE}/help/backups"]
    assert crawl.knowledge.quotable("memory") == []
    counts = {name: job.result[name] for name in ("created", "updated", "unchanged", "gone")}
    assert counts == {"created": 0, "updated": 1, "unchanged": 3, "gone": 1}
    again = crawl.run(BASE)
    assert (again.result["gone"], again.result["unchanged"]) == (0, 4)


@pytest.mark.parametrize(
    ("now", "reason"),
    [
        (Answer(status=410), "gone"),
        (moved("/help"), "redirect"),
        (moved("https://elsewhere.test/"), "off_site"),
        (page("Something.", kind="noindex"), "noindex"),
        (page("There is no such page.", kind="soft_404"), "soft_404"),
        (page("Please log in.", kind="login"), "login"),
        (page("Help is here at any hour.", "/help/backups"), "duplicate"),
        (page("Plans.", canonical="/help"), "canonical"),
        (Answer(status=401), "login"),
    ],
)
def test_a_page_that_is_no_page_of_its_own_any_more_leaves_the_answers(
    crawl: Crawl, now: Answer, reason: str
) -> None:
    crawl.run(BASE)
    crawl.web.pages[f"{BASE}/plans/large"] = now

    job = crawl.run(BASE)

    assert crawl.urls() == urls("", "plans", "help", "help/backups")
    assert job.result["withdrawn"] == {reason: 1}


@pytest.mark.parametrize("now", [Answer(status=500), Answer(status=403), Answer(failures=(0,) * 9)])
def test_a_page_that_fails_stays_and_is_an_error(crawl: Crawl, now: Answer) -> None:
    crawl.run(BASE)
    crawl.web.pages[f"{BASE}/plans/large"] = now

    job = crawl.run(BASE)

    assert f"{BASE}/plans/large" in crawl.urls()
    assert (job.status, job.failed, job.result["gone"]) == (JobStatus.SUCCEEDED, 1, 0)
    assert [(error.file, error.record) for error in job.errors] == [(f"{BASE}/plans/large", -1)]


@pytest.mark.parametrize("down", ["everything", "robots", "start"])
def test_a_site_that_is_down_loses_nothing(crawl: Crawl, down: str) -> None:
    crawl.run(BASE)
    before = list(crawl.knowledge.documents.all())
    if down == "everything":
        crawl.web.pages = {url: Answer(status=500) for url in crawl.web.pages}
    crawl.web.pages[f"{BASE}/robots.txt" if down == "robots" else f"{BASE}/"] = Answer(status=503)

    job = crawl.run(BASE)

    assert job.status == JobStatus.FAILED
    assert list(crawl.knowledge.documents.all()) == before
    assert job.result["error"].endswith(".")
    assert job.errors[0].reason == job.result["error"]


def test_a_site_under_repair_keeps_its_documents_until_the_next_crawl_finds_the_same() -> None:
    pages = {f"p{number}": page(f"This is article number {number}.") for number in range(30)}
    crawl = Crawl(web=Web(site(home=page("Hello.", *(f"/{name}" for name in pages)), **pages)))
    crawl.run(BASE, max_pages=100)
    for name in pages:
        crawl.web.pages[f"{BASE}/{name}"] = page("We will be back soon.")

    first = crawl.run(BASE, max_pages=100)

    assert (len(crawl.urls()), first.result["gone"]) == (31, 0)
    assert "29 pages" in first.result["warning"]
    second = crawl.run(BASE, max_pages=100)
    assert (len(crawl.urls()), second.result["gone"]) == (2, 29)


def test_a_page_now_forbidden_by_robots_is_not_asked_for_and_leaves(crawl: Crawl) -> None:
    crawl.run(BASE)
    crawl.web.pages[f"{BASE}/robots.txt"] = Answer(body=b"User-agent: *\nDisallow: /plans/")
    crawl.web.requests.clear()

    job = crawl.run(BASE)

    assert f"{BASE}/plans/large" not in crawl.web.requests
    assert job.result["withdrawn"] == {"disallowed": 1}
    assert crawl.urls() == urls("", "plans", "help", "help/backups")


def test_a_document_deleted_by_hand_comes_back_with_the_next_crawl(crawl: Crawl) -> None:
    crawl.run(BASE)
    crawl.knowledge.documents.delete(document_id_of(f"{BASE}/plans"))

    job = crawl.run(BASE)

    assert f"{BASE}/plans" in crawl.urls()
    assert (job.result["created"], job.result["unchanged"]) == (1, 4)


def test_a_document_somebody_wrote_is_left_alone(crawl: Crawl) -> None:
    theirs, _ = crawl.knowledge.documents.put(
        Draft(url=f"{BASE}/plans", title="Ours", text="Written by hand.")
    )

    first = crawl.run(BASE)
    second = crawl.run(BASE)

    row = crawl.knowledge.documents.get(theirs.document_id)
    assert (row.title, row.source, row.version) == ("Ours", "api", 1)
    for job in (first, second):
        assert job.result["skipped"]["other_source"] == 1
        assert job.result["pages_ingested"] == 4
    assert f"{BASE}/plans/large" in crawl.urls(), "its links are followed"


def test_a_crawled_document_somebody_took_over_is_not_taken_back(crawl: Crawl) -> None:
    crawl.run(BASE)
    crawl.knowledge.documents.put(Draft(url=f"{BASE}/plans", title="Ours", text="Written by hand."))
    crawl.knowledge.work()
    crawl.web.pages[f"{BASE}/plans"] = page("Plans cost 6 a month.")

    crawl.run(BASE)
    del crawl.web.pages[f"{BASE}/plans"]
    crawl.run(BASE)

    assert crawl.knowledge.documents.get(document_id_of(f"{BASE}/plans")).title == "Ours"


def test_what_a_person_corrected_stays_when_the_page_changes(crawl: Crawl) -> None:
    crawl.run(BASE)
    documents = crawl.knowledge.documents
    row = documents.get(document_id_of(f"{BASE}/plans"))
    draft = replace(draft_of(row, documents.contents(row)), doc_type="policy", metadata={"team": "sales"})
    documents.put(draft)
    crawl.knowledge.work()
    crawl.web.pages[f"{BASE}/plans"] = page("Plans cost 6 a month.", doc_type="pricing")

    crawl.run(BASE)

    now = documents.get(row.document_id)
    assert (now.doc_type, now.metadata, now.title) == ("policy", {"team": "sales"}, "Plans cost 6 a month")
    assert documents.contents(now).text == "Plans cost 6 a month."


def test_a_page_that_breaks_its_reader_is_an_error_and_no_other_page_suffers(crawl: Crawl) -> None:
    crawl.web.pages[f"{BASE}/plans"] = Answer(body=b"\xff no page of this web")

    job = crawl.run(BASE)

    assert crawl.urls() == urls("", "help", "help/backups")
    assert [error.reason for error in job.errors] == ["It could not be read (UnicodeDecodeError)."]


# ---------------------------------------------------------------- one document for each text


def _twins(order: list[str]) -> dict[str, Answer]:
    same = "The same text under several addresses."
    return site(
        home=page("Start.", *order),
        a=page(same),
        **{"long-name": page(same), "deep__down": page(same)},
        other=page("Another text.", "/deep/down"),
    )


@pytest.mark.parametrize("seed", range(6))
def test_of_pages_that_say_the_same_the_best_address_stays_in_any_order(seed: int) -> None:
    rng = random.Random(seed)
    links = ["/a", "/long-name", "/other"]
    rng.shuffle(links)
    crawl = Crawl(web=Web(_twins(links)))
    job = crawl.begin(BASE)

    crawl.work(job, chaos=rng, batch=1 + seed % 3)

    assert crawl.urls() == urls("", "a", "other")
    result = crawl.knowledge.jobs.get(job.job_id).result
    assert (result["pages_crawled"], result["duplicates"]) == (3, 2)
    assert result["gone"] == 0, "what came and went within one crawl is no news"


@pytest.mark.parametrize("seed", range(6))
def test_a_page_called_canonical_takes_the_place_of_those_that_call_it_so(seed: int) -> None:
    rng = random.Random(seed)
    pages = site(
        home=page("Start.", "/a", "/b", "/c"),
        a=page("A text, short.", canonical="/deep/real"),
        b=page("A text, shorter.", canonical="/deep/real"),
        c=page("A text.", "/deep/real", canonical="/missing"),
        deep__real=page("A text, in full."),
    )
    crawl = Crawl(web=Web(pages))
    job = crawl.begin(BASE)

    crawl.work(job, chaos=rng, batch=2)

    # /c names a page that is not there: so it stands for itself.
    assert crawl.urls() == urls("", "c", "deep/real")
    assert crawl.run(BASE).result["unchanged"] == 3


def test_pages_that_call_each_other_canonical_do_not_both_vanish() -> None:
    pages = site(home=page("Start.", "/a"), a=page("A.", canonical="/b"), b=page("B.", canonical="/a"))
    crawl = Crawl(web=Web(pages))

    job = crawl.run(BASE)

    assert job.status == JobStatus.SUCCEEDED
    assert {f"{BASE}/a", f"{BASE}/b"} & set(crawl.urls())


def test_a_duplicate_takes_over_when_the_better_address_is_gone() -> None:
    crawl = Crawl(web=Web(_twins(["/a", "/long-name", "/other"])))
    crawl.run(BASE)
    del crawl.web.pages[f"{BASE}/a"]

    job = crawl.run(BASE)

    assert crawl.urls() == urls("", "long-name", "other")
    assert crawl.knowledge.quotable("several addresses") == [f"{BASE}/long-name"]
    assert (job.result["created"], job.result["gone"], job.result["duplicates"]) == (1, 1, 1)


# ---------------------------------------------------------------- the site's edges


def test_redirects_are_followed_within_the_site_and_loops_end() -> None:
    pages = site(
        home=page("Start.", "/old", "/loop", "/away", "/inside"),
        old=moved("/new"),
        new=page("The new place."),
        loop=moved("/loop2"),
        loop2=moved("/loop"),
        away=moved("https://other.test/"),
        inside=moved("http://169.254.169.254/latest/"),
    )
    crawl = Crawl(web=Web({**pages, "https://other.test/": page("Not ours.")}))

    job = crawl.run(BASE)

    assert crawl.urls() == urls("", "new")
    assert job.result["skipped"] == {"redirect": 3, "off_site": 2}
    assert not [url for url in crawl.web.requests if "shop.test" not in url]


def test_a_start_that_redirects_to_another_host_takes_the_crawl_there() -> None:
    crawl = Crawl(
        web=Web(
            {
                "https://shop.test/": moved("https://www.shop.test/welcome"),
                "https://www.shop.test/welcome": page(
                    "Welcome.", "https://shop.test/a", "http://www.shop.test/b"
                ),
                "https://www.shop.test/a": page("Page A."),
                "https://www.shop.test/b": page("Page B."),
            }
        )
    )

    crawl.run(BASE)

    assert crawl.urls() == [f"https://www.shop.test/{path}" for path in ("a", "b", "welcome")]


def test_a_site_that_moves_to_https_has_its_documents_once(crawl: Crawl) -> None:
    plain = {url.replace("https:", "http:"): answer for url, answer in crawl.web.pages.items()}
    safe = dict(crawl.web.pages)
    crawl.web.pages = plain
    crawl.run(BASE.replace("https:", "http:"))
    assert all(url.startswith("http:") for url in crawl.urls())
    crawl.web.pages = {**{url: moved(url.replace("http:", "https:")) for url in plain}, **safe}

    job = crawl.run(BASE.replace("https:", "http:"))

    assert crawl.urls() == urls("", "plans", "plans/large", "help", "help/backups")
    assert (job.result["created"], job.result["withdrawn"]) == (5, {"redirect": 5})


def test_a_refused_address_begins_no_job(crawl: Crawl) -> None:
    with pytest.raises(Malformed):
        crawl.begin("http://127.0.0.1/")

    assert crawl.knowledge.jobs.list(page=1, page_size=1)[1] == 0
    assert crawl.queue.messages == []


def test_pages_are_left_out_by_prefix(crawl: Crawl) -> None:
    crawl.run(BASE, exclude_prefixes=("/plans/", f"{BASE}/help"))

    assert crawl.urls() == urls("", "plans")


def test_only_pages_of_a_prefix_are_followed(crawl: Crawl) -> None:
    crawl.run(f"{BASE}/help", include_prefixes=("/help",))

    assert crawl.urls() == urls("help", "help/backups")


@pytest.mark.parametrize(("depth", "expected"), [(1, ["", "near"]), (2, ["", "near", "far"])])
def test_links_are_followed_so_many_steps(depth: int, expected: list[str]) -> None:
    pages = site(
        home=page("0.", "/near"), near=page("1.", "/far"), far=page("2.", "/further"), further=page("3.")
    )
    crawl = Crawl(web=Web(pages))

    crawl.run(BASE, max_depth=depth)

    assert crawl.urls() == urls(*expected)


@pytest.mark.parametrize("seed", range(8))
def test_how_far_away_a_page_is_does_not_depend_on_the_order(seed: int) -> None:
    """/x is three links away by one path and one by another; what it links to counts from the nearer."""
    pages = site(
        home=page("0.", "/a", "/x"),
        a=page("A.", "/b"),
        b=page("B.", "/x"),
        x=page("X.", "/y"),
        y=page("Y.", "/z"),
        z=page("Z."),
    )
    crawl = Crawl(web=Web(pages))
    job = crawl.begin(BASE, max_depth=3)

    crawl.work(job, chaos=random.Random(seed), batch=1)

    assert crawl.urls() == urls("", "a", "b", "x", "y", "z")


def test_a_sitemap_brings_pages_nobody_links(crawl: Crawl) -> None:
    listing = f"<urlset><url><loc>{BASE}/orphan</loc></url><url><loc>https://other.test/</loc></url></urlset>"
    crawl.web.pages[f"{BASE}/sitemap.xml"] = Answer(body=listing.encode())
    crawl.web.pages[f"{BASE}/orphan"] = page("Nobody links to this.")

    crawl.run(BASE)

    assert f"{BASE}/orphan" in crawl.urls()


@pytest.mark.parametrize("seed", range(4))
def test_no_more_pages_are_kept_than_asked_for(seed: int) -> None:
    pages = {f"p{number}": page(f"This is article number {number}.") for number in range(40)}
    crawl = Crawl(web=Web(site(home=page("Hello.", *(f"/{name}" for name in pages)), **pages)))
    job = crawl.begin(BASE, max_pages=12)
    crawl.work(job, chaos=random.Random(seed))

    first = crawl.urls()
    assert len(first) == 12
    assert crawl.knowledge.jobs.get(job.job_id).result["limit_reached"] is True
    again = crawl.run(BASE, max_pages=12)
    assert crawl.urls() == first, "the same pages are kept the next time"
    assert (again.result["unchanged"], again.result["gone"]) == (12, 0)


def test_an_endless_site_ends() -> None:
    class Endless(Web):
        def _answer(self, url: str) -> Answer:
            self.pages[url] = page("Nothing.", f"{url}x", kind="empty") if "robots" not in url else Answer()
            return super()._answer(url)

    crawl = Crawl(web=Endless())

    job = crawl.run(BASE, max_pages=5, max_depth=10_000)

    assert job.status == JobStatus.SUCCEEDED
    assert job.result["pages_fetched"] <= 4 * 5 + 100
    assert job.result["limit_reached"] is True


def test_without_ingest_pages_are_listed_and_nothing_is_stored(crawl: Crawl) -> None:
    job = crawl.run(BASE, ingest=False)

    assert crawl.urls() == []
    assert (job.result["pages_crawled"], job.result["pages_ingested"]) == (5, 0)
    assert len(job.result["pages"]) == 5
    crawl.run(BASE)
    assert len(crawl.urls()) == 5


# ---------------------------------------------------------------- politeness


def test_a_page_that_fails_is_tried_again(crawl: Crawl) -> None:
    crawl.web.pages[f"{BASE}/plans"] = Answer(body=page("Plans cost 5.").body, failures=(500, 0))

    job = crawl.run(BASE)

    assert f"{BASE}/plans" in crawl.urls()
    assert job.failed == 0


def test_a_site_that_asks_for_a_pause_gets_it(crawl: Crawl) -> None:
    answer = Answer(body=page("Help.").body, failures=(429,), headers={"retry-after": "90"})
    crawl.web.pages[f"{BASE}/help"] = answer
    began = crawl.clock.now
    asked: list[tuple[float, str]] = []
    fetch = crawl.web.fetch

    def timed(url: str, **more: Any) -> Any:
        asked.append((crawl.clock.now - began, url))
        return fetch(url, **more)

    crawl.web.fetch = timed  # type: ignore[method-assign]

    crawl.run(BASE)

    [refused, granted] = [at for at, url in asked if url == f"{BASE}/help"]
    assert granted - refused >= 90
    assert not [at for at, _ in asked if refused < at < refused + 90]
    assert f"{BASE}/help" in crawl.urls()


def test_a_site_that_never_lets_us_in_is_given_up_and_said_so(crawl: Crawl) -> None:
    crawl.web.pages[f"{BASE}/help"] = Answer(failures=(503,) * 50, headers={"retry-after": "7200"})

    job = crawl.run(BASE)

    assert (job.status, job.failed) == (JobStatus.SUCCEEDED, 1)
    assert crawl.web.requests.count(f"{BASE}/help") == 3


@pytest.mark.parametrize(
    ("asked", "option", "expected"), [(2.0, 0.0, 2.0), (2.0, 5.0, 5.0), (99.0, 0.0, 30.0)]
)
def test_requests_keep_their_distance(crawl: Crawl, asked: float, option: float, expected: float) -> None:
    crawl.web.pages[f"{BASE}/robots.txt"] = Answer(body=f"User-agent: *\nCrawl-delay: {asked}".encode())
    times: list[float] = []
    fetch = crawl.web.fetch

    def timed(url: str, **more: Any) -> Any:
        if not more.get("follow", True):
            times.append(crawl.clock.now)
        return fetch(url, **more)

    crawl.web.fetch = timed  # type: ignore[method-assign]

    crawl.run(BASE, delay_seconds=option)

    assert len(times) == 6
    assert all(later - earlier >= expected - 0.01 for earlier, later in itertools.pairwise(times))
    assert len(crawl.urls()) == 5


# ---------------------------------------------------------------- jobs


def test_a_cancelled_crawl_stops_within_a_batch_and_withdraws_nothing() -> None:
    pages = {f"p{number}": page(f"This is article number {number}.") for number in range(40)}
    crawl = Crawl(web=Web(site(home=page("Hello.", *(f"/{name}" for name in pages)), **pages)))
    job = crawl.begin(BASE)
    crawl.deliver(*crawl.queue.take())
    crawl.deliver(*crawl.queue.take())
    crawl.deliver(*crawl.queue.take())
    before = len(crawl.web.requests)

    crawl.knowledge.jobs.cancel(job.job_id)
    while messages := crawl.queue.take(10):
        crawl.deliver(*messages)

    assert len(crawl.web.requests) == before
    assert 0 < len(crawl.urls()) <= 11
    assert crawl.knowledge.jobs.get(job.job_id).status == JobStatus.CANCELLED


def test_progress_is_told_while_it_runs(crawl: Crawl) -> None:
    seen: list[tuple[int, int]] = []
    job = crawl.begin(BASE)

    def look() -> None:
        now = crawl.knowledge.jobs.get(job.job_id)
        seen.append((now.done, now.total))

    crawl.work(job, each=look, batch=1)

    assert seen == sorted(seen)
    assert (1, 3) in seen or (1, 4) in seen


def test_the_end_says_what_cannot_be_found_yet(crawl: Crawl) -> None:
    job = crawl.begin(BASE)
    while messages := crawl.queue.take():
        crawl.deliver(*messages)  # And nobody indexes anything meanwhile.

    ended = crawl.knowledge.jobs.get(job.job_id)
    assert ended.status == JobStatus.SUCCEEDED
    assert ended.result["not_yet_searchable"] == ended.result["created"] > 0


def test_what_is_on_its_way_into_the_index_is_not_read_again(crawl: Crawl) -> None:
    job = crawl.begin(BASE)
    while messages := crawl.queue.take():
        crawl.deliver(*messages)

    again = crawl.begin(BASE)
    while messages := crawl.queue.take():
        crawl.deliver(*messages)

    first, second = (crawl.knowledge.jobs.get(each.job_id).result for each in (job, again))
    assert second["unchanged"] == first["created"]
    assert second["bytes"] < first["bytes"] / 10


def test_a_crawl_without_options_repeats_the_last_ones(crawl: Crawl) -> None:
    crawl.run(BASE, exclude_prefixes=("/help",), max_pages=7)

    job = crawl.crawling.begin_site(BASE, created_by="schedule", job_id="the-same")
    crawl.crawling.begin_site(BASE, created_by="schedule", job_id="the-same")
    crawl.work(job)

    assert crawl.urls() == urls("", "plans", "plans/large")
    plan = crawl.crawls.plan(job.job_id)
    assert plan is not None
    assert plan.options.max_pages == 7


def test_a_crawl_whose_messages_are_lost_ends_all_the_same(crawl: Crawl) -> None:
    job = crawl.begin(BASE)
    crawl.deliver(*crawl.queue.take())
    crawl.queue.messages = [
        (at, message) for at, message in crawl.queue.messages if isinstance(message, CrawlToFinish)
    ]

    crawl.work(job)

    ended = crawl.knowledge.jobs.get(job.job_id)
    assert ended.status == JobStatus.FAILED
    assert "dead letters" in ended.errors[0].reason


def test_a_crawl_that_could_not_be_begun_ends_all_the_same(crawl: Crawl) -> None:
    job = crawl.begin(BASE)
    crawl.queue.take()

    crawl.work(job)

    ended = crawl.knowledge.jobs.get(job.job_id)
    assert ended.status == JobStatus.FAILED
    assert "dead letters" in ended.result["error"]
