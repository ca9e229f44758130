"""How much a user may still trade by their level, before an order is sent.

Counted are, in the tenant's reference currency and for all accounts of the user together: what was
traded on this day and in this month (UTC), what open orders hold and so may trade yet, and what was
sent in the last seconds and is perhaps in neither. The last is reserved under the request's name
on condition that there is room, so of two requests at once only what fits goes on, and a request
that comes again is reserved once (docs/adr/0080).

Nothing is read for a user whose level allows any amount. Nothing here stands before a cancel, or a
change that makes an order no larger.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import NamedTuple, Protocol

from bursa.compliance.levels import Levels, Operation, Usage, periods, require_allowed
from bursa.kernel.calendar_time import day_at, first_day_of_month, month_at
from bursa.kernel.errors import Refused, Unavailable
from bursa.kernel.identifiers import AccountId, TenantId
from bursa.kernel.markets import Market
from bursa.market_data.traded_value import TradedValues
from bursa.market_data.valuation import Reference, Valuation, price_of
from bursa.read_models.rows import OrderRow
from bursa.trading.dry_run_rules import MarketView
from bursa.trading.order_value import (
    MarketPrices,
    TradingCommand,
    added_value,
    is_limit_buy,
    market_of,
    open_value,
)
from bursa.trading.orders import OrderStatus, Side, order_from_row

# So long may it take to read what was traded and is open, since what was sent before then is to
# count until that is readable: it counts for five seconds at least.
READING_MS_MAX = 2_000
_LATER = ("level_limits_unavailable", "Send the same request again in a moment.")
_UNCOUNTED = (
    "level_limits_unavailable",
    "What you have traded is being added up again; send the same request in some minutes.",
)


class OpenAmounts(Protocol):
    """What orders of a user hold."""

    def held(self, owner: AccountId) -> Iterable[tuple[AccountId, str, int]]:
        """Return which of the user's accounts hold what: assets and units."""


class OpenOrders(Protocol):
    """The open orders of accounts."""

    def open(self, account: AccountId) -> Iterable[OrderRow]:
        """Return all of an account's orders that are open."""


class Sent(NamedTuple):
    """What was sent in the last seconds, and whether a request is in it now."""

    is_reserved: bool
    amount: int


class Reservations(Protocol):
    """What users have sent in the last seconds; each is forgotten soon."""

    def reserve(self, owner: AccountId, name: str, amount: int, room: int, now_ms: int) -> Sent:
        """Add an amount under a request's name, if the sum is within ``room`` then.

        A name that is there is not added again. Raises `Unavailable`, `TooManyRequests`.
        """


class TradeUsage:
    """What users have traded, and what their open orders hold.

    Parameters
    ----------
    now_ms
        Returns the time, UTC.

    """

    def __init__(
        self, values: TradedValues, open_amounts: OpenAmounts, now_ms: Callable[[], int]
    ) -> None:
        self.values = values
        self.now_ms = now_ms
        self._open_amounts = open_amounts

    def of(
        self,
        account: AccountId,
        levels: Levels,
        more_than_held: Callable[[Collection[AccountId]], int] = lambda _accounts: 0,
    ) -> Usage:
        """Return what the user whose account this is has traded, and may trade yet.

        What has no price in the reference currency is not in it. Raises `Unavailable`.

        Parameters
        ----------
        more_than_held
            Returns how much more the open orders of accounts may trade than what they hold is
            worth; it is given those of the user's accounts that hold anything.

        """
        today = day_at(self.now_ms())
        reference = Reference(levels.currency, levels.scale)
        valuation = self.values.valuation(account.tenant, reference)
        # First what is open, then what was traded: what fills in between counts twice, not never.
        held = list(self._open_amounts.held(account.owner))
        open_value = sum(valuation.value(asset, units, today) or 0 for _, asset, units in held)
        open_value += more_than_held(list(dict.fromkeys(one for one, _, _ in held)))
        first = first_day_of_month(today)
        traded = self.values.of_user(account, reference, first, today)
        return Usage(
            today,
            traded.between(today, today),
            month_at(self.now_ms()),
            traded.between(first, today),
            open=open_value,
        )


