"""
Links: the few addresses of a WHMCS site that are ever asked for.

There, GET links change things (`sub=delete`, `closeticket=true`, `removeattachment`, merging, logging out).
So no link is followed as it was found: numbers are taken out of links, addresses are made of them here, and
whatever is about to be asked for, redirects included, has to have one of these shapes.
"""

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

from candor.errors import Malformed
from candor.whmcs.site.values import Access, Area

_LIST: Final = "supporttickets.php"
_LIST_KEYS: Final = frozenset(("view", "filter", "page", "deptid", "status", "orderby", "sort", "limit"))
_PLAIN: Final = re.compile(r"[\w .,+-]{0,100}")
_ID: Final = re.compile(r"[0-9]{1,12}", re.ASCII)
_TID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", re.ASCII)
_KEY: Final = re.compile(r"[A-Za-z0-9]{0,64}", re.ASCII)
_LOGIN_ROUTES: Final = re.compile(
    r"/?login(?:/(?:challenge|validate|twofactor))?(?:/[a-z-]{1,30})?", re.ASCII
)
_LOGIN_FILES: Final = frozenset(("login.php", "dologin.php", "clientarea.php", "index.php", ""))
_LOGIN_KEYS: Final = frozenset(("rp", "redirect", "incorrect", "timeout", "challenge", "goto", "language"))
_PARTS: Final = (".js", ".css", ".json", ".map", ".mjs")
_FILE: Final = re.compile(r"[a-z0-9_-]+\.php$", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True, slots=True)
class TicketLink:
    """What a link to a ticket says."""

    id: str = ""
    """The helpdesk's own key; of the admin area only."""
    tid: str = ""
    key: str = ""
    """What opens it besides, in the client area. Never stored."""


