"""What the door sends, and what it makes of the answers of servers that misbehave. All on loopback."""

import gzip
import socket
import threading
import time
import zlib
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from candor.adapters.http_fetcher import HttpFetcher
from candor.errors import Malformed, UpstreamFailed
from tests.doubles.internet import OTHER_PUBLIC, PUBLIC, Internet, local
from tests.doubles.web_server import Conversation, Page, WebServer, answer, moved
from tests.growth import spent

Serve = Callable[..., WebServer]


@pytest.fixture
def internet() -> Internet:
    return Internet()


# ---------------------------------------------------------------- what is sent, and what comes back
def test_a_page_comes_back_with_its_headers(serve: Serve) -> None:
    server = serve({"/a": answer(b"<p>Hello", ETag='"1"', X_Two="a")})

    page = local(server).fetch(f"{server.url}/a#part")

    assert (page.status, page.body, page.url) == (200, b"<p>Hello", f"{server.url}/a")
    assert (page.content_type, page.headers["etag"], page.redirects) == ("text/html", '"1"', ())


def test_a_request_says_who_asks_and_nothing_about_the_machine(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve({"/": answer(b"x", Set_Cookie="a=1")})
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9/")

    fetcher = local(server)
    fetcher.fetch(server.url)
    fetcher.fetch(server.url)

    for asked in server.asked:
        assert asked.headers.keys() == {"host", "user-agent", "accept", "accept-encoding", "connection"}
        assert asked.headers["user-agent"] == "CandorBot/1.2 (+support assistant)"
        assert asked.headers["accept-encoding"] == "gzip, deflate"
        assert asked.headers["host"] == server.origin


def test_a_page_that_has_not_changed_is_a_304_without_a_body(serve: Serve) -> None:
    unchanged = b'HTTP/1.1 304 Not Modified\r\nContent-Length: 9000000\r\nETag: "1"\r\n\r\n'
    server = serve({"/": unchanged})
    fetcher = local(server)

    page = fetcher.fetch(server.url, etag='"1"', last_modified="Sat, 21 Nov 2026 10:00:00 GMT")
    again = fetcher.fetch(server.url)

    assert (page.status, page.body, again.status) == (304, b"", 304)
    assert server.asked[0].headers["if-none-match"] == '"1"'
    assert server.asked[0].headers["if-modified-since"] == "Sat, 21 Nov 2026 10:00:00 GMT"
    assert "if-none-match" not in server.asked[1].headers
    assert server.connections == 1


def test_the_callers_headers_are_sent_but_not_those_about_the_connection(serve: Serve) -> None:
    server = serve({"/": answer(b"x")})

    local(server).fetch(server.url, headers={"Cookie": "a=1", "Host": "inner", "Accept": "text/plain"})

    assert server.asked[0].headers["cookie"] == "a=1"
    assert server.asked[0].headers["accept"] == "text/plain"
    assert server.asked[0].headers["host"] == server.origin


@pytest.mark.parametrize(
    ("name", "value"), [("X-A", "1\r\nX-B: 2"), ("X A", "1"), ("X-A:", "1"), ("X-A", "я")]
)
def test_a_header_that_would_be_two_is_not_sent(serve: Serve, name: str, value: str) -> None:
    server = serve({"/": answer(b"x")})

    with pytest.raises(Malformed, match="header"):
        local(server).fetch(server.url, headers={name: value})

    assert server.connections == 0


# ---------------------------------------------------------------- forms
def test_a_form_is_posted_as_a_browser_posts_it(serve: Serve) -> None:
    server = serve({"/login": answer(b"in", Set_Cookie="s=1")})
    headers = {"Cookie": "a=1", "Content-Type": "text/plain", "Content-Length": "1"}

    page = local(server).fetch(
        f"{server.url}/login?x=1", form={"user": "ж & =", "empty": "", "line": "a\r\nb"}, headers=headers
    )

    [asked] = server.asked
    assert (page.status, page.body) == (200, b"in")
    assert (asked.method, asked.path) == ("POST", "/login?x=1")
    assert asked.body == b"user=%D0%B6+%26+%3D&empty=&line=a%0D%0Ab"
    assert asked.headers["content-type"] == "application/x-www-form-urlencoded"
    assert asked.headers["content-length"] == str(len(asked.body))
    assert asked.headers["cookie"] == "a=1"


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Same", "308 Same"])
def test_what_was_posted_is_posted_nowhere_else(serve: Serve, status: str) -> None:
    other = serve({"/": answer(b"x")})
    server = serve({"/login": moved(f"{other.url}/", status=status)})

    page = local(server, other).fetch(f"{server.url}/login", form={"password": "p"}, follow=True)

    assert (page.status, page.headers["location"]) == (int(status[:3]), f"{other.url}/")
    assert other.asked == []


def test_anything_else_is_posted_as_what_its_caller_calls_it(serve: Serve) -> None:
    server = serve({"/in": answer(b"taken")})
    headers = {"Content-Type": "application/json", "X-Signature": "t=1", "Content-Length": "1"}

    page = local(server).fetch(f"{server.url}/in", content=b'{"a": 1}', headers=headers)

    [asked] = server.asked
    assert (page.status, page.body) == (200, b"taken")
    assert (asked.method, asked.body) == ("POST", b'{"a": 1}')
    assert asked.headers["content-type"] == "application/json"
    assert (asked.headers["content-length"], asked.headers["x-signature"]) == ("8", "t=1")


def test_who_does_not_read_gets_the_status_whatever_follows_it(serve: Serve) -> None:
    def endless(page: Conversation) -> None:
        page.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 900000000\r\nX-A: 1\r\n\r\n"
        )

    server = serve({"/": endless, "/after": answer(b"x")})
    fetcher = local(server)

    page = fetcher.fetch(server.url, content=b"", reads=False)

    assert (page.status, page.body, page.headers["x-a"]) == (200, b"", "1")
    # What is left in a connection would be the answer to somebody else's question.
    assert fetcher.fetch(f"{server.url}/after").body == b"x"
    assert server.connections == 2


