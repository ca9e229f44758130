"""How orders, fills, balances and trades are said to people."""

from bursa.dialects.native.responses import (
    Balance,
    Fill,
    Order,
    OrderState,
    PlacedOrder,
    PublicTrade,
)
from bursa.intake.outcomes import LISTED_MAX, CommandOutcome
from bursa.kernel.amounts import format_units
from bursa.kernel.markets import Market
from bursa.read_models.rows import BalanceRow, FillRow, OrderRow, TradeRow
from wire import layout as w
from wire.events import Order as OrderEvent
from wire.events import OrderConditions, Trade

_NOT_CLOSED = w.CLOSE_NAMES[w.CLOSE_NONE]


# --- orders ---------------------------------------------------------------------------------------


def order_from_row(row: OrderRow, market: Market) -> Order:
    """Say an order of the read model."""
    units = market.units
    return Order(
        order_id=str(row.order_id),
        client_order_id=row.client_order_id,
        market=row.market,
        side=row.side,
        type=row.type,
        time_in_force=row.time_in_force,
        post_only=row.post_only,
        self_trade_prevention=row.self_trade_prevention,
        price=units.price_text(row.price) if row.price else None,
        quantity=None if row.quote_amount else units.quantity_text(row.quantity),
        quote_amount=units.quote_text(row.quote_amount) if row.quote_amount else None,
        filled_quantity=units.quantity_text(row.filled_quantity),
        remaining_quantity=units.quantity_text(row.remaining),
        filled_quote=units.quote_text(row.filled_quote),
        status=row.status,
        close_reason=None if row.close_reason == _NOT_CLOSED else row.close_reason,
        created_at_ms=row.created_at_ms,
        updated_at_ms=row.updated_at_ms,
        sequence=row.sequence,
    )


def order_state(
    event: OrderEvent, terms: OrderConditions | None, outcome: CommandOutcome, market: Market
) -> OrderState:
    """Say an order as an event states it; what it was called at its beginning is not in there."""
    units = market.units
    quote_amount = terms.quote_amount if terms else 0
    close_reason = event.close_reason
    return OrderState(
        order_id=str(event.order_id),
        market=units.symbol,
        side=w.SIDE_NAMES[event.side],
        type=w.TYPE_NAMES[event.order_type],
        time_in_force=w.TIF_NAMES[event.time_in_force],
        post_only=w.flags_post_only(event.flags),
        self_trade_prevention=w.STP_NAMES[w.flags_stp(event.flags)],
        price=units.price_text(event.price) if event.price else None,
        quantity=None if quote_amount else units.quantity_text(event.quantity),
        quote_amount=units.quote_text(quote_amount) if quote_amount else None,
        filled_quantity=units.quantity_text(event.quantity - event.remaining),
        remaining_quantity=units.quantity_text(event.remaining),
        filled_quote=units.quote_text(event.filled_quote),
        status=w.STATUS_NAMES[event.status],
        close_reason=w.CLOSE_NAMES[close_reason] if close_reason else None,
        updated_at_ms=outcome.result.time_ms,
        sequence=event.sequence,
    )


def placed_order(
    outcome: CommandOutcome, event: OrderEvent, client_order_id: str | None, market: Market
) -> PlacedOrder:
    """Say an order that has just been placed, with the first of what it traded at once."""
    state = order_state(event, outcome.terms.get(event.order_id), outcome, market)
    time_ms = outcome.result.time_ms
    return PlacedOrder(
        **state,
        client_order_id=client_order_id,
        created_at_ms=time_ms,
        fills=[_taker_fill(trade, market, time_ms) for trade in outcome.fills[:LISTED_MAX]],
    )


def _taker_fill(trade: Trade, market: Market, time_ms: int) -> Fill:
    units = market.units
    # A fee is taken from what one receives.
    fee_asset = units.base if trade.taker_side == w.SIDE_BUY else units.quote
    return Fill(
        trade_id=str(trade.trade_id),
        order_id=str(trade.taker_order),
        market=units.symbol,
        side=w.SIDE_NAMES[trade.taker_side],
        role="taker",
        price=units.price_text(trade.price),
        quantity=units.quantity_text(trade.quantity),
        quote_amount=units.quote_text(trade.quote_amount),
        fee=units.amount_text(trade.taker_fee, fee_asset),
        fee_asset=fee_asset,
        time_ms=time_ms,
        sequence=trade.sequence,
    )


def fill_from_row(row: FillRow, market: Market) -> Fill:
    """Say a fill of the read model."""
    units = market.units
    return Fill(
        trade_id=str(row.trade_id),
        order_id=str(row.order_id),
        market=row.market,
        side=row.side,
        role=row.role,
        price=units.price_text(row.price),
        quantity=units.quantity_text(row.quantity),
        quote_amount=units.quote_text(row.quote_amount),
        fee=units.amount_text(row.fee, row.fee_asset),
        fee_asset=row.fee_asset,
        time_ms=row.time_ms,
        sequence=row.sequence,
    )


def balance_from_row(row: BalanceRow, scale: int) -> Balance:
    """Say a balance; `scale` is the asset's."""
    return Balance(
        asset=row.asset,
        available=format_units(row.available, scale),
        held=format_units(row.held, scale),
        total=format_units(row.available + row.held, scale),
        updated_at_ms=row.updated_at_ms,
        sequence=row.sequence,
    )


def trade_from_row(row: TradeRow, market: Market) -> PublicTrade:
    """Say a public trade."""
    units = market.units
    return PublicTrade(
        trade_id=str(row.trade_id),
        market=row.market,
        price=units.price_text(row.price),
        quantity=units.quantity_text(row.quantity),
        quote_amount=units.quote_text(row.quote_amount),
        side=row.taker_side,
        time_ms=row.time_ms,
        sequence=row.sequence,
    )
