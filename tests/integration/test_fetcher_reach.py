"""Where the door goes: redirects, names, addresses and certificates. All on loopback."""

import datetime
import socket
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest

from candor.adapters.http_fetcher import HttpFetcher
from candor.errors import Malformed, UpstreamFailed
from tests.doubles.internet import OTHER_PUBLIC, PRIVATE, PUBLIC, Internet, local
from tests.doubles.web_server import WebServer, answer, moved

Serve = Callable[..., WebServer]


@pytest.fixture
def internet() -> Internet:
    return Internet()


# ---------------------------------------------------------------- redirects
@pytest.mark.parametrize("status", ["301 M", "302 F", "303 S", "307 T", "308 P"])
def test_a_redirect_is_followed_and_remembered(serve: Serve, status: str) -> None:
    server = serve({"/a/b": moved("../c?d=1", status=status), "/c": answer(b"here")})

    page = local(server).fetch(f"{server.url}/a/b")

    assert (page.url, page.body) == (f"{server.url}/c?d=1", b"here")
    assert page.redirects == (f"{server.url}/a/b",)


def test_a_redirect_is_an_answer_for_who_does_not_follow(serve: Serve) -> None:
    server = serve({"/": moved("http://10.0.0.1/")})

    page = local(server).fetch(server.url, follow=False)

    assert (page.status, page.headers["location"], page.redirects) == (302, "http://10.0.0.1/", ())


@pytest.mark.parametrize(
    "page", [answer(b"x", status="302 Found"), answer(b"x", status="300 Choose", Location="/y")]
)
def test_a_redirect_to_nowhere_is_an_answer(serve: Serve, page: bytes) -> None:
    server = serve({"/": page})

    assert local(server).fetch(server.url).body == b"x"


def test_a_location_in_plain_utf8_is_understood(serve: Serve) -> None:
    server = serve({"/": moved("/über".encode().decode("latin-1")), "/%C3%BCber": answer(b"x")})

    assert local(server).fetch(server.url).body == b"x"


def test_five_redirects_are_followed_and_a_sixth_is_not(serve: Serve) -> None:
    server = serve({f"/{n}": moved(f"/{n + 1}") for n in range(6)} | {"/6": answer(b"end")})

    assert local(server).fetch(f"{server.url}/1").body == b"end"
    with pytest.raises(UpstreamFailed, match="more than 5 times"):
        local(server).fetch(f"{server.url}/0")


def test_a_circle_is_seen_at_once(serve: Serve) -> None:
    server = serve({"/a": moved("/b"), "/b": moved("/a#other")})

    with pytest.raises(UpstreamFailed, match="circle"):
        local(server).fetch(f"{server.url}/a")

    assert server.paths == ["/a", "/b"]


@pytest.mark.parametrize(
    "location",
    [
        "http://127.0.0.1:{port}/", "http://localhost:{port}/", "//127.0.0.1:{port}/", "http://127.1:{port}/",
        "http://[::1]:{port}/", "http://2130706433:{port}/", "http://169.254.169.254/latest/meta-data/",
        "file:///etc/passwd", "gopher://127.0.0.1:{port}/_", "http://shop.example@127.0.0.1:{port}/",
        "http://inner.example/", "http://shop.example:{port}/", "javascript:alert(1)",
    ],
)  # fmt: skip
@pytest.mark.parametrize("status", ["302 F", "307 T", "308 P"])
def test_a_redirect_to_the_inside_never_arrives(
    internet: Internet, serve: Serve, location: str, status: str
) -> None:
    inside = serve({"/": answer(b"secret")})
    shop = serve({"/": moved(location.format(port=inside.port), status=status)})
    internet.names |= {"shop.example": [PUBLIC], "inner.example": ["127.0.0.1"]}
    internet.servers |= {PUBLIC: shop, "127.0.0.1": inside, "169.254.169.254": inside}

    with pytest.raises(Malformed) as refused:
        internet.fetcher().fetch("http://shop.example/")

    assert inside.connections == 0
    assert "127.0.0.1" not in str(refused.value)


