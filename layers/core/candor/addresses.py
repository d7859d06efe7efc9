"""
Addresses: which ones we may fetch, by how they are written and by where they lead.

A url is parsed here once, and what was parsed is what is asked for: no second parser can read it in
another way. A host must be a name with a dot in it; every IP address it stands for must be public. An
operator's own origins are the only exception, each named as host:port.
"""

import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final
from urllib.parse import quote, urljoin

from candor.errors import Malformed

MAX_LENGTH: Final = 2_000

PORTS: Final = {"http": 80, "https": 443}

_URL = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<authority>[^/?#]*)(?P<path>/[^?#]*)?(?P<query>\?[^#]*)?(?:#.*)?",
    re.DOTALL,
)
_HOST_PORT = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^:\[\]]*)(?::(?P<port>[0-9]{0,5}))?", re.ASCII)
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?", re.ASCII)
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*", re.ASCII)

_OURS_ALONE = frozenset(
    (
        "arpa", "corp", "domain", "home", "internal", "intranet", "lan", "local", "localdomain", "localhost",
        "onion", "private",
    )
)  # fmt: skip
"""Last labels that mean nothing, or something of one's own, outside a house."""

_SAFE = "/?:@!$&'()*+,;=%-._~"

_REFUSED_V4: Final = tuple(
    IPv4Network(network)
    for network in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
        "192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24",
        "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
        "224.0.0.0/4", "240.0.0.0/4",
        # Public by its number, and answered by every Azure host to its own guests.
        "168.63.129.16/32",
    )
)  # fmt: skip
"""
IANA's registry of special-purpose IPv4 addresses, whole. `is_global` lets several of them pass, and not
the same ones in every Python.
"""

_NO_ORIGIN: Final = "{!r} is no origin: write host:port, such as intranet.example.com:8080."

_UNICAST_V6: Final = IPv6Network("2000::/3")
"""All that is routed between networks: loopback, fe80::, fec0::, fc00::, ff00:: and ::/8 lie outside."""

_REFUSED_V6: Final = tuple(
    IPv6Network(network)
    for network in (
        "2001::/23",  # Protocol assignments: Teredo, benchmarking, ORCHID. Nobody serves pages from there.
        "2001:db8::/32",
        "2002::/16",  # 6to4 carries an IPv4 address, and its relays are gone.
        "2620:4f:8000::/48",
        "3fff::/20",
    )
)

