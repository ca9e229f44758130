"""Amend and replace: change an open order, or put a new one in its place."""

from engine.reference.commands_orders import OrderCommands
from engine.reference.model import Order, Refusal
from wire import layout as w


class ChangeCommands(OrderCommands):
    """The two ways to change an order; a refused change leaves it as it was."""

    def _amend(self, account: int, command: list[int]) -> int:
        order = self._find_order(account, command)
        if self._is_frozen(account):
            raise Refusal(w.REASON_ACCOUNT_FROZEN)
        changed = self._changed(order, command)
        # Only less of the same keeps its place, and is as harmless as a cancel.
        shrinks = self._differs_only_in_quantity(order, changed) and (
            changed.remaining < order.remaining
        )
        if not shrinks:
            self._check_state(changed)
        elif order.market.state == w.STATE_HALTED:
            raise Refusal(w.REASON_MARKET_HALTED)
        self._check_change(order, changed, command)
        if self._differs_only_in_quantity(order, changed) and (
            changed.remaining == order.remaining
        ):
            raise Refusal(w.REASON_NOTHING_TO_CHANGE)
        if shrinks:
            self._check_notional(changed)
            self._reduce(order, order.remaining - changed.remaining)
            self._emit_order(order, with_terms=True)
            return order.order_id
        reference = self._current_reference(order.market)
        self._check_market(changed, reference)
        self._check_funds(changed, reference, freed=order.reserve)

        self._follow_reference(order.market, reference)
        self._withdraw(order)
        order.quantity += changed.remaining - order.remaining
        order.remaining = changed.remaining
        order.price = changed.price
        order.trigger_price = changed.trigger_price
        order.display_quantity = changed.display_quantity
        self._accept(order)
        return order.order_id

    def _replace(self, account: int, command: list[int]) -> int:
        order = self._find_order(account, command)
        if self._is_frozen(account):
            raise Refusal(w.REASON_ACCOUNT_FROZEN)
        changed = self._changed(order, command)
        self._check_state(changed)
        self._check_change(order, changed, command)
        reference = self._current_reference(order.market)
        self._check_market(changed, reference)
        self._check_funds(changed, reference, freed=order.reserve)

        self._follow_reference(order.market, reference)
        self._close(order, w.STATUS_CANCELLED, w.CLOSE_REPLACED)
        changed.order_id = self.sequence
        changed.id_high = command[w.HEADER_ID_HIGH]
        changed.id_low = command[w.HEADER_ID_LOW]
        self._accept(changed)
        return changed.order_id

    @staticmethod
    def _changed(order: Order, command: list[int]) -> Order:
        """Return what a change would make of an order, without touching it."""
        remaining = command[w.CHANGE_QUANTITY] or order.remaining
        changed = Order(
            order_id=order.order_id,
            account=order.account,
            market=order.market,
            terms=order.terms & ((1 << w.STATUS_SHIFT) - 1),
            price=command[w.CHANGE_PRICE] or order.price,
            quantity=remaining,
            remaining=remaining,
            trigger_price=command[w.CHANGE_TRIGGER_PRICE] or order.trigger_price,
            display_quantity=command[w.CHANGE_DISPLAY_QUANTITY] or order.display_quantity,
            expire_ms=order.expire_ms,
        )
        moved = command[w.CHANGE_TRIGGER_PRICE] and not command[w.CHANGE_PRICE]
        if moved and order.order_type == w.TYPE_STOP_MARKET and order.is_buy:
            changed.price = OrderCommands.worst_price(changed)
        return changed

    @staticmethod
    def _differs_only_in_quantity(order: Order, changed: Order) -> bool:
        return (
            changed.price == order.price
            and changed.trigger_price == order.trigger_price
            and changed.display_quantity == order.display_quantity
        )

    def _check_change(self, order: Order, changed: Order, command: list[int]) -> None:
        """Refuse a change whose numbers are out of range."""
        if order.is_pending:
            if not 0 < changed.trigger_price <= order.market.max_price:
                raise Refusal(w.REASON_INVALID_TRIGGER_PRICE)
        elif command[w.CHANGE_TRIGGER_PRICE]:
            raise Refusal(w.REASON_INVALID_TRIGGER_PRICE)
        self._check_numbers(changed)
        if command[w.CHANGE_DISPLAY_QUANTITY]:
            if not order.display_quantity:
                raise Refusal(w.REASON_INVALID_DISPLAY_QUANTITY)
            self._check_display(changed)
        elif changed.display_quantity * w.ICEBERG_SLICES_MAX < changed.remaining and (
            changed.display_quantity
        ):
            raise Refusal(w.REASON_INVALID_DISPLAY_QUANTITY)
