"""The operator's functions on their sample events, with the tables of a deployment."""

import json
from collections.abc import Iterator

import pytest

from engine.reference import Engine
from tests.doubles.exchange import Exchange, read_event
from tests.unit.conftest import Context, opened, started


@pytest.fixture(scope="module")
def exchange() -> Iterator[Exchange]:
    with opened(Engine()) as found:
        yield found


def test_the_api_lists_the_tenants_that_there_are(exchange: Exchange) -> None:
    function = started("operator_api.app")
    response = function.handler(read_event("operator-tenants"), Context())
    assert response["statusCode"] == 200, response["body"]
    content = json.loads(response["body"])
    assert [one["id"] for one in content["items"]] == ["t1"]
    assert content["next_cursor"] is None
    # No page of any origin may read it.
    assert not [name for name in response["multiValueHeaders"] if "Access-Control" in name]


def test_a_job_that_can_not_be_done_is_returned_and_not_raised(exchange: Exchange) -> None:
    function = started("operator_jobs.app")
    refused = function.handler(read_event("operator-job"), Context())
    assert (refused["state"], refused["code"]) == ("refused", "unknown_tenant")
    assert "t7" in refused["detail"]
