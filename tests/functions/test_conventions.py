"""What every route of the API has in common, whatever it is for."""

import base64
import io
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from candor.accounts import Role, Scope
from candor.edge.http import Api, Call
from candor.edge.observability import logger
from candor.edge.routes import ROUTES, Access, Route
from functions.auth import app
from tests.doubles.entrance import ADMIN_KEY, API_KEY, Entrance
from tests.doubles.gateway import Answered, Context, Http, answered, proxy_event


@pytest.fixture
def entrance(monkeypatch: pytest.MonkeyPatch) -> Entrance:
    entrance = Entrance(cors_origins=("https://desk.example.com",))
    service = app.Service(
        gate=entrance.gate, login=entrance.login, tokens=entrance.tokens, users=entrance.users
    )
    monkeypatch.setattr(app, "service", lambda: service)
    return entrance


@pytest.fixture
def http(entrance: Entrance) -> Http:
    return Http(app.handler).as_(X_Admin_API_Key=ADMIN_KEY)


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """What the functions log from now on."""
    written = io.StringIO()
    monkeypatch.setattr(logger.registered_handler, "stream", written)
    return written


NEW_USER = {"username": "grace", "password": "correct horse"}


# ---------------------------------------------------------------- trace ids
@pytest.mark.parametrize("given_id", ["t-1", "Root=1-67891233-abcdef012345678912345678", "a" * 128])
def test_a_trace_id_comes_back(http: Http, given_id: str) -> None:
    assert http.as_(X_Trace_Id=given_id).get("/v1/admin/users").headers["x-trace-id"] == given_id


@pytest.mark.parametrize("given_id", ["", "a" * 129, "two words", "line\nbreak", "<script>", "идентификатор"])
def test_a_trace_id_nobody_should_have_to_read_is_replaced(http: Http, given_id: str) -> None:
    answer = http.as_(X_Trace_Id=given_id).get("/v1/admin/users")

    assert answer.headers["x-trace-id"] not in ("", given_id)
    assert len(answer.headers["x-trace-id"]) <= 128


def test_errors_carry_a_trace_id_and_it_stands_in_the_logs(http: Http, logged: io.StringIO) -> None:
    answer = http.as_(X_Trace_Id="t-7").post("/v1/admin/users", raw="{")

    assert (answer.status, answer.headers["x-trace-id"]) == (400, "t-7")
    [line] = [json.loads(line) for line in logged.getvalue().splitlines() if '"answered"' in line]
    assert (line["trace_id"], line["status"], line["route"]) == ("t-7", 400, "/v1/admin/users")


def test_logs_hold_no_words_and_no_secrets(http: Http, logged: io.StringIO) -> None:
    http.post("/v1/admin/users", {"username": "grace-hopper-7", "password": "swordfish-7"})
    http.post("/v1/auth/login", {"username": "grace-hopper-7", "password": "swordfish-7"})
    http.post("/v1/auth/login", {"username": "grace-hopper-7", "password": "swordfish-8"})

    assert logged.getvalue().count('"answered"') == 3
    for word in ("grace-hopper", "swordfish", ADMIN_KEY):
        assert word not in logged.getvalue()


# ---------------------------------------------------------------- bodies
@pytest.mark.parametrize(
    "raw",
    [
        "{",
        "}",
        "nonsense",
        "{'a': 1}",
        '{"a": NaN}',
        '{"a": Infinity}',
        '{"a": 1}x',
        "[" * 100_000,
        "1" * 5_000,
    ],
)
def test_a_body_that_is_not_json_is_400(http: Http, raw: str) -> None:
    answer = http.post("/v1/admin/users", raw=raw)

    assert (answer.status, set(answer.json)) == (400, {"detail"})


def test_a_body_that_is_not_utf8_is_400(http: Http) -> None:
    raw = base64.b64encode(b'{"username": "\xff"}').decode()

    assert http.post("/v1/admin/users", raw=raw, encoded=True).status == 400
    assert http.post("/v1/admin/users", raw="not base64!", encoded=True).status == 400


def test_an_encoded_body_is_read(http: Http) -> None:
    raw = base64.b64encode(json.dumps(NEW_USER).encode()).decode()

    assert http.post("/v1/admin/users", raw=raw, encoded=True).status == 201


