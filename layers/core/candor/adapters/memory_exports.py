"""In-memory export marks, for tests and for small demos."""

import threading


class MemoryExportMarks:
    """`ExportMarks` in a dictionary."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._wanted: dict[str, str] = {}

    def want(self, name: str, changed_at: str) -> None:
        with self._lock:
            self._wanted[name] = max(self._wanted.get(name, ""), changed_at)

    def wanted(self, name: str) -> str:
        return self._wanted.get(name, "")