def test_a_credential_does_not_follow_to_another_server(serve: Serve) -> None:
    other = serve({"/": answer(b"x")})
    server = serve({"/": moved("/own"), "/own": moved(f"{other.url}/")})

    local(server, other).fetch(
        server.url,
        headers={"Cookie": "s=1", "Authorization": "Bearer x", "X-Key": "k", "Accept-Language": "uk"},
    )

    assert server.asked[1].headers["cookie"] == "s=1"
    assert not {"cookie", "authorization", "x-key"} & other.asked[0].headers.keys()
    assert other.asked[0].headers["accept-language"] == "uk"


# ---------------------------------------------------------------- where the connection goes
def test_the_connection_goes_to_the_address_that_was_checked_whatever_the_name_says_next(
    internet: Internet, serve: Serve
) -> None:
    """DNS rebinding: public when it is checked, private a moment later."""
    shop, inside = serve({"/": answer(b"shop")}), serve({"/": answer(b"secret")})
    internet.names["shop.example"] = iter([[PUBLIC], [PRIVATE], [PRIVATE]])
    internet.servers |= {PUBLIC: shop, PRIVATE: inside}

    page = internet.fetcher().fetch("http://shop.example/")

    assert page.body == b"shop"
    assert (internet.asked, internet.dialled) == (["shop.example"], [PUBLIC])
    assert shop.asked[0].headers["host"] == "shop.example"
    assert inside.connections == 0


@pytest.mark.parametrize("follow_up", [[PRIVATE], [PUBLIC, PRIVATE]])
def test_a_name_that_turns_private_is_refused_the_next_time_it_is_looked_up(
    internet: Internet, serve: Serve, follow_up: list[str]
) -> None:
    inside = serve({"/": answer(b"secret")})
    shop = serve({"/": lambda page: (page.write(answer(b"shop")), page.hang_up())[0]})
    internet.names["shop.example"] = iter([[PUBLIC], follow_up])
    internet.servers |= {PUBLIC: shop, PRIVATE: inside}
    assert internet.fetcher().fetch("http://shop.example/").body == b"shop"

    with pytest.raises(Malformed):
        internet.fetcher().fetch("http://shop.example/")

    assert inside.connections == 0


@pytest.mark.parametrize(
    "addresses",
    [
        [PRIVATE], ["127.0.0.1"], [PUBLIC, PRIVATE], ["::ffff:10.0.0.1"], ["64:ff9b::a00:1"], ["fe80::1%lo"],
        ["2002:7f00:1::"], ["169.254.169.254"], ["0.0.0.0"], ["::1", PUBLIC], [],
    ],
)  # fmt: skip
def test_a_name_of_the_inside_and_a_name_of_nobody_are_refused_in_the_same_words(
    internet: Internet, addresses: list[str]
) -> None:
    internet.names["inner.example"] = addresses
    fetcher = internet.fetcher()

    with pytest.raises(Malformed) as fetched:
        fetcher.fetch("http://inner.example/")
    with pytest.raises(Malformed) as checked:
        fetcher.check("http://inner.example/")
    with pytest.raises(Malformed) as nobody:
        fetcher.check("http://nobody.example/")

    assert str(fetched.value) == str(checked.value) == str(nobody.value)
    assert internet.dialled == []


def test_an_address_is_checked_as_it_will_be_asked_for(internet: Internet) -> None:
    internet.names["xn--bcher-kva.example"] = [PUBLIC]

    assert internet.fetcher().check("HTTP://Bücher.example/a b") == "http://xn--bcher-kva.example/a%20b"
    assert internet.dialled == []


def test_the_next_address_is_tried_when_one_refuses(internet: Internet, serve: Serve) -> None:
    internet.names["shop.example"] = ["2606:4700::1", OTHER_PUBLIC, PUBLIC]
    internet.servers[PUBLIC] = serve({"/": answer(b"x")})

    assert internet.fetcher().fetch("http://shop.example/").body == b"x"
    assert internet.dialled == ["2606:4700::1", OTHER_PUBLIC, PUBLIC]


