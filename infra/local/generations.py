"""
Generations: checkpoints, of which exactly one is in force.

A generation is a folder of JSON files and the number of the last journal line it holds. It is written beside
the one in force and takes its place by one rename, so that a kill leaves the old one or the new one, never a
mixture.
"""

import json
import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from infra.local.journal import sync_folder


@dataclass(frozen=True, kw_only=True, slots=True)
class Generation:
    folder: Path
    last: int
    """Journal lines up to this number are in it; the later ones are to be replayed."""
    port: int
    """The AWS port it was saved under: queue addresses hold it."""


class Generations:
    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._pointer = folder / "CURRENT"

    def current(self) -> Generation | None:
        """The one in force; None before the first checkpoint."""
        if not self._pointer.is_file():
            return None
        kept = json.loads(self._pointer.read_text(encoding="utf-8"))
        return Generation(folder=self._folder / kept["folder"], last=kept["last"], port=kept["port"])

    def begin(self, *, last: int, port: int) -> Generation:
        """An empty folder to write the next generation into. It is in force only after `switch`."""
        # Two checkpoints may hold the same journal line (a deploy writes none): the time tells them apart.
        folder = self._folder / f"{last:012}-{time.time_ns()}"
        folder.mkdir()
        return Generation(folder=folder, last=last, port=port)

    def switch(self, generation: Generation) -> None:
        """Put a complete generation in force, durably, and remove the others."""
        for path in generation.folder.iterdir():
            with path.open("rb") as written:
                os.fsync(written.fileno())
        sync_folder(generation.folder)
        beside = self._pointer.with_suffix(".next")
        with beside.open("w", encoding="utf-8") as file:
            json.dump(
                {"folder": generation.folder.name, "last": generation.last, "port": generation.port}, file
            )
            file.flush()
            os.fsync(file.fileno())
        beside.replace(self._pointer)
        sync_folder(self._folder)
        self.sweep()

    def sweep(self) -> None:
        """Remove what is not in force: older generations, and one that a kill left half written."""
        current = self.current()
        for folder in self._folder.iterdir():
            if folder.is_dir() and (current is None or folder != current.folder):
                shutil.rmtree(folder, ignore_errors=True)
