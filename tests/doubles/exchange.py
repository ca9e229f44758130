"""The exchange in miniature: moto's tables and queue, and a worker of thirty lines around the
reference engine, which works while a caller waits.
"""

import json
import os
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bursa.aws.clients import dynamodb_client, kms_client, secrets_client, sqs_client
from bursa.aws.table_writer import TableWriter
from bursa.intake.dynamodb import DynamoReplyWriter
from bursa.intake.message import decode_message
from bursa.intake.names import reply_name
from bursa.intake.reply import Reply
from bursa.journal.items import to_item
from bursa.journal.record import GENESIS_HASH, EncodedRecord, JournalRecord, encode_record
from bursa.journal.stream import StreamRecord
from bursa.kernel.identifiers import AccountId, TenantId
from bursa.read_models.dynamodb import ReadModelTables
from bursa.read_models.projector import Projector
from bursa.tenants.dynamodb import DirectoryTable
from bursa.tenants.hosts import ANY_HOST
from bursa.tenants.profile import TenantProfile
from engine.reference.engine import Engine
from tests.doubles.tables import READ_MODELS, create_tables
from wire import codec
from wire import layout as w
from wire.events import NOT_REMEMBERED, Result

if TYPE_CHECKING:
    from collections.abc import Iterator

TENANT = TenantId(1)
ALICE, BOB, CAROL = AccountId(TENANT, 1), AccountId(TENANT, 2), AccountId(TENANT, 3)
ISSUER = "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_demo"
CLIENT_ID = "demo-client"
NOON_MS = 1_795_291_200_000
FAR_S = 4_000_000_000
CURSOR_KEY = "cursor-key"
CREDENTIALS_KEY = "alias/credentials"
BTC, USDT, IDR = 1, 2, 3
BTC_USDT, BTC_IDR = 1, 2
EVENTS = Path(__file__).resolve().parents[2] / "events"

TABLES = (
    *READ_MODELS,
    "audit",
    "budgets",
    "compliance",
    "connections",
    "directory",
    "identity",
    "journal",
    "nonces",
    "notices",
    "public_connections",
    "replies",
    "tickets",
    "user_keys",
)

OPENING = (
    codec.encode_define_asset(BTC, 1, 8, "BTC"),
    codec.encode_define_asset(USDT, 1, 10, "USDT"),
    codec.encode_define_asset(IDR, 1, 2, "IDR"),
    codec.encode_define_market(
        BTC_USDT, 1, BTC, USDT, lot_units=1, tick_units=1, symbol="BTC-USDT"
    ),
    codec.encode_define_market(
        BTC_IDR, 1, BTC, IDR, lot_units=1_000, tick_units=1, symbol="BTC-IDR"
    ),
    codec.encode_set_fee_tier(1, 0, 1_000, 2_000),
    codec.encode_set_market_limits(BTC_USDT, min_notional=10**10),
    codec.encode_funds(w.COMMAND_CREDIT, ALICE.number, USDT, 1_000_000 * 10**10),
    codec.encode_funds(w.COMMAND_CREDIT, BOB.number, BTC, 100 * 10**8),
    codec.encode_funds(w.COMMAND_CREDIT, BOB.number, USDT, 100 * 10**10),
)


