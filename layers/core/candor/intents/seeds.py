"""
Seeds: the intents that are there from the first day, in the languages the assistant replies in.

Each pattern is a whole message: "hello, how do I renew?" is a question about renewing, and stays one.
"""

from typing import Final

from candor.entries import Entry, seed

_HELLO: Final = (
    r"hi|hello|hey|hiya|howdy|greetings|good (?:morning|afternoon|evening|day)",
    r"привет(?:ик|ствую)?|здравствуй(?:те)?|здрасте|добрый (?:день|вечер)|доброе утро|"
    r"доброго (?:дня|вечера|времени суток)|салют",
    r"привіт(?:ик)?|вітаю|добридень|доброго (?:дня|ранку|вечора)|добрий (?:день|вечір|ранок)",
    r"hallo|hi|hey|moin|servus|grüß (?:gott|dich)|guten (?:tag|morgen|abend)",
    r"hola|buenas|buen(?:os|as) (?:días|dias|tardes|noches)|saludos",
    r"xin chào|chào(?: bạn| anh| chị| em| ad)?|alo",
)
_ALL: Final = (
    r" there| all| everyone| team| support",
    r" всем| всем привет",
    r" всім| усім",
    r" zusammen| alle| liebes team",
    r" a todos| equipo",
    r" mọi người| cả nhà",
)
_WHAT: Final = (
    r"what (?:can|do) (?:you|u) (?:do|help (?:me )?with)(?: for me| here)?|"
    r"how (?:can|could|do) (?:you|u) help(?: me| us)?|what are you (?:able to do|capable of|good for)|"
    r"what are your (?:abilities|capabilities|skills|features)|what can i ask(?: you)?(?: about)?",
    r"(?:а )?(?:что|чего) (?:ты|вы) (?:умеешь|умеете|можешь|можете|знаешь|знаете)(?: делать)?|"
    r"(?:чем|как) (?:ты |вы )?(?:можешь|можете|сможешь|сможете) (?:мне |нам )?помочь|"
    r"о чём (?:тебя|вас) можно спросить|о чем (?:тебя|вас) можно спросить|какие (?:у тебя|у вас) возможности",
    r"(?:а )?що (?:ти|ви) (?:вмієш|вмієте|можеш|можете|знаєш|знаєте)(?: робити)?|"
    r"(?:чим|як) (?:ти |ви )?(?:можеш|можете|зможеш|зможете) (?:мені |нам )?допомогти|"
    r"про що (?:тебе|вас) можна (?:запитати|спитати)",
    r"was (?:kannst du|können sie|könnt ihr)(?: alles| denn)?(?: tun| machen)?(?: für mich)?|"
    r"(?:wie|wobei|womit) (?:kannst du|können sie) (?:mir|uns) (?:helfen|weiterhelfen)|"
    r"was (?:kann|darf) ich (?:dich|sie) fragen|was sind deine (?:fähigkeiten|funktionen)",
    r"(?:qué|que) (?:puedes|puede|sabes|sabe)(?: usted)?(?: hacer)?(?: por mí)?|"
    r"(?:cómo|como|en qué|en que) (?:me |nos )?(?:puedes|puede) ayudar(?:me|nos)?|"
    r"(?:qué|que) (?:te|le) puedo preguntar",
    r"(?:bạn|em|anh|chị) (?:có thể )?(?:làm|giúp) (?:được )?(?:gì|những gì)(?: cho tôi| tôi)?|"
    r"(?:bạn|em) có thể giúp (?:gì cho )?tôi(?: những)?(?: gì)?|tôi có thể hỏi (?:bạn )?(?:những )?gì",
)
_WHO: Final = (
    r"who(?:'s| are| r) (?:you|u|this)|who is this|what are you|what(?:'s| is) your name|"
    r"are you (?:an? )?(?:(?:real|live) )?(?:human|person|robot|bot|ai|machine)|"
    r"(?:am i|is this) (?:talking to |speaking (?:to|with) |chatting with )?an? (?:(?:real|live) )?"
    r"(?:human|person|robot|bot|machine)",
    r"(?:а )?(?:ты|вы) кто|кто (?:ты|вы)(?: такой| такая| такие)?|как (?:тебя|вас) зовут|"
    r"(?:ты|вы) (?:(?:живой|реальный) )?(?:робот|бот|человек)|с кем я (?:говорю|общаюсь|разговариваю)",
    r"(?:а )?(?:ти|ви) хто|хто (?:ти|ви)(?: такий| така| такі)?|як (?:тебе|вас) (?:звати|звуть)|"
    r"(?:ти|ви) (?:(?:жива|реальна) )?(?:робот|бот|людина)|з ким я (?:говорю|спілкуюся|розмовляю)",
    r"wer (?:bist du|sind sie|seid ihr)(?: denn| eigentlich)?|wie (?:heißt du|heißen sie)|was bist du|"
    r"(?:bist du|sind sie) (?:ein |eine )?(?:(?:echter |richtiger )?mensch|roboter|bot|maschine|ki)|"
    r"mit wem (?:spreche|schreibe|rede) ich",
    r"(?:quién|quien) (?:eres|es usted|sois|son ustedes)(?: tú)?|(?:cómo|como) (?:te llamas|se "
    r"llama(?: usted)?)|"
    r"(?:qué|que) eres|(?:eres|es usted) (?:un |una )?(?:robot|bot|humano|persona(?: real)?|máquina|ia)|"
    r"con (?:quién|quien) (?:hablo|estoy hablando)",
    r"(?:bạn|em|anh|chị) là ai(?: vậy| thế)?|(?:bạn|em) tên (?:là )?gì|"
    r"(?:bạn|em) (?:có phải )?(?:là )?(?:người thật|robot|bot|con người|ai)(?: không| à)?",
)
_WHO_AM_I: Final = (
    r"who am i|do you (?:know|remember) (?:me|my name|who i am)|what(?:'s| is) my name",
    r"(?:а )?кто я(?: такой| такая)?|(?:ты|вы) (?:меня )?(?:знаешь|знаете|помнишь|помните)(?: "
    r"меня)?(?:,? кто я)?|"
    r"как меня зовут",
    r"(?:а )?хто я(?: такий| така)?|(?:ти|ви) (?:мене )?(?:знаєш|знаєте|пам'ятаєш|пам'ятаєте)(?: "
    r"мене)?(?:,? хто я)?|"
    r"як мене (?:звати|звуть)",
    r"wer bin ich(?: denn)?|(?:kennst du|kennen sie) mich|(?:weißt du|wissen sie),? wer ich bin|wie "
    r"heiße ich",
    r"(?:quién|quien) soy(?: yo)?|(?:me conoces|me conoce|sabes (?:quién|quien) soy)|(?:cómo|como) me llamo",
    r"tôi là ai|(?:bạn|em) (?:có )?biết tôi(?: là ai)?(?: không)?|tôi tên (?:là )?gì",
)
_ABOUT: Final = (
    r"about(?: you| yourself| this (?:bot|chat|assistant))?|"
    r"(?:please )?(?:tell me|tell us) (?:something |more )?about (?:you|yourself)|introduce yourself",
    r"о (?:тебе|вас|себе|боте)|(?:расскажи|расскажите)(?: мне| нам)?(?: немного)? о себе|"
    r"(?:представься|представьтесь)",
    r"про (?:тебе|вас|себе|бота)|(?:розкажи|розкажіть)(?: мені| нам)?(?: трохи)? про себе|"
    r"(?:представся|представтеся|відрекомендуйся|відрекомендуйтеся)",
    r"über (?:dich|sie|diesen (?:bot|chat|assistenten))|(?:erzähl|erzählen sie)(?: mir| uns)?(?: etwas)? "
    r"(?:über|von) (?:dich|dir|sich)|(?:stell dich|stellen sie sich) vor",
    r"(?:acerca de|sobre) (?:ti|usted|este (?:bot|chat|asistente))|(?:cuéntame|cuénteme|háblame|hábleme)"
    r"(?: algo| más)? (?:de|sobre) (?:ti|usted)|(?:preséntate|preséntese)",
    r"giới thiệu(?: về)?(?: bạn| bản thân)?|(?:hãy )?(?:kể|nói) (?:cho tôi )?về (?:bạn|bản thân bạn)",
)


