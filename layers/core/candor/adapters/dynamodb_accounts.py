"""
Accounts in DynamoDB: one table (`pk`, `sk`) with one index (`gsi1`).

| row | pk | sk | gsi1pk, gsi1sk |
|---|---|---|---|
| a user | `user#<id>` | `user` | `users`, created_at and id |
| its name, taken once | `name#<folded name>` | `name` | |
| a token, by its hash | `token#<sha256>` | `token` | |
| the same token in its user's list | `user#<id>` | `token#<token id>` | |

Those who administer a help desk are few: `users` is one small partition.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from pynamodb.attributes import BooleanAttribute, NumberAttribute, UnicodeAttribute, UnicodeSetAttribute
from pynamodb.connection import Connection
from pynamodb.exceptions import DoesNotExist, PynamoDBException
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex
from pynamodb.models import Model
from pynamodb.transactions import TransactWrite

from candor.accounts import Role, Scope, Token, User, folded
from candor.adapters.dynamodb import bound_to, failed_conditions, is_condition, translated
from candor.errors import Conflict, NotFound


class _ByList(GlobalSecondaryIndex["_Row"]):  # type: ignore[no-untyped-call]
    class Meta:
        index_name = "gsi1"
        projection = AllProjection()

    gsi1pk = UnicodeAttribute(hash_key=True)
    gsi1sk = UnicodeAttribute(range_key=True)


class _Row(Model):
    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    gsi1pk = UnicodeAttribute(null=True)
    gsi1sk = UnicodeAttribute(null=True)
    user_id = UnicodeAttribute(null=True)
    username = UnicodeAttribute(null=True)
    email = UnicodeAttribute(null=True)
    role = UnicodeAttribute(null=True)
    active = BooleanAttribute(null=True)
    password_hash = UnicodeAttribute(null=True)
    credentials_version = NumberAttribute(null=True)
    credentials_changed_at = UnicodeAttribute(null=True)
    token_id = UnicodeAttribute(null=True)
    name = UnicodeAttribute(null=True)
    prefix = UnicodeAttribute(null=True)
    digest = UnicodeAttribute(null=True)
    scopes = UnicodeSetAttribute(null=True)
    token_expires_at = UnicodeAttribute(null=True)
    last_used_at = UnicodeAttribute(null=True)
    created_at = UnicodeAttribute(null=True)
    updated_at = UnicodeAttribute(null=True)

    by_list = _ByList()


class DynamoAccounts:
    """`Accounts` in one table. Names are kept unique by transactions."""

    def __init__(self, table_name: str) -> None:
        self._rows = bound_to(_Row, table_name)

    def add_user(self, user: User) -> None:
        try:
            with translated(), self._transaction() as write:
                write.save(self._name_of(user), condition=_Row.pk.does_not_exist())
                write.save(self._row_of(user), condition=_Row.pk.does_not_exist())
        except PynamoDBException as error:
            raise Conflict("This user name is taken.") from error

    def user(self, user_id: str) -> User | None:
        row = self._get(f"user#{user_id}", "user")
        return _user_of(row) if row else None

    def user_by_name(self, username: str) -> User | None:
        name = self._get(f"name#{folded(username)}", "name")
        return self.user(name.user_id) if name else None

    def users(self, *, page: int, page_size: int) -> tuple[Sequence[User], int]:
        with translated():
            rows = [_user_of(row) for row in self._rows.by_list.query("users")]
        start = (page - 1) * page_size
        return rows[start : start + page_size], len(rows)

    def change_user(self, before: User, after: User) -> None:
        unchanged = _Row.updated_at == _written(before.updated_at)
        renamed = folded(before.username) != folded(after.username)
        try:
            with translated(), self._transaction() as write:
                write.save(self._row_of(after), condition=unchanged)
                if renamed:
                    write.save(self._name_of(after), condition=_Row.pk.does_not_exist())
                    write.delete(self._name_of(before))
        except PynamoDBException as error:
            if 0 in failed_conditions(error):
                raise Conflict("The user was changed meanwhile.") from error
            raise Conflict("This user name is taken.") from error

    def add_token(self, token: Token) -> None:
        with translated(), self._transaction() as write:
            write.save(self._rows(f"token#{token.digest}", "token", **_token_fields(token)))
            entry = self._rows(f"user#{token.user_id}", f"token#{token.token_id}", digest=token.digest)
            write.save(entry)

    def token(self, digest: str) -> Token | None:
        row = self._get(f"token#{digest}", "token")
        return _token_of(row) if row else None

    def tokens(self, user_id: str) -> Sequence[Token]:
        with translated():
            keys = [
                (f"token#{entry.digest}", "token")
                for entry in self._rows.query(
                    f"user#{user_id}", _Row.sk.startswith("token#"), consistent_read=True
                )
            ]
            rows = list(self._rows.batch_get(keys, consistent_read=True)) if keys else []
        found = [_token_of(row) for row in rows]
        return sorted(found, key=lambda token: (token.created_at, token.token_id), reverse=True)

    def remove_token(self, user_id: str, token_id: str) -> None:
        entry = self._get(f"user#{user_id}", f"token#{token_id}")
        if entry is None:
            raise NotFound("You have no such token.")
        with translated(), self._transaction() as write:
            write.delete(self._rows(f"token#{entry.digest}", "token"))
            write.delete(entry)

    def touch_token(self, digest: str, at: datetime) -> None:
        row = self._rows(f"token#{digest}", "token")
        try:
            with translated():
                row.update(actions=[_Row.last_used_at.set(_written(at))], condition=_Row.pk.exists())
        except PynamoDBException as error:
            if not is_condition(error):
                raise

    def _get(self, pk: str, sk: str) -> "_Row | None":
        with translated():
            try:
                return self._rows.get(pk, sk, consistent_read=True)
            except DoesNotExist:
                return None

    def _transaction(self) -> TransactWrite:
        connection: Connection = self._rows._get_connection().connection
        return TransactWrite(connection=connection)

    def _name_of(self, user: User) -> _Row:
        return self._rows(f"name#{folded(user.username)}", "name", user_id=user.user_id)

    def _row_of(self, user: User) -> _Row:
        created = _written(user.created_at)
        return self._rows(
            f"user#{user.user_id}",
            "user",
            gsi1pk="users",
            gsi1sk=f"{created}#{user.user_id}",
            user_id=user.user_id,
            username=user.username,
            email=user.email,
            role=user.role.value,
            active=user.active,
            password_hash=user.password_hash,
            credentials_version=user.credentials_version,
            credentials_changed_at=_written(user.credentials_changed_at),
            created_at=created,
            updated_at=_written(user.updated_at),
        )


def _user_of(row: Any) -> User:
    return User(
        user_id=row.user_id,
        username=row.username,
        email=row.email,
        role=Role(row.role),
        active=row.active,
        password_hash=row.password_hash,
        credentials_version=int(row.credentials_version),
        credentials_changed_at=_read(row.credentials_changed_at),
        created_at=_read(row.created_at),
        updated_at=_read(row.updated_at),
    )


def _token_fields(token: Token) -> dict[str, Any]:
    return {
        "token_id": token.token_id,
        "user_id": token.user_id,
        "name": token.name,
        "prefix": token.prefix,
        "digest": token.digest,
        # DynamoDB has no empty set.
        "scopes": {scope.value for scope in token.scopes} or None,
        "token_expires_at": _written(token.expires_at) if token.expires_at else None,
        "last_used_at": _written(token.last_used_at) if token.last_used_at else None,
        "created_at": _written(token.created_at),
    }


def _token_of(row: Any) -> Token:
    token = Token(
        token_id=row.token_id,
        user_id=row.user_id,
        name=row.name,
        prefix=row.prefix,
        digest=row.digest,
        scopes=frozenset(Scope(scope) for scope in row.scopes or ()),
        created_at=_read(row.created_at),
    )
    return replace(
        token,
        expires_at=_read(row.token_expires_at) if row.token_expires_at else None,
        last_used_at=_read(row.last_used_at) if row.last_used_at else None,
    )


def _written(at: datetime) -> str:
    # Always with microseconds, or the text would not sort as the time does.
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def _read(text: str) -> datetime:
    return datetime.fromisoformat(text)
