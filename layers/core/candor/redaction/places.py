"""Places: postal addresses: a street with a house number, and what hangs on to it: flat, postcode, town."""

import re
from typing import Final

from candor.redaction.patterns import Pattern, named

ADDRESS: Final = "[address]"

_NAME: Final = r"[A-ZÀ-ÖØ-ÞĀ-ŽА-ЯЁІЇЄҐ][\w'’.-]{0,30}"
_TOWN: Final = rf"{_NAME}(?:[ -]{_NAME}){{0,2}}"
_FLAT: Final = (
    r"(?:,?[ ](?i:apt|apartment|suite|ste|unit|flat|floor|room|#|кв|квартира|оф|офис|офіс|к|корп|корпус|"
    r"стр|строение|эт|под|piso|puerta|planta|wohnung|top|app?t|m)\.?"
    r"[ ]?[\dA-Za-zА-Яа-я]{1,5}\b[ºª°]?){0,3}"
)
_REST: Final = (
    rf"(?:,?[ \n]{{1,2}}(?:[A-Z]{{1,2}}-)?(?:\d{{2}}-\d{{3}}|\d{{4,6}})(?:-\d{{3,4}})?[ ]{_TOWN}"
    rf"|,[ \n](?:г\.|м\.|місто|город|с\.|обл\.)? ?{_TOWN}(?:,?[ ][A-Z]{{2}})?(?:,?[ ](?:\d{{4,6}}"
    rf"(?:-\d{{3,4}})?|[A-Z]{{1,2}}\d[A-Z\d]? ?\d[A-Z]{{2}}|[A-Z]\d[A-Z] ?\d[A-Z]\d))?"
    rf"|,[ \n]\d{{5,6}}\b|,?[ ][A-Z]{{1,2}}\d[A-Z\d]? ?\d[A-Z]{{2}}\b){{0,2}}"
)
_NUMBER: Final = r"\d{1,4}(?:[-/]\d{1,4})?[ ]?(?:[A-Za-zА-Яа-яґєії](?!\w))?"
_BEFORE: Final = r"(?:\d{5,6},?[ ](?:г\.|м\.)?[ ]?" + _TOWN + r",[ ])?"
_HOUSE: Final = r",?[ ](?:(?:д|дом|буд|будинок|nr|no|n[.º°]{1,2}|nº|č\.p)\.?[ ]?)?"

