"""
Persons: who asks for a person gets one, without a search and without a model.

`candor.answering` knows the whole sentences; here are also the words people type when they have given up on
sentences, in the languages the assistant replies in.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from candor.answering import asking
from candor.answering.asking import Wish
from candor.answering.phrases import LANGUAGES
from candor.language import detect, script_of

_SHORT: Final = 80
"""Letters. In a longer message the word alone says nothing: "the operator of the node refuses"."""

_PERSONS: Final[Mapping[str, str]] = {
    "en": r"human beings?|humans?|persons?|people|agents?|operators?|representatives?|somebody|someone|rep"
    r"|supervisors?|manager|customer (?:service|support|care)",
    "ru": r"оператор(?:а|у|ом|ы)?|человека?|человеку|человеком|люд(?:и|ям|ей)|менеджер(?:а|у|ом)?|"
    r"сотрудник(?:а|у|ом)?|специалист(?:а|у|ом)?|живого|живой|живые",
    "uk": r"оператор(?:а|у|ом)?|людин(?:у|а|ою|и)|співробітник(?:а|у|ом)?|фахів(?:ець|ця|цем)",
    "de": r"mensch(?:en)?|mitarbeiter(?:in|s|n)?|(?:kunden)?berater(?:in|s)?|"
    r"kundenservice|ansprechpartner(?:in)?",
    "es": r"personas?|human[oa]s?|agente|operador(?:a)?|asesor(?:a)?",
    "vi": r"nhân viên|người thật|tư vấn viên|tổng đài viên",
}

_PLEASE: Final[Mapping[str, str]] = {
    "en": r"please|pls|now|an?|the|real|live|support|i|we|need|want|give|get|me|my|to|for|with|talk|speak",
    "ru": r"пожалуйста|плиз|срочно|живого|живой|живому|нужен|нужна|нужно|хочу|дайте|позовите|"
    r"позови|позвать|есть|тут|здесь|кто|кто-нибудь|кто-то|ли|мне|к|с|со|на",
    "uk": r"будь|ласка|терміново|потрібен|потрібна|потрібно|дайте|покличте|мені|до|з|із|живий|живого|жива|"
    r"мене",
    "de": r"bitte|ich|will|möchte|brauche|ein(?:e[nmr]?)?|mit|echte[nrsm]?|zum|zur|den|dem|der|jetzt",
    "es": r"por|favor|quiero|necesito|una?|con|el|la|ahora|real",
    "vi": r"cho|tôi|xin|cần|muốn|gặp|một|làm|ơn|với",
}

_WITH: Final[Mapping[str, str]] = {
    "en": r"\b(?:talk|speak|chat|write)\s+(?:to|with)\s+(?:your\s+)?(?:team|staff|support|people"
    r"|somebody|someone|humans?)\b"
    r"|\b(?:connect|transfer|put) me (?:through )?(?:to|with) (?:the |your )?(?:team|staff|support)\b"
    r"|\bno(?: more)? (?:ro)?bots?\b\W*$|\bstop (?:the|this) (?:ro)?bot\b"
    r"|\b(?:don['’]?t|do not) want (?:to (?:talk|speak|chat) (?:to|with) )?(?:an? |this |the )?(?:ro)?bot\b"
    r"|\bis (?:there )?(?:any|some)(?: ?one|body)(?: real)?(?: out)? (?:there|here|real)\W*$"
    r"|^\W*(?:please )?(?:transfer me|escalate(?: (?:this|it|my (?:ticket|case|issue)))?)"
    r"(?: now| please)*\W*$"
    r"|^\W*(?:please |(?:can|could) (?:you|someone|somebody) |i (?:need|want) (?:you|someone|somebody) to )*"
    r"(?:call|phone) me(?: back| now| please| asap)*\W*$",
    "ru": r"^\W*(?:свяжите|соедините|переключите|позовите|переведите) (?:меня|нас)\b"
    r"|\bне (?:с )?(?:робот|бот)(?:а|ом)?\b|\bхватит бот"
    r"|^\W*(?:пожалуйста,? )?(?:перезвоните|позвоните|свяжитесь со) (?:мне|мной|нам|нами)"
    r"(?: пожалуйста)?\W*$",
    "uk": r"^\W*(?:з['’]єднайте|зв['’]яжіть|переключіть|покличте|переведіть) (?:мене|нас)\b"
    r"|\bз['’]єднай(?:те)? (?:мене )?з (?:\w+ )?(?:людиною|оператором|менеджером)\b"
    r"|^\W*(?:будь ласка,? )?(?:передзвоніть|зателефонуйте) (?:мені|нам)(?: будь ласка)?\W*$"
    r"|\bне з (?:робот|бот)ом\b",
    "de": r"\b(?:mitarbeiter|mensch|berater|kundenservice|ansprechpartner)\w*\s+"
    r"(?:sprechen|reden|chatten|erreichen)\b"
    r"|\bkein(?:en|em)? (?:ro)?bot\b|\bmit jemand(?:em)? (?:sprechen|reden|telefonieren)\b"
    r"|\bgibt es hier (?:auch )?(?:echte )?menschen\b|^\W*rufen sie mich (?:bitte )?(?:zurück|an)\W*$",
    "es": r"\b(?:hablar|chatear|comunicarme|conectar\w*)\b.{0,20}\b(?:soporte|alguien|asesor\w*|ejecutivo)\b"
    r"|\bno (?:quiero )?(?:hablar )?(?:con )?una? (?:(?:ro)?bot|máquina)\b"
    r"|\bhay alguien (?:ah[ií]|aqu[ií])\b|\bp[aá]s[ea]me (?:a|con) (?:una?|el|la) "
    r"(?:supervisor|encargad|gerente)"
    r"|^\W*(?:por favor,? )?ll[aá]m[ae]me(?: por favor)?\W*$",
    "vi": r"\bkhông (?:phải )?(?:với )?(?:ro)?bot\b",
}

_ELSEWHERE: Final = re.compile(
    # French, Italian, Portuguese, Dutch, Polish, Turkish
    r"\b(?:parler|discuter) (?:à|a|avec) (?:une? |votre |vrai )*(?:humain|personne|conseill|agent|quelqu)"
    r"|^\W*(?:une? )?(?:conseill(?:er|ère)|humain)(?: svp| s['’]il vous pla[iî]t)?\W*$"
    r"|\bparlare con (?:un(?:[ao]\b|['’])? ?)?(?:vero |vera )?(?:operator|person|uman|qualcuno|agente)"
    r"|^\W*(?:un )?operatore(?: per favore)?\W*$"
    r"|\b(?:falar|conversar) com (?:uma? )?(?:atendente|human|pessoa|algu[eé]m|agente|operador)"
    r"|^\W*(?:um )?atendente(?: por favor)?\W*$"
    r"|\b(?:medewerker|mens|iemand|persoon) (?:spreken|praten)\b"
    r"|\b(?:spreken|praten) met (?:een )?(?:echte? )?(?:medewerker|mens|persoon|iemand)\b"
    r"|\b(?:rozmawiać|połącz\w*)(?: mnie| proszę)? z (?:\w+ )?(?:człowiek|konsultant|pracownik|kimś|osob)"
    r"|\b(?:insan|temsilci|yetkili)\w* (?:ile )?(?:konuş|görüş|bağla)|\bmüşteri temsilcisi\b"
    # Chinese, Japanese, Korean, Arabic
    r"|(?:转|轉|找|要)接?人工|人工(?:客服|服务|服務)|真人客服"
    r"|(?:オペレーター?|担当者|人間|有人).{0,3}(?:と|に|を|へ|の).{0,6}(?:話|はな|繋|つな|代わ|お願い|対応)|有人対応"
    r"|상담[원사]|사람(?:과|이랑|하고) ?(?:대화|통화|얘기|이야기|말)"
    r"|(?:التحدث|أتحدث|اتحدث|الحديث|أكلم|اكلم).{0,12}(?:شخص|موظف|إنسان|انسان)|خدمة العملاء",
    re.I,
)
"""
The same in languages that we cannot reply in: nobody is asked in a foreign language to put it differently.
"""

_ONLY: Final[Mapping[str, re.Pattern[str]]] = {
    language: re.compile(
        rf"^\W*(?:(?:{_PLEASE[language]})\b\W*)*(?:{persons})\b\W*(?:(?:{_PLEASE[language]}|{persons})\b\W*)*$",
        re.I,
    )
    for language, persons in _PERSONS.items()
}
_ANYWHERE: Final = {language: re.compile(pattern, re.I) for language, pattern in _WITH.items()}


def wants_person(text: str) -> bool:
    """Whether a message asks to be put through to a human being."""
    words = " ".join(text.split())
    return (
        asking.wish(words) is Wish.PERSON
        or _named_in(words) is not None
        or (len(words) <= _SHORT and _ELSEWHERE.search(words) is not None)
    )


def is_courtesy(text: str) -> bool:
    """Whether a message is only a greeting, thanks or a goodbye: it asks for nothing."""
    return asking.wish(text) in (Wish.GREETING, Wish.THANKS, Wish.GOODBYE)


def language_of(text: str, *, before: Sequence[str] = ()) -> str:
    """In which of our languages to reply to it: its own, else that of what was said before."""
    for said in (text, *before):
        found = detect(said)
        if found not in LANGUAGES:
            found = _named_in(" ".join(said.split())) or ""
        if found:
            return found
    return "ru" if script_of(text) == "cyrillic" else "en"


def _named_in(words: str) -> str | None:
    """The language in which a short message names a person and nothing else."""
    if len(words) > _SHORT:
        return None
    for language in LANGUAGES:
        if _ONLY[language].search(words) or _ANYWHERE[language].search(words):
            return language
    return None
