"""The cases of a tenant by what they wait for, a page at a time."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from bursa.compliance.cases import Case, CaseState
from bursa.kernel.identifiers import TenantId


class CasePlace(NamedTuple):
    """Where a case is among those of a state: when it was changed last, and whose it is."""

    changed_at_ms: int
    user: str


class CaseQueue(Protocol):
    """The cases; see `bursa.compliance.cases_dynamodb.CasesTable`. Raises `Unavailable`."""

    def find(self, tenant: TenantId, user: str) -> Case | None:
        """Return a user's case."""

    def page(
        self,
        tenant: TenantId,
        state: CaseState,
        limit: int,
        after: CasePlace | None = None,
        since_ms: int = 0,
    ) -> tuple[Sequence[CasePlace], CasePlace | None]:
        """Return where so many cases of a state are, the oldest first, and where to go on.

        Those that changed before a time are left out. The last place is None at the end.
        """
