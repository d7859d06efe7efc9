"""Which addresses may be fetched: by how they are written, and by where they lead."""

import ast
import random
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from candor.addresses import MAX_LENGTH, is_public, join, origin_of, parse
from candor.errors import Malformed
from candor.fetching import Fetched, is_wanted

SCHEME = "begins with http|Only http and https"
NUMBER = "not by a number"
UNREADABLE = "names no host|begins with http"
CONTROL = "control characters"
INNER = "inner network"
LOOKALIKE = "not what they look like"

HOSTILE = [
    # No web address, or one of another kind.
    ("", "empty"),
    ("   ", "empty"),
    ("example.com", SCHEME),
    ("//example.com/", SCHEME),
    ("/etc/passwd", SCHEME),
    ("file:///etc/passwd", SCHEME),
    ("ftp://example.com/", SCHEME),
    ("gopher://example.com:80/_GET", SCHEME),
    ("dict://example.com:80/info", SCHEME),
    ("ldap://example.com/", SCHEME),
    ("ws://example.com/", SCHEME),
    ("data:text/html,hello", SCHEME),
    ("javascript:alert(1)", SCHEME),
    ("blob:https://example.com/1", SCHEME),
    ("view-source:http://example.com/", SCHEME),
    ("jar:http://example.com/x.jar!/", SCHEME),
    ("http:example.com", SCHEME),
    ("http:/example.com/", SCHEME),
    ("http//example.com/", SCHEME),
    ("htt\u0440://example.com/", SCHEME),  # A Cyrillic р.
    # Somebody else's name before the host.
    ("http://example.com@127.0.0.1/", "user or a password"),
    ("http://user:secret@example.com/", "user or a password"),
    ("http://@example.com/", "user or a password"),
    ("http://example.com:80@10.0.0.1:80/", "user or a password"),
    ("http://example.com%40@example.org/", "user or a password"),
    # Letters that another parser drops, or takes for a slash.
    ("http://exam\tple.com/", CONTROL),
    ("http://example.com/\r\nHost: inner", CONTROL),
    ("http://example.com/a\x00b", CONTROL),
    ("http://example.com\x0b/", CONTROL),
    ("http://example.com/\x7f", CONTROL),
    ("http://example.com/\x85", CONTROL),
    ("http://example.com/\u2028", CONTROL),
    ("http://example.com/\ud800", CONTROL),
    ("http:\\\\example.com\\", "backslash"),
    ("http://example.com\\@127.0.0.1/", "backslash"),
    ("http://127.0.0.1\\.example.com/", "backslash"),
    # A port of something else.
    ("http://example.com:22/", "ports 80 and 443"),
    ("http://example.com:8080/", "ports 80 and 443"),
    ("https://example.com:6379/", "ports 80 and 443"),
    ("http://example.com:0/", "ports 80 and 443"),
    ("http://example.com:65616/", "ports 80 and 443"),  # 80, to who counts in sixteen bits.
    ("http://example.com:99999999/", UNREADABLE),
    ("http://example.com:-80/", UNREADABLE),
    ("http://example.com:80:443/", UNREADABLE),
    ("http://example.com:８０/", UNREADABLE),
    ("http://example.com:http/", UNREADABLE),
    # No host.
    ("http://", UNREADABLE),
    ("http:///path", UNREADABLE),
    ("http://:80/", UNREADABLE),
    ("http://?q", UNREADABLE),
    ("http://./", "dot|number"),
    ("http://../", "dot"),
    ("http://.example.com/", UNREADABLE),
    ("http://example..com/", UNREADABLE),
    ("http://-example.com/", UNREADABLE),
    ("http://example-.com/", UNREADABLE),
    ("http://exa mple.com/", UNREADABLE),
    ("http://example.com,inner.example/", UNREADABLE),
    ("http://exam<ple>.com/", UNREADABLE),
    ("http://127%2e0%2e0%2e1/", UNREADABLE),
    ("http://%31%32%37.0.0.1.example.com/", UNREADABLE),
    (f"http://{'a' * 64}.com/", UNREADABLE),
    (f"http://{'a.' * 130}com/", UNREADABLE),
    (f"http://example.com/{'a' * MAX_LENGTH}", "longer than"),
    # 127.0.0.1 and its friends, in every spelling that somebody's resolver understands.
    ("http://127.0.0.1/", NUMBER),
    ("http://127.1/", NUMBER),
    ("http://127.0.1/", NUMBER),
    ("http://2130706433/", NUMBER),
    ("http://0x7f000001/", NUMBER),
    ("http://0X7F.0.0.1/", NUMBER),
    ("http://0x7f.1/", NUMBER),
    ("http://0177.0.0.1/", NUMBER),
    ("http://017700000001/", NUMBER),
    ("http://0x7f.0x0.0x0.0x1/", NUMBER),
    ("http://0/", NUMBER),
    ("http://0x/", NUMBER),
    ("http://0.0.0.0/", NUMBER),
    ("http://00000000127.0.0.1/", NUMBER),
    ("http://127.0.0.1./", NUMBER),
    ("http://127.0.0.1:80/", NUMBER),
    ("http://169.254.169.254/latest/meta-data/", NUMBER),
    ("http://192.168.1.1/", NUMBER),
    ("http://93.184.216.34/", NUMBER),
    ("http://example.com.0x7f/", NUMBER),
    ("http://1.2.3.4.5/", NUMBER),
    ("http://4294967297/", NUMBER),
    ("http://[::1]/", NUMBER),
    ("http://[::]/", NUMBER),
    ("http://[::ffff:127.0.0.1]/", NUMBER),
    ("http://[::ffff:7f00:1]/", NUMBER),
    ("http://[::127.0.0.1]/", NUMBER),
    ("http://[64:ff9b::7f00:1]/", NUMBER),
    ("http://[2002:7f00:1::]/", NUMBER),
    ("http://[fe80::1]/", NUMBER),
    ("http://[fd00:ec2::254]/", NUMBER),
    ("http://[2606:4700::1111]/", NUMBER),
    ("http://[fe80::1%25eth0]/", UNREADABLE),
    ("http://[v1.fe80::]/", UNREADABLE),
    ("http://[::1/", UNREADABLE),
    ("http://::1/", UNREADABLE),
    ("http://[127.0.0.1]/", UNREADABLE),
    ("http://[::1].example.com/", UNREADABLE),
    # The same with letters that only look like these.
    ("http://１２７.0.0.1/", LOOKALIKE),
    ("http://①②⑦.⓪.⓪.①/", LOOKALIKE),
    ("http://127。0。0。1/", LOOKALIKE),
    ("http://127．0．0．1/", LOOKALIKE),
    ("http://127｡0｡0｡1/", LOOKALIKE),
    ("http://𝟏𝟐𝟕.𝟎.𝟎.𝟏/", LOOKALIKE),
    ("http://ⓔⓧⓐⓜⓟⓛⓔ.com/", LOOKALIKE),
    ("http://ﬁle.example.com/", LOOKALIKE),
    ("http://exam\u00adple.com/", LOOKALIKE),
    ("http://exam\u200bple.com/", LOOKALIKE),
    ("http://exam\u200dple.com/", LOOKALIKE),
    ("http://\u202eexample.com/", LOOKALIKE),
    ("http://example.com\u2044path.example/", LOOKALIKE),
    ("http://example.com／.example/", LOOKALIKE),
    ("http://example.com＠127.0.0.1/", LOOKALIKE),
    ("http://example.com：80/", LOOKALIKE),
    ("http://example.com？.example/", LOOKALIKE),
    ("http://℀.example.com/", LOOKALIKE),
    # Names that mean something else in every house.
    ("http://localhost/", INNER),
    ("http://LOCALHOST/", INNER),
    ("http://localhost./", "dot"),
    ("http://intranet/", INNER),
    ("http://metadata/", INNER),
    ("http://printer.local/", INNER),
    ("http://app.localhost/", INNER),
    ("http://host.localdomain/", INNER),
    ("http://metadata.google.internal/computeMetadata/v1/", INNER),
    ("http://nas.lan/", INNER),
    ("http://router.home.arpa/", INNER),
    ("http://wiki.corp/", INNER),
    ("http://1.0.0.127.in-addr.arpa/", INNER),
    ("http://abcdefghijklmnop.onion/", INNER),
    ("http://example.com./", "dot"),
]


