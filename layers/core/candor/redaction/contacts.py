"""Contacts: what leads to a person: e-mail addresses, telephones, bank accounts, IP addresses."""

import ipaddress
import re
from collections.abc import Callable, Iterable
from typing import Final

from candor.redaction.patterns import Pattern, named
from candor.redaction.places import mask_places

EMAIL: Final = "[e-mail]"
PHONE: Final = "[phone]"
ACCOUNT: Final = "[bank account]"
IP: Final = "[IP address]"

_EMAIL: Final = Pattern(r"(?<![\w.+@-])[\w.+'-]{1,64}@(?:[\w-]{1,63}\.){1,6}[^\W\d_]{2,24}(?![\w@])")
_SPELT: Final = Pattern(
    r"(?<![\w.+-])[\w.+-]{2,64}\s?"
    r"(?:(?:[\[({<]\s?(?:at|собака|sobaka|ät|arroba)\s?[\])}>]|@)\s?[\w-]{1,63}(?:\s?[\[({<]\s?(?:dot|"
    r"punkt|точка|крапка|punto)\s?[\])}>]\s?[\w-]{2,24}|\.[a-z]{2,24}){1,4}"
    r"|\s(?:at|собака|sobaka|ät|arroba)\s(?!the\b|a\b)[\w-]{2,63}(?:\s(?:dot|punkt|точка|крапка|"
    r"punto)\s[\w-]{2,24}){1,3}"
    r"|\s(?:at|собака)\s(?:gmail|yahoo|outlook|hotmail|icloud|proton|protonmail|yandex|mail|ukr|gmx|"
    r"web)\.(?:com|ru|net|de|me|ua|org))(?!\w)",
    re.I,
)
_AT: Final = (" at ", "at)", "at]", "at}", "at>", "собака", "sobaka", "ät", "arroba", "@ ", " @")
_DOT: Final = (
    "dot",
    "punkt",
    "точка",
    "крапка",
    "punto",
    "at)",
    "at]",
    "at}",
    "at>",
    "mail",
    "yahoo",
    "outlook",
    "proton",
    "yandex",
    "ukr",
    "gmx",
    "web",
    "icloud",
    "@ ",
    " @",
)
_DIGIT: Final = Pattern(r"\d")
_EXAMPLE: Final = Pattern(
    r"(?:^(?:user|username|name|you|your|yourname|your[._-]?e?mail|email|someone|somebody|me|foo|test|"
    r"admin|info|john\.?doe|jane\.?doe|max\.mustermann|ivanov)"
    r"@(?:(?:your|my|the|new|old)?[-_]?(?:domain|company|site|website|host|firm|store|server|provider)|"
    r"firma|musterfirma|dominio|domaine|mail|email)\.[a-z]{2,4}$)"
    r"|@(?:[\w-]{1,63}\.){0,4}(?:example(?:\.[a-z]{2,3}){0,2}|test|invalid|localhost|local|"
    r"localdomain)$|^git@|^(?:no-?reply|mailer-daemon|postmaster)@",
    re.I,
)
_FILE: Final = frozenset({"png", "jpg", "jpeg", "gif", "svg", "webp", "css", "js", "php", "html"})
"""`logo@2x.png` is an image."""

