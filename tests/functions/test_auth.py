"""Signing in, tokens, users: through the real handler, with real proxy events."""

import itertools
import time
from datetime import UTC, datetime, timedelta

import pytest

from candor.accounts import Role, Scope, UserAdministration
from candor.adapters.passwords import Argon2Passwords
from candor.authentication import Credentials, Login
from candor.limits import LoginTries
from functions.auth import app
from tests.doubles.entrance import ADMIN_KEY, API_KEY, Entrance, forged
from tests.doubles.gateway import Http


@pytest.fixture
def entrance(monkeypatch: pytest.MonkeyPatch) -> Entrance:
    entrance = Entrance()
    _serve(entrance, monkeypatch)
    return entrance


def _serve(entrance: Entrance, monkeypatch: pytest.MonkeyPatch) -> None:
    service = app.Service(
        gate=entrance.gate, login=entrance.login, tokens=entrance.tokens, users=entrance.users
    )
    monkeypatch.setattr(app, "service", lambda: service)


@pytest.fixture
def http(entrance: Entrance) -> Http:
    return Http(app.handler)


def _signed_in(http: Http, name: str = "ada", password: str = "correct horse") -> Http:
    answer = http.post("/v1/auth/login", {"username": name, "password": password})
    assert answer.status == 200
    return http.as_(Authorization=f"Bearer {answer.json['access_token']}")


def test_signing_in_gives_a_token_that_says_who_one_is(http: Http, entrance: Entrance) -> None:
    user = entrance.user("ada", Role.ADMIN)

    answer = http.post("/v1/auth/login", {"username": " Ada ", "password": "correct horse"})

    shown = {"id": user.user_id, "username": "ada", "email": None, "role": "admin"}
    assert answer.status == 200
    assert answer.json["token_type"] == "bearer"
    assert answer.json["expires_in"] == 3600
    assert answer.json["user"] == shown
    bearer = http.as_(Authorization=f"bearer {answer.json['access_token']}")
    assert bearer.get("/v1/auth/me").json == shown


@pytest.mark.parametrize("name", ["ada", "nobody"])
def test_a_wrong_password_and_an_unknown_name_get_the_same_answer(
    http: Http, entrance: Entrance, name: str
) -> None:
    entrance.user("ada")

    answer = http.post("/v1/auth/login", {"username": name, "password": "wrong"})

    assert (answer.status, answer.json) == (401, {"detail": "The user name or the password is wrong."})


def test_an_unknown_name_takes_as_long_as_a_wrong_password() -> None:
    class Watched(Argon2Passwords):
        def __init__(self) -> None:
            super().__init__()
            self.verified: list[str] = []

        def verify(self, password_hash: str, password: str) -> bool:
            self.verified.append(password_hash)
            return super().verify(password_hash, password)

    entrance, passwords = Entrance(), Watched()
    UserAdministration(accounts=entrance.accounts, passwords=passwords).create(
        username="ada", password="correct horse", role=Role.USER
    )
    login = Login(
        accounts=entrance.accounts,
        passwords=passwords,
        signer=entrance.signer,
        tries=LoginTries(counters=entrance.counters, clock=itertools.count(0, 100).__next__),
        jwt_expire_minutes=60,
    )

    for name in ("ada", "nobody"):
        with pytest.raises(Exception, match="is wrong"):
            login(name, "wrong")

    # What takes long is one verification, which takes as long as its hash says: algorithm, memory, rounds.
    known, unknown = (hashed.rsplit("$", 2)[0] for hashed in passwords.verified)
    assert known == unknown
    assert "argon2id" in known


@pytest.mark.parametrize("name", ["ada", "nobody"])
def test_the_sixth_failure_within_a_minute_is_refused_whoever_it_is(
    http: Http, entrance: Entrance, name: str
) -> None:
    entrance.user("ada")
    entrance.user("grace")
    wrong = {"username": name, "password": "wrong"}

    statuses = [http.post("/v1/auth/login", wrong).status for _ in range(6)]
    late = http.post("/v1/auth/login", {"username": name, "password": "correct horse"})

    assert statuses == [401] * 5 + [429]
    assert late.status == 429
    assert 1 <= int(late.headers["retry-after"]) <= 61
    assert http.post("/v1/auth/login", {"username": "grace", "password": "correct horse"}).status == 200
    entrance.clock.ahead = 61
    again = http.post("/v1/auth/login", wrong)
    assert again.status == 401


