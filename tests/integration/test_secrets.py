"""A secret is read once in the life of a process; what that means while it can't be read."""

from typing import TYPE_CHECKING

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError
from moto import mock_aws

from bursa.aws.secrets import Secret
from bursa.kernel.errors import Unavailable

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient


def test_who_has_read_it_goes_on_and_who_has_not_says_so_until_it_is_back() -> None:
    with mock_aws():
        client = boto3.client(
            "secretsmanager",
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",  # noqa: S106 - opens nothing
        )
        client.create_secret(Name="cursors", SecretString="of cursors")
        is_away = False

        def open_client() -> "SecretsManagerClient":
            if is_away:
                raise EndpointConnectionError(endpoint_url="https://away.example")
            return client

        has_read, has_not = (Secret(open_client, "cursors") for _ in range(2))
        assert has_read() == b"of cursors"
        is_away = True
        assert has_read() == b"of cursors"
        with pytest.raises(Unavailable) as told:
            has_not()
        assert told.value.code == "secret_unavailable"
        is_away = False
        assert has_not() == b"of cursors"
