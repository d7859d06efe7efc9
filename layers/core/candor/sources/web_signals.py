"""Web signals: what a page says of itself besides its text: robots, canonical, forwarding, nothing here."""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from candor.crawling.addresses import key_of, normalise, same_site
from candor.fetching import USER_AGENT

MAX_LINKS: Final = 5_000
_DIRECTIVES: Final = frozenset(
    """all noindex nofollow none noarchive nosnippet notranslate noimageindex indexifembedded unavailable_after
    max-snippet max-image-preview max-video-preview index follow noodp noydir nocache""".split()  # noqa: E501, SIM905
)
_REFRESH = re.compile(r"\s*(\d+)(?:\.\d*)?\s*[;,]?\s*(?:url\s*=\s*)?(.*)$", re.IGNORECASE | re.DOTALL)
_HEADER_LINK = re.compile(r"<([^<>]*)>((?:\s*;\s*[\w*-]+\s*=\s*(?:\"[^\"]*\"|[^\s,;]+))*)")
_MOVED = re.compile(
    r"(?:page|document|site|article|content) (?:has|was) (?:been )?(?:permanently )?moved|object moved|moved permanently|"  # noqa: E501
    r"you are being redirected|redirecting|if you are not redirected|click here to continue|"
    r"страница перемещена|перенаправлен|вы будете перенаправлены|weitergeleitet|weiterleitung",
    re.IGNORECASE,
)
_SCRIPTED = re.compile(
    r"(?:window\.|document\.|top\.|self\.)*location(?:\.href)?\s*(?:=|\.(?:replace|assign)\s*\()\s*[\"']([^\"'\s]{1,2000})[\"']"
)


def indexable(root: Any, headers: Mapping[str, str]) -> tuple[bool, bool]:
    """Whether the page may be kept, and whether its links may be followed; `root` is None for what is no HTML."""  # noqa: E501
    said: set[str] = set()
    agent = USER_AGENT.casefold()
    for meta in root.iter("meta") if root is not None else ():
        if (meta.get("name") or "").strip().casefold() in ("robots", agent):
            said.update(part.strip().casefold() for part in (meta.get("content") or "").split(","))
    heard = ""
    for part in headers.get("x-robots-tag", "").split(","):
        name, colon, value = part.partition(":")
        if colon and name.strip().casefold() not in _DIRECTIVES:
            heard, part = name.strip().casefold(), value
        if heard in ("", agent, "robots", "*"):
            said.add(part.strip().casefold())
    return not said & {"noindex", "none"}, not said & {"nofollow", "none"}


def base_of(root: Any, url: str) -> str:
    for base in root.iter("base"):
        if href := (base.get("href") or "").strip():
            return normalise(href, url) or url
    return url


def canonical_of(root: Any, headers: Mapping[str, str], *, url: str, base: str) -> str:
    """
    The address that the page and its header agree to be its own; blank for none, for the page itself, and
    for what cannot be meant: another site, the front page, two that differ.
    """
    named = []
    for target, parameters in _HEADER_LINK.findall(headers.get("link", "")):
        if re.search(r"rel\s*=\s*\"?canonical\b", parameters, re.IGNORECASE):
            named.append(normalise(target, url))
    for link in root.iter("link"):
        if "canonical" in (link.get("rel") or "").lower().split() and (link.get("href") or "").strip():
            named.append(normalise(link.get("href"), base))
    found = {key_of(address): address for address in named if address}
    if len(found) != 1:
        return ""
    key, address = found.popitem()
    at_front = urlsplit(address).path == "/" and not urlsplit(address).query
    if key == key_of(url) or not same_site(address, url) or at_front:
        return ""
    return address


def links_of(root: Any, resolve: Callable[[str], str], *, url: str) -> tuple[str, ...]:
    """Where the page leads: each address once. Frames' pages are pages; what is embedded is not."""
    found: dict[str, None] = {}
    for element in root.iter("a", "area", "link", "frame"):
        rel = (element.get("rel") or "").lower().split()
        href = element.get("src" if element.tag == "frame" else "href")
        if not href or "nofollow" in rel or (element.tag == "link" and not {"next", "prev"} & set(rel)):
            continue
        if href.startswith("#"):
            continue
        address = resolve(href)
        if address and address != url:
            found[address] = None
            if len(found) >= MAX_LINKS:
                break
    return tuple(found)


def forwarding_of(root: Any, resolve: Callable[[str], str], *, url: str, words: int, text: str) -> str:
    """Where the page sends its visitors on: a meta refresh, a script's, or a link under "has moved"."""
    for meta in root.iter("meta"):
        if (meta.get("http-equiv") or "").strip().lower() != "refresh" or _in_noscript(meta):
            continue
        match = _REFRESH.match(meta.get("content") or "")
        if match is None:
            continue
        target = resolve(match[2].strip().strip("'\"")) if match[2].strip() else ""
        if target and key_of(target) != key_of(url) and (int(match[1][:6]) <= 1 or words < 40):
            return target
    if words >= 25:
        return ""
    for script in root.iter("script"):
        if (match := _SCRIPTED.search((script.text or "")[:5_000])) and len(script.text or "") < 1_000:
            target = resolve(match[1])
            if target and key_of(target) != key_of(url):
                return target
    if _MOVED.search(text):
        targets = links_of(root, resolve, url=url)
        return targets[0] if len(targets) == 1 else ""
    return ""


