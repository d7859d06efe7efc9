"""State: the folder that outlives a run, used by one run at a time."""

import fcntl
import json
import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TextIO

OURS = (
    "aws",
    "generations",
    "journal",
    "layers",
    "s3",
    "store",
    "tmp",
    "credentials.env",
    "stack.json",
    "env.json",
)
"""
All that a run leaves in its folder. Wiping removes these and nothing else: STATE may be set to any folder.
"""


class StateInUse(Exception):
    """Another run holds the folder. The text is the sentence to show."""


class State:
    """The folder, locked for as long as this process lives: a kill lets go of it too."""

    def __init__(self, folder: Path) -> None:
        """Raises `StateInUse`."""
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        # Keys and customers' words lie here.
        folder.chmod(0o700)
        self._lock: TextIO = (folder / "lock").open("a+", encoding="utf-8")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._lock.seek(0)
            holder = self._lock.read().strip()
            self._lock.close()
            whose = f" (process {holder})" if holder else ""
            raise StateInUse(
                f"{folder} is in use by another run{whose}: stop it, or set STATE to another folder."
            ) from error
        self._lock.seek(0)
        self._lock.truncate()
        self._lock.write(str(os.getpid()))
        self._lock.flush()

    @property
    def settled(self) -> bool:
        """Whether a first deploy has ever succeeded here."""
        return (self.folder / "generations" / "CURRENT").is_file()

    def wipe(self, *, keep: tuple[str, ...] = ()) -> None:
        """Forget everything but what is named."""
        for name in (name for name in OURS if name not in keep):
            path = self.folder / name
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)

    def announce(self, stack: Mapping[str, Any], *, credentials: Mapping[str, str]) -> None:
        """
        Leave word for other commands of where this run answers.

        `stack.json` is for ours, `env.json` for `sam local invoke --env-vars`: the variables of the functions
        that name things of this stack.
        """
        named = {_variable(output): value for output, value in stack["outputs"].items()}
        own = {"AWS_ENDPOINT_URL": stack["aws"], "EMBEDDED_STORE": "", **credentials}
        self._put("stack.json", stack)
        self._put("env.json", {"Parameters": {**named, **own}})

    def _put(self, name: str, content: Mapping[str, Any]) -> None:
        beside = self.folder / f"{name}.next"
        beside.write_text(json.dumps(content, indent=1), encoding="utf-8")
        beside.replace(self.folder / name)

    def close(self) -> None:
        self._lock.close()


def _variable(output: str) -> str:
    """`DocumentsTable` is `DOCUMENTS_TABLE` in a function's environment."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", output).upper()