def test_a_form_is_sent_once_whatever_becomes_of_the_connection(serve: Serve) -> None:
    def silent(page: Conversation) -> None:
        page.hang_up()

    server = serve({"/": answer(b"x"), "/login": silent})
    fetcher = local(server)
    fetcher.fetch(server.url)

    with pytest.raises(UpstreamFailed, match="closed the connection"):
        fetcher.fetch(f"{server.url}/login", form={"password": "p"})

    assert [asked.method for asked in server.asked] == ["GET", "POST"]


def test_the_connection_of_a_form_is_kept_for_the_next_page(serve: Serve) -> None:
    server = serve({"/": answer(b"x"), "/login": answer(b"in")})
    fetcher = local(server)

    fetcher.fetch(f"{server.url}/login", form={"a": "1"})
    fetcher.fetch(server.url)

    assert [asked.connection for asked in server.asked] == [0, 0]


def test_a_form_goes_through_the_same_door(serve: Serve, internet: Internet) -> None:
    server = serve({"/": answer(b"x")})
    internet.names["inner.example"] = ["10.0.0.7"]

    for url in (
        "http://inner.example/",
        "http://127.0.0.1/",
        "file:///etc/passwd",
        f"http://x@{server.origin}/",
    ):
        with pytest.raises(Malformed):
            internet.fetcher().fetch(url, form={"password": "p"})
    with pytest.raises(Malformed, match="form"):
        local(server).fetch(server.url, form={"a": "b" * 200_000})

    assert internet.dialled == []
    assert server.connections == 0


def test_cookies_are_handed_over_one_a_line(serve: Serve) -> None:
    cookies = ("Set-Cookie: a=1; Expires=Sat, 21 Nov", "Vary: A", "set-cookie: b=2", "Vary: B")
    server = serve({"/": _head(*cookies, "Content-Length: 0")})

    page = local(server).fetch(server.url)

    assert page.headers["set-cookie"].splitlines() == ["a=1; Expires=Sat, 21 Nov", "b=2"]
    assert page.headers["vary"] == "A, B"


@pytest.mark.parametrize("status", ["404 Not Found", "500 Oops", "403 Forbidden", "204 No Content"])
def test_any_status_is_an_answer(serve: Serve, status: str) -> None:
    server = serve({"/": answer(b"" if status.startswith("204") else b"why", status=status)})

    assert local(server).fetch(server.url).status == int(status[:3])


def test_what_is_no_text_is_not_read(serve: Serve) -> None:
    def endless(page: Conversation) -> None:
        page.write(b"HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\nContent-Length: 900000000\r\n\r\n")
        page.wait(60)

    server = serve({"/": endless, "/next": answer(b"x")})
    fetcher = local(server)

    page = fetcher.fetch(server.url)

    assert (page.status, page.body, page.content_type) == (200, b"", "video/mp4")
    assert fetcher.fetch(f"{server.url}/next").body == b"x"
    assert "/" not in server.told


