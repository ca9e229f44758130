"""Deposits, withdrawals and what users and tenants have set, in the wallets table."""

from collections.abc import Sequence
from dataclasses import dataclass

from bursa.kernel import wallet_keys as keys
from bursa.kernel.errors import Conflict
from bursa.kernel.identifiers import AccountId, TenantId
from bursa.kernel.keys import DEPLOYMENT
from bursa.wallets.address_book import AddressBook
from bursa.wallets.chains.ports import TransferId
from bursa.wallets.deposit_states import DEPOSIT_ENDS
from bursa.wallets.deposit_watch import WatchCheckpoint
from bursa.wallets.deposits import Deposit
from bursa.wallets.limits import Count, CountKey
from bursa.wallets.rows_dynamodb import Place, Records, Row
from bursa.wallets.stops import Stop
from bursa.wallets.withdrawal_states import WITHDRAWAL_ENDS
from bursa.wallets.withdrawals import Withdrawal


class DepositsTable:
    """See `bursa.wallets.deposits.Deposits`."""

    def __init__(self, model: type[Row]) -> None:
        self._records = Records(model, Deposit)

    def find(self, account: AccountId, deposit: TransferId) -> Deposit | None:
        """Return a deposit as it is now; None for none."""
        return self._records.find(Place(keys.deposits(account), deposit.text))

    def save(self, deposit: Deposit) -> Deposit:
        """Keep a deposit on condition of its version."""
        is_open = deposit.state not in DEPOSIT_ENDS
        open_key = keys.open_deposits(deposit.account.tenant, deposit.id.network)
        place = Place(keys.deposits(deposit.account), deposit.id.text)
        return self._records.save(place, deposit, open_key * is_open, deposit.first_seen_ms)

    def open(self, tenant: TenantId, chain: str) -> Sequence[Deposit]:
        """Return those of a tenant and a chain that have not come to an end."""
        found = self._records.open(keys.open_deposits(tenant, chain))
        return [one for one in found if one.state not in DEPOSIT_ENDS]


class WithdrawalsTable:
    """See `bursa.wallets.withdrawals.Withdrawals`."""

    def __init__(self, model: type[Row]) -> None:
        self._records = Records(model, Withdrawal)

    def find(self, account: AccountId, withdrawal: str) -> Withdrawal | None:
        """Return a withdrawal as it is now; None for none."""
        return self._records.find(Place(keys.withdrawals(account), withdrawal))

    def save(self, withdrawal: Withdrawal) -> Withdrawal:
        """Keep a withdrawal on condition of its version."""
        is_open = withdrawal.state not in WITHDRAWAL_ENDS
        open_key = keys.open_withdrawals(withdrawal.account.tenant, withdrawal.intent.chain)
        place = Place(keys.withdrawals(withdrawal.account), withdrawal.id)
        at_ms = withdrawal.requested_at_ms
        return self._records.save(place, withdrawal, open_key * is_open, at_ms)

    def open(self, tenant: TenantId, chain: str) -> Sequence[Withdrawal]:
        """Return those of a tenant and a chain that have not come to an end."""
        found = self._records.open(keys.open_withdrawals(tenant, chain))
        return [one for one in found if one.state not in WITHDRAWAL_ENDS]


class CheckpointsTable:
    """See `bursa.wallets.deposit_watch.WatchCheckpoints`."""

    def __init__(self, model: type[Row]) -> None:
        self._records = Records(model, WatchCheckpoint)

    def find(self, chain: str) -> WatchCheckpoint | None:
        """Return how far a chain was read; None when it was not."""
        return self._records.find(Place(keys.chain(chain), keys.WATCHED))

    def save(self, checkpoint: WatchCheckpoint) -> WatchCheckpoint:
        """Keep it on condition of its version."""
        return self._records.save(Place(keys.chain(checkpoint.chain), keys.WATCHED), checkpoint)


class AddressBooksTable:
    """See `bursa.wallets.address_book.AddressBooks`."""

    def __init__(self, model: type[Row]) -> None:
        self._records = Records(model, AddressBook)

    def of(self, owner: AccountId) -> AddressBook:
        """Return a user's book, an empty one where there is none."""
        place = Place(keys.withdrawals(owner.owner), keys.ADDRESS_BOOK)
        return self._records.find(place) or AddressBook(owner.owner)

    def save(self, book: AddressBook) -> AddressBook:
        """Keep a book on condition of its version."""
        return self._records.save(Place(keys.withdrawals(book.owner), keys.ADDRESS_BOOK), book)


class CountsTable:
    """See `bursa.wallets.limits.Counts`."""

    def __init__(self, model: type[Row]) -> None:
        self._records = Records(model, Count)

    def read(self, key: CountKey) -> Count:
        """Return a count as it is now, an empty one where there is none."""
        return self._records.find(_count_place(key)) or Count(key, {})

    def save(self, count: Count) -> None:
        """Keep a count on condition of its version."""
        self._records.save(_count_place(count.key), count)


def _count_place(key: CountKey) -> Place:
    return Place(keys.withdrawn(key.tenant), keys.withdrawn_in(key.subject, key.period))


@dataclass(frozen=True, slots=True)
class _Stops:
    """The switches that are on, of a tenant or of all."""

    stops: tuple[Stop, ...] = ()
    version: int = 0


class StopsTable:
    """See `bursa.wallets.stops.Stops`; the switches of a tenant are one row, those of all another.

    Clearing a switch must never clear one that was set meanwhile, so both are on condition too.
    """

    _ATTEMPTS = 5

    def __init__(self, model: type[Row]) -> None:
        self._records = Records(model, _Stops)

    def on(self, tenant: TenantId) -> Sequence[Stop]:
        """Return the switches that are on for a tenant, those for all tenants included."""
        return [*self._read(str(tenant)).stops, *self._read("").stops]

    def set(self, stop: Stop) -> None:
        """Turn a switch on; one that is on keeps its first reason."""
        self._change(stop, keep=True)

    def clear(self, stop: Stop) -> None:
        """Turn it off."""
        self._change(stop, keep=False)

    def _change(self, stop: Stop, *, keep: bool) -> None:
        for attempt in range(1, self._ATTEMPTS + 1):
            row = self._read(stop.tenant)
            others = tuple(one for one in row.stops if one[:4] != stop[:4])
            is_on = others != row.stops
            if is_on is keep:
                return
            try:
                changed = _Stops((*others, stop) if keep else others, row.version)
                self._records.save(_stops_place(stop.tenant), changed)
            except Conflict:
                if attempt == self._ATTEMPTS:
                    raise
                continue
            return

    def _read(self, tenant: str) -> _Stops:
        return self._records.find(_stops_place(tenant)) or _Stops()


def _stops_place(tenant: str) -> Place:
    return Place(tenant or DEPLOYMENT, keys.WALLET_STOPS)
