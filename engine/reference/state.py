"""Everything the engine remembers, in one place.

The modules of this package are functions that take the state first and change nothing else.
"""

from dataclasses import dataclass, field

from engine.digest import Digest
from engine.reference.model import (
    Account,
    Asset,
    Balance,
    Command,
    Market,
    Order,
    TakerTotals,
    TenantLimits,
)
from wire import layout as w

CommandId = tuple[int, int]


@dataclass(frozen=True)
class Capacity:
    """How many there may be at a time; one more is rejected with ``capacity_exhausted``.

    Of ``ids``, one more makes the engine forget the oldest.
    """

    orders: int
    accounts: int
    balances: int
    holds: int
    ids: int

    @property
    def rejection_ms(self) -> int:
        """How much of an account's share of the memory of ids a rejection takes, as time."""
        share = max(1, self.ids >> w.REJECTIONS_SHARE_SHIFT)
        return w.ID_MEMORY_MS // share


@dataclass
class State:
    """A shard's accounts, balances, markets and orders, and the ids of commands decided before."""

    capacity: Capacity

    # Counters and the clock. Time is the largest that an ADVANCE_TIME has brought.
    sequence: int = 0
    trade_id: int = 0
    time_ms: int = 0
    # Number and worker of the epoch that writes now.
    epoch: list[int] = field(default_factory=lambda: [0, 0, 0])
    digest: Digest = field(default_factory=Digest)

    # What there is, by its number; balances by (account, asset), tiers by (tenant, tier) as the
    # (maker, taker) fees in ppm. Tenants are those that own an asset.
    tenants: set[int] = field(default_factory=set)
    assets: dict[int, Asset] = field(default_factory=dict)
    tiers: dict[tuple[int, int], tuple[int, int]] = field(default_factory=dict)
    tenant_limits: dict[int, TenantLimits] = field(default_factory=dict)
    markets: dict[int, Market] = field(default_factory=dict)
    accounts: dict[int, Account] = field(default_factory=dict)
    balances: dict[tuple[int, int], Balance] = field(default_factory=dict)
    orders: dict[int, Order] = field(default_factory=dict)
    # Open orders by the command id that placed them; one without an id is not here.
    placed: dict[CommandId, Order] = field(default_factory=dict)
    hold_count: int = 0

    # Command id -> (its order's id, 0, or minus the reason of its rejection; a time). The oldest
    # comes first. Commands from up to ``horizon_ms`` may have been decided and forgotten.
    remembered: dict[CommandId, tuple[int, int]] = field(default_factory=dict)
    horizon_ms: int = -1
    # ``Account.rejections_ms`` of all accounts that do not exist, together.
    rejections_ms: int = 0

    # The orders of a list, as commands, if the last of them was the last command that was decided.
    staged: list[Command] = field(default_factory=list)
    staged_sequence: int = 0

    # Of the command being decided: the facts that it has stated, as words. A balance or level is
    # stated once, where it is touched first, and that fact is kept true until the command ends.
    facts: list[list[int]] = field(default_factory=list)
    stated_balances: dict[tuple[int, int], list[int]] = field(default_factory=dict)
    stated_levels: dict[tuple[int, int, int], list[int]] = field(default_factory=dict)
    touched_markets: dict[int, Market] = field(default_factory=dict)
    # Stops that have been triggered and wait for their turn, and the totals of the sweep under way.
    triggered: list[Order] = field(default_factory=list)
    # First exits of entries that have ended, which wait until those stops have had theirs.
    released: list[Order] = field(default_factory=list)
    taker_totals: TakerTotals = field(default_factory=TakerTotals)