class TradeLimits:
    """Asks how much was traded, and reserves what goes on.

    Parameters
    ----------
    view
        Returns a market with its book as it is now; may raise `Unavailable`.
    is_added_up
        Returns whether the read models have what a tenant's users have traded until now, and not
        only since an upgrade; may raise `Unavailable`.

    """

    def __init__(
        self,
        usage: TradeUsage,
        open_orders: OpenOrders,
        reservations: Reservations,
        view: Callable[[TenantId, Market], MarketView],
        is_added_up: Callable[[TenantId], bool],
    ) -> None:
        self._is_added_up = is_added_up
        self._usage = usage
        self._values = usage.values
        self._open_orders = open_orders
        self._view = view
        self._reservations = reservations
        self._now_ms = usage.now_ms

    def require(
        self,
        account: AccountId,
        levels: Levels,
        number: int,
        name: str,
        commands: Sequence[TradingCommand],
    ) -> None:
        """Return when a level allows to send what commands may trade, and count it as sent.

        Raises
        ------
        Refused
            ``level_too_low``, ``level_limit_reached``; ``no_reference_price``: what it would trade
            has no price in the reference currency yet.
        TooManyRequests
            The user's accounts have sent too many in these seconds.
        Unavailable
            It can't be found out, or not soon enough; nothing is to be sent.

        """
        now_ms = self._now_ms()
        reference = Reference(levels.currency, levels.scale)
        valuation = self._values.valuation(account.tenant, reference)
        amount = sum(self._worth(account.tenant, valuation, one, now_ms) for one in commands)
        if not amount:
            return
        if not self._is_added_up(account.tenant):
            raise Unavailable(*_UNCOUNTED)
        today = day_at(now_ms)
        usage = self._usage.of(
            account, levels, lambda accounts: self._sales_beyond(valuation, accounts, today)
        )
        if self._now_ms() - now_ms > READING_MS_MAX:
            raise Unavailable(*_LATER)
        require_allowed(levels, number, Operation.TRADE, amount, usage=usage, now_ms=now_ms)
        allowance = levels[number].allows[Operation.TRADE]
        room = min(
            one.limit - one.used - usage.open - amount
            for one in periods(allowance, usage, now_ms)
            if one.limit is not None
        )
        sent = self._reservations.reserve(account.owner, name, amount, room, now_ms)
        if not sent.is_reserved:
            usage = usage._replace(sent=sent.amount)
            require_allowed(levels, number, Operation.TRADE, amount, usage=usage, now_ms=now_ms)

    def _sales_beyond(
        self, valuation: Valuation, accounts: Collection[AccountId], today: int
    ) -> int:
        """Return how much more open orders are worth at their prices than what they hold is.

        Those are sales above the market, and exits that wait for their entry, which hold nothing.
        Of the orders of a pair the larger counts, because one at most will trade.
        """
        more = 0
        for account in accounts:
            markets = {one.symbol: one for one in self._values.markets_of(account.tenant)}
            pairs: dict[tuple[int, Side], int] = {}
            for row in self._open_orders.open(account):
                market = markets.get(row.market)
                if market is None:
                    raise Unavailable(*_LATER)
                order = order_from_row(row, market)
                waits = order.status is OrderStatus.PENDING_ENTRY
                if order.side is not Side.SELL and not waits:
                    continue
                units = open_value(order, self._last(account.tenant, market, today))
                worth = None if units is None else valuation.value(market.units.quote, units, today)
                if worth is None:
                    raise _without_price(f"Your open order {order.order_id}", market)
                base_units = 0 if waits else order.remaining_quantity * market.units.lot_units
                held = valuation.value(market.units.base, base_units, today) or 0
                pair = (order.list_id or order.order_id, order.side)
                pairs[pair] = max(pairs.get(pair, 0), worth - held)
            more += sum(pairs.values())
        return more

    def _last(self, tenant: TenantId, market: Market, today: int) -> MarketPrices:
        return MarketPrices(
            price_of(self._values.closing_prices(tenant, market.symbol), today) or 0
        )

    def _prices(self, tenant: TenantId, market: Market, last: MarketPrices) -> MarketPrices:
        """Return the prices of a market with those of its book now."""
        view = self._view(tenant, market)
        return MarketPrices(
            max(last.last, view.last_price), view.reference_price, view.bids, view.asks
        )

    def _worth(
        self, tenant: TenantId, valuation: Valuation, command: TradingCommand, now_ms: int
    ) -> int:
        market, today = market_of(command), day_at(now_ms)
        prices = self._last(tenant, market, today)
        if not is_limit_buy(command):
            prices = self._prices(tenant, market, prices)
        units = added_value(command, prices)
        worth = None if units is None else valuation.value(market.units.quote, units, today)
        if worth is None:
            raise _without_price("What this would trade", market)
        return worth


def _without_price(what: str, market: Market) -> Refused:
    return Refused(
        "no_reference_price",
        f"{what} in {market.symbol} can't be counted against your level yet, as nothing has traded "
        "that gives it a price. Send a limit order in a market that has traded, cancel what is "
        "open in others, or apply for a higher level.",
    )