_V4_MAPPED: Final = IPv6Network("::ffff:0:0/96")
_NAT64: Final = IPv6Network("64:ff9b::/96")
"""How a network without IPv4 shows the rest of the world; 64:ff9b:1::/48 is somebody's own, and refused."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Address:
    """A url, parsed. Equal ones ask for the same thing."""

    scheme: str
    host: str
    """In small letters, a name in its ASCII form; an IPv6 address (of an allowed origin) without brackets."""
    port: int
    target: str
    """Path and query, as they are sent."""
    allowed: bool = False
    """An origin that the operator has named: it may be anywhere."""

    @property
    def _name(self) -> str:
        return f"[{self.host}]" if ":" in self.host else self.host

    @property
    def origin(self) -> str:
        """Host and port, the way `FETCH_ALLOWED_ORIGINS` writes them."""
        return f"{self._name}:{self.port}"

    @property
    def authority(self) -> str:
        """What stands in the Host header: the port only where the scheme does not say it."""
        return self._name if self.port == PORTS[self.scheme] else self.origin

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.authority}{self.target}"


def parse(url: str, *, allowed: Collection[str] = ()) -> Address:
    """
    The address a url means; `Malformed`, with a sentence, for one that nobody may fetch.

    `allowed` holds origins as `origin_of` writes them. What a host's name leads to is not asked here.
    """
    url = url.strip(" \t\r\n\f")
    if not url:
        raise Malformed("The address is empty.")
    if len(url) > MAX_LENGTH:
        raise Malformed(f"The address is longer than {MAX_LENGTH} letters.")
    if any(unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp") for letter in url):
        raise Malformed("The address holds control characters.")
    if "\\" in url:
        raise Malformed("The address holds a backslash: write / instead.")
    parts = _URL.fullmatch(url)
    if parts is None:
        raise Malformed("An address begins with http:// or https://, and names a host.")
    scheme = parts["scheme"].lower()
    if scheme not in PORTS:
        raise Malformed("Only http and https addresses are fetched.")
    authority = parts["authority"]
    if "@" in authority:
        raise Malformed("An address with a user or a password in it is not fetched: leave it out.")
    host_port = _HOST_PORT.fullmatch(authority)
    if host_port is None or not host_port["host"]:
        raise Malformed("The address names no host, or one that cannot be read.")
    host = _host(host_port["host"])
    port = int(host_port["port"]) if host_port["port"] else PORTS[scheme]
    target = quote(f"{parts['path'] or '/'}{parts['query'] or ''}", safe=_SAFE)
    address = Address(scheme=scheme, host=host, port=port, target=target)
    if address.origin in allowed:
        return Address(scheme=scheme, host=host, port=port, target=target, allowed=True)
    _check_host(host)
    if port not in PORTS.values():
        raise Malformed("Only the ports 80 and 443 are fetched; FETCH_ALLOWED_ORIGINS can name another.")
    return address


def join(base: Address, reference: str, *, allowed: Collection[str] = ()) -> Address:
    """What a reference on the page at `base` means (a redirect's Location); `Malformed` as `parse`."""
    reference = reference.strip(" \t\r\n\f")
    # Before `urljoin`, which drops some of these without a word.
    if any(unicodedata.category(letter) in ("Cc", "Cs") for letter in reference) or "\\" in reference:
        raise Malformed("The address holds control characters or a backslash.")
    try:
        return parse(urljoin(base.url, reference), allowed=allowed)
    except ValueError:  # Brackets that do not match, to `urljoin`.
        raise Malformed("The address names no host, or one that cannot be read.") from None


def origin_of(entry: str) -> str:
    """
    An entry of `FETCH_ALLOWED_ORIGINS` as addresses are compared with it: `host:port`.

    A scheme before it is accepted, and then says the port where none is written. `ValueError` otherwise.
    """
    scheme, separator, rest = entry.strip().rpartition("://")
    parts = _HOST_PORT.fullmatch(rest.rstrip("/"))
    port = parts["port"] if parts and parts["port"] else PORTS.get(scheme.lower(), 0)
    known = scheme.lower() in PORTS or not separator
    if parts is None or not parts["host"] or not known or not 0 < int(port) < 65_536:
        raise ValueError(_NO_ORIGIN.format(entry))
    try:
        host = _host(parts["host"])
    except Malformed:
        host = ""
    if ":" not in host and not all(map(_LABEL.fullmatch, host.split("."))):
        raise ValueError(_NO_ORIGIN.format(entry))
    return Address(scheme="http", host=host, port=int(port), target="/").origin


def is_public(address: str) -> bool:
    """
    Whether an IP address leads out into the world, and nowhere near us.

    An IPv4 address inside an IPv6 one (mapped, or behind NAT64) counts as what it is; the other ways to
    hide one (IPv4-compatible, 6to4, Teredo) are refused whole: nothing public is reached through them.
    """
    try:
        ip = ip_address(address)
    except ValueError:  # A zone (fe80::1%eth0) is read by some Pythons only, and never public.
        return False
    if isinstance(ip, IPv6Address):
        if getattr(ip, "scope_id", None):
            return False
        if ip in _V4_MAPPED or ip in _NAT64:
            return _is_public_v4(IPv4Address(int(ip) & 0xFFFF_FFFF))
        return ip in _UNICAST_V6 and ip.is_global and not any(ip in network for network in _REFUSED_V6)
    return _is_public_v4(ip)


def _is_public_v4(ip: IPv4Address) -> bool:
    return ip.is_global and not any(ip in network for network in _REFUSED_V4)


def _host(text: str) -> str:
    """The host in small letters and ASCII: what is looked up, compared and sent."""
    if text.startswith("["):
        try:
            return str(IPv6Address(text[1:-1]))
        except ValueError:
            raise Malformed("The address names no host, or one that cannot be read.") from None
    if text.isascii():
        return text.lower()
    text = unicodedata.normalize("NFC", text).lower()
    # Letters that stand for other letters (full-width digits and dots, ligatures) are how 127.0.0.1 is
    # written past a filter; a browser rewrites them, and we would have to rewrite them just the same.
    if unicodedata.normalize("NFKC", text) != text or not all(map(_is_letter, text)):
        raise Malformed("The host holds letters that are not what they look like: write it in plain ones.")
    return ".".join(_a_label(label) for label in text.split("."))


def _is_letter(character: str) -> bool:
    return character in "-._·・" or unicodedata.category(character) in ("Ll", "Lo", "Lm", "Mn", "Mc", "Nd")


def _a_label(label: str) -> str:
    return label if label.isascii() else f"xn--{label.encode('punycode').decode('ascii')}"


def _check_host(host: str) -> None:
    labels = host.split(".")
    if ":" in host or _NUMBER.fullmatch(labels[-1]) or (labels[-1] == "" and _NUMBER.fullmatch(labels[-2])):
        raise Malformed("A host is fetched by its name, not by a number.")
    if host.endswith("."):
        raise Malformed("The host ends with a dot: leave it out.")
    if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise Malformed("The address names no host, or one that cannot be read.")
    if len(labels) < 2 or labels[-1] in _OURS_ALONE:
        raise Malformed("The host is a name of some inner network: not an address we may fetch.")
