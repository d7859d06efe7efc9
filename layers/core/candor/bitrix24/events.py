"""
Events: what Bitrix24 tells about our bot, in the words of its first chat-bot API and of its second.

https://apidocs.bitrix24.com/api-reference/chat-bots/: `ONIMBOTMESSAGEADD` with `data[PARAMS][MESSAGE]`,
`ONIMBOTV2MESSAGEADD` with `data[message][text]`. Flags are `Y`, `1` or `true`.
"""

import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from candor.bitrix24.forms import Form
from candor.inbox.values import says_something

_YES: Final = frozenset(("y", "1", "true"))
_OPEN_LINES: Final = "LINES"
_BREAK = re.compile(r"\[br\s*/?\]", re.IGNORECASE)
_PAIRED = re.compile(
    r"\[/?(?:b|i|u|s|size|color|code|user|chat|context)(?:=[^\]\n]{0,200})?\]", re.IGNORECASE
)
_LINK = re.compile(r"\[url(?:=([^\]\n]{1,2000}))?\](.*?)\[/url\]", re.IGNORECASE | re.DOTALL)
_NUMBER = re.compile(r"[0-9]{1,15}", re.ASCII)
_DIALOG = re.compile(r"(?:chat|sg)?[0-9]{1,15}", re.ASCII)


class Kind(StrEnum):
    MESSAGE = "message"
    REMOVED = "removed"
    """The bot itself was removed there."""
    OTHER = "other"


@dataclass(frozen=True, kw_only=True, slots=True)
class BotEvent:
    """One event, read. Of anything but a customer's message in an Open Line only why it is passed over."""

    kind: Kind
    application_token: str = field(repr=False)
    access_token: str = field(default="", repr=False)
    passed_over: str = ""
    """Why nothing is to be answered, in a sentence; blank for a message that is."""
    message_id: str = ""
    dialog_id: str = ""
    chat_id: str = ""
    """The number of the chat, as commands about its session want it."""
    bot_id: str = ""
    line_id: str = ""
    user_id: str = ""
    text: str = field(default="", repr=False)


def read(form: Form) -> BotEvent:
    """The event a form tells of. Of another form's fields nothing is found, and that is passed over too."""
    name = form.get("event").upper()
    token = form.get("auth.application_token", "data.bot.auth.application_token")
    if name in ("ONIMBOTDELETE", "ONIMBOTV2DELETE"):
        return BotEvent(kind=Kind.REMOVED, application_token=token, passed_over="The bot was removed.")
    if name not in ("ONIMBOTMESSAGEADD", "ONIMBOTV2MESSAGEADD"):
        sentence = "Only messages to the bot are answered."
        return BotEvent(kind=Kind.OTHER, application_token=token, passed_over=sentence)
    dialog_id = form.get("data.params.dialog_id", "data.chat.dialogid", "data.message.dialogid")
    chat_id = form.get(
        "data.params.chat_id", "data.params.to_chat_id", "data.message.chatid", "data.chat.id"
    ) or dialog_id.removeprefix("chat")
    dialog_id = dialog_id or (f"chat{chat_id}" if chat_id else "")
    # "telegrambot|7|1398715343|13": the connector, the line, and the customer over there.
    entity = form.get("data.params.chat_entity_id", "data.chat.entityid").split("|")
    event = BotEvent(
        kind=Kind.MESSAGE,
        application_token=token,
        access_token=form.get("auth.access_token", "data.bot.auth.access_token"),
        passed_over=_passed_over(form),
        message_id=form.get("data.params.message_id", "data.message.id"),
        dialog_id=dialog_id,
        chat_id=chat_id,
        bot_id=_bot_id(form),
        line_id=entity[1] if len(entity) > 1 else "",
        user_id=form.get("data.params.from_user_id", "data.user.id", "data.message.authorid"),
        text=words_of(form.get("data.params.message", "data.message.text")),
    )
    return _checked(event)


def words_of(text: str) -> str:
    """What was said, without the marks of Bitrix24's BB-code."""
    text = _LINK.sub(lambda found: found[2] if not found[1] else f"{found[2]} {found[1]}", text)
    return _PAIRED.sub("", _BREAK.sub("\n", text)).strip()


def _passed_over(form: Form) -> str:
    entity = form.get("data.params.chat_entity_type", "data.chat.entitytype").upper()
    kind = form.get("data.params.chat_type", "data.params.message_type", "data.chat.type").casefold()
    if entity != _OPEN_LINES and kind not in ("l", "lines", "openline"):
        return "Only messages of Open Lines are answered."
    if _is(form, "data.params.system", "data.message.issystem", "data.message.system"):
        return "It is a message of the system."
    if _is(form, "data.user.is_bot", "data.user.bot"):
        return "It is a message of a bot."
    connector = form.get("data.user.is_connector", "data.user.connector")
    if connector and connector.casefold() not in _YES:
        return "It is a message of an employee."
    return ""


def _checked(event: BotEvent) -> BotEvent:
    """The same, passed over if there is nothing in it that could be answered."""
    if event.passed_over:
        return event
    why = ""
    if not (_NUMBER.fullmatch(event.message_id) and _DIALOG.fullmatch(event.dialog_id)):
        why = "It names no message and no dialog."
    elif event.bot_id and event.user_id == event.bot_id:
        why = "It is a message of the bot itself."
    elif not says_something(event.text):
        why = "It has no words: files are not looked at."
    return (
        BotEvent(kind=event.kind, application_token=event.application_token, passed_over=why)
        if why
        else event
    )


def _bot_id(form: Form) -> str:
    named = form.get("data.bot.id", "data.params.bot_id")
    # The first API has the bot's number as a name: data[BOT][39][BOT_CODE].
    return named or next((name for name in form.below("data.bot") if _NUMBER.fullmatch(name)), "")


def _is(form: Form, *paths: str) -> bool:
    return form.get(*paths).casefold() in _YES
