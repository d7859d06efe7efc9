"""Settings of a Bitrix24 chat-bot: what its events prove themselves with, and where its answers go."""

import re
from typing import Final

from candor.config.sections import Kind, Section, Setting

_TOKEN = re.compile(r"[A-Za-z0-9]{8,200}")
_WEBHOOK = re.compile(r"[0-9]{1,12}/[A-Za-z0-9]{4,100}")
_NUMBER = re.compile(r"[0-9]{1,15}", re.ASCII)


def _rest_url(text: str) -> str:
    bare = text.rstrip("/")
    if not bare.casefold().endswith("/rest"):
        raise ValueError(
            'must end in "/rest", such as "https://company.bitrix24.com/rest": what follows in the address '
            "of an incoming webhook is its secret, and belongs into rest_webhook"
        )
    return bare


def _webhook(text: str) -> str:
    bare = text.strip().strip("/")
    if not _WEBHOOK.fullmatch(bare):
        raise ValueError('must be what follows "/rest/" in the address of an incoming webhook: "1/abcdef…"')
    return bare


def _token(text: str) -> str:
    if not _TOKEN.fullmatch(text.strip()):
        raise ValueError("must be the application_token of the bot's events: letters and digits")
    return text.strip()


def _number(text: str) -> str:
    if not _NUMBER.fullmatch(text):
        raise ValueError("must be a number")
    return text


BITRIX24: Final = Section(
    name="bitrix24",
    settings=(
        Setting(
            name="enabled",
            kind=Kind.FLAG,
            default=False,
            about="Whether events of the bot are taken and answered.",
        ),
        Setting(
            name="application_token",
            secret=True,
            longest=200,
            check=_token,
            about="What the bot's events prove themselves with: auth[application_token] of any of them.",
        ),
        Setting(
            name="rest_url",
            address=True,
            check=_rest_url,
            about="Where answers go: the portal's address with /rest behind it.",
        ),
        Setting(
            name="rest_webhook",
            secret=True,
            sent_to="rest_url",
            longest=200,
            check=_webhook,
            about="User and code of an incoming webhook with the rights imbot and imopenlines, as 1/abcdef. "
            "Blank: each answer uses the access token that its event came with.",
        ),
        Setting(
            name="client_id",
            secret=True,
            sent_to="rest_url",
            longest=200,
            about="CLIENT_ID (or botToken) the bot was registered with; needed with an incoming webhook.",
        ),
        Setting(
            name="bot_id", longest=15, check=_number, about="The bot's number; blank: that of the event."
        ),
        Setting(
            name="lines",
            kind=Kind.WORDS,
            default=[],
            longest=15,
            check=_number,
            about="Numbers of the Open Lines whose messages are answered; none: all.",
        ),
        Setting(
            name="operator",
            longest=15,
            check=_number,
            about="The employee who gets what the assistant cannot answer; blank: any free operator.",
        ),
    ),
)
