"""What an account may read of its own: orders, fills, balances."""

from collections.abc import Callable, Iterable
from collections.abc import Set as AbstractSet
from typing import NamedTuple, TypeVar

from bursa.accounts.catch_up import CatchUp
from bursa.accounts.ports import BalanceReader, FillReader, OrderReader
from bursa.intake.names import order_command_id
from bursa.intake.outcomes import read_outcomes
from bursa.intake.submission import ReplyReader
from bursa.kernel import keys
from bursa.kernel.errors import NotFound
from bursa.kernel.identifiers import AccountId, CommandId
from bursa.kernel.markets import Market
from bursa.kernel.pages import Page
from bursa.read_models.rows import OPEN_WORDS, BalanceRow, ClientOrderRow, FillRow, OrderRow
from bursa.trading.catalogue import MarketCatalogue, stored_market, stored_scale
from bursa.trading.order_lists import ListView
from bursa.trading.orders import OrderStatus, OrderView, Side, order_from_row
from bursa.trading.outcomes import OrderRejected
from wire import layout as w

_Row = TypeVar("_Row", OrderRow, FillRow)


class PageRequest(NamedTuple):
    """Which part of a list is asked for.

    Attributes
    ----------
    limit
        How many items to return.
    before
        The position after which they begin; None for the newest.
    min_moment
        When something was changed that the list must reflect; 0 for however far it is.

    """

    limit: int
    before: str | None = None
    min_moment: int = 0


class Only(NamedTuple):
    """What a list is held to, beside a market and statuses.

    Attributes
    ----------
    side
        None for both.
    from_ms, to_ms
        From a time until before another, UTC milliseconds; None for no end. Of an order it is when
        it was placed.

    """

    side: Side | None = None
    from_ms: int = 0
    to_ms: int | None = None


EVERYTHING = Only()


class MarketFill(NamedTuple):
    """A fill and the market it is in."""

    row: FillRow
    market: Market


class AssetBalance(NamedTuple):
    """A balance and the decimal places of its asset's unit."""

    row: BalanceRow
    scale: int


def _held_to(
    only: Only, dated_rows: Iterable[tuple[_Row, int]], next_position: str | None
) -> Page[_Row]:
    """Return those rows of a page that a list is held to; it ends before what is too old."""
    kept: list[_Row] = []
    for row, time_ms in dated_rows:
        if time_ms < only.from_ms:
            return Page(kept)
        if only.side is None or row.side == only.side.word:
            kept.append(row)
    return Page(kept, next_position)


