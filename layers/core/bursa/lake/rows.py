"""What a record states, as rows of the lake: trades, states of orders, balance movements. Pure.

Events state what is, and name assets and markets by number; so whoever goes on from a record needs
nothing of what was before but those names. All that ever changes what an account has is a trade or
a transfer, so the movements of an account add up to what it has, held or not.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple, get_type_hints

from bursa.journal.record import JournalRecord
from bursa.kernel.calendar_time import date_of, day_at
from bursa.kernel.identifiers import AccountId, CommandId, TenantId
from wire import codec
from wire import events as e
from wire import layout as w


class LakeTrade(NamedTuple):
    """A trade; prices in ticks, quantities in lots, the rest in ledger units.

    A maker's fee may be negative: a rebate, which is in the asset that the maker gives.
    """

    tenant: str
    day: str
    market: str
    trade_id: int
    sequence: int
    time_ms: int
    price_ticks: int
    quantity_lots: int
    base: str
    quote: str
    base_units: int
    quote_units: int
    taker_side: str
    maker_order: int
    taker_order: int
    maker_account: str
    taker_account: str
    maker_owner: str
    taker_owner: str
    maker_fee_units: int
    taker_fee_units: int
    maker_fee_asset: str
    taker_fee_asset: str


class LakeOrder(NamedTuple):
    """The state of an order after a command that changed it."""

    tenant: str
    day: str
    market: str
    order_id: int
    sequence: int
    time_ms: int
    account: str
    owner: str
    side: str
    type: str
    time_in_force: str
    status: str
    close_reason: str
    price_ticks: int
    quantity_lots: int
    remaining_lots: int
    filled_quote_units: int


class LakeMovement(NamedTuple):
    """What an account got, or gave (negative), of an asset.

    Kinds are ``trade``, ``fee`` and ``rebate`` of a trade, and those of transfers: ``credit``,
    ``debit``, ``capture``, ``transfer``, ``charge`` (a fee other than a trade's).
    """

    tenant: str
    day: str
    asset: str
    account: str
    owner: str
    kind: str
    units: int
    scale: int
    sequence: int
    time_ms: int
    trade_id: int
    counter_account: str
    reference: str


LakeRow = LakeTrade | LakeOrder | LakeMovement
TABLES: Final[dict[str, type[LakeRow]]] = {
    "trades": LakeTrade,
    "orders": LakeOrder,
    "movements": LakeMovement,
}
# What the rows of a file have in common, beside tenant and day.
GROUPED_BY: Final = {"trades": "market", "orders": "market", "movements": "asset"}


def columns(table: str) -> dict[str, str]:
    """Return the columns of a table in order, each with its type in SQL."""
    types = {int: "bigint", str: "varchar"}
    hints = get_type_hints(TABLES[table])
    return {name: types[hints[name]] for name in TABLES[table]._fields}


class NamedAsset(NamedTuple):
    """An asset by its name, and its number of decimal places."""

    symbol: str
    scale: int


class NamedMarket(NamedTuple):
    """A market by its name, and what it trades."""

    tenant: str
    symbol: str
    base: NamedAsset
    quote: NamedAsset
    lot_units: int


@dataclass(slots=True)
class Names:
    """What the journal's numbers stand for; a definition never changes once it is made."""

    assets: dict[int, NamedAsset] = field(default_factory=dict)
    markets: dict[int, NamedMarket] = field(default_factory=dict)


class Moment(NamedTuple):
    """When something happened, by the engine's clock."""

    sequence: int
    time_ms: int

    @property
    def day(self) -> str:
        """The day, UTC."""
        return str(date_of(day_at(self.time_ms)))


def rows_of(record: JournalRecord, names: Names) -> Iterator[LakeRow]:
    """Yield what a record states, in order; names that it defines are added to those."""
    moment = Moment(record.first_sequence, record.time_ms)
    for event in codec.decode_events(record.events):
        match event:
            case e.Result():
                moment = Moment(event.sequence, event.time_ms)
            case e.Asset():
                symbol = codec.unpack_symbol(event.symbol_high, event.symbol_low)
                names.assets[event.asset] = NamedAsset(symbol, event.scale)
            case e.MarketDefinition():
                names.markets[event.market] = _market(event, names)
            case e.Trade():
                market = names.markets[event.market]
                yield _trade(event, market, moment)
                yield from _movements_of_trade(event, market, moment)
            case e.Order():
                yield _order(event, names.markets[event.market], moment)
            case e.Transfer():
                yield from _movements_of_transfer(event, names.assets[event.asset], moment)
            case _:  # what follows from these, or is nobody's
                pass


def _market(event: e.MarketDefinition, names: Names) -> NamedMarket:
    return NamedMarket(
        str(TenantId(event.tenant)),
        codec.unpack_symbol(event.symbol_high, event.symbol_low),
        names.assets[event.base],
        names.assets[event.quote],
        event.lot_units,
    )


class _Side(NamedTuple):
    """One side of a trade: what it receives and gives, and its fee."""

    account: AccountId
    gets: tuple[NamedAsset, int]
    gives: tuple[NamedAsset, int]
    fee: int

    @property
    def fee_asset(self) -> NamedAsset:
        return self.gets[0] if self.fee >= 0 else self.gives[0]


def _sides(event: e.Trade, market: NamedMarket) -> tuple[_Side, _Side]:
    """Return maker and taker."""
    base = market.base, event.quantity * market.lot_units
    quote = market.quote, event.quote_amount
    takers, makers = (base, quote) if event.taker_side == w.SIDE_BUY else (quote, base)
    return (
        _Side(AccountId.from_number(event.maker_account), makers, takers, event.maker_fee),
        _Side(AccountId.from_number(event.taker_account), takers, makers, event.taker_fee),
    )


def _trade(event: e.Trade, market: NamedMarket, moment: Moment) -> LakeTrade:
    maker, taker = _sides(event, market)
    return LakeTrade(
        tenant=market.tenant,
        day=moment.day,
        market=market.symbol,
        trade_id=event.trade_id,
        sequence=event.sequence,
        time_ms=moment.time_ms,
        price_ticks=event.price,
        quantity_lots=event.quantity,
        base=market.base.symbol,
        quote=market.quote.symbol,
        base_units=event.quantity * market.lot_units,
        quote_units=event.quote_amount,
        taker_side=w.SIDE_NAMES[event.taker_side],
        maker_order=event.maker_order,
        taker_order=event.taker_order,
        maker_account=str(maker.account),
        taker_account=str(taker.account),
        maker_owner=str(maker.account.owner),
        taker_owner=str(taker.account.owner),
        maker_fee_units=maker.fee,
        taker_fee_units=taker.fee,
        maker_fee_asset=maker.fee_asset.symbol,
        taker_fee_asset=taker.fee_asset.symbol,
    )


def _movements_of_trade(
    event: e.Trade, market: NamedMarket, moment: Moment
) -> Iterator[LakeMovement]:
    fees = TenantId.parse(market.tenant).fee_account
    maker, taker = _sides(event, market)
    for side, other in ((maker, taker), (taker, maker)):
        changes = [
            (side.account, "trade", side.gets, 1),
            (side.account, "trade", side.gives, -1),
        ]
        if side.fee:
            # A rebate is paid out of the fee account, in what the maker gives.
            kind, paid = ("fee" if side.fee > 0 else "rebate"), (side.fee_asset, side.fee)
            changes += [(side.account, kind, paid, -1), (fees, kind, paid, 1)]
        for account, kind, (asset, units), sign in changes:
            counter = other.account if kind == "trade" else _other(account, side.account, fees)
            yield _movement(
                asset, account, kind, sign * units, moment, event.trade_id, str(counter)
            )


def _other(account: AccountId, one: AccountId, another: AccountId) -> AccountId:
    return another if account == one else one


def _movements_of_transfer(
    event: e.Transfer, asset: NamedAsset, moment: Moment
) -> Iterator[LakeMovement]:
    kind = w.TRANSFER_KIND_NAMES[event.kind]
    if event.kind == w.TRANSFER_KIND_FEE:
        kind = "charge"
    sign = 1 if event.kind == w.TRANSFER_KIND_CREDIT else -1
    sides = [(event.account, event.counter_account, sign * event.amount)]
    if event.counter_account:
        sides.append((event.counter_account, event.account, event.amount))
    reference = CommandId(event.reference_high, event.reference_low).hex()
    for number, other, units in sides:
        counter = str(AccountId.from_number(other)) if other else ""
        account = AccountId.from_number(number)
        yield _movement(asset, account, kind, units, moment, 0, counter, reference)


def _movement(  # noqa: PLR0917 - one for each column that differs
    asset: NamedAsset,
    account: AccountId,
    kind: str,
    units: int,
    moment: Moment,
    trade_id: int,
    counter_account: str,
    reference: str = "",
) -> LakeMovement:
    return LakeMovement(
        tenant=str(account.tenant),
        day=moment.day,
        asset=asset.symbol,
        account=str(account),
        owner=str(account.owner),
        kind=kind,
        units=units,
        scale=asset.scale,
        sequence=moment.sequence,
        time_ms=moment.time_ms,
        trade_id=trade_id,
        counter_account=counter_account,
        reference=reference,
    )


def _order(event: e.Order, market: NamedMarket, moment: Moment) -> LakeOrder:
    account = AccountId.from_number(event.account)
    return LakeOrder(
        tenant=market.tenant,
        day=moment.day,
        market=market.symbol,
        order_id=event.order_id,
        sequence=event.sequence,
        time_ms=moment.time_ms,
        account=str(account),
        owner=str(account.owner),
        side=w.SIDE_NAMES[event.side],
        type=w.TYPE_NAMES[event.order_type],
        time_in_force=w.TIF_NAMES[event.time_in_force],
        status=w.STATUS_NAMES[event.status],
        close_reason=w.CLOSE_NAMES[event.close_reason] if event.close_reason else "",
        price_ticks=event.price,
        quantity_lots=event.quantity,
        remaining_lots=event.remaining,
        filled_quote_units=event.filled_quote,
    )