def environment() -> dict[str, str]:
    """Return the environment that the template gives the functions."""
    return {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "POWERTOOLS_SERVICE_NAME": "test",
        "POWERTOOLS_METRICS_NAMESPACE": "Bursa/test",
        "POWERTOOLS_TRACE_DISABLED": "true",
        "SHARDS": "0",
        "CURSOR_KEY_SECRET": CURSOR_KEY,
        "ID_KEY": "i" * 32,
        "CREDENTIALS_KEY": CREDENTIALS_KEY,
        "DOCUMENTS_BUCKET": "documents",
        "EVENT_BUS": "bursa",
        "FACT_KINDS": "order.done,trade.executed",
        "KYC_SECRETS": "bursa/kyc/",
        "KYC_WORKFLOW": "arn:aws:states:us-east-1:123456789012:stateMachine:bursa-kyc",
        "SANCTIONS_LIST": "sdn",
        "TENANT_KEYS": "arn:aws:kms:us-east-1:123456789012:alias/bursa-",
        "TENANTS_SHARE_HOSTS": "true",
        "WEBSOCKET_ENDPOINT": "https://def456.execute-api.us-east-1.amazonaws.com/v1",
        "PUBLIC_WEBSOCKET_ENDPOINT": "https://abc789.execute-api.us-east-1.amazonaws.com/v1",
        "COMMAND_QUEUE_URL_PREFIX": "https://sqs.us-east-1.amazonaws.com/123456789012/commands-",
        "TRANSFERS_QUEUE_URL_PREFIX": "https://sqs.us-east-1.amazonaws.com/123456789012/transfers-",
        "NOTICES_QUEUE_URL": "https://sqs.us-east-1.amazonaws.com/123456789012/notices",
        "FUNDS_QUEUE_URL_PREFIX": "https://sqs.us-east-1.amazonaws.com/123456789012/funds-",
        "ARCHIVE_BUCKET": "archive",
        "EXPORT_BUCKET": "exports",
        "OPERATOR_WORKFLOW": "arn:aws:states:us-east-1:123456789012:stateMachine:bursa-operator",
        "STACK_NAME": "bursa",
        "TENANT_STACK_ROLE": "arn:aws:iam::123456789012:role/bursa-TenantStackRole",
        "USER_POOL_ID": "us-east-1_abc",
        "USER_POOL_CLIENT_ID": "web",
        "ISSUER": "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_abc",
        **{f"{name.upper()}_TABLE": name for name in TABLES},
    }


def create_resources() -> str:
    """Create tables, keys and queues as the template does; return the trading queue's URL."""
    create_tables(dynamodb_client(), TABLES)
    secrets_client().create_secret(Name=CURSOR_KEY, SecretString="k" * 32)
    kms = kms_client()
    kms.create_alias(
        AliasName=CREDENTIALS_KEY, TargetKeyId=kms.create_key()["KeyMetadata"]["KeyId"]
    )
    return create_queues()


def create_queues() -> str:
    """Create a shard's queues for users; return the trading queue's URL."""
    create_queue("transfers-0.fifo")
    return create_queue("commands-0.fifo")


def transfers_queue(queue_url: str) -> str:
    """Return the URL of the transfers queue beside a shard's trading queue."""
    return queue_url.replace("commands-", "transfers-")


def create_queue(name: str) -> str:
    """Create a shard's queue; return its URL."""
    queue = sqs_client().create_queue(
        QueueName=name,
        Attributes={
            "FifoQueue": "true",
            "DeduplicationScope": "messageGroup",
            "FifoThroughputLimit": "perMessageGroupId",
        },
    )
    return queue["QueueUrl"]


