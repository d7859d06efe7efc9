"""
Receipts: which dumps were imported, so that their files can go and what they brought stays.

A raw dump holds passwords and addresses, so it is not kept. But an object that is removed withdraws its
documents: that is how a person takes them back. So before we remove one we write down that it was us.
"""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from candor.errors import NotFound
from candor.objects import IMPORTED_PREFIX, Objects, mark_of

DUE_PREFIX: Final = f"{IMPORTED_PREFIX}due/"
GONE_PREFIX: Final = f"{IMPORTED_PREFIX}gone/"


@dataclass(frozen=True, kw_only=True, slots=True)
class Receipt:
    """This content of this key has been imported, and may go."""

    key: str
    mark: str
    job_id: str
    imported_at: datetime


class Receipts:
    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    def write(self, receipt: Receipt) -> None:
        body = json.dumps(
            {
                "key": receipt.key,
                "mark": receipt.mark,
                "job_id": receipt.job_id,
                "imported_at": receipt.imported_at.isoformat(),
            },
            ensure_ascii=False,
        )
        self._objects.put(_name(DUE_PREFIX, receipt.key), body.encode(), content_type="application/json")

    def retire_named(self, name: str) -> bool:
        """The same as `retire`, for the receipt that lies under `DUE_PREFIX` by this name."""
        receipt = self._read(name)
        return receipt is not None and self.retire(receipt)

    def retire(self, receipt: Receipt) -> bool:
        """Remove the imported file. What it brought stays. False: something else lies there by now."""
        info = self._objects.find(receipt.key)
        ours = info is not None and mark_of(info) == receipt.mark
        if ours:
            # First the word, then the deed: whoever sees the file gone finds out why.
            self._objects.put(_name(GONE_PREFIX, receipt.key), b"{}", content_type="application/json")
            self._objects.delete(receipt.key)
        self._objects.delete(_name(DUE_PREFIX, receipt.key))
        return ours

    def retired(self, key: str) -> bool:
        """Whether it was we who removed what lay there last."""
        return self._objects.find(_name(GONE_PREFIX, key)) is not None

    def renew(self, key: str) -> None:
        """Something lies there again: whoever removes that means it."""
        self._objects.delete(_name(GONE_PREFIX, key))

    def _read(self, name: str) -> Receipt | None:
        try:
            fields = json.loads(self._objects.read(name))
        except NotFound:
            return None
        return Receipt(
            key=fields["key"],
            mark=fields["mark"],
            job_id=fields["job_id"],
            imported_at=datetime.fromisoformat(fields["imported_at"]),
        )


def _name(prefix: str, key: str) -> str:
    """A key may be as long as names can be: its place here is named by its checksum."""
    return f"{prefix}{hashlib.sha256(key.encode('utf-8', 'surrogatepass')).hexdigest()}.json"
