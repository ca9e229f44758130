"""The commands about orders: refuse first, in the documented order, then act."""

from engine.reference.auction import Auction
from engine.reference.model import STOPS, Account, Market, Order, Refusal
from wire import layout as w

_TIF_OF_TYPE = {
    w.TYPE_LIMIT: (w.TIF_GTC, w.TIF_IOC, w.TIF_FOK, w.TIF_GTD),
    w.TYPE_MARKET: (w.TIF_IOC, w.TIF_FOK),
    w.TYPE_STOP_LIMIT: (w.TIF_GTC, w.TIF_IOC, w.TIF_FOK, w.TIF_GTD),
    w.TYPE_STOP_MARKET: (w.TIF_IOC, w.TIF_FOK),
}
_CAN_REST = (w.TIF_GTC, w.TIF_GTD)


class OrderCommands(Auction):
    """Place, cancel, cancel all, amend, replace, and the dead-man switch."""

    # The command id -> what became of it: order id, 0, or minus the reason of its refusal.
    remembered: dict[tuple[int, int], tuple[int, int]]

    # --- place ------------------------------------------------------------------------------------

    def _place(self, account: int, command: list[int]) -> int:
        market = self._market_for(command[w.PLACE_MARKET], w.account_tenant(account))
        order = Order(
            order_id=self.sequence,
            account=self.accounts.get(account) or Account(account),
            market=market,
            terms=command[w.PLACE_FLAGS],
            price=command[w.PLACE_PRICE],
            quantity=command[w.PLACE_QUANTITY],
            remaining=command[w.PLACE_QUANTITY],
            id_high=command[w.HEADER_ID_HIGH],
            id_low=command[w.HEADER_ID_LOW],
            trigger_price=command[w.PLACE_TRIGGER_PRICE],
            display_quantity=command[w.PLACE_DISPLAY_QUANTITY],
            expire_ms=command[w.PLACE_EXPIRE_MS],
            quote_amount=command[w.PLACE_QUOTE_AMOUNT],
            budget=command[w.PLACE_QUOTE_AMOUNT],
        )
        if self._is_frozen(account):
            raise Refusal(w.REASON_ACCOUNT_FROZEN)
        self._check_state(order)
        self._check_terms(order)
        self._check_numbers(order)
        self._check_display(order)
        reference = self._current_reference(market)
        self._check_market(order, reference)
        if account not in self.accounts:
            raise Refusal(w.REASON_INSUFFICIENT_BALANCE)
        self._check_funds(order, reference, freed=0)
        if len(self.orders) >= self.capacity_orders:
            raise Refusal(w.REASON_CAPACITY_EXHAUSTED)
        self._require_room((account, market.base), (account, market.quote))

        self._open_balance(account, market.base)
        self._open_balance(account, market.quote)
        self._follow_reference(market, reference)
        self._accept(order)
        return order.order_id

    @staticmethod
    def _check_state(order: Order) -> None:
        """Refuse an order that the market's state does not take."""
        state = order.market.state
        post_only = w.flags_post_only(order.terms)
        if state == w.STATE_HALTED:
            raise Refusal(w.REASON_MARKET_HALTED)
        if state == w.STATE_CANCEL_ONLY:
            raise Refusal(w.REASON_MARKET_CANCEL_ONLY)
        if state == w.STATE_POST_ONLY and not post_only:
            raise Refusal(w.REASON_MARKET_POST_ONLY)
        if state == w.STATE_AUCTION and order.order_type not in STOPS:
            can_rest = w.flags_time_in_force(order.terms) in _CAN_REST
            if order.order_type != w.TYPE_LIMIT or not can_rest or post_only:
                raise Refusal(w.REASON_MARKET_IN_AUCTION)

    def _check_terms(self, order: Order) -> None:
        """Refuse terms that do not exist or do not go together."""
        time_in_force = w.flags_time_in_force(order.terms)
        if order.side not in (w.SIDE_BUY, w.SIDE_SELL):
            raise Refusal(w.REASON_INVALID_SIDE)
        if order.order_type not in _TIF_OF_TYPE:
            raise Refusal(w.REASON_INVALID_ORDER_TYPE)
        if time_in_force not in _TIF_OF_TYPE[order.order_type]:
            raise Refusal(w.REASON_INVALID_TIME_IN_FORCE)
        if w.flags_stp(order.terms) > w.STP_DECREMENT:
            raise Refusal(w.REASON_INVALID_SELF_TRADE_PREVENTION)
        if w.flags_post_only(order.terms) and time_in_force not in _CAN_REST:
            raise Refusal(w.REASON_INVALID_POST_ONLY)
        self._check_rare_terms(order)

    def _check_rare_terms(self, order: Order) -> None:
        """Refuse a trigger price, expiry or quote amount that does not fit the terms."""
        time_in_force = w.flags_time_in_force(order.terms)
        is_stop = order.order_type in STOPS
        low, high = (1, order.market.max_price) if is_stop else (0, 0)
        if not low <= order.trigger_price <= high:
            raise Refusal(w.REASON_INVALID_TRIGGER_PRICE)
        low, high = (self.time_ms + 1, w.TIME_MS_MAX) if time_in_force == w.TIF_GTD else (0, 0)
        if not low <= order.expire_ms <= high:
            raise Refusal(w.REASON_INVALID_EXPIRE_TIME)
        if order.quote_amount:
            immediate_buy = order.order_type == w.TYPE_MARKET and order.is_buy
            if not immediate_buy or time_in_force != w.TIF_IOC or order.quantity:
                raise Refusal(w.REASON_INVALID_QUOTE_AMOUNT)
            if not 0 < order.quote_amount <= w.AMOUNT_MAX:
                raise Refusal(w.REASON_INVALID_QUOTE_AMOUNT)

    @staticmethod
    def _check_numbers(order: Order) -> None:
        """Refuse prices and quantities out of range; give a stop-market buy its worst price."""
        market = order.market
        lowest = 1 if order.order_type in (w.TYPE_LIMIT, w.TYPE_STOP_LIMIT) else 0
        highest = 0 if order.order_type == w.TYPE_MARKET else market.max_price
        if not lowest <= order.price <= highest:
            raise Refusal(w.REASON_PRICE_OUT_OF_RANGE)
        if not order.quote_amount and not 0 < order.quantity <= market.max_quantity:
            raise Refusal(w.REASON_QUANTITY_OUT_OF_RANGE)
        if order.order_type == w.TYPE_STOP_MARKET and order.is_buy and not order.price:
            order.price = OrderCommands.worst_price(order)

    @staticmethod
    def _check_display(order: Order) -> None:
        """Refuse a display quantity that makes no iceberg, or one of too many slices."""
        display_quantity = order.display_quantity
        if not display_quantity:
            return
        limit = order.order_type in (w.TYPE_LIMIT, w.TYPE_STOP_LIMIT)
        can_rest = w.flags_time_in_force(order.terms) in _CAN_REST
        if not limit or not can_rest or not 0 < display_quantity <= order.remaining:
            raise Refusal(w.REASON_INVALID_DISPLAY_QUANTITY)
        if display_quantity * w.ICEBERG_SLICES_MAX < order.remaining:
            raise Refusal(w.REASON_INVALID_DISPLAY_QUANTITY)

    @staticmethod
    def worst_price(order: Order) -> int:
        """Return what a stop-market buy may pay at most: so much is held for it."""
        market = order.market
        ppm = market.limits.market_collar_ppm or w.PPM
        return min(market.max_price, order.trigger_price + order.trigger_price * ppm // w.PPM)

    def _current_reference(self, market: Market) -> int:
        """Return the reference price that an order arriving now is held against."""
        due = self.time_ms >= market.reference_until_ms
        return market.last_price if due and market.last_price else market.reference_price

    def _follow_reference(self, market: Market, reference: int) -> None:
        """Let the reference follow the last price, no more often than configured."""
        if self.time_ms >= market.reference_until_ms and market.last_price:
            market.reference_price = reference
            market.reference_until_ms = self.time_ms + market.limits.reference_interval_ms

    @staticmethod
    def _check_notional(order: Order) -> None:
        """Refuse an order worth too little, or so much that its value would not fit a word."""
        market = order.market
        price = order.price or order.trigger_price or market.last_price
        notional = order.quote_amount or price * order.remaining * market.tick_units
        if not price and not order.quote_amount:
            return
        if notional < market.limits.min_notional:
            raise Refusal(w.REASON_NOTIONAL_TOO_SMALL)
        if notional > w.AMOUNT_MAX:
            raise Refusal(w.REASON_NOTIONAL_TOO_LARGE)

    def _check_market(self, order: Order, reference: int) -> None:
        """Refuse an order by the market's limits, collar and book."""
        market, limits = order.market, order.market.limits
        self._check_notional(order)
        if order.is_pending or order.order_type == w.TYPE_MARKET:
            return
        band = reference * limits.collar_ppm // w.PPM
        too_far = order.price - reference if order.is_buy else reference - order.price
        if limits.collar_ppm and reference and too_far > band:
            raise Refusal(w.REASON_PRICE_OUTSIDE_COLLAR)
        if w.flags_post_only(order.terms) and self._crosses(market, order.side, order.price):
            raise Refusal(w.REASON_POST_ONLY_WOULD_CROSS)

    def _check_funds(self, order: Order, reference: int, freed: int) -> None:
        """Refuse an order that its account cannot pay; ``freed`` is held for what it replaces."""
        available = self._available(order.account.number, order.reserve_asset) + freed
        if order.order_type == w.TYPE_MARKET and order.is_buy:
            if order.quote_amount:
                enough = order.quote_amount <= available
            else:
                enough = self._can_pay(order, reference, available)
        else:
            enough = order.reserve <= available
        if not enough:
            raise Refusal(w.REASON_INSUFFICIENT_BALANCE)

    def _can_pay(self, order: Order, reference: int, available: int) -> bool:
        """Whether a market buy by quantity could pay for all that it would meet.

        Its own asks are no help where self-trade prevention cancels them and lets it go on.
        """
        market = order.market
        limit = self._limit_price(order, reference)
        need = order.remaining
        skips = w.flags_stp(order.terms) == w.STP_CANCEL_MAKER
        for price in market.asks.prices():
            if price > limit or not need:
                break
            there = (
                maker.remaining
                for maker in market.asks.levels[price]
                if not (skips and self._is_self_trade(order, maker))
            )
            lots = min(need, sum(there))
            need -= lots
            available -= lots * price * market.tick_units
        return available >= 0

    # --- cancel -----------------------------------------------------------------------------------

    def _find_order(self, account: int, command: list[int]) -> Order:
        """Return the open order a command means, by order id or by the id that placed it."""
        order_id = command[w.CANCEL_ORDER_ID]
        target = (command[w.CANCEL_TARGET_HIGH], command[w.CANCEL_TARGET_LOW])
        if not order_id and target != (0, 0):
            order_id = self.remembered.get(target, (0, 0))[0]
        order = self.orders.get(order_id)
        if order is None or order.account.number != account:
            raise Refusal(w.REASON_UNKNOWN_ORDER)
        if target not in ((0, 0), (order.id_high, order.id_low)):
            raise Refusal(w.REASON_UNKNOWN_ORDER)
        return order

    def _cancel(self, account: int, command: list[int]) -> int:
        order = self._find_order(account, command)
        self._close(order, w.STATUS_CANCELLED, w.CLOSE_CANCELLED_BY_USER)
        return order.order_id

    def _cancel_all(self, account: int, command: list[int]) -> int:
        market, side = command[w.CANCEL_ALL_MARKET], command[w.CANCEL_ALL_SIDE]
        if market:
            self._market_for(market, w.account_tenant(account))
        if side not in (w.SIDE_BOTH, w.SIDE_BUY, w.SIDE_SELL):
            raise Refusal(w.REASON_INVALID_SIDE)
        self.closed = self._close_all(account, market, side, w.CLOSE_CANCELLED_BY_USER)
        return 0

    # How many orders a CANCEL_ALL closed.
    closed: int

    def _close_all(self, account: int, market: int, side: int, close_reason: int) -> int:
        """Close an account's open orders, oldest first; 0 = any market, any side."""
        known = self.accounts.get(account)
        chosen = [
            order
            for _, order in sorted(known.orders.items() if known else ())
            if market in (0, order.market.number) and side in (w.SIDE_BOTH, order.side)
        ]
        for order in chosen:
            self._close(order, w.STATUS_CANCELLED, close_reason)
        return len(chosen)

    def _cancel_all_after(self, account: int, command: list[int]) -> int:
        timeout_ms = command[w.CANCEL_ALL_AFTER_TIMEOUT_MS]
        if account not in self.accounts:
            raise Refusal(w.REASON_UNKNOWN_ACCOUNT)
        if not 0 <= timeout_ms <= w.TIMEOUT_MS_MAX:
            raise Refusal(w.REASON_INVALID_SETTING)
        deadline_ms = self.time_ms + timeout_ms if timeout_ms else 0
        self.accounts[account].deadline_ms = deadline_ms
        self._state(w.EVENT_COUNTDOWN, account, deadline_ms)
        return 0
