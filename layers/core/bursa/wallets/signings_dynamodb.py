"""What was signed, who may ask, and which nonces and outputs are whose, in the signer's table.

It is a table of its own, so that the signer's role alone may write it.
"""

from dataclasses import dataclass, replace

from bursa.kernel import wallet_keys as keys
from bursa.kernel.errors import Conflict, Unavailable
from bursa.kernel.identifiers import AccountId, TenantId
from bursa.wallets.claims import NonceBook, OutputBook
from bursa.wallets.rows_dynamodb import Place, Records, Row
from bursa.wallets.signings import Signing


class SigningsTable:
    """See `bursa.wallets.signings.Signings`."""

    def __init__(self, model: type[Row]) -> None:
        self._records = Records(model, Signing)

    def find(self, account: AccountId, name: str) -> Signing | None:
        """Return what was decided for a withdrawal; None for nothing yet."""
        return self._records.find(Place(keys.signings(account), name))

    def save(self, signing: Signing) -> Signing:
        """Keep it on condition of its version."""
        return self._records.save(Place(keys.signings(signing.account), signing.name), signing)


@dataclass(frozen=True, slots=True)
class _Epoch:
    epoch: int = 0
    version: int = 0


class EpochsTable:
    """See `bursa.wallets.signings.Epochs`."""

    _ATTEMPTS = 5

    def __init__(self, model: type[Row]) -> None:
        self._records = Records(model, _Epoch)

    def raise_to(self, chain: str, epoch: int) -> int:
        """Keep the higher one of an epoch and what is kept, and return that."""
        place = Place(keys.chain(chain), keys.SIGNER_EPOCH)
        for _ in range(self._ATTEMPTS):
            kept = self._records.find(place) or _Epoch()
            if kept.epoch >= epoch:
                return kept.epoch
            try:
                self._records.save(place, replace(kept, epoch=epoch))
            except Conflict:
                continue
            return epoch
        raise Unavailable("wallets_unavailable", "Too many write at once; ask again.")


class ClaimBooksTable:
    """See `bursa.wallets.claims.ClaimBooks`."""

    def __init__(self, model: type[Row]) -> None:
        self._nonces = Records(model, NonceBook)
        self._outputs = Records(model, OutputBook)

    def nonces(self, tenant: TenantId, chain: str, sender: str) -> NonceBook:
        """Return a sender's nonces, an empty book where there is none."""
        place = Place(keys.claims(tenant, chain), sender)
        return self._nonces.find(place) or NonceBook(tenant, chain, sender)

    def save_nonces(self, book: NonceBook) -> None:
        """Keep them on condition of the version."""
        self._nonces.save(Place(keys.claims(book.tenant, book.chain), book.sender), book)

    def outputs(self, tenant: TenantId, chain: str) -> OutputBook:
        """Return what is locked, an empty book where there is none."""
        place = Place(keys.claims(tenant, chain), keys.LOCKED_OUTPUTS)
        return self._outputs.find(place) or OutputBook(tenant, chain)

    def save_outputs(self, book: OutputBook) -> None:
        """Keep it on condition of the version."""
        self._outputs.save(Place(keys.claims(book.tenant, book.chain), keys.LOCKED_OUTPUTS), book)