def test_successes_use_up_no_tries(http: Http, entrance: Entrance) -> None:
    entrance.user("ada")

    statuses = {
        http.post("/v1/auth/login", {"username": "ada", "password": "correct horse"}).status
        for _ in range(12)
    }

    assert statuses == {200}


def test_a_dead_counter_table_locks_nobody_out(http: Http, entrance: Entrance) -> None:
    entrance.user("ada")
    entrance.counters.down = True

    assert _signed_in(http).get("/v1/auth/me").status == 200


def test_dead_accounts_are_503_with_a_time_to_come_back(http: Http, entrance: Entrance) -> None:
    entrance.accounts.down = True

    answer = http.post("/v1/auth/login", {"username": "ada", "password": "x"})

    assert answer.status == 503
    assert int(answer.headers["retry-after"]) > 0


def test_a_changed_password_ends_tokens_given_out_before(http: Http, entrance: Entrance) -> None:
    user = entrance.user("ada")
    before = _signed_in(http)
    admin = http.as_(X_Admin_API_Key=ADMIN_KEY)

    changed = admin.patch(f"/v1/admin/users/{user.user_id}", {"password": "another horse"})

    assert changed.status == 200
    entrance.clock.ahead = 4.9
    assert before.get("/v1/auth/me").status == 401
    assert _signed_in(http, password="another horse").get("/v1/auth/me").status == 200


def test_a_deactivated_user_is_out_and_stays_out_with_the_old_token(http: Http, entrance: Entrance) -> None:
    user = entrance.user("ada")
    before = _signed_in(http)
    key = before.post("/v1/auth/tokens", {"name": "CI"}).json["token"]
    admin = http.as_(X_Admin_API_Key=ADMIN_KEY)

    assert admin.delete(f"/v1/admin/users/{user.user_id}").json["active"] is False

    entrance.clock.ahead = 4.9
    assert before.get("/v1/auth/me").status == 401
    assert http.as_(X_API_Key=key).get("/v1/auth/me").status == 401
    assert http.post("/v1/auth/login", {"username": "ada", "password": "correct horse"}).status == 401
    admin.patch(f"/v1/admin/users/{user.user_id}", {"active": True})
    assert before.get("/v1/auth/me").status == 401


def test_a_token_is_shown_once_and_listed_without_itself(http: Http, entrance: Entrance) -> None:
    entrance.user("ada", Role.ADMIN)
    bearer = _signed_in(http)
    expires = (datetime.now(UTC) + timedelta(days=1)).isoformat()

    first = bearer.post(
        "/v1/auth/tokens", {"name": "CI", "expires_at": expires, "scopes": ["documents", "debug"]}
    )
    bearer.post("/v1/auth/tokens", {"name": "second"})
    listed = bearer.get("/v1/auth/tokens").json

    assert first.status == 200
    assert first.json["token"].startswith("sk_")
    assert len(first.json["token"]) == 46
    assert first.json["token"].startswith(first.json["token_prefix"])
    assert first.json["scopes"] == ["debug", "documents"]
    assert [token["name"] for token in listed] == ["second", "CI"]
    assert listed[1] == {name: value for name, value in first.json.items() if name != "token"}
    assert all("token" not in token for token in listed)


@pytest.mark.parametrize("header", ["X_API_Key", "Authorization"])
def test_a_token_works_as_key_and_as_bearer_and_remembers_its_use(
    http: Http, entrance: Entrance, header: str
) -> None:
    user = entrance.user("ada", Role.ADMIN)
    key = entrance.token(user)
    value = key if header == "X_API_Key" else f"Bearer {key}"

    assert http.as_(**{header: value}).get("/v1/admin/users").status == 200

    [token] = _signed_in(http).get("/v1/auth/tokens").json
    assert token["last_used_at"] is not None


def test_a_withdrawn_token_is_refused_within_five_seconds(http: Http, entrance: Entrance) -> None:
    entrance.user("ada", Role.ADMIN)
    bearer = _signed_in(http)
    made = bearer.post("/v1/auth/tokens", {"name": "CI"}).json
    with_token = http.as_(X_API_Key=made["token"])
    assert with_token.get("/v1/admin/users").status == 200

    assert bearer.delete(f"/v1/auth/tokens/{made['id']}").status == 200

    entrance.clock.ahead = 4.9
    assert with_token.get("/v1/admin/users").status == 401
    assert bearer.delete(f"/v1/auth/tokens/{made['id']}").status == 404


