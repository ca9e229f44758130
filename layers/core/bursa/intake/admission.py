"""Whether an account's commands are let in now, and how long it is worth to wait for them.

Two things stand before the queue: the budgets, counted in commands, and the backlog, which knows
what waits. Both say no to one account at a time where that account is the reason.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from bursa.intake.budgets import Budget, Charge
from bursa.kernel.identifiers import AccountId
from bursa.kernel.rates import RateState
from wire import layout as w

CANCELS = frozenset({w.COMMAND_CANCEL, w.COMMAND_CANCEL_ALL, w.COMMAND_CANCEL_ALL_AFTER})
# The sooner it is decided that nothing comes, the sooner the container serves others; one look is
# always taken, because the request may be a repeat that was decided long ago.
_ONE_LOOK_MS = 5
# Who has less than one part in so many of its budget left waits for so long at most.
_HEAVY_SHARE = 2
_HEAVY_WAIT_MS = 500


def command_kinds(commands: bytes) -> Sequence[int]:
    """Return the kind of each of some encoded commands."""
    return memoryview(commands).cast("q")[w.HEADER_KIND :: w.COMMAND_LENGTH].tolist()


def only_cancels(commands: bytes) -> bool:
    """Return whether commands can only take orders out, which a flood must never prevent."""
    return CANCELS.issuperset(command_kinds(commands))


def charges_of(kinds: Iterable[int]) -> tuple[Charge, ...]:
    """Return what commands of these kinds use of their account's budgets."""
    listed = list(kinds)
    cancels = [kind for kind in listed if kind in CANCELS]
    charges = []
    if len(cancels) < len(listed):
        charges.append(Charge(Budget.COMMANDS, len(listed) - len(cancels)))
    if cancels:
        single = w.COMMAND_CANCEL in cancels
        charges.append(Charge(Budget.CANCELS, len(cancels), keeps_way_out=single))
    return tuple(charges)


class Admission(Protocol):
    """What intake asks before it sends, and before it waits."""

    def require(self, account: AccountId, commands: Sequence[bytes]) -> None:
        """Charge an account for commands; raises `TooManyRequests`."""

    def require_looks(self, account: AccountId, count: int) -> None:
        """Charge an account for looking up what it may have sent before; raises as `require`."""

    def wait_ms(self, account: AccountId, deadline_ms: int) -> int:
        """Return how long to wait for what an account has handed in."""


class OpenAdmission:
    """Lets everything in: for an operator's own tools."""

    def require(self, account: AccountId, commands: Sequence[bytes]) -> None:
        """Return."""

    def require_looks(self, account: AccountId, count: int) -> None:
        """Return."""

    def wait_ms(self, account: AccountId, deadline_ms: int) -> int:  # noqa: ARG002
        """Return the whole deadline."""
        return deadline_ms


class AccountBudgets(Protocol):
    """The budgets of accounts."""

    def require(self, account: AccountId, charges: tuple[Charge, ...]) -> None:
        """Charge a request, or nothing; raises `TooManyRequests`."""

    def state(self, account: AccountId, budget: Budget) -> RateState:
        """Return what an account has left of a budget, as far as this container knows."""


class Backlog(Protocol):
    """What waits in the queue of an account's shard, as last seen."""

    def age_ms(self, account: AccountId) -> int:
        """Return how long a command of this account would wait at least."""


class BudgetedAdmission:
    """Lets in what the budgets allow, and waits only where something may come in time.

    Parameters
    ----------
    backlog_of
        Returns the backlog of an account's shard.

    """

    def __init__(self, budgets: AccountBudgets, backlog_of: Callable[[AccountId], Backlog]) -> None:
        self._budgets = budgets
        self._backlog_of = backlog_of

    def require(self, account: AccountId, commands: Sequence[bytes]) -> None:
        """Charge an account for commands; raises `TooManyRequests`."""
        self._budgets.require(account, charges_of(command_kinds(b"".join(commands))))

    def require_looks(self, account: AccountId, count: int) -> None:
        """Charge an account for looking up what it may have sent before; raises as `require`."""
        self._budgets.require(account, (Charge(Budget.READS, count),))

    def wait_ms(self, account: AccountId, deadline_ms: int) -> int:
        """Return the deadline; less where waiting would take the containers from others.

        A container that waits serves no other request. So it takes one look where what waits before
        is older than the deadline, as when the worker is gone; and an account that has used up most
        of its budget gets a short wait, which is enough unless it waits for itself.
        """
        if self._backlog_of(account).age_ms(account) > deadline_ms:
            return _ONE_LOOK_MS
        left = self._budgets.state(account, Budget.COMMANDS)
        is_heavy = left.remaining * _HEAVY_SHARE < left.limit
        return min(_HEAVY_WAIT_MS, deadline_ms) if is_heavy else deadline_ms
