"""Statements: what an account had, what moved, and what it has since, to the unit.

An account's balance of an asset is the sum of all that moved up to its sequence: its sides of
trades, their fees, and transfers. So a statement begins with the balance of now and goes back: what
moved after the period is taken off, which is the closing balance; what moved in it is listed, and
taken off too, which is the opening one. Nothing is rounded, and nothing is left to add up that is
not listed.

Times are the exchange's own: the engine's, which follows the clock.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple, Protocol, TypeVar

from bursa.kernel.errors import InvalidInput, NotFound, Unavailable
from bursa.kernel.identifiers import AccountId
from bursa.kernel.markets import Market
from bursa.kernel.pages import Page
from bursa.read_models.rows import TRANSFERS_SCHEMA, BalanceRow, FillRow
from bursa.read_models.transfer_rows import TransferRow
from bursa.trading.catalogue import MarketCatalogue, stored_market, stored_scale

# Fills and transfers in a period, and from its beginning until now.
ROWS_MAX: Final = 5_000
ROWS_READ_MAX: Final = 20_000
_PAGE: Final = 1_000
TRADE: Final = "trade"
TRADE_FEE: Final = "trade_fee"

_Row = TypeVar("_Row", FillRow, TransferRow)


class Period(NamedTuple):
    """From a time until before another, UTC milliseconds."""

    from_ms: int
    to_ms: int


class Movement(NamedTuple):
    """What changed a balance.

    Attributes
    ----------
    kind
        ``trade``, ``trade_fee`` (negative for what is paid, positive for a rebate), or that of a
        transfer.
    units
        Ledger units; negative for what left the account.
    balance
        What there was after it.
    reference
        A trade's id, or a transfer's reference; empty for none.
    market, counter_account
        Where, and with whom; empty where that is nothing.

    """

    time_ms: int
    sequence: int
    kind: str
    units: int
    balance: int
    reference: str
    market: str = ""
    counter_account: str = ""


@dataclass(slots=True)
class AssetStatement:
    """An asset: ``opening`` and all ``movements``, the oldest first, are ``closing``."""

    asset: str
    scale: int
    opening: int
    closing: int
    movements: list[Movement] = field(default_factory=list)


class Statement(NamedTuple):
    """A statement of an account.

    Attributes
    ----------
    is_final
        Whether nothing can be added to the period any more.

    """

    account: AccountId
    period: Period
    assets: Sequence[AssetStatement]
    is_final: bool


class Fills(Protocol):
    """An account's sides of trades."""

    def newest(
        self,
        account: AccountId,
        *,
        market: str | None,
        before: str | None,
        limit: int,
        latest: bool = False,
    ) -> Page[FillRow]:
        """Return fills, newest first."""


class Transfers(Protocol):
    """What an account received and gave other than by trades."""

    def newest(self, account: AccountId, *, before: str | None, limit: int) -> Page[TransferRow]:
        """Return transfers, newest first."""


class Balances(Protocol):
    """The balances of an account."""

    def all(self, account: AccountId) -> Sequence[BalanceRow]:
        """Return the balances by asset."""


class Positions(Protocol):
    """How far the read models are; each method raises `Unavailable`."""

    def position_and_time(self, account: AccountId) -> tuple[int, int]:
        """Return the sequence that an account's rows reflect, and the exchange's time there."""

    def is_current(self, account: AccountId, schema: int) -> bool:
        """Return whether an account's rows are at least of a schema."""


class _Change(NamedTuple):
    """A movement whose balance is not known yet."""

    asset: str
    movement: Movement