def test_nobody_withdraws_somebody_elses_token(http: Http, entrance: Entrance) -> None:
    entrance.token(entrance.user("grace"))
    entrance.user("ada")
    other = entrance.tokens.list(entrance.accounts.user_by_name("grace"))[0]  # type: ignore[arg-type]

    assert _signed_in(http).delete(f"/v1/auth/tokens/{other.token_id}").status == 404


def test_an_expired_token_is_refused(http: Http, entrance: Entrance) -> None:
    user = entrance.user("ada", Role.ADMIN)
    soon = datetime.now(UTC) + timedelta(minutes=5)
    _, key = entrance.tokens.make(user, name="soon", expires_at=soon)
    with_token = http.as_(X_API_Key=key)

    assert with_token.get("/v1/admin/users").status == 200
    entrance.clock.ahead = 301
    assert with_token.get("/v1/admin/users").status == 401


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"name": "CI", "scopes": ["documents"]}, 403),
        ({"name": "CI", "scopes": ["everything"]}, 422),
        ({"name": "CI", "expires_at": "2020-01-01T00:00:00Z"}, 422),
        ({"name": "CI", "expires_at": "2099-01-01T00:00:00"}, 422),
        ({"name": "CI", "expires_at": "9999-12-31T23:59:59-23:59"}, 422),
        ({"name": "CI", "expires_at": "0001-01-01T00:00:00+23:59"}, 422),
        ({"name": "   "}, 422),
        ({}, 422),
    ],
)
def test_a_plain_user_cannot_ask_for_just_any_token(
    http: Http, entrance: Entrance, body: object, status: int
) -> None:
    entrance.user("ada")

    assert _signed_in(http).post("/v1/auth/tokens", body).status == status


def test_the_same_idempotency_key_makes_one_token_and_shows_it_again(http: Http, entrance: Entrance) -> None:
    user = entrance.user("ada")
    bearer = _signed_in(http).as_(Idempotency_Key="k-1")

    answers = [bearer.post("/v1/auth/tokens", {"name": "CI"}) for _ in range(2)]

    assert answers[0].json == answers[1].json
    assert answers[1].headers["idempotency-replayed"] == "true"
    assert len(entrance.tokens.list(user)) == 1
    kept = repr(vars(entrance.ledger))
    assert answers[0].json["token"] not in kept
    assert bearer.post("/v1/auth/tokens", {"name": "another"}).status == 409


def test_users_are_created_listed_and_changed_by_admins(http: Http, entrance: Entrance) -> None:
    admin = http.as_(X_Admin_API_Key=ADMIN_KEY)

    made = admin.post(
        "/v1/admin/users",
        {"username": "grace", "email": "g@example.com", "password": "a long one", "role": "admin"},
    )
    again = admin.post("/v1/admin/users", {"username": "GRACE", "password": "a long one"})
    changed = admin.patch(
        f"/v1/admin/users/{made.json['id']}", {"role": "user", "email": "grace@example.com"}
    )
    listed = admin.get("/v1/admin/users", query={"page_size": "1"}).json

    assert (made.status, made.json["role"]) == (201, "admin")
    assert "password" not in made.text
    assert again.status == 409
    assert (changed.json["role"], changed.json["email"]) == ("user", "grace@example.com")
    assert listed == {"items": [changed.json], "total": 1, "page": 1, "page_size": 1}
    assert admin.get(f"/v1/admin/users/{made.json['id']}").json == changed.json
    assert admin.get("/v1/admin/users/nobody").status == 404


def test_no_admin_takes_the_role_from_themselves(http: Http, entrance: Entrance) -> None:
    user = entrance.user("ada", Role.ADMIN)
    bearer = _signed_in(http)

    assert bearer.patch(f"/v1/admin/users/{user.user_id}", {"role": "user"}).status == 409
    assert bearer.delete(f"/v1/admin/users/{user.user_id}").status == 409
    assert bearer.get("/v1/admin/users").status == 200


def _claims(entrance: Entrance, user_id: str, **more: object) -> dict[str, object]:
    now = int(entrance.clock())
    return {"sub": user_id, "iat": now, "exp": now + 600, **more}


def test_a_token_signed_elsewhere_with_our_secret_is_good(http: Http, entrance: Entrance) -> None:
    user = entrance.user("ada")
    token = forged({"alg": "HS256", "typ": "JWT"}, _claims(entrance, user.user_id))

    assert http.as_(Authorization=f"Bearer {token}").get("/v1/auth/me").status == 200


