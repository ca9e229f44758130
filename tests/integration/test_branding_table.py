"""Brandings as DynamoDB keeps them."""

from collections.abc import Iterator

import pytest
from moto import mock_aws

from bursa.aws.clients import dynamodb_client
from bursa.kernel.errors import InvalidInput, Unavailable
from bursa.kernel.identifiers import TenantId
from bursa.tenants.branding import Branding, Colours
from bursa.tenants.branding_dynamodb import BrandingTable
from tests.doubles.tables import create_tables

T1, T2 = TenantId(1), TenantId(2)
FULL = Branding(
    "Börse Süd",
    "https://cdn.brand.example/logo.svg",
    "https://help.brand.example",
    Colours("#22c55e", "#04130a", "#0b0f14", "#e5e7eb"),
    ("de", "en"),
    {"de": {"terms": "https://brand.example/agb"}},
)


@pytest.fixture
def table() -> Iterator[BrandingTable]:
    with mock_aws():
        create_tables(dynamodb_client(), ["directory"])
        yield BrandingTable(dynamodb_client(), "directory")


def test_a_branding_is_read_as_it_was_written_and_is_its_tenants_alone(
    table: BrandingTable,
) -> None:
    table.write(T1, FULL)
    assert table.find(T1) == FULL
    assert table.find(T2) is None
    table.write(T1, Branding())
    assert table.find(T1) == Branding()


def test_what_could_not_be_shown_is_not_written(table: BrandingTable) -> None:
    with pytest.raises(InvalidInput, match="https"):
        table.write(T1, Branding(logo_url="http://brand.example/x.png"))
    assert table.find(T1) is None


def test_a_directory_that_is_away_is_said_to_be() -> None:
    with mock_aws():
        table = BrandingTable(dynamodb_client(), "nowhere")
        with pytest.raises(Unavailable):
            table.find(T1)
