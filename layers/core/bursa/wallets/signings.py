"""What the signer has decided to sign, kept before it signs and before anything is sent.

One row a withdrawal, written twice and never changed after: first the plan with its digests, then
the raw bytes. Who comes second finds the first one's and uses it, so there is one digest and one
transaction, whatever is lost or repeated. A row that is void says that there will be none.
"""

from dataclasses import dataclass
from typing import Protocol

from bursa.kernel.identifiers import AccountId
from bursa.wallets.chains.ports import Plan


@dataclass(frozen=True, slots=True)
class Signing:
    """What is signed for a withdrawal.

    Attributes
    ----------
    name, account
        The withdrawal's id, and whose it is; for a gap that is filled, its name and the tenant's
        fee account.
    intent
        The digest of the intent that it pays.
    plan, digests
        What the transaction says, and what is signed for it, in hexadecimal digits. None: void.
    epoch
        Of whoever asked first.
    transaction, raw
        Its id and bytes; empty until it is signed.
    version
        Of its row: 0 none yet, 1 planned or void, 2 signed.

    """

    name: str
    account: AccountId
    intent: str
    plan: Plan | None
    digests: tuple[str, ...]
    epoch: int
    transaction: str = ""
    raw: bytes = b""
    version: int = 0


class Signings(Protocol):
    """What was signed; only the signer writes. Each method raises `Unavailable`."""

    def find(self, account: AccountId, name: str) -> Signing | None:
        """Return what was decided for a withdrawal; None for nothing yet."""

    def save(self, signing: Signing) -> Signing:
        """Keep it on condition of its version; raises `Conflict` ``record_changed``."""


class Epochs(Protocol):
    """Which term of whoever asks the signer is the latest, for each chain."""

    def raise_to(self, chain: str, epoch: int) -> int:
        """Keep the higher one of an epoch and what is kept, in one write; return that."""