@pytest.mark.parametrize(
    ("header", "more", "secret"),
    [
        ({"alg": "none"}, {}, None),
        ({"alg": "HS384"}, {}, None),
        ({"alg": "RS256"}, {}, None),
        ({"alg": "HS256"}, {}, "another secret, as long as the first"),
        ({"alg": "HS256"}, {"exp": 1}, None),
        ({"alg": "HS256"}, {"exp": "never"}, None),
        ({"alg": "HS256"}, {"exp": 1e308}, None),
        ({"alg": "HS256"}, {"exp": 10**400}, None),
        ({"alg": "HS256"}, {"exp": None}, None),
        ({"alg": "HS256"}, {"exp": 99_999_999_999}, None),
        ({"alg": "HS256"}, {"nbf": 99_999_999_999}, None),
        ({"alg": "HS256"}, {"sub": "nobody"}, None),
        ({"alg": "HS256"}, {"sub": 7}, None),
        ({"alg": "HS256"}, {"sub": None}, None),
        ({"alg": "HS256"}, {"cv": 7}, None),
        ({"alg": "HS256"}, {"role": "admin", "sub": ""}, None),
    ],
)
def test_a_token_that_is_not_quite_right_is_refused(
    http: Http, entrance: Entrance, header: dict[str, str], more: dict[str, object], secret: str | None
) -> None:
    user = entrance.user("ada")
    claims = _claims(entrance, user.user_id, **more)
    token = forged(header, claims, secret) if secret else forged(header, claims)

    assert http.as_(Authorization=f"Bearer {token}").get("/v1/auth/me").status == 401


def test_a_token_that_lasts_longer_than_ours_is_refused(http: Http, entrance: Entrance) -> None:
    user = entrance.user("ada")
    longer = _claims(entrance, user.user_id, exp=int(entrance.clock()) + 3600 + 30)

    token = forged({"alg": "HS256"}, longer)

    assert http.as_(Authorization=f"Bearer {token}").get("/v1/auth/me").status == 401


@pytest.mark.parametrize("unset", [None, ""])
@pytest.mark.parametrize(
    "headers",
    [
        {"X_API_Key": ""},
        {"X_API_Key": "x"},
        {"X_Admin_API_Key": ""},
        {"X_Admin_API_Key": "x"},
        {"X_Admin_API_Key": "None"},
        {"Authorization": "Bearer "},
        {"Authorization": f"Bearer {forged({'alg': 'HS256'}, {'sub': 'u', 'exp': time.time() + 60}, '')}"},
        {},
    ],
)
def test_an_unset_key_admits_nobody(
    monkeypatch: pytest.MonkeyPatch, unset: str | None, headers: dict[str, str]
) -> None:
    _serve(Entrance(api_key=unset, admin_key=unset, jwt_secret=unset), monkeypatch)

    assert Http(app.handler).as_(**headers).get("/v1/admin/users").status == 401


def test_a_scoped_token_of_an_admin_reaches_no_admin_route(http: Http, entrance: Entrance) -> None:
    key = entrance.token(entrance.user("ada", Role.ADMIN), Scope.DOCUMENTS, Scope.METRICS, Scope.DEBUG)

    assert http.as_(X_API_Key=key).get("/v1/admin/users").status == 403


def test_the_scopes_of_a_token_end_with_its_users_admin_role(http: Http, entrance: Entrance) -> None:
    user = entrance.user("ada", Role.ADMIN)
    key = entrance.token(user, Scope.DOCUMENTS)
    by = http.as_(X_Admin_API_Key=ADMIN_KEY)

    by.patch(f"/v1/admin/users/{user.user_id}", {"role": "user"})

    [principal] = entrance.gate.authentication.principals(Credentials(api_key=key))
    assert (principal.role, principal.scopes) == (Role.USER, frozenset())


def test_a_second_credential_must_be_good_too(http: Http, entrance: Entrance) -> None:
    admin = http.as_(X_Admin_API_Key=ADMIN_KEY)

    assert admin.as_(X_API_Key=API_KEY).get("/v1/admin/users").status == 200
    assert admin.as_(X_API_Key="wrong").get("/v1/admin/users").status == 401
    assert admin.as_(Authorization="Basic dXNlcjpwYXNz").get("/v1/admin/users").status == 200


def test_of_two_credentials_the_one_that_is_enough_acts(http: Http, entrance: Entrance) -> None:
    entrance.user("ada")

    both = _signed_in(http).as_(X_Admin_API_Key=ADMIN_KEY)

    assert both.get("/v1/auth/me").json["username"] == "ada"
    assert both.get("/v1/admin/users").status == 200
