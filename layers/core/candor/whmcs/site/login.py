"""
Login: a user's name and password, and the second factor, given to the site's own form, once.

A login that is turned down is not tried a second time, by anybody: WHMCS bans an address after a few.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

from candor.errors import Refused, UpstreamFailed
from candor.fetching import Fetched
from candor.whmcs.site import totp
from candor.whmcs.site.asking import Site, redirect_of
from candor.whmcs.site.trees import first, tree_of, words
from candor.whmcs.site.values import Access, SessionExpired

_BY_HAND: Final = "Log in by hand instead: make whmcs-login."
_CAPTCHAS: Final = (
    "g-recaptcha", "btn-recaptcha", "recaptcha-container", "h-captcha", "cf-turnstile", "frc-captcha",
)  # fmt: skip
_CAPTCHA_IMAGE: Final = "verifyimage.php"
_ALERTS: Final = ("alert-danger", "login-error", "alert-error", "alert-warning", "errorbox", "alert")
_NAMES: Final = ("username", "email", "user", "login")
_KEYS: Final = ("key", "code", "totp", "token2fa")
_SAFE: Final = re.compile(r"[^\w\s.,:;!?'()/@-]")


@dataclass(frozen=True, kw_only=True, slots=True)
class Form:
    """A form of a page: where it goes, and what is in it already."""

    action: str
    fields: Mapping[str, str]
    """Hidden fields, the token against forged requests among them."""
    inputs: Mapping[str, str]
    """The others: name to type."""
    element: Any


class Login:
    """Logs in with the name and password of an `Access`. The caller sees to it that one thread does."""

    def __init__(self, site: Site, access: Access, *, last_step: int = 0) -> None:
        self._site = site
        self._access = access
        self._refused = ""
        self._code_given = False
        self.last_step = last_step
        """Which one-time code was used last: it is good for one login."""

    @property
    def is_possible(self) -> bool:
        return bool(self._access.username and self._access.password)

    def log_in(self) -> None:
        """Logged in, or `Refused`, for good. `SessionExpired` where there is nothing (more) to do it with."""
        if self._refused:
            raise Refused(self._refused)
        if not self.is_possible:
            raise SessionExpired(
                "The site asks to log in: the session of the saved cookies is over, or bound to another "
                "address (WHMCS: General Settings > Security > Session IP check). Save new cookies, or set "
                "a user name and password, or better API credentials."
            )
        site = self._site.apart()
        try:
            self._tried(site)
        except Refused as refused:
            self._refused = str(refused)
            raise
        self._site.jar = site.jar

    def _tried(self, site: Site) -> None:
        page = site.get(site.links.login_url() or site.links.list_url())
        root = tree_of(page)
        form = login_form(root, page.url)
        if site.links.is_list(page.url) and (form is None or not site.links.is_login(form.action)):
            return  # Logged in already. Such a page may ask for a password too, to confirm what it would do.
        if form is None:
            raise Refused(_no_form(root))
        self._check_form(form, page)
        name = next((one for one in _NAMES if one in form.inputs), "") or next(
            (one for one, kind in form.inputs.items() if kind in ("text", "email")), "username"
        )
        word = next(one for one, kind in form.inputs.items() if kind == "password")
        given = {**form.fields, name: self._access.username, word: self._access.password}
        page = _given(site, form, given)
        root = tree_of(page)
        if second_factor_form(root, page.url) is None and login_form(root, page.url) is None:
            # Some sites ask for the second factor only where one wants to go next.
            page = site.get(site.links.list_url())
            root = tree_of(page)
        if (second := second_factor_form(root, page.url)) is not None:
            self._check_form(second, page)
            page = _given(site, second, {**second.fields, _key_of(second): self._code()})
            root = tree_of(page)
            if second_factor_form(root, page.url) is not None or login_form(root, page.url) is not None:
                raise Refused(
                    "The site turned the one-time code down. It is not tried again, for bad logins lead to a "
                    f"ban: check totp_secret, and the clock of this machine.{_said(root)}"
                )
        elif login_form(root, page.url) is not None:
            raise Refused(
                "The site turned name and password down. They are not tried again, for bad logins lead to a "
                f"ban: correct them first.{_said(root)}"
            )
        if asks_to_log_in(site, site.get(site.links.list_url())):
            raise Refused(
                "The site took name and password, and still shows no tickets: this user may not see them, or "
                f"the site lets nobody in by script. {_BY_HAND}"
            )

    def _check_form(self, form: Form, page: Fetched) -> None:
        here, there = urlsplit(page.url), urlsplit(form.action)
        if not self._site.links.is_our_site(form.action) or (here.scheme, there.scheme) == ("https", "http"):
            raise Refused("The login form leads to another server: no password is sent there.")
        if not self._site.links.is_login(form.action):
            where = there.path[:100]
            raise Refused(
                f"The login form leads to {where}, which is no login: nothing is sent there. {_BY_HAND}"
            )
        if _has_captcha(form.element):
            raise Refused(f"The login form has a captcha, which wants a person. {_BY_HAND}")

    def _code(self) -> str:
        access = self._access
        if access.totp_secret:
            clock = self._site.clock
            at = clock.now().timestamp() + self._site.clock_ahead
            if totp.step(at) == self.last_step:
                # A code is taken once: the same one again would be a bad login.
                clock.sleep(totp.STEP - at % totp.STEP + 0.5)
                at = clock.now().timestamp() + self._site.clock_ahead
            self.last_step = totp.step(at)
            return totp.code(access.totp_secret, at)
        if not access.totp_code:
            raise Refused(
                "The site asks for a second factor: set totp_secret, the text below the QR code of WHMCS's "
                f"two-factor setup. {_BY_HAND}"
            )
        if self._code_given:
            raise SessionExpired(
                "The session is over, and the one-time code that was given is good once: set totp_secret."
            )
        self._code_given = True
        return re.sub(r"\s", "", access.totp_code)


def _given(site: Site, form: Form, fields: Mapping[str, str]) -> Fetched:
    """The page that answers a form: where it redirects to is looked at only if it asks for more."""
    answer = site.post(form.action, fields)
    target = redirect_of(answer)
    if not target:
        return answer
    site.inside(target)
    if site.links.is_login(target) or site.links.is_list(target):
        return site.get(target)
    # A home page, whatever it is called: the list will tell whether it was meant as a welcome.
    return Fetched(url=target, status=200, body=b"<html><body></body></html>")


def _key_of(form: Form) -> str:
    key = next((one for one in _KEYS if one in form.inputs), "")
    if not key:
        raise Refused(f"The site asks for a backup code, which is good once and only for people. {_BY_HAND}")
    return key


def asks_to_log_in(site: Site, page: Fetched) -> bool:
    """Whether a page is a login where something else was asked for."""
    if site.links.is_login(page.url):
        return True
    if b"password" not in page.body and b"PASSWORD" not in page.body:
        return False
    root = tree_of(page)
    form = login_form(root, page.url)
    return form is not None and site.links.is_login(form.action)


def login_form(root: Any, page_url: str) -> Form | None:
    """The form that takes a password, and no new one."""
    for element in root.iter("form"):
        form = _form(element, page_url)
        kinds = list(form.inputs.values())
        if kinds.count("password") == 1 and (element.get("method") or "").lower() == "post":
            return form
    return None


def second_factor_form(root: Any, page_url: str) -> Form | None:
    """The form that takes a one-time code: one short field named `key`; or the one for a backup code."""
    forms = [_form(element, page_url) for element in root.iter("form")]
    forms = [form for form in forms if "password" not in form.inputs.values()]
    for form in forms:
        key = next((one for one in form.element.iter("input") if one.get("name") in _KEYS), None)
        if key is not None and (key.get("maxlength") == "6" or "login" in form.action):
            return form
    return next((form for form in forms if any("backup" in name.lower() for name in form.inputs)), None)


def _form(element: Any, page_url: str) -> Form:
    fields: dict[str, str] = {}
    inputs: dict[str, str] = {}
    for one in element.iter("input", "button"):
        name, kind = one.get("name"), (one.get("type") or "text").lower()
        if (
            not name
            or one.tag == "button"
            or kind in ("submit", "button", "image", "checkbox", "radio", "file")
        ):
            continue
        if kind == "hidden":
            fields[name] = one.get("value") or ""
        else:
            inputs[name] = kind
    try:
        action = urljoin(page_url, (element.get("action") or page_url).strip())
    except ValueError:
        raise UpstreamFailed("The login form leads to what is no address.") from None
    return Form(action=action.partition("#")[0], fields=fields, inputs=inputs, element=element)


def _has_captcha(form: Any) -> bool:
    for element in form.iter():
        if not isinstance(element.tag, str):
            continue
        classes = f"{element.get('class') or ''} {element.get('id') or ''}".split()
        if any(one in _CAPTCHAS for one in classes) or _CAPTCHA_IMAGE in (element.get("src") or ""):
            return True
    return False


def _no_form(root: Any) -> str:
    if any(_has_captcha(body) for body in root.iter("body")):
        return f"The login page has a captcha, which wants a person. {_BY_HAND}"
    return (
        "There is no login form with a password where the site leads: it may sign in through another "
        f"service, or login_path is wrong. {_BY_HAND}"
    )


def _said(root: Any) -> str:
    """What the page itself gives as the reason."""
    said = _SAFE.sub(" ", words(first(root, *_ALERTS)))[:160].strip()
    return f" The site says: {said}" if said else ""