@pytest.mark.parametrize(("url", "reason"), HOSTILE, ids=[repr(url)[:60] for url, _ in HOSTILE])
def test_an_address_that_is_not_plainly_a_public_website_is_refused(url: str, reason: str) -> None:
    with pytest.raises(Malformed, match=reason):
        parse(url)


@pytest.mark.parametrize(
    ("url", "asked"),
    [
        ("http://example.com", "http://example.com/"),
        (" https://EXAMPLE.com/A ", "https://example.com/A"),
        ("HTTP://example.com:80/", "http://example.com/"),
        ("https://example.com:443", "https://example.com/"),
        ("http://example.com:443/", "http://example.com:443/"),
        ("http://example.com:/", "http://example.com/"),
        ("http://example.com?q=1", "http://example.com/?q=1"),
        ("http://example.com#top", "http://example.com/"),
        ("http://example.com/a b?q=ü#x", "http://example.com/a%20b?q=%C3%BC"),
        ("http://example.com/a%20b/%2F", "http://example.com/a%20b/%2F"),
        ("http://example.com/user@host", "http://example.com/user@host"),
        ("http://example.com/?next=http://127.0.0.1/", "http://example.com/?next=http://127.0.0.1/"),
        ("http://my_shop.example.com/", "http://my_shop.example.com/"),
        ("http://4chan.example/", "http://4chan.example/"),
        ("http://127.0.0.1.example.com/", "http://127.0.0.1.example.com/"),
        ("http://Bücher.example/", "http://xn--bcher-kva.example/"),
        ("http://straße.example/", "http://xn--strae-oqa.example/"),
        ("http://bu\u0308cher.example/", "http://xn--bcher-kva.example/"),
        ("https://пример.укр/", "https://xn--e1afmkfd.xn--j1amh/"),
        ("https://例え.テスト/", "https://xn--r8jz45g.xn--zckzah/"),
    ],
)
def test_a_website_is_asked_for_as_a_browser_would(url: str, asked: str) -> None:
    address = parse(url)

    assert address.url == asked
    assert parse(address.url) == address


