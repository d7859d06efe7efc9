"""Channel: answers go back to Bitrix24 through its REST API, and what needs a person goes to one there."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, NoReturn

from candor.alerts import Alerts
from candor.answering.values import Decision
from candor.bitrix24.writing import parts_of
from candor.config.bitrix24 import BITRIX24
from candor.config.service import Configuration
from candor.conversations.values import Message
from candor.errors import Malformed, Refused, Unavailable, UpstreamFailed
from candor.fetching import Fetched, Fetcher
from candor.inbox.attending import Telling
from candor.inbox.values import Incoming, context_of
from candor.vault import Vault

ALERT: Final = "bitrix24"

_SECONDS: Final = 10.0
_MAX_BYTES: Final = 100_000
_SLOW_DOWN: Final = frozenset(("QUERY_LIMIT_EXCEEDED", "OPERATION_TIME_LIMIT", "OVERLOAD_LIMIT"))
_PAUSE_SECONDS: Final = 10
_FINAL: Final[Mapping[str, str]] = {
    "ACCESS_DENIED": "the webhook may not do that: give it the rights imbot and imopenlines",
    "APP_ID_ERROR": "the bot belongs to another application: set client_id to the one it was registered with",
    "BOT_ID_ERROR": "it knows no such bot: check bot_id and client_id",
    "ERROR_METHOD_NOT_FOUND": "it has no such method: give the webhook the rights imbot and imopenlines",
    "EXPIRED_TOKEN": "the event's access token has expired: set rest_webhook, which does not",
    "INSUFFICIENT_SCOPE": "the webhook needs the rights imbot and imopenlines",
    "INVALID_CREDENTIALS": "the webhook is not known there, or its user has no access: make a new one",
    "INVALID_TOKEN": "the access token is not known there: set rest_webhook",
    "NO_AUTH_FOUND": "nothing to authorise with was sent: set rest_webhook",
}
"""What will be refused every time, and what to do about it. Anything else is tried again."""

_CHAT_LEFT: Final = frozenset(("WRONG_CHAT", "CHAT_ID_EMPTY", "CHAT_ID", "DIALOG_ID_EMPTY", "CHAT_TYPE"))
"""The bot is not in charge of that chat: an operator has it already, or the line was closed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Bitrix24Channel:
    """A `Channel` to the portal that the settings name: an event cannot choose another."""

    configuration: Configuration
    fetcher: Fetcher
    vault: Vault
    alerts: Alerts

    def tell(self, incoming: Incoming, answer: Message, telling: Telling) -> None:
        settings = self.configuration.opened(BITRIX24.name)
        if not settings["enabled"] or not settings["rest_url"]:
            raise Refused(
                "Bitrix24 was switched off before the answer: switch it on and redrive the message."
            )
        call = self._caller(settings, incoming)
        bot_id = settings["bot_id"] or incoming.details.get("bot", "")
        for number, part in enumerate(parts_of(answer.content)):
            message = {"DIALOG_ID": incoming.details["dialog"], "MESSAGE": part}
            if bot_id:
                message["BOT_ID"] = bot_id
            telling.once(f"text {number}", partial(_do, call, "imbot.message.add", message))
        if answer.decision is Decision.ESCALATE:
            chat: dict[str, str] = {"CHAT_ID": incoming.details["chat"]}
            method = "imopenlines.bot.session.operator"
            if settings["operator"]:
                method = "imopenlines.bot.session.transfer"
                chat |= {"USER_ID": settings["operator"], "LEAVE": "N"}
            telling.once("operator", partial(_do, call, method, chat))
        self.alerts.clear(ALERT)

    def _caller(
        self, settings: Mapping[str, Any], incoming: Incoming
    ) -> Callable[[str, Mapping[str, str]], None]:
        root, more = str(settings["rest_url"]), {}
        if settings["rest_webhook"]:
            root = f"{root}/{settings['rest_webhook']}"
            if settings["client_id"]:
                more["CLIENT_ID"] = str(settings["client_id"])
        elif incoming.sealed:
            more["auth"] = self.vault.open(incoming.sealed, context_of(incoming.inbox_id)).decode()
        return lambda method, fields: self._call(f"{root}/{method}.json", method, {**fields, **more})

    def _call(self, url: str, method: str, fields: Mapping[str, str]) -> None:
        try:
            answer = self.fetcher.fetch(
                url,
                follow=False,
                headers={"content-type": "application/json", "accept": "application/json"},
                content=json.dumps(fields, ensure_ascii=False).encode("utf-8", "replace"),
                max_bytes=_MAX_BYTES,
                total_seconds=_SECONDS,
            )
        except Malformed as error:
            self._refuse(method, f"its address may not be asked: {error}")
        code = _error_of(answer)
        if code in _CHAT_LEFT and method != "imbot.message.add":
            return
        if code in _FINAL:
            self._refuse(method, _FINAL[code])
        if code in _SLOW_DOWN or answer.status == 429:
            raise Unavailable("Bitrix24 asks to be left alone for a moment.", retry_after=_PAUSE_SECONDS)
        if code or answer.status != 200:
            said = code[:60] or f"status {answer.status}"
            raise UpstreamFailed(f"Bitrix24 did not take {method}: it answered {said}.")

    def _refuse(self, method: str, why: str) -> NoReturn:
        sentence = f"Bitrix24 refuses {method}: {why}."
        self.alerts.raise_(ALERT, f"{sentence} Then redrive the dead letters of the queue message.")
        raise Refused(sentence)


def _do(
    call: Callable[[str, Mapping[str, str]], None], method: str, fields: Mapping[str, str], again: bool
) -> None:
    # Bitrix24 has no key that would make a second call harmless: after a kill in between it is told twice.
    del again
    call(method, fields)


def _error_of(answer: Fetched) -> str:
    """The code of its error, in capitals; blank for none."""
    try:
        said = json.loads(answer.body)
    except (ValueError, RecursionError):
        return ""
    if not isinstance(said, dict):
        return ""
    error = said.get("error")
    return error.upper() if isinstance(error, str) else ""
