"""Addresses: one spelling for each page of a website, and the links nobody should follow."""

import posixpath
import re
import unicodedata
from typing import Final
from urllib.parse import quote, unquote, urljoin, urlsplit

from candor.crawling.traps import is_trap

__all__ = ["is_trap", "key_of", "normalise", "same_site"]

MAX_LETTERS: Final = 2_000
"""Of an address as it is sent. Longer ones are refused by many servers, and never lead to an article."""

_PORTS: Final = {"http": 80, "https": 443}
_SAFE: Final = "!$&'()*+,;=:@/-._~"
"""What may stand in a path as it is (RFC 3986, pchar and the slash)."""
_SAFE_IN_QUERY: Final = "!$'()*,;:@/?-._~"
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
_STRAY_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_DROPPED = re.compile(r"[\t\r\n\x00]+")
_HOST = re.compile(r"[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?\.?$|\[[0-9a-f:.]+\]$")

_TRACKING: Final = re.compile(
    r"(?:utm_\w+|ga_\w+|mtm_\w+|pk_\w+|piwik_\w+|matomo_\w+|hsa_\w+|mc_[a-z]+|_ga\w*|_gl|_hs\w+|__hs\w+|__s|_ke|_openstat|"
    r"gclid|gclsrc|gbraid|wbraid|dclid|fbclid|msclkid|yclid|ymclid|ysclid|twclid|ttclid|igshid|igsh|li_fat_id|"
    r"mkt_tok|vero_id|vero_conv|oly_enc_id|oly_anon_id|rb_clickid|s_cid|icid|ncid|cmpid|wickedid|hsctatracking|"
    r"trk|trkcampaign|sc_campaign|sc_channel|spm|scm|_branch_match_id|srsltid|epik|ref_src|ref_url|amp)$",
    re.IGNORECASE,
)
_SESSION: Final = re.compile(
    r"(?:phpsessid|php_session_id|jsessionid|aspsessionid\w*|asp\.net_sessionid|cfid|cftoken|sid|s_id|"
    r"session|sessid|session_?id|sess_id|_sid|zenid|oscsid|xtc_sid|osc_sid|sessionkey|ssid|token_id)$",
    re.IGNORECASE,
)
_SESSION_IN_PATH = re.compile(r";(?:jsessionid|phpsessid|sid|session_?id)=[^/;]*", re.IGNORECASE)
_ASP_SESSION_IN_PATH = re.compile(r"/\((?:[A-Z]\([A-Za-z0-9_-]+\))+\)(?=/|$)")
"""ASP.NET without cookies: /(S(lit3py55t21z5v55vlm25s55))/page.aspx."""

_PRINT: Final = re.compile(
    r"(?:print|printable|printer|printer[-_]?friendly|print[-_]?view|printversion|forprint|isprint|print_?mode)$",
    re.IGNORECASE,
)
_SHAPE_OF_PAGE: Final = frozenset(
    {"view", "format", "layout", "mode", "display", "output", "tmpl", "style", "media"}
)
"""Parameters of which only a value like `print` is dropped."""
_PRINTED: Final = frozenset(
    {"print", "printable", "printer", "print-friendly", "printview", "component", "amp"}
)
_PRINT_FOLDER: Final = frozenset({"print", "printable", "printer-friendly", "printview"})

_INDEX = re.compile(
    r"/(?:index\.(?:x?html?|shtml|php\d?|aspx?|jsp|cfm|cgi|pl)|default\.(?:aspx?|html?))$", re.IGNORECASE
)


def normalise(url: str, base: str = "") -> str:
    """
    The address in the one form it is fetched in; blank when it is none to follow (another scheme, a name
    and password in it, no host).

    Relative ones are resolved against `base`. Gone are the fragment, what follows a visitor (tracking,
    sessions), the print view and the index page; the query is sorted. The slash at the end stays: whether
    it may be left out only the server knows (`key_of` compares without it).
    """
    url = _joined(_DROPPED.sub("", url.strip(" \t\r\n\f\v\u00a0\ufeff")), base)
    if not url or len(url) > 10 * MAX_LETTERS:
        return ""
    try:
        parts = urlsplit(url)
        scheme, port, name = parts.scheme.lower(), parts.port, parts.hostname or ""
        if scheme not in _PORTS or parts.username is not None or parts.password is not None:
            return ""
        host = _host(name)
    except ValueError:
        return ""
    if not host:
        return ""
    if port is not None and port != _PORTS[scheme]:
        host = f"{host}:{port}"

    pairs = _pairs(parts.query)
    path = _path(parts.path)
    if not pairs:
        path = _INDEX.sub("/", path)
    query = "&".join(name if value is None else f"{name}={value}" for name, value in pairs)
    found = f"{scheme}://{host}{path}" + (f"?{query}" if query else "")
    return found if len(found) <= MAX_LETTERS else ""


