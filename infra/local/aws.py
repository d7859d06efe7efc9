"""
AWS clients for whatever answers at an endpoint, the same for the embedded AWS, LocalStack and others like it.
"""

import warnings
from typing import Any

import boto3
from botocore.config import Config
from localstack_client import config as localstack_config
from localstack_client.session import Session

REGION = "us-east-1"
ACCOUNT = "000000000000"
"""A 12-digit access key names the account; the emulators take any secret with it, IAM enforced or not."""


class Clients:
    """
    One client per service, made on first use.

    Without an endpoint: the account and region that the AWS SDK finds for itself, as `aws` would.
    """

    def __init__(self, endpoint: str | None) -> None:
        self.endpoint = endpoint
        self._made: dict[str, Any] = {}
        if endpoint is None:
            self._session: Any = boto3.session.Session()
            return
        self._session = Session(ACCOUNT, "test", None, REGION)
        # The session reads AWS_ENDPOINT_URL by itself; a value handed in takes its place.
        self._session._service_endpoint_mapping = dict.fromkeys(
            localstack_config.get_service_ports(), endpoint
        )

    def __call__(self, service: str) -> Any:
        if service not in self._made:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                self._made[service] = self._session.client(
                    service,
                    config=Config(
                        connect_timeout=3,
                        read_timeout=120,
                        retries={"max_attempts": 2, "mode": "standard"},
                        s3={"addressing_style": "path" if self.endpoint else "auto"},
                    ),
                )
        return self._made[service]


def default_endpoint() -> str:
    """Where `AWS_ENDPOINT_URL` points, else the usual port of LocalStack and its kin."""
    return str(localstack_config.get_service_endpoint("s3"))
