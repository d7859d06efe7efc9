"""Document types: what kind of page it is, by its address and its headings."""

import re
from collections.abc import Sequence
from typing import Final
from urllib.parse import unquote, urlsplit

_BY_SEGMENT: Final = {
    "pricing": "pricing prices price plans tariffs tarife preise preisliste tarify ceny tseny stoimost тарифы цены "  # noqa: E501
    "preise precios tarifs cennik hosting-plans vps-plans",
    "tos": "terms tos terms-of-service terms-of-use terms-and-conditions termsofservice user-agreement eula agb "  # noqa: E501
    "nutzungsbedingungen geschaeftsbedingungen oferta offer-agreement usloviya условия оферта cgv conditions-generales "  # noqa: E501
    "terminos regulamin legal-terms service-agreement",
    "policy": "policy policies privacy privacy-policy refund refunds refund-policy cookie-policy cookies aup "
    "acceptable-use acceptable-use-policy sla dpa gdpr datenschutz datenschutzerklaerung widerruf widerrufsrecht "  # noqa: E501
    "politika politika-konfidencialnosti vozvrat privatsphaere impressum abuse-policy legal confidentialite privacidad "  # noqa: E501
    "polityka-prywatnosci money-back fair-use конфиденциальность политика возврат",
    "faq": "faq faqs frequently-asked-questions haeufige-fragen chasto-zadavaemye-voprosy voprosy questions q-and-a "  # noqa: E501
    "preguntas-frecuentes foire-aux-questions вопросы",
    "howto": "howto how-to howtos how-tos guide guides tutorial tutorials anleitung anleitungen instrukcii instruktsii "  # noqa: E501
    "instrukcija instructions getting-started quickstart setup walkthrough инструкции",
}
_TYPE_OF: Final = {word: kind for kind, words in _BY_SEGMENT.items() for word in words.split()}
_HELP: Final = frozenset(
    "kb docs doc help support knowledgebase knowledge-base knowledge article articles wiki manual hc learn "  # noqa: SIM905
    "documentation hilfe wissensdatenbank baza-znaniy pomoshch help-center helpcenter помощь справка".split()
)
_TITLES: Final = (
    ("tos", r"terms (?:of|and|&)|(?:user|service|subscriber) agreement|allgemeine geschäftsbedingungen|\bagb\b|"  # noqa: E501
    r"nutzungsbedingungen|пользовательское соглашение|публичная оферта|договор[- ]оферт|условия (?:использования|"  # noqa: E501
    r"предоставления|обслуживания)|правила (?:оказания|предоставления)"),
    ("policy", r"\bpolicy\b|privacy|\bsla\b|service level agreement|datenschutz|widerruf|политика|конфиденциальност|"  # noqa: E501
    r"возврат\w* (?:средств|денег)|money[- ]back|acceptable use|\brichtlinie"),
    ("faq", r"\bfaqs?\b|frequently asked|häufig(?:e|e gestellte)? fragen|часто задаваемые|частые вопросы|"
    r"вопросы и ответы|questions and answers"),
    ("pricing", r"\bpricing\b|\bprices\b|price list|\bplans (?:and|&)|preise\b|\btarife\b|preisliste|тариф|\bцены\b|"  # noqa: E501
    r"прайс|стоимость услуг"),
)  # fmt: skip
_TITLE: Final = tuple((kind, re.compile(pattern, re.IGNORECASE)) for kind, pattern in _TITLES)
_HOWTO: Final = re.compile(
    r"(?:how (?:to|do|can)\b|setting up|set(?:ting)? up|install(?:ing)?\b|configur(?:e|ing)|creat(?:e|ing)\b|connect(?:ing)?\b|"  # noqa: E501
    r"enabl(?:e|ing)\b|reset(?:ting)?\b|chang(?:e|ing)\b|add(?:ing)?\b|transfer(?:ring)?\b|migrat(?:e|ing)\b|step \d|"  # noqa: E501
    r"wie (?:sie|man|kann|richte|ändere|erstelle|installiere|verbinde|lege)|so (?:richten|ändern|erstellen|installieren)|"  # noqa: E501
    r"как\b|настройка|установка|подключение|создание|смена|перенос|инструкция|шаг \d|"
    r"cómo|comment\b|jak\b|.{3,60} (?:einrichten|installieren|erstellen|ändern|verbinden|zurücksetzen|löschen)$)",  # noqa: E501
    re.IGNORECASE,
)
_STEP = re.compile(r"(?:step|schritt|шаг|крок|paso|étape|krok)\s*\d", re.IGNORECASE)


def doc_type_of(url: str, title: str, headings: Sequence[str] = ()) -> str:
    """
    One of `DOC_TYPES`. The address decides where it names a type, else the title, else the headings.

    Help articles are `howto` when they tell how, `faq` when their headings are questions.
    """
    segments = [unquote(part).lower() for part in urlsplit(url).path.split("/") if part]
    words = [re.sub(r"\.\w{2,5}$", "", segment) for segment in segments]
    helping = any(word in _HELP for word in words)
    named = [_TYPE_OF[word] for word in words if word in _TYPE_OF]
    # The last folder that names a type is the nearest: /support/faq, /legal/privacy, /docs/guides.
    if named and not (helping and named[-1] == "howto"):
        return named[-1]
    for kind, pattern in _TITLE:
        if pattern.search(title) and not (helping and _HOWTO.match(title)):
            return kind
    return _of_help(title, headings, helping=helping or bool(named))


def _of_help(title: str, headings: Sequence[str], *, helping: bool) -> str:
    questions = sum(heading.rstrip().endswith(("?", "？")) for heading in headings)
    if _HOWTO.match(title) and questions < 3:
        return "howto"
    if questions >= 2 and questions * 2 >= len(headings):
        return "faq"
    if title.rstrip().endswith("?"):
        return "howto" if _HOWTO.match(title) else "faq"
    if sum(bool(_STEP.match(heading)) for heading in headings) >= 2:
        return "howto"
    telling = sum(bool(_HOWTO.match(heading)) for heading in headings)
    if helping:
        return "howto" if telling or not questions else "faq"
    return "howto" if telling >= 2 and telling * 2 >= len(headings) else "other"