@pytest.mark.parametrize(
    "ip",
    [
        "0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "100.100.100.200", "127.0.0.1", "127.255.255.254",
        "168.63.129.16", "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.192", "192.0.2.1",
        "192.88.99.1", "192.168.0.1", "198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1",
        "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255",
        "::", "::1", "::127.0.0.1", "::8.8.8.8", "::ffff:10.0.0.1", "::ffff:169.254.169.254",
        "::ffff:0:127.0.0.1", "64:ff9b::127.0.0.1", "64:ff9b::a00:1", "64:ff9b:1::8.8.8.8", "100::1",
        "2001::1", "2001:0:7f00:1::", "2001:2::1", "2001:10::1", "2001:20::1", "2001:db8::1",
        "2002:7f00:1::", "2002:808:808::1", "3fff::1", "5f00::1", "fc00::1", "fd00:ec2::254", "fe80::1",
        "fe80::1%eth0", "fec0::1", "ff02::1", "ff0e::1",
        "", "localhost", "127.1", "1.2.3", "0x7f.0.0.1",
    ],
)  # fmt: skip
def test_an_ip_address_that_is_not_out_in_the_world_is_not_public(ip: str) -> None:
    assert not is_public(ip)


@pytest.mark.parametrize(
    "ip",
    [
        "8.8.8.8", "93.184.216.34", "1.1.1.1", "100.63.255.255", "172.32.0.1", "192.0.1.1", "198.20.0.1",
        "223.255.255.255", "2606:4700::1111", "2a00:1450:4001::1", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8",
    ],
)  # fmt: skip
def test_an_ip_address_of_the_world_is_public(ip: str) -> None:
    assert is_public(ip)


PRIVATE_V4 = st.sampled_from(
    ["10.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10",
     "0.0.0.0/8", "224.0.0.0/4", "240.0.0.0/4", "198.18.0.0/15", "192.0.0.0/24", "192.88.99.0/24"]
).flatmap(
    lambda text: st.integers(
        int(IPv4Network(text).network_address), int(IPv4Network(text).broadcast_address)
    )
)  # fmt: skip


