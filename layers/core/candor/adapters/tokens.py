"""JSON Web Tokens with PyJWT."""

from collections.abc import Mapping
from typing import Any

import jwt

from candor.errors import Unauthenticated


class JwtSigner:
    """A `Signer` for HS256 and nothing else. Without a secret nobody is signed in and no token is good."""

    def __init__(self, secret: str | None) -> None:
        self._secret = (secret or "").encode("utf-8", "surrogatepass")

    def sign(self, claims: Mapping[str, Any]) -> str:
        if not self._secret:
            raise Unauthenticated("Signing in is not set up: JWT_SECRET is not set.")
        return jwt.encode(dict(claims), self._secret, algorithm="HS256")

    def read(self, token: str) -> Mapping[str, Any]:
        refused = Unauthenticated("The access token is not valid or has expired.")
        if not self._secret:
            raise refused
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                self._secret,
                algorithms=["HS256"],
                # `iat` is not checked against the clock: another machine's may be a second ahead.
                options={"require": ["exp", "sub"], "verify_iat": False},
            )
            subject = claims["sub"]
            if not isinstance(subject, str) or not subject:
                raise refused
            # As far as a clock reaches: JSON has numbers that no float holds.
            return {**claims, "exp": int(float(claims["exp"]))}
        except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError):
            raise refused from None
