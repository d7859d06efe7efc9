"""Asking: what kind of question it is, and the few that need no search."""

import re
from collections.abc import Sequence
from enum import StrEnum

from candor.answering.values import Turn
from candor.answering.words import GENERAL, STOP, fold, terms, tokens


class Wish(StrEnum):
    """What a message wants, when it is not knowledge."""

    PERSON = "person"
    GREETING = "greeting"
    THANKS = "thanks"
    GOODBYE = "goodbye"
    ACTION = "action"
    """Something done to the asker's own account, which documents cannot do."""
    NOTHING = "nothing"
    """No word that could be looked up."""


class Kind(StrEnum):
    """What an answer has to hold."""

    PRICE = "price"
    DURATION = "duration"
    AMOUNT = "amount"
    PORT = "port"
    PLACE = "place"
    WHO = "who"
    COMMAND = "command"
    STEPS = "steps"
    REASON = "reason"
    DEFINITION = "definition"
    YES_NO = "yes_no"
    OTHER = "other"


def _any(*phrases: str) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{phrase})" for phrase in phrases), re.I)


_PERSON = _any(
    r"\b(?:talk|speak|chat|connect|transfer|get|put|pass|hand|escalate)\b.{0,30}\b(?:to|with|through to|me)?\s*(?:an?|the|some)?\s*"
    r"(?:real |live |actual )?(?:human|person|agent|operator|someone (?:real|human)|representative|manager|supervisor)\b(?! (?:forwarder|installation))",
    r"^(?:(?:i )?(?:want|need) )?(?:an? |the )?(?:real |live )?(?:human|operator|agent|person)(?: please)?[.!?]*$",
    r"\b(?:соедин|переключ|позов|переведи|свяж)\w*.{0,30}\b(?:оператор|человек|менеджер|специалист|сотрудник|поддержк)",
    r"\b(?:поговорить|пообщаться|говорить)\b.{0,20}\b(?:с|со)\b.{0,20}\b(?:оператор|человек|живым|менеджер|специалист)",
    r"^(?:нужен |хочу )?(?:живой )?(?:оператор|человек|менеджер)[а.!?]*$",
    r"\b(?:з'єднайте|зв'яжіть|переключіть|покличте)\b.{0,30}\b(?:оператор|людин|менеджер|фахівц)",
    r"\b(?:поговорити|поспілкуватися)\b.{0,10}\b(?:з|із)\b.{0,20}\b(?:оператор|людин|менеджер|жив)",
    r"\b(?:mit|einen?|einem)\s+(?:\w+\s+)?(?:menschen|mitarbeiter|berater|kundenberater|mensch)\w*\s+(?:sprechen|reden|verbinden|chatten)",
    r"\bverbinden sie mich\b",
    r"\b(?:hablar|chatear|comunicar\w*|contactar|pás\w+|p[aá]same)\b.{0,20}\b(?:con)\b.{0,15}\b(?:persona|humano|agente|operador|alguien)",
    r"\b(?:nói chuyện|gặp|kết nối|chat)\b.{0,20}\b(?:nhân viên|người thật|tư vấn viên|con người|tổng đài viên)",
)
_GREETING = re.compile(
    r"^\W*(?:(?:hi|hello|hey|hiya|good (?:morning|afternoon|evening|day)|greetings|привет|здравствуйте|здравствуй|добрый "
    r"(?:день|вечер)|доброе утро|привіт|вітаю|добрий (?:день|вечір)|доброго дня|hallo|guten (?:tag|morgen|abend)|moin|servus|hola|"
    r"buen(?:os|as) (?:d[ií]as|tardes|noches)|xin chào|chào(?: bạn| anh| chị| em)?)(?:[\s,]+(?:there|all|team|everyone|support|"
    r"зусім|всем|усім|zusammen|a todos|ad))?\W*){1,2}$",
    re.I,
)
_THANKS = re.compile(
    r"^\W*(?:(?:ok(?:ay)?|great|perfect|super|отлично|хорошо|ясно|понятно|добре|чудово|prima|perfecto|tốt|got it|that (?:helped|worked))"
    r"[\s,.!]+)*(?:many thanks|thanks?(?: you)?(?: (?:so|very) much| a lot)?|thx|cheers|большое спасибо|спасибо(?: большое| огромное)?|благодарю|"
    r"дякую(?: дуже)?|щиро дякую|danke(?: sch[öo]n| sehr)?|vielen dank|(?:muchas )?gracias|cảm ơn(?: bạn| nhiều)*|cám ơn(?: bạn)?)"
    r"(?:[\s,.!]+(?:for (?:your|the) help|that (?:helped|worked)|bye|you|за помощь|за допомогу|für die hilfe|por (?:la|su) ayuda))*\W*$",
    re.I,
)
_GOODBYE = re.compile(
    r"^\W*(?:bye(?: bye)?|goodbye|see you|до свидания|пока|до побачення|бувай|tschüss|auf wiedersehen|adiós|adios|hasta luego|tạm biệt)\W*$",
    re.I,
)
_ACTION = _any(
    # An order about one's own thing: "Please cancel my invoice 20394", "refund order #5".
    r"(?:^|[.!?,]\s*|\bplease\s+|\b(?:can|could|would|will) you (?:please )?|\bi (?:want|need|would like|'d like) you to )"
    r"(?:cancel|refund|delete|remove|close|change|update|reset|restart|reboot|reinstall|upgrade|downgrade|suspend|"
    r"unsuspend|restore|activate|reactivate|renew|transfer|check|look (?:at|into|up)|merge|unlock|fix|resend|send me)\b"
    r"(?! (?:if|whether|that|how|out)\b).{0,40}?\b(?:my|our|mine)\b(?! (?:own|self))",
    # Why did this happen to my own ticket, order, payment?
    r"\b(?:why (?:was|is|has|did|were)|where(?:'s| is| are)|what(?:'s| is) (?:the )?(?:status|state) of|when (?:will|was|is|did)) "
    r"(?:you (?:close|cancel|suspend|charge|block)\w* )?(?:my|our|the|this) (?:\w+ ){0,2}(?:ticket|order|invoice|payment|refund|account|server|"
    r"parcel|package|delivery|payout|transaction)\b.{0,20}(?:#|№|\bno\.? ?|\bnumber |\bid )?\b[A-Z-]{0,5}\d{3,}",
    r"\b(?:ticket|invoice|order|заказ|сч[её]т|тикет|рахунок|замовлення|rechnung|bestellung|factura|pedido|hóa đơn|đơn hàng)\w*\s*(?:#|№|nr\.?|no\.?|number|номер)\s*[A-Z-]{0,5}\d{3,}",
    r"\bwhy (?:was|did|have|were|am|is) (?:i|you|we) (?:\w+ )?(?:charged?|billed?|charging|billing|debit\w*)\b(?! if| when)",
    r"\b(?:отмените|верните|удалите|закройте|проверьте|измените|восстановите|продлите)\b.{0,30}\b(?:мо[йяеёию]\w*|наш\w*)\b",
    r"\b(?:скасуйте|поверніть|видаліть|закрийте|перевірте|змініть|відновіть)\b.{0,30}\b(?:м[оі]\w{1,3}|наш\w*)\b",
    r"\b(?:stornieren|kündigen|löschen|erstatten|prüfen|ändern) sie\b.{0,20}\b(?:meine?n?|unsere?n?)\b",
    r"\b(?:cancele|cancelen|reembolse|reembolsen|elimine|cierre|revise|cambie|devuélvanme)\b.{0,20}\b(?:mi|mis|nuestr\w+)\b",
    r"\b(?:hủy|hoàn tiền|xóa|kiểm tra)\b.{0,15}\b(?:giúp|cho|của) tôi\b",
)
_QUESTION_WORDS = re.compile(r"\b(?:how|what|which|where|when|why|who|is it|can i|could i|do i|does|как|что|где|когда|wie|was|wo|cómo|qué|як|що|làm sao|thế nào)\b", re.I)