def spellings(number: int, chance: random.Random) -> list[str]:
    """Ways to write an IPv4 address that some resolver takes for it."""
    octets = list(number.to_bytes(4, "big"))

    def digits(value: int) -> str:
        return chance.choice([str(value), hex(value), hex(value).upper(), f"0{value:o}", f"{value:010d}"])

    short = [[number], [octets[0], number & 0xFFFFFF], [*octets[:2], number & 0xFFFF], octets]
    return [".".join(map(digits, parts)) for parts in short for _ in range(3)]


@given(PRIVATE_V4, st.randoms(use_true_random=False))
def test_no_private_address_passes_however_it_is_spelled(number: int, chance: random.Random) -> None:
    ip = IPv4Address(number)

    assert not is_public(str(ip))
    for carried in (0xFFFF << 32, 0x0064_FF9B << 96, 0, 0xFFFF << 48, 0x0064_FF9B_0001 << 80):
        hidden = IPv6Address(carried | number)
        assert not is_public(str(hidden))
        assert not is_public(hidden.exploded)
    assert not is_public(str(IPv6Address((0x2002 << 112) | (number << 80) | 1)))
    assert not is_public(str(IPv6Address((0x2001 << 112) | (number ^ 0xFFFF_FFFF))))
    for host in spellings(number, chance):
        for written in (host, f"{host}.", host.translate({ord("."): "。"}), f"[::ffff:{ip}]"):
            with pytest.raises(Malformed):
                parse(f"http://{written}/")


@given(st.ip_addresses(v=6).filter(lambda ip: ip not in IPv6Network("2000::/3")))
def test_ipv6_outside_global_unicast_is_not_public_unless_it_carries_a_public_ipv4(ip: IPv6Address) -> None:
    carries = ip.ipv4_mapped is not None or ip in IPv6Network("64:ff9b::/96")

    assert not is_public(str(ip)) or carries


@given(st.ip_addresses(v=4))
def test_what_python_calls_private_is_never_public(ip: IPv4Address) -> None:
    refused = ip.is_private or ip.is_loopback or ip.is_multicast or ip.is_reserved or ip.is_link_local

    assert not (is_public(str(ip)) and refused)


@given(st.text(max_size=60))
def test_whatever_stands_behind_the_scheme_is_refused_or_asked_for_as_one_line(rest: str) -> None:
    try:
        address = parse(f"http://{rest}")
    except Malformed:
        return

    assert address.url.isascii()
    assert address.url.isprintable()
    assert " " not in address.url
    assert "." in address.host
    assert parse(address.url) == address


@pytest.mark.parametrize(
    ("url", "entry"),
    [
        ("http://127.0.0.1:8080/x", "127.0.0.1:8080"),
        ("http://localhost/", "localhost:80"),
        ("https://intranet/", "Intranet:443"),
        ("http://intranet/", "http://intranet"),
        ("http://[::1]:9000/", "[0:0::1]:9000"),
        ("http://wiki.corp:8080/", "http://wiki.corp:8080/"),
        ("https://example.com:8443/", "example.com:8443"),
    ],
)
def test_an_origin_that_the_operator_names_may_be_anywhere(url: str, entry: str) -> None:
    address = parse(url, allowed={origin_of(entry)})

    assert address.allowed
    with pytest.raises(Malformed):
        parse(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8081/",
        "http://127.0.0.1/",
        "http://127.1:8080/",
        "http://0x7f000001:8080/",
        "http://127.0.0.2:8080/",
        "http://localhost:8080/",
        "http://user@127.0.0.1:8080/",
        "http://127.0.0.1:8080@10.0.0.1/",
        "http://[::ffff:127.0.0.1]:8080/",
        "ftp://127.0.0.1:8080/",
    ],
)
def test_only_the_very_origin_that_was_named_is_allowed(url: str) -> None:
    with pytest.raises(Malformed):
        parse(url, allowed={"127.0.0.1:8080"})


@pytest.mark.parametrize(
    "entry",
    ["", "intranet", "intranet:", "intranet:0", "intranet:70000", "ftp://x:21", "*:80", "a:b:80", "*"],
)
def test_an_entry_that_names_no_origin_says_how_one_is_written(entry: str) -> None:
    with pytest.raises(ValueError, match="host:port"):
        origin_of(entry)