def _in_noscript(element: Any) -> bool:
    """Meant for visitors without scripts only."""
    return any(above.tag == "noscript" for above in element.iterancestors())


_GONE_TITLE: Final = re.compile(
    r"\W*(?:oops\W+|sorry\W+|ошибка\W+|error\W+|fehler\W+|erreur\W+|http\W+)*(?:404\W*|410\W*)?(?:error\W*|ошибка\W*|fehler\W*)?(?:the |this |diese |die |"  # noqa: E501
    r"эта )?(?:(?:requested )?(?:page|article|document|content|file|url|resource)(?: you (?:requested|are looking for))?(?: was| is| could| can(?:no|'|’)?t?| has)*(?: not| been| be|n'?t)* "  # noqa: E501
    r"(?:found|exist|exists|available|removed|deleted)|page (?:does not|doesn'?t) exist|(?:not found|nothing (?:was )?found|nothing here)|"  # noqa: E501
    r"(?:страница|статья|документ|материал|запрашиваемая страница) (?:не (?:найден[ао]?|существует|доступн[ао])|удален[ао]?|удалён)|(?:страницы|такой страницы) (?:не существует|нет)|"  # noqa: E501
    r"ничего не найдено|не найдено|сторінку не знайдено|сторінка не (?:знайдена|існує)|"
    r"(?:angeforderte )?(?:seite|artikel|dokument|inhalt) (?:wurde |konnte |existiert |ist )?(?:leider )?(?:nicht|gelöscht)(?: gefunden| verfügbar| mehr)*(?: werden| vorhanden)?|nicht gefunden|"  # noqa: E501
    r"(?:page|article) (?:introuvable|non trouvée?)|página no encontrada|no se encontró la página|pagina non trovata|página não encontrada|"  # noqa: E501
    r"nie znaleziono strony|strona nie (?:została znaleziona|istnieje)|không tìm thấy trang|pagina niet gevonden)?\W*(?:\W404|404)?\W*(?:\(?(?:error )?(?:404|410)\)?)?\W*",  # noqa: E501
    re.IGNORECASE,
)
_GONE_TEXT: Final = re.compile(
    r"(?:page|article|document|content|url|resource)(?: that| which)?(?: you(?: are|'re|’re| were| have)?(?: looking for| requested| tried to \w+| followed)?)?"  # noqa: E501
    r"(?: was| is| has| could| can| might have| may have| does| doesn'?t| cannot| can'?t| couldn'?t)* ?(?:not |been |be |no longer |n't )*"  # noqa: E501
    r"(?:found|exist|exists|available|moved or (?:deleted|removed)|removed|deleted)|nothing (?:was found|to see) (?:at|here)|"  # noqa: E501
    r"we (?:can(?:'|’|no)t|could(?: not|n'?t)) find (?:the|that|this|what)|(?:страниц\w+|стать\w+|документ\w*|материал\w*)[^.!?]{0,60} "  # noqa: E501
    r"(?:не найден\w*|не существует|удален\w*|удалён\w*|перемещен\w*)|(?:seite|artikel|inhalt)[^.!?]{0,60} (?:nicht gefunden|existiert nicht|nicht verfügbar|nicht mehr|"  # noqa: E501
    r"gelöscht)|(?:page|article)[^.!?]{0,50} (?:introuvable|n'existe (?:pas|plus))|página[^.!?]{0,50} no (?:existe|encontrada|se encuentra)|"  # noqa: E501
    r"сторінк\w+[^.!?]{0,60} (?:не знайден\w*|не існує)|strona[^.!?]{0,50} nie (?:istnieje|została)",
    re.IGNORECASE,
)


def says_not_found(*, title: str, heading: str, text: str, words: int) -> bool:
    """
    Whether a page with status 200 says that there is nothing here.

    A heading that says nothing else, and no long text; or a short text that says so. An article about errors
    says more in its heading ("How to fix a 404 page"), and goes on for longer.
    """
    for line in (heading, title):
        line = line.strip()
        if len(line) < 120 and re.search(r"\w", line) and _GONE_TITLE.fullmatch(line) and words < 150:
            return True
    # A page that is not there has no name of its own: "Oops!", or the site's.
    named = len((heading or title).split()) >= 4 or heading.rstrip().endswith("?")
    return words < 60 and not named and bool(_GONE_TEXT.search(text[:600]))


_LOGIN_TITLE: Final = re.compile(
    r"(?:please |customer |client |user |member |admin |secure )*(?:log ?[- ]?in|sign ?[- ]?in|login|authentication required|access denied|members only|"  # noqa: E501
    r"вход|войти|авторизация|вход в (?:личный кабинет|систему|аккаунт)|личный кабинет|anmelden|anmeldung|einloggen|connexion|se connecter|"  # noqa: E501
    r"iniciar sesión|acceso clientes|logowanie|zaloguj się|вхід|увійти)(?: (?:to|into|in|required|page|form|area|portal|with|or)\b.{0,60})?\W*",  # noqa: E501
    re.IGNORECASE,
)


def asks_to_log_in(root: Any, *, title: str, heading: str, words: int) -> bool:
    """A password is asked for, and there is little else; or the heading says so and there is nothing else."""
    named = any(_LOGIN_TITLE.fullmatch(line.strip()) for line in (heading, title) if line.strip())
    password = any((field.get("type") or "").strip().lower() == "password" for field in root.iter("input"))
    if password:
        return words < 60 or (named and words < 200)
    return named and words < 12
