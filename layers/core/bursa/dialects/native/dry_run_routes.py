"""The dry runs of orders, changes and batches: what would become of them, and nothing is sent."""

from typing import Final

from bursa.compliance.level_check import LevelCheck
from bursa.compliance.levels import Operation
from bursa.dialects.native.commands import (
    FindOrder,
    read_amendment,
    read_batch,
    read_change,
    read_order,
)
from bursa.dialects.native.dry_run_presentation import dry_run_batch, dry_run_result
from bursa.dialects.native.dry_run_responses import DryRunBatch, DryRunResult
from bursa.dialects.native.outcome_presentation import closed
from bursa.dialects.native.public_ids import PublicIds
from bursa.dialects.native.requests import (
    AmendRequest,
    BatchRequest,
    PlaceOperation,
    PlaceRequest,
    ReplaceRequest,
)
from bursa.identity.principal import Principal
from bursa.kernel.errors import BursaError, InvalidInput, Refused
from bursa.trading.batch import check_operations, operation_field, takes_out
from bursa.trading.catalogue import MarketCatalogue
from bursa.trading.commands import AmendOrder, CancelOrder, PlaceOrder, ReplaceOrder
from bursa.trading.dry_run import DryRun
from bursa.trading.order_checks import check_order
from bursa.trading.order_value import makes_smaller
from bursa.trading.orders import TRAILING, OrderType, OrderView
from bursa.trading.outcomes import OrderAlreadyClosed

# The book, as deep as an order may go, and the balances.
ORDER_READS: Final = 2


def batch_reads(request: BatchRequest) -> int:
    """Return what the dry run of a batch reads.

    The balances, the book of each market, and of what changes or cancels an order that too.
    """
    markets = {one.market for one in request.operations if isinstance(one, PlaceOperation)}
    others = sum(not isinstance(one, PlaceOperation) for one in request.operations)
    return 1 + len(markets) + 2 * others


class DryRunRoutes:
    """What would become of orders of all tenants; each raises as what it is a dry run of.

    But for what would refuse it: that is in the result.
    """

    def __init__(
        self,
        catalogue: MarketCatalogue,
        dry_run: DryRun,
        ids: PublicIds,
        require_level: LevelCheck,
    ) -> None:
        self._catalogue = catalogue
        self._dry_run = dry_run
        self._ids = ids
        self._require_level = require_level

    def place(self, principal: Principal, request: PlaceRequest) -> DryRunResult:
        """Return what would become of an order."""
        order = read_order(request, self._catalogue, principal.tenant)
        _require_no_trail(order.type)
        refused = self._refused(principal, order)
        assessment, view = self._dry_run(principal.account, order)
        return dry_run_result(order, assessment, view, refused)

    def amend(self, principal: Principal, request: AmendRequest, order: OrderView) -> DryRunResult:
        """Return what would become of a change of an order."""
        return self._change(principal, read_amendment(request, order), "change")

    def replace(
        self, principal: Principal, request: ReplaceRequest, order: OrderView
    ) -> DryRunResult:
        """Return what would become of an order in the stead of another."""
        change = read_change(request, order.market)
        return self._change(
            principal, ReplaceOrder(order, change, request.client_order_id), "replace"
        )

    def batch(self, principal: Principal, request: BatchRequest, find: FindOrder) -> DryRunBatch:
        """Return what would become of each operation of a batch.

        What would refuse the whole of it is raised.
        """
        ids = self._ids.of(principal.tenant)
        batch = read_batch(request, self._catalogue, principal.tenant, ids, find)
        check_operations(batch)
        for index, operation in enumerate(batch.operations):
            try:
                _require_no_trail(_type_of(operation))
            except InvalidInput as error:
                error.field = operation_field(index, error)
                raise
        if not all(map(takes_out, batch.operations)):
            self._require_trading(principal)
        told = self._dry_run.batch(principal.account, batch)
        return dry_run_batch(batch, told, ids)

    def _change(
        self, principal: Principal, change: AmendOrder | ReplaceOrder, what: str
    ) -> DryRunResult:
        _require_no_trail(change.order.type)
        refused = None
        if not isinstance(change, AmendOrder) or not makes_smaller(change):
            refused = self._refused(principal)
        found = self._dry_run.change(principal.account, change)
        if isinstance(found, OrderAlreadyClosed):
            raise closed(self._ids.of(principal.tenant).order(found.order_id), what)
        return dry_run_result(found.order, found.assessment, found.view, refused)

    def _refused(self, principal: Principal, order: PlaceOrder | None = None) -> BursaError | None:
        """Return what would refuse a request before it is sent; None for nothing."""
        try:
            self._require_trading(principal)
            if order is not None:
                check_order(order)
        except Refused as error:
            return error
        return None

    def _require_trading(self, principal: Principal) -> None:
        self._require_level(principal.tenant, principal.level, Operation.TRADE)


def _type_of(operation: PlaceOrder | AmendOrder | ReplaceOrder | CancelOrder) -> OrderType | None:
    match operation:
        case PlaceOrder():
            return operation.type
        case CancelOrder():
            return None
        case change:
            return change.order.type


def _require_no_trail(order_type: OrderType | None) -> None:
    if order_type in TRAILING:
        raise InvalidInput(
            "dry_run_not_allowed",
            "Leave dry_run out of a trailing stop: where it triggers is not known before.",
            field="dry_run",
        )
