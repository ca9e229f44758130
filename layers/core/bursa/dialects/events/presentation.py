"""Facts as the details of events."""

from typing import Any, Final

import msgspec

from bursa.dialects.events.shapes import VERSION
from bursa.dialects.native.order_presentation import ORDER_FIELDS
from bursa.dialects.native.public_ids import PublicIds, TenantIds
from bursa.facts.facts import (
    BalanceFact,
    Fact,
    MarketFact,
    OrderFact,
    TradeFact,
    TransferFact,
)
from bursa.kernel.amounts import format_units
from bursa.kernel.markets import MarketUnits
from bursa.read_models.rows import FillRow
from bursa.trading.orders import order_from_changes

Json = dict[str, Any]

# What each record states of an order, whether it or an earlier one placed it.
_ORDER: Final = (
    *("order_id", "market", "side", "type", "time_in_force", "price", "quantity"),
    *("filled_quantity", "filled_quote", "status", "close_reason"),
)
_ORDER_FIELDS: Final = tuple(field for field in ORDER_FIELDS if field.name in _ORDER)
_encoder = msgspec.json.Encoder()


def write_fact(fact: Fact, ids: PublicIds) -> str:
    """Return the detail of a fact's event, as JSON."""
    return _encoder.encode(detail_of(fact, ids)).decode()


def detail_of(fact: Fact, ids: PublicIds) -> Json:
    """Return the detail of a fact's event; always the same for the same fact."""
    own = ids.of(fact.tenant)
    name, body = _named(fact, own)
    head = {
        "version": VERSION,
        "id": f"{fact.kind}/{name}",
        "tenant": str(fact.tenant),
        "at_ms": fact.at_ms,
    }
    return head | body


def _named(fact: Fact, ids: TenantIds) -> tuple[str, Json]:
    """Return what tells a fact from others of its kind, and what it states."""
    match fact.body:
        case OrderFact():
            order = _order(fact.body, fact.sequence, ids)
            return order["order_id"], order
        case TradeFact():
            trade = _trade(fact.body, ids)
            return trade["trade_id"], trade
        case TransferFact(row, scale, number):
            return f"{row.account}/{ids.fact(row.sequence)}/{number}", {
                "account": row.account,
                "kind": row.kind,
                "direction": row.direction,
                "asset": row.asset,
                "amount": format_units(row.amount, scale),
                "reference": row.reference,
                "counter_account": row.counter_account,
            }
        case BalanceFact(row, scale):
            return f"{row.account}/{row.asset}/{ids.fact(row.sequence)}", {
                "account": row.account,
                "asset": row.asset,
                "available": format_units(row.available, scale),
                "held": format_units(row.held, scale),
                "total": format_units(row.available + row.held, scale),
            }
        case MarketFact(market, state):
            stated = {"market": market, "status": state}
            return f"{market}/{ids.fact(fact.sequence)}", stated


def _order(body: OrderFact, sequence: int, ids: TenantIds) -> Json:
    view = order_from_changes(body.values, sequence, body.market)
    known = {field.name: field.write(view, ids) for field in _ORDER_FIELDS}
    return {"account": body.values["account"]} | known


def _trade(body: TradeFact, ids: TenantIds) -> Json:
    trade, units = body.trade, body.market.units
    return {
        "trade_id": ids.trade(trade.trade_id),
        "market": trade.market,
        "side": trade.taker_side,
        "price": units.price_text(trade.price),
        "quantity": units.quantity_text(trade.quantity),
        "quote_amount": units.quote_text(trade.quote_amount),
        "maker": _side(body.maker, units, ids),
        "taker": _side(body.taker, units, ids),
    }


def _side(fill: FillRow, units: MarketUnits, ids: TenantIds) -> Json:
    return {
        "account": fill.account,
        "order_id": ids.order(fill.order_id),
        "fee": units.amount_text(fill.fee, fill.fee_asset),
        "fee_asset": fill.fee_asset,
    }