_SEPARATED: Final = r"[ \u00a0\u2009\u202f.\-\u2010-\u2013]"
_INTERNATIONAL: Final = Pattern(
    rf"(?<![\w+.=])(?:\+|00(?=[1-9]\d{{0,2}}{_SEPARATED}?\(?\d))\d"
    rf"(?:{_SEPARATED}{{0,2}}[(/]?{_SEPARATED}?\(?\d\)?){{7,14}}(?![\w%]|[.,]\d)"
)
_NATIONAL: Final = Pattern(
    rf"(?<![\w+./#№=-])(?<!\d[ \u00a0.:-])(?:"
    rf"\(0?\d{{2,5}}\){_SEPARATED}?\d{{2,4}}(?:{_SEPARATED}?\d{{2,4}}){{1,3}}"
    rf"|[78]{_SEPARATED}?\(\d{{3,5}}\){_SEPARATED}?\d{{1,3}}{_SEPARATED}?\d\d{_SEPARATED}?\d\d"
    rf"|[78]{_SEPARATED}\d{{3}}{_SEPARATED}\d{{3}}{_SEPARATED}\d\d{_SEPARATED}?\d\d"
    rf"|1?{_SEPARATED}?[2-9]\d{{2}}{_SEPARATED}[2-9]\d{{2}}{_SEPARATED}\d{{4}}"
    rf"|0[1-9]\d{{0,4}}[ /-]{{1,2}}\d{{2,9}}(?:[ \u00a0/-]{{1,2}}\d{{2,4}}){{0,4}}"
    rf"|0[1-9](?:[ .]\d\d){{4}}"
    rf"|0[1-9]\d{{8,9}}|8[349]\d{{9}}"
    rf"|[679]\d{{2}}[ ]\d{{2,3}}[ ]\d{{2,3}}[ ]?\d{{2,3}}"
    rf")(?![\w%]|[.,:/-]\d)"
)
_LOOSE: Final = Pattern(r"(?<![\w+.])\(?\d(?:[ \u00a0()./\-\u2010-\u2013]{0,3}\d){5,14}(?![\w%]|[.,:]\d)")
_CALLED_WORDS: Final = (
    r"(?:phone|\btel|\bcell|mobile|\bmob\b|\bcall(?: me| us)?(?: back)?(?: at| on)?\b|whats ?app|viber|"
    r"telegram|signal|\bfax\b|\bsms\b|\btext me|reach (?:me|us) (?:at|on)|"
    r"телефон|\bтел\b|\bмоб|звони|позвон|перезвон|вотсап|вайбер|номер для связи|подзвон|зателефон|дзвон|"
    r"telefon|handy|rückruf|anrufen|erreichbar|"
    r"tel[eé]fono|móvil|ll[aá]m[ae]|celular|t[eé]l[eé]phone|portable|appel|num[eé]ro|telefone|telemóvel|"
    r"komórk|cellulare)"
)
_CALLED_HINTS: Final = (
    "phone", "tel", "tél", "cell", "mob", "call", "whats", "viber", "signal", "fax", "sms", "text me",
    "reach", "тел", "моб", "звон", "вотсап", "вайбер", "номер", "дзвон", "handy", "rückruf", "anruf",
    "erreich", "móvil", "llam", "llám", "celular", "portable", "appel", "num", "komórk",
)  # fmt: skip
_CALLED: Final = Pattern(_CALLED_WORDS + r"[^\d\n]{0,28}$", re.I)
_COUNTED: Final = Pattern(
    r"(?:invoice|order|ticket|case|refs?\b|reference|transaction|txn|receipt|\bid\b|\bids\b|uuid|serial|"
    r"\bsku\b|\basn\b|error|\bcode|port|version|account no|customer no|client no|contract|"
    r"tracking|article|bug|issue|commit|build|part|imei|\bvat\b|\btax\b|\binn\b|\bean\b|isbn|\bpo\b|"
    r"batch|size|bytes|limit|between|range|from|quote|domain|"
    r"заказ|сч[её]т|тикет|заявк|обращени|номер заявки|инн\b|огрн|кпп|едрпоу|єдрпоу|договор|договір|"
    r"рахун|замовлен|артикул|код|платеж|платіж|транзакц|накладн|"
    r"rechnung|bestell|auftrag|vorgang|kunden|vertrag|artikel|steuer|ust|hrb|factura|pedido|"
    r"n[uú]mero de|cliente|commande|facture|zam[oó]wieni|faktur|\bnip\b|№|#|\bn[°º])"
    r"[^\d\n]{0,16}$",
    re.I,
)
_V4: Final = Pattern(r"(?<![\w.-])(?<![A-Za-z]/)(?:\d{1,3}\.){3}\d{1,3}(?![\w-]|\.\w)")
_V6: Final = Pattern(
    r"(?<![\w:.])(?=[0-9a-f:]{0,38}\d)[0-9a-f]{0,4}:[0-9a-f]{0,4}:[0-9a-f:]{1,36}(?:\d{1,3}"
    r"(?:\.\d{1,3}){3})?(?![\w:])",
    re.I,
)
_VERSIONED: Final = Pattern(
    r"(?:\bv|\bver\.?|versions?|versión|versiones|версия|версія|версії|версію|версии|release|firmware|"
    r"build|(?:upgrad|updat)(?:e|ed|es|ing)(?: to| from)?|release notes(?: of| for)?|patch|driver|"
    r"kernel|plugin|module|cpanel|\bwhm|plesk|whmcs|softaculous|"
    r"directadmin|ispmanager|virtualizor|wordpress|php|mysql|mariadb|nginx|apache|litespeed|openssl|"
    r"chrome|firefox|edge|safari|agent|client|app|exim|dovecot|imunify360|cloudlinux|oid|section|chapter|§)"
    r"(?: [a-z]{2,12}| \d{1,3}(?:\.\d{1,3}){3},? (?:and|or|to|и|und|y|et))?[ \t:=/(]{0,3}v?$",
    re.I,
)
_PUBLIC: Final = (
    "8.8.8.8 8.8.4.4 1.1.1.1 1.0.0.1 9.9.9.9 149.112.112.112 208.67.222.222 208.67.220.220 77.88.8.8 "
    "77.88.8.1 1.2.3.4 2001:4860:4860::8888 2001:4860:4860::8844 2606:4700:4700::1111 "
    "2606:4700:4700::1001 2620:fe::fe"
)
_RESOLVERS: Final = frozenset(_PUBLIC.split())
"""Public name servers, which many a guide names; and the address that stands for any."""

