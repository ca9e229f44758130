"""From what the engine decided about a list to the use case's outcome; also when it was before.

A list is the same as an earlier one when all of its orders are, under the same client order ids and
in the same order; that is told by the digests of their commands, as of single orders (`decisions`).
What is told by rows that are late is `Unavailable`, and never a conflict.
"""

from collections.abc import Mapping, Sequence

from bursa.accounts.ports import FillReader, OrderReader
from bursa.intake.outcomes import LISTED_MAX, CommandOutcome
from bursa.kernel.amounts import Lots
from bursa.kernel.clock import Clock
from bursa.kernel.errors import Conflict, Unavailable
from bursa.kernel.identifiers import AccountId
from bursa.read_models.rows import ClientOrderRow, OrderRow
from bursa.trading.catalogue import MarketCatalogue, stored_market
from bursa.trading.decisions import READ_MODEL_DELAYS_MS, Placement, id_reused, order_of
from bursa.trading.order_lists import (
    ListCancelled,
    ListPlaced,
    PlaceList,
    field_of,
)
from bursa.trading.orders import Conditions, order_from_event, order_from_row
from bursa.trading.outcomes import OrderPlaced, OrderRejected
from wire import layout as w


class ListDecisions:
    """Makes outcomes of lists for the account that sent them."""

    def __init__(
        self, catalogue: MarketCatalogue, orders: OrderReader, fills: FillReader, clock: Clock
    ) -> None:
        self._catalogue = catalogue
        self._orders = orders
        self._fills = fills
        self._clock = clock

    def placed(
        self,
        account: AccountId,
        wanted: PlaceList,
        placements: Sequence[Placement],
        outcomes: Sequence[CommandOutcome],
    ) -> ListPlaced | OrderRejected:
        """Return what became of a list that was sent.

        Raises
        ------
        Conflict
            ``client_order_id_reused``: an id belongs to something else.
        Unavailable
            ``order_not_ready``: an earlier list is not readable yet.

        """
        results = [outcome.result for outcome in outcomes]
        if any(result.reason == w.REASON_DUPLICATE_COMMAND for result in results):
            return self._earlier(account, wanted, placements, outcomes)
        rejected = next((result.reason for result in results if result.reason), 0)
        if rejected:
            return OrderRejected(rejected)
        decided, list_id = outcomes[-1], results[-1].order_id
        ids = range(list_id - len(placements) + 1, list_id + 1)
        return ListPlaced(
            tuple(
                order_of(account, decided, order.market, order.client_order_id, of_list=order_id)
                for order, order_id in zip(wanted.orders, ids, strict=True)
            )
        )

    def known_ids(self, account: AccountId, wanted: PlaceList) -> Mapping[str, ClientOrderRow]:
        """Look a list's client order ids up; the engine still knows what is too new for that."""
        names = [order.client_order_id for order in wanted.orders if order.client_order_id]
        return self._orders.by_client_ids(account, names, latest=False) if names else {}

    def from_known(
        self,
        account: AccountId,
        wanted: PlaceList,
        placements: Sequence[Placement],
        known: Mapping[str, ClientOrderRow],
    ) -> ListPlaced | OrderRejected:
        """Return what became of a list by the rows of its client order ids, where there are any.

        Raises as `placed` does.
        """
        is_missing = False
        for delay_ms in READ_MODEL_DELAYS_MS:
            self._clock.sleep_ms(delay_ms)
            rows = [known.get(order.client_order_id or "") for order in wanted.orders]
            _require_same(wanted, placements, rows)
            found = [row for row in rows if row is not None]
            is_missing = len(found) < len(rows)
            if not is_missing and (outcome := self._same(account, wanted, found)) is not None:
                return outcome
            known = self.known_ids(account, wanted)
        if is_missing and known:
            return self._by_one(account, wanted, rows)
        raise _not_ready()

    def cancelled(
        self, account: AccountId, list_id: int, outcome: CommandOutcome
    ) -> ListCancelled | OrderRejected:
        """Return the orders of a list that its cancel has closed, by id."""
        result = outcome.result
        if result.reason != w.REASON_ACCEPTED:
            return OrderRejected(result.reason)
        closed = []
        for order_id in range(list_id - w.STAGED_MAX, list_id + 1):
            event = outcome.orders.get(order_id)
            if event is not None:
                market = stored_market(self._catalogue, account.tenant, event.market)
                conditions = Conditions.of(
                    outcome.conditions.get(order_id), outcome.trails.get(order_id)
                )
                closed.append(order_from_event(event, conditions, result.time_ms, market))
        return ListCancelled(list_id, tuple(closed))

    def _earlier(
        self,
        account: AccountId,
        wanted: PlaceList,
        placements: Sequence[Placement],
        outcomes: Sequence[CommandOutcome],
    ) -> ListPlaced | OrderRejected:
        """Return what became of the first list, of which some or all has come a second time."""
        if wanted.last.client_order_id is not None:
            return self.from_known(account, wanted, placements, self.known_ids(account, wanted))
        # A mere request key is bound to one request.
        result = outcomes[-1].result
        if result.reason != w.REASON_DUPLICATE_COMMAND:
            return OrderRejected(result.reason)
        if result.detail != w.REASON_ACCEPTED:
            return OrderRejected(result.detail)
        for delay_ms in READ_MODEL_DELAYS_MS:
            self._clock.sleep_ms(delay_ms)
            if (found := self._read(account, wanted, result.order_id)) is not None:
                return found
        raise _not_ready()

    def _same(
        self, account: AccountId, wanted: PlaceList, rows: Sequence[ClientOrderRow]
    ) -> ListPlaced | OrderRejected | None:
        """Return the list that all of its ids belong to; None while it can't be read."""
        reasons = {row.reason for row in rows}
        last = rows[-1]
        if last.reason is not None and len(reasons) == 1:
            return OrderRejected.named(last.reason)
        list_id = last.order_id
        ids = [row.order_id for row in rows]
        if ids != [*range(list_id - len(rows) + 1, list_id + 1)]:
            raise _reused(wanted, len(rows) - 1)
        return self._read(account, wanted, list_id)

    def _by_one(
        self, account: AccountId, wanted: PlaceList, rows: Sequence[ClientOrderRow | None]
    ) -> ListPlaced:
        """Return the list of an id that is known, where others are not: it says whose they are."""
        at, known = next((at, row) for at, row in enumerate(rows) if row is not None)
        if known.reason is not None:
            # The others have had time enough to be told of with it.
            raise _reused(wanted, at)
        order = self._orders.get(account, known.order_id)
        if order is None:
            raise _not_ready()
        listed = self._orders.of_list(account, order.list_id)
        names = [order.client_order_id for order in wanted.orders]
        if any(one.client_order_id not in names for one in listed) or not listed:
            raise _reused(wanted, at)
        found = self._read(account, wanted, order.list_id)
        if found is None:
            raise _not_ready()
        if [one.order.client_order_id for one in found.orders] != names:
            raise _reused(wanted, at)
        return found

    def _read(self, account: AccountId, wanted: PlaceList, list_id: int) -> ListPlaced | None:
        rows = self._orders.of_list(account, list_id)
        if len(rows) < len(wanted.orders):
            return None
        return ListPlaced(tuple(self._order(account, row) for row in rows))

    def _order(self, account: AccountId, row: OrderRow) -> OrderPlaced:
        market = stored_market(self._catalogue, account.tenant, row.market)
        filled = row.filled_quantity if row.order_id == row.list_id else Lots(0)
        fills = self._fills.at_placement(account, row.order_id, filled, LISTED_MAX)
        return OrderPlaced(order_from_row(row, market), tuple(fills))


def _require_same(
    wanted: PlaceList, placements: Sequence[Placement], rows: Sequence[ClientOrderRow | None]
) -> None:
    for at, (placement, row) in enumerate(zip(placements, rows, strict=True)):
        if row is not None and row.request_digest not in (b"", placement.digest):
            raise _reused(wanted, at)


def _reused(wanted: PlaceList, at: int) -> Conflict:
    error = id_reused(wanted.orders[at])
    error.field = field_of(wanted.fields[at], error)
    return error


def _not_ready() -> Unavailable:
    return Unavailable(
        "order_not_ready", "The list of these ids is decided; ask for it again in a moment."
    )
