"""Settings of a WHMCS helpdesk: where it is, what opens it, and what is left out."""

import re
from typing import Final

from candor.config.sections import Kind, Section, Setting

_FOLDER = re.compile(r"[A-Za-z0-9._~-]+(?:/[A-Za-z0-9._~-]+)*")
_BASE32 = re.compile(r"[A-Z2-7]{16,128}={0,6}")

_TELEPHONE = re.compile(r"[+0-9 ()./-]+")


def root_of(text: str) -> str:
    """The root of an installation; `ValueError` for the address of one of its pages."""
    bare = text.strip().rstrip("/")
    last = bare.rpartition("/")[2]
    if "?" in bare or "#" in bare or last.casefold().endswith(".php"):
        raise ValueError(
            'must be the root of WHMCS, such as "https://my.example.com/billing", and no page of it'
        )
    return bare


def _folder(text: str) -> str:
    bare = text.strip("/")
    if not _FOLDER.fullmatch(bare) or ".." in bare.split("/"):
        raise ValueError('must be the name of a folder, such as "admin"')
    return bare


def _path(text: str) -> str:
    if "://" in text or text.startswith("//") or "\\" in text or ".." in re.split(r"[/?#]", text):
        raise ValueError('must be a path relative to the area, such as "supporttickets.php"')
    return text


def _base32(text: str) -> str:
    if not _BASE32.fullmatch(re.sub(r"[\s-]", "", text).upper()):
        raise ValueError("must be the secret that WHMCS shows beside its QR code: letters and 2 to 7")
    return text


def _own_address(text: str) -> str:
    name, at, domain = text.rpartition("@")
    mail = bool(at) and " " not in text and "@" not in name and "." in domain.strip(".")
    telephone = _TELEPHONE.fullmatch(text) and sum(letter.isdigit() for letter in text) >= 5
    if not (mail or telephone):
        raise ValueError(
            'must hold addresses ("help@example.com"), domains ("@example.com") and telephones only'
        )
    return text


def _day_first(text: str) -> str:
    return text.casefold()


def _time_zone(text: str) -> str:
    from zoneinfo import ZoneInfo  # Reads a file: only who names a zone pays for it.

    try:
        ZoneInfo(text)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError('must be the name of a time zone, such as "Europe/Riga"') from error
    return text


WHMCS: Final = Section(
    name="whmcs",
    settings=(
        Setting(name="base_url", address=True, check=root_of),
        Setting(name="area", default="admin", choices=("admin", "client")),
        Setting(name="admin_dir", default="admin", longest=200, check=_folder),
        Setting(name="list_path", longest=500, check=_path),
        Setting(name="login_path", longest=500, check=_path),
        Setting(name="api_identifier", longest=200),
        Setting(name="api_secret", secret=True, sent_to="base_url", longest=500),
        Setting(name="username", longest=200),
        Setting(name="password", secret=True, sent_to="base_url", longest=500),
        Setting(name="totp_secret", secret=True, sent_to="base_url", longest=200, check=_base32),
        Setting(name="departments", kind=Kind.WORDS, default=[], longest=200),
        Setting(name="ignore", kind=Kind.WORDS, default=[], longest=300),
        Setting(name="own_addresses", kind=Kind.WORDS, default=[], longest=200, check=_own_address),
        Setting(name="date_order", choices=("", "day_first", "month_first"), check=_day_first),
        Setting(name="time_zone", longest=100, check=_time_zone),
    ),
)