def _greetings() -> list[str]:
    """A pattern for each language: a greeting, and whom it is said to."""
    return [rf"^\W*(?:{words})(?:{whom})?\W*$" for words, whom in zip(_HELLO, _ALL, strict=True)]


def _questions(phrases: tuple[str, ...]) -> list[str]:
    """A pattern for each language: the phrase, and before it a greeting at the most."""
    pairs = zip(phrases, _BRIEF_HELLO, strict=True)
    return [rf"^\W*(?:(?:{hello})\W+)?(?:{words})\W*$" for words, hello in pairs]


_BRIEF_HELLO: Final = (
    r"hi|hello|hey", r"привет|здравствуйте|добрый день", r"привіт|вітаю|добрий день",
    r"hallo|hi|guten tag", r"hola|buenas|buenos días", r"xin chào|chào|chào bạn",
)  # fmt: skip

SEEDS: Final[tuple[Entry, ...]] = (
    seed(
        "intents",
        "what_can_you_do",
        1,
        patterns=_questions(_WHAT),
        answer="I answer questions from our documentation and from solved requests, and I show where each "
        "answer comes from. Ask about our services, prices, rules, or how something is done. Where I am not "
        "sure, I hand over to a colleague.",
        translations={
            "ru": "Я отвечаю на вопросы по нашей документации и решённым обращениям и показываю, откуда взят "
            "ответ. Спрашивайте об услугах, ценах, правилах или о том, как что-то сделать. Если я не уверен, "
            "передам вопрос сотруднику.",
            "uk": "Я відповідаю на запитання за нашою документацією та вирішеними зверненнями і показую, "
            "звідки взято відповідь. Питайте про послуги, ціни, правила чи про те, як щось зробити. Якщо я "
            "не впевнений, передам запитання співробітнику.",
            "de": "Ich beantworte Fragen aus unserer Dokumentation und aus gelösten Anfragen und "
            "zeige, woher "
            "die Antwort stammt. Fragen Sie nach Leistungen, Preisen, Regeln oder danach, wie etwas "
            "geht. Bin "
            "ich nicht sicher, übernimmt jemand aus dem Team.",
            "es": "Respondo preguntas a partir de nuestra documentación y de solicitudes resueltas, "
            "y muestro "
            "de dónde sale cada respuesta. Pregunte por servicios, precios, normas o cómo se hace "
            "algo. Si no "
            "estoy seguro, paso la consulta a una persona del equipo.",
            "vi": "Tôi trả lời câu hỏi dựa trên tài liệu của chúng tôi và các yêu cầu đã được giải "
            "quyết, kèm "
            "nguồn của câu trả lời. Bạn có thể hỏi về dịch vụ, giá, quy định hoặc cách làm. Khi không chắc "
            "chắn, tôi sẽ chuyển cho nhân viên hỗ trợ.",
        },
    ),
    seed(
        "intents",
        "who_are_you",
        2,
        patterns=_questions(_WHO),
        answer="I am {app_name}, an automatic assistant and not a person. I answer from our "
        "documentation; if "
        "you would rather talk to a person, just say so.",
        translations={
            "ru": "Я {app_name}, автоматический помощник, а не человек. Отвечаю по нашей документации; если "
            "хотите поговорить с сотрудником, просто скажите.",
            "uk": "Я {app_name}, автоматичний помічник, а не людина. Відповідаю за нашою документацією; якщо "
            "хочете поговорити зі співробітником, просто скажіть.",
            "de": "Ich bin {app_name}, ein automatischer Assistent und kein Mensch. Ich antworte aus unserer "
            "Dokumentation; wenn Sie lieber mit einem Menschen sprechen, sagen Sie es einfach.",
            "es": "Soy {app_name}, un asistente automático y no una persona. Respondo a partir de nuestra "
            "documentación; si prefiere hablar con una persona, dígalo.",
            "vi": "Tôi là {app_name}, trợ lý tự động chứ không phải người thật. Tôi trả lời dựa trên "
            "tài liệu "
            "của chúng tôi; nếu muốn nói chuyện với nhân viên, bạn chỉ cần nói.",
        },
    ),
    seed(
        "intents",
        "who_am_i",
        3,
        patterns=_questions(_WHO_AM_I),
        answer="I do not know who you are: I see what you write here, and neither your account nor "
        "your orders. "
        "For questions about them I can hand over to a colleague.",
        translations={
            "ru": "Я не знаю, кто вы: я вижу только то, что вы пишете здесь, но не ваш аккаунт и не ваши "
            "заказы. С вопросами о них могу передать вас сотруднику.",
            "uk": "Я не знаю, хто ви: я бачу лише те, що ви пишете тут, але не ваш обліковий запис і не ваші "
            "замовлення. Із запитаннями про них можу передати вас співробітнику.",
            "de": "Ich weiß nicht, wer Sie sind: Ich sehe nur, was Sie hier schreiben, weder Ihr Konto noch "
            "Ihre Bestellungen. Bei Fragen dazu kann ich an das Team übergeben.",
            "es": "No sé quién es usted: solo veo lo que escribe aquí, no su cuenta ni sus pedidos. Para "
            "preguntas sobre ellos puedo pasarle con una persona del equipo.",
            "vi": "Tôi không biết bạn là ai: tôi chỉ thấy những gì bạn viết ở đây, không thấy tài "
            "khoản hay đơn "
            "hàng của bạn. Với những câu hỏi đó, tôi có thể chuyển cho nhân viên hỗ trợ.",
        },
    ),
    seed(
        "intents",
        "about",
        4,
        patterns=_questions(_ABOUT),
        answer="{app_name} is an assistant that answers from the company's own documents and solved "
        "requests. "
        "It cites its sources, and says so when it finds no answer.",
        translations={
            "ru": "{app_name} — помощник, который отвечает по документам компании и решённым обращениям. Он "
            "указывает источники и честно говорит, если ответа не нашёл.",
            "uk": "{app_name} — помічник, який відповідає за документами компанії та вирішеними зверненнями. "
            "Він вказує джерела і чесно каже, якщо відповіді не знайшов.",
            "de": "{app_name} ist ein Assistent, der aus den Dokumenten des Unternehmens und "
            "gelösten Anfragen "
            "antwortet. Er nennt seine Quellen und sagt es, wenn er keine Antwort findet.",
            "es": "{app_name} es un asistente que responde a partir de los documentos de la empresa y de "
            "solicitudes resueltas. Cita sus fuentes y lo dice cuando no encuentra respuesta.",
            "vi": "{app_name} là trợ lý trả lời dựa trên tài liệu của công ty và các yêu cầu đã được "
            "giải quyết. "
            "Trợ lý nêu rõ nguồn và nói thẳng khi không tìm thấy câu trả lời.",
        },
    ),
    seed("intents", "hello", 5, patterns=_greetings(), answer="{greeting}", translations={}),
)  # fmt: skip
