"""Fold journal records into the rows that the read models must then hold. Pure.

Events state absolute facts (DESIGN D7), so a run of records is folded to one final state per row
before anything is written: an order that is placed, filled and closed within a run is one write.
Folding the same records in other portions gives the same rows.

A fold never reads a row. What a run can't know (an older order's creation time) it does not touch,
and what has to be added to what is stored (a market's book) is left as a list of facts, each with
its sequence, for `bursa.read_models.books` to apply to the stored row exactly once.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice

from bursa.journal.record import JournalRecord
from bursa.kernel.amounts import Lots, Ticks, Units
from bursa.kernel.errors import InvalidInput
from bursa.kernel.identifiers import AccountId, TenantId
from bursa.read_models.account_rows import AccountRow, row_of_account
from bursa.read_models.order_states import PLACE_KINDS, is_created, order_state
from bursa.read_models.rows import (
    OPEN_WORDS,
    AssetRow,
    BalanceRow,
    Changes,
    ClientOrderRow,
    FeeTierRow,
    FillRow,
    MarketRow,
    TradeRow,
)
from bursa.read_models.traded_rows import DAY_MS, ClosingPriceRow, TradedKey
from bursa.read_models.transfer_rows import TransferRow, rows_of_transfer
from wire import codec
from wire import events as e
from wire import layout as w
from wire.digests import command_digest

OPEN_ORDERS_KEPT_MAX = 50_000  # about 1.5 KB each

BookFact = e.Level | e.Trade | e.Market


class UnprojectableRecord(Exception):  # noqa: N818 - the name is what it means to a caller
    """Raised when a record can't be turned into rows, however often it is tried.

    Attributes
    ----------
    first_sequence, last_sequence
        What the record covers.

    """

    def __init__(self, first_sequence: int, last_sequence: int, why: str) -> None:
        super().__init__(f"Record {first_sequence} to {last_sequence} can't be projected: {why}")
        self.first_sequence = first_sequence
        self.last_sequence = last_sequence


@dataclass(slots=True)
class Definitions:
    """The names of the engine's numbers; a definition never changes once it is made."""

    assets: dict[int, AssetRow] = field(default_factory=dict)
    markets: dict[int, MarketRow] = field(default_factory=dict)

    def copy(self) -> "Definitions":
        """Return a registry that can grow without changing this one."""
        return Definitions(dict(self.assets), dict(self.markets))


@dataclass(slots=True)
class RowChange:
    """What a run of records makes of one row.

    ``whole`` says that the row begins in this run, so ``values`` are all its fields; and
    ``may_be_named`` that an order was open between records, so that its name may be stored.
    """

    sequence: int
    values: Changes
    whole: bool = False
    may_be_named: bool = True

    def update(self, sequence: int, values: Changes) -> None:
        """Overwrite with a later state of the same row."""
        self.sequence = sequence
        self.values.update(values)


@dataclass(slots=True)
class BookChange:
    """What happened in one market, in order, with the engine time of each fact."""

    tenant: str
    market: str
    facts: list[tuple[int, BookFact]] = field(default_factory=list)


@dataclass(slots=True)
class ReadModelChanges:
    """The final rows of a run of records, ``first_sequence`` to ``last_sequence``.

    ``number``, ``epoch`` and ``time_ms`` are the last record's; ``moments`` of whom it concerns.
    """

    first_sequence: int
    last_sequence: int
    number: int
    epoch: int
    time_ms: int
    definitions: Definitions
    orders: dict[tuple[str, int], RowChange] = field(default_factory=dict)
    client_orders: dict[tuple[str, str], ClientOrderRow] = field(default_factory=dict)
    fills: list[FillRow] = field(default_factory=list)
    trades: list[TradeRow] = field(default_factory=list)
    balances: dict[tuple[str, str], BalanceRow] = field(default_factory=dict)
    transfers: list[TransferRow] = field(default_factory=list)
    accounts: dict[str, AccountRow] = field(default_factory=dict)
    assets: list[AssetRow] = field(default_factory=list)
    markets: dict[tuple[str, str], RowChange] = field(default_factory=dict)
    fee_tiers: dict[tuple[str, int], FeeTierRow] = field(default_factory=dict)
    traded: dict[TradedKey, dict[int, int]] = field(default_factory=dict)
    closing_prices: dict[tuple[str, str, int], ClosingPriceRow] = field(default_factory=dict)
    books: dict[int, BookChange] = field(default_factory=dict)
    moments: dict[int, int] = field(default_factory=dict)


