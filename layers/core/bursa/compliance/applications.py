"""The way of an application, from what a user sends to a level: each method is one task of it.

    apply ──► check_files ──► screen ──► ask_provider ──► ask_report
                                                              │
                       decide, downgrade, pass_time ──────────┴──► level

A task may be repeated, at once or much later: a step that a case has taken already changes nothing.
Tasks that find the case elsewhere, because time or a person was faster, leave it there. What a task
needs that is away is `Unavailable`: whoever runs the task tries again, and in the end time itself
hands the case to a person (`bursa.compliance.cases.CasePolicy`). What follows from a case that has
changed is not theirs (`bursa.compliance.case_changes`).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple, Protocol

from bursa.compliance.case_queue import CasePlace
from bursa.compliance.cases import (
    IN_PROGRESS,
    Case,
    CaseFile,
    CaseState,
    Submission,
    open_case,
    submit,
)
from bursa.compliance.documents import (
    FileKind,
    Scanner,
    StoredFile,
    faults_of,
    require_upload,
)
from bursa.compliance.levels import Requirement
from bursa.compliance.personal_data import PersonalData
from bursa.compliance.personal_records import PersonalRecords, Reader, Role
from bursa.compliance.providers import ELSEWHERE, Application, Provider, Reference, SentFile
from bursa.compliance.screening import Screening
from bursa.compliance.steps import (
    Decided,
    Downgraded,
    Erased,
    ErasureAsked,
    FilesChecked,
    HandedOver,
    Reopened,
    Rules,
    Screened,
    Step,
    TimePassed,
    advance,
)
from bursa.kernel.clock import WallClock
from bursa.kernel.errors import BursaError, Conflict, NotFound, Refused
from bursa.kernel.identifiers import TenantId

_ATTEMPTS: Final = 3
# After which time without a callback a provider is asked, about so many of those it has.
_LATE_MS = 300_000
_LATE_ASKED = 20
_LATE_READ = 500
_NOT_NOW: Final = frozenset({"wrong_case_state", "stale_attempt"})


class UploadedFile(NamedTuple):
    """A file of an attempt: its object's key, and the kind that its upload was allowed for."""

    key: str
    kind: FileKind


class Cases(Protocol):
    """The cases; see `bursa.compliance.cases_dynamodb.CasesTable`."""

    def find(self, tenant: TenantId, user: str) -> Case | None:
        """Return a user's case."""

    def save(self, case: Case) -> Case:
        """Write a changed case; raises `Conflict` ``case_changed``."""

    def rules(self, tenant: TenantId) -> Rules:
        """Return the tenant's rules."""

    def due(self, tenant: TenantId, now_ms: int) -> Sequence[Case]:
        """Return some of the cases that time has changed."""

    def page(
        self, tenant: TenantId, state: CaseState, limit: int
    ) -> tuple[Sequence[CasePlace], CasePlace | None]:
        """See `bursa.compliance.case_queue.CaseQueue`."""


class Documents(Protocol):
    """Users' files; see `bursa.compliance.documents_s3.S3Documents`."""

    def read(
        self, tenant: TenantId, user: str, attempt: int, key: str, version: str | None = None
    ) -> StoredFile:
        """Return a file of an attempt, that version or the newest; raises `NotFound`."""

    def erase(self, tenant: TenantId, user: str) -> None:
        """Remove all files of a user, in all versions; safe to repeat."""


class SessionBooks(Protocol):
    """What is noted of users' sessions; see `bursa.identity.session_books_dynamodb`."""

    def empty(self, tenant: TenantId, user: str) -> None:
        """Forget from where and with what a user came; safe to repeat. Raises `Unavailable`."""


class Services(NamedTuple):
    """What the tasks call. ``screening`` returns the list in force, ready to compare with."""

    cases: Cases
    records: PersonalRecords
    documents: Documents
    screening: Callable[[], Screening]
    provider: Callable[[TenantId], Provider]
    clock: WallClock
    sessions: SessionBooks
    scanner: Scanner | None = None