class Statements:
    """Makes statements of accounts."""

    def __init__(
        self,
        catalogue: MarketCatalogue,
        fills: Fills,
        transfers: Transfers,
        balances: Balances,
        positions: Positions,
    ) -> None:
        self._catalogue = catalogue
        self._fills = fills
        self._transfers = transfers
        self._balances = balances
        self._positions = positions

    def of(self, account: AccountId, period: Period) -> Statement:
        """Return a statement.

        Raises
        ------
        InvalidInput
            ``invalid_period``: it is none; ``too_many_movements``: it has too many, or is too long
            ago for an account that trades so much.
        NotFound
            ``not_known_yet``: the rows are being written; ask again.
        Unavailable
            ``read_models_unavailable``

        """
        if period.to_ms <= period.from_ms:
            raise InvalidInput("invalid_period", "Send a time to that is after from.", field="to")
        if not self._positions.is_current(account, TRANSFERS_SCHEMA):
            raise Unavailable(
                "read_models_unavailable", "Statements are not ready: the operator rebuilds them."
            )
        # Before anything else is read: what comes later is not before the time there.
        is_final = self._positions.position_and_time(account)[1] >= period.to_ms
        rows = {row.asset: row for row in self._balances.all(account)}
        last = max((row.sequence for row in rows.values()), default=0)
        if self._positions.position_and_time(account)[0] < last:
            raise NotFound("not_known_yet", "What you ask for may be there in a moment; ask again.")
        statements = {}
        for asset, row in sorted(rows.items()):
            scale = stored_scale(self._catalogue, account.tenant, asset)
            now = row.available + row.held
            statements[asset] = AssetStatement(asset, scale, now, now)
        for change in self._changes(account, period):
            has = rows.get(change.asset)
            # What the balance does not have yet came after it was read.
            if has is not None and change.movement.sequence <= has.sequence:
                _take_off(statements[change.asset], change.movement, period)
        for statement in statements.values():
            statement.movements.reverse()
        shown = [one for one in statements.values() if one.movements or one.opening or one.closing]
        return Statement(account, period, shown, is_final)

    def _changes(self, account: AccountId, period: Period) -> Iterator[_Change]:
        """Yield all changes since the period began, the newest first, of each asset."""

        def fills(before: str | None) -> Page[FillRow]:
            return self._fills.newest(account, market=None, before=before, limit=_PAGE, latest=True)

        def transfers(before: str | None) -> Page[TransferRow]:
            return self._transfers.newest(account, before=before, limit=_PAGE)

        found: list[_Change] = []
        counted = _Count(period)
        for row in _since(fills, period.from_ms, counted):
            market = stored_market(self._catalogue, account.tenant, row.market)
            found += _of_fill(row, market)
        for transfer in _since(transfers, period.from_ms, counted):
            found.append(_of_transfer(transfer))
        # Of one sequence the order does not matter: they are all there, or none is.
        return iter(sorted(found, key=lambda one: one.movement.sequence, reverse=True))


class _Count:
    """Counts rows, and refuses what is too much for one response."""

    def __init__(self, period: Period) -> None:
        self._period = period
        self._inside = self._read = 0

    def add(self, time_ms: int) -> None:
        """Count a row of a time."""
        self._read += 1
        self._inside += time_ms < self._period.to_ms
        if self._inside > ROWS_MAX or self._read > ROWS_READ_MAX:
            raise InvalidInput(
                "too_many_movements",
                f"Ask for a shorter period, or a later one: it may have {ROWS_MAX} trades and "
                f"transfers, and since it began there may be {ROWS_READ_MAX}.",
                field="from",
            )


def _since(
    read: Callable[[str | None], Page[_Row]], from_ms: int, counted: _Count
) -> Iterator[_Row]:
    before: str | None = None
    while True:
        page = read(before)
        for row in page.items:
            if row.time_ms < from_ms:
                return
            counted.add(row.time_ms)
            yield row
        if page.next_position is None:
            return
        before = page.next_position


def _of_fill(row: FillRow, market: Market) -> Iterator[_Change]:
    """Yield what a fill changed, the newest first: its fee comes last."""
    units, sign = market.units, 1 if row.side == "buy" else -1
    parts = [
        (units.quote, TRADE, -sign * row.quote_amount),
        (units.base, TRADE, sign * row.quantity * units.lot_units),
    ]
    if row.fee:
        parts.insert(0, (row.fee_asset, TRADE_FEE, -row.fee))
    for asset, kind, amount in parts:
        name = str(row.trade_id)
        yield _Change(asset, Movement(row.time_ms, row.sequence, kind, amount, 0, name, row.market))


def _of_transfer(row: TransferRow) -> _Change:
    return _Change(
        row.asset,
        Movement(
            row.time_ms,
            row.sequence,
            row.kind,
            row.amount if row.direction == "in" else -row.amount,
            0,
            row.reference if int(row.reference, 16) else "",
            counter_account=row.counter_account or "",
        ),
    )


def _take_off(statement: AssetStatement, movement: Movement, period: Period) -> None:
    """Go back over a movement; those of the period stay, with what there was after them."""
    if movement.time_ms < period.to_ms:
        statement.movements.append(movement._replace(balance=statement.opening))
    else:
        statement.closing -= movement.units
    statement.opening -= movement.units