# ---------------------------------------------------------------- bodies, honest and otherwise
def _head(*lines: str, status: str = "200 OK") -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status}", "Content-Type: text/html", *lines, "", ""]).encode()


def _packed(body: bytes) -> bytes:
    # Without the time in it: a test is known by its page.
    return gzip.compress(body, mtime=0)


TEXT = b"<p>Every plan can be cancelled." * 50
_raw = zlib.compressobj(wbits=-15)
RAW_DEFLATE = _raw.compress(TEXT) + _raw.flush()


def _coded(body: bytes, coding: str) -> bytes:
    return _head(f"Content-Encoding: {coding}", f"Content-Length: {len(body)}") + body


@pytest.mark.parametrize(
    "page",
    [
        answer(TEXT),
        _coded(_packed(TEXT), "gzip"),
        _coded(_packed(TEXT), "X-GZIP"),
        _coded(_packed(TEXT[:100]) + _packed(TEXT[100:]), "gzip"),
        _coded(_packed(TEXT) + b"\0" * 512, "gzip"),
        _coded(zlib.compress(TEXT), "deflate"),
        _coded(RAW_DEFLATE, "deflate"),
        _coded(TEXT, "identity"),
        _head("Transfer-Encoding: chunked") + b"%x\r\n%s\r\n0\r\n\r\n" % (len(TEXT), TEXT),
        _head("Transfer-Encoding: Chunked")
        + b"000A;n=1\r\n%s\r\n%X \r\n%s\r\n0;\r\nX: y\r\n\r\n" % (TEXT[:10], len(TEXT) - 10, TEXT[10:]),
        _head(f"Content-Length: {len(TEXT)}", f"Content-Length: {len(TEXT)}") + TEXT,
        b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n" + answer(TEXT),
        b"HTTP/1.1 200\r\nContent-Length: %d\r\n\r\n%s" % (len(TEXT), TEXT),
        b"HTTP/1.1 200 OK\nContent-Length: %d\nno colon\n: nameless\n\n%s" % (len(TEXT), TEXT),
        b"HTTP/1.1 200 OK\r\nX-Folded: a\r\n  b\r\nContent-Length: %d\r\n\r\n%s" % (len(TEXT), TEXT),
    ],
)  # fmt: skip
def test_a_body_arrives_whole_however_it_is_wrapped(serve: Serve, page: bytes) -> None:
    server = serve({"/": page})
    fetcher = local(server)

    assert fetcher.fetch(server.url).body == TEXT
    assert fetcher.fetch(server.url).body == TEXT
    assert server.connections == 1


@pytest.mark.parametrize("version", [b"HTTP/1.0", b"HTTP/1.1"])
def test_a_body_without_a_length_ends_with_its_connection(serve: Serve, version: bytes) -> None:
    def close(page: Conversation) -> None:
        page.write(version + b" 200 OK\r\nContent-Type: text/html\r\n\r\n" + TEXT)
        page.hang_up()

    server = serve({"/": close})
    fetcher = local(server)

    assert fetcher.fetch(server.url).body == TEXT
    assert fetcher.fetch(server.url).body == TEXT
    assert server.connections == 2