class Applications:
    """The tasks; all raise `Unavailable` when something they need is away."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def give_personal_data(self, tenant: TenantId, user: str, data: PersonalData) -> None:
        """Keep what a user says of themself, while nobody has looked at what they said before.

        Raises
        ------
        Conflict
            ``case_in_progress``, ``erasure_pending``; ``personal_data_changed``: they sent
            something else just now.
        Refused
            ``identity_verified``: a level was reached under another name, date of birth,
            nationality, or an address that was proven; ``application_barred``: what a decision
            about a hit was based on stays; ``too_many_changes``.

        """
        services = self._services
        case = services.cases.find(tenant, user)
        if case is not None and case.state in IN_PROGRESS:
            raise Conflict(
                "case_in_progress", "Wait for the decision about what you have sent already."
            )
        if case is not None and case.erase_at_ms is not None:
            raise Conflict("erasure_pending", "Your data is being erased; ask support first.")
        if case is not None and case.is_barred:
            raise Refused("application_barred", "Ask support; only they can let you apply again.")
        # Before the first line about it, whatever becomes of it: lines are kept for good.
        services.records.require_change(tenant, user)
        if case is not None and case.granted and services.records.version_of(tenant, user):
            reader = Reader(Role.SCREENING, "application", "compared with what is sent now")
            known = services.records.read(tenant, user, reader)
            if known.identity != data.identity:
                raise Refused(
                    "identity_verified",
                    "Ask support to change your names, date of birth or nationality.",
                )
            if known.address != data.address and self._is_address_proven(case, tenant):
                raise Refused("identity_verified", "Ask support to change your address.")
        # Who applies meanwhile changes the case, and then nothing is written.
        services.records.write(tenant, user, data, 0 if case is None else case.version)

    def _is_address_proven(self, case: Case, tenant: TenantId) -> bool:
        levels = self._services.cases.rules(tenant).levels
        # A tenant may have taken away a level that somebody had.
        known = min(case.granted, len(levels.levels) - 1)
        return Requirement.PROOF_OF_ADDRESS in levels[known].needs

    def apply(
        self,
        tenant: TenantId,
        user: str,
        target: int,
        files: Mapping[Requirement, UploadedFile],
        *,
        is_email_verified: bool,
    ) -> Case:
        """Open another attempt with what the user has given.

        Raises as `submit` and `require_upload` do: only documents are shown by a file, and each by
        a file of its kinds. Keys of files are looked at by `check_files`.
        """
        for shown, file in files.items():
            require_upload(shown, file.kind)
        services, now_ms = self._services, self._services.clock.now_ms()
        rules = services.cases.rules(tenant)
        case = services.cases.find(tenant, user) or open_case(str(tenant), user)
        given = set(files)
        if is_email_verified:
            given.add(Requirement.EMAIL)
        personal_version = services.records.version_of(tenant, user)
        if personal_version:
            given.add(Requirement.PERSONAL_DATA)
        sent = tuple(
            CaseFile(shown.value, file.key, file.kind.value)
            for shown, file in sorted(files.items())
        )
        submission = Submission(
            target, frozenset(given), files=sent, personal_version=personal_version
        )
        submitted = submit(case, submission, rules.levels, rules.policy, now_ms)
        return services.cases.save(submitted)

    def check_files(self, reference: Reference) -> Case:
        """Look at an attempt's files, and whether its personal data is what it was then."""
        case, services = self._case(reference), self._services
        if case.attempt != reference.attempt:
            return case
        faults: list[str] = []
        versions: list[tuple[str, str]] = []
        if services.records.version_of(reference.tenant, reference.user) != case.personal_version:
            faults.append("Your personal data has changed since you applied; apply again.")
        for file in case.files:
            try:
                stored = services.documents.read(*reference, file.key)
            except NotFound:
                faults.append(f"Upload {file.shows} again; it has not arrived.")
                continue
            found = faults_of(stored.content, FileKind(file.kind), services.scanner)
            faults += [f"{file.shows}: {fault}" for fault in found]
            versions.append((file.shows, stored.version))
        step = FilesChecked(
            f"files {reference.attempt}", reference.attempt, tuple(faults), tuple(versions)
        )
        return self._take(reference, step)

    def screen(self, reference: Reference) -> Case:
        """Compare an attempt's user with the list in force.

        Raises
        ------
        InvalidInput
            ``name_not_readable``, ``invalid_name``, ``no_list``: nobody was compared.

        """
        screening = self._services.screening()
        person = self._services.records.read(
            reference.tenant, reference.user, _reader(Role.SCREENING, reference)
        ).person
        hits = tuple(hit.for_case() for hit in screening(person))
        return self._take(
            reference, Screened(f"{reference.attempt} {screening.digest}", reference.attempt, hits)
        )

    def ask_provider(self, reference: Reference) -> Case:
        """Ask the tenant's provider about an attempt; what it says at once is taken at once.

        Who is elsewhere is sent what the level needs and no more, and that is written down first.
        """
        case, services = self._case(reference), self._services
        if case.attempt != reference.attempt or case.state is not CaseState.AT_PROVIDER:
            return case
        rules = services.cases.rules(reference.tenant)
        needs = rules.levels[case.target].needs
        reader = _reader(Role.SCREENING, reference)
        if rules.provider in ELSEWHERE:
            shown = sorted({one.shows for one in case.files} & needs)
            sent = ", ".join(["personal data", *shown])
            reader = reader._replace(reason=f"{reader.reason}: {sent} to {rules.provider}")
        data = services.records.read(reference.tenant, reference.user, reader)
        files = self._files(case, reference, needs) if rules.provider in ELSEWHERE else ()
        application = Application(reference, data, case.target, needs, files)
        provider = services.provider(reference.tenant)
        report = provider.begin(application, services.clock.now_ms())
        return self._case(reference) if report is None else self._take(reference, report)

    def _files(
        self, case: Case, reference: Reference, needs: frozenset[Requirement]
    ) -> tuple[SentFile, ...]:
        read = self._services.documents.read
        return tuple(
            SentFile(
                Requirement(file.shows), read(*reference, file.key, file.version).content, file.kind
            )
            for file in case.files
            if file.shows in needs
        )

    def ask_report(self, reference: Reference) -> Case:
        """Ask what the provider has found of an attempt, and take it; safe to repeat."""
        provider = self._services.provider(reference.tenant)
        report = provider.ask(reference, self._services.clock.now_ms())
        return self._case(reference) if report is None else self._take(reference, report)

    def ask_late(self, tenant: TenantId) -> int:
        """Ask about some attempts whose provider should have called back; return how many.

        The next call asks about others. One that can't be asked about keeps no other waiting: its
        error is raised in the end.
        """
        services, now_ms = self._services, self._services.clock.now_ms()
        if services.cases.rules(tenant).provider not in ELSEWHERE:
            return 0
        places, _ = services.cases.page(tenant, CaseState.AT_PROVIDER, _LATE_READ)
        late = [one for one in places if one.changed_at_ms <= now_ms - _LATE_MS]
        turn = now_ms // _LATE_MS * _LATE_ASKED % max(1, len(late))
        failures = []
        for place in (late[turn:] + late[:turn])[:_LATE_ASKED]:
            case = self._found(tenant, place.user)
            try:
                self.ask_report(Reference(tenant, place.user, case.attempt))
            except BursaError as error:
                failures.append(error)
        if failures:
            raise failures[0]
        return min(len(late), _LATE_ASKED)

    def hand_over(self, reference: Reference, reason: str) -> Case:
        """Have a person decide about an attempt that something failed of."""
        step = HandedOver(f"handed over {reference.attempt}", reference.attempt, reason)
        return self._take(reference, step)

    def take(
        self, tenant: TenantId, user: str, step: Decided | Downgraded | Reopened | ErasureAsked
    ) -> Case:
        """Take what a person of compliance decides; raises as `advance` does."""
        return self._step(tenant, user, step)

    def pass_time(self, tenant: TenantId) -> int:
        """Let time change the cases of a tenant that it has changed; return how many.

        One that can't be changed keeps no other waiting: its error is raised in the end.
        """
        now_ms = self._services.clock.now_ms()
        changed, failures = 0, []
        for case in self._services.cases.due(tenant, now_ms):
            try:
                if case.erase_at_ms is not None and case.erase_at_ms <= now_ms:
                    self._erase(tenant, case)
                else:
                    self._step(tenant, case.user, TimePassed())
            except BursaError as error:
                failures.append(error)
            else:
                changed += 1
        if failures:
            raise failures[0]
        return changed

    def _erase(self, tenant: TenantId, case: Case) -> None:
        """Destroy the user's key, then what is left; a repeat does what an earlier one did not."""
        services = self._services
        reader = Reader(Role.COMPLIANCE, "erasure", "asked for, and not wanted by law any more")
        services.records.erase(tenant, case.user, reader, case.erase_at_ms or 0)
        services.documents.erase(tenant, case.user)
        services.sessions.empty(tenant, case.user)
        self._step(tenant, case.user, Erased(f"erased {case.erase_at_ms}"))

    def _take(self, reference: Reference, step: Step) -> Case:
        """Take a step of an attempt, or leave a case that is elsewhere by now as it is."""
        try:
            return self._step(reference.tenant, reference.user, step)
        except Conflict as conflict:
            if conflict.code not in _NOT_NOW:
                raise
            return self._case(reference)

    def _step(self, tenant: TenantId, user: str, step: Step) -> Case:
        cases, now_ms = self._services.cases, self._services.clock.now_ms()
        rules = cases.rules(tenant)
        for attempt in range(1, _ATTEMPTS + 1):
            case = self._found(tenant, user)
            after = advance(case, step, rules, now_ms)
            try:
                return case if after is case else cases.save(after)
            except Conflict:
                if attempt == _ATTEMPTS:
                    raise
        raise AssertionError("The last attempt returns or raises.")

    def _case(self, reference: Reference) -> Case:
        return self._found(reference.tenant, reference.user)

    def _found(self, tenant: TenantId, user: str) -> Case:
        case = self._services.cases.find(tenant, user)
        if case is None:
            raise NotFound("no_case", "The user has not applied.")
        return case


def _reader(role: Role, reference: Reference) -> Reader:
    return Reader(role, "application", f"attempt {reference.attempt}")
