"""The API of the double: what `includes/api.php` answers, entities and all."""

from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import replace
from html import escape

from tests.doubles.whmcs_site.truth import DEPARTMENTS, Truth


def listed(truths: Sequence[Truth], form: Mapping[str, str]) -> dict[str, object]:
    """GetTickets: the latest reply first."""
    rows = sorted(truths, key=lambda one: (one.updated, one.id), reverse=True)
    start, number = int(form.get("limitstart", 0)), int(form.get("limitnum", 25))
    listed = [
        {
            "id": str(one.id),
            "tid": one.tid,
            "c": one.key,
            "deptid": one.department,
            "deptname": escape(DEPARTMENTS[one.department]),
            "userid": one.client[0],
            "name": escape(one.client[1]),
            "email": one.client[2],
            "subject": escape(one.subject),
            "status": one.status,
            "priority": one.priority,
            "lastreply": f"{one.updated:%Y-%m-%d %H:%M:%S}",
            "date": f"{one.posts[0].at:%Y-%m-%d %H:%M:%S}",
        }
        for one in rows[start : start + number]
    ]
    return {
        "result": "success",
        "totalresults": len(rows),
        "startnumber": start,
        "numreturned": len(listed),
        "tickets": {"ticket": listed} if listed else "",
    }


def add_note(truths: MutableMapping[int, Truth], form: Mapping[str, str]) -> dict[str, object]:
    """AddTicketNote: kept as it was sent, and shown among the ticket's notes."""
    number = form.get("ticketid", "")
    truth = truths.get(int(number)) if number.isdigit() else None
    if truth is None:
        return {"result": "error", "message": "Ticket ID not found"}
    if not form.get("message"):
        return {"result": "error", "message": "Message is required"}
    truths[truth.id] = replace(truth, notes=(*truth.notes, form["message"]))
    return {"result": "success"}


def ticket(truths: Mapping[int, Truth], form: Mapping[str, str]) -> dict[str, object]:
    """GetTicket: everything, private notes too."""
    number = form.get("ticketid", "")
    truth = truths.get(int(number)) if number.isdigit() else None
    if truth is None:
        return {"result": "error", "message": "Ticket ID Not Found"}
    replies = [
        {
            "replyid": str(post.number),
            "userid": truth.client[0],
            "name": "" if post.role == "staff" else escape(post.name),
            "email": post.email,
            "date": f"{post.at:%Y-%m-%d %H:%M:%S}",
            "message": post.api_text,
            "admin": escape(post.name) if post.role == "staff" else "",
            "attachments": [{"filename": escape(name), "index": at} for at, name in enumerate(post.files)],
            "attachments_removed": post.files_removed,
        }
        for post in truth.posts
    ]
    return {
        "result": "success",
        "ticketid": str(truth.id),
        "tid": truth.tid,
        "c": truth.key,
        "deptid": truth.department,
        "deptname": escape(DEPARTMENTS[truth.department]),
        "userid": truth.client[0],
        "name": escape(truth.client[1]),
        "email": truth.client[2],
        "subject": escape(truth.subject),
        "status": truth.status,
        "priority": truth.priority,
        "lastreply": f"{truth.updated:%Y-%m-%d %H:%M:%S}",
        "replies": {"reply": replies},
        "notes": {"note": [{"id": str(at), "message": escape(note)} for at, note in enumerate(truth.notes)]},
    }
