"""Every function in a real Lambda container, on its events in `events/`.

Beside the containers runs the emulator with the tables and queues of a deployment, and no worker:
what is sent waits in the queue, and is answered with 202.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from benchmarks.rig import Rig
from bursa.kernel.identifiers import TenantId
from bursa.tenants.dynamodb import DirectoryTable
from bursa.tenants.hosts import ANY_HOST
from tests.containers.lambda_container import Function, layers, require_image, running
from tests.contract.templates import APPLICATION, resources
from tests.doubles.exchange import CURSOR_KEY, TABLES, environment
from tests.doubles.tables import create_tables
from tests.integration.read_models.tables import create_directory

pytestmark = [pytest.mark.containers, pytest.mark.xdist_group("containers")]

EVENTS = Path(__file__).resolve().parents[2] / "events"
HANDLERS = {
    name: body["Properties"]["Handler"]
    for name, body in resources(APPLICATION, "AWS::Serverless::Function").items()
}


@pytest.fixture(scope="module")
def functions() -> Iterator[dict[str, Function]]:
    require_image()
    opt = layers()
    with ExitStack() as stack:
        rig = stack.enter_context(Rig())
        made = {"directory", "journal", "progress", "replies"}
        create_tables(rig.client("dynamodb"), [name for name in TABLES if name not in made])
        create_directory(rig.client("dynamodb"), {TenantId(1): 0})
        directory = DirectoryTable(rig.client("dynamodb"), "directory")
        assert directory.next_tenant_number() == 1
        directory.add_host(TenantId(1), ANY_HOST)
        rig.client("s3").create_bucket(Bucket="documents")
        rig.client("secretsmanager").create_secret(Name=CURSOR_KEY, SecretString="k" * 32)
        own = {
            "ARCHIVE_BUCKET": "archive",
            "AWS_ENDPOINT_URL": rig.endpoint,
            "COMMAND_QUEUE_URL_PREFIX": rig.queue_url_prefix,
            "REPLY_DEADLINE_MS": "100",
        }
        variables = environment() | own
        yield {
            name: stack.enter_context(running(handler, variables, opt))
            for name, handler in HANDLERS.items()
        }


def event(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text())
    return loaded


def rest(status: int, /, **body: Any) -> tuple[int, dict[str, Any]]:
    return status, body


REFUSED = {"errorMessage": "Unauthorized"}
# In this order: what the projector writes is read by the others.
CALLS: dict[tuple[str, str], Any] = {
    ("Projector", "journal-stream"): {"batchItemFailures": []},
    # No worker runs here, so nothing decides orders.
    ("MarketApi", "health"): rest(200, status="down"),
    ("MarketApi", "tenant"): rest(200, name="tenant t1", state="active"),
    ("MarketApi", "markets-list"): rest(200, items=["BTC-USDT"]),
    ("MarketApi", "preflight"): {"statusCode": 204, "body": ""},
    ("MarketApi", "market-book"): rest(200, market="BTC-USDT", bids=[["23512", "0.006"]]),
    ("TradingApi", "orders-list"): rest(200, items=["demo-order-1"]),
    ("TradingApi", "balances-list"): rest(200, items=["BTC", "USDT"]),
    ("TradingApi", "fills-list"): rest(200, items=["BTC-USDT"]),
    ("TradingApi", "orders-get"): rest(404, code="unknown_order"),
    ("TradingApi", "orders-get-by-client-id"): rest(404, code="unknown_order"),
    ("TradingApi", "orders-place"): rest(202, status="pending"),
    ("TradingApi", "orders-batch"): rest(202, status="pending"),
    ("TradingApi", "orders-cancel"): rest(202, status="pending"),
    ("TradingApi", "orders-cancel-all"): rest(202, status="pending"),
    ("TradingApi", "order-lists-list"): rest(200, items=[]),
    ("TradingApi", "order-lists-get"): rest(404, code="unknown_list"),
    ("TradingApi", "order-lists-place"): rest(202, status="pending"),
    ("TradingApi", "order-lists-cancel"): rest(202, status="pending"),
    ("TradingApi", "orders-place-signed"): rest(202, status="pending"),
    ("BinanceApi", "binance-depth"): rest(200, bids=[["23512.00000000", "0.00600000"]]),
    # Nobody has made its key.
    ("BinanceApi", "binance-order"): rest(401, code=-2015),
    ("IdentityApi", "me"): rest(200, account="t1-1", email=None),
    ("IdentityApi", "ws-ticket"): rest(201),
    # Who has no second factor is not let in.
    ("AdminApi", "admin-market-state"): rest(403, code="second_factor_required"),
    ("AdminApi", "admin-report"): rest(403, code="second_factor_required"),
    ("OperatorApi", "operator-tenants"): rest(200, next_cursor=None),
    ("OperatorJobs", "operator-job"): {"state": "refused", "code": "unknown_tenant"},
    ("Authorizer", "authorizer-request"): REFUSED,
    ("Authorizer", "authorizer-key"): REFUSED,
    ("Authorizer", "authorizer-ticket"): {"Effect": "Deny"},
    ("WebSocket", "websocket-connect"): {"statusCode": 200},
    ("WebSocket", "websocket-message"): {"statusCode": 200},
    ("Projector", "late-facts"): {"0": 0},
    ("PublicWebSocket", "authorizer-visitor"): {"Effect": "Allow"},
    ("PublicWebSocket", "public-websocket-connect"): {"statusCode": 200},
    ("PublicWebSocket", "public-websocket-message"): {"statusCode": 200},
    ("Feeds", "journal-stream"): {"batchItemFailures": []},
    ("WebSocket", "websocket-disconnect"): {"statusCode": 200},
    ("PublicWebSocket", "public-websocket-disconnect"): {"statusCode": 200},
    ("IdentityApi", "sessions-revoke"): rest(200),
    ("SubAccounts", "sub-accounts-list"): rest(200, main_account="t1-1", items=[]),
    ("Kyc", "kyc"): rest(404, code="no_kyc"),
    ("KycTasks", "kyc-pass-time"): {"changed": 0, "failed": 0},
    # No list is in force.
    ("KycTasks", "kyc-rescreen"): {"compared": 0, "opened": 0},
    # A line of the record of accesses, which nothing follows.
    ("KycChanges", "kyc-changes-stream"): {"batchItemFailures": []},
    # Without a schedule there is nothing to set.
    ("FeeTiers", "fee-tiers"): {"t1": True},
    # Of a pool that is no tenant's: nobody is let in, and nothing is followed.
    ("PoolEvents", "pool-first-sign-in"): {"errorType": "RefusedError"},
    ("PoolEvents", "pool-password-reset"): {"userName": "alice"},
    ("PoolEvents", "pool-password-changed"): {"source": "aws.cognito-idp"},
    # The user's pool is gone, so there is nobody to mail; what the stream has comes again
    # while the queue is away.
    ("Notify", "notify-queue"): {"batchItemFailures": []},
    ("Notify", "notify-stream"): {
        "batchItemFailures": [{"itemIdentifier": "4421584500000000017450439091"}]
    },
    # Journal and archive are both empty.
    ("JournalAudit", "journal-audit"): {"0": True},
}


@pytest.mark.parametrize(("function", "name"), CALLS, ids=lambda value: value)
def test_a_function_answers_its_event(
    function: str, name: str, functions: Mapping[str, Function]
) -> None:
    response = functions[function].invoke(event(name))
    expected = CALLS[function, name]
    said = (response, functions[function].log()[-2_000:])
    if isinstance(expected, tuple):
        status, body = expected
        assert response["statusCode"] == status, said
        given = json.loads(response["body"])
        assert {key: summary(given.get(key)) for key in body} == body, said
    elif "Effect" in expected:
        (statement,) = response["policyDocument"]["Statement"]
        assert statement["Effect"] == expected["Effect"], said
    else:
        assert {key: response.get(key) for key in expected} == expected, said


def summary(value: Any) -> Any:
    """Return the names of listed things, and everything else as it is."""
    if isinstance(value, list) and value and isinstance(value[0], dict):
        names = ("client_order_id", "asset", "market")
        return [next(one[name] for name in names if name in one) for one in value]
    return value
