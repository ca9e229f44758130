"""The rows of a large record that are not written yet. Pure.

One command may change a hundred thousand rows, most of them in one partition, which takes a
thousand writes a second. So they are written in slices, and rows of later records go in between.
Each row still gets its states in order: before a later record changes a row that is outstanding,
the outstanding state is taken out and written.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from bursa.kernel import keys
from bursa.kernel.identifiers import TenantId
from bursa.read_models.fold import Definitions, ReadModelChanges
from bursa.read_models.rows import ProgressRow

# Of one account or market, before another's turn.
_ROWS_PER_TURN = 50
# More than this many that are behind are named by their tenants.
_BEHIND_MAX = 100

_Row = tuple[str, Any]  # a field of `ReadModelChanges`, and which of its rows


@dataclass(slots=True)
class OutstandingRows:
    """What is left to write of one run of records.

    Attributes
    ----------
    before
        How far the read models were before the run.

    """

    before: ProgressRow
    _left: ReadModelChanges
    _turns: deque[str] = field(default_factory=deque)
    _by_owner: dict[str, deque[_Row]] = field(default_factory=dict)
    _count: int = 0
    _is_begun: bool = False

    @classmethod
    def of(cls, changes: ReadModelChanges, before: ProgressRow) -> "OutstandingRows":
        """Take over all rows of a run. Who has few is first, so that he does not wait long."""
        rows = cls(before, changes)
        for owner, row in _rows(changes):
            rows._by_owner.setdefault(owner, deque()).append(row)
            rows._count += 1
        rows._turns.extend(sorted(rows._by_owner, key=lambda owner: len(rows._by_owner[owner])))
        return rows

    def __bool__(self) -> bool:
        """Whether anything is left."""
        return bool(self._by_owner) or not self._is_begun

    def __len__(self) -> int:
        """Return how many rows are left at most; those taken out before their turn count too."""
        return self._count

    def behind(self) -> frozenset[str]:
        """Return whose rows are incomplete: accounts and markets, or tenants when they are many."""
        if len(self._by_owner) <= _BEHIND_MAX:
            return frozenset(self._by_owner)
        return frozenset(tenant_of(owner) for owner in self._by_owner)

    def take(self, most: int) -> ReadModelChanges:
        """Take out at most so many rows; with the first come all definitions and limits."""
        part = self._part(is_first=not self._is_begun)
        self._is_begun = True
        taken = 0
        while self._turns and taken < most:
            owner = self._turns.popleft()
            rows = self._by_owner[owner]
            for _ in range(min(len(rows), most - taken, _ROWS_PER_TURN)):
                taken += self._move(part, rows.popleft())
                self._count -= 1
            if rows:
                self._turns.append(owner)
            else:
                del self._by_owner[owner]
        return part

    def take_common(self, later: ReadModelChanges) -> ReadModelChanges | None:
        """Take out the rows that later records change too; None when there is none."""
        part = self._part(is_first=False)
        left = self._left
        part.orders = {key: left.orders.pop(key) for key in later.orders if key in left.orders}
        part.balances = {
            key: left.balances.pop(key) for key in later.balances if key in left.balances
        }
        part.accounts = {
            key: left.accounts.pop(key) for key in later.accounts if key in left.accounts
        }
        part.client_orders = {
            key: left.client_orders.pop(key)
            for key in later.client_orders
            if key in left.client_orders
        }
        part.traded = {key: left.traded.pop(key) for key in later.traded if key in left.traded}
        by_owner = (part.orders, part.balances, part.accounts, part.client_orders, part.traded)
        return part if any(by_owner) else None

    def _part(self, *, is_first: bool) -> ReadModelChanges:
        left = self._left
        part = ReadModelChanges(
            left.first_sequence,
            left.last_sequence,
            left.number,
            left.epoch,
            left.time_ms,
            left.definitions if is_first else Definitions(),
        )
        if is_first:
            part.assets, part.markets, part.fee_tiers = left.assets, left.markets, left.fee_tiers
        return part

    def _move(self, part: ReadModelChanges, row: _Row) -> int:
        """Move a row into a part; return how many that was: none if it was taken out before."""
        kind, key = row
        source, target = getattr(self._left, kind), getattr(part, kind)
        if isinstance(target, list):
            target.append(source[key])
        elif key in source:
            target[key] = source.pop(key)
        else:
            return 0
        return 1


def tenant_of(owner: str) -> str:
    """Return the tenant of an account or a market."""
    return owner.partition("#")[0].partition("-")[0]


def _rows(changes: ReadModelChanges) -> Iterator[tuple[str, _Row]]:
    """Yield every row but definitions and limits, each with whose it is."""
    for order in changes.orders:
        yield order[0], ("orders", order)
    for pointer in changes.client_orders:
        yield pointer[0], ("client_orders", pointer)
    for balance in changes.balances:
        yield balance[0], ("balances", balance)
    for account in changes.accounts:
        yield account, ("accounts", account)
    for position, fill in enumerate(changes.fills):
        yield fill.account, ("fills", position)
    for position, transfer in enumerate(changes.transfers):
        yield transfer.account, ("transfers", position)
    for traded in changes.traded:
        yield traded[0], ("traded", traded)
    for closing in changes.closing_prices:
        market = keys.market_data(TenantId.parse(closing[0]), closing[1])
        yield market, ("closing_prices", closing)
    for position, trade in enumerate(changes.trades):
        market = keys.market_data(TenantId.parse(trade.tenant), trade.market)
        yield market, ("trades", position)
