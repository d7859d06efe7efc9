"""Holding: whether a text holds the kind of thing that is asked for."""

import re
from functools import cache

from candor.answering.asking import Kind

_PRICE = re.compile(
    r"[€$£₽₴₫]\s?\d|\d[\d.,\s]{0,12}\s?(?:[€$£₽₴₫%]|(?:eur|usd|gbp|rub|uah|vnd|euros?|dollars?|cents?|pounds?|руб\w*|евро|доллар\w*|"
    r"грн|грив\w*|євро|đồng)\b)|\b(?:free(?: of charge)?|no (?:extra |additional )?(?:charge|cost|fee)|at no cost|included|"
    r"бесплатн\w*|без\s?платн\w*|безкоштовн\w*|kostenlos\w*|kostenfrei\w*|gratis|keine (?:kosten|gebühr)|gratuit\w*|miễn phí)\b",
    re.I,
)
_NUMBER_WORD = (
    r"one|two|three|four|five|six|seven|eight|nine|ten|twelve|один|одна|два|две|три|четыре|пять|шесть|семь|десять|"
    r"дві|чотири|п'ять|ein\w*|zwei|drei|vier|fünf|sechs|sieben|zehn|uno|una|dos|tres|cuatro|cinco|một|hai|ba"
)
_UNIT = (
    r"seconds?|secs?|minutes?|mins?|hours?|hrs?|days?|weeks?|months?|years?|nights?|сек\w*|мин\w*|час\w*|дн\w*|день|сут\w*|"
    r"недел\w*|месяц\w*|год\w*|лет|хвил\w*|годин\w*|тижн\w*|місяц\w*|рок\w*|sekunden?|minuten?|stunden?|tag\w*|wochen?|"
    r"monat\w*|jahr\w*|werktag\w*|segundos?|minutos?|horas?|d[ií]as?|semanas?|mes(?:es)?|años?|giây|phút|giờ|ngày|tuần|tháng|năm"
)
_DURATION = re.compile(
    rf"(?:\d|\b(?:{_NUMBER_WORD}|an?|few|several|each|every|per|нескольк\w*|кажд\w*|jede\w*|cada)\b)[\s-]?(?:\w+[\s-]){{0,2}}(?:{_UNIT})\b"
    r"|\b\d{1,2}:\d{2}\b|\b\d{1,2}\s?(?:am|pm|uhr)\b|\b(?:daily|weekly|monthly|yearly|annually|hourly|immediately|instantly|at once|"
    r"right away|always|never|once|ежедневн\w*|еженедельн\w*|ежемесячн\w*|сразу|немедленно|всегда|щод\w*|щотижн\w*|щомісяч\w*|одразу|негайно|täglich|"
    r"wöchentlich|monatlich|jährlich|sofort|jederzeit|diariamente|inmediatamente|semanal\w*|mensual\w*|hàng ngày|ngay)\b"
    r"|\b(?:19|20)\d{2}-\d{2}-\d{2}\b|\b(?:before|after|until|as soon as|end of|from the|within|when|once|bis|nach|до|после|після)\b",
    re.I,
)
_AMOUNT = re.compile(
    rf"\d|\b(?:{_NUMBER_WORD}|unlimited|no limit|безлимит\w*|неогранич\w*|необмежен\w*|unbegrenzt|ilimitad\w*|không giới hạn)\b",
    re.I,
)
_PORT = re.compile(r"(?<![\d.,])\d{2,5}(?![\d.,]\d)")
_PLACE = re.compile(
    r"(?:^|[\s`\"'(])(?:~|\.)?/[\w.-]+|→|›|»|\s>\s|`[^`\n]{1,120}`|\*\*[^*\n]{1,80}\*\*|\b(?:under|in the|on the|at the|tab|menu|page|"
    r"section|panel|dashboard|settings|screen|folder|directory|data cent\w+|located|вкладк\w*|меню|разделе?|страниц\w*|панел\w*|"
    r"настройк\w*|розділ\w*|сторінц\w*|unter|im menü|in der|im|bereich|seite|kundenkonto|en el|en la|sección|pestaña|mục|trang)\b",
    re.I,
)
_STEPS = re.compile(
    r"(?:^|\n)\s*\d{1,2}[.)]\s|`|→|\b(?:click|open|go to|select|choose|enter|run|add|set|use|create|press|log ?in|sign in|install|"
    r"navigate|edit|enable|disable|turn|type|change|contact|send|write|download|upload|copy|paste|save|remove|delete|visit|"
    r"find|check|make sure|replace|move|start|stop|restart|allow|request|order|cancel|you can|"
    r"откройте|нажмите|выберите|перейдите|введите|добавьте|создайте|включите|укажите|напишите|"
    r"зайдите|скачайте|сохраните|используйте|удалите|вы можете|можно|відкрийте|натисніть|виберіть|оберіть|перейдіть|введіть|додайте|створіть|"
    r"öffnen|klicken|wählen|geben|gehen|legen|aktivieren|tragen|stellen|schreiben|können|abra|haga|seleccione|elija|vaya|introduzca|cree|"
    r"puede|mở|nhấp|chọn|nhập|tạo|vào)\w*",
    re.I,
)
_COMMAND = re.compile(r"`[^`\n]+`|```|(?:^|\n)\s*(?:\$|#|sudo|apt|curl|v-)\S*|\b[\w.-]+[-_/.][\w./-]+\b|/[\w./-]+|[A-Z][A-Z_]{3,}|-{1,2}[a-z][\w-]+", re.M)  # fmt: skip
_REASON = re.compile(
    r"\b(?:because|since|due to|reason|cause\w*|so that|as|therefore|if|when|unless|must|needs?|only|usually|means?|until|not|cannot|first|"
    r"потому|так как|из-за|причин\w*|если|когда|чтобы|тому що|через|якщо|weil|da|wegen|grund|wenn|nur|porque|debido|causa|si|vì|do|nếu)\b",
    re.I,
)


@cache
def _needed(kind: Kind) -> re.Pattern[str] | None:
    return {
        Kind.PRICE: _PRICE,
        Kind.DURATION: _DURATION,
        Kind.AMOUNT: _AMOUNT,
        Kind.PORT: _PORT,
        Kind.PLACE: _PLACE,
        Kind.STEPS: _STEPS,
        Kind.COMMAND: _COMMAND,
        Kind.REASON: _REASON,
    }.get(kind)


def holds_kind(text: str, kind: Kind) -> bool:
    """Whether the text could answer a question of this kind at all; kinds without a shape always can."""
    pattern = _needed(kind)
    return pattern is None or bool(pattern.search(text))


def demands(kind: Kind) -> bool:
    """Whether the kind asks for something with a shape of its own."""
    return _needed(kind) is not None