def test_a_byte_order_mark_does_no_harm(http: Http) -> None:
    assert http.post("/v1/admin/users", raw="\ufeff" + json.dumps(NEW_USER)).status == 201


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("application/json", 201),
        ("application/json; charset=utf-8", 201),
        ("Application/JSON", 201),
        ("application/merge-patch+json", 201),
        ("", 201),
        ("text/plain", 415),
        ("application/x-www-form-urlencoded", 415),
        ("multipart/form-data; boundary=x", 415),
    ],
)
def test_a_body_must_be_json_and_need_not_say_so(http: Http, content_type: str, status: int) -> None:
    sent = http.as_(content_type=content_type) if content_type else http

    assert sent.post("/v1/admin/users", raw=json.dumps(NEW_USER)).status == status


def test_a_body_too_large_is_413(http: Http) -> None:
    assert http.post("/v1/admin/users", {**NEW_USER, "note": "x" * 5_300_000}).status == 413


def test_strings_are_trimmed_and_unknown_fields_ignored(http: Http) -> None:
    answer = http.post("/v1/admin/users", {**NEW_USER, "username": "  grace ", "shoe_size": 38})

    assert (answer.status, answer.json["username"]) == (201, "grace")


def test_a_password_keeps_its_blanks(http: Http) -> None:
    http.post("/v1/admin/users", {"username": "grace", "password": "  horses  "})

    assert http.post("/v1/auth/login", {"username": "grace", "password": "  horses  "}).status == 200
    assert http.post("/v1/auth/login", {"username": "grace", "password": "horses"}).status == 401


@pytest.mark.parametrize("wrong", ["   ", "", "a\x00b", "\ud800", None, 7, "x" * 129, "ﷺ" * 128])
def test_a_name_that_is_none_is_422_and_named(http: Http, wrong: object) -> None:
    answer = http.post("/v1/admin/users", {**NEW_USER, "username": wrong})

    assert answer.status == 422
    assert answer.json["errors"][0]["loc"] == ["body", "username"]


@pytest.mark.parametrize("size", ["0", "101", "-1", "x", "1.5", ""])
def test_a_page_size_outside_its_bounds_is_422(http: Http, size: str) -> None:
    answer = http.get("/v1/admin/users", query={"page_size": size})

    assert (answer.status, answer.json["errors"][0]["loc"]) == (422, ["query", "page_size"])


def test_an_id_that_is_no_text_is_422(http: Http) -> None:
    assert http.get("/v1/admin/users/a\x00b").status == 422


@pytest.mark.parametrize("name", ["x" * 1025, "😀" * 300])
def test_an_id_longer_than_a_table_takes_as_a_key_is_422(http: Http, name: str) -> None:
    assert http.get(f"/v1/admin/users/{name}").status == 422


# ---------------------------------------------------------------- CORS
def test_a_known_origin_may_read_the_answer(http: Http) -> None:
    answer = http.as_(Origin="https://desk.example.com").get("/v1/admin/users")

    assert answer.headers["access-control-allow-origin"] == "https://desk.example.com"
    assert "X-Trace-Id" in answer.headers["access-control-expose-headers"]
    assert answer.headers["vary"] == "Origin"


@pytest.mark.parametrize("origin", ["https://evil.example.com", "https://desk.example.com.evil.com", "null"])
def test_an_unknown_origin_may_not(http: Http, origin: str) -> None:
    for answer in (
        http.as_(Origin=origin).get("/v1/admin/users"),
        Http(app.handler).as_(Origin=origin).options("/v1/admin/users"),
    ):
        assert not any(name.startswith("access-control-") for name in answer.headers)


def test_a_browser_asks_first_and_needs_no_credential(entrance: Entrance) -> None:
    answer = Http(app.handler).as_(Origin="https://desk.example.com").options("/v1/admin/users/7")

    assert (answer.status, answer.text) == (204, "")
    assert answer.headers["access-control-allow-methods"] == "GET, PATCH, DELETE, OPTIONS"
    assert "Idempotency-Key" in answer.headers["access-control-allow-headers"]


