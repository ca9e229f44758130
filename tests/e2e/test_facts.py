"""What is committed on the running exchange comes over the deployment's bus, once or more."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.session import get_session

from scripts.client import Client, Deployment, Json
from tests.doubles.authenticator import Codes
from tests.doubles.newcomers import sign_up
from tests.e2e.test_notices import within

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("exchange")]


@pytest.fixture
def told(exchange: Deployment) -> Callable[[], list[Json]]:
    """Return what reads the details that have come over the bus since this began."""

    def client(service: str) -> Any:
        return get_session().create_client(
            service,
            region_name="us-east-1",
            endpoint_url=exchange.endpoint_url,
            aws_access_key_id=exchange.access_key_id,
            aws_secret_access_key=exchange.secret_access_key,
        )

    events, sqs = client("events"), client("sqs")
    (bus,) = [
        one["Name"] for one in events.list_event_buses()["EventBuses"] if one["Name"] != "default"
    ]
    url = sqs.create_queue(QueueName="facts-told")["QueueUrl"]
    named = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
    pattern = json.dumps({"source": ["bursa.exchange", "bursa.security"]})
    events.put_rule(Name="facts-told", EventBusName=bus, EventPattern=pattern)
    target = {"Id": "queue", "Arn": named["QueueArn"]}
    events.put_targets(Rule="facts-told", EventBusName=bus, Targets=[target])
    found: list[Json] = []

    def read() -> list[Json]:
        received = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)
        for message in received.get("Messages", []):
            found.append(json.loads(message["Body"]))
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return found

    return read


def test_an_order_that_traded_is_told(exchange: Deployment, told: Callable[[], list[Json]]) -> None:
    alice, bob = (Client(exchange, user) for user in (exchange.users[0], exchange.users[1]))
    order = {"market": "BTC-USDT", "type": "limit", "price": "60000.00", "quantity": "0.01"}
    sold = alice.call("POST", "/orders", json=order | {"side": "sell"})
    bought = bob.call("POST", "/orders", json=order | {"side": "buy"})
    wanted = {sold["order_id"], bought["order_id"]}

    def done() -> set[str]:
        return {one["detail"]["order_id"] for one in told() if one["detail-type"] == "order.done"}

    assert wanted <= within(done, lambda found: wanted <= found)
    details = [one["detail"] for one in told() if one["detail"].get("order_id") in wanted]
    assert {one["status"] for one in details} == {"filled"}
    assert {one["id"] for one in details} == {f"order.done/{one}" for one in wanted}


def test_money_that_came_is_in_the_users_list(exchange: Deployment) -> None:
    alice = Client(exchange, exchange.users[0])

    def found() -> list[str]:
        return [one["text"] for one in alice.call("GET", "/notices")["items"]]

    within(found, lambda texts: any("was added to your account" in one for one in texts))


def test_a_security_event_is_told(exchange: Deployment, told: Callable[[], list[Json]]) -> None:
    user = Client(exchange, sign_up(exchange))
    account = user.call("GET", "/me")["account"]
    codes = Codes(user.call("POST", "/second-factor")["secret"])
    user.call("POST", "/second-factor/confirm", json={"code": codes()})

    def kinds() -> list[str]:
        return [one["detail"]["kind"] for one in told() if one["detail"].get("account") == account]

    assert "second_factor_added" in within(kinds, lambda found: "second_factor_added" in found)
