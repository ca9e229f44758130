"""People of a tenant compared again, when a list has changed.

Only hits that a case does not know, and that nobody has cleared, open it again: the level is
withheld until a person decides (`bursa.compliance.steps.ListChanged`). Doing it twice, or once more
after an interruption, changes nothing more. Who can't be compared is named, never passed over.
"""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple, Protocol

from bursa.compliance.cases import Case
from bursa.compliance.screening import Person, Screening, ScreeningHit
from bursa.compliance.steps import ListChanged, Rules, advance
from bursa.kernel.errors import Conflict, InvalidInput
from bursa.kernel.identifiers import TenantId

_ATTEMPTS: Final = 3


class Cases(Protocol):
    """The cases of a tenant; see `bursa.compliance.cases_dynamodb.CasesTable`."""

    def find(self, tenant: TenantId, user: str) -> Case | None:
        """Return a user's case."""

    def save(self, case: Case) -> Case:
        """Write a changed case; raises `Conflict` ``case_changed``."""

    def rules(self, tenant: TenantId) -> Rules:
        """Return the tenant's rules."""


class Rescreened(NamedTuple):
    """What came of it.

    Attributes
    ----------
    compared
        How many people were compared.
    opened
        Whose cases have hits that were not known before.
    not_compared
        Who has given no personal data, or no name that can be compared, or whose case kept
        changing. A person must look.

    """

    compared: int
    opened: tuple[str, ...]
    not_compared: tuple[str, ...]


class Rescreening:
    """Compares users with one list and opens the cases of those with new hits."""

    def __init__(self, screening: Screening, cases: Cases) -> None:
        self._screening = screening
        self._cases = cases

    def __call__(
        self, tenant: TenantId, people: Iterable[tuple[str, Person | None]], now_ms: int
    ) -> Rescreened:
        """Compare users of a tenant, each with who they are; raises `Unavailable`."""
        rules = self._cases.rules(tenant)
        compared, opened, not_compared = 0, [], []
        for user, person in people:
            if person is None:
                not_compared.append(user)
                continue
            try:
                hits = self._screening(person)
                if hits and self._take(tenant, user, hits, rules, now_ms):
                    opened.append(user)
            except (InvalidInput, Conflict):
                not_compared.append(user)
            else:
                compared += 1
        return Rescreened(compared, tuple(opened), tuple(not_compared))

    def _take(
        self,
        tenant: TenantId,
        user: str,
        hits: Sequence[ScreeningHit],
        rules: Rules,
        now_ms: int,
    ) -> bool:
        """Return whether a case has changed by new hits; `Conflict` if it keeps changing."""
        step = ListChanged(f"list {self._screening.digest}", tuple(hit.for_case() for hit in hits))
        for attempt in range(1, _ATTEMPTS + 1):
            case = self._cases.find(tenant, user)
            if case is None or not _has_new(case, step):
                return False
            after = advance(case, step, rules, now_ms)
            if after is case:
                return False
            try:
                self._cases.save(after)
            except Conflict:
                if attempt == _ATTEMPTS:
                    raise
            else:
                return True
        return False


def _has_new(case: Case, step: ListChanged) -> bool:
    known = {(hit.entry, hit.digest) for hit in case.hits}
    return any((hit.entry, hit.digest) not in known for hit in case.uncleared(step.hits))