class AccountQueries:
    """Queries of an account about itself; nothing here can reach another account.

    Every method raises `Unavailable` ``read_models_unavailable``, and `NotFound` ``not_known_yet``
    for what may be there in a moment.
    """

    def __init__(
        self,
        catalogue: MarketCatalogue,
        orders: OrderReader,
        fills: FillReader,
        balances: BalanceReader,
        *,
        replies: ReplyReader,
        catch_up: CatchUp,
    ) -> None:
        self._catalogue = catalogue
        self._orders = orders
        self._fills = fills
        self._balances = balances
        self._replies = replies
        self._catch_up = catch_up

    def order(self, account: AccountId, order_id: int) -> OrderView | None:
        """Return one order; None for one that is not the account's, or that there is none of."""
        row = self._orders.get(account, order_id)
        if row is None and self._catch_up.wait_for(account, order_id):
            # Its id is the sequence that placed it: now it is there, or never was.
            row = self._orders.get(account, order_id)
        return None if row is None else self._view(account, row)

    def order_list(self, account: AccountId, list_id: int) -> ListView | None:
        """Return a list with its orders; None for one that is not the account's, or is none."""
        found = self._list(account, list_id)
        if (found is None or not found.is_whole) and self._catch_up.wait_for(account, list_id):
            found = self._list(account, list_id)
        return found

    def list_of_request(self, account: AccountId, key: str) -> int | OrderRejected | None:
        """Return the id of the list that was asked for under a request key, or why it is none.

        0 while it is not decided; None for a key that no request has, which may be a day old.
        """
        reply = self._replies.find(account.tenant, CommandId.from_parts(account, "request", key))
        if reply is None or not reply.events:
            return None if reply is None else 0
        result = read_outcomes(reply.events, account.number)[-1].result
        reason = result.detail if result.reason == w.REASON_DUPLICATE_COMMAND else result.reason
        return OrderRejected(reason) if reason else result.order_id

    def _list(self, account: AccountId, list_id: int) -> ListView | None:
        rows = self._orders.of_list(account, list_id)
        return ListView(tuple(self._view(account, row) for row in rows)) if rows else None

    def order_by_client_id(
        self, account: AccountId, client_order_id: str, *, may_wait: bool = True
    ) -> OrderView | OrderRejected | None:
        """Return the newest order under a client order id, or why there is none.

        What the client was told of is found at once. Only for an order that it was not told of is
        it worth to wait until the rows have caught up; ``may_wait`` says whether to.
        """

        def known() -> ClientOrderRow | None:
            rows = self._orders.by_client_ids(account, [client_order_id], latest=True)
            return rows.get(client_order_id)

        row = known()
        if row is None:
            outcome = self._replied(account, client_order_id)
            if isinstance(outcome, OrderRejected):
                return outcome
            if outcome is not None:
                return self.order(account, outcome)
            row = self._catch_up.look(account, known) if may_wait else None
        if row is None:
            return None
        if row.reason is not None:
            return OrderRejected.named(row.reason)
        return self.order(account, row.order_id)

    def _replied(self, account: AccountId, client_order_id: str) -> int | OrderRejected | None:
        """Return the order id, or the rejection, that a client was told and no row shows yet."""
        name = order_command_id(account, client_order_id)
        reply = self._replies.find(account.tenant, name)
        if reply is None or not reply.events:
            return None
        outcomes = read_outcomes(reply.events, account.number)
        result = outcomes[0].result
        if result.command_kind == w.COMMAND_STAGE and not result.reason:
            # What becomes of an order that is staged, the last of its list says.
            decided = outcomes[-1].result
            return OrderRejected(decided.reason) if decided.reason else result.order_id
        # A duplicate's detail is why the first of its id was rejected; 0 if it was not.
        reason = result.detail if result.reason == w.REASON_DUPLICATE_COMMAND else result.reason
        return OrderRejected(reason) if reason else result.order_id

    def orders(
        self,
        account: AccountId,
        market: Market | None,
        statuses: AbstractSet[OrderStatus] | None,
        page: PageRequest,
        only: Only = EVERYTHING,
    ) -> Page[OrderView]:
        """Return orders in a market and of some statuses, newest first; None is for any.

        A page looks through as many as it may have, so one held to a side may be short, or empty,
        and yet have a next one.
        """
        self._wait_for(account, page.min_moment)
        before = self._beginning(account, page, only, self._orders.position_at, keys.order)
        limit = page.limit
        if market is not None or statuses is not None:
            self._catch_up.require_current(account)
        if statuses is not None and not OPEN_WORDS.isdisjoint(one.word for one in statuses):
            limit = self._catch_up.rows_paid_for(account, limit)
        found = self._orders.newest(
            account,
            market=None if market is None else market.symbol,
            statuses=None if statuses is None else {status.word for status in statuses},
            before=before,
            limit=limit,
            latest=page.min_moment > 0,
        )
        rows = ((row, row.created_at_ms) for row in found.items)
        kept = _held_to(only, rows, found.next_position)
        return Page([self._view(account, row) for row in kept.items], kept.next_position)

    def fills(
        self,
        account: AccountId,
        market: Market | None,
        page: PageRequest,
        only: Only = EVERYTHING,
    ) -> Page[MarketFill]:
        """Return fills in a market or, when None, in all, newest first; pages are as of orders."""
        self._wait_for(account, page.min_moment)
        before = self._beginning(account, page, only, self._fills.position_at, keys.fills_at)
        found = self._fills.newest(
            account,
            market=None if market is None else market.symbol,
            before=before,
            limit=page.limit,
            latest=page.min_moment > 0,
        )
        rows = ((row, row.time_ms) for row in found.items)
        kept = _held_to(only, rows, found.next_position)
        items = [
            MarketFill(row, stored_market(self._catalogue, account.tenant, row.market))
            for row in kept.items
        ]
        return Page(items, kept.next_position)

    def balances(self, account: AccountId, min_moment: int = 0) -> list[AssetBalance]:
        """Return the account's balances by asset."""
        self._wait_for(account, min_moment)
        return [
            AssetBalance(row, stored_scale(self._catalogue, account.tenant, row.asset))
            for row in self._balances.all(account)
        ]

    def _beginning(
        self,
        account: AccountId,
        page: PageRequest,
        only: Only,
        position_at: Callable[[AccountId, int], str | None],
        key_of: Callable[[int], str],
    ) -> str:
        """Return the position before which a page begins.

        The first one begins with the last that the account's rows reflect as a whole: those of one
        batch are written in any order, and what is written later would be passed over for good.
        """
        if page.before is not None:
            return page.before
        end = key_of(self._catch_up.position(account) + 1)
        found = None if only.to_ms is None else position_at(account, only.to_ms)
        return end if found is None else min(end, found)

    def _wait_for(self, account: AccountId, min_moment: int) -> None:
        if min_moment and not self._catch_up.wait_until(account, min_moment):
            raise NotFound("not_known_yet", "Send the sequence of a response that you have got.")

    def _view(self, account: AccountId, row: OrderRow) -> OrderView:
        return order_from_row(row, stored_market(self._catalogue, account.tenant, row.market))
