"""Fills, balances and trades in the native form: decimal strings, opaque ids.

Their ``sequence`` is a time of the exchange (docs/adr/0073), never the shard's own number.
"""

from bursa.dialects.native.public_ids import TenantIds
from bursa.dialects.native.responses import Balance, Fill, PublicTrade
from bursa.kernel.amounts import format_units
from bursa.kernel.markets import Market
from bursa.read_models.rows import BalanceRow, FillRow, TradeRow


def fill_from_row(row: FillRow, market: Market, ids: TenantIds) -> Fill:
    """Return the account's side of a trade."""
    units = market.units
    return Fill(
        trade_id=ids.trade(row.trade_id),
        order_id=ids.order(row.order_id),
        market=row.market,
        side=row.side,
        role=row.role,
        price=units.price_text(row.price),
        quantity=units.quantity_text(row.quantity),
        quote_amount=units.quote_text(row.quote_amount),
        fee=units.amount_text(row.fee, row.fee_asset),
        fee_asset=row.fee_asset,
        time_ms=row.time_ms,
        sequence=row.time_ms,
    )


def balance_from_row(row: BalanceRow, scale: int) -> Balance:
    """Return a balance; `scale` is the asset's."""
    return Balance(
        asset=row.asset,
        available=format_units(row.available, scale),
        held=format_units(row.held, scale),
        total=format_units(row.available + row.held, scale),
        updated_at_ms=row.updated_at_ms,
        sequence=row.updated_at_ms,
    )


def trade_from_row(row: TradeRow, market: Market, ids: TenantIds) -> PublicTrade:
    """Return a public trade."""
    units = market.units
    return PublicTrade(
        trade_id=ids.trade(row.trade_id),
        market=row.market,
        price=units.price_text(row.price),
        quantity=units.quantity_text(row.quantity),
        quote_amount=units.quote_text(row.quote_amount),
        side=row.taker_side,
        time_ms=row.time_ms,
        sequence=row.time_ms,
    )
