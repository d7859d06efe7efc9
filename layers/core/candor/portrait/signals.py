"""Signals: what the pages of a site say beside their text: its name, colours, how it addresses people."""

import colorsys
import html as entities
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, Final
from urllib.parse import urlsplit

from candor.portrait.values import Domain, Site, Tone

_HEAD: Final = 300_000
_META = re.compile(r"<meta\b[^<>]{0,3000}>", re.IGNORECASE)
_TITLE = re.compile(r"<title\b[^<>]{0,300}>([^<]{1,500})", re.IGNORECASE)
_DATA = re.compile(r"<script\b[^<>]{0,300}application/ld\+json[^<>]{0,300}>", re.IGNORECASE)
_LONGEST_DATA: Final = 30_000
_NAMED = re.compile(
    r"\b(?:property|name|itemprop)\s*=\s*(?:\"([^\"]{1,100})\"|'([^']{1,100})'|([^\s\"'>]{1,100}))",
    re.IGNORECASE,
)
_CONTENT = re.compile(
    r"\bcontent\s*=\s*(?:\"([^\"]{0,2000})\"|'([^']{0,2000})'|([^\s\"'>]{1,500}))", re.IGNORECASE
)
_SEPARATED = re.compile(r"\s+[|–—·•»«:-]\s+|\s*[|»]\s*|:\s+")
_LEGAL_FORM = re.compile(
    r",?\s+(?:inc|llc|ltd|gmbh|ag|co|corp|s\.?a|s\.?l|ооо|тов|зао|оао)\.?$", re.IGNORECASE
)
_ORGANISATIONS: Final = frozenset(
    "organization corporation localbusiness onlinebusiness onlinestore store website legalservice attorney "  # noqa: SIM905
    "professionalservice softwareapplication brand ngo".split()
)

_COLOR = re.compile(
    r"#(?:[0-9a-f]{6}|[0-9a-f]{3})(?![0-9a-z_-])|rgba?\(\s*\d{1,3}\s*,\s*\d{1,3}\s*,\s*\d{1,3}", re.IGNORECASE
)
_PROPERTY = re.compile(r"--([a-z0-9_-]{1,60})\s*:\s*([^;{}<>]{1,80})", re.IGNORECASE)
_USES: Final = {
    "primary": ("primary", "brand", "main", "theme", "accent"),
    "secondary": ("secondary", "accent"),
    "background": ("background", "bg", "body-bg", "surface"),
    "text": ("text", "body-color", "foreground", "fg"),
}

_YOU: Final[Mapping[str, tuple[str, str]]] = {
    "de": (r"\b(?:Sie|Ihnen|Ihre[mnrs]?|Ihr)\b", r"\b(?:[Dd]u|[Dd]ich|[Dd]ir|[Dd]eine?[mnrs]?)\b"),
    "ru": (r"(?i)\b(?:вы|вас|вам|ваш\w{0,3})\b", r"(?i)\b(?:ты|тебя|тебе|тво[йяеёиюх]\w{0,2})\b"),
    "uk": (r"(?i)\b(?:ви|вас|вам|ваш\w{0,3})\b", r"(?i)\b(?:ти|тебе|тобі|тво[йяєї]\w{0,2})\b"),
    "es": (r"(?i)\b(?:usted(?:es)?)\b", r"(?i)\b(?:tú|tu|tus|te|ti|contigo)\b"),
}
_SHORT = re.compile(
    r"\b(?:you|we|it|that|here|there|don|can|won|isn|doesn|let)['’](?:re|ve|ll|s|t|d)\b", re.IGNORECASE
)
_STIFF = re.compile(
    r"\b(?:shall|hereby|herein|pursuant|hereinafter|kindly|therefore|furthermore|regarding|upon)\b",
    re.IGNORECASE,
)

