"""The one secret in AWS Secrets Manager."""

import json
from collections.abc import Mapping

from candor.errors import Unavailable


def read_secret(secret_id: str) -> Mapping[str, str]:
    """The fields of a secret that is a JSON object. `Unavailable` when it cannot be had."""
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError

    config = Config(connect_timeout=2, read_timeout=4, retries={"total_max_attempts": 3})
    try:
        text = boto3.client("secretsmanager", config=config).get_secret_value(SecretId=secret_id)[
            "SecretString"
        ]
        fields = json.loads(text)
    except (BotoCoreError, ClientError) as error:
        raise Unavailable("The secret that holds the keys cannot be read.") from error
    except ValueError:
        # Without the parser's words: they quote the secret.
        raise Unavailable("The secret that holds the keys is not a JSON object.") from None
    if not isinstance(fields, dict):
        raise Unavailable("The secret that holds the keys is not a JSON object.")
    return {str(name): str(value) for name, value in fields.items() if value is not None}
