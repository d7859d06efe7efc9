"""In-memory folds: groups of tickets in a dictionary, for tests and for small demos."""

import json
import threading
from collections.abc import Mapping, Sequence

from candor.tickets.folding import Sheet, Write


class MemoryFolds:
    """`Folds` under a lock; values go through JSON as they do elsewhere."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sheets: dict[str, tuple[str, int]] = {}

    def read(self, keys: Sequence[str]) -> Mapping[str, Sheet]:
        with self._lock:
            found = {key: self._sheets[key] for key in keys if key in self._sheets}
        return {key: Sheet(value=json.loads(value), revision=times) for key, (value, times) in found.items()}

    def write(self, *writes: Write) -> bool:
        with self._lock:
            if any(self._revision(each.key) != each.revision_was for each in writes):
                return False
            for each in writes:
                if each.value is None:
                    self._sheets.pop(each.key, None)
                else:
                    self._sheets[each.key] = (json.dumps(each.value), each.revision_was + 1)
            return True

    def _revision(self, key: str) -> int:
        return self._sheets[key][1] if key in self._sheets else 0
