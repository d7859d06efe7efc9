"""A WHMCS dump as mysqldump writes it, small, of an imaginary host."""

from collections.abc import Iterable, Mapping
from typing import Any

HEAD = """-- MySQL dump 10.13  Distrib 8.0.36, for Linux (x86_64)
--
-- Host: localhost    Database: whmcs
/*!40101 SET NAMES utf8mb4 */;
"""
TAIL = "-- Dump completed on 2026-11-20  3:00:01\n"

COLUMNS: Mapping[str, str] = {
    "tblticketreplies": (
        "id tid userid contactid requestor_id name email date message admin attachment "
        "attachments_removed rating editor"
    ),
    "tbltickets": (
        "id tid did userid contactid requestor_id prevent_client_closure name email cc c ipaddress date "
        "title message status urgency admin attachment attachments_removed lastreply flag clientunread "
        "adminunread replyingadmin replyingtime service merged_ticket_id editor pinned_at updated_at"
    ),
    "tblticketdepartments": "id name description email hidden order",
    "tblknowledgebase": "id title article views useful votes private order parentid language",
}

DEPARTMENTS = ({"id": 1, "name": "Support"}, {"id": 2, "name": "Sales"})


def ticket(number: int, **fields: Any) -> dict[str, Any]:
    return {
        "id": number,
        "tid": f"{100_000 + number}",
        "did": 1,
        "userid": 7,
        "name": "Ann Miller",
        "email": "ann@customer.example",
        "c": "SECRETKEY",
        "ipaddress": "203.0.113.77",
        "date": f"2026-03-{1 + number % 28:02} 09:30:00",
        "title": f"Mail of site {number} does not arrive",
        "message": f"Since yesterday no mail reaches mailbox {number}. What can I do about it?",
        "status": "Closed",
        "urgency": "Medium",
        "lastreply": f"2026-03-{1 + number % 28:02} 10:30:00",
        "merged_ticket_id": 0,
        "editor": "plain",
        **fields,
    }


def reply(number: int, of: int, **fields: Any) -> dict[str, Any]:
    return {
        "id": number,
        "tid": of,
        "userid": 0,
        "date": f"2026-03-{1 + of % 28:02} 10:30:00",
        "message": f"Mailbox {of} is full. Open the panel, choose Mail, and delete old messages.",
        "admin": "Vera Stone",
        "editor": "markdown",
        **fields,
    }


def article(number: int, **fields: Any) -> dict[str, Any]:
    return {
        "id": number,
        "title": f"Setting up mailbox {number}",
        "article": f"<p>Open the panel, choose Mail and press New. Mailbox {number} is ready in a minute, "
        "and its password can be changed there too.</p>",
        "private": "",
        "parentid": 0,
        "language": "",
        **fields,
    }


def dump(
    *,
    tickets: Iterable[Mapping[str, Any]] = (),
    replies: Iterable[Mapping[str, Any]] = (),
    articles: Iterable[Mapping[str, Any]] = (),
    without: Iterable[str] = (),
) -> bytes:
    """In the order of mysqldump: replies before tickets. `without` leaves tables out."""
    rows = {
        "tblknowledgebase": list(articles),
        "tblticketdepartments": list(DEPARTMENTS),
        "tblticketreplies": list(replies),
        "tbltickets": list(tickets),
    }
    body = "".join(_table(name, some) for name, some in rows.items() if name not in without)
    return (HEAD + body + TAIL).encode()


def of(count: int, *, articles: int = 2, **fields: Any) -> bytes:
    """So many tickets with one reply each, and a few articles."""
    return dump(
        tickets=[ticket(number, **fields) for number in range(1, count + 1)],
        replies=[reply(1_000_000 + number, number) for number in range(1, count + 1)],
        articles=[article(number) for number in range(1, articles + 1)],
    )


def _table(name: str, rows: list[Mapping[str, Any]]) -> str:
    columns = COLUMNS[name].split()
    defined = ",\n".join(f"  `{column}` text" for column in columns)
    text = f"DROP TABLE IF EXISTS `{name}`;\nCREATE TABLE `{name}` (\n{defined}\n) ENGINE=InnoDB;\n"
    for start in range(0, len(rows), 200):
        values = ",".join(
            f"({','.join(_value(row.get(column, '')) for column in columns)})"
            for row in rows[start : start + 200]
        )
        text += f"INSERT INTO `{name}` VALUES {values};\n"
    return text


def _value(value: Any) -> str:
    if isinstance(value, int):
        return str(value)
    escaped = str(value).replace("\\", "\\\\").replace("'", "\\'").replace("\r", "\\r").replace("\n", "\\n")
    return f"'{escaped}'"
