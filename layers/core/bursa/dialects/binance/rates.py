"""How much an account has used, in headers; and what is said to who has used too much.

Used weight is what is missing in the account's bucket of reads, order count what is missing in its
bucket of commands, as far as the process that answers knows (`bursa.intake.budgets`); the limits in
``exchangeInfo`` are what the buckets hold. They fill all the time, so who keeps to the limits is
never refused.

Who is refused gets 429 and when to come again. Who goes on all the same, again and again before
that, gets 418: the same refusal under the number by which clients know to stop altogether.
"""

from typing import Final, Protocol

from bursa.dialects.binance.errors import BANNED, TOO_MANY, BinanceError
from bursa.dialects.binance.market_presentation import ORDERS_INTERVAL_S
from bursa.intake.budgets import Budget, Charge
from bursa.kernel.errors import TooManyRequests
from bursa.kernel.identifiers import AccountId
from bursa.kernel.rates import RateState
from bursa.tenants.account_limits import AccountLimits

# So many refusals in a row, each before the time that the one before it named, are a ban.
IGNORED_MAX: Final = 5
_KEPT_MAX: Final = 10_000
_COMMANDS: Final = frozenset({"too_many_commands", "too_many_faults"})
_WEIGHT: Final = (
    "Too much request weight used; current limit is {limit} request weight per 1 MINUTE. "
    "Please use WebSocket Streams for live updates to avoid polling the API."
)
_BANNED: Final = (
    "Way too much request weight used; IP banned until {until}. "
    "Please use WebSocket Streams for live updates to avoid bans."
)


class Budgets(Protocol):
    """The budgets of accounts; see `bursa.intake.budgets.Budgets`."""

    def know(self, account: AccountId, own: AccountLimits) -> None:
        """Note which limits of its own an account has."""

    @property
    def asked(self) -> int:
        """How often a charge for commands was asked for so far."""

    def require(self, account: AccountId, charges: tuple[Charge, ...]) -> None:
        """Charge a request; raises `TooManyRequests`."""

    def state(self, account: AccountId, budget: Budget) -> RateState:
        """Return what an account has left of a budget."""


def usage_headers(budgets: Budgets, account: AccountId, *, places: bool) -> dict[str, str]:
    """Return what an account has used: of orders only where one may have been placed."""
    weight = str(_used(budgets.state(account, Budget.READS)))
    headers = {"X-MBX-USED-WEIGHT": weight, "X-MBX-USED-WEIGHT-1M": weight}
    if places:
        headers[f"X-MBX-ORDER-COUNT-{ORDERS_INTERVAL_S}S"] = str(order_count(budgets, account))
    return headers


def order_count(budgets: Budgets, account: AccountId) -> int:
    """Return how many commands are missing in an account's bucket."""
    return _used(budgets.state(account, Budget.COMMANDS))


def _used(state: RateState) -> int:
    return state.limit - state.remaining


class Refusals:
    """What this process has refused to whom, and until when."""

    def __init__(self) -> None:
        self._known: dict[AccountId, tuple[int, int]] = {}

    def write(self, account: AccountId, refusal: TooManyRequests, now_ms: int) -> BinanceError:
        """Return a refusal as it is sent."""
        until_ms, ignored = self._known.get(account, (0, 0))
        ignored = ignored + 1 if now_ms < until_ms else 0
        until_ms = max(until_ms, now_ms + refusal.retry_after_s * 1_000)
        if len(self._known) >= _KEPT_MAX:
            self._known.clear()
        self._known[account] = until_ms, ignored
        retry_after_s = -(-(until_ms - now_ms) // 1_000)
        if ignored >= IGNORED_MAX:
            text = _BANNED.format(until=until_ms)
            return BinanceError(-1003, text, BANNED, retry_after_s=retry_after_s)
        return BinanceError(*_text(refusal), TOO_MANY, retry_after_s=retry_after_s)


def _text(refusal: TooManyRequests) -> tuple[int, str]:
    limit = refusal.state.limit if refusal.state is not None else 0
    if refusal.code in _COMMANDS:
        every = f"{ORDERS_INTERVAL_S} SECOND"
        return -1015, f"Too many new orders; current limit is {limit} orders per {every}."
    if refusal.state is None:
        return -1003, "Too many requests queued."
    return -1003, _WEIGHT.format(limit=limit)
