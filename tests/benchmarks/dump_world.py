"""Dump world: a made-up helpdesk of any size, as WHMCS keeps it and as it should come out of a dump of it."""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from html import escape
from itertools import pairwise

from candor.tickets.values import Message, Role, TicketDraft

SECRETS = {
    "c": "zq-access-key-zq",
    "ipaddress": "203.0.113.77",
    "cc": "zq-copied@example.net",
    "note": "zq-private-note-zq",
    "password": "zq-password-hash-zq",
    "address": "zq-7 Hidden Lane-zq",
    "mailbox": "zq-mailbox-password-zq",
}
"""Stands in columns and tables that must never be taken; each is nowhere else."""

_WORDS = {
    "en": "server mailbox domain backup certificate panel database invoice plan order please "
    "restart renew the my "
    "your cannot it's don't after before update error port 25 login page \"control panel\" A&B <head> 100% "
    "C:\\temp\\new _under_ \\% \\_ half; (brackets); 'quoted', back\\slash what's",
    "de": "Server Postfach für Änderung möglich größer Rechnung bitte Grüße über läuft nicht „so“ Müller",
    "fr": "serveur boîte réglé à côté facture déjà être où problème reçu «été» café",
    "ru": "сервер почта домен не работает пожалуйста счёт обновить после ошибка «панель» спасибо",
}
_FIRST = ("Ann", "Ben", "Chloé", "Dörte", "Eve", "Finn", "Gus", "Ivy")
_LAST = ("O'Neil", "Smith", "Müller", "d'Arc", "Lee", "Núñez")
_STAFF = ("Anna S.", "Pat O'Hara", "Jörg")
_STATUSES = ("Open", "Answered", "Customer-Reply", "Closed", "On Hold")
_DEPARTMENTS = {1: "Sales", 2: "Technical Support", 3: "Billing & Co"}
_BEGIN = datetime(2019, 3, 1, 8, 0, 0, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """One ticket or reply: columns as stored, and what of it should come out."""

    row: Mapping[str, str | int | None]
    message: Message


@dataclass(frozen=True, kw_only=True, slots=True)
class World:
    """Tickets are made when they are asked for, each from the seed and its own number."""

    tickets: int = 100
    seed: int = 1
    western: bool = False
    """Only letters that latin1 has."""
    merging: bool = True
    modern: bool = True
    """Whether messages know their editor, and users are other than clients."""
    clients: int = 40
    paragraphs: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    into: Mapping[int, int] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        rng = random.Random(self.seed)
        languages = ["en", "en", "de", "fr"] + ([] if self.western else ["ru"])
        pool = tuple(_paragraph(rng, _WORDS[rng.choice(languages)].split()) for _ in range(1_500))
        object.__setattr__(self, "paragraphs", pool)
        object.__setattr__(self, "into", _merged(rng, self.tickets) if self.merging else {})

    def first(self, number: int) -> Told:
        """A ticket's own row."""
        rng = random.Random(f"{self.seed}-{number}")
        opened = self.opened(number)
        stored, text = self._message(rng, number)
        staff = rng.choice(_STAFF) if rng.random() < 0.05 else ""
        guest = rng.random() < 0.1
        client = 0 if guest else 1 + rng.randrange(self.clients)
        name, email = (f"Guest {number}", f"guest{number}@example.org") if guest else ("", "")
        files = (
            f"{100000 + number}_log {number}.txt|7{number:05}_screen_shot.png" if rng.random() < 0.1 else ""
        )
        subject = f"{rng.choice(_WORDS['en'].split())} & problem <{number}>"
        row: dict[str, str | int | None] = {
            "id": number,
            "tid": f"{chr(65 + number % 26)}BC-{100000 + number % 5000}"
            if number % 3
            else str(100000 + number),
            "did": 1 + number % 4,
            "userid": client,
            "contactid": 0,
            "requestor_id": 0,
            "prevent_client_closure": 0,
            "name": name,
            "email": email,
            "cc": SECRETS["cc"],
            "c": SECRETS["c"],
            "ipaddress": SECRETS["ipaddress"],
            "date": _sql(opened),
            "title": escape(subject),
            "message": stored,
            "status": _STATUSES[number % len(_STATUSES)],
            "urgency": ("Low", "Medium", "High")[number % 3],
            "admin": staff,
            "attachment": files,
            "attachments_removed": 0,
            "lastreply": _sql(self._last(number)),
            "flag": 0,
            "clientunread": 0,
            "adminunread": "",
            "replyingadmin": 0,
            "replyingtime": "0000-00-00 00:00:00",
            "service": f"S{number}" if number % 7 == 0 else "",
            "merged_ticket_id": self.into.get(number, 0),
            "editor": "markdown" if self.modern and number % 2 else "plain",
            "pinned_at": None,
            "updated_at": None,
        }
        known = self.client(client)
        message = Message(
            role=Role.STAFF if staff else Role.CUSTOMER,
            content=text,
            name=staff or name or known[0],
            posted=opened,
            attachments=(f"log {number}.txt", "screen_shot.png") if files else (),
        )
        return Told(row=row, message=message)

    def replies(self, number: int) -> list[Told]:
        rng = random.Random(f"{self.seed}-{number}-replies")
        client = self.first(number).row["userid"]
        found = []
        for place in range(self._count(number)):
            staff = rng.choice(_STAFF) if rng.random() < 0.5 else ""
            posted = self.opened(number) + timedelta(minutes=7 * (place + 1), seconds=rng.randrange(60))
            stored, text = self._message(rng, number * 10 + place)
            rating = rng.randrange(6) if staff else 0
            row: dict[str, str | int | None] = {
                "id": number * 10 + place,
                "tid": number,
                "userid": client if not staff else 0,
                "contactid": 0,
                "requestor_id": 0,
                "name": "",
                "email": "",
                "date": _sql(posted),
                "message": stored,
                "admin": staff,
                "attachment": "",
                "attachments_removed": 0,
                "rating": rating,
                "editor": "plain",
            }
            name = staff or self.client(int(client or 0))[0]
            found.append(
                Told(
                    row=row,
                    message=Message(
                        role=Role.STAFF if staff else Role.CUSTOMER,
                        content=text,
                        name=name,
                        posted=posted,
                        rating=rating or None,
                    ),
                )
            )
        return found

    def truth(self) -> Iterator[TicketDraft]:
        """Every ticket as it should come out, by number."""
        children: dict[int, list[int]] = {}
        for child in self.into:
            master = self._end(child)
            if master != child:
                children.setdefault(master, []).append(child)
        merged = {child for some in children.values() for child in some}
        for number in range(1, self.tickets + 1):
            if number not in merged:
                yield self._draft(number, sorted(children.get(number, ())))

    def client(self, number: int) -> tuple[str, str]:
        if number == 0:
            return "", ""
        return f"{_FIRST[number % len(_FIRST)]} {_LAST[number % len(_LAST)]}", f"client{number}@example.com"

    def names(self, number: int) -> tuple[str, str]:
        return _FIRST[number % len(_FIRST)], _LAST[number % len(_LAST)]

    @property
    def departments(self) -> Mapping[int, str]:
        return _DEPARTMENTS

    def opened(self, number: int) -> datetime:
        return _BEGIN + timedelta(minutes=11 * number)

    def _draft(self, number: int, children: list[int]) -> TicketDraft:
        first, row = self.first(number), self.first(number).row
        said = [(one.message.posted, 1, one.row["id"], one.message) for one in self.replies(number)]
        for child in children:
            said.append((self.opened(child), 0, child, self.first(child).message))
            said += [(one.message.posted, 1, one.row["id"], one.message) for one in self.replies(child)]
        said.sort(key=lambda one: one[:3])  # type: ignore[arg-type, return-value]
        known = self.client(int(row["userid"] or 0))
        did = int(row["did"] or 0)
        metadata = {"department_id": str(did)}
        if row["admin"]:
            metadata["opened_by_name"] = str(row["admin"])
        if row["service"]:
            metadata["service"] = str(row["service"])
        if children:
            metadata["merged_tids"] = ", ".join(str(self.first(child).row["tid"]) for child in children)
            metadata["merged_subjects"] = "\n".join(
                _plain(self.first(child).row["title"]) for child in children
            )
        return TicketDraft(
            number=str(number),
            external_id=str(number),
            tid=str(row["tid"]),
            subject=_plain(row["title"]),
            description=first.message.content,
            opened_by=first.message.role,
            attachments=first.message.attachments,
            replies=tuple(one[3] for one in said),
            status=str(row["status"]),
            priority=str(row["urgency"]),
            department=_DEPARTMENTS.get(did, str(did)),
            client_id=str(row["userid"] or ""),
            email=str(row["email"] or known[1]),
            name=str(row["name"] or known[0]),
            opened_at=self.opened(number),
            last_reply_at=self._last(number),
            merged=tuple(map(str, children)),
            metadata=metadata,
        )

    def _count(self, number: int) -> int:
        return (number * 7) % 6

    def _last(self, number: int) -> datetime:
        return self.opened(number) + timedelta(hours=2)

    def _message(self, rng: random.Random, number: int) -> tuple[str, str]:
        some = [self.paragraphs[rng.randrange(len(self.paragraphs))] for _ in range(rng.randint(1, 4))]
        stored, text = "\r\n\r\n".join(one[0] for one in some), "\n\n".join(one[1] for one in some)
        if number % 97 == 0:
            stored, text = f"{stored}\r\nMy card: {_card(rng)} ok", f"{text}\nMy card: [card] ok"
        return stored, text

    def _end(self, child: int) -> int:
        here, seen = child, [child]
        while here in self.into:
            here = self.into[here]
            if here in seen:
                return min(seen[seen.index(here) :])
            seen.append(here)
        return here


def _paragraph(rng: random.Random, words: list[str]) -> tuple[str, str]:
    lines = [" ".join(rng.choices(words, k=rng.randint(4, 14))) for _ in range(rng.randint(1, 5))]
    text = "\n".join(lines)
    # As PHP's htmlspecialchars with ENT_QUOTES writes it.
    return escape(text).replace("&#x27;", "&#039;").replace("\n", "\r\n"), text


def _card(rng: random.Random) -> str:
    digits = [4, *(rng.randrange(10) for _ in range(14))]
    total = sum(sum(divmod(2 * one, 10)) if place % 2 == 0 else one for place, one in enumerate(digits))
    plain = "".join(map(str, digits)) + str(-total % 10)
    return " ".join(plain[at : at + 4] for at in range(0, 16, 4)) if rng.random() < 0.5 else plain


def _merged(rng: random.Random, count: int) -> dict[int, int]:
    """Children of some tickets, a few chains, and one ring."""
    found: dict[int, int] = {}
    picked = rng.sample(range(1, count + 1), count // 12)
    for child in picked[: len(picked) // 2]:
        found[child] = rng.randrange(1, count + 1)
        if found[child] == child:
            del found[child]
    for first, second in pairwise(picked[len(picked) // 2 : len(picked) // 2 + 6]):
        found[first] = second
    if len(picked) > 10:
        ring = picked[-3:]
        found |= {ring[0]: ring[1], ring[1]: ring[2], ring[2]: ring[0]}
    return found


def _sql(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S")


def _plain(stored: object) -> str:
    from html import unescape

    return unescape(str(stored))
