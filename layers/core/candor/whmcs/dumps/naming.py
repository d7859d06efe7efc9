"""Naming: departments, and the names and addresses of those whom tickets know by number only."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Final

from candor.whmcs.dumps.spilling import ALL_NAMES, RECORD, Section, picked, sections
from candor.whmcs.dumps.texts import records
from candor.whmcs.dumps.values import Scan, Spill, Tally


@dataclass(kw_only=True, slots=True)
class Asked:
    """Numbers of those whose names are looked for."""

    clients: set[str] = field(default_factory=set)
    contacts: set[str] = field(default_factory=set)
    users: set[str] = field(default_factory=set)

    def add(self, numbers: Iterable[tuple[str, ...]]) -> None:
        """Of a client, a contact and a user each; most are asked for many times."""
        for client, contact, user in set(numbers):
            self.clients.add(client)
            self.contacts.add(contact)
            self.users.add(user)
        for nobody in (self.clients, self.contacts, self.users):
            nobody -= {"", "0"}


class Names:
    """Those asked for; a hundred thousand clients are passed over in 20 ms and not kept."""

    def __init__(self, scan: Scan, spill: Spill, asked: Asked) -> None:
        self._departments: dict[str, str] = {}
        self._clients: dict[str, tuple[str, str]] = {}
        self._contacts: dict[str, tuple[str, str]] = {}
        self._users: dict[str, tuple[str, str]] = {}
        kept = {
            "clients": (self._clients, asked.clients),
            "contacts": (self._contacts, asked.contacts),
            "users": (self._users, asked.users),
        }
        for section in sections(scan, spill, ALL_NAMES):
            if section.table == "ticketdepartments":
                for row in _rows(section):
                    self._departments[row["id"]] = row["name"]
            elif section.table in kept:
                _read(section, *kept[section.table])

    def department(self, number: str) -> str:
        """Its name, or its number when the dump does not name it."""
        return self._departments.get(number) or ("" if number == "0" else number)

    def of(self, client: str, contact: str, user: str) -> tuple[str, str]:
        """Name and address: the contact's, else the user's, else the client's."""
        found = self._contacts.get(contact) if self._contacts else None
        if found is None and self._users:
            found = self._users.get(user)
        return found or self._clients.get(client, _NOBODY)


_NOBODY: Final = ("", "")


def _read(section: Section, people: dict[str, tuple[str, str]], asked: set[str]) -> None:
    wanted = [record for _, record in picked(section, "id", {number.encode() for number in asked})]
    if not wanted:
        return
    for row in _rows(replace(section, body=RECORD.join(wanted))):
        first = row.get("firstname") or row.get("first_name", "")
        last = row.get("lastname") or row.get("last_name", "")
        name = f"{first.strip()} {last.strip()}".strip() or row.get("companyname", "").strip()
        people[row["id"]] = (name, row.get("email", "").strip())


def _rows(section: Section) -> list[dict[str, str]]:
    return [
        dict(zip(section.columns, fields, strict=True))
        for fields, _ in records(section, section.columns, Tally(), entities=True)
    ]
