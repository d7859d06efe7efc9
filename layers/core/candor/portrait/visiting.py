"""Visiting: the few pages of a site that say who is behind it, fetched side by side within one deadline."""

import logging
import re
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Final
from urllib.parse import unquote, urljoin, urlsplit

from candor.crawling.addresses import key_of, normalise, same_site
from candor.errors import CandorError, Invalid, Malformed, UnsupportedType, UpstreamFailed
from candor.fetching import Fetched, Fetcher, is_wanted
from candor.portrait.values import Site, SitePage, Topic
from candor.sources.web_pages import Kind, WebPage

logger = logging.getLogger(__name__)

MOST_PAGES: Final = 8
TOTAL_SECONDS: Final = 16.0
"""A request may take 29 seconds, and a model writes after this."""

_HOME_SECONDS: Final = 8.0
_AT_ONCE: Final = 4
_MOST_BYTES: Final = 2_000_000
_MOST_STYLES: Final = 2
_STYLE_BYTES: Final = 300_000
_LONGEST_TEXT: Final = 60_000

_SAID: Final[dict[Topic, str]] = {
    "about": """about about-us about_us aboutus company who-we-are our-story o-nas onas o-kompanii okompanii
        kompaniya pro-nas ueber-uns uber-uns über-uns unternehmen impressum nosotros quienes-somos
        quiénes-somos sobre-nosotros empresa gioi-thieu ve-chung-toi о-нас о-компании компания про-нас""",
    "pricing": """pricing prices price plans tariffs tarife preise preisliste tarify ceny tseny stoimost
        тарифы цены ціни precios planes tarifas bang-gia gia""",
    "terms": """terms tos terms-of-service terms-of-use terms-and-conditions agb nutzungsbedingungen oferta
        usloviya условия оферта terminos condiciones dieu-khoan refund refunds refund-policy returns
        return-policy money-back widerruf vozvrat возврат devoluciones reembolsos hoan-tien""",
    "support": """support contact contact-us contacts kontakt kontakte kontakty контакты контакти contacto
        soporte lien-he podderzhka поддержка підтримка ho-tro kundenservice""",
    "help": """help faq faqs help-center helpcenter hilfe ayuda pomoshch помощь допомога tro-giup kb
        knowledgebase knowledge-base preguntas-frecuentes shipping delivery versand""",
}
_WORDS: Final = {topic: frozenset(words.split()) for topic, words in _SAID.items()}
_USUAL: Final[dict[Topic, str]] = {
    "about": "/about",
    "pricing": "/pricing",
    "terms": "/terms",
    "support": "/contact",
    "help": "/help",
}
_TITLED: Final = re.compile(r"<title\b[^<>]{0,300}>\s{0,100}[^<\s]", re.IGNORECASE)
_STYLE: Final = re.compile(r"<link\b[^<>]{0,1000}>", re.IGNORECASE)
_ATTRIBUTE: Final = r"\b{name}\s*=\s*(?:\"([^\"]{{0,1000}})\"|'([^']{{0,1000}})'|([^\s\"'>]{{1,1000}}))"

Read = Callable[..., WebPage]
"""`candor.sources.web_pages.read_page`."""


