"""The REST edge on virtual time: real handlers in containers, before the simulated services.

Real: the HTTP layer with its routes, the use cases, intake, budgets, backlog and queue sender of
each container; the worker behind the queue. Modelled: containers (each serves one request at a
time; so many at most; a handler's own time), the queue's and the tables' latency, the network.
"""

import asyncio
import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

from aws_lambda_powertools import Logger

from bursa.accounts.queries import AccountQueries
from bursa.compliance.level_check import LevelCheck
from bursa.dialects.native.http_api import RestApi
from bursa.dialects.native.trading_routes import TradingRoutes
from bursa.intake.admission import Admission, BudgetedAdmission, OpenAdmission
from bursa.intake.backlog_sqs import CommandBacklog
from bursa.intake.budgets import Budgets
from bursa.intake.message import decode_message
from bursa.intake.queue_kinds import QueueKind
from bursa.intake.reply import StoredReply
from bursa.intake.sqs import SqsCommandSender
from bursa.intake.submission import Intake
from bursa.journal.lease import QueueState
from bursa.kernel.amounts import Lots, Ticks, Units
from bursa.kernel.identifiers import AccountId, CommandId, TenantId
from bursa.kernel.markets import Market, MarketState, MarketUnits
from bursa.tenants.limits import DEFAULT_LIMITS, TenantLimits
from bursa.trading.batch import BatchExecution
from bursa.trading.cancel import DeadManSwitch, MassCancellation, OrderCancellation
from bursa.trading.change import OrderAmendment
from bursa.trading.decisions import OrderDecisions
from bursa.trading.place import OrderPlacement
from bursa.trading.settle import OrderSettlement
from bursa.trading.use_cases import TradingUseCases
from tests.doubles.buckets import CountingReport, MemoryBuckets
from tests.doubles.exchange import read_event
from tests.doubles.ids import PUBLIC_IDS, cursors_of
from tests.simulation.services import Message, Services
from tests.simulation.virtual_threads import THREADS_MAX, ThreadClock
from tests.unit.conftest import Context
from trading_api.routes import add_routes
from wire import layout as w

Json = dict[str, Any]
# What the handler itself takes, with its call to the queue.
HANDLER_S = 0.015
EXECUTIONS_MAX = 400
THROTTLED = 503


class Answer(NamedTuple):
    """A response, and how long it took."""

    status: int
    code: str
    latency_s: float


class Metrics:
    """Takes what a handler counts."""

    def add_metric(self, *_: object) -> None:
        """Count nothing."""

    def add_metadata(self, *_: object) -> None:
        """Note nothing."""


def market(number: int) -> Market:
    units = MarketUnits("BTC-USDT", "BTC", "USDT", 8, 2, 10, 1)
    largest = 1 << 40
    return Market(
        number, units, MarketState.OPEN, Units(0), Ticks(largest), Lots(largest), 1_000, 2_000
    )


class Catalogue:
    """One market for each tenant."""

    def __init__(self, numbers: dict[TenantId, int]) -> None:
        self._markets = {tenant: market(number) for tenant, number in numbers.items()}

    def find(self, tenant: TenantId, symbol: str) -> Market | None:
        return self._markets[tenant] if symbol == "BTC-USDT" else None

    def by_number(self, tenant: TenantId, number: int) -> Market | None:
        return self._markets[tenant]

    def all(self, tenant: TenantId) -> Sequence[Market]:
        return [self._markets[tenant]]

    def asset_scale(self, tenant: TenantId, asset: str) -> int | None:
        return 8


class ModelQueue:
    """The SQS client of a container, over the simulated queue."""

    def __init__(self, services: Services, now: Callable[[], float]) -> None:
        self._queue = services.queues[QueueKind.TRADING]
        self._now = now
        self._known: set[str] = set()

    def send_message(self, **request: str) -> None:
        body, name = request["MessageBody"], request["MessageDeduplicationId"]
        if name in self._known:
            return
        self._known.add(name)
        commands, size = decode_message(body).commands, w.COMMAND_BYTES
        names = frozenset(commands[at + 8 : at + 24] for at in range(0, len(commands), size))
        message = Message(body, request["MessageGroupId"], name, names, self._now())
        self._queue.send(message)

    def get_queue_attributes(self, **_: object) -> Json:
        depth = sum(map(len, self._queue._groups.values()))
        return {
            "Attributes": {
                "ApproximateNumberOfMessages": str(depth),
                "ApproximateNumberOfMessagesNotVisible": "0",
            }
        }


class ModelStates:
    """What the leader has written into its lease row."""

    def __init__(self, services: Services) -> None:
        self._leases = services.leases

    def read(self) -> QueueState:
        row = self._leases.row
        return QueueState() if row is None else QueueState(row.watermark_ms, row.busy)


class ModelReplies:
    """The stored replies."""

    def __init__(self, services: Services) -> None:
        self._replies = services.replies

    def find(
        self, tenant: TenantId, message_id: CommandId, *, latest: bool = True
    ) -> StoredReply | None:
        reply = self._replies.items.get(message_id.hex())
        return None if reply is None else StoredReply(reply.events, reply.request_digest)

    def bind(self, *_: object) -> StoredReply | None:
        return None