_LAW = re.compile(
    r"\b(?:attorneys?|lawyers?|law firm|law office|legal (?:advice|services?|counsel)|litigation|"
    r"solicitors?|notary|"
    r"адвокат\w*|юрист\w*|юридическ\w*|нотариус\w*|юридичн\w*|rechtsanw[aä]lt\w*|kanzlei|"
    r"rechtsberatung|notar\w*|"
    r"abogad\w*|bufete|asesoría jurídica|notaría|luật sư|văn phòng luật|tư vấn pháp lý)\b",
    re.IGNORECASE,
)
_HELP = re.compile(
    r"\b(?:support|customers?|help cent(?:er|re)|tickets?|pricing|plans?|orders?|shipping|refunds?|"
    r"account|subscription|"
    r"поддержк\w*|клиент\w*|тариф\w*|заказ\w*|возврат\w*|підтримк\w*|клієнт\w*|замовлен\w*|kund\w*|"
    r"bestell\w*|"
    r"tarife?|preise?|widerruf\w*|soporte|clientes?|pedidos?|precios?|hỗ trợ|khách hàng|đơn hàng|bảng giá)\b",
    re.IGNORECASE,
)  # fmt: skip


def name_of(site: Site) -> str:
    """What the site calls itself; at worst its host."""
    head = site.home.html[:_HEAD]
    host = (urlsplit(site.home.url).hostname or "").removeprefix("www.")
    words = re.sub(r"[^\w]", "", host.rpartition(".")[0].rpartition(".")[2] or host).casefold()
    said = [meta(head, "og:site_name"), *_data_names(head), meta(head, "application-name")]
    for name in said:
        if kept := _name(name):
            return kept
    title = entities.unescape(found[1]) if (found := _TITLE.search(head)) else site.home.title
    parts = [part for part in map(_name, _SEPARATED.split(title)) if part]
    # The part of the title that is the domain's name too; else the shortest, which is rarely a slogan.
    like_host = [part for part in parts if words and words in re.sub(r"[^\w]", "", part).casefold()]
    for part in (
        *sorted(like_host, key=len),
        *sorted(parts, key=lambda part: (len(part.split()), len(part))),
    ):
        if len(part.split()) <= 4:
            return part
    return host[:60] or "Support"


def language_of(site: Site) -> str:
    """The one most of its pages are in."""
    told = Counter(page.language for page in site.pages if page.language)
    return told.most_common(1)[0][0] if told else "en"


def tone_of(site: Site, language: str) -> Tone:
    """Whether it addresses people formally or as friends, by the smallest words."""
    text = site.text[:100_000]
    if language in _YOU:
        formal, familiar = (len(re.findall(pattern, text)) for pattern in _YOU[language])
        if formal + familiar < 3:
            return "neutral"
        return "formal" if formal >= 2 * familiar else "friendly" if familiar >= formal else "neutral"
    if language != "en":
        return "neutral"
    own = "\n".join(page.text for page in site.pages if page.topic != "terms")[:100_000]
    words = max(len(own.split()), 1)
    short, stiff = len(_SHORT.findall(own)), len(_STIFF.findall(own))
    if short * 1_000 / words >= 4 and short > stiff:
        return "friendly"
    return "formal" if stiff * 1_000 / words >= 2 and stiff > short else "neutral"


def domain_of(site: Site) -> Domain:
    """Whose rules fit: a law firm's, a company's that has customers to support, or nobody's in particular."""
    own = "\n".join(f"{page.title}\n{page.text}" for page in site.pages if page.topic != "terms")[:100_000]
    law, help_ = len(_LAW.findall(own)), len(_HELP.findall(own))
    if law >= 4 and law * 2 > help_:
        return "legal"
    topics = {page.topic for page in site.pages}
    return "support" if help_ >= 3 or topics & {"pricing", "support", "help"} else "generic"