def key_of(url: str) -> str:
    """
    Equal for addresses that are one page to a reader: with and without the slash at the end, `www.`, the
    index page; over http and https. Not itself an address.

    The path's case stays: a link to `/FAQ` that leads nowhere must not hide `/faq`. Pages that differ only so
    meet by their text.
    """
    parts = urlsplit(normalise(url))
    if not parts.netloc:
        return ""
    path = _INDEX.sub("/", parts.path).rstrip("/")
    return _site(parts.netloc) + path + (f"?{parts.query}" if parts.query else "")


def same_site(a: str, b: str) -> bool:
    """Whether both lie on one host: `www.` or not, http or https, but never another name or port."""
    left, right = urlsplit(normalise(a)).netloc, urlsplit(normalise(b)).netloc
    return bool(left) and _site(left) == _site(right)


def _joined(url: str, base: str) -> str:
    """As a browser would: backslashes are slashes, and what cannot be joined is no address."""
    end = next((at for at, letter in enumerate(url) if letter in "?#"), len(url))
    url = url[:end].replace("\\", "/") + url[end:]
    try:
        return urljoin(base, url) if base else url
    except ValueError:
        return ""


def _host(name: str) -> str:
    """The host in ASCII. Letters beyond it are spelled by IDNA 2008, of which ß is a letter of its own."""
    name = unicodedata.normalize("NFKC", unquote(name)).lower().replace("\u3002", ".").rstrip(".")
    labels = name.split(".") if not name.startswith("[") and ":" not in name else []
    if ":" in name and not name.startswith("["):
        name = f"[{name}]"
    if labels:
        if not all(0 < len(label) <= 63 for label in labels):
            return ""
        name = ".".join(map(_label, labels))
    return name if len(name) <= 253 and _HOST.match(name) else ""


def _label(label: str) -> str:
    return label if label.isascii() else "xn--" + label.encode("punycode").decode("ascii")


def _site(netloc: str) -> str:
    return netloc.removeprefix("www.")


def _path(path: str) -> str:
    path = _SESSION_IN_PATH.sub("", path)
    path = _ASP_SESSION_IN_PATH.sub("", path)
    path = _escaped(path, _SAFE)
    path = re.sub(r"/{2,}", "/", "/" + path)
    folder = path.endswith(("/", "/.", "/.."))
    path = posixpath.normpath(path)
    segments = [part for part in path.split("/") if part]
    if len(segments) > 1 and segments[-1].lower() in _PRINT_FOLDER:
        segments.pop()
        folder = False
    elif len(segments) > 1 and segments[0].lower() in _PRINT_FOLDER:
        segments.pop(0)
    return "/" + "/".join(segments) + ("/" if folder and segments else "")


def _pairs(query: str) -> list[tuple[str, str | None]]:
    """The parameters that choose the page, by name; the order of values under one name means something."""
    found: list[tuple[str, str | None]] = []
    for part in query.split("&"):
        raw_name, equals, raw_value = part.partition("=")
        name, value = _escaped(raw_name.replace("+", "%20"), _SAFE_IN_QUERY), None
        if not name and not raw_value:
            continue
        if equals:
            value = _escaped(raw_value.replace("+", "%20"), _SAFE_IN_QUERY + "=")
        plain = unquote(name)
        if _TRACKING.match(plain) or _SESSION.match(plain) or _is_print(plain, unquote(value or "")):
            continue
        found.append((name, value))
    return sorted(found, key=lambda pair: pair[0])


def _is_print(name: str, value: str) -> bool:
    if _PRINT.match(name):
        return value.lower() not in ("0", "no", "false")
    return name.lower() in _SHAPE_OF_PAGE and value.lower() in _PRINTED


def _escaped(text: str, safe: str) -> str:
    """Percent-encoding in its normal form: nothing escaped that need not be, upper-case digits, UTF-8."""
    text = _STRAY_PERCENT.sub("%25", text)
    text = _ESCAPE.sub(_unescaped, text)
    return quote(text, safe=safe + "%", errors="replace")


def _unescaped(match: re.Match[str]) -> str:
    letter = chr(int(match[1], 16))
    plain = letter.isascii() and (letter.isalnum() or letter in "-._~")
    return letter if plain else match[0].upper()
