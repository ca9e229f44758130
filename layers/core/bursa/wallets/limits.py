"""How much is withdrawn in a time, counted so that no two requests pass where one fits.

Counted are a user's withdrawals of a month by day, in the reference currency, against what the
user's level allows; and all withdrawals of an asset by a chain in an hour, against what the hot
wallet may lose in one. Each count is one row with an entry for each withdrawal, written on
condition of its version: an amount is in it once, whoever repeats it, and is taken out once.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final, NamedTuple, Protocol

from bursa.compliance.levels import Levels, Operation, Usage, require_allowed
from bursa.kernel.calendar_time import day_at, month_at
from bursa.kernel.errors import Conflict, Refused, TooManyRequests, Unavailable
from bursa.kernel.identifiers import AccountId, TenantId
from bursa.wallets.networks import Network

HOUR_MS: Final = 3_600_000
# It bounds the row, which is written whole with each.
ENTRIES_MAX: Final = 2_000
_ATTEMPTS: Final = 8


class Entry(NamedTuple):
    """What one withdrawal counts, and on which day."""

    day: int
    amount: int


class CountKey(NamedTuple):
    """Which count: of whom or what, and of which month or hour."""

    tenant: TenantId
    subject: str
    period: int


@dataclass(frozen=True, slots=True)
class Count:
    """The entries of a count, by withdrawal."""

    key: CountKey
    entries: Mapping[str, Entry]
    version: int = 0

    @property
    def total(self) -> int:
        """All of it."""
        return sum(one.amount for one in self.entries.values())

    def of_day(self, day: int) -> int:
        """Return what counts of a day."""
        return sum(one.amount for one in self.entries.values() if one.day == day)


class Counts(Protocol):
    """The counts; each method raises `Unavailable` ``wallets_unavailable``."""

    def read(self, key: CountKey) -> Count:
        """Return a count as it is now, an empty one where there is none."""

    def save(self, count: Count) -> None:
        """Keep a count on condition of its version; raises `Conflict` ``record_changed``."""


class Reservation(NamedTuple):
    """A withdrawal as it is counted.

    Attributes
    ----------
    name, account
        Its id, and whose it is.
    value, units
        In the reference currency, and in ledger units of its asset.
    at_ms
        When it was requested: it counts in that month and hour.

    """

    name: str
    account: AccountId
    value: int
    units: int
    at_ms: int

    @property
    def user_key(self) -> CountKey:
        """The user's count."""
        owner = self.account.owner
        return CountKey(owner.tenant, f"user/{owner}", month_at(self.at_ms))

    def hot_key(self, network: Network) -> CountKey:
        """Return the key of the count of what leaves the hot wallet."""
        subject = f"hot/{network.chain}/{network.asset}"
        return CountKey(self.account.tenant, subject, self.at_ms // HOUR_MS)


class WithdrawalLimits:
    """Counts withdrawals, and refuses what is too much.

    Parameters
    ----------
    levels_of
        Returns a tenant's levels.

    """

    def __init__(self, counts: Counts, levels_of: Callable[[TenantId], Levels]) -> None:
        self._counts = counts
        self._levels_of = levels_of

    def reserve(self, reservation: Reservation, level: int, network: Network) -> None:
        """Count a withdrawal, unless it is counted.

        Raises
        ------
        Refused
            ``level_too_low``, ``level_limit_reached``: the user's level allows no more.
        TooManyRequests
            ``withdrawals_busy``: in this hour no more of the asset may leave.
        Unavailable
            Too many write at once, or the rows can't be read. It may be counted; repeat it.

        """
        self._reserve_users(reservation, level)
        try:
            self._reserve_hot(reservation, network)
        except TooManyRequests:
            self._take_out(reservation.user_key, reservation.name)
            raise

    def give_back(self, reservation: Reservation, network: Network) -> None:
        """Count a withdrawal no more, because it did not take place; once is enough."""
        self._take_out(reservation.user_key, reservation.name)
        self._take_out(reservation.hot_key(network), reservation.name)

    def require_reserved(self, reservation: Reservation, network: Network) -> None:
        """Return when a withdrawal is counted with its amount; raises `Refused` ``not_counted``."""
        users = self._counts.read(reservation.user_key).entries.get(reservation.name)
        hot = self._counts.read(reservation.hot_key(network)).entries.get(reservation.name)
        if (
            users is None
            or users.amount != reservation.value
            or (hot is None or hot.amount != reservation.units)
        ):
            raise Refused("not_counted", "The withdrawal is not counted against its limits.")

    def commit(self, reservation: Reservation, network: Network, hot_units: int) -> bool:
        """Count an amount as about to leave the hot wallet; return whether it has enough.

        Parameters
        ----------
        hot_units
            What the hot wallet has on the chain. What is about to leave is still in it.

        """

        def check(count: Count) -> None:
            if count.total + reservation.units > hot_units:
                raise Refused("hot_wallet_short", "The hot wallet has too little.")

        entry = Entry(day_at(reservation.at_ms), reservation.units)
        try:
            self._add(_outgoing(reservation, network), reservation.name, entry, check)
        except (Refused, TooManyRequests):
            return False
        return True

    def uncommit(self, reservation: Reservation, network: Network) -> None:
        """Count an amount as leaving no more: it has left, or will not."""
        self._take_out(_outgoing(reservation, network), reservation.name)

    def used(self, account: AccountId, now_ms: int) -> Usage:
        """Return what a user has withdrawn, or is about to, in this day and month."""
        reservation = Reservation("", account, 0, 0, now_ms)
        return _usage(self._counts.read(reservation.user_key), now_ms)

    def _reserve_users(self, reservation: Reservation, level: int) -> None:
        levels = self._levels_of(reservation.account.tenant)

        def check(count: Count) -> None:
            require_allowed(
                levels,
                level,
                Operation.WITHDRAW,
                reservation.value,
                usage=_usage(count, reservation.at_ms),
                now_ms=reservation.at_ms,
            )

        entry = Entry(day_at(reservation.at_ms), reservation.value)
        self._add(reservation.user_key, reservation.name, entry, check)

    def _reserve_hot(self, reservation: Reservation, network: Network) -> None:
        def check(count: Count) -> None:
            most = network.hourly_units
            if most and count.total + reservation.units > most:
                raise _busy()

        entry = Entry(day_at(reservation.at_ms), reservation.units)
        self._add(reservation.hot_key(network), reservation.name, entry, check)

    def _add(self, key: CountKey, name: str, entry: Entry, check: Callable[[Count], None]) -> None:
        def add(count: Count) -> Count | None:
            if name in count.entries:
                return None
            check(count)
            if len(count.entries) >= ENTRIES_MAX:
                raise _busy()
            return replace(count, entries={**count.entries, name: entry})

        self._change(key, add)

    def _take_out(self, key: CountKey, name: str) -> None:
        def take_out(count: Count) -> Count | None:
            if name not in count.entries:
                return None
            left = {one: entry for one, entry in count.entries.items() if one != name}
            return replace(count, entries=left)

        self._change(key, take_out)

    def _change(self, key: CountKey, change: Callable[[Count], Count | None]) -> None:
        for _ in range(_ATTEMPTS):
            changed = change(self._counts.read(key))
            if changed is None:
                return
            try:
                self._counts.save(changed)
            except Conflict:
                continue
            return
        raise Unavailable("wallets_unavailable", "Send the same request again in a moment.")


def _outgoing(reservation: Reservation, network: Network) -> CountKey:
    return CountKey(reservation.account.tenant, f"outgoing/{network.chain}/{network.asset}", 0)


def _usage(count: Count, now_ms: int) -> Usage:
    day = day_at(now_ms)
    return Usage(day, count.of_day(day), month_at(now_ms), count.total)


def _busy() -> TooManyRequests:
    return TooManyRequests(
        "withdrawals_busy",
        "So much of this asset was withdrawn in this hour that no more may leave: try again in "
        "the next, or a smaller amount.",
        retry_after_s=600,
    )