def fold(records: Sequence[JournalRecord], definitions: Definitions) -> ReadModelChanges:
    """Fold a run of records, without a gap and in order, into final rows.

    Parameters
    ----------
    records
        At least one; each begins where the one before it ends.
    definitions
        What was defined before the run; not changed. The result holds it grown by the run.

    Raises
    ------
    UnprojectableRecord
        For the first record that can't be projected; fold the ones before it by themselves.

    """
    first, last = records[0], records[-1]
    changes = ReadModelChanges(
        first.first_sequence,
        last.last_sequence,
        last.number,
        last.epoch,
        last.time_ms,
        definitions.copy(),
    )
    for record in records:
        try:
            _RecordFold(changes, record).fold()
        except (KeyError, ValueError, InvalidInput) as error:
            raise UnprojectableRecord(
                record.first_sequence, record.last_sequence, f"{type(error).__name__} {error}"
            ) from error
    return changes


class _RecordFold:
    """Folds one record into changes; knows the command whose events it is at."""

    def __init__(self, changes: ReadModelChanges, record: JournalRecord) -> None:
        self._changes = changes
        self._record = record
        self._definitions = changes.definitions
        self._result: e.Result
        self._accounts: dict[int, str] = {}
        self._order_key = ("", 0)
        self._placed: list[RowChange] = []
        # The commands that the one before this has staged orders of its list by.
        self._staged: list[e.Result] = []

    def fold(self) -> None:
        """Fold every event."""
        record = self._record
        due = record.first_sequence
        for event in codec.decode_events(record.events):
            if isinstance(event, e.Result):
                if event.sequence != due:
                    raise ValueError(f"result {event.sequence} came where {due} was due")
                due += 1
                self._result = event
                self._concerned(w.account_tenant(event.account))
                self._decided(event)
            else:
                self._fold_event(event)
        if due != record.last_sequence + 1:
            raise ValueError(f"it ends at {due - 1}")
        for change in self._placed:
            change.may_be_named = change.values["status"] in OPEN_WORDS

    def _decided(self, result: e.Result) -> None:
        if result.reason not in (w.REASON_ACCEPTED, *e.NOT_REMEMBERED):
            self._keep_rejection(result, result.reason)
        if result.command_kind == w.COMMAND_STAGE:
            self._staged += [result] * (result.reason == w.REASON_ACCEPTED)
            return
        if result.command_kind == w.COMMAND_PLACE_LIST and result.reason != w.REASON_ACCEPTED:
            # The engine remembers what was staged as accepted: their ids are used up.
            for staged in self._staged:
                self._keep_rejection(staged, result.reason)
        self._staged = []

    def _fold_event(self, event: e.Event) -> None:
        match event:
            case e.Order():
                self._order(event)
            case e.OrderConditions():
                self._complete_order(event, e.CONDITIONS)
            case e.OrderTrail():
                self._complete_order(event, e.TRAIL)
            case e.OrderList():
                self._complete_order(event, ("list_id",))
            case e.Balance():
                self._balance(event)
            case e.Transfer():
                asset, at_ms = self._definitions.assets[event.asset].symbol, self._result.time_ms
                self._changes.transfers += rows_of_transfer(event, asset, at_ms, self._account)
            case e.Account():
                row = row_of_account(event, self._account)
                self._changes.accounts[row.account] = row
            case e.Asset():
                self._asset(event)
            case e.FeeTier():
                self._fee_tier(event)
            case _:
                self._fold_market_event(event)

    def _fold_market_event(self, event: e.Event) -> None:
        match event:
            case e.Level():
                self._book(event.market).facts.append((self._result.time_ms, event))
            case e.Trade():
                self._trade(event)
            case e.Market():
                self._market(event)
            case e.MarketDefinition():
                self._market_definition(event)
            case e.MarketLimits():
                self._market_limits(event)
            case _:  # holds, countdowns and epochs have no read model yet
                pass

    def _concerned(self, tenant: int) -> None:
        if tenant:
            self._changes.moments[tenant] = self._record.time_ms

    def _account(self, number: int) -> str:
        self._concerned(w.account_tenant(number))
        text = self._accounts.get(number)
        if text is None:
            text = self._accounts[number] = str(AccountId.from_number(number))
        return text

    # --- orders -----------------------------------------------------------------------------------

    def _order(self, event: e.Order) -> None:
        account = self._account(event.account)
        values = order_state(event, self._result)
        created = is_created(event, self._result)
        key = self._order_key = (account, event.order_id)
        change = self._changes.orders.get(key)
        if change is None:
            values.update(self._order_identity(event, account, created=created))
            change = RowChange(event.sequence, values, created, may_be_named=not created)
            self._changes.orders[key] = change
            self._placed += [change] * created
        else:
            change.update(event.sequence, values)

    def _order_identity(self, event: e.Order, account: str, *, created: bool) -> Changes:
        """Fields that never change again."""
        flags = event.flags
        values: Changes = {
            "account": account,
            "order_id": event.order_id,
            "market": self._definitions.markets[event.market].symbol,
            "side": w.SIDE_NAMES[event.side],
            "type": w.TYPE_NAMES[event.order_type],
            "time_in_force": w.TIF_NAMES[event.time_in_force],
            "post_only": w.flags_post_only(flags),
            "self_trade_prevention": w.STP_NAMES[w.flags_stp(flags)],
        }
        if created:
            values["created_at_ms"] = self._result.time_ms
            digest = values["request_digest"] = self._request_digest(event.order_id)
            client_order_id = self._record.client_order_ids.get(event.order_id)
            if client_order_id is not None:
                values["client_order_id"] = client_order_id
                self._changes.client_orders[account, client_order_id] = ClientOrderRow(
                    account, client_order_id, event.order_id, digest
                )
            values |= dict.fromkeys(e.CONDITIONS, 0)
        return values

    def _keep_rejection(self, result: e.Result, reason: int) -> None:
        """Keep what an order with a client order id was rejected for, unless it was placed."""
        client_order_id = self._record.client_order_ids.get(result.sequence)
        if client_order_id is None or not w.account_tenant(result.account):
            return
        account = self._account(result.account)
        # A command that ends workers is journaled as a rejection: what it asked for is not known.
        placed = result.command_kind in (*PLACE_KINDS, w.COMMAND_STAGE)
        self._changes.client_orders.setdefault(
            (account, client_order_id),
            ClientOrderRow(
                account,
                client_order_id,
                0,
                self._request_digest(result.sequence) if placed else b"",
                w.REASON_NAMES[reason],
            ),
        )

    def _request_digest(self, sequence: int) -> bytes:
        """Return the digest of a command; empty for one of the record before, as of a long list."""
        if sequence < self._record.first_sequence:
            return b""
        start = (sequence - self._record.first_sequence) * w.COMMAND_BYTES
        return command_digest(self._record.commands[start : start + w.COMMAND_BYTES])

    def _complete_order(
        self, event: e.OrderConditions | e.OrderTrail | e.OrderList, names: tuple[str, ...]
    ) -> None:
        """Complete the order event before it."""
        change = self._changes.orders[self._order_key]
        if event.order_id != self._order_key[1]:
            raise ValueError(f"conditions or list of order {event.order_id} without the order")
        change.values |= {name: getattr(event, name) for name in names}

    # --- money ------------------------------------------------------------------------------------

    def _balance(self, event: e.Balance) -> None:
        account = self._account(event.account)
        asset = self._definitions.assets[event.asset].symbol
        self._changes.balances[account, asset] = BalanceRow(
            account,
            asset,
            Units(event.available),
            Units(event.held),
            self._result.time_ms,
            event.sequence,
        )

    # --- markets ----------------------------------------------------------------------------------

    def _book(self, number: int) -> BookChange:
        book = self._changes.books.get(number)
        if book is None:
            market = self._definitions.markets[number]
            book = self._changes.books[number] = BookChange(market.tenant, market.symbol)
        self._concerned(TenantId.parse(book.tenant).number)
        return book

    def _trade(self, event: e.Trade) -> None:
        time_ms = self._result.time_ms
        self._book(event.market).facts.append((time_ms, event))
        market = self._definitions.markets[event.market]
        self._changes.trades.append(
            TradeRow(
                market.tenant,
                market.symbol,
                event.trade_id,
                Ticks(event.price),
                Lots(event.quantity),
                Units(event.quote_amount),
                w.SIDE_NAMES[event.taker_side],
                time_ms,
                event.sequence,
            )
        )
        day = time_ms // DAY_MS
        self._changes.closing_prices[market.tenant, market.symbol, day] = ClosingPriceRow(
            market.tenant, market.symbol, day, Ticks(event.price), event.sequence
        )
        for role in ("maker", "taker"):
            fill = self._fill(event, market, role)
            self._changes.fills.append(fill)
            self._traded(fill, day, market.quote)

    def _traded(self, fill: FillRow, day: int, quote: str) -> None:
        owner = str(AccountId.parse(fill.account).owner)
        additions = self._changes.traded.setdefault((owner, day, quote), {})
        additions[fill.sequence] = additions.get(fill.sequence, 0) + fill.quote_amount

    def _fill(self, event: e.Trade, market: MarketRow, role: str) -> FillRow:
        taker = role == "taker"
        buys = taker == (event.taker_side == w.SIDE_BUY)
        fee = event.taker_fee if taker else event.maker_fee
        # A fee is taken from what one receives, a rebate is paid in what one gives.
        receives, gives = (market.base, market.quote) if buys else (market.quote, market.base)
        return FillRow(
            self._account(event.taker_account if taker else event.maker_account),
            event.trade_id,
            event.taker_order if taker else event.maker_order,
            market.symbol,
            w.SIDE_NAMES[w.SIDE_BUY if buys else w.SIDE_SELL],
            role,
            Ticks(event.price),
            Lots(event.quantity),
            Units(event.quote_amount),
            Units(fee),
            receives if fee >= 0 else gives,
            self._result.time_ms,
            event.sequence,
        )

    def _market(self, event: e.Market) -> None:
        self._book(event.market).facts.append((self._result.time_ms, event))
        self._change_market(
            event.market, event.sequence, {"state": w.MARKET_STATE_NAMES[event.state]}
        )

    def _market_limits(self, event: e.MarketLimits) -> None:
        values: Changes = dict(zip(event._fields[2:], event[2:], strict=True))
        self._change_market(event.market, event.sequence, values)

    def _change_market(self, number: int, sequence: int, values: Changes) -> None:
        market = self._definitions.markets[number]
        key = (market.tenant, market.symbol)
        change = self._changes.markets.get(key)
        if change is None:
            self._changes.markets[key] = RowChange(sequence, values)
        else:
            change.update(sequence, values)

    def _market_definition(self, event: e.MarketDefinition) -> None:
        base = self._definitions.assets[event.base]
        quote = self._definitions.assets[event.quote]
        row = MarketRow(
            tenant=str(TenantId(event.tenant)),
            number=event.market,
            symbol=codec.unpack_symbol(event.symbol_high, event.symbol_low),
            base=base.symbol,
            quote=quote.symbol,
            base_scale=base.scale,
            quote_scale=quote.scale,
            lot_units=event.lot_units,
            tick_units=event.tick_units,
            state=w.MARKET_STATE_NAMES[event.state],
            sequence=event.sequence,
        )
        self._definitions.markets[row.number] = row
        values: Changes = {name: getattr(row, name) for name in row.__struct_fields__}
        del values["sequence"]
        self._changes.markets[row.tenant, row.symbol] = RowChange(
            event.sequence, values, whole=True
        )

    def _asset(self, event: e.Asset) -> None:
        row = AssetRow(
            str(TenantId(event.tenant)),
            event.asset,
            codec.unpack_symbol(event.symbol_high, event.symbol_low),
            event.scale,
            event.sequence,
        )
        self._definitions.assets[row.number] = row
        self._changes.assets.append(row)

    def _fee_tier(self, event: e.FeeTier) -> None:
        tenant = str(TenantId(event.tenant))
        self._changes.fee_tiers[tenant, event.tier] = FeeTierRow(
            tenant, event.tier, event.maker_ppm, event.taker_ppm, event.sequence
        )


def add_known_order_fields(
    changes: ReadModelChanges, open_orders: dict[tuple[str, int], Changes]
) -> None:
    """Complete the changes of known orders, and remember the orders that are open after the run.

    A closed order never changes again, so its whole row can be written without a condition, many
    at a time; that is most of the writing saved.

    Parameters
    ----------
    changes
        Of a run of records.
    open_orders
        All fields of orders that are open before the run, of those that are remembered. To be
        emptied when a run was missed. Only the newest `OPEN_ORDERS_KEPT_MAX` are kept.

    """
    for key, change in changes.orders.items():
        known = open_orders.pop(key, None)
        if known is not None and not change.whole:
            change.values = known | change.values
            change.whole = True
        if change.whole and change.values["status"] in OPEN_WORDS:
            open_orders[key] = change.values
    for key in list(islice(open_orders, max(0, len(open_orders) - OPEN_ORDERS_KEPT_MAX))):
        del open_orders[key]
