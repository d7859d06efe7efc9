"""Habits: how an installation of the double behaves, and who is logged in to it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field


@dataclass
class Session:
    user: str = ""
    waits_for_code: bool = False
    token: str = "t0"
    requests: int = 0


@dataclass
class Habits:
    """How this installation behaves; change it at any time."""

    theme: str = "six"
    """six, twenty-one, or another one that no reader knows."""
    pattern: str = "%d/%m/%Y %H:%M"
    """Of dates: what `strftime` takes, or `long`."""
    charset: str = "utf-8"
    page_size: int = 25
    first_page: int = 1
    offers_any: bool = True
    says_total: bool = True
    newest_first: bool = False
    totp_secret: str = ""
    backup_only: bool = False
    captcha: bool = False
    ban_after: int = 3
    legacy_login: bool = False
    """`dologin.php` also for customers."""
    expires_after: Sequence[int] = ()
    """Each session in turn ends after so many requests."""
    busy_every: int = 0
    """So many requests, and the next one gets a 429, once."""
    retry_after: str = "1"
    down: int = 0
    """A status that every page answers with."""
    slow: float = 0.0
    needs_scripts: bool = False
    moved_to: str = ""
    """Another origin, to which every page redirects."""
    redirects: Mapping[str, str] = field(default_factory=dict)
    """Where pages lead instead, by their path."""
    garble: Callable[[str, bytes], bytes] | None = None
    """What becomes of a page on its way: path and body to body."""
    api_error: str = ""
    api_noise: str = ""
    """What PHP writes before its JSON."""
