"""robots.txt: whom its groups speak to, which rule decides, and what silence means."""

import pytest

from candor.crawling.robots import Robots
from tests.growth import assert_linear

SITE = "https://marigold.example"


def robots(text: str) -> Robots:
    return Robots.of(200, text.encode())


def test_our_own_group_counts_and_the_one_for_all_does_not() -> None:
    said = robots("User-agent: *\nDisallow: /\n\nUser-agent: CANDORBOT/1.0\nDisallow: /shed\n")

    assert said.allows(f"{SITE}/garden")
    assert not said.allows(f"{SITE}/shed/1")


def test_groups_that_name_us_are_one() -> None:
    said = robots("User-agent: a\nUser-agent: candorbot\nDisallow: /1\n\nUser-agent: *\nDisallow: /2\n\n"
                  "User-agent: CandorBot\nDisallow: /3\n")  # fmt: skip

    assert [said.allows(f"{SITE}/{number}") for number in (1, 2, 3)] == [False, True, False]


def test_a_group_that_names_us_and_forbids_nothing_allows_all() -> None:
    assert robots("User-agent: *\nDisallow: /\nUser-agent: candorbot\nDisallow:\n").allows(f"{SITE}/a")


def test_another_robot_s_name_that_begins_like_ours_is_not_ours() -> None:
    assert robots("User-agent: CandorBot-News\nDisallow: /\n").allows(f"{SITE}/a")


@pytest.mark.parametrize(
    ("rules", "path", "allowed"),
    [
        ("Disallow: /a\nAllow: /a/b", "/a/b/c", True),
        ("Allow: /a\nDisallow: /a", "/a", True),
        ("Disallow: /a\nAllow: /a", "/a", True),
        ("Disallow: /*.cgi$", "/x/y.cgi", False),
        ("Disallow: /*.cgi$", "/x/y.cgi?a", True),
        ("Disallow: /a$", "/ab", True),
        ("Disallow: /a*c*e", "/abcde/f", False),
        ("Disallow: /a*c*e", "/aec", True),
        ("Disallow: /*?session=", "/a?session=1", False),
        ("Disallow: /%61b", "/ab", False),
        ("Disallow: /ключ", "/%d0%ba%d0%bb%d1%8e%d1%87", False),
        ("Disallow: /a%2fb", "/a/b", True),
        ("Disallow: /a%2Fb", "/a%2fb", False),
        ("Disallow: /star-%2A.html", "/star-*.html", False),
        ("Disallow: /A", "/a", True),
        ("Disallow: / # everything", "/a", False),
        ("Disallow: /", "/robots.txt", True),
        ("disallow : /a", "/a", False),
        ("Disallow: *", "/a", False),
        ("Disallow: /a*b$", "/a-b-b", False),
        ("Disallow: /ab*b$", "/ab", True),
    ],
)
def test_the_longest_rule_that_fits_decides(rules: str, path: str, allowed: bool) -> None:
    assert robots(f"User-agent: *\n{rules}\n").allows(SITE + path) is allowed


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_a_byte_order_mark_and_any_line_end_are_read(ending: str) -> None:
    text = ending.join(
        ["\ufeffUser-agent: *", "Disallow: /a", "Crawl-delay: 2.5", "Sitemap: https://x.example/s.xml"]
    )

    said = robots(text)

    assert not said.allows(f"{SITE}/a")
    assert (said.crawl_delay, said.sitemaps) == (2.5, ("https://x.example/s.xml",))


def test_a_sitemap_line_does_not_end_a_group_and_a_delay_does_not_join_two() -> None:
    said = robots("User-agent: candorbot\nSitemap: https://x.example/1.xml\nDisallow: /a\n")
    apart = robots("User-agent: *\nCrawl-delay: 7\n\nUser-agent: BadBot\nDisallow: /\n")

    assert not said.allows(f"{SITE}/a")
    assert apart.allows(f"{SITE}/a")
    assert apart.crawl_delay == 7


@pytest.mark.parametrize("delay", ["-1", "inf", "nan", "soon", ""])
def test_a_delay_that_is_none_is_left_out(delay: str) -> None:
    assert robots(f"User-agent: *\nCrawl-delay: {delay}\n").crawl_delay == 0


@pytest.mark.parametrize(
    ("status", "allowed"), [(200, True), (301, True), (401, True), (404, True), (429, True), (500, False), (503, False), (0, False)]  # noqa: E501
)  # fmt: skip
def test_no_file_allows_all_and_a_failing_server_nothing(status: int, allowed: bool) -> None:
    said = Robots.of(status, b"")

    assert said.allows(f"{SITE}/a") is allowed
    assert said.reachable is allowed


def test_what_lies_behind_500_kib_is_not_read_and_nonsense_forbids_nothing() -> None:
    assert robots("User-agent: *\n" + "#" * 512_000 + "\nDisallow: /a\n").allows(f"{SITE}/a")
    assert Robots.of(200, b"<html>Not found</html>" + bytes(range(256))).allows(f"{SITE}/a")


def test_a_pattern_full_of_stars_takes_no_time() -> None:
    def file_and_address(stars: int) -> tuple[Robots, str]:
        return robots("User-agent: *\nDisallow: /" + "*a" * stars + "$\n"), f"{SITE}/{'a' * (stars - 1)}b"

    def asked(given: tuple[Robots, str]) -> None:
        said, address = given
        assert all(said.allows(address) for _ in range(20))

    assert_linear(asked, file_and_address, 200)