# ---------------------------------------------------------------- what nobody expected
def test_a_crash_says_nothing_about_its_cause(
    http: Http, monkeypatch: pytest.MonkeyPatch, entrance: Entrance, logged: io.StringIO
) -> None:
    def crash(*_: object, **__: object) -> None:
        raise ValueError("row of customer Grace, password swordfish")

    monkeypatch.setattr(type(entrance.accounts), "users", crash)

    answer = http.get("/v1/admin/users")

    assert (answer.status, set(answer.json)) == (500, {"detail"})
    assert "builtins.ValueError" in logged.getvalue()
    assert "test_conventions.py" in logged.getvalue()
    for text in (answer.text, logged.getvalue()):
        assert "swordfish" not in text


def test_a_gate_that_cannot_be_built_is_a_500_without_a_cause(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise RuntimeError("JWT_SECRET is swordfish")

    monkeypatch.setattr(app, "service", broken)

    for answer in (
        Http(app.handler).as_(Origin="https://desk.example.com").get("/v1/auth/me"),
        Http(app.handler).as_(Origin="https://desk.example.com").options("/v1/auth/me"),
    ):
        assert answer.status in (204, 500)
        assert "swordfish" not in answer.text


@pytest.mark.parametrize(
    ("method", "path", "status"), [("PUT", "/v1/auth/login", 405), ("GET", "/v1/nothing", 404)]
)
def test_what_is_not_there_is_said_in_json(http: Http, method: str, path: str, status: int) -> None:
    answer = http.send(method, path)

    assert (answer.status, set(answer.json)) == (status, {"detail"})
    assert answer.headers["x-trace-id"]


@pytest.mark.parametrize(
    "event", [{}, {"requestContext": None}, {"version": "2.0", "rawPath": "/"}, {"httpMethod": "GET"}]
)
def test_an_event_of_another_kind_is_answered(entrance: Entrance, event: dict[str, Any]) -> None:
    assert answered(app.handler(event, Context())).status == 404


def test_an_event_written_by_hand_may_be_short(entrance: Entrance) -> None:
    event = {"httpMethod": "GET", "resource": "/v1/admin/users", "headers": {"x-admin-api-key": ADMIN_KEY}}

    assert answered(app.handler(event, Context())).status == 200


# ---------------------------------------------------------------- the table of routes
def test_a_view_for_a_route_nobody_has_thought_about_cannot_be_registered() -> None:
    api = Api("auth", gate=lambda: Entrance().gate)

    with pytest.raises(LookupError):
        api.view("GET", "/v1/admin/secrets")
    with pytest.raises(LookupError):
        api.view("GET", "/v1/health")


def test_every_route_stands_in_the_table_once() -> None:
    keys = [(route.method, route.path) for route in ROUTES]

    assert len(keys) == len(set(keys))


def test_everything_under_admin_is_for_admins() -> None:
    for route in ROUTES:
        assert (route.access is Access.ADMIN) is route.path.startswith("/v1/admin/")


def test_what_is_open_to_everybody_is_what_the_contract_says() -> None:
    assert {route.path for route in ROUTES if route.access is Access.PUBLIC} == {
        "/", "/health", "/v1/health", "/openapi.json", "/docs", "/redoc", "/v1/auth/login",
        # Each event proves itself: by its application token, by its signature.
        "/v1/integrations/bitrix24", "/v1/integrations/whmcs",
    }  # fmt: skip


CREDENTIALS = (
    "nothing", "wrong", "api key", "admin key", "user", "admin", "user's token", "admin's token",
    "documents token", "metrics token", "debug token",
)  # fmt: skip

ANY = frozenset(CREDENTIALS) - {"nothing", "wrong"}
ADMINS = frozenset({"admin key", "admin", "admin's token"})
MAY: dict[Access, frozenset[str]] = {
    Access.PUBLIC: frozenset(CREDENTIALS),
    Access.PUBLIC_QUERY: ANY,
    Access.API: ANY,
    Access.USER_JWT: frozenset({"user", "admin"}),
    Access.WRITE_DOCUMENTS: ADMINS | {"api key", "documents token"},
    Access.METRICS: ADMINS | {"metrics token"},
    Access.ADMIN: ADMINS,
}
"""Written down from the contract, not from the code."""


@pytest.mark.parametrize("credential", CREDENTIALS)
@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_a_route_admits_those_it_is_for_and_nobody_else(route: Route, credential: str) -> None:
    entrance, seen = Entrance(), list[Call]()
    api = Api(route.function, gate=lambda: entrance.gate)
    api.view(route.method, route.path)(lambda call: seen.append(call) or {})
    user, admin = entrance.user("ada"), entrance.user("grace", Role.ADMIN)
    headers = {
        "nothing": {},
        "wrong": {"X-API-Key": "sk_" + "x" * 43},
        "api key": {"X-API-Key": API_KEY},
        "admin key": {"X-Admin-API-Key": ADMIN_KEY},
        "user": {"Authorization": f"Bearer {entrance.jwt(user)}"},
        "admin": {"Authorization": f"Bearer {entrance.jwt(admin)}"},
        "user's token": {"X-API-Key": entrance.token(user)},
        "admin's token": {"X-API-Key": entrance.token(admin)},
        "documents token": {"X-API-Key": entrance.token(admin, Scope.DOCUMENTS)},
        "metrics token": {"X-API-Key": entrance.token(admin, Scope.METRICS)},
        "debug token": {"X-API-Key": entrance.token(admin, Scope.DEBUG)},
    }[credential]

    status = answered(api(proxy_event(route.method, route.path, headers=headers), None)).status

    if credential in MAY[route.access]:
        # Admitted: what it says about a body that was not sent is another matter.
        assert status in (200, 201, 202, 204, 400, 422)
    else:
        assert status == (401 if credential in ("nothing", "wrong") else 403)
        assert seen == []


@pytest.mark.parametrize("header", ["X-Admin-API-Key", "X-API-Key"])
def test_each_key_opens_its_own_header_only(http: Http, header: str) -> None:
    other = API_KEY if header == "X-Admin-API-Key" else ADMIN_KEY

    assert Http(app.handler, {header: other}).get("/v1/admin/users").status == 401


# ---------------------------------------------------------------- bad input is never our fault
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(st.characters(), max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(), max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)


def _answer(route: Route, entrance: Entrance, event: dict[str, Any]) -> Answered:
    api = Api(route.function, gate=lambda: entrance.gate)
    api.view(route.method, route.path)(lambda call: {"body": call.body, "query": call.query})
    return answered(api(event, None))


WITH_BODY = [route for route in ROUTES if route.body is not None]


@pytest.mark.parametrize("route", WITH_BODY, ids=lambda route: f"{route.method} {route.path}")
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_body_makes_a_500(route: Route, data: st.DataObject) -> None:
    assert route.body is not None
    names = st.sampled_from(sorted(route.body.model_fields))
    body = data.draw(st.dictionaries(names, JSON, max_size=5) | JSON)
    headers = {"X-Admin-API-Key": ADMIN_KEY} if route.access is not Access.USER_JWT else {}
    entrance = Entrance()
    if route.access is Access.USER_JWT:
        headers = {"Authorization": f"Bearer {entrance.jwt(entrance.user())}"}

    answer = _answer(
        route, entrance, proxy_event(route.method, route.path, raw=json.dumps(body), headers=headers)
    )

    assert answer.status < 500
    if answer.status == 422:
        assert answer.json["detail"]
        assert answer.json["errors"]


@settings(max_examples=60, deadline=None)
@given(raw=st.text(st.characters(), max_size=60), header=st.text(st.characters(), max_size=40))
def test_no_bytes_and_no_header_make_a_500(raw: str, header: str) -> None:
    route = next(route for route in ROUTES if route.path == "/v1/reply/generate")
    headers = {
        "X-Admin-API-Key": ADMIN_KEY,
        "X-Trace-Id": header,
        "Idempotency-Key": header,
        "X-External-User-Id": header,
        "Origin": header,
        "Authorization": f"Bearer {header}",
    }
    for sent in (headers, {**headers, "Authorization": ""}, {"X-API-Key": header}):
        assert _answer(route, Entrance(), proxy_event("POST", route.path, raw=raw, headers=sent)).status < 500
