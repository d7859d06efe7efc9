"""A WHMCS site on loopback: both areas, the API, logins that ban, sessions that end, and every bad habit."""

import json
import random
import threading
import time
from collections.abc import Sequence
from html import escape
from typing import Final
from urllib.parse import parse_qsl

from candor.whmcs.site import totp
from tests.doubles.loopback import Loopback, Reply, Request
from tests.doubles.whmcs_site import api, pages
from tests.doubles.whmcs_site.habits import Habits, Session
from tests.doubles.whmcs_site.truth import Truth, tickets

USERNAME, PASSWORD = "reader", "correct horse battery"
IDENTIFIER, SECRET = "IdEnTiFiEr0123456789", "sEcReT-of-the-api"
COOKIE: Final = "WHMCSaB3dE5gH7jK9"
_CHANGES: Final = frozenset(
    (
        "sub",
        "closeticket",
        "removeattachment",
        "merge",
        "delete",
        "postreply",
        "addnote",
        "flag",
        "deptchange",
    )
)


class WhmcsSite(Loopback):
    """A context manager; `base` is the installation's root. The client area is customer 41's: all tickets."""

    def __init__(self, truths: Sequence[Truth] | None = None, *, port: int = 0, **habits: object) -> None:
        super().__init__(port=port)
        self.truths = {truth.id: truth for truth in (tickets(36) if truths is None else truths)}
        self.habits = Habits(**habits)  # type: ignore[arg-type]
        self.changes: list[str] = []
        """What was asked for that would have changed something: nothing, if all is well."""
        self.bad_logins = 0
        self.logins = 0
        self.banned = False
        self.codes: set[int] = set()
        self.sessions: dict[str, Session] = {}
        self._ended = 0
        self._asked = 0
        self._guard = threading.Lock()
        self._chance = random.Random(5)

    @property
    def base(self) -> str:
        return f"{self.url}/billing"

    @property
    def origin(self) -> str:
        return self.url.removeprefix("http://")

    def paths(self) -> list[str]:
        with self._guard:
            return [request.path for request in self.requests]

    def browser_cookie(self) -> dict[str, object]:
        """A logged-in session as a browser's extension exports it."""
        name = self._opened("reader")
        return {
            "domain": "127.0.0.1",
            "expirationDate": time.time() + 86_400,
            "hostOnly": True,
            "httpOnly": True,
            "name": COOKIE,
            "path": "/",
            "sameSite": "unspecified",
            "secure": False,
            "session": False,
            "storeId": "0",
            "value": name,
        }

    # ------------------------------------------------------------ every request
    def reply(self, request: Request) -> Reply:
        habits = self.habits
        if habits.slow:
            self.wait(habits.slow)
        with self._guard:
            self._asked += 1
            busy = habits.busy_every and self._asked % habits.busy_every == 0
        if habits.moved_to:
            return Reply(status=301, body=b"", headers={"Location": f"{habits.moved_to}{request.path}"})
        if habits.down:
            return _page("<h1>Down</h1>", status=habits.down, headers={"Retry-After": habits.retry_after})
        if busy:
            return _page("Too many", status=429, headers={"Retry-After": habits.retry_after})
        if not request.path.startswith("/billing/"):
            return self._asset(request)
        path = request.path.removeprefix("/billing/")
        if path == "includes/api.php":
            return self._api(request)
        if self.banned and path != "banned.php":
            return _moved("/billing/banned.php")
        if path == "banned.php":
            return _page("<h1>Banned</h1><p>Your IP has been banned. Reason: 3 Invalid Login Attempts</p>")
        self._note_changes(request, path)
        if path in habits.redirects and "action" not in request.query:
            return _moved(habits.redirects[path])
        reply = self._answered(request, path)
        if habits.garble is not None and isinstance(reply.body, bytes):
            return Reply(status=reply.status, body=habits.garble(path, reply.body), headers=reply.headers)
        return reply

    def _note_changes(self, request: Request, path: str) -> None:
        query = set(request.query)
        action = request.query.get("action", [""])[-1]
        is_login = path.endswith("dologin.php") or request.query.get("rp", [""])[0].startswith("/login")
        changed = (
            query & _CHANGES
            or path.endswith("logout.php")
            or (action and action not in ("view", "viewticket", "login", "challenge"))
            or (request.method != "GET" and not is_login)
            or path.endswith("dl.php")
        )
        if changed:
            with self._guard:
                self.changes.append(f"{request.method} {path} {sorted(query)}")

    def _answered(self, request: Request, path: str) -> Reply:
        area = "admin" if path.startswith("admin/") else "client"
        file = path.removeprefix("admin/")
        name, session = self._session(request)
        route = request.query.get("rp", [""])[0]
        if file == "dologin.php" or (route == "/login" and request.method == "POST"):
            return self._log_in(request, area, name, session)
        if route == "/login/challenge" or (file == "dologin.php" and session.waits_for_code):
            return self._challenge(request, area, session)
        if file == "login.php" or route == "/login":
            return self._login_page(area, name, session, failed="incorrect" in request.query)
        if not session.user or session.waits_for_code:
            where = "/billing/admin/login.php" if area == "admin" else "/billing/index.php?rp=/login"
            if area == "client" and self.habits.legacy_login:
                where = f"/billing/login.php?redirect={file}"
            elif area == "admin":
                where += f"?redirect={file}"
            return _moved(where, cookie=name)
        session.requests += 1
        limits = self.habits.expires_after
        with self._guard:
            # Of several requests that come together, one ends the session; the others find it ended.
            ended = self.sessions.get(name) is not session
            if not ended and self._ended < len(limits) and session.requests > limits[self._ended]:
                self._ended += 1
                del self.sessions[name]
                ended = True
        if ended:
            return self._answered(request, path)
        if self.habits.needs_scripts and file in ("supporttickets.php", "viewticket.php"):
            query = "&".join(f"{key}={value[-1]}" for key, value in request.query.items())
            source = f"/assets/data/{area}/{file}/{query.replace('&', ';')}.json"
            script = f'<script src="/assets/app.js" data-source="{escape(source)}" id="app-script"></script>'
            return self._sent('<div id="app">Loading</div>', scripts=script)
        return self._shown(request.query, area, file)

    def _shown(self, query: dict[str, list[str]], area: str, file: str) -> Reply:
        draw = self._admin if area == "admin" else self._client
        body, status = draw(query, file)
        return self._sent(body, status=status)

    # ------------------------------------------------------------ pages
    def _admin(self, query: dict[str, list[str]], file: str) -> tuple[str, int]:
        habits = self.habits
        if file != "supporttickets.php":
            return f"{pages.menu('')}<h1>Home</h1>", 200
        if query.get("action", [""])[-1] in ("view", "viewticket"):
            number = query.get("id", ["0"])[-1]
            truth = self.truths.get(int(number)) if number.isdigit() else None
            if truth is None:
                return pages.admin_missing(), 200
            return pages.admin_ticket(truth, pattern=habits.pattern, newest_first=habits.newest_first), 200
        view = query.get("view", [""])[-1]
        if view == "any" and not habits.offers_any:
            view = ""
        rows = sorted(self._in_view(view), key=lambda one: (one.updated, one.id), reverse=True)
        count = max(1, -(-len(rows) // habits.page_size))
        asked = query.get("page", [str(habits.first_page)])[-1]
        # A page too high is the last one again, as WHMCS does it.
        at = min(max(int(asked) if asked.isdigit() else 0, habits.first_page), count - 1 + habits.first_page)
        start = (at - habits.first_page) * habits.page_size
        return (
            pages.admin_list(
                rows[start : start + habits.page_size],
                total=len(rows),
                page=at,
                pages=count,
                view=view,
                offers_any=habits.offers_any,
                pattern=habits.pattern,
                says_total=habits.says_total,
            ),
            200,
        )

    def _in_view(self, view: str) -> list[Truth]:
        if view == "any":
            return list(self.truths.values())
        if view in pages.STATUSES:
            return [one for one in self.truths.values() if one.status == view]
        return [one for one in self.truths.values() if one.status in ("Open", "Customer-Reply")]

    def _client(self, query: dict[str, list[str]], file: str) -> tuple[str, int]:
        habits = self.habits
        if file == "supporttickets.php":
            rows = sorted(self.truths.values(), key=lambda one: (one.updated, one.id), reverse=True)
            return pages.client_list(rows, theme=habits.theme, pattern=habits.pattern), 200
        if file == "viewticket.php":
            tid, key = query.get("tid", [""])[-1], query.get("c", [""])[-1]
            truth = next((one for one in self.truths.values() if (one.tid, one.key) == (tid, key)), None)
            if truth is None:
                return pages.client_missing(), 200
            if habits.theme not in ("six", "twenty-one"):
                return f'<div class="talk"><p>{escape(truth.posts[0].text)}</p></div>', 200
            return (
                pages.client_ticket(
                    truth, theme=habits.theme, pattern=habits.pattern, newest_first=habits.newest_first
                ),
                200,
            )
        return f"{pages.menu('')}<h1>Welcome back</h1>", 200

    def _sent(self, body: str, *, status: int = 200, scripts: str = "", cookie: str = "") -> Reply:
        charset = self.habits.charset
        text = pages.whole("Support", body, charset=charset, scripts=scripts)
        headers = {"Content-Type": f"text/html; charset={charset}"}
        if cookie:
            headers["Set-Cookie"] = f"{COOKIE}={cookie}; path=/; HttpOnly; SameSite=Lax"
        return Reply(status=status, body=text.encode(charset, "xmlcharrefreplace"), headers=headers)

    def _asset(self, request: Request) -> Reply:
        if request.path == "/assets/app.js":
            return Reply(body=_APP.encode(), headers={"Content-Type": "application/javascript"})
        if request.path.startswith("/assets/data/") and request.path.endswith(".json"):
            _, session = self._session(request)
            if not session.user:
                return Reply(status=403, body={"error": "log in"})
            area, file, query = request.path.removeprefix("/assets/data/").removesuffix(".json").split("/", 2)
            asked = {name: [value] for name, value in parse_qsl(query.replace(";", "&"))}
            body, _ = (self._admin if area == "admin" else self._client)(asked, file)
            return Reply(body=json.dumps({"html": body}).encode())
        if request.path.endswith(".js"):
            return Reply(body=b"window.themed = true", headers={"Content-Type": "application/javascript"})
        return _page("<h1>Not here</h1>", status=404)

    # ------------------------------------------------------------ sessions
    def _session(self, request: Request) -> tuple[str, Session]:
        """The session of a request, and its name; a new one where there is none."""
        for pair in request.headers.get("cookie", "").split(";"):
            name, _, value = pair.strip().partition("=")
            if name == COOKIE and value in self.sessions:
                return value, self.sessions[value]
        value = self._opened("")
        return value, self.sessions[value]

    def _opened(self, user: str) -> str:
        with self._guard:
            value = f"{self._chance.getrandbits(96):024x}"
            self.sessions[value] = Session(user=user, token=f"{self._chance.getrandbits(64):016x}")
        return value

    def _login_page(self, area: str, name: str, session: Session, *, failed: bool) -> Reply:
        if session.waits_for_code:
            action = "dologin.php" if area == "admin" else "index.php?rp=/login/challenge"
            body = pages.second_factor(
                token=session.token, action=action, backup=self.habits.backup_only, failed=failed
            )
        else:
            modern = area == "client" and not self.habits.legacy_login
            body = pages.login(
                area=area,
                token=session.token,
                failed=failed,
                captcha=self.habits.captcha,
                action="/billing/index.php?rp=/login" if modern else "dologin.php",
            )
        return self._sent(body, cookie=name)

    def _log_in(self, request: Request, area: str, name: str, session: Session) -> Reply:
        form = dict(parse_qsl(request.body.decode("utf-8"), keep_blank_values=True))
        back = "/billing/admin/login.php" if area == "admin" else "/billing/index.php?rp=/login"
        if area == "client" and self.habits.legacy_login:
            back = "/billing/login.php"
        failed = back + ("&" if "?" in back else "?") + "incorrect=true"
        if form.get("token") != session.token:
            return self._sent('<div class="alert alert-danger">Invalid token.</div>', cookie=name)
        if session.waits_for_code:
            return self._challenge(request, area, session)
        if self.habits.captcha and "g-recaptcha-response" not in form:
            return _moved(failed)
        if (form.get("username"), form.get("password")) != (USERNAME, PASSWORD):
            return self._failed(failed)
        if self.habits.totp_secret:
            session.waits_for_code = True
            return _moved(back)
        return self._welcome(area)

    def _challenge(self, request: Request, area: str, session: Session) -> Reply:
        back = "/billing/admin/login.php" if area == "admin" else "/billing/index.php?rp=/login"
        if request.method != "POST":
            return _moved(back)
        form = dict(parse_qsl(request.body.decode("utf-8")))
        now = self.clock()
        good = {
            totp.step(now + drift): totp.code(self.habits.totp_secret, now + drift) for drift in (-30, 0, 30)
        }
        step = next((step for step, code in good.items() if code == form.get("key")), 0)
        if form.get("token") != session.token or not step or step in self.codes:
            return self._failed(back)
        self.codes.add(step)
        return self._welcome(area)

    def _failed(self, back: str) -> Reply:
        with self._guard:
            self.bad_logins += 1
            self.banned = self.bad_logins >= self.habits.ban_after
        return _moved(back)

    def _welcome(self, area: str) -> Reply:
        with self._guard:
            self.logins += 1
        name = self._opened(USERNAME)
        return _moved(
            "/billing/admin/index.php" if area == "admin" else "/billing/clientarea.php", cookie=name
        )

    # ------------------------------------------------------------ the API
    def _api(self, request: Request) -> Reply:
        form = dict(parse_qsl(request.body.decode("utf-8"), keep_blank_values=True))
        if request.method != "POST":
            return _page("Post only", status=405)
        if self.habits.api_error:
            return self._said({"result": "error", "message": self.habits.api_error}, status=403)
        if self.banned:
            return self._said({"result": "error", "message": "IP Banned"}, status=403)
        if (form.get("identifier"), form.get("secret")) != (IDENTIFIER, SECRET):
            with self._guard:
                self.bad_logins += 1
                self.banned = self.bad_logins >= self.habits.ban_after
            return self._said({"result": "error", "message": "Authentication Failed"}, status=403)
        if form.get("action") == "GetTickets":
            return self._said(api.listed(list(self.truths.values()), form))
        if form.get("action") == "GetTicket":
            return self._said(api.ticket(self.truths, form))
        if form.get("action") == "AddTicketNote":
            return self._said(api.add_note(self.truths, form))
        self.changes.append(f"API {form.get('action')}")
        return self._said({"result": "error", "message": "Command Not Found"})

    def _said(self, value: object, *, status: int = 200) -> Reply:
        body = (self.habits.api_noise + json.dumps(value)).encode()
        return Reply(status=status, body=body, headers={"Content-Type": "application/json"})


_APP: Final = """
const script = document.getElementById('app-script')
// What a careless script does on its own: it must not get through.
fetch(location.pathname + '?action=view&id=1&closeticket=true').catch(() => 0)
fetch(script.dataset.source).then(answer => answer.json()).then(data => {
  document.getElementById('app').innerHTML = data.html
})
"""


def _page(body: str, *, status: int = 200, headers: dict[str, str] | None = None) -> Reply:
    text = pages.whole("WHMCS", body).encode()
    return Reply(
        status=status, body=text, headers={"Content-Type": "text/html; charset=utf-8", **(headers or {})}
    )


def _moved(location: str, *, cookie: str = "") -> Reply:
    headers = {"Location": location, "Content-Type": "text/html"}
    if cookie:
        headers["Set-Cookie"] = f"{COOKIE}={cookie}; path=/; HttpOnly; SameSite=Lax"
    return Reply(status=302, body=b"", headers=headers)
