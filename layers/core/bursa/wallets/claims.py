"""What transactions use up, given to one withdrawal each: nonces of a sender, outputs of a wallet.

Both books are one row, written on condition of its version, so two signers never give the same
nonce or output to two withdrawals, and one that asks again is given what it has. A nonce that was
given and will not be used is a gap, which holds up all that come after it until it is filled.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Protocol

from bursa.kernel.errors import Conflict, Unavailable
from bursa.kernel.identifiers import TenantId
from bursa.wallets.chains.ports import Nonces, Outpoint

_ATTEMPTS: Final = 8


@dataclass(frozen=True, slots=True)
class NonceBook:
    """The nonces of one sender.

    Attributes
    ----------
    next
        What is given next.
    given
        Which name has which.

    """

    tenant: TenantId
    chain: str
    sender: str
    next: int = 0
    given: Mapping[str, int] = field(default_factory=dict)
    version: int = 0

    def gaps(self, mined: int) -> Sequence[int]:
        """Return the nonces that nobody has and the chain waits for, the lowest first."""
        taken = set(self.given.values())
        return [one for one in range(mined, self.next) if one not in taken]


@dataclass(frozen=True, slots=True)
class OutputBook:
    """Which name has locked which outputs of a tenant's wallet on a chain."""

    tenant: TenantId
    chain: str
    locked: Mapping[Outpoint, str] = field(default_factory=dict)
    version: int = 0

    def is_free(self, outpoint: Outpoint, name: str) -> bool:
        """Return whether a name may use an output: nobody has it, or it has it itself."""
        return self.locked.get(outpoint, name) == name


class ClaimBooks(Protocol):
    """The books; reading raises `Unavailable`, writing also `Conflict` ``record_changed``."""

    def nonces(self, tenant: TenantId, chain: str, sender: str) -> NonceBook:
        """Return a sender's nonces, an empty book where there is none."""

    def save_nonces(self, book: NonceBook) -> None:
        """Keep them on condition of the version."""

    def outputs(self, tenant: TenantId, chain: str) -> OutputBook:
        """Return what is locked, an empty book where there is none."""

    def save_outputs(self, book: OutputBook) -> None:
        """Keep it on condition of the version."""


class Claims:
    """Hands out nonces and outputs, each to one name."""

    def __init__(self, books: ClaimBooks) -> None:
        self._books = books

    def begin(self, tenant: TenantId, chain: str, sender: str, nonces: Nonces) -> None:
        """Begin a sender's book where the chain is; a book that is further is left as it is."""

        def change(book: NonceBook) -> NonceBook | None:
            least = nonces.mined if book.version else nonces.pending
            return None if book.next >= least and book.version else replace(book, next=least)

        self._change_nonces(tenant, chain, sender, change)

    def nonce(self, tenant: TenantId, chain: str, sender: str, name: str) -> int:
        """Return the nonce of a name: its own, or the next one, which is its own from now on.

        Raises `Unavailable` ``wallets_unavailable``: the book was not begun, or too many write.
        """

        def change(book: NonceBook) -> NonceBook | None:
            if not book.version:
                raise Unavailable("wallets_unavailable", "The sender's nonces are not known yet.")
            if name in book.given:
                return None
            return replace(book, next=book.next + 1, given={**book.given, name: book.next})

        return self._change_nonces(tenant, chain, sender, change).given[name]

    def take_gap(  # noqa: PLR0917 - the fact has as many parts
        self, tenant: TenantId, chain: str, sender: str, name: str, gap: int, mined: int
    ) -> None:
        """Hand the nonce of a gap to a name, which fills it; raises `Conflict` ``no_gap``."""

        def change(book: NonceBook) -> NonceBook | None:
            if book.given.get(name) == gap:
                return None
            if gap not in book.gaps(mined):
                raise Conflict("no_gap", f"Nonce {gap} of {sender} is used, or was never given.")
            return replace(book, given={**book.given, name: gap})

        self._change_nonces(tenant, chain, sender, change)

    def forget_nonce(self, tenant: TenantId, chain: str, sender: str, name: str) -> None:
        """Take a name out of a book: its nonce is mined, or else it is a gap from now on."""

        def change(book: NonceBook) -> NonceBook | None:
            if name not in book.given:
                return None
            return replace(book, given={one: n for one, n in book.given.items() if one != name})

        self._change_nonces(tenant, chain, sender, change)

    def free_outputs(self, tenant: TenantId, chain: str, name: str) -> Callable[[Outpoint], bool]:
        """Return what says of an output whether a name may use it."""
        book = self._books.outputs(tenant, chain)
        return lambda outpoint: book.is_free(outpoint, name)

    def lock(self, tenant: TenantId, chain: str, name: str, outpoints: Sequence[Outpoint]) -> None:
        """Lock outputs for a name, beside those that it has.

        Raises `Conflict` ``outputs_locked``: another name has one of them.
        """

        def change(book: OutputBook) -> OutputBook | None:
            if not all(book.is_free(one, name) for one in outpoints):
                raise Conflict("outputs_locked", "Another withdrawal uses these outputs.")
            if all(one in book.locked for one in outpoints):
                return None
            return replace(book, locked={**book.locked, **dict.fromkeys(outpoints, name)})

        self._change_outputs(tenant, chain, change)

    def unlock(
        self, tenant: TenantId, chain: str, name: str, kept: Sequence[Outpoint] = ()
    ) -> None:
        """Free all outputs of a name but those that it keeps."""

        def change(book: OutputBook) -> OutputBook | None:
            left = {
                one: owner for one, owner in book.locked.items() if owner != name or one in kept
            }
            return None if left == book.locked else replace(book, locked=left)

        self._change_outputs(tenant, chain, change)

    def _change_nonces(
        self,
        tenant: TenantId,
        chain: str,
        sender: str,
        change: Callable[[NonceBook], NonceBook | None],
    ) -> NonceBook:
        for _ in range(_ATTEMPTS):
            book = self._books.nonces(tenant, chain, sender)
            changed = change(book)
            if changed is None:
                return book
            try:
                self._books.save_nonces(changed)
            except Conflict:
                continue
            return changed
        raise _busy()

    def _change_outputs(
        self, tenant: TenantId, chain: str, change: Callable[[OutputBook], OutputBook | None]
    ) -> None:
        for _ in range(_ATTEMPTS):
            changed = change(self._books.outputs(tenant, chain))
            if changed is None:
                return
            try:
                self._books.save_outputs(changed)
            except Conflict:
                continue
            return
        raise _busy()


def _busy() -> Unavailable:
    return Unavailable("wallets_unavailable", "Too many write at once; try again in a moment.")
