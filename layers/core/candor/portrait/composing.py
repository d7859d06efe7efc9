"""Composing: persona and greeting in the site's language, made of what was read and of our own sentences."""

from collections.abc import Mapping
from typing import Final

from candor.answering.phrases import LANGUAGES
from candor.portrait.values import Domain, Tone

_PERSONA: Final[Mapping[str, Mapping[Domain, str]]] = {
    "en": {
        "support": "You are the support assistant of {name}. You help customers with its products "
        "and services.",
        "legal": "You are the assistant of {name}. You explain its services and how it works, and give no "
        "legal advice of your own.",
        "generic": "You are the assistant of {name}. You answer questions about it and what it offers.",
    },
    "ru": {
        "support": "Ты помощник службы поддержки «{name}». Ты помогаешь клиентам с продуктами и "
        "услугами компании.",
        "legal": "Ты помощник «{name}». Ты объясняешь, какие услуги оказываются и как, и не даёшь "
        "собственных "
        "юридических консультаций.",
        "generic": "Ты помощник «{name}». Ты отвечаешь на вопросы о компании и о том, что она предлагает.",
    },
    "uk": {
        "support": "Ти помічник служби підтримки «{name}». Ти допомагаєш клієнтам із продуктами та "
        "послугами компанії.",
        "legal": "Ти помічник «{name}». Ти пояснюєш, які послуги надаються і як, та не даєш власних "
        "юридичних "
        "консультацій.",
        "generic": "Ти помічник «{name}». Ти відповідаєш на запитання про компанію та про те, що "
        "вона пропонує.",
    },
    "de": {
        "support": "Du bist der Support-Assistent von {name}. Du hilfst Kundinnen und Kunden bei "
        "Produkten und "
        "Leistungen.",
        "legal": "Du bist der Assistent von {name}. Du erklärst die Leistungen und Abläufe und gibst keine "
        "eigene Rechtsberatung.",
        "generic": "Du bist der Assistent von {name}. Du beantwortest Fragen dazu und zum Angebot.",
    },
    "es": {
        "support": "Eres el asistente de soporte de {name}. Ayudas a los clientes con sus productos "
        "y servicios.",
        "legal": "Eres el asistente de {name}. Explicas sus servicios y cómo trabaja, y no das asesoría "
        "jurídica propia.",
        "generic": "Eres el asistente de {name}. Respondes preguntas sobre la organización y lo que ofrece.",
    },
    "vi": {
        "support": "Bạn là trợ lý hỗ trợ của {name}. Bạn giúp khách hàng về sản phẩm và dịch vụ của công ty.",
        "legal": "Bạn là trợ lý của {name}. Bạn giải thích dịch vụ và cách làm việc, không tự đưa ra tư vấn "
        "pháp lý.",
        "generic": "Bạn là trợ lý của {name}. Bạn trả lời câu hỏi về tổ chức và những gì được cung cấp.",
    },
}  # fmt: skip
_TONES: Final[Mapping[str, Mapping[Tone, str]]] = {
    "en": {
        "formal": "Be courteous and formal.",
        "friendly": "Be friendly and plain, as a colleague would be.",
        "neutral": "Be polite, clear and brief.",
    },
    "ru": {
        "formal": "Обращайся к клиентам на «вы», вежливо и по-деловому.",
        "friendly": "Обращайся к клиентам на «ты», дружелюбно и просто.",
        "neutral": "Пиши вежливо, ясно и кратко.",
    },
    "uk": {
        "formal": "Звертайся до клієнтів на «ви», ввічливо і по-діловому.",
        "friendly": "Звертайся до клієнтів на «ти», дружньо і просто.",
        "neutral": "Пиши ввічливо, ясно і коротко.",
    },
    "de": {
        "formal": "Sprich Kundinnen und Kunden mit „Sie“ an, höflich und sachlich.",
        "friendly": "Sprich Kundinnen und Kunden mit „du“ an, freundlich und einfach.",
        "neutral": "Schreib höflich, klar und kurz.",
    },
    "es": {
        "formal": "Trata a los clientes de usted, con cortesía.",
        "friendly": "Trata a los clientes de tú, con cercanía y sencillez.",
        "neutral": "Escribe con cortesía, claridad y brevedad.",
    },
    "vi": {
        "formal": "Hãy lịch sự và trang trọng.",
        "friendly": "Hãy thân thiện và dễ hiểu.",
        "neutral": "Hãy lịch sự, rõ ràng và ngắn gọn.",
    },
}
_GREETING: Final = {
    "en": ("Hello! You are talking to the assistant of {name}. How can I help you?",) * 2,
    "ru": (
        "Здравствуйте! Вас приветствует помощник «{name}». Чем могу помочь?",
        "Привет! Это помощник «{name}». Чем помочь?",
    ),
    "uk": (
        "Вітаю! Ви спілкуєтеся з помічником «{name}». Чим можу допомогти?",
        "Привіт! Це помічник «{name}». Чим допомогти?",
    ),
    "de": (
        "Guten Tag! Hier ist der Assistent von {name}. Wie kann ich Ihnen helfen?",
        "Hallo! Hier ist der Assistent von {name}. Wie kann ich dir helfen?",
    ),
    "es": (
        "¡Hola! Soy el asistente de {name}. ¿En qué puedo ayudarle?",
        "¡Hola! Soy el asistente de {name}. ¿En qué puedo ayudarte?",
    ),
    "vi": ("Xin chào! Tôi là trợ lý của {name}. Tôi có thể giúp gì cho bạn?",) * 2,
}


def persona(name: str, *, language: str, domain: Domain, tone: Tone) -> str:
    """Two sentences that tell a model who it is; none of them comes from a page."""
    known = language if language in LANGUAGES else "en"
    return f"{_PERSONA[known][domain].replace('{name}', name)} {_TONES[known][tone]}"


def greeting(name: str, *, language: str, tone: Tone) -> str:
    """What a greeting is answered with."""
    known = language if language in LANGUAGES else "en"
    return _GREETING[known][tone == "friendly"].replace("{name}", name)
