"""The edge of a rig: the real Lambda handlers, called in this process.

The REST side is given events as API Gateway sends them, the projector batches as Lambda makes
them of the journal's stream. There is no sign-in: the events name the account, as the
authorizer would.
"""

import importlib
import time
from base64 import b64encode
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

from benchmarks.rig import Rig
from bursa.intake.message import CommandMessage, decode_message, encode_message
from bursa.intake.names import order_command_id
from bursa.kernel.identifiers import AccountId, TenantId
from bursa.read_models.rebuild import Rebuild
from scripts.rebuild import open_rebuild
from tests.doubles.deliveries import Sender, asked_for
from tests.doubles.tables import READ_MODELS, create_tables
from tests.integration.read_models.tables import (
    BUDGETS,
    CONNECTIONS,
    ENVIRONMENT,
    JOURNAL,
    create_directory,
)
from tests.integration.storm import send, wait_until_done
from tests.simulation.workload import ClientMessage
from tests.unit.conftest import Context, Response, signed_in_request
from wire import codec
from wire import layout as w

TENANT = TenantId(1)
BTC, USDT, BTC_USDT = 1, 2, 1
LATER = {"Prefer": "respond-async"}
_FUNDS = 10**15
_BATCH = 100


def account(index: int) -> AccountId:
    return AccountId(TENANT, index)


def command_bytes(account_id: AccountId, client_order_id: str) -> bytes:
    """Return the id of the command that places an order, as it is in the journal."""
    name = order_command_id(account_id, client_order_id)
    return b"".join(part.to_bytes(8, "little", signed=True) for part in (name.high, name.low))


def opening(accounts: int) -> list[ClientMessage]:
    """Make the messages that list BTC-USDT and fund accounts 1, 2, 3 …"""
    listing = [
        codec.encode_define_asset(BTC, TENANT.number, 8, "BTC"),
        codec.encode_define_asset(USDT, TENANT.number, 10, "USDT"),
        codec.encode_define_market(
            BTC_USDT, TENANT.number, BTC, USDT, lot_units=1, tick_units=1, symbol="BTC-USDT"
        ),
        codec.encode_set_fee_tier(TENANT.number, 0, 1_000, 2_000),
    ]
    funding = [
        codec.encode_funds(w.COMMAND_CREDIT, account(index).number, asset, _FUNDS)
        for index in range(1, accounts + 1)
        for asset in (BTC, USDT)
    ]
    return funds_messages(TENANT, [*listing, *funding])


def funds_messages(tenant: TenantId, commands: list[bytes]) -> list[ClientMessage]:
    """Put commands into as many messages of the funds queue as they need."""
    now_ms = time.time_ns() // 1_000_000
    messages = []
    for delivery in Sender(tenant.number).deliveries(commands, now_ms):
        sent = decode_message(delivery.body)
        messages.append(
            ClientMessage(
                sent.message_id, sent.account, sent.commands, delivery.body, delivery.queue
            )
        )
    return messages


def message(message_id: str, sender: AccountId, commands: list[bytes]) -> ClientMessage:
    """Put commands into a message of an account."""
    data = b"".join(map(asked_for, commands))
    body = encode_message(CommandMessage(message_id, sender.number, data))
    return ClientMessage(message_id, sender.number, data, body)


def _as_lambda_has_it(value: Any) -> Any:
    """Write binary attributes in base64, as they are in an event."""
    if isinstance(value, bytes):
        return b64encode(value).decode()
    if isinstance(value, dict):
        return {name: _as_lambda_has_it(one) for name, one in value.items()}
    return value


