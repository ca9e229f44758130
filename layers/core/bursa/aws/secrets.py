"""Secrets, each read when it is first needed: most starts need none."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from bursa.aws.failures import unavailable

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient


def find_secret(client: "SecretsManagerClient", secret_id: str) -> bytes | None:
    """Return a secret's value now, None where there is none; raises as `Secret` does."""
    with unavailable("secret_unavailable", "Send the request again in a moment."):
        try:
            response = client.get_secret_value(SecretId=secret_id)
        except client.exceptions.ResourceNotFoundException:
            return None
    return response["SecretString"].encode()


class Secret:
    """A secret's value, kept by this process once it is read."""

    def __init__(self, open_client: Callable[[], "SecretsManagerClient"], secret_id: str) -> None:
        self._open_client = open_client
        self._secret_id = secret_id
        self._value: bytes | None = None

    def __call__(self) -> bytes:
        """Return the value; raises `Unavailable` ``secret_unavailable``."""
        if self._value is None:
            with unavailable("secret_unavailable", "Send the request again in a moment."):
                response = self._open_client().get_secret_value(SecretId=self._secret_id)
            self._value = response["SecretString"].encode()
        return self._value