def test_a_server_nobody_reaches_is_a_sentence(internet: Internet) -> None:
    internet.names["shop.example"] = [PUBLIC]

    with pytest.raises(UpstreamFailed, match="does not accept"):
        internet.fetcher().fetch("http://shop.example/")


def test_an_allowed_origin_may_be_inside_and_the_port_beside_it_may_not(serve: Serve) -> None:
    inside, beside = serve({"/": answer(b"wiki")}), serve({"/": answer(b"secret")})
    fetcher = local(inside)

    assert fetcher.fetch(inside.url).body == b"wiki"
    for url in (beside.url, f"http://localhost:{inside.port}/", f"http://127.1:{inside.port}/"):
        with pytest.raises(Malformed):
            fetcher.fetch(url)
    assert beside.connections == 0


# ---------------------------------------------------------------- TLS
class Authority:
    """A certificate authority of the test's own."""

    def __init__(self, folder: Path) -> None:
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import ec

        self._folder = folder
        now = datetime.datetime.now(datetime.UTC)
        key = ec.generate_private_key(ec.SECP256R1())

        def certificate(host: str) -> Path:
            name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, host)])
            signed = (
                x509.CertificateBuilder()
                .subject_name(name)
                .issuer_name(name)
                .public_key(key.public_key())
                .serial_number(x509.random_serial_number())
                .not_valid_before(now - datetime.timedelta(days=1))
                .not_valid_after(now + datetime.timedelta(days=1))
                .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
                .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
                .sign(key, hashes.SHA256())
            )
            path = folder / f"{host}.pem"
            pem = serialization.Encoding.PEM
            private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
            path.write_bytes(signed.public_bytes(pem) + private)
            return path

        self._certificate = certificate

    def server(self, host: str) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._certificate(host))
        return context

    def client(self, *hosts: str) -> ssl.SSLContext:
        context = ssl.create_default_context()
        for host in hosts:
            context.load_verify_locations(self._folder / f"{host}.pem")
        return context


def test_a_certificate_is_checked_against_the_name_not_the_number(
    internet: Internet, serve: Serve, tmp_path: Path
) -> None:
    authority = Authority(tmp_path)
    tls, seen = authority.server("shop.example"), []
    tls.sni_callback = lambda connection, name, context: seen.append(name)
    server = serve({"/": answer(b"x" * 100_000)}, tls=tls)
    internet.names |= {"shop.example": [PUBLIC], "other.example": [PUBLIC]}
    internet.servers[PUBLIC] = server
    fetcher = internet.fetcher(tls=authority.client("shop.example"))

    pages = [fetcher.fetch("https://shop.example/") for _ in range(3)]
    with pytest.raises(UpstreamFailed, match="certificate"):
        fetcher.fetch("https://other.example/")

    assert [len(page.body) for page in pages] == [100_000] * 3
    assert seen == ["shop.example", "other.example"]
    assert server.connections == 2


def test_a_certificate_that_nobody_vouches_for_is_refused(
    internet: Internet, serve: Serve, tmp_path: Path
) -> None:
    server = serve({"/": answer(b"x")}, tls=Authority(tmp_path).server("shop.example"))
    internet.names["shop.example"] = [PUBLIC]
    internet.servers[PUBLIC] = server

    with pytest.raises(UpstreamFailed, match="certificate"):
        internet.fetcher().fetch("https://shop.example/")

    assert server.asked == []


def test_a_server_that_speaks_no_tls_or_never_ends_its_handshake_is_a_sentence(
    internet: Internet, serve: Serve
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        internet.names |= {"shop.example": [PUBLIC], "slow.example": [OTHER_PUBLIC]}
        internet.servers[PUBLIC] = serve()
        dial = internet.dial

        def to_silence(ip: str, port: int, seconds: float) -> socket.socket:
            if ip == OTHER_PUBLIC:
                return socket.create_connection(silent.getsockname(), seconds)
            return dial(ip, port, seconds)

        fetcher = HttpFetcher(version="1", resolve=internet.resolve, dial=to_silence, connect_seconds=0.4)
        for host in ("shop.example", "slow.example"):
            with pytest.raises(UpstreamFailed):
                fetcher.fetch(f"https://{host}/", total_seconds=60)