@pytest.mark.parametrize(
    ("reason", "page"),
    [
        ("no valid HTTP", b"SSH-2.0-OpenSSH_9.2\r\n"),
        ("no valid HTTP", b"ICY 200 OK\r\n\r\n"),
        ("no valid HTTP", b"HTTP/2 200 OK\r\n\r\n"),
        ("no valid HTTP", b"HTTP/1.1 999 OK\r\n\r\n"),
        ("no valid HTTP", b"HTTP/1.1 2000 OK\r\n\r\n"),
        ("no valid HTTP", b"<html>no head at all\r\n\r\n"),
        ("no valid HTTP", b"HTTP/1.1 200 " + b"x" * 20_000 + b"\r\n\r\n"),
        ("no valid HTTP", b"HTTP/1.1 100 Continue\r\n\r\n" * 20),
        ("headers are larger", b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 300),
        ("headers are larger", b"HTTP/1.1 200 OK\r\n" + (b"A: " + b"b" * 10_000 + b"\r\n") * 10),
        ("no valid HTTP", _head("Content-Length: -1")),
        ("no valid HTTP", _head("Content-Length: 1_0") + b"x" * 10),
        ("no valid HTTP", _head("Content-Length: 5, 6") + b"x" * 6),
        ("no valid HTTP", _head("Content-Length: 5", "Content-Length: 6") + b"x" * 6),
        ("no valid HTTP", _head("Content-Length: ٣") + b"xxx"),
        ("no valid HTTP", _head("Transfer-Encoding: gzip, chunked") + b"0\r\n\r\n"),
        ("no valid HTTP", _head("Transfer-Encoding: identity") + b"x"),
        ("no valid HTTP", _head("Transfer-Encoding: chunked") + b"-1\r\n" + b"x" * 99),
        ("no valid HTTP", _head("Transfer-Encoding: chunked") + b"0x5\r\nxxxxx\r\n0\r\n\r\n"),
        ("no valid HTTP", _head("Transfer-Encoding: chunked") + b"zz\r\n"),
        ("no valid HTTP", _head("Transfer-Encoding: chunked") + b"\r\n"),
        ("no valid HTTP", _head("Transfer-Encoding: chunked") + b"3\r\nxxxxxx\r\n0\r\n\r\n"),
        ("no valid HTTP", _head("Transfer-Encoding: chunked") + b"0\r\n" + b"A: b\r\n" * 300),
        ("larger than", _head("Transfer-Encoding: chunked") + b"fffffff\r\n"),
        ("larger than", _head("Content-Length: 5000001")),
        ("compression", _coded(b"x", "br")),
        ("compression", _coded(_packed(_packed(b"x")), "gzip, gzip")),
        ("decompressed", _coded(b"\x1f\x8b no gzip", "gzip")),
        ("decompressed", _coded(_packed(b"") * 2_000, "gzip")),
        ("decompressed", _coded(b"<p>plain text under a false name", "gzip")),
    ],
)  # fmt: skip
def test_a_broken_answer_is_a_sentence(serve: Serve, reason: str, page: bytes) -> None:
    server = serve({"/": page})

    with pytest.raises(UpstreamFailed, match=reason):
        local(server).fetch(server.url, total_seconds=30)


@pytest.mark.parametrize(
    "page",
    [
        _head("Content-Length: 100") + b"x" * 99,
        _head("Transfer-Encoding: chunked") + b"64\r\n" + b"x" * 99,
        _head("Transfer-Encoding: chunked") + b"5\r\nxxxxx\r\n",
        _head("Transfer-Encoding: chunked") + b"5\r\nxxxxx\r\n0\r\n",
        _coded(_packed(TEXT)[:-20], "gzip"),
        _coded(_packed(b"x" * 99)[:5], "gzip"),
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"HTTP/1.1 200 O",
    ],
)
def test_half_a_page_is_no_page(serve: Serve, page: bytes) -> None:
    def cut(talk: Conversation) -> None:
        talk.write(page)
        talk.hang_up()

    server = serve({"/": cut})

    with pytest.raises(UpstreamFailed, match="broke"):
        local(server).fetch(server.url, total_seconds=30)


@pytest.mark.parametrize("head", [_head(), _head("Content-Length: 100"), _head("Transfer-Encoding: chunked")])
def test_a_connection_that_is_reset_is_not_taken_for_the_end(serve: Serve, head: bytes) -> None:
    server = serve({"/": lambda page: (page.write(head + b"5\r\nhello\r\n"), page.reset())[0]})

    with pytest.raises(UpstreamFailed, match="broke"):
        local(server).fetch(server.url, total_seconds=30)


def test_a_server_that_hangs_up_without_a_word_is_a_sentence(serve: Serve) -> None:
    server = serve({"/": lambda page: page.hang_up()})

    with pytest.raises(UpstreamFailed, match="closed the connection"):
        local(server).fetch(server.url)


def test_a_bomb_is_put_down_before_it_goes_off(serve: Serve) -> None:
    piece = zlib.compressobj(9, wbits=31)
    bomb = b"".join(piece.compress(b"\0" * 10_000_000) for _ in range(30)) + piece.flush()
    server = serve({"/": _coded(bomb, "gzip")})

    def put_down() -> None:
        with pytest.raises(UpstreamFailed, match="larger than the 5 MB"):
            local(server).fetch(server.url)

    assert len(bomb) < 400_000
    whole = spent(lambda: zlib.decompress(bomb, wbits=31))
    assert min(spent(put_down) for _ in range(3)) < whole / 3


