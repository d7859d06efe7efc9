"""A vault whose key lies in AWS KMS: it seals and opens there, and never leaves."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Mapping
from typing import Any, Final

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from candor.errors import Malformed, TooLarge, Unavailable
from candor.vault import MAX_BYTES

PART: Final = 4_096
"""What KMS encrypts in one call. Emulators do not look."""

_FORM: Final = "kms1"
_PLACE: Final = "candor:part"
_UNOPENABLE: Final = frozenset(
    ("InvalidCiphertextException", "IncorrectKeyException", "InvalidKeyUsageException", "ValidationException")
)
_SENTENCE: Final = (
    "A secret that is kept here cannot be opened: it was sealed by another key or changed. Save it again."
)


def _client() -> Any:
    return boto3.client(
        "kms",
        config=Config(connect_timeout=2, read_timeout=4, retries={"max_attempts": 2, "mode": "standard"}),
    )


class KmsVault:
    """
    `Vault` by KMS alone, longer secrets in parts of 4,096 bytes.

    Considered: a data key and AES-GCM here, which needs `cryptography` (12 MB) in every function that reads
    a setting. A secret of ours is a few hundred bytes, and cookies are two or three calls.
    """

    def __init__(self, key_id: str, *, client: Callable[[], Any] = _client) -> None:
        self._key_id = key_id
        self._make_client = client
        self._made: Any = None

    def seal(self, secret: bytes, context: Mapping[str, str]) -> str:
        if len(secret) > MAX_BYTES:
            raise TooLarge(f"A secret may be {MAX_BYTES:,} bytes long and no longer.")
        # Each part is bound to its place by its context, the whole by its digest: parts cannot be exchanged
        # between two secrets that are for the same.
        whole = hashlib.sha256(secret).digest() + secret
        pieces = [whole[start : start + PART] for start in range(0, len(whole), PART)]
        texts = [_FORM]
        for place, piece in enumerate(pieces):
            own = _own(context, place, len(pieces))
            blob = self._asked("encrypt", KeyId=self._key_id, Plaintext=piece, EncryptionContext=own)
            texts.append(base64.urlsafe_b64encode(blob["CiphertextBlob"]).decode())
        return ".".join(texts)

    def open(self, sealed: str, context: Mapping[str, str]) -> bytes:
        form, *texts = sealed.split(".")
        if form != _FORM or not texts:
            raise Malformed(_SENTENCE)
        whole = b""
        for place, text in enumerate(texts):
            try:
                blob = base64.b64decode(text, altchars=b"-_", validate=True)
            except (binascii.Error, ValueError):
                raise Malformed(_SENTENCE) from None
            if not blob:
                raise Malformed(_SENTENCE)
            own = _own(context, place, len(texts))
            answer = self._asked("decrypt", KeyId=self._key_id, CiphertextBlob=blob, EncryptionContext=own)
            whole += answer["Plaintext"]
        digest, secret = whole[:32], whole[32:]
        if not hmac.compare_digest(digest, hashlib.sha256(secret).digest()):
            raise Malformed(_SENTENCE)
        return secret

    def _asked(self, call: str, **arguments: Any) -> Any:
        if self._made is None:
            self._made = self._make_client()
        try:
            return getattr(self._made, call)(**arguments)
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "")
            if call == "decrypt" and code in _UNOPENABLE:
                raise Malformed(_SENTENCE) from None
            raise Unavailable("The key that seals secrets is not available right now.") from error
        except BotoCoreError as error:
            raise Unavailable("The key that seals secrets is not available right now.") from error


def _own(context: Mapping[str, str], place: int, parts: int) -> dict[str, str]:
    return {**context, _PLACE: f"{place + 1}/{parts}"}