class JournalStream:
    """Reads the emulator's stream of the journal from its beginning."""

    def __init__(self, rig: Rig) -> None:
        description = rig.client("dynamodb").update_table(
            TableName=JOURNAL,
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
        )["TableDescription"]
        self._arn = description["LatestStreamArn"]
        self._client = rig.client("dynamodbstreams")
        self._iterators: dict[str, str] = {}

    def read(self) -> list[dict[str, Any]]:
        """Read what is new, in the form of the events that Lambda makes."""
        records: list[dict[str, Any]] = []
        shards = self._client.describe_stream(StreamArn=self._arn)["StreamDescription"]["Shards"]
        for shard in (one["ShardId"] for one in shards):
            if shard not in self._iterators:
                self._iterators[shard] = self._client.get_shard_iterator(
                    StreamArn=self._arn, ShardId=shard, ShardIteratorType="TRIM_HORIZON"
                )["ShardIterator"]
            records += self._read_shard(shard)
        return records

    def _read_shard(self, shard: str) -> Iterator[dict[str, Any]]:
        while True:
            response = self._client.get_records(ShardIterator=self._iterators[shard])
            self._iterators[shard] = response["NextShardIterator"]
            if not response["Records"]:
                return
            for record in response["Records"]:
                change = _as_lambda_has_it(record["dynamodb"])
                change.pop("ApproximateCreationDateTime", None)
                yield {"eventName": record["eventName"], "dynamodb": change}


class Edge:
    """Tables, functions and stream of one rig.

    Parameters
    ----------
    shards
        The tenants, each with its shard; without, one tenant on shard 0.

    """

    def __init__(
        self,
        rig: Rig,
        patch: pytest.MonkeyPatch,
        shards: dict[TenantId, int] | None = None,
        **settings: str,
    ) -> None:
        # The rig has made the worker's tables.
        tables = {*READ_MODELS, BUDGETS, CONNECTIONS} - {READ_MODELS.progress_table}
        create_tables(rig.client("dynamodb"), sorted(tables))
        create_directory(rig.client("dynamodb"), shards or {TENANT: 0})
        own = rig.environment() | {"COMMAND_QUEUE_URL_PREFIX": rig.queue_url_prefix} | settings
        for name, value in (ENVIRONMENT | own).items():
            if name.isupper() and not name.startswith("PYTHON") and name not in {"PATH", "HOME"}:
                patch.setenv(name, value)
        self.rig = rig
        self._patch = patch
        self.stream = JournalStream(rig)
        self.start_trading_api()
        self.projector = self._started("projector")

    def start_trading_api(self, **settings: str) -> None:
        """Start it, or another container of it with other settings."""
        for name, value in settings.items():
            self._patch.setenv(name, value)
        self.trading_api = self._started("trading_api")

    @staticmethod
    def _started(function: str) -> ModuleType:
        return importlib.reload(importlib.import_module(f"{function}.app"))

    def open(self, accounts: int) -> list[ClientMessage]:
        """Have the market listed and accounts funded, and wait until the edge knows."""
        listing, *funding = opening(accounts)
        for messages in ([listing], funding):
            send(self.rig, messages)
            wait_until_done(self.rig, {name for one in messages for name in one.command_ids})
        self.project()
        return [listing, *funding]

    def place(
        self, sender: AccountId, order: dict[str, str], headers: dict[str, str] | None = None
    ) -> Response:
        """Place an order by REST."""
        return self.post(sender, "/orders", order, headers)

    def post(
        self, sender: AccountId, path: str, body: object, headers: dict[str, str] | None = None
    ) -> Response:
        """Send a request by REST."""
        return signed_in_request(
            self.trading_api, "POST", path, body, account=sender, headers=headers
        )

    def project(self) -> int:
        """Hand the stream's new records to the projector; returns how many there were."""
        records = self.stream.read()
        for start in range(0, len(records), _BATCH):
            event = {"Records": records[start : start + _BATCH]}
            assert self.projector.handler(event, Context()) == {"batchItemFailures": []}
        return len(records)

    def rebuild(self, shard: int = 0) -> Rebuild:
        """Project a shard's journal into memory, to compare the read models with."""
        return open_rebuild(self.rig.client("dynamodb"), ENVIRONMENT, shard)