_IBAN: Final = Pattern(r"(?<![A-Za-z0-9])[A-Z]{2}\d{2}(?:[ \u00a0-]?[A-Z0-9]){11,32}", re.I)
_COUNTRIES: Final = (
    "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DK18 DO28 EE20 EG29 "
    "ES24 FI18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 "
    "LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MR27 MT31 MU30 NL18 NO15 PK24 PL28 PS29 PT25 "
    "QA29 RO24 RS22 SA24 SC31 SE24 SI19 SK24 SM27 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20"
)
_IBAN_LENGTHS: Final = {name[:2]: int(name[2:]) for name in _COUNTRIES.split()}


def mask_contacts(text: str, *, keep: Iterable[str] = ()) -> str:
    """The text with people's addresses of every kind masked, but for those in `keep`."""
    kept = frozenset(map(_plain, keep))
    small = text.lower()
    if "@" in text:
        text = _EMAIL.sub(lambda match: _email(match, kept), text)
    if named(small, _AT) and named(small, _DOT):
        text = _SPELT.sub(lambda match: match[0] if _example(_spelt(match[0]), kept) else EMAIL, text)
    if _DIGIT.search(text) is None:
        return text
    text = _V4.sub(_v4, _IBAN.sub(_iban, text))
    if ":" in text:
        text = _V6.sub(_v6, text)
    text = mask_places(text, small)
    for pattern, certain in ((_INTERNATIONAL, True), (_NATIONAL, False)):
        text = pattern.sub(_phone(kept, certain=certain), text)
    if named(small, _CALLED_HINTS):
        text = _LOOSE.sub(lambda match: PHONE if _called(match, kept) else match[0], text)
    return text


def _plain(value: str) -> str:
    """For comparing: a telephone by its digits, an address by its small letters."""
    value = value.strip().casefold()
    return value if "@" in value else re.sub(r"\D", "", value)


def _email(match: re.Match[str], kept: frozenset[str]) -> str:
    address = match[0]
    if _example(address, kept) or address.rpartition(".")[2].casefold() in _FILE:
        return address
    return EMAIL


def _example(address: str, kept: frozenset[str]) -> bool:
    small = address.casefold()
    return small in kept or f"@{small.rpartition('@')[2]}" in kept or bool(_EXAMPLE.search(small))


def _spelt(text: str) -> str:
    text = re.sub(
        r"\s?[\[({<]?\s?\b(?:at|собака|sobaka|ät|arroba)\b\s?[\])}>]?\s?", "@", text, count=1, flags=re.I
    )
    text = re.sub(r"\s?[\[({<]?\s?\b(?:dot|punkt|точка|крапка|punto)\b\s?[\])}>]?\s?", ".", text, flags=re.I)
    return "".join(text.split())


def _phone(kept: frozenset[str], *, certain: bool) -> Callable[[re.Match[str]], str]:
    def masked(match: re.Match[str]) -> str:
        digits = re.sub(r"\D", "", match[0])
        before = match.string[max(0, match.start() - 44) : match.start()]
        if _plain(match[0]) in kept or not 7 <= len(digits) <= 15 or len(set(digits)) < 3:
            return match[0]
        if not certain and (len(digits) < 8 or (_COUNTED.search(before) and not _CALLED.search(before))):
            return match[0]
        return PHONE

    return masked


def _called(match: re.Match[str], kept: frozenset[str]) -> bool:
    """Whether a number is named as a telephone right before it."""
    digits = re.sub(r"\D", "", match[0])
    before = match.string[max(0, match.start() - 60) : match.start()]
    return (
        6 <= len(digits) <= 15
        and digits not in kept
        and bool(_CALLED.search(before))
        and not _COUNTED.search(before)
        and not re.match(r"\d{4}-\d\d-\d\d|\d{1,2}[./]\d{1,2}[./]\d{2,4}", match[0])
    )


def _v4(match: re.Match[str]) -> str:
    try:
        address = ipaddress.IPv4Address(match[0])
    except ValueError:
        return match[0]
    before = match.string[max(0, match.start() - 40) : match.start()]
    parts = list(map(int, match[0].split(".")))
    if not address.is_global or match[0] in _RESOLVERS or _VERSIONED.search(before) or max(parts) < 20:
        return match[0]
    return IP


def _v6(match: re.Match[str]) -> str:
    # A sentence may end in a colon or in none.
    try:
        address = ipaddress.IPv6Address(match[0])
    except ValueError:
        return match[0]
    return IP if address.is_global and str(address) not in _RESOLVERS else match[0]


def _iban(match: re.Match[str]) -> str:
    length = _IBAN_LENGTHS.get(match[0][:2].upper())
    if length is None:
        return match[0]
    ends = [end for end, character in enumerate(match[0], 1) if character.isalnum()]
    if len(ends) < length:
        return match[0]
    end = ends[length - 1]
    if match[0][end : end + 1].isalnum():
        return match[0]
    account = "".join(filter(str.isalnum, match[0][:end])).upper()
    if int("".join(str(int(one, 36)) for one in account[4:] + account[:4])) % 97 != 1:
        return match[0]
    return ACCOUNT + match[0][end:]