class Links:
    """The addresses of one site and area."""

    def __init__(self, access: Access) -> None:
        """`Malformed` for a base address or path that cannot be a list's."""
        self.root = _root(access)
        self.area = f"{self.root}{access.admin_dir.strip('/')}/" if access.area == Area.ADMIN else self.root
        self.is_admin = access.area == Area.ADMIN
        self._list_path = access.list_path.strip().lstrip("/") or _LIST
        self._login_path = access.login_path.strip().lstrip("/")
        if access.area == Area.ADMIN and not re.fullmatch(r"[\w./-]{1,100}", access.admin_dir.strip("/")):
            raise Malformed("admin_dir is the name of the folder that the admin area lies in, such as admin.")
        if not self.is_list(self.list_url()):
            raise Malformed(
                "list_path is the path of the ticket list, such as supporttickets.php?view=active; a link "
                "that does something else is never followed."
            )
        if self._login_path and not self._is_inside(self.login_url()):
            raise Malformed("login_path is the path of the login page on the same site, such as login.php.")

    def api_url(self) -> str:
        return f"{self.root}includes/api.php"

    def login_url(self) -> str:
        """Where the login form is said to be; blank where the site itself has to lead there."""
        return urljoin(self.area, self._login_path) if self._login_path else ""

    def list_url(self, **more: str) -> str:
        """The list, with what `more` asks of it besides."""
        url = urljoin(self.area, self._list_path)
        known = {name: value for name, value in _query(url) if name not in more}
        query = urlencode({**known, **more})
        return url.partition("?")[0] + (f"?{query}" if query else "")

    @property
    def names_view(self) -> bool:
        """Whether `list_path` itself says which tickets are meant."""
        return any(name in ("view", "status") for name, _ in _query(self.list_url()))

    def view_url(self, link: TicketLink) -> str:
        """Where a ticket is shown."""
        if self.is_admin:
            return f"{self.area}{_LIST}?{urlencode({'action': 'view', 'id': link.id})}"
        key = {"c": link.key} if link.key else {}
        return f"{self.area}viewticket.php?{urlencode({'tid': link.tid, **key})}"

    def detail_url(self, *, id: str = "", tid: str = "") -> str:
        """The same for people to keep: without a key, which nobody stores."""
        return self.view_url(TicketLink(id=id, tid=tid))

    def ticket(self, href: str, page_url: str) -> TicketLink | None:
        """What a link on a page says, if it shows a ticket and does nothing else."""
        try:
            url = urljoin(page_url, href.strip())
        except ValueError:
            return None
        if not self._is_inside(url):
            return None
        return self._viewed(url)

    def is_list(self, url: str) -> bool:
        if not self._is_inside(url):
            return False
        if not url.partition("?")[0].endswith(f"/{_LIST}"):
            return False
        query = _query(url)
        return _is_single(query) and all(
            name in _LIST_KEYS and _PLAIN.fullmatch(value) for name, value in query
        )

    def is_login(self, url: str) -> bool:
        """A page that asks who one is, or where one lands after having said it."""
        if not self._is_inside(url):
            return False
        if self._login_path and url.partition("#")[0] == self.login_url():
            return True
        query = _query(url)
        file = urlsplit(url).path.rpartition("/")[2].lower()
        if not _is_single(query) or any(name not in _LOGIN_KEYS for name, _ in query):
            return False
        route = dict(query).get("rp")
        if route is not None:
            return file in ("index.php", "") and bool(_LOGIN_ROUTES.fullmatch(route.strip("/")))
        path = urlsplit(url).path.lower()
        return file in _LOGIN_FILES or path.endswith(("/login", "/login/challenge"))

    def may_ask(self, url: str) -> bool:
        """Whether an address is one of those that are asked for."""
        return self.is_list(url) or self.is_login(url) or self.ticket(url, url) is not None

    def is_harmless(self, url: str) -> bool:
        """
        Whether a browser that shows one of our pages may ask for this: the page itself, scripts and styles,
        and data that is asked for without an action. What the page's scripts would change, they may not.
        """
        if not self._is_inside(url):
            return True  # Another host gets no cookie.
        path = urlsplit(url).path.lower()
        if path.endswith(_PARTS):
            return True
        return self.may_ask(url) or (not _query(url) and not _FILE.search(path))

    def is_our_site(self, url: str) -> bool:
        """The same host, also when it has grown secure: http became https."""
        ours, theirs = urlsplit(self.root), urlsplit(url)
        if (ours.scheme, ours.netloc) == (theirs.scheme, theirs.netloc):
            return True
        grown = (ours.scheme, theirs.scheme) == ("http", "https") and ours.port in (None, 80)
        return grown and ours.hostname == theirs.hostname and theirs.port in (None, 443)

    def grow_secure(self) -> None:
        """The site answers every http address with its https twin: ask for that from now on."""
        self.root, self.area = (url.replace("http:", "https:", 1) for url in (self.root, self.area))

    def _is_inside(self, url: str) -> bool:
        try:
            path = urlsplit(url).path
            return self.is_our_site(url) and path.startswith(urlsplit(self.root).path) and ".." not in path
        except ValueError:  # A port that is none.
            return False

    def _viewed(self, url: str) -> TicketLink | None:
        query = _query(url)
        said = dict(query)
        file = urlsplit(url).path.rpartition("/")[2].lower()
        if not _is_single(query):
            return None
        if self.is_admin:
            shown = said.get("action") in ("view", "viewticket") and said.keys() == {"action", "id"}
            if file == _LIST and shown and _ID.fullmatch(said["id"]):
                return TicketLink(id=str(int(said["id"])))
            return None
        if file != "viewticket.php" or "tid" not in said or not said.keys() <= {"tid", "c"}:
            return None
        if not _TID.fullmatch(said["tid"]) or not _KEY.fullmatch(said.get("c", "")):
            return None
        return TicketLink(tid=said["tid"], key=said.get("c", ""))


def _root(access: Access) -> str:
    """The installation's folder, with a slash at its end."""
    url = access.base_url.strip()
    parts = urlsplit(url)
    if parts.scheme.lower() not in ("http", "https") or not parts.netloc:
        raise Malformed("base_url is the address of the WHMCS site, such as https://my.example.com/billing.")
    path = _FILE.sub("", parts.path).rstrip("/")
    folder = access.admin_dir.strip("/")
    if access.area == Area.ADMIN and folder and path.endswith(f"/{folder}"):
        path = path.removesuffix(f"/{folder}")  # Copied from the browser's address bar.
    return f"{parts.scheme.lower()}://{parts.netloc.lower()}{path}/"


def _query(url: str) -> list[tuple[str, str]]:
    """Names and values as PHP would see them."""
    try:
        return parse_qsl(urlsplit(url).query, keep_blank_values=True, max_num_fields=30)
    except ValueError:
        return [("", "")]


def _is_single(query: list[tuple[str, str]]) -> bool:
    # Of two with one name PHP takes the last, and a[] is an array: neither is ever a link to look at.
    return len({name for name, _ in query}) == len(query)
