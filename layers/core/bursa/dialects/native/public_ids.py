"""The ids of orders and trades as clients know them: opaque texts of 32 characters.

Inside, an order's id is the sequence of the command that placed it, and a trade's the shard's
count of trades; both grow with every tenant of the shard. A client gets them encrypted under its
tenant's name (docs/adr/0073): they tell nothing but which order it is, and are always the same for
the same order. A number is never accepted for an id: who may try numbers could find out his own.
"""

import re
from typing import Protocol

from bursa.kernel.errors import InvalidInput
from bursa.kernel.identifiers import TenantId

# Of 8 bytes and a code of 16, in base64url.
ID_LENGTH = 32
_FORM = re.compile(rf"[A-Za-z0-9_-]{{{ID_LENGTH}}}", re.ASCII)
_NUMBER_BYTES = 8
# The first command of every shard begins an epoch, so no order has this id. What is looked up
# under it takes as long as another account's order, and finds as little.
NO_ORDER = 1


class Pseudonyms(Protocol):
    """Encrypts what must not be read; see `bursa.tenants.pseudonyms_cryptography`."""

    def of(self, data: bytes, scope: bytes) -> str:
        """Return the pseudonym of some data."""

    def data_of(self, pseudonym: str, scope: bytes) -> bytes | None:
        """Return the data; None for a pseudonym that was not made for this scope."""


class TenantIds:
    """The ids of one tenant."""

    def __init__(self, pseudonyms: Pseudonyms, tenant: TenantId) -> None:
        self._pseudonyms = pseudonyms
        self._orders = f"order of {tenant}".encode()
        self._trades = f"trade of {tenant}".encode()
        self._facts = f"fact of {tenant}".encode()

    def order(self, number: int) -> str:
        """Return an order's id."""
        return self._pseudonyms.of(number.to_bytes(_NUMBER_BYTES, "big"), self._orders)

    def trade(self, number: int) -> str:
        """Return a trade's id."""
        return self._pseudonyms.of(number.to_bytes(_NUMBER_BYTES, "big"), self._trades)

    def fact(self, sequence: int) -> str:
        """Return what stands for a command's sequence in the ids of facts."""
        return self._pseudonyms.of(sequence.to_bytes(_NUMBER_BYTES, "big"), self._facts)

    def read_order(self, text: str) -> int:
        """Return the number of an order's id; `NO_ORDER` for one that is none of this tenant.

        Raises
        ------
        InvalidInput
            ``invalid_order_id``: it has not the form of one.

        """
        if not _FORM.fullmatch(text):
            raise InvalidInput(
                "invalid_order_id", "Send order_id as we gave it: 32 characters.", field="order_id"
            )
        data = self._pseudonyms.data_of(text, self._orders)
        return NO_ORDER if data is None else int.from_bytes(data, "big")


class PublicIds:
    """The ids of all tenants."""

    def __init__(self, pseudonyms: Pseudonyms) -> None:
        self._pseudonyms = pseudonyms
        self._of: dict[TenantId, TenantIds] = {}

    def of(self, tenant: TenantId) -> TenantIds:
        """Return a tenant's."""
        ids = self._of.get(tenant)
        if ids is None:
            ids = self._of[tenant] = TenantIds(self._pseudonyms, tenant)
        return ids