@pytest.mark.parametrize(
    ("reference", "url"),
    [
        ("/login", "https://shop.example/login"),
        ("next?page=2", "https://shop.example/help/next?page=2"),
        ("?page=2", "https://shop.example/help/a?page=2"),
        ("../", "https://shop.example/"),
        ("//www.shop.example/x", "https://www.shop.example/x"),
        ("http://shop.example/", "http://shop.example/"),
        (" /blank ", "https://shop.example/blank"),
        ("", "https://shop.example/help/a"),
    ],
)
def test_a_reference_is_read_from_where_it_stands(reference: str, url: str) -> None:
    assert join(parse("https://shop.example/help/a"), reference).url == url


@pytest.mark.parametrize(
    "reference",
    [
        "//127.0.0.1/", "http://localhost/", "http://[::1]/", "file:///etc/passwd", "javascript:1",
        "//a@b.example",
        "/\\127.0.0.1/", "\\\\127.0.0.1/", "/a\r\nX: y", "http://[", "//169.254.169.254",
        "http://shop.example:8080/",
    ],
)  # fmt: skip
def test_a_reference_to_somewhere_we_may_not_go_is_refused(reference: str) -> None:
    with pytest.raises(Malformed):
        join(parse("https://shop.example/help/a"), reference)


@pytest.mark.parametrize(
    ("content_type", "wanted"),
    [
        ("", True),
        ("text/html; charset=utf-8", True),
        ("TEXT/PLAIN", True),
        ("application/xhtml+xml", True),
        ("application/rss+xml", True),
        ("application/ld+json", True),
        ("application/pdf", True),
        ("application/x-gzip", True),
        ("application/octet-stream", True),
        ("application/javascript", True),
        ("image/png", False),
        ("image/svg+xml", False),
        ("video/mp4", False),
        ("application/zip", False),
        ("font/woff2", False),
        ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", False),
    ],
)
def test_only_what_holds_text_is_read(content_type: str, wanted: bool) -> None:
    assert is_wanted(content_type) is wanted


TRUSTED = {
    "adapters/http_connections.py": "the door itself",
    "adapters/http_exchange.py": "the door itself",
    "adapters/http_fetcher.py": "the door itself",
    "adapters/probes.py": "health: servers that the environment names",
    "adapters/openai_embeddings.py": "the model's server, named by the environment",
    "adapters/openai_model.py": "the model's server, named by the environment or checked by the door",
    "adapters/openai_stream.py": "the same server's answer as it comes",
    "edge/runtime.py": "Lambda's own interface, named by the environment",
    "adapters/opensearch.py": "the search engine, named by the environment",
    "adapters/opensearch_client.py": "the search engine, named by the environment",
    "adapters/opensearch_tickets.py": "the search engine, named by the environment",
    "adapters/pinecone.py": "the vector index, named by the environment",
}
OPENS_ADDRESSES = {
    "aiohttp", "ftplib", "http.client", "httplib2", "httpx", "openai", "opensearchpy", "pinecone", "poplib",
    "pycurl", "requests", "selenium", "smtplib", "socket", "ssl", "telnetlib", "urllib.request", "urllib3",
    "websockets", "xmlrpc.client",
}  # fmt: skip


def imported(path: Path) -> set[str]:
    """Every module that a file imports, wherever in it, with the packages it lies in."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return {".".join(name.split(".")[:n]) for name in names for n in range(1, name.count(".") + 2)}


def test_nothing_but_the_door_opens_an_address() -> None:
    """A known fault of the earlier products: the check stood in one place and pages were fetched in five."""
    core = Path("layers/core/candor")
    files = {path.relative_to(core).as_posix(): path for path in core.rglob("*.py")}
    files |= {path.as_posix(): path for path in Path("functions").rglob("*.py")}

    opening = {name for name, path in files.items() if imported(path) & OPENS_ADDRESSES}

    assert len(files) > 100
    assert opening - TRUSTED.keys() == set()
    assert {"adapters/http_connections.py", "adapters/probes.py"} <= opening


def test_a_browser_is_started_behind_the_door_alone() -> None:
    using = {path.name for path in Path("layers/core/candor").rglob("*.py") if "playwright" in imported(path)}

    assert using == {"playwright_browser.py", "playwright_visit.py"}


def test_a_content_type_is_known_without_its_parameters() -> None:
    fetched = Fetched(url="https://a.example/", status=200, headers={"content-type": "Text/HTML; charset=x"})

    assert fetched.content_type == "text/html"
