"""Which facts a run of records states. Pure.

The same records in other portions state the same facts, with two exceptions: of a balance each
portion states the last value only, and the state of a market is stated again by who does not know
which one was stated before.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from bursa.facts import kinds
from bursa.kernel.identifiers import AccountId, TenantId
from bursa.kernel.markets import Market
from bursa.read_models.definitions import market_from_row
from bursa.read_models.fold import Definitions, ReadModelChanges
from bursa.read_models.rows import OPEN_WORDS, BalanceRow, Changes, FillRow, MarketRow, TradeRow
from bursa.read_models.transfer_rows import TransferRow
from wire import events as e
from wire import layout as w

States = dict[int, str]


@dataclass(frozen=True, slots=True)
class OrderFact:
    """The final state of an order; ``values`` are fields of its row."""

    market: Market
    values: Changes


@dataclass(frozen=True, slots=True)
class TradeFact:
    """A trade, and both of its sides."""

    market: Market
    trade: TradeRow
    maker: FillRow
    taker: FillRow


@dataclass(frozen=True, slots=True)
class TransferFact:
    """One account's side of a transfer; ``number`` tells several of one command apart."""

    row: TransferRow
    scale: int
    number: int


@dataclass(frozen=True, slots=True)
class BalanceFact:
    """What an account has of an asset."""

    row: BalanceRow
    scale: int


@dataclass(frozen=True, slots=True)
class MarketFact:
    """The state of a market."""

    market: str
    state: str


Body = OrderFact | TradeFact | TransferFact | BalanceFact | MarketFact


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that was committed, of the command at ``sequence``."""

    kind: str
    tenant: TenantId
    sequence: int
    at_ms: int
    body: Body


@dataclass(slots=True)
class Names:
    """Markets and assets by what rows call them; grows with the definitions."""

    markets: dict[tuple[str, str], MarketRow] = field(default_factory=dict)
    scales: dict[tuple[str, str], int] = field(default_factory=dict)

    def learn(self, definitions: Definitions) -> None:
        """Take over what is new; a definition never changes."""
        if len(definitions.markets) != len(self.markets):
            self.markets = {(one.tenant, one.symbol): one for one in definitions.markets.values()}
        if len(definitions.assets) != len(self.scales):
            self.scales = {
                (one.tenant, one.symbol): one.scale for one in definitions.assets.values()
            }

    def market(self, tenant: str, symbol: str) -> Market:
        """Return a market."""
        return market_from_row(self.markets[tenant, symbol])


def facts_of(
    changes: ReadModelChanges, chosen: frozenset[str], names: Names, states: States
) -> Iterator[Fact]:
    """Yield the facts of a run, of the chosen kinds.

    Parameters
    ----------
    changes
        A run, folded.
    chosen
        Of `bursa.facts.kinds.KINDS`.
    names
        Learns what the run defines.
    states
        Which state of each market was stated last, by number. It is brought up to date.

    """
    names.learn(changes.definitions)
    if chosen & {kinds.ORDER_DONE, kinds.ORDER_UNFILLED}:
        yield from _orders(changes, chosen, names)
    if kinds.TRADE_EXECUTED in chosen:
        yield from _trades(changes, names)
    if kinds.TRANSFER_MADE in chosen:
        yield from _transfers(changes, names)
    if kinds.BALANCE_CHANGED in chosen:
        yield from _balances(changes, names)
    if kinds.MARKET_STATE in chosen:
        yield from _markets(changes, states)


def _orders(changes: ReadModelChanges, chosen: frozenset[str], names: Names) -> Iterator[Fact]:
    for (account, _), change in changes.orders.items():
        values = change.values
        if values["status"] in OPEN_WORDS:
            continue
        kind = kinds.ORDER_DONE if values["filled_quantity"] else kinds.ORDER_UNFILLED
        if kind in chosen:
            tenant = AccountId.parse(account).tenant
            body = OrderFact(names.market(str(tenant), str(values["market"])), values)
            at_ms = int(str(values["updated_at_ms"]))
            yield Fact(kind, tenant, change.sequence, at_ms, body)


def _trades(changes: ReadModelChanges, names: Names) -> Iterator[Fact]:
    # A trade has two fills, its maker's before its taker's (`bursa.read_models.fold`).
    sides = iter(changes.fills)
    for trade in changes.trades:
        maker, taker = next(sides), next(sides)
        body = TradeFact(names.market(trade.tenant, trade.market), trade, maker, taker)
        tenant = TenantId.parse(trade.tenant)
        yield Fact(kinds.TRADE_EXECUTED, tenant, trade.sequence, trade.time_ms, body)


def _transfers(changes: ReadModelChanges, names: Names) -> Iterator[Fact]:
    seen: Counter[tuple[str, int]] = Counter()
    for row in changes.transfers:
        tenant = AccountId.parse(row.account).tenant
        number = seen[row.account, row.sequence]
        seen[row.account, row.sequence] += 1
        body = TransferFact(row, names.scales[str(tenant), row.asset], number)
        yield Fact(kinds.TRANSFER_MADE, tenant, row.sequence, row.time_ms, body)


def _balances(changes: ReadModelChanges, names: Names) -> Iterator[Fact]:
    for row in changes.balances.values():
        tenant = AccountId.parse(row.account).tenant
        body = BalanceFact(row, names.scales[str(tenant), row.asset])
        yield Fact(kinds.BALANCE_CHANGED, tenant, row.sequence, row.updated_at_ms, body)


def _markets(changes: ReadModelChanges, states: States) -> Iterator[Fact]:
    stated: Mapping[int, MarketRow] = changes.definitions.markets
    for number, book in changes.books.items():
        for time_ms, event in book.facts:
            if not isinstance(event, e.Market):
                continue
            state = w.MARKET_STATE_NAMES[event.state]
            if states.get(number) == state:
                continue
            states[number] = state
            tenant, body = TenantId.parse(stated[number].tenant), MarketFact(book.market, state)
            yield Fact(kinds.MARKET_STATE, tenant, event.sequence, time_ms, body)
