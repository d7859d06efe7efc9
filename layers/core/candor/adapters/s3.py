"""S3: a bucket of files."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from typing import Any, BinaryIO

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from candor.errors import NotFound, Unavailable
from candor.objects import ObjectInfo

_AT_ONCE = 1_000
"""Keys one DeleteObjects takes."""


def _client() -> Any:
    return boto3.client(
        "s3",
        config=Config(connect_timeout=2, read_timeout=20, retries={"max_attempts": 2, "mode": "standard"}),
    )


class S3Objects:
    """`Objects` in one bucket. Connects at the first call."""

    def __init__(self, bucket: str, *, client: Callable[[], Any] = _client) -> None:
        self._bucket = bucket
        self._make_client = client
        self._made: Any = None

    def put(self, key: str, body: bytes, *, content_type: str = "application/octet-stream") -> None:
        with _translated():
            self._client.put_object(Bucket=self._bucket, Key=key, Body=body, ContentType=content_type)

    def open(self, key: str) -> AbstractContextManager[BinaryIO]:
        with _translated():
            body: BinaryIO = self._client.get_object(Bucket=self._bucket, Key=key)["Body"]
        return closing(body)

    def read(self, key: str) -> bytes:
        with _translated(), self.open(key) as stream:
            return stream.read()

    def find(self, key: str) -> ObjectInfo | None:
        try:
            with _translated():
                head = self._client.head_object(Bucket=self._bucket, Key=key)
        except NotFound:
            return None
        return ObjectInfo(
            key=key,
            etag=head["ETag"].strip('"'),
            size=head["ContentLength"],
            modified=head["LastModified"].replace(microsecond=0),
        )

    def delete(self, *keys: str) -> None:
        for start in range(0, len(keys), _AT_ONCE):
            part = [{"Key": key} for key in keys[start : start + _AT_ONCE]]
            with _translated():
                answer = self._client.delete_objects(
                    Bucket=self._bucket, Delete={"Objects": part, "Quiet": True}
                )
            if answer.get("Errors"):
                raise Unavailable("The bucket did not delete everything.")

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        with _translated():
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix)
            for page in pages:
                for entry in page.get("Contents", ()):
                    yield ObjectInfo(
                        key=entry["Key"],
                        etag=entry["ETag"].strip('"'),
                        size=entry["Size"],
                        modified=entry["LastModified"].replace(microsecond=0),
                    )

    @property
    def _client(self) -> Any:
        if self._made is None:
            self._made = self._make_client()
        return self._made


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") in ("NoSuchKey", "404", "NotFound"):
            raise NotFound("There is no such object.") from error
        raise Unavailable("The bucket is not available right now.") from error
    except BotoCoreError as error:
        raise Unavailable("The bucket is not available right now.") from error
