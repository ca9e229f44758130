"""A withdrawal: what a user asked for, what was decided of it, and where it is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from json import dumps
from typing import Any, NamedTuple, Protocol

from bursa.kernel.errors import NotFound
from bursa.kernel.identifiers import AccountId, CommandId, TenantId
from bursa.wallets.deposits import BlockPlace
from bursa.wallets.ledger import Asked
from bursa.wallets.limits import Reservation
from bursa.wallets.policy import Facts
from bursa.wallets.travel_rule import Beneficiary
from bursa.wallets.withdrawal_states import WITHDRAWAL_TABLE, WithdrawalState, WithdrawalStep


class Approval(NamedTuple):
    """Who has approved what: the digest of the intent, as the approver saw it."""

    person: str
    digest: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class Intent:
    """What is to be paid, and what it may cost: all that people approve and the signer makes.

    Attributes
    ----------
    destination
        The address in the chain's one form.
    units
        What arrives there, in ledger units of the asset.
    fee_cap
        What the network may take at most, in the chain's native units.

    """

    asset: str
    chain: str
    destination: str
    units: int
    fee_cap: int

    @property
    def digest(self) -> str:
        """SHA-256 over all of it."""
        parts = (self.asset, self.chain, self.destination, self.units, self.fee_cap)
        return sha256(dumps(parts, separators=(",", ":")).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """What is known of a withdrawal.

    Attributes
    ----------
    id, account, user
        Which (`withdrawal_id`), of which account, and the person that asked for it.
    intent, request
        What is paid; and a digest of all that was asked, for a repeat under the same key.
    network_fee_units, tenant_fee_units
        What the user pays beside the amount, fixed at the request.
    facts, policy, approvals_needed, needs_review
        What the policy looked at, its number, and what it said.
    receiver
        The account of the tenant that the address belongs to; None for an address elsewhere.
    beneficiary
        Who is paid, where the travel rule asks for it.
    approvals, approvals_end_ms
        Who has approved, and until when that counts; 0 while it was not asked for.
    transaction, block, network_fee_paid
        What pays it, where it is, and what it cost in the chain's native units.
    asked_at_ms
        When it was decided that it is moved or paid.
    reason
        Why it was refused or has failed, or what it waits for: a code.
    version
        Of its row; 0 for none yet.

    """

    id: str
    account: AccountId
    user: str
    intent: Intent
    request: str
    requested_at_ms: int
    network_fee_units: int
    tenant_fee_units: int
    facts: Facts
    policy: int
    approvals_needed: int
    needs_review: bool
    receiver: AccountId | None = None
    beneficiary: Beneficiary | None = None
    state: WithdrawalState = WithdrawalState.REQUESTED
    approvals: tuple[Approval, ...] = ()
    approvals_end_ms: int = 0
    transaction: str = ""
    block: BlockPlace | None = None
    network_fee_paid: int = 0
    asked_at_ms: int = 0
    reason: str = ""
    version: int = 0

    @property
    def held_units(self) -> int:
        """What the engine holds for it: the amount and both fees."""
        return self.intent.units + self.network_fee_units + self.tenant_fee_units

    @property
    def hold(self) -> Asked:
        """Its hold, as the ledger knows it."""
        return Asked(f"withdrawal/{self.id}", self.requested_at_ms)

    @property
    def decided_hold(self) -> Asked:
        """Its hold, and when it was decided where it goes: what was held days ago still ends so."""
        return Asked(self.hold.name, self.asked_at_ms or self.requested_at_ms)

    @property
    def fee(self) -> Asked:
        """What credits the tenant's fee."""
        return Asked(f"withdrawal/{self.id}/fee", self.asked_at_ms)

    @property
    def reservation(self) -> Reservation:
        """How it is counted against limits."""
        return Reservation(
            self.id, self.account, self.facts.value, self.intent.units, self.requested_at_ms
        )

    @property
    def claim_name(self) -> str:
        """Under which name it claims nonces and outputs: whose it is, and which."""
        return f"{self.account}:{self.id}"

    @property
    def approvers(self) -> frozenset[str]:
        """Who has approved this very intent, the person that asked for it aside."""
        return frozenset(
            one.person
            for one in self.approvals
            if one.digest == self.intent.digest and one.person != self.user
        )

    def after(
        self,
        step: WithdrawalStep,
        **changes: Any,  # noqa: ANN401 - its fields
    ) -> "Withdrawal":
        """Return the withdrawal after a step; raises `Conflict` ``wrong_state``."""
        return replace(self, state=WITHDRAWAL_TABLE.after(self.state, step), **changes)


def withdrawal_id(account: AccountId, key: str) -> str:
    """Return the id of a withdrawal: it follows from the account and the idempotency key."""
    return CommandId.from_parts(account, "withdrawal", key).hex()


class Withdrawals(Protocol):
    """The withdrawals of all tenants; each method raises `Unavailable` ``wallets_unavailable``."""

    def find(self, account: AccountId, withdrawal: str) -> Withdrawal | None:
        """Return a withdrawal as it is now; None for none."""

    def save(self, withdrawal: Withdrawal) -> Withdrawal:
        """Keep a withdrawal on condition of its version; return it with the new one.

        Raises `Conflict` ``record_changed``: somebody else was first.
        """

    def open(self, tenant: TenantId, chain: str) -> Sequence[Withdrawal]:
        """Return those of a tenant and a chain that have not come to an end."""


def found_withdrawal(withdrawals: Withdrawals, account: AccountId, withdrawal: str) -> Withdrawal:
    """Return a withdrawal of an account; raises `NotFound` ``unknown_withdrawal``."""
    found = withdrawals.find(account, withdrawal)
    if found is None:
        raise NotFound("unknown_withdrawal", "Choose one of GET /v1/withdrawals.")
    return found


# Returns a value in the tenant's reference currency; None where the asset has no price.
Valuation = Callable[[TenantId, str, int], int | None]
