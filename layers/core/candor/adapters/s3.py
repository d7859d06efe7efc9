"""S3: a bucket of files."""

import contextlib
import io
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager
from typing import Any, BinaryIO

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from candor.errors import NotFound, Unavailable
from candor.objects import ObjectInfo, UploadForm

_AT_ONCE = 1_000
"""Keys one DeleteObjects takes."""

_PART_BYTES = 8 * 1024 * 1024
"""Of an object written in pieces: in memory at once. S3 takes 10,000 of them, of 5 MB or more."""


def _client() -> Any:
    return boto3.client(
        "s3",
        config=Config(
            connect_timeout=2,
            read_timeout=20,
            retries={"max_attempts": 2, "mode": "standard"},
            # The older signature, which boto3 still takes for forms, is refused by newer regions.
            signature_version="s3v4",
            # A form or a link for `bucket.s3.amazonaws.com` is redirected outside of the oldest region.
            s3={"addressing_style": "path"},
        ),
    )


class S3Objects:
    """`Objects` in one bucket. Connects at the first call."""

    def __init__(self, bucket: str, *, client: Callable[[], Any] = _client) -> None:
        self._bucket = bucket
        self._make_client = client
        self._made: Any = None

    def put(
        self,
        key: str,
        body: bytes,
        *,
        content_type: str = "application/octet-stream",
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        with _translated():
            self._client.put_object(
                Bucket=self._bucket,
                Key=key,
                Body=body,
                ContentType=content_type,
                Metadata=dict(metadata or {}),
            )

    def upload_form(
        self, key: str, *, max_bytes: int, seconds: int, content_type: str, metadata: Mapping[str, str]
    ) -> UploadForm:
        fields = {f"x-amz-meta-{name}": value for name, value in metadata.items()}
        if content_type:
            fields["Content-Type"] = content_type
        conditions: list[Any] = [{name: value} for name, value in fields.items()]
        conditions.append(["content-length-range", 1, max_bytes])
        with _translated():
            made = self._client.generate_presigned_post(
                self._bucket, key, Fields=fields, Conditions=conditions, ExpiresIn=seconds
            )
        return UploadForm(url=made["url"], fields=made["fields"])

    def write(
        self, key: str, pieces: Iterable[bytes], *, content_type: str = "application/octet-stream"
    ) -> None:
        parts = _parts(pieces)
        first = next(parts, b"")
        second = next(parts, None)
        if second is None:
            self.put(key, first, content_type=content_type)
            return
        # An upload in parts becomes the object when it is completed, all at once.
        with _translated():
            upload = self._client.create_multipart_upload(
                Bucket=self._bucket, Key=key, ContentType=content_type
            )
        named = {"Bucket": self._bucket, "Key": key, "UploadId": upload["UploadId"]}
        try:
            with _translated():
                done = [
                    {
                        "PartNumber": number,
                        "ETag": self._client.upload_part(**named, PartNumber=number, Body=part)["ETag"],
                    }
                    for number, part in enumerate(itertools.chain((first, second), parts), start=1)
                ]
                self._client.complete_multipart_upload(**named, MultipartUpload={"Parts": done})
        except BaseException:
            # What stays behind when this fails too ages away: unfinished uploads are dropped after a day.
            with contextlib.suppress(BotoCoreError, ClientError):
                self._client.abort_multipart_upload(**named)
            raise

    def open(self, key: str, *, start: int = 0) -> AbstractContextManager[BinaryIO]:
        wanted = {"Range": f"bytes={start}-"} if start else {}
        try:
            with _translated():
                body: BinaryIO = self._client.get_object(Bucket=self._bucket, Key=key, **wanted)["Body"]
        except _BeyondEnd:
            return closing(io.BytesIO())
        return closing(body)

    def link(self, key: str, *, seconds: int) -> str:
        with _translated():
            made: str = self._client.generate_presigned_url(
                "get_object", Params={"Bucket": self._bucket, "Key": key}, ExpiresIn=seconds
            )
            return made

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
            metadata=head.get("Metadata") or {},
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


def _parts(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes in parts of one size, the last one shorter."""
    buffer = bytearray()
    for piece in pieces:
        buffer += piece
        while len(buffer) >= _PART_BYTES:
            yield bytes(buffer[:_PART_BYTES])
            del buffer[:_PART_BYTES]
    if buffer:
        yield bytes(buffer)


class _BeyondEnd(Exception):
    """Nothing lies where reading was to begin."""


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code")
        if code in ("NoSuchKey", "404", "NotFound"):
            raise NotFound("There is no such object.") from error
        if code in ("InvalidRange", "416"):
            raise _BeyondEnd from error
        raise Unavailable("The bucket is not available right now.") from error
    except BotoCoreError as error:
        raise Unavailable("The bucket is not available right now.") from error