class Edge:
    """Containers that are started as they are needed."""

    def __init__(
        self,
        services: Services,
        numbers: dict[TenantId, int],
        *,
        limits: TenantLimits = DEFAULT_LIMITS,
        has_budgets: bool = True,
        executions_max: int = EXECUTIONS_MAX,
        age_ms_max: int = 15_000,
        own_age_ms_max: int = 5_000,
    ) -> None:
        self._executions_max = executions_max
        self._age_ms_max = age_ms_max
        self._own_age_ms_max = own_age_ms_max
        self._loop = asyncio.get_running_loop()
        self._services = services
        self._catalogue = Catalogue(numbers)
        self._limits = limits
        self._has_budgets = has_budgets
        self._queue: Any = ModelQueue(services, self._loop.time)
        self._free: list[tuple[RestApi, ThreadClock]] = []
        self._keys = 0
        self.started = 0
        self.buckets = MemoryBuckets()
        self.report = CountingReport()
        self.pool = ThreadPoolExecutor(THREADS_MAX)

    async def send(
        self, account: AccountId, method: str, path: str, body: object = None, *, wait: bool = True
    ) -> Answer:
        """Send a request through a free container; there are so many at most."""
        began = self._loop.time()
        if not self._free and self.started == self._executions_max:
            return Answer(THROTTLED, "no_execution", 0.0)
        app, clock = self._free.pop() if self._free else self._start()
        event = self._event(account, method, path, body, wait=wait)
        await asyncio.sleep(HANDLER_S)
        context: Any = Context()
        response = await clock.run(self.pool, lambda: app.handle(event, context))
        self._free.append((app, clock))
        code = json.loads(response["body"]).get("code", "")
        assert code != "internal_error", response
        return Answer(response["statusCode"], code, self._loop.time() - began)

    @staticmethod
    def _event(account: AccountId, method: str, path: str, body: object, *, wait: bool) -> Json:
        event = read_event("orders-place")
        event |= {"httpMethod": method, "path": path, "resource": path}
        event["requestContext"]["authorizer"]["account"] = str(account)
        event["requestContext"]["authorizer"]["expires_at"] = str(1 << 40)
        event["headers"] = {} if wait else {"Prefer": "respond-async"}
        event["queryStringParameters"] = None
        event["body"] = None if body is None else json.dumps(body)
        return event

    def _start(self) -> tuple[RestApi, ThreadClock]:
        self.started += 1
        clock = ThreadClock(self._loop)
        states: Any = ModelStates(self._services)
        backlog = CommandBacklog(
            self._queue,
            "",
            clock,
            20_000,
            states=states,
            age_ms_max=self._age_ms_max,
            own_age_ms_max=self._own_age_ms_max,
        )
        budgets = Budgets(lambda _: self._limits, self.buckets, clock, self.report, backlog.is_busy)
        admission: Admission = OpenAdmission()
        if self._has_budgets:
            admission = BudgetedAdmission(budgets, lambda _: backlog)
        sender = SqsCommandSender(self._queue, "", backlog)
        replies = ModelReplies(self._services)
        intake = Intake(sender, replies, clock, 5_000, self._new_key, admission=admission)
        metrics: Any = Metrics()
        nothing_is_limited: Any = None
        app = RestApi(Logger("edge"), metrics, clock, budgets if self._has_budgets else None)
        cursors = cursors_of(b"key")
        add_routes(
            app,
            TradingRoutes(
                self._catalogue,
                self._use_cases(intake, replies, clock),
                cursors,
                PUBLIC_IDS,
                LevelCheck(lambda _tenant: None, nothing_is_limited),
            ),
        )
        return app, clock

    def _use_cases(
        self, intake: Intake, replies: ModelReplies, clock: ThreadClock
    ) -> TradingUseCases:
        nothing: Any = Nothing()
        decisions = OrderDecisions(self._catalogue, nothing, nothing, replies, clock)
        queries = AccountQueries(
            self._catalogue, nothing, nothing, nothing, replies=nothing, catch_up=nothing
        )
        return TradingUseCases(
            place=OrderPlacement(intake, decisions),
            cancel=OrderCancellation(intake, decisions, nothing),
            cancel_all=MassCancellation(intake),
            cancel_all_after=DeadManSwitch(intake),
            amend=OrderAmendment(intake),
            settle=OrderSettlement(intake, queries),
            batch=BatchExecution(intake, decisions),
            dry_run=nothing,
            place_list=nothing,
            cancel_list=nothing,
            queries=queries,
        )

    def _new_key(self) -> str:
        self._keys += 1
        return f"{self._keys:032x}"


class Nothing:
    """Read models without a row."""

    def get(self, *_: object) -> None:
        return None

    def by_client_ids(self, *_: object, **__: object) -> dict[str, object]:
        return {}

    def all(self, *_: object) -> list[object]:
        return []

    def at_placement(self, *_: object) -> list[object]:
        return []
