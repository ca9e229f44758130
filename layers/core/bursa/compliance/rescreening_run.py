"""Everybody compared again with a list that was put in force, page by page, over many calls.

A call goes on where the last one ended, for as long as it is given, and writes down after each page
how far it is. So a call that breaks off, or comes twice, repeats a page at most, and comparing
twice changes nothing (`bursa.compliance.rescreening`). What is compared with the list in force was
put in force before; who asks often enough needs to be told of no change (docs/adr/0071).

Who has a case is found by its state, and cases move. Who has not changed since the run began is
where they were; who has is found in a second round over those that changed since, and in a third
over those of the second, which take minutes. An attempt that begins meanwhile is compared with the
list in force by its own screening.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final, NamedTuple, Protocol

from bursa.compliance.case_queue import CasePlace, CaseQueue
from bursa.compliance.cases import CaseState
from bursa.compliance.list_versions import ListStore, find_in_force
from bursa.compliance.personal_data import PersonalData
from bursa.compliance.personal_records import Reader, Role
from bursa.compliance.rescreening import Cases, Rescreened, Rescreening
from bursa.compliance.screening import Person, Screening
from bursa.kernel.clock import WallClock
from bursa.kernel.errors import BursaError, InternalError, NotFound, Unavailable
from bursa.kernel.identifiers import TenantId

PAGE: Final = 25
ROUNDS: Final = 3
# A clock of another machine, and an index that is a moment behind.
MARGIN_MS: Final = 600_000
# After so many calls that failed at one page its people are taken one by one.
FAILURES_MAX: Final = 5
# A list that is in force for so long and has not been compared with everybody is late.
LATE_MS: Final = 24 * 3_600_000
# In the order in which a case has them, so that most that move are found where they go.
STATES: Final = (
    CaseState.RESUBMISSION,
    CaseState.REJECTED,
    CaseState.SUBMITTED,
    CaseState.SCREENING,
    CaseState.AT_PROVIDER,
    CaseState.DECIDING,
    CaseState.APPROVED,
    CaseState.EXPIRED,
)


class Tenants(Protocol):
    """The tenants of a deployment."""

    def __call__(self) -> Sequence[TenantId]:
        """Return those that ask their users who they are, by number."""


class Records(Protocol):
    """Personal data; see `bursa.compliance.personal_records.PersonalRecords`."""

    def read(self, tenant: TenantId, user: str, reader: Reader) -> PersonalData:
        """Return it, once the read is on record; raises `NotFound`."""


class RunStore(Protocol):
    """Where it is kept how far a run is; see `bursa.compliance.list_versions_s3.S3Lists`."""

    def read_run(self, name: str) -> bytes | None:
        """Return it as it was written; None before the first."""

    def write_run(self, name: str, row: bytes, before: bytes | None) -> None:
        """Replace it; raises `Conflict` ``list_changed`` if it is another by now."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is.

    Attributes
    ----------
    digest
        Of the list.
    begun_at_ms, round_at_ms
        When the run and its present round began.
    round, tenant, state, after
        The page that comes next: the tenant's number, the state's place in `STATES`, and the last
        case of the page before.
    since_ms
        Cases that changed before are left out: a round before had them.
    failures
        How many calls failed at this page.
    compared, opened, not_compared
        How many comparisons so far: whoever has changed since is compared again.
    done_at_ms
        When everybody was compared; 0 while they are not.

    """

    digest: str
    begun_at_ms: int
    round_at_ms: int
    round: int = 0
    tenant: int = 0
    state: int = 0
    after: tuple[int, str] | None = None
    since_ms: int = 0
    failures: int = 0
    compared: int = 0
    opened: int = 0
    not_compared: int = 0
    done_at_ms: int = 0


class Called(NamedTuple):
    """What came of a call: of this call alone, and whether the list in force waits for too long."""

    compared: int = 0
    opened: int = 0
    not_compared: tuple[str, ...] = ()
    is_late: bool = False


@dataclass(frozen=True, slots=True)
class RunServices:
    """What a run needs. ``screening`` returns the list in force, ready to compare with."""

    lists: ListStore
    runs: RunStore
    queue: CaseQueue
    cases: Cases
    records: Records
    screening: Callable[[], Screening]
    tenants: Tenants
    clock: WallClock


class RescreeningRun:
    """Carries out a part of a run at each call.

    Parameters
    ----------
    name
        The list's.

    """

    def __init__(self, services: RunServices, name: str) -> None:
        self._services = services
        self._name = name

    def __call__(self, until_ms: int) -> Called:
        """Go on until a time, or until everybody was compared.

        Raises
        ------
        Unavailable, InternalError
            Something that a page needs is away, or the list is damaged: it goes on later. After
            `FAILURES_MAX` such calls whoever fails alone is named and passed.
        Conflict
            ``list_changed``: another call was faster.

        """
        services = self._services
        in_force = find_in_force(services.lists, self._name)
        if in_force is None:
            return Called()
        row = services.runs.read_run(self._name)
        progress = self._begun(row, in_force.digest)
        called, tenants = Called(), () if progress.done_at_ms else services.tenants()
        while not progress.done_at_ms and services.clock.now_ms() < until_ms:
            screening = services.screening()
            if screening.digest != progress.digest:
                # Another list since: the next call begins with that.
                break
            try:
                found, following = self._page(progress, tenants, screening)
            except (Unavailable, InternalError):
                self._write(replace(progress, failures=progress.failures + 1), row)
                raise
            row = self._write(following, row)
            progress = following
            called = called._replace(
                compared=called.compared + found.compared,
                opened=called.opened + len(found.opened),
                not_compared=called.not_compared + found.not_compared,
            )
        waits_ms = services.clock.now_ms() - in_force.since_ms
        return called._replace(is_late=not progress.done_at_ms and waits_ms > LATE_MS)

    def _begun(self, row: bytes | None, digest: str) -> Progress:
        progress = None if row is None else _decode(row)
        if progress is not None and progress.digest == digest:
            return progress
        now_ms = self._services.clock.now_ms()
        return Progress(digest, now_ms, now_ms)

    def _write(self, progress: Progress, before: bytes | None) -> bytes:
        row = json.dumps(asdict(progress)).encode()
        self._services.runs.write_run(self._name, row, before)
        return row

    def _page(
        self, progress: Progress, tenants: Sequence[TenantId], screening: Screening
    ) -> tuple[Rescreened, Progress]:
        """Compare the people of one page; return what came of it and where to go on."""
        services = self._services
        tenant = next((one for one in tenants if one.number >= progress.tenant), None)
        if tenant is None:
            return Rescreened(0, (), ()), self._next_round(progress)
        if tenant.number != progress.tenant:
            progress = replace(progress, tenant=tenant.number, state=0, after=None)
        after = None if progress.after is None else CasePlace(*progress.after)
        state = STATES[progress.state]
        places, last = services.queue.page(tenant, state, PAGE, after, progress.since_ms)
        is_careful = progress.failures >= FAILURES_MAX
        found = self._compare(tenant, places, screening, is_careful=is_careful)
        counted = replace(
            progress,
            failures=0,
            compared=progress.compared + found.compared,
            opened=progress.opened + len(found.opened),
            not_compared=progress.not_compared + len(found.not_compared),
        )
        if last is not None:
            return found, replace(counted, after=(last.changed_at_ms, last.user))
        if progress.state + 1 < len(STATES):
            return found, replace(counted, state=progress.state + 1, after=None)
        return found, replace(counted, tenant=tenant.number + 1, state=0, after=None)

    def _next_round(self, progress: Progress) -> Progress:
        now_ms = self._services.clock.now_ms()
        if progress.round + 1 == ROUNDS:
            return replace(progress, done_at_ms=now_ms)
        return replace(
            progress,
            round=progress.round + 1,
            round_at_ms=now_ms,
            since_ms=progress.round_at_ms - MARGIN_MS,
            tenant=0,
            state=0,
            after=None,
        )

    def _compare(
        self,
        tenant: TenantId,
        places: Sequence[CasePlace],
        screening: Screening,
        *,
        is_careful: bool,
    ) -> Rescreened:
        rescreen = Rescreening(screening, self._services.cases)
        now_ms = self._services.clock.now_ms()
        if not is_careful:
            return rescreen(tenant, self._people(tenant, places, screening.digest), now_ms)
        compared = 0
        opened: list[str] = []
        not_compared: list[str] = []
        for place in places:
            try:
                one = rescreen(tenant, self._people(tenant, [place], screening.digest), now_ms)
            except BursaError:
                not_compared.append(place.user)
                continue
            compared += one.compared
            opened += one.opened
            not_compared += one.not_compared
        return Rescreened(compared, tuple(opened), tuple(not_compared))

    def _people(
        self, tenant: TenantId, places: Sequence[CasePlace], digest: str
    ) -> Iterator[tuple[str, Person | None]]:
        """Yield who they are as far as it is known; each read is on record."""
        reader = Reader(Role.SCREENING, "list", f"compared with list {digest[:16]}")
        for place in places:
            try:
                yield place.user, self._services.records.read(tenant, place.user, reader).person
            except NotFound:
                # It was erased, or their level needs none: nobody is known who could be listed.
                continue


def _decode(row: bytes) -> Progress:
    try:
        content: dict[str, Any] = json.loads(row)
        after = content.pop("after")
        return Progress(**content, after=None if after is None else (after[0], after[1]))
    except (ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
        raise InternalError("run_damaged", "How far a comparison got can't be read.") from error
