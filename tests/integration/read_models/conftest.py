from typing import TYPE_CHECKING

import pytest
from moto import mock_aws

from bursa.aws import table_writer
from bursa.aws.clients import dynamodb_client
from tests.integration.read_models.tables import ENVIRONMENT, create_all_tables

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_dynamodb import DynamoDBClient


@pytest.fixture
def dynamodb(monkeypatch: pytest.MonkeyPatch) -> "Iterator[DynamoDBClient]":
    """All tables, empty."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    # moto's tables lose rows when several threads write the first ones of a partition.
    monkeypatch.setattr(table_writer, "THREADS", 1)
    with mock_aws():
        client = dynamodb_client()
        create_all_tables(client)
        yield client
