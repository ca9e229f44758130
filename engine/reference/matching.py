"""Where two orders meet: matching, settlement, stops, auctions.

Nothing here refuses. What may be refused has been refused before (``commands_orders``).
"""

from engine.reference.ledger import Ledger
from engine.reference.model import IMMEDIATE, MARKETABLE, Market, Order, Taken
from wire import layout as w


class Matching(Ledger):
    """The life of an order from acceptance to its end."""

    # Fired stops that have not run yet, in the order in which they fired.
    fired: list[Order]

    # What the taker's trades come to, until it is settled.
    taken: Taken

    # --- settlement -------------------------------------------------------------------------------

    def _exchange(self, maker: Order, taker: Order, price: int, lots: int) -> None:
        """Move the maker's assets in one trade and state it as a fact.

        The maker pays from what is held for it and gets back at once what a better price than its
        own saves. What the taker and the fee account pay and get is noted for ``_settle_taker``.
        """
        market = maker.market
        quote_units = price * lots * market.tick_units
        base_units = lots * market.lot_units
        # What the taker pays and gets; the maker the other way round.
        paid, pays, got, gets = market.quote, quote_units, market.base, base_units
        if not taker.is_buy:
            paid, pays, got, gets = got, gets, paid, pays
        maker_ppm = self._fees(maker.account)[0]
        taker_fee = gets * self._fees(taker.account)[1] // w.PPM
        maker_fee = pays * max(maker_ppm, 0) // w.PPM
        # The maker's rebate is in the asset it gives, out of the taker's fee of this trade.
        rebate = gets * max(-maker_ppm, 0) // w.PPM
        held = self._reserve_for(maker, lots)
        self._change(maker.account.number, got, held - gets + rebate, -held)
        self._change(maker.account.number, paid, pays - maker_fee)
        taken = self.taken
        taken.pays, taken.gets = taken.pays + pays, taken.gets + gets - taker_fee
        taken.fees_paid += maker_fee
        taken.fees_got += taker_fee - rebate

        self.trade_id += 1
        self.facts.append(
            [
                w.EVENT_TRADE << w.EVENT_KIND_SHIFT
                | market.number << w.EVENT_MARKET_SHIFT
                | taker.side,
                self.trade_id,
                price,
                lots,
                quote_units,
                maker.order_id,
                taker.order_id,
                maker.account.number,
                taker.account.number,
                maker_fee - rebate,
                taker_fee,
            ]
        )
        for order in (maker, taker):
            order.remaining -= lots
            order.filled_quote += quote_units

    def _settle_taker(self, taker: Order, held: int = 0) -> None:
        """Move what the taker's trades and their fees come to; ``held`` was set aside for them."""
        market, taken = taker.market, self.taken
        paid, got = market.quote, market.base
        if not taker.is_buy:
            paid, got = got, paid
        self._change(taker.account.number, paid, held - taken.pays, -held)
        self._change(taker.account.number, got, taken.gets)
        fee_account = w.account_number(market.tenant, 0)
        if taken.fees_got:
            self._change(fee_account, got, taken.fees_got)
        if taken.fees_paid:
            self._change(fee_account, paid, taken.fees_paid)
        self.taken = Taken()

    @staticmethod
    def _reserve_for(order: Order, lots: int) -> int:
        """Return what is held for so many lots of an open order, in the asset it gives."""
        if order.is_buy:
            return order.price * lots * order.market.tick_units
        return lots * order.market.lot_units

    def _after_fill(self, order: Order, lots: int) -> None:
        """Bring an open order up to date after it has traded: refill, requeue or close."""
        order.visible -= lots
        self._touch_level(order.market, order.side, order.price)
        if not order.remaining:
            self._forget(order)
            order.set_status(w.STATUS_FILLED, w.CLOSE_FILLED)
        else:
            order.set_status(w.STATUS_PARTIALLY_FILLED)
            if not order.visible:
                side, key = order.market.place_of(order)
                side.remove(key, order)
                order.visible = min(order.display_quantity, order.remaining)
                side.add(key, order)
        self._emit_order(order)

    # --- opening and closing ----------------------------------------------------------------------

    def _rest(self, order: Order) -> None:
        """Let an order wait in its book, at the back of its level."""
        order.visible = min(order.display_quantity or order.remaining, order.remaining)
        if order.is_pending:
            order.set_status(w.STATUS_PENDING_TRIGGER)
        else:
            filled = order.remaining != order.quantity
            order.set_status(w.STATUS_PARTIALLY_FILLED if filled else w.STATUS_OPEN)
            self._touch_level(order.market, order.side, order.price)
        side, key = order.market.place_of(order)
        side.add(key, order)
        order.is_open = True
        self.orders[order.order_id] = order
        order.account.orders[order.order_id] = order
        self._reserve(order)

    def _forget(self, order: Order) -> None:
        """Take an open order out of its book and its account."""
        if not order.is_pending:
            self._touch_level(order.market, order.side, order.price)
        side, key = order.market.place_of(order)
        side.remove(key, order)
        if not order.is_pending and key not in side.levels:
            # Gone for good: made again by the same command, it is another level.
            del self.stated_levels[order.market.number, order.side, order.price]
        order.is_open = False
        del self.orders[order.order_id]
        del order.account.orders[order.order_id]

    def _withdraw(self, order: Order) -> None:
        """Take an open order out and give back what was held for it."""
        self._unreserve(order)
        self._forget(order)

    def _close(self, order: Order, status: int, close_reason: int) -> None:
        """End an open order before it is filled."""
        self._withdraw(order)
        self._drop(order, status, close_reason)

    def _drop(self, order: Order, status: int, close_reason: int) -> None:
        """State the end of an order that is in no book."""
        order.set_status(status, close_reason)
        self._emit_order(order)

    # --- matching ---------------------------------------------------------------------------------

    def _accept(self, order: Order) -> None:
        """Start an order's life, then run the stops that its trades fire."""
        if not order.is_pending:
            self._run(order)
        elif self._is_triggered(order.market, order.side, order.trigger_price):
            order.terms |= 1 << w.TRIGGERED_SHIFT
            self._run_fired(order, is_new=True)
        else:
            self._rest(order)
            self._emit_order(order, with_terms=True)
        self._run_all_fired()

    def _run_all_fired(self) -> None:
        while self.fired:
            self._run_fired(self.fired.pop(0), is_new=False)

    def _run_fired(self, stop: Order, *, is_new: bool) -> None:
        market = stop.market
        if market.state != w.STATE_OPEN:
            stop.set_status(w.STATUS_CANCELLED, w.CLOSE_MARKET_NOT_OPEN)
            self._emit_order(stop, with_terms=is_new)
        elif w.flags_post_only(stop.terms) and self._crosses(market, stop.side, stop.price):
            stop.set_status(w.STATUS_CANCELLED, w.CLOSE_POST_ONLY_WOULD_CROSS)
            self._emit_order(stop, with_terms=is_new)
        else:
            self._run(stop, is_new=is_new)

    def _run(self, order: Order, *, is_new: bool = True) -> None:
        """Match an order, then rest or end it."""
        close_reason = w.CLOSE_NONE
        if order.market.state == w.STATE_OPEN:
            limit = self._limit_price(order, order.market.reference_price)
            fill_or_kill = w.flags_time_in_force(order.terms) == w.TIF_FOK
            if fill_or_kill and not self._can_fill(order, limit):
                close_reason = w.CLOSE_FILL_OR_KILL_UNFILLED
            else:
                close_reason = self._match(order, limit)
        if close_reason == w.CLOSE_NONE and self._is_immediate(order):
            close_reason = self._remainder_reason(order)
        if close_reason == w.CLOSE_NONE:
            self._rest(order)
        elif close_reason == w.CLOSE_FILLED:
            order.set_status(w.STATUS_FILLED, close_reason)
        else:
            order.set_status(w.STATUS_CANCELLED, close_reason)
        self._emit_order(order, with_terms=is_new)

    @staticmethod
    def _is_immediate(order: Order) -> bool:
        return order.order_type in MARKETABLE or w.flags_time_in_force(order.terms) in IMMEDIATE

    @staticmethod
    def _remainder_reason(order: Order) -> int:
        """Say why a remainder ends: liquidity beyond a market order's collar, or none at all."""
        beyond = order.market.opposite(order.side).best_price() is not None
        collared = order.order_type in MARKETABLE and beyond
        return w.CLOSE_PRICE_PROTECTION if collared else w.CLOSE_UNFILLED_REMAINDER

    def _match(self, taker: Order, limit: int) -> int:
        """Trade, then settle for the taker; return why it must end, or none."""
        close_reason = self._sweep(taker, limit)
        if self.taken.pays:
            self._settle_taker(taker)
        return close_reason

    def _sweep(self, taker: Order, limit: int) -> int:
        """Trade until filled, out of liquidity or stopped; return why it must end, or none."""
        market = taker.market
        book = market.opposite(taker.side)
        while (price := book.best_price()) is not None:
            if self._is_worse(taker.side, price, limit):
                break
            if self._breaks(market, price):
                market.state = w.STATE_HALTED
                self.touched_markets[market.number] = None
                return w.CLOSE_MARKET_NOT_OPEN
            wanted = taker.remaining
            if taker.quote_amount:
                wanted = taker.budget // (price * market.tick_units)
                if not wanted:
                    return w.CLOSE_FILLED if taker.filled_quote else w.CLOSE_UNFILLED_REMAINDER
            maker = book.levels[price][0]
            if self._is_self_trade(taker, maker):
                if self._prevent(taker, maker, wanted):
                    return w.CLOSE_SELF_TRADE_PREVENTION
                continue
            self._trade(maker, taker, price, min(wanted, maker.visible))
            if not taker.remaining and not taker.budget:
                return w.CLOSE_FILLED
        return w.CLOSE_NONE

    def _trade(self, maker: Order, taker: Order, price: int, lots: int) -> None:
        """Two orders meet: the taker, being decided, and the first of the opposite book."""
        market = maker.market
        quote_units = price * lots * market.tick_units
        if taker.quote_amount:
            taker.quantity += lots
            taker.remaining += lots
            taker.budget -= quote_units
        self._exchange(maker, taker, price, lots)
        self._after_fill(maker, lots)
        self._set_last_price(market, price)

    @staticmethod
    def _is_worse(side: int, price: int, limit: int) -> bool:
        return price > limit if side == w.SIDE_BUY else price < limit

    @staticmethod
    def _breaks(market: Market, price: int) -> bool:
        """Whether a trade at this price must halt the market instead."""
        reference = market.reference_price
        band = reference * market.limits.breaker_ppm // w.PPM
        return bool(reference and market.limits.breaker_ppm and abs(price - reference) > band)

    def _crosses(self, market: Market, side: int, price: int) -> bool:
        best = market.opposite(side).best_price()
        return best is not None and not self._is_worse(side, best, price)

    @staticmethod
    def _limit_price(order: Order, reference: int) -> int:
        """Return the worst price an order may trade at: its own, or a market order's collar."""
        market = order.market
        if order.order_type not in MARKETABLE:
            return order.price
        own = order.price or (market.max_price if order.is_buy else 1)
        best = market.opposite(order.side).best_price()
        anchor = reference or best or 0
        ppm = market.limits.market_collar_ppm
        if not anchor or not ppm:
            return own
        band = anchor * ppm // w.PPM
        return min(own, anchor + band) if order.is_buy else max(own, anchor - band)

    def _can_fill(self, taker: Order, limit: int) -> bool:
        """Whether a fill-or-kill order would fill whole, looking only."""
        need = taker.remaining
        skips = w.flags_stp(taker.terms) == w.STP_CANCEL_MAKER
        for price in taker.market.opposite(taker.side).prices():
            if self._is_worse(taker.side, price, limit) or self._breaks(taker.market, price):
                return False
            hidden = 0
            for maker in taker.market.opposite(taker.side).levels[price]:
                if self._is_self_trade(taker, maker):
                    if skips:
                        continue
                    return False
                need -= maker.visible
                hidden += maker.remaining - maker.visible
                if need <= 0:
                    return True
            need -= hidden
            if need <= 0:
                return True
        return False

    # --- self-trade prevention --------------------------------------------------------------------

    @staticmethod
    def _is_self_trade(taker: Order, maker: Order) -> bool:
        if w.flags_stp(taker.terms) == w.STP_NONE:
            return False
        if maker.account is taker.account:
            return True
        group = taker.account.stp_group
        return (
            w.flags_stp_by_group(taker.terms)
            and group > 0
            and group == maker.account.stp_group
            and taker.account.tenant == maker.account.tenant
        )

    def _prevent(self, taker: Order, maker: Order, wanted: int) -> bool:
        """Apply the taker's mode to a meeting with its own order; return whether it ends."""
        mode = w.flags_stp(taker.terms)
        if mode == w.STP_DECREMENT:
            return self._decrement(taker, maker, wanted)
        if mode in (w.STP_CANCEL_MAKER, w.STP_CANCEL_BOTH):
            self._close(maker, w.STATUS_CANCELLED, w.CLOSE_SELF_TRADE_PREVENTION)
        return mode != w.STP_CANCEL_MAKER

    def _decrement(self, taker: Order, maker: Order, wanted: int) -> bool:
        """Shrink both by the smaller of the two; what reaches 0 ends."""
        lots = min(wanted, maker.remaining)
        if taker.quote_amount:
            taker.budget -= lots * maker.price * maker.market.tick_units
        else:
            taker.quantity -= lots
            taker.remaining -= lots
        if lots == maker.remaining:
            self._unreserve(maker)
            maker.quantity -= lots
            maker.remaining = 0
            self._forget(maker)
            self._drop(maker, w.STATUS_CANCELLED, w.CLOSE_SELF_TRADE_PREVENTION)
        else:
            self._reduce(maker, lots)
            self._emit_order(maker)
        return not taker.remaining and not taker.budget

    def _reduce(self, order: Order, lots: int) -> None:
        """Shrink an open order in place; an iceberg's hidden part goes first."""
        self._unreserve(order)
        order.quantity -= lots
        order.remaining -= lots
        order.visible = min(order.visible, order.remaining)
        self._reserve(order)
        if not order.is_pending:
            self._touch_level(order.market, order.side, order.price)

    # --- stops ------------------------------------------------------------------------------------

    def _set_last_price(self, market: Market, price: int) -> None:
        if market.last_price != price:
            market.last_price = price
            self._collect_fired(market)

    def _collect_fired(self, market: Market) -> None:
        """Queue the stops that the last price fires: by trigger price, then time."""
        last = market.last_price
        for stops in (market.buy_stops, market.sell_stops):
            while (trigger := stops.best_price()) is not None and (
                trigger <= last if stops is market.buy_stops else trigger >= last
            ):
                stop = stops.levels[trigger][0]
                self._withdraw(stop)
                stop.terms |= 1 << w.TRIGGERED_SHIFT
                self.fired.append(stop)

    @staticmethod
    def _is_triggered(market: Market, side: int, trigger_price: int) -> bool:
        last = market.last_price
        if market.state != w.STATE_OPEN or not last:
            return False
        return trigger_price <= last if side == w.SIDE_BUY else trigger_price >= last