def test_a_page_without_an_end_is_left_when_it_is_too_large(serve: Serve) -> None:
    def endless(page: Conversation) -> None:
        page.write(_head())
        while not page.unwanted:
            page.write(b"x" * 65_536)

    server = serve({"/": endless})

    with pytest.raises(UpstreamFailed, match=r"larger than the 0\.1 MB"):
        local(server).fetch(server.url, max_bytes=100_000)


def test_a_page_of_exactly_the_largest_size_is_taken(serve: Serve) -> None:
    server = serve({"/": answer(b"x" * 1000), "/z": _coded(_packed(b"x" * 1000), "gzip")})

    assert len(local(server).fetch(server.url, max_bytes=1000).body) == 1000
    assert len(local(server).fetch(f"{server.url}/z", max_bytes=1000).body) == 1000
    with pytest.raises(UpstreamFailed):
        local(server).fetch(f"{server.url}/z", max_bytes=999)


PARTS = st.sampled_from(
    [
        b"HTTP/1.1 200 OK\r\n", b"HTTP/1.0 200 OK\r\n", b"HTTP/1.1 304 X\r\n", b"HTTP/1.1 100 X\r\n\r\n",
        b"\r\n", b"\n", b"\r", b" ", b":", b"0\r\n", b"5\r\nhello\r\n", b"hello", b"Content-Length: 5\r\n",
        b"Content-Length: 0\r\n", b"Transfer-Encoding: chunked\r\n", b"Content-Encoding: gzip\r\n",
        b"Content-Encoding: deflate\r\n", b"Connection: close\r\n", b"Location: /x\r\n", b"\x1f\x8b\x08",
        b"\x78\x9c", _packed(b"hello"), b"Set-Cookie: a\r\n", b"\x00", b"\xff\xfe",
    ]
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(st.lists(PARTS | st.binary(max_size=8), max_size=12).map(b"".join), st.booleans())
def test_whatever_a_server_says_is_an_answer_or_a_sentence(said: bytes, begins_well: bool) -> None:
    def talk(ip: str, port: int, seconds: float) -> socket.socket:
        ours, theirs = socket.socketpair()
        with theirs:
            theirs.sendall(b"HTTP/1.1 200 OK\r\n" * begins_well + said)
        return ours

    fetcher = HttpFetcher(version="1", resolve=lambda host, port: [PUBLIC], dial=talk)

    try:
        page = fetcher.fetch("http://shop.example/", total_seconds=30)
    except (UpstreamFailed, Malformed):
        return

    assert 199 < page.status < 600
    assert len(page.body) < 10_000


# ---------------------------------------------------------------- time
@pytest.mark.parametrize(
    "slow",
    [
        lambda page: page.wait(60),
        lambda page: page.drip(b"HTTP/1.1 200 OK\r\n" + b"X-Header: y\r\n" * 1000),
        lambda page: page.drip(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 1000),
        lambda page: (page.write(_head("Content-Length: 1000")), page.drip(b"x" * 1000)),
        lambda page: (page.write(_head()), page.drip(b"x" * 1000)),
        lambda page: (page.write(_head("Transfer-Encoding: chunked")), page.drip(b"1\r\nx\r\n" * 500)),
        lambda page: (page.write(_head("Transfer-Encoding: chunked") + b"0\r\n"), page.drip(b"X:y\r\n" * 99)),
        lambda page: (page.write(b"HTTP/1.1 100 Continue\r\n\r\n"), page.wait(60)),
    ],
    ids=["silence", "headers", "header", "body", "open-end", "chunks", "trailers", "continue"],
)  # fmt: skip
def test_a_server_that_takes_its_time_does_not_get_ours(
    serve: Serve, slow: Callable[[Conversation], None]
) -> None:
    server = serve({"/": slow})

    with pytest.raises(UpstreamFailed, match="in time"):
        local(server).fetch(server.url, total_seconds=0.4)

    assert server.told == []


def test_the_deadline_holds_over_all_redirects_together(serve: Serve) -> None:
    def late(target: str) -> Page:
        return lambda page: (page.wait(0.4), page.write(moved(target)))[0]

    server = serve({f"/{n}": late(f"/{n + 1}") for n in range(5)} | {"/5": answer(b"x")})

    with pytest.raises(UpstreamFailed, match="in time"):
        local(server).fetch(f"{server.url}/0", total_seconds=1)

    assert "/5" not in server.paths


def test_a_host_that_swallows_packets_leaves_time_for_the_next_address(
    internet: Internet, serve: Serve
) -> None:
    server = serve({"/": answer(b"x")})
    internet.names["shop.example"] = [PUBLIC, OTHER_PUBLIC]
    internet.servers[OTHER_PUBLIC] = server
    dial = internet.dial

    def swallow(ip: str, port: int, seconds: float) -> socket.socket:
        if ip == PUBLIC:
            time.sleep(seconds)
            raise TimeoutError
        return dial(ip, port, seconds)

    fetcher = HttpFetcher(version="1", resolve=internet.resolve, dial=swallow, connect_seconds=0.4)

    assert fetcher.fetch("http://shop.example/").body == b"x"


def test_a_resolver_that_never_answers_is_not_waited_for() -> None:
    release, answered = threading.Event(), threading.Event()

    def stuck(host: str, port: int) -> Sequence[str]:
        release.wait(60)
        answered.set()
        return [PUBLIC]

    fetcher = HttpFetcher(version="1", resolve=stuck, connect_seconds=0.3)

    with pytest.raises(Malformed):
        fetcher.fetch("http://shop.example/")

    assert not answered.is_set()
    release.set()


# ---------------------------------------------------------------- connections that are kept
def test_many_pages_of_one_host_come_over_one_connection(internet: Internet, serve: Serve) -> None:
    server = serve({"/": answer(b"x")})
    internet.names["shop.example"] = [PUBLIC]
    internet.servers[PUBLIC] = server
    fetcher = internet.fetcher()

    for number in range(50):
        fetcher.fetch(f"http://shop.example/?{number}")

    assert len(server.asked) == 50
    assert (server.connections, len(internet.asked)) == (1, 1)


def test_a_kept_connection_that_died_is_replaced_without_a_word(serve: Serve) -> None:
    def bye(page: Conversation) -> None:
        page.write(answer(b"x"))
        page.hang_up()

    server = serve({"/": bye})
    fetcher = local(server)

    for _ in range(5):
        assert fetcher.fetch(server.url).body == b"x"
        time.sleep(0.01)

    assert server.connections == len(server.asked) == 5


def test_a_connection_that_dies_under_the_request_is_tried_once_more(serve: Serve) -> None:
    def second_time_dead(page: Conversation) -> None:
        if page.asked.connection == 0 and len(server.asked) > 1:
            page.hang_up()
        else:
            page.write(answer(b"x"))

    server = serve({"/": second_time_dead})
    fetcher = local(server)

    assert [fetcher.fetch(server.url).body for _ in range(2)] == [b"x", b"x"]
    assert (server.connections, len(server.asked)) == (2, 3)


def test_an_answer_nobody_asked_for_is_not_taken_for_the_next_page(serve: Serve) -> None:
    server = serve({"/a": answer(b"a") + answer(b"smuggled"), "/b": answer(b"b")})
    fetcher = local(server)

    assert fetcher.fetch(f"{server.url}/a").body == b"a"
    time.sleep(0.05)
    assert fetcher.fetch(f"{server.url}/b").body == b"b"


def test_an_answer_with_two_lengths_is_the_last_on_its_connection(serve: Serve) -> None:
    both = _head("Content-Length: 3", "Transfer-Encoding: chunked") + b"1\r\na\r\n0\r\n\r\n"
    server = serve({"/a": both, "/b": answer(b"b")})
    fetcher = local(server)

    assert fetcher.fetch(f"{server.url}/a").body == b"a"
    assert fetcher.fetch(f"{server.url}/b").body == b"b"
    assert server.connections == 2


def test_threads_share_a_fetcher(serve: Serve) -> None:
    server = serve({f"/{n}": answer(str(n).encode() * 1000) for n in range(10)})
    fetcher = local(server)
    wrong: list[int] = []

    def work() -> None:
        for n in [*range(10)] * 4:
            if fetcher.fetch(f"{server.url}/{n}").body != str(n).encode() * 1000:
                wrong.append(n)

    # As many as connections of one site are kept: none of them needs one that is not there.
    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (wrong, len(server.asked)) == ([], 160)
    assert server.connections <= 4
