"""Sitemaps: every address that can be read is read, whatever else is broken; bombs are not."""

import gzip

import pytest

from candor.crawling.sitemaps import MAX_ENTRIES, Entry, read_sitemap

ONE = Entry(url="https://x.example/a?b=1&c=2", lastmod="2030-01-02")


@pytest.mark.parametrize(
    "text",
    [
        '<?xml version="1.0"?><urlset xmlns="http://x"><url><loc> https://x.example/a?b=1&amp;c=2 </loc><lastmod>2030-01-02</lastmod></url></urlset>',  # noqa: E501
        "<sm:urlset xmlns:sm='http://x'><sm:url><sm:loc>https://x.example/a?b=1&amp;c=2</sm:loc><sm:lastmod>2030-01-02</sm:lastmod></sm:url></sm:urlset>",
        "<urlset><url><loc>https://x.example/a?b=1&c=2</loc><lastmod>2030-01-02</lastmod>",
        "<urlset><url><loc><![CDATA[https://x.example/a?b=1&c=2]]></loc><lastmod>2030-01-02</lastmod></url></urlset>",
        "<!-- <urlset><url><loc>https://x.example/no</loc></url> --><urlset><url><loc>https://x.example/a?b=1&amp;c=2</loc>"
        "<lastmod>2030-01-02</lastmod><image:image><image:loc>https://x.example/i.png</image:loc></image:image></url></urlset>",
        "<rss><channel><link>https://x.example/</link><item><link>https://x.example/a?b=1&amp;c=2</link><pubDate>2030-01-02</pubDate></item></channel></rss>",
        "<feed><link href='https://x.example/feed' rel='self'/><entry><link rel='edit' href='https://x.example/e'/>"
        "<link href='https://x.example/a?b=1&amp;c=2'/><updated>2030-01-02</updated></entry></feed>",
    ],
)  # fmt: skip
@pytest.mark.parametrize("pack", [lambda b: b, gzip.compress, lambda b: b"\xef\xbb\xbf" + b])
def test_every_kind_of_sitemap_gives_its_pages(text: str, pack: object) -> None:
    found = read_sitemap(pack(text.encode()))  # type: ignore[operator]

    assert (found.pages, found.sitemaps) == ((ONE,), ())


def test_an_index_names_sitemaps() -> None:
    found = read_sitemap(
        b"<sitemapindex><sitemap><loc>/s1.xml.gz</loc></sitemap></sitemapindex>",
        url="https://x.example/m.xml",
    )

    assert found.sitemaps == (Entry(url="https://x.example/s1.xml.gz"),)
    assert found.pages == ()


def test_a_plain_list_is_read_line_by_line() -> None:
    found = read_sitemap(
        b"https://x.example/1\r\n\r\nnot an address\nhttps://x.example/2\nhttps://x.example/1\n"
    )

    assert [entry.url for entry in found.pages] == ["https://x.example/1", "https://x.example/2"]


def test_utf_16_is_read() -> None:
    text = "<?xml version='1.0' encoding='utf-16'?><urlset><url><loc>https://x.example/й</loc></url></urlset>"

    assert read_sitemap(text.encode("utf-16")).pages[0].url == "https://x.example/й"


def test_one_broken_entry_hides_no_other() -> None:
    found = read_sitemap(b"<urlset><url><loc>https://x.example/1</url><url><lastmod>x</lastmod></url>"
                         b"<url><loc>javascript:1</loc></url><url><loc>http://[::1/</loc></url><url><loc>https://x.example/2</loc>",
                         url="https://x.example/")  # fmt: skip

    assert [entry.url for entry in found.pages] == ["https://x.example/1", "https://x.example/2"]


def test_an_entity_bomb_is_refused() -> None:
    found = read_sitemap(
        b'<!DOCTYPE l [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><urlset><url><loc>https://x.example/&b;</loc></url></urlset>'
    )

    assert found.pages == ()
    assert "entities" in found.fault


def test_a_packed_bomb_is_read_to_its_limit_only() -> None:
    found = read_sitemap(gzip.compress(b"<urlset>" + b" " * 60_000_000))

    assert found.pages == ()
    assert "50 MB" in found.fault


def test_a_torn_gzip_gives_its_beginning() -> None:
    body = "<urlset>" + "".join(
        f"<url><loc>https://x.example/{n * 7919 % 10_007}</loc></url>" for n in range(5_000)
    )

    found = read_sitemap(gzip.compress(body.encode())[:-2_000])

    assert 1_000 < len(found.pages) < 5_000
    assert found.fault


def test_no_more_addresses_are_taken_than_the_protocol_allows() -> None:
    found = read_sitemap("\n".join(f"https://x.example/{n}" for n in range(MAX_ENTRIES + 5)).encode())

    assert len(found.pages) == MAX_ENTRIES
    assert found.fault


@pytest.mark.parametrize(
    "body", [b"", b"<html><body>Not found</body></html>", b"\x1f\x8bxx", bytes(range(256)), b"<urlset"]
)
def test_what_is_no_sitemap_names_nothing(body: bytes) -> None:
    found = read_sitemap(body)

    assert (found.pages, found.sitemaps) == ((), ())
