"""A deposit: one output or one event of a transaction, which pays an address of an account."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple, Protocol

from bursa.kernel.errors import Refused
from bursa.kernel.identifiers import AccountId, TenantId
from bursa.wallets.chains.amounts import ChainUnits
from bursa.wallets.chains.ports import Claim, Transfer, TransferId
from bursa.wallets.deposit_states import DEPOSIT_CREDITED, DEPOSIT_TABLE, DepositState, DepositStep
from bursa.wallets.ledger import Asked
from bursa.wallets.networks import Network

_S, _T = DepositState, DepositStep
_NOT_CREDITED: Final = frozenset({_S.SEEN, _S.PENDING, _S.CONFIRMED, _S.HELD, _S.UNPENDED})


class BlockPlace(NamedTuple):
    """A block by its height and hash."""

    height: int
    hash: str


@dataclass(frozen=True, slots=True)
class Deposit:
    """What is known of a deposit.

    Attributes
    ----------
    id, account, asset, destination
        Which, whose, of which asset (its symbol), and the address that was paid.
    amount, units
        What arrived, in chain units and in the ledger's, dust left out.
    block
        Where it was found last; None while no block has it.
    sources
        Who paid, as far as the chain says so.
    claim
        What its transaction uses up; None where that is not known.
    is_coinbase
        Whether it is a miner's reward, which has to wait longer.
    round
        How often a credit was decided. Each has a name of its own in the ledger: the one before
        was refused or taken back.
    asked_at_ms
        When the credit or the reversal in progress was decided.
    reason, accepted_by
        Why it is held or rejected, a code; and the person who has accepted it all the same.
    version
        Of its row; 0 for none yet.

    """

    id: TransferId
    account: AccountId
    asset: str
    destination: str
    amount: ChainUnits
    units: int
    first_seen_ms: int
    block: BlockPlace | None = None
    sources: tuple[str, ...] = ()
    claim: Claim | None = None
    is_coinbase: bool = False
    state: DepositState = DepositState.SEEN
    round: int = 0
    asked_at_ms: int = 0
    reason: str = ""
    accepted_by: str = ""
    version: int = 0

    @property
    def credit(self) -> Asked:
        """The credit of this round, as the ledger is asked for it."""
        return Asked(f"deposit/{self.id.text}/{self.round}/credit", self.asked_at_ms)

    @property
    def reversal(self) -> Asked:
        """What takes the credit of this round back."""
        return Asked(f"deposit/{self.id.text}/{self.round}/reversal", self.asked_at_ms)

    def freeze(self, now_ms: int) -> Asked:
        """Return what freezes the account when nothing is left to take back; twice is no harm."""
        return Asked(f"deposit/{self.id.text}/{self.round}/freeze/{now_ms}", now_ms)

    def after(self, step: DepositStep, **changes: Any) -> "Deposit":  # noqa: ANN401 - its fields
        """Return the deposit after a step; raises `Conflict` ``wrong_state``."""
        return replace(self, state=DEPOSIT_TABLE.after(self.state, step), **changes)


def counted(network: Network, amount: ChainUnits) -> tuple[int, str]:
    """Return an amount in ledger units and no code; or 0 and why the ledger can't count it."""
    try:
        return network.units_of(amount), ""
    except Refused as error:
        return 0, error.code


def found_in(  # noqa: PLR0911 - a state in each
    deposit: Deposit, transfer: Transfer, network: Network
) -> Deposit:
    """Return a deposit as it is after its transfer was seen, perhaps in another block.

    What was credited stays so in another block only if its amount is the same.
    """
    if transfer.block is None:
        return deposit
    block = BlockPlace(transfer.block.height, transfer.block.hash)
    is_same = transfer.amount == deposit.amount
    if block == deposit.block or (deposit.state in DEPOSIT_CREDITED and not is_same):
        return deposit
    if deposit.state is _S.CREDITED:
        return replace(deposit, block=block)
    if deposit.state is _S.ACCOUNT_HELD:
        return deposit.after(_T.RETURN, block=block)
    units, reason = counted(network, transfer.amount)
    amounts = {"amount": transfer.amount, "units": units, "reason": reason}
    if deposit.state is _S.REVERSED:
        return deposit.after(_T.RETURN, block=block, **amounts)
    if deposit.state not in _NOT_CREDITED:
        return deposit
    if deposit.state in {_S.CONFIRMED, _S.HELD}:
        deposit = deposit.after(_T.DROP)
    return deposit.after(_T.INCLUDE, block=block, **amounts)


class Deposits(Protocol):
    """The deposits of all tenants; each method raises `Unavailable` ``wallets_unavailable``."""

    def find(self, account: AccountId, deposit: TransferId) -> Deposit | None:
        """Return a deposit as it is now; None for none."""

    def save(self, deposit: Deposit) -> Deposit:
        """Keep a deposit on condition of its version; return it with the new one.

        Raises `Conflict` ``record_changed``: somebody else was first.
        """

    def open(self, tenant: TenantId, chain: str) -> Sequence[Deposit]:
        """Return those of a tenant and a chain that have not come to an end."""


class DepositDecisions:
    """What people of compliance decide of deposits that are held."""

    def __init__(self, deposits: Deposits) -> None:
        self._deposits = deposits

    def accept(self, deposit: Deposit, person: str) -> Deposit:
        """Have a held deposit credited, if the chain still has it.

        Raises `Conflict` ``wrong_state``, ``record_changed``.
        """
        return self._deposits.save(deposit.after(DepositStep.ACCEPT, accepted_by=person, reason=""))

    def reject(self, deposit: Deposit, reason: str) -> Deposit:
        """Have a held deposit neither credited nor swept; raises as `accept` does."""
        return self._deposits.save(deposit.after(DepositStep.REJECT, reason=reason))