_PRICE = _any(
    r"\bhow (?:much (?:does|do|is|are|will|would)\b(?!.{0,30}\b(?:memory|ram|space|storage|traffic|bandwidth|disk|time|data)\b)|expensive)",
    r"\bhow much\b.{0,40}\b(?:cost|pay|charge|fee|price|per month|a month|a year|monthly)",
    r"\bwhat(?:'s| is| are| does)\b.{0,40}\b(?:price|cost|costs|fees?|charges?|pricing|rates?)\b(?! limit)",
    r"\b(?:price|cost|fee) (?:of|for)\b", r"\bwhat do (?:i|you|we) (?:pay|charge)\b",
    r"\bсколько (?:стоит|стоят|будет стоить|платить)", r"\bкак(?:ая|ова|ие) (?:\w+ )?(?:цена|стоимость|комисси)", r"\bскільки кошту", r"\bяка (?:ціна|вартість|комісія)",
    r"\bwas kosten?\b", r"\bwas kostet\b", r"\bwie (?:viel|teuer|hoch)\b.{0,30}\b(?:kost|preis|gebühr|teuer)", r"\bwie teuer\b",
    r"\bcu[aá]nto cuesta", r"\bcu[aá]l es (?:el|la) (?:precio|tarifa|comisión)", r"\bgiá (?:bao nhiêu|của)|\bbao nhiêu tiền",
)
_DURATION = _any(
    r"\bhow (?:long|soon|often|fast|quickly|many (?:days?|hours?|minutes?|weeks?|months?|years?|seconds?|business days?))\b", r"^\W*when\b|\bsince when\b|\bby when\b|, when (?:do|does|will|is|can)\b",
    r"\bwhat (?:time|date|day|hours)\b|\b(?:deadline|opening hours|business hours)\b",
    r"\b(?:как долго|сколько (?:времени|дней|часов|минут)|как часто|когда|за сколько|в течение какого)\b", r"\b(?:як довго|скільки (?:часу|днів|годин)|як часто|коли)\b",
    r"\bwie (?:lange|oft|schnell|viele (?:tage|stunden|minuten|wochen|monate))\b|^\W*wann\b", r"\bcu[aá]nto (?:tiempo|tarda)|\bcu[aá]ntos (?:d[ií]as|horas|meses)|^\W*¿?cu[aá]ndo\b",
    r"\bbao lâu\b|\bkhi nào\b|\bmấy ngày\b",
)
_AMOUNT = _any(
    r"\bhow (?:many|much|big|large|high|far|deep)\b", r"\bwhat(?:'s| is| are)?\b.{0,30}\b(?:limits?|maximum|minimum|max|min|size|quota|number|amount|percentage|rate limit)\b",
    r"\bсколько\b|\bкакой (?:\w+ )?(?:лимит|размер|объ[её]м)", r"\bскільки\b|\bякий (?:\w+ )?(?:ліміт|розмір)", r"\bwie (?:viele?|groß|hoch)\b", r"\bcu[aá]nt[oa]s?\b", r"\bbao nhiêu\b",
)
_PORT = _any(r"\b(?:which|what) port|\bport number", r"\bкакой порт|на каком порту", r"\bякий порт|на якому порту", r"\bwelche[rn]? port", r"\bqu[eé] puerto", r"\bcổng nào")
_COMMAND = _any(r"\b(?:which|what)(?:'s| is)?(?: the)? (?:command|cli|api call|endpoint|header|flag|option|parameter|setting|variable|file|config)", r"\bкак(?:ой|ая) (?:команд|заголов|параметр|файл)\w*", r"\bwelche[rsn]? (?:befehl|header|datei|parameter|einstellung)", r"\bqu[eé] (?:comando|cabecera|archivo)", r"\b(?:лише )?як(?:а команд|ий (?:заголов|файл))\w*", r"\blệnh nào\b")
_PLACE = _any(r"^\W*where\b|\b(?:and|but|so|,)\s+where\b|\bwhere (?:do|can|is|are|does|should|will)\b|\bwhich (?:folder|directory|page|menu|countr\w+|locations?|regions?)\b", r"^\W*где\b|\bкуда\b", r"^\W*де\b|\bкуди\b", r"\bwo (?:finde|kann|ist|liegt|sind|steht)|^\W*wo\b", r"\bd[oó]nde\b", r"\bở đâu\b")
_WHO = _any(r"^\W*who\b|\bwhom\b", r"^\W*(?:кто|кому)\b", r"^\W*(?:хто|кому)\b", r"^\W*wer\b|^\W*wem\b", r"^\W*¿?qui[eé]n", r"^\W*ai\b")
_STEPS = _any(r"\bhow (?:do|can|to|would|should|could|does one|might)\b|^\W*how\b", r"\b(?:steps|instructions?|guide|tutorial|way) (?:to|for|on)\b|\bset ?up\b", r"^\W*как\b|\bкак (?:мне|можно|я|нам)\b", r"^\W*як\b|\bяк (?:мені|можна)\b", r"\bwie (?:kann|mache?|richte|ändere|lösche|erstelle|stelle|bekomme|komme|füge|geht|setze|installiere|aktiviere|kündige|funktioniert|man)\b|^\W*wie\b", r"\bc[oó]mo\b", r"\blàm (?:sao|thế nào)\b|\bcách\b|\bnhư thế nào\b")
_REASON = _any(r"^\W*why\b|\bwhy (?:is|does|do|did|was|are|can't|won't)\b|\breason\b", r"\bпочему\b|\bиз-за чего\b", r"\bчому\b", r"\bwarum\b|\bwieso\b", r"\bpor qu[eé]\b", r"\btại sao\b|\bvì sao\b")
_DEFINITION = _any(r"\bwhat (?:is|are|does .{1,40} mean)\b|\bwhat's\b", r"\bчто такое\b|\bчто (?:значит|означает)\b", r"\bщо таке\b|\bщо означає\b", r"\bwas (?:ist|sind|bedeutet)\b", r"\bqu[eé] (?:es|son|significa)\b", r"\blà gì\b")
_YES_NO = _any(
    r"(?:^|[.,;!?]\s*)(?:so |and |but |then |hi,? |hello,? )?(?:is|are|am|was|were|can|could|do|does|did|will|would|should|may|has|have|am i|is there|is it)\b(?!n't you help)",
    r"\b(?:is|are) (?:that|this|it|there|they)\b.{0,40}\?\s*$|, (?:right|correct|is that|is it)\b|\bis that (?:a|the|possible|normal|right|allowed)\b",
    r"\bли\b|^\W*(?:можно|есть|могу|поддерживает)", r"^\W*чи\b|^\W*(?:можна|є)\b", r"^\W*(?:kann|können|gibt|ist|sind|bietet|unterstützt|darf|muss|hat|haben|habt|geht|werden|wird)\b",
    r"^\W*(?:puedo|se puede|hay|tienen|ofrecen|es posible|aceptan|existe)\b", r"\bcó .{1,80}không\b|\bđược không\b",
)

