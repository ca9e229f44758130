"""Who follows a tenant's markets without signing in: a visitor, known by its network address.

Many people may share an address, and one may have many. It bounds what one machine takes from the
others, and gives no right to anything.
"""

import re
from dataclasses import dataclass
from typing import Self

from bursa.kernel.errors import InvalidInput
from bursa.kernel.identifiers import AccountId, TenantId

DIGEST_DIGITS = 16
_VISITOR = re.compile(r"(t[1-9][0-9]{0,9})@([0-9a-f]{16})", re.ASCII)
_EVERYONE = "0" * DIGEST_DIGITS


@dataclass(frozen=True, slots=True)
class VisitorId:
    """A tenant, and a digest of an address; written ``t7@9f86d081884c7d65``.

    `bursa.market_data.visitors` makes it of an address.
    """

    tenant: TenantId
    digest: str

    def __str__(self) -> str:
        return f"{self.tenant}@{self.digest}"

    @property
    def owner(self) -> Self:
        """Itself: a visitor has no accounts."""
        return self

    @classmethod
    def everyone(cls, tenant: TenantId) -> Self:
        """Return the name under which a tenant's visitors are counted together."""
        return cls(tenant, _EVERYONE)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``t7@9f86d081884c7d65``; raises `InvalidInput` for anything else."""
        match = _VISITOR.fullmatch(text)
        if match is None:
            raise InvalidInput("invalid_visitor", "A visitor looks like t1@9f86d081884c7d65.")
        return cls(TenantId.parse(match[1]), match[2])


# Whose a connection is.
Holder = AccountId | VisitorId


def parse_holder(text: str) -> Holder:
    """Read an account or a visitor; raises `InvalidInput` for anything else."""
    return VisitorId.parse(text) if "@" in text else AccountId.parse(text)