class Visiting:
    """Reads a site through the one door."""

    def __init__(self, *, fetcher: Fetcher, read: Read, ticks: Callable[[], float] = time.monotonic) -> None:
        self._fetcher = fetcher
        self._read = read
        self._ticks = ticks

    def visit(self, address: str) -> Site:
        """
        The home page, and up to seven more of the same site.

        `Malformed` for an address nobody may fetch, `Invalid` for one that is none, `UpstreamFailed` with a
        sentence when the home page cannot be read. Any other page may be missing.
        """
        ends = self._ticks() + TOTAL_SECONDS
        found, home = self._home(_addressed(address), ends)
        links = _chosen(home.links, home.url)
        styles = _styles(home.html, home.url)[:_MOST_STYLES]
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            others = pool.map(lambda link: self._other(*link, home=home.url, ends=ends), links)
            sheets = pool.map(lambda url: self._style(url, ends), styles)
            pages = [_page("home", home, found.url), *(page for page in others if page is not None)]
            css = "\n".join(sheets)
        unique = {_sameness(page): page for page in reversed(pages)}
        kept = [page for page in pages if unique[_sameness(page)] is page]
        return Site(pages=tuple(kept[:MOST_PAGES]), styles=css)

    def _home(self, addresses: Iterable[str], ends: float) -> tuple[Fetched, WebPage]:
        failed: CandorError | None = None
        for url in addresses:
            try:
                fetched, page = self._opened(url, min(ends, self._ticks() + _HOME_SECONDS))
                if page.kind is Kind.REDIRECT and page.target:
                    fetched, page = self._opened(page.target, min(ends, self._ticks() + _HOME_SECONDS))
            except UnsupportedType as error:
                raise UpstreamFailed(str(error)) from None
            except (UpstreamFailed, Malformed) as error:
                failed = failed or error
                continue
            if not page.text.strip() and not _TITLED.search(page.html[:300_000]):
                raise UpstreamFailed(f"The site's home page holds nothing to read. {page.reason}".rstrip())
            return fetched, page
        raise failed or UpstreamFailed("The site cannot be reached.")

    def _opened(self, url: str, ends: float) -> tuple[Fetched, WebPage]:
        seconds = ends - self._ticks()
        if seconds < 0.2:
            raise UpstreamFailed("The site answers too slowly.")
        fetched = self._fetcher.fetch(url, max_bytes=_MOST_BYTES, total_seconds=seconds)
        if not 200 <= fetched.status < 300:
            raise UpstreamFailed(f"The site's page {fetched.url} answered with status {fetched.status}.")
        if not is_wanted(fetched.content_type):
            raise UnsupportedType(f"There is {fetched.content_type} at {fetched.url}, and no page.")
        page = self._read(fetched.body, url=fetched.url, headers=fetched.headers)
        if page.kind is Kind.UNREADABLE:
            raise UnsupportedType(page.reason or "There is no page at this address.")
        return fetched, page

    def _other(self, topic: Topic, url: str, *, home: str, ends: float) -> SitePage | None:
        try:
            fetched, page = self._opened(url, ends)
        except CandorError as error:
            logger.info("page of a site left out", extra={"error": type(error).__name__})
            return None
        if page.kind not in (Kind.CONTENT, Kind.NOINDEX) or not same_site(fetched.url, home):
            return None
        return _page(topic, page, fetched.url)

    def _style(self, url: str, ends: float) -> str:
        seconds = ends - self._ticks()
        try:
            if seconds < 0.2:
                return ""
            fetched = self._fetcher.fetch(url, max_bytes=_STYLE_BYTES, total_seconds=seconds)
        except CandorError:
            return ""  # Colours are no reason to fail.
        return fetched.body.decode("utf-8", "replace") if fetched.status == 200 else ""


def _addressed(address: str) -> list[str]:
    """What to ask for: https first, unless the address says otherwise."""
    bare = address.strip()
    if not bare:
        raise Invalid("Name the site: url, or domain.")
    if "://" in bare:
        return [bare]
    if re.match(r"[a-z][a-z0-9+.-]*:(?!\d)", bare, re.IGNORECASE):
        raise Malformed("Only http:// and https:// addresses can be read.")
    return [f"https://{bare}", f"http://{bare}"]


def _chosen(links: Iterable[str], home: str) -> list[tuple[Topic, str]]:
    """The pages to read besides home: by the words in their addresses, else where they usually are."""
    found: dict[Topic, list[str]] = {topic: [] for topic in _WORDS}
    for link in links:
        if not same_site(link, home) or key_of(link) == key_of(home):
            continue
        segments = [unquote(part).casefold() for part in urlsplit(link).path.split("/") if part]
        words = {re.sub(r"\.\w{2,5}$", "", segment) for segment in segments[-2:]}
        for topic, known in _WORDS.items():
            if words & known:
                # The shortest address of a topic is its front page.
                found[topic].append(link)
                break
    for linked in found.values():
        linked.sort(key=lambda link: (len(urlsplit(link).path.split("/")), len(link)))
    firsts = [(topic, linked[0]) for topic, linked in found.items() if linked]
    seconds = [(topic, linked[1]) for topic, linked in found.items() if len(linked) > 1]
    usual = [(topic, urljoin(home, _USUAL[topic])) for topic, linked in found.items() if not linked]
    return [*firsts, *usual, *seconds][: MOST_PAGES - 1]


def _styles(html: str, base: str) -> list[str]:
    sheets = []
    for tag in _STYLE.findall(html[:300_000]):
        if "stylesheet" in _attribute(tag, "rel").casefold() and (href := _attribute(tag, "href")):
            sheets.append(normalise(href, base))
    return [sheet for sheet in dict.fromkeys(sheets) if sheet]


def _attribute(tag: str, name: str) -> str:
    found = re.search(_ATTRIBUTE.format(name=name), tag, re.IGNORECASE)
    return next((group for group in found.groups() if group), "") if found else ""


def _page(topic: Topic, page: WebPage, url: str) -> SitePage:
    return SitePage(
        url=url,
        topic=topic,
        title=page.title,
        text=page.text[:_LONGEST_TEXT],
        html=page.html[:500_000],
        language=page.language,
    )


def _sameness(page: SitePage) -> str:
    """Of pages that are one page under two addresses, or say the same."""
    return page.text.strip() or page.url