def colors_of(site: Site) -> dict[str, str]:
    """`#rrggbb` by use: what the style sheets name, what the page asks a browser for, what it uses most."""
    head = site.home.html[:_HEAD]
    css = f"{site.styles[:600_000]}\n{head}"
    properties = {name.casefold(): value.strip() for name, value in reversed(_PROPERTY.findall(css))}
    found: dict[str, str] = {}
    for use, names in _USES.items():
        for name in names:
            told = (
                properties.get(f"{before}{name}{after}")
                for before in ("", "color-", "colour-", "clr-", "bs-", "c-")
                for after in ("", "-color", "-colour", "-500", "-600", "-default")
            )
            color = next((shade for value in told if value and (shade := _hex(value, properties))), "")
            if color and color not in found.values():
                found[use] = color
                break
    theme = _hex(meta(head, "theme-color"), properties)
    if "primary" not in found and theme and _saturated(theme):
        found["primary"] = theme
    used = Counter(_hex(color, {}) for color in _COLOR.findall(css[:800_000]))
    vivid = [color for color, _ in used.most_common(60) if color and _saturated(color)]
    for use in ("primary", "secondary"):
        if use not in found and (left := [color for color in vivid if color not in found.values()]):
            found[use] = left[0]
    if "primary" not in found and theme:
        found["primary"] = theme
    return {use: found[use] for use in _USES if use in found}


def meta(head: str, name: str) -> str:
    """What a meta element of this name or property says."""
    for tag in _META.findall(head):
        named = _NAMED.search(tag)
        content = _CONTENT.search(tag)
        if named and content and next(filter(None, named.groups()), "").casefold() == name:
            return entities.unescape(next(filter(None, content.groups()), "")).strip()
    return ""


def _data_names(head: str) -> Iterator[str]:
    """Names of the organisation or site in the page's JSON-LD."""
    for opening in islice(_DATA.finditer(head), 10):
        closing = head.find("</script", opening.end(), opening.end() + _LONGEST_DATA)
        try:
            data = json.loads(head[opening.end() : max(closing, opening.end())])
        except (ValueError, RecursionError):
            continue
        stack: list[Any] = [data]
        for _ in range(300):
            if not stack:
                break
            part = stack.pop()
            if isinstance(part, list):
                stack.extend(part[:50])
            elif isinstance(part, dict):
                kinds = part.get("@type")
                kinds = kinds if isinstance(kinds, list) else [kinds]
                if any(str(kind).casefold() in _ORGANISATIONS for kind in kinds):
                    yield str(part.get("name") or "")
                stack.extend(part.get(name) for name in ("@graph", "publisher", "mainEntity"))


def _name(text: str) -> str:
    """A name as it may be shown; blank for what is none."""
    bare = " ".join(re.sub(r"[^\w\s&.,'’+!-]", " ", text).split()).strip(" .,-&'’")
    bare = _LEGAL_FORM.sub("", bare)
    generic = re.fullmatch(
        r"(?:home|homepage|home page|welcome|index|main|startseite|willkommen|главная|главная "
        r"страница|головна|inicio|"
        r"trang chủ|untitled|support|online shop|shop|store)",
        bare,
        re.IGNORECASE,
    )
    return bare if 2 <= len(bare) <= 60 and len(bare.split()) <= 6 and not generic else ""


def _hex(text: str, properties: Mapping[str, str]) -> str:
    """`#rrggbb`; blank for what is no colour. One step through `var(--…)` is taken."""
    text = text.strip()
    if through := re.match(r"var\(\s*--([\w-]{1,60})", text):
        text = properties.get(through[1].casefold(), "")
    if not (found := _COLOR.match(text)):
        return ""
    color = found[0].casefold()
    if color.startswith("#"):
        return color if len(color) == 7 else "#" + "".join(2 * digit for digit in color[1:])
    parts = [min(int(part), 255) for part in re.findall(r"\d{1,3}", color)[:3]]
    return "#{:02x}{:02x}{:02x}".format(*parts)


def _saturated(color: str) -> bool:
    red, green, blue = (int(color[at : at + 2], 16) / 255 for at in (1, 3, 5))
    _, lightness, saturation = colorsys.rgb_to_hls(red, green, blue)
    return saturation > 0.25 and 0.12 < lightness < 0.9