_ORDER: tuple[tuple[Kind, re.Pattern[str]], ...] = (
    (Kind.PORT, _PORT),
    (Kind.PRICE, _PRICE),
    (Kind.DURATION, _DURATION),
    (Kind.COMMAND, _COMMAND),
    (Kind.AMOUNT, _AMOUNT),
    (Kind.REASON, _REASON),
    (Kind.PLACE, _PLACE),
    (Kind.WHO, _WHO),
    (Kind.STEPS, _STEPS),
    (Kind.DEFINITION, _DEFINITION),
    (Kind.YES_NO, _YES_NO),
)


def wish(text: str) -> Wish | None:
    """What a message wants when no document could answer it; None for a real question."""
    folded = " ".join(fold(text).split())[:600]
    if _PERSON.search(folded):
        return Wish.PERSON
    if len(folded) < 80:
        for pattern, meant in ((_THANKS, Wish.THANKS), (_GREETING, Wish.GREETING), (_GOODBYE, Wish.GOODBYE)):
            if pattern.match(folded):
                return meant
    if _ACTION.search(" ".join(text.split())[:600]) and not _asks_how(folded):
        return Wish.ACTION
    if not any(word not in STOP for word in tokens(text)):
        return Wish.NOTHING
    return None


def _asks_how(folded: str) -> bool:
    """ "How can I cancel my plan?" is a question of knowledge; "cancel my plan" is not."""
    return bool(re.search(r"\bhow (?:do|can|to|should|would|could|long|much|many)\b|\bwhere (?:do|can) i\b|\bкак (?:мне|я|можно)?\b|\bwie (?:kann|mache|lange)\b|\bcómo\b|\bяк\b|\bcách\b|\bcan i\b", folded))