@dataclass
class Exchange:
    """What is behind the API. `work` does what the worker and the projector do."""

    queue_url: str
    engine: Engine = field(default_factory=Engine)
    records: list[EncodedRecord] = field(default_factory=list)
    time_ms: int = NOON_MS
    asleep: bool = False
    project: bool = True
    lose_replies: bool = False
    # While `project` is off: so much later, by a caller's clock, the read models catch up.
    project_after_ms: float = float("inf")
    # The bodies of what the queue has delivered.
    delivered: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._sqs = sqs_client()
        self._dynamodb = client = dynamodb_client()
        self._replies = DynamoReplyWriter(client, "replies")
        tables = ReadModelTables(client, READ_MODELS, 0, TableWriter(client, threads=1))
        self._projector = Projector(0, self, tables, _raise)
        if self.records:
            return
        directory = DirectoryTable(client, "directory")
        directory.add_tenant(TenantProfile(TENANT, 0, "demo", ISSUER, frozenset({CLIENT_ID})))
        directory.add_host(TENANT, ANY_HOST)
        self.commit(OPENING)

    def read(self, first_sequence: int, last_sequence: int) -> "Iterator[EncodedRecord]":
        """Read the journal, for the projector."""
        for record in self.records:
            if first_sequence <= record.first_sequence <= last_sequence:
                yield record

    def work(self, queue_url: str = "") -> int:
        """Carry out what waits in users' queues, or another; return how many messages that was."""
        if not queue_url:
            return sum(map(self.work, (self.queue_url, transfers_queue(self.queue_url))))
        received = 0
        while not self.asleep:
            response = self._sqs.receive_message(QueueUrl=queue_url, MaxNumberOfMessages=10)
            messages = response.get("Messages", [])
            if not messages:
                break
            for message in messages:
                received += 1
                self.delivered.append(message["Body"])
                self.carry_out(message["Body"])
                self._sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])
        return received

    def pass_time(self, duration_ms: float) -> None:
        """Let the read models catch up once they are as late as they were to be."""
        self.project_after_ms -= duration_ms
        if self.project_after_ms <= 0:
            self.project, self.project_after_ms = True, float("inf")
            last = self.records[-1]
            self._projector.project([StreamRecord(str(last.number), last)])

    def waiting(self) -> int:
        """Count what was sent and not received."""
        response = self._sqs.get_queue_attributes(
            QueueUrl=self.queue_url, AttributeNames=["ApproximateNumberOfMessages"]
        )
        return int(response["Attributes"]["ApproximateNumberOfMessages"])

    def carry_out(self, body: str) -> None:
        """Decide a message and reply to it, also one that is delivered again."""
        message = decode_message(body)
        size = w.COMMAND_BYTES
        commands = [
            message.commands[at : at + size] for at in range(0, len(message.commands), size)
        ]
        events, sequence = self.commit(commands, message.client_order_ids)
        if message.reply and not self.lose_replies:
            tenant = AccountId.from_number(message.account).tenant.number
            repeated = any(
                isinstance(event, Result) and event.reason in NOT_REMEMBERED
                for event in codec.decode_events(events)
            )
            name, digest = reply_name(message, decided=not repeated), message.request_digest
            self._replies.write([Reply(tenant, name, sequence, events, repeated, FAR_S, digest)])

    def commit(
        self,
        commands: "list[bytes] | tuple[bytes, ...]",
        client_order_ids: dict[int, str] | None = None,
    ) -> tuple[bytes, int]:
        """Apply commands, journal and project them; return their events and first sequence."""
        self.time_ms += 10
        clock = codec.encode_advance_time(self.time_ms)
        clock_events = self.engine.apply(clock)
        events = self.engine.apply(b"".join(commands))
        last = self.records[-1] if self.records else None
        first = last.last_sequence + 1 if last else 1
        record = encode_record(
            JournalRecord(
                shard=0,
                number=last.number + 1 if last else 1,
                first_sequence=first,
                last_sequence=first + len(commands),
                epoch=1,
                time_ms=self.time_ms,
                state_digest=self.engine.digest(),
                batch_id=uuid.uuid4().bytes,
                commands=clock + b"".join(commands),
                events=clock_events + events,
                client_order_ids={
                    first + 1 + position: text
                    for position, text in (client_order_ids or {}).items()
                },
                previous_hash=last.hash if last else GENESIS_HASH,
            )
        )
        self.records.append(record)
        self._dynamodb.put_item(TableName="journal", Item=to_item(record))
        if self.project:
            self._projector.project([StreamRecord(str(record.number), record)])
        return events, first + 1


@dataclass
class WorkingClock:
    """A clock that passes no time but lets the exchange work while a caller sleeps."""

    exchange: Exchange
    slept_ms: float = 0

    def now_ms(self) -> int:
        return self.exchange.time_ms

    def monotonic_ms(self) -> float:
        return self.slept_ms

    def sleep_ms(self, duration_ms: float) -> None:
        self.slept_ms += duration_ms
        self.exchange.work()
        self.exchange.pass_time(duration_ms)


def _raise(error: Exception) -> None:
    raise error


def read_event(name: str) -> dict[str, Any]:
    """Read one of the repository's sample events."""
    return dict(json.loads((EVENTS / f"{name}.json").read_text()))


os.environ |= environment()
