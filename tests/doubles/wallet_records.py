"""The wallets' records in memory, each change on condition of the version that it was made from."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar

from bursa.identity.security_events import WithdrawalPause
from bursa.kernel.errors import Conflict
from bursa.kernel.identifiers import AccountId, TenantId
from bursa.wallets.address_book import AddressBook
from bursa.wallets.chains.ports import TransferId
from bursa.wallets.claims import NonceBook, OutputBook
from bursa.wallets.deposit_states import DEPOSIT_ENDS
from bursa.wallets.deposit_watch import WatchCheckpoint
from bursa.wallets.deposits import Deposit
from bursa.wallets.limits import Count, CountKey
from bursa.wallets.networks import Network
from bursa.wallets.signings import Signing
from bursa.wallets.stops import Stop
from bursa.wallets.withdrawal_requests import TenantPolicy
from bursa.wallets.withdrawal_states import WITHDRAWAL_ENDS
from bursa.wallets.withdrawals import Withdrawal

Row = TypeVar("Row", bound=Any)


@dataclass
class Rows(Generic[Row]):
    """Rows of one kind by key."""

    rows: dict[Any, Row] = field(default_factory=dict)

    def get(self, key: Any) -> Row | None:
        return self.rows.get(key)

    def put(self, key: Any, row: Row) -> Row:
        there = self.rows.get(key)
        if row.version != (0 if there is None else there.version):
            raise Conflict("record_changed", "Somebody else was first.")
        kept: Row = replace(row, version=row.version + 1)
        self.rows[key] = kept
        return kept


class MemoryDeposits(Rows[Deposit]):
    def find(self, account: AccountId, deposit: TransferId) -> Deposit | None:
        return self.get((account, deposit))

    def save(self, deposit: Deposit) -> Deposit:
        return self.put((deposit.account, deposit.id), deposit)

    def open(self, tenant: TenantId, chain: str) -> Sequence[Deposit]:
        return [
            one
            for one in self.rows.values()
            if one.account.tenant == tenant
            and one.id.network == chain
            and one.state not in DEPOSIT_ENDS
        ]


class MemoryWithdrawals(Rows[Withdrawal]):
    def find(self, account: AccountId, withdrawal: str) -> Withdrawal | None:
        return self.get((account, withdrawal))

    def save(self, withdrawal: Withdrawal) -> Withdrawal:
        return self.put((withdrawal.account, withdrawal.id), withdrawal)

    def open(self, tenant: TenantId, chain: str) -> Sequence[Withdrawal]:
        return [
            one
            for one in self.rows.values()
            if one.account.tenant == tenant
            and one.intent.chain == chain
            and one.state not in WITHDRAWAL_ENDS
        ]


class MemorySignings(Rows[Signing]):
    def find(self, account: AccountId, name: str) -> Signing | None:
        return self.get((account, name))

    def save(self, signing: Signing) -> Signing:
        return self.put((signing.account, signing.name), signing)


class MemoryCounts(Rows[Count]):
    def read(self, key: CountKey) -> Count:
        return self.get(key) or Count(key, {})

    def save(self, count: Count) -> None:
        self.put(count.key, count)


class MemoryBooks(Rows[AddressBook]):
    def of(self, owner: AccountId) -> AddressBook:
        return self.get(owner) or AddressBook(owner)

    def save(self, book: AddressBook) -> AddressBook:
        return self.put(book.owner, book)


class MemoryClaimBooks(Rows[Any]):
    def nonces(self, tenant: TenantId, chain: str, sender: str) -> NonceBook:
        return self.get((tenant, chain, sender)) or NonceBook(tenant, chain, sender)

    def save_nonces(self, book: NonceBook) -> None:
        self.put((book.tenant, book.chain, book.sender), book)

    def outputs(self, tenant: TenantId, chain: str) -> OutputBook:
        return self.get((tenant, chain)) or OutputBook(tenant, chain)

    def save_outputs(self, book: OutputBook) -> None:
        self.put((book.tenant, book.chain), book)


class MemoryCheckpoints(Rows[WatchCheckpoint]):
    def find(self, chain: str) -> WatchCheckpoint | None:
        return self.get(chain)

    def save(self, checkpoint: WatchCheckpoint) -> WatchCheckpoint:
        return self.put(checkpoint.chain, checkpoint)


@dataclass
class MemoryEpochs:
    epochs: dict[str, int] = field(default_factory=dict)

    def raise_to(self, chain: str, epoch: int) -> int:
        self.epochs[chain] = max(epoch, self.epochs.get(chain, 0))
        return self.epochs[chain]


@dataclass
class MemoryStops:
    stops: dict[tuple[str, ...], Stop] = field(default_factory=dict)

    def on(self, tenant: TenantId) -> Sequence[Stop]:
        return [one for one in self.stops.values() if one.tenant in {"", str(tenant)}]

    def set(self, stop: Stop) -> None:
        self.stops.setdefault(stop[:4], stop)

    def clear(self, stop: Stop) -> None:
        self.stops.pop(stop[:4], None)


@dataclass
class MemoryNetworks:
    networks: list[Network]

    def find(self, _tenant: TenantId, asset: str, chain: str) -> Network | None:
        found = (one for one in self.networks if (one.asset, one.chain) == (asset, chain))
        return next(found, None)

    def of_token(self, _tenant: TenantId, chain: str, token: str) -> Network | None:
        found = (one for one in self.networks if (one.token, one.chain) == (token, chain))
        return next(found, None)


@dataclass
class MemoryAddresses:
    owners: dict[tuple[str, str], AccountId]

    def watched(self, chain: str, addresses: frozenset[str]) -> frozenset[str]:
        return frozenset(one for one in addresses if (chain, one) in self.owners)

    def owner(self, chain: str, address: str) -> AccountId | None:
        return self.owners.get((chain, address))


@dataclass
class MemoryPolicies:
    policies: dict[int, TenantPolicy]

    def in_force(self, _tenant: TenantId) -> TenantPolicy:
        return self.policies[max(self.policies)]

    def numbered(self, _tenant: TenantId, number: int) -> TenantPolicy | None:
        return self.policies.get(number)


@dataclass
class MemoryPauses:
    pauses: dict[AccountId, WithdrawalPause] = field(default_factory=dict)

    def pause(self, account: AccountId) -> WithdrawalPause | None:
        return self.pauses.get(account.owner)