def kinds(text: str) -> tuple[Kind, ...]:
    """What an answer has to hold, most telling first; `OTHER` when nothing is asked outright."""
    found = tuple(kind for kind, pattern in _ORDER if pattern.search(text))
    return found or (Kind.OTHER,)


def vague(text: str, *, history: Sequence[Turn], language: str) -> bool:
    """Too little to look up: no word of a subject, or one general noun without a question."""
    wanted = terms(text, language=language)
    if any(term.name for term in wanted):
        return False
    subject = [term for term in wanted if term.weight >= 1.0]
    if history:
        return False
    return not subject or (len(subject) == 1 and len(wanted) == 1 and len(tokens(text)) <= 2)


_LEANS = re.compile(
    r"\b(?:it|its|that|this|those|these|them|they|there|one|ones|he|she|same|else|then|him|her|former|latter|instead|both|"
    r"это|этого|этот|эта|этом|его|ее|её|их|там|туда|тот|такой|тоже|он|она|они|це|цього|цей|ця|його|її|їх|там|туди|він|вона|вони|теж|"
    r"das|dies|diese|dieser|dieses|es|sie|ihn|ihm|dort|dafür|damit|davon|dazu|auch|eso|esto|ese|esta|este|lo|la|los|ahí|allí|también|nó|đó|này|vậy)\b",
    re.I,
)
_CONTINUES = re.compile(r"^\W*(?:and|but|or|so|also|what about|how about|а|и|но|или|а как|та|і|але|und|aber|oder|y|pero|o|thế còn|còn|và)\b", re.I)


def leans_on_history(text: str, *, language: str) -> bool:
    """Whether a later turn does not stand alone: it points back, or names too little itself."""
    wanted = terms(text, language=language)
    heavy = [term for term in wanted if term.weight >= 1.0]
    if _CONTINUES.match(text) and len(heavy) <= 5:
        return True
    if any(term.name and not term.word.isdigit() for term in wanted) and len(heavy) >= 3:
        return False
    return len(heavy) <= 2 or (bool(_LEANS.search(text)) and len(heavy) <= 5)


def before(history: Sequence[Turn]) -> str:
    """The previous question, with what its answer was about, for `Retrieval.find(previous=…)`."""
    asked = [turn.content for turn in history if turn.role == "user"]
    return asked[-1][:500] if asked else ""


def said_general_only(text: str) -> bool:
    """Every word of it could stand in any support question."""
    return all(word in STOP or word in GENERAL for word in tokens(text))