_PLACES: Final = tuple(
    (hints.split(), Pattern(pattern + _FLAT + _REST))
    for hints, pattern in (
        # 12 Baker Street, 221B Old Mill Rd.
        (
            "street st ave avenue road rd lane ln drive dr boulevard blvd court ct way place pl "
            "square sq terrace close crescent parkway pkwy highway hwy circle trail row gardens grove "
            "hill",
            rf"(?<![\w.,#:/-])\d{{1,5}}(?:-\d{{1,5}})?[A-Za-z]?[ ](?:(?:N|S|E|W|NE|NW|SE|SW|North|South|"
            rf"East|West)\.?[ ])?(?:(?:{_NAME}|\d{{1,3}}(?:st|nd|rd|th))[ ]){{1,4}}"
            r"(?:Street|St|Avenue|Ave|Road|Rd|Lane|Ln|Drive|Dr|Boulevard|Blvd|Court|Ct|Way|Place|Pl|"
            r"Square|Sq|Terrace|Close|Crescent|Parkway|Pkwy|Highway|Hwy|Circle|Trail|Row|Gardens|Grove|"
            r"Hill)\b\.?",
        ),
        # Lindenstraße 12a, Am Alten Markt 3
        (
            "str weg platz allee gasse ring damm ufer laan gracht plein gatan vägen veien",
            rf"\b(?:{_NAME}[ -]){{0,2}}[A-ZÄÖÜ][\wäöüß.-]{{1,30}}(?:straße|strasse|str\.|weg|platz|"
            rf"allee|gasse|ring|damm|ufer|straat|laan|gracht|plein|gatan|vägen|veien)[ ]{_NUMBER}",
        ),
        (
            "str weg platz allee ring damm ufer",
            rf"\b(?:{_NAME}[ ])(?:Straße|Strasse|Str\.|Weg|Platz|Allee|Ring|Damm|Ufer)[ ]{_NUMBER}",
        ),
        (
            "am an auf im in zum zur unter",
            rf"\b(?:Am|An der|Auf dem|Im|In der|Zum|Zur|Unter den)[ ]{_NAME}(?:[ ]{_NAME})?[ ]{_NUMBER}"
            rf"(?=,[ ]\d{{4,5}}[ ]{_NAME})",
        ),
        # ул. Ленина, д. 5; вул. Хрещатик, 22; проспект Мира 10
        (
            "ул пр пер б-р бул шоссе наб пл вул бульв пров",
            rf"{_BEFORE}(?<!\w)(?i:ул\.|улица|улице|пр-т|пр\.|просп\.|проспект|проспекте|пер\.|переулок|"
            rf"б-р|бул\.|бульвар|шоссе|наб\.|набережная|пл\.|площадь|вул\.|вулиця|вулиці|бульв\.|"
            rf"провулок|пров\.|площа)[ ]?"
            rf"(?:{_NAME}|\d{{1,2}}-[а-яії]{{1,3}})"
            rf"(?:[ ][А-Яа-яЁёІіЇїЄє’'-]{{2,30}}){{0,3}}{_HOUSE}{_NUMBER}",
        ),
        (
            "проспект пр-т улица вулиця бульвар переулок шоссе набережная",
            rf"{_BEFORE}(?<!\w){_NAME}[ ](?i:проспект|пр-т|улица|вулиця|бульвар|переулок|шоссе|"
            rf"набережная){_HOUSE}{_NUMBER}",
        ),
        # Calle Mayor 5, Rua das Flores, 123, Via Roma 12, ul. Długa 5
        (
            "calle c/ av paseo plaza carrer rua travessa praça via piazza corso ul. al. os. calea strada bd.",
            rf"(?<!\w)(?:Calle|C/|Avenida|Avda\.?|Av\.|Paseo|Plaza|Carrer|Rua|Travessa|Praça|Via|Viale|"
            rf"Piazza|Corso|ul\.|al\.|os\.|Calea|Strada|Bd\.)[ ]?(?:(?:de|del|la|las|los|da|das|do|dos|"
            rf"di|della|dei)[ ]){{0,3}}{_NAME}"
            rf"(?:[ ](?:(?:de|del|la|las|da|das|do|di|y|e)[ ]){{0,2}}{_NAME}){{0,3}}{_HOUSE}{_NUMBER}",
        ),
        # 14 rue de la Paix
        (
            "rue av boulevard bd place chemin allée quai impasse route cours",
            rf"(?<![\w.])\d{{1,4}}(?:[ ](?:bis|ter))?,?[ ](?i:rue|avenue|av\.|boulevard|bd|place|chemin|"
            rf"allée|quai|impasse|route|cours)[ ](?:(?:de|du|des|la|le|"
            rf"les)[ ]){{0,3}}(?:[dl]['’])?{_NAME}(?:[ -](?:de |du |la )?{_NAME}){{0,3}}",
        ),
        (
            "box postfach а/я apartado",
            r"(?i:\bP\. ?O\. ?Box|\bPostfach|\bа/я|\bApartado(?: de correos)?)[ ]\d{2,6}",
        ),
    )
)


def mask_places(text: str, small: str) -> str:
    """The text with postal addresses masked; `small` is the same in small letters."""
    for hints, place in _PLACES:
        if named(small, hints):
            text = place.sub(_place, text)
    return text


def _place(match: re.Match[str]) -> str:
    end = match[0].rstrip(" ,\n")
    return ADDRESS + match[0][len(end) :]
