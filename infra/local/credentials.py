"""Credentials: the keys a first start makes up, and where they lie."""

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from infra.local.options import read_env_file

NAMES = ("ADMIN_USERNAME", "ADMIN_PASSWORD", "API_KEY", "ADMIN_API_KEY", "JWT_SECRET")


@dataclass(frozen=True, kw_only=True, slots=True)
class Credentials:
    values: Mapping[str, str]
    """By the names in `NAMES`, as they are in force."""
    path: Path
    made_now: bool
    from_environment: tuple[str, ...]
    """Those that a variable replaced; the file's own value of them is not in force."""


def ensure(state: Path, environ: Mapping[str, str]) -> Credentials:
    """Read the state folder's credentials, making the missing ones up. Variables that are set win."""
    path = state / "credentials.env"
    kept = read_env_file(path)
    missing = [name for name in NAMES if not kept.get(name)]
    if missing:
        kept.update((name, _made_up(name)) for name in missing)
        _write(path, kept)
    given = {name: environ[name] for name in NAMES if environ.get(name)}
    return Credentials(
        values={**{name: kept[name] for name in NAMES}, **given},
        path=path,
        made_now=len(missing) == len(NAMES),
        from_environment=tuple(given),
    )


def _made_up(name: str) -> str:
    if name == "ADMIN_USERNAME":
        return "admin"
    # 48 random bytes for the signing key, 24 for what a person may have to paste.
    return secrets.token_urlsafe(48 if name == "JWT_SECRET" else 24)


def _write(path: Path, values: Mapping[str, str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".tmp")
    # Created closed to others: a later chmod would leave a moment in which anybody could read it.
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.writelines(f"{name}={value}\n" for name, value in values.items())
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
