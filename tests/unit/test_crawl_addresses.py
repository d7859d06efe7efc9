"""Addresses of a crawl: one spelling a page, what is worth a request, and what kind of page it names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from candor.crawling.addresses import is_trap, key_of, normalise, same_site
from candor.crawling.doc_types import doc_type_of

BASE = "https://help.marigold.example/kb/mail/first?x=1"


@pytest.mark.parametrize(
    ("written", "fetched"),
    [
        ("HTTPS://Help.Marigold.EXAMPLE:443/A", "https://help.marigold.example/A"),
        ("http://marigold.example:80", "http://marigold.example/"),
        ("http://marigold.example:8080/a", "http://marigold.example:8080/a"),
        ("second", "https://help.marigold.example/kb/mail/second"),
        ("../../up/./here/../there", "https://help.marigold.example/up/there"),
        ("/../../../top", "https://help.marigold.example/top"),
        ("//cdn.example/x", "https://cdn.example/x"),
        ("?b=2&a=1&b=1", "https://help.marigold.example/kb/mail/first?a=1&b=2&b=1"),
        ("/a//b///c", "https://help.marigold.example/a/b/c"),
        ("/a#part", "https://help.marigold.example/a"),
        ("/%7euser/%e4%bd%a0/a b", "https://help.marigold.example/~user/%E4%BD%A0/a%20b"),
        ("/100%", "https://help.marigold.example/100%25"),
        ("/ключ?имя=да", "https://help.marigold.example/%D0%BA%D0%BB%D1%8E%D1%87?%D0%B8%D0%BC%D1%8F=%D0%B4%D0%B0"),
        ("http://bücher.example/", "http://xn--bcher-kva.example/"),
        ("http://straße.example/", "http://xn--strae-oqa.example/"),
        ("/a?utm_source=x&gclid=1&fbclid=2&mc_cid=3&yclid=4&_ga=5&id=7", "https://help.marigold.example/a?id=7"),
        ("/a;jsessionid=77AA?PHPSESSID=1&sid=2", "https://help.marigold.example/a"),
        ("/(S(abc123def))/a.aspx", "https://help.marigold.example/a.aspx"),
        ("/docs/index.html", "https://help.marigold.example/docs/"),
        ("/docs/Default.aspx", "https://help.marigold.example/docs/"),
        ("/index.php?rp=/kb/5", "https://help.marigold.example/index.php?rp=/kb/5"),
        ("/a?print=1", "https://help.marigold.example/a"),
        ("/a?format=print&id=1", "https://help.marigold.example/a?id=1"),
        ("/a?view=article", "https://help.marigold.example/a?view=article"),
        ("/kb/5/print/", "https://help.marigold.example/kb/5"),
        ("/print", "https://help.marigold.example/print"),
        ("\\kb\\win", "https://help.marigold.example/kb/win"),
        (" /a\n/b ", "https://help.marigold.example/a/b"),
        ("/a?", "https://help.marigold.example/a"),
        ("/slash/", "https://help.marigold.example/slash/"),
    ],
)  # fmt: skip
def test_an_address_has_one_spelling(written: str, fetched: str) -> None:
    assert normalise(written, BASE) == fetched


@pytest.mark.parametrize(
    "written",
    ["mailto:a@b.example", "javascript:void(0)", "tel:1", "ftp://a.example/", "data:text/html,x", "http://",
     "http://u:p@a.example/", "http://a.example:99999/", "http://[::1/", "http://a..example/", "http://a b.example/",  # noqa: E501
     "http://" + "a" * 64 + ".example/", "/" + "x" * 3_000],
)  # fmt: skip
def test_what_is_no_address_to_follow_is_blank(written: str) -> None:
    assert normalise(written, BASE) == ""


@given(
    st.text(max_size=60),
    st.sampled_from(["", "http://a.example/", "/", "http://a.example/?", "//b.example/"]),
)
def test_normalising_never_fails_and_twice_is_once(tail: str, head: str) -> None:
    once = normalise(head + tail, BASE)

    assert normalise(once) == once
    assert once == "" or once.isascii()
    assert isinstance(is_trap(once), str)


def test_one_page_has_one_key() -> None:
    spellings = ["http://www.marigold.example/kb/a/", "https://marigold.example/kb/a", "https://marigold.example/kb/a#x",
                 "https://MARIGOLD.example:443/kb/a/index.html?utm_medium=mail", "https://marigold.example/kb/a?print=1"]  # fmt: skip  # noqa: E501

    assert len({key_of(spelling) for spelling in spellings}) == 1
    assert key_of("https://marigold.example/kb/A") != key_of("https://marigold.example/kb/a")
    assert key_of("https://marigold.example/kb/a?id=1") != key_of("https://marigold.example/kb/a?id=2")


def test_a_site_is_one_host_and_port() -> None:
    assert same_site("http://www.marigold.example/", "https://marigold.example/x")
    assert same_site("http://127.0.0.1:8001/", "http://127.0.0.1:8001/x")
    assert not same_site("http://127.0.0.1:8001/", "http://127.0.0.1:8002/")
    assert not same_site("https://marigold.example/", "https://shop.marigold.example/")
    assert not same_site("https://marigold.example/", "https://marigold.example.evil.example/")
    assert not same_site("mailto:x", "mailto:x")


@pytest.mark.parametrize(
    "path",
    ["/calendar?month=2031-01", "/calendar/2031/05", "/events/2031-05", "/?year=2031&month=2", "/a/b/a/b", "/x/x/x",  # noqa: E501
     "/en/a/en/b/en/c", "/" + "a/b" * 8, "/" + "y" * 600, "/l?a=1&b=2&c=3&d=4&e=5&f=6", "/shop?sort=price", "/shop?filter[a]=1",  # noqa: E501
     "/shop?color=red", "/cart", "/cart.php?a=add&pid=1", "/checkout/step", "/p?add-to-cart=5", "/logout", "/user/logout",  # noqa: E501
     "/wp-login.php", "/login?return=/", "/feed", "/blog/feed/", "/wp-json/x", "/kb/12/delete", "/kb.php?action=delete&id=2",  # noqa: E501
     "/supporttickets.php?closeticket=true", "/search?q=a", "/?s=a", "/post?replytocom=5", "/x.jpg", "/x.PNG", "/x.zip",  # noqa: E501
     "/x.mp4", "/site.css", "/app.js", "/map.xml", "/list?page=9999", "/index.php?rp=/login"],
)  # fmt: skip
def test_a_trap_is_named(path: str) -> None:
    assert is_trap(f"https://marigold.example{path}") != ""


@pytest.mark.parametrize(
    "path",
    ["/", "/kb/login", "/docs/checkout", "/kb/how-to-delete-a-mailbox", "/docs/files/delete", "/blog/2031/05/a-letter",  # noqa: E501
     "/knowledgebase.php?action=displayarticle&id=4", "/knowledgebase.php?action=displaycat&catid=2", "/index.php?rp=/knowledgebase/5",  # noqa: E501
     "/blog/?page=4", "/handbook.pdf", "/notes.txt", "/docs/v1.2.3", "/docs/node.js", "/events/2031/05/summer-party",  # noqa: E501
     "/a/2024/01/01", "/calendar", "/ru/%D0%BF%D0%BE%D0%BC%D0%BE%D1%89%D1%8C", "/article?id=5&lang=de", "/print-shop"],  # noqa: E501
)  # fmt: skip
def test_an_article_is_no_trap(path: str) -> None:
    assert is_trap(f"https://marigold.example{path}") == ""


def test_a_relative_loop_ends_within_three_steps() -> None:
    url, steps = "https://marigold.example/loop/", 0
    while not is_trap(url):
        url, steps = normalise("deeper/", url), steps + 1

    assert steps <= 3


@pytest.mark.parametrize(
    ("path", "title", "headings", "kind"),
    [
        ("/pricing", "Our offer", [], "pricing"), ("/ru/тарифы", "Тарифы", [], "pricing"), ("/de/preise", "Preise", [], "pricing"),  # noqa: E501
        ("/legal/terms", "Terms", [], "tos"), ("/agb", "AGB", [], "tos"), ("/legal/privacy-policy", "x", [], "policy"),  # noqa: E501
        ("/refund-policy.html", "x", [], "policy"), ("/support/faq", "x", [], "faq"), ("/x", "Privacy Policy", [], "policy"),  # noqa: E501
        ("/x", "Пользовательское соглашение", [], "tos"), ("/kb/1", "How to reset a password", [], "howto"),
        ("/kb/2", "Как сменить пароль", [], "howto"), ("/hilfe/3", "Passwort ändern", [], "howto"),
        ("/kb/4", "Questions about mail", ["What is IMAP?", "Is it safe?", "Who reads it?"], "faq"),
        ("/kb/5", "Can I have two domains?", [], "faq"), ("/docs/6", "Mail", ["Step 1", "Step 2"], "howto"),
        ("/about", "About us", ["Our team"], "other"), ("/kb/how-to-change-prices", "How to change prices and terms of sale", [], "howto"),  # noqa: E501
    ],
)  # fmt: skip
def test_a_page_s_type_follows_from_its_address_and_headings(
    path: str, title: str, headings: list[str], kind: str
) -> None:
    assert doc_type_of(f"https://marigold.example{path}", title, headings) == kind
