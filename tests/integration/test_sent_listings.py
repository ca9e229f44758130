"""What was last listed, against moto's DynamoDB."""

from collections.abc import Iterator

import boto3
import pytest
from moto import mock_aws

from bursa.kernel.errors import Conflict
from bursa.kernel.identifiers import TenantId
from bursa.tenants.listings import SentListing
from bursa.tenants.listings_dynamodb import SentListings
from tests.doubles.tables import create_tables

TENANT = TenantId(1)
FIRST = SentListing(1, {"assets": [{"symbol": "BTC", "scale": 8}]}, is_done=False)


@pytest.fixture
def listings(monkeypatch: pytest.MonkeyPatch) -> Iterator[SentListings]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        client = boto3.client("dynamodb", region_name="us-east-1")
        create_tables(client, ["directory"])
        yield SentListings(client, "directory")


def test_a_listing_is_kept_and_then_marked_done(listings: SentListings) -> None:
    assert listings.last(TENANT) is None
    listings.write(TENANT, FIRST)
    assert listings.last(TENANT) == FIRST
    done = SentListing(1, FIRST.content, is_done=True)
    listings.write(TENANT, done)
    assert listings.last(TENANT) == done


def test_two_that_change_it_at_once_do_not_overwrite_each_other(listings: SentListings) -> None:
    listings.write(TENANT, FIRST)
    second = SentListing(2, {"assets": []}, is_done=False)
    listings.write(TENANT, second)
    for late in (FIRST, SentListing(2, {"assets": [{}]}, is_done=False)):
        with pytest.raises(Conflict) as refused:
            listings.write(TENANT, late)
        assert refused.value.code == "listing_changed"
    assert listings.last(TENANT) == second
