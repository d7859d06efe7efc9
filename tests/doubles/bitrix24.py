"""Bitrix24 on loopback: the form that a bot of an Open Line sends, and the REST API it is told by."""

from typing import Any
from urllib.parse import urlencode

from tests.doubles.loopback import Loopback, Reply, Request

TOKEN = "0123456789abcdef0123456789abcdef"
WEBHOOK = "1/abcdef0123456789"


class Portal(Loopback):
    """`calls` holds method and fields of everything asked; `errors` are answered instead, in turn."""

    def __init__(self, *, port: int = 0) -> None:
        super().__init__(port=port)
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.errors: list[Reply] = []

    @property
    def rest(self) -> str:
        return f"{self.url}/rest"

    @property
    def origin(self) -> str:
        return self.url.removeprefix("http://")

    @property
    def told(self) -> list[str]:
        return [str(fields["MESSAGE"]) for method, fields in self.calls if method == "imbot.message.add"]

    def reply(self, request: Request) -> Reply:
        if self.errors:
            return self.errors.pop(0)
        place, _, method = request.path.rpartition("/")
        fields = request.json()
        allowed = place == f"/rest/{WEBHOOK}" or (place == "/rest" and fields.get("auth") == "event-token")
        if not allowed:
            said = {"error": "INVALID_CREDENTIALS", "error_description": "Invalid request credentials"}
            return Reply(status=401, body=said)
        self.calls.append((method.removesuffix(".json"), fields))
        return Reply(body={"result": len(self.calls)})


def event(text: str = "How long?", number: int = 17, **more: str) -> dict[str, str]:
    """A message in an Open Line, in the first API's words; `more` by names such as `data[USER][ID]`."""
    fields = {
        "event": "ONIMBOTMESSAGEADD",
        "data[BOT][39][BOT_ID]": "39",
        "data[BOT][39][BOT_CODE]": "candor",
        "data[PARAMS][FROM_USER_ID]": "13",
        "data[PARAMS][MESSAGE]": text,
        "data[PARAMS][TO_CHAT_ID]": "5",
        "data[PARAMS][MESSAGE_TYPE]": "L",
        "data[PARAMS][SYSTEM]": "N",
        "data[PARAMS][CHAT_ID]": "5",
        "data[PARAMS][CHAT_ENTITY_TYPE]": "LINES",
        "data[PARAMS][CHAT_ENTITY_ID]": "telegrambot|7|1398715343|13",
        "data[PARAMS][DIALOG_ID]": "chat5",
        "data[PARAMS][MESSAGE_ID]": str(number),
        "data[PARAMS][CHAT_TYPE]": "L",
        "data[USER][ID]": "13",
        "data[USER][NAME]": "Ada",
        "data[USER][IS_BOT]": "N",
        "data[USER][IS_CONNECTOR]": "Y",
        "ts": "1711455834",
        "auth[access_token]": "event-token",
        "auth[domain]": "company.bitrix24.example",
        "auth[client_endpoint]": "http://169.254.169.254/rest/",
        "auth[application_token]": TOKEN,
    }
    return {**fields, **more}


def newer_event(text: str = "How long?", number: int = 17, **more: str) -> dict[str, str]:
    """The same in the second API's words."""
    fields = {
        "event": "ONIMBOTV2MESSAGEADD",
        "data[bot][id]": "39",
        "data[bot][code]": "candor",
        "data[bot][auth][access_token]": "event-token",
        "data[bot][auth][application_token]": TOKEN,
        "data[message][id]": str(number),
        "data[message][chatId]": "5",
        "data[message][authorId]": "13",
        "data[message][text]": text,
        "data[message][isSystem]": "0",
        "data[chat][id]": "5",
        "data[chat][dialogId]": "chat5",
        "data[chat][type]": "lines",
        "data[chat][entityType]": "LINES",
        "data[chat][entityId]": "livechat|7|5|13",
        "data[user][id]": "13",
        "data[user][bot]": "0",
        "data[user][connector]": "1",
    }
    return {**fields, **more}


def form(fields: dict[str, str], *, encoding: str = "utf-8") -> bytes:
    return urlencode(fields, encoding=encoding).encode()
