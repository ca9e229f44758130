"""What compliance changes of a user's case, each as one object that can be made again.

A step of a case is named by the request, and a case takes it once (`bursa.compliance.steps`). Four
eyes are the case's own here: where the tenant wants them, the first decision is a proposal that the
case keeps, and a second person decides the same.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol, TypeAlias

from bursa.back_office.audit_entry import Facts
from bursa.back_office.audit_log import Intent
from bursa.back_office.desk import EffectBuilder
from bursa.back_office.effects import USER, WithoutNotes
from bursa.back_office.roles import Action
from bursa.compliance.cases import Case
from bursa.compliance.steps import Decided, Downgraded, ErasureAsked, Outcome, Reopened
from bursa.kernel.errors import Conflict, NotFound
from bursa.kernel.identifiers import TenantId

KycStep: TypeAlias = Decided | Downgraded | Reopened | ErasureAsked


class Cases(Protocol):
    """The cases of users."""

    def find(self, tenant: TenantId, user: str) -> Case | None:
        """Return a user's case."""


class Steps(Protocol):
    """Takes what people decide; see `bursa.compliance.applications.Applications`."""

    def take(self, tenant: TenantId, user: str, step: KycStep) -> Case:
        """Take a step; raises as `bursa.compliance.steps.advance` does."""


@dataclass(frozen=True, slots=True)
class CaseStep(WithoutNotes):
    """One step of a user's case."""

    cases: Cases
    steps: Steps
    tenant: TenantId
    user: str
    asked: Facts
    build: Callable[[Intent], KycStep]

    def before(self) -> Facts:
        """Return where the case is.

        Raises `NotFound` ``no_case``; `Conflict` ``stale_attempt``: they looked at an earlier one.
        """
        case = self.cases.find(self.tenant, self.user)
        if case is None:
            raise NotFound("no_case", "The user has not applied.")
        if self.asked.get("attempt", case.attempt) != case.attempt:
            raise Conflict(
                "stale_attempt", "The user has sent something newer since; look at that instead."
            )
        return facts_of(case)

    def carry_out(self, intent: Intent) -> Facts:
        """Take the step; a case that has taken it already stays as it is."""
        return facts_of(self.steps.take(self.tenant, self.user, self.build(intent)))


def facts_of(case: Case) -> Facts:
    """Return what the audit log keeps of a case: nothing personal, and no hit."""
    return {
        "attempt": case.attempt,
        "state": case.state.value,
        "level": case.level,
        "erase_at_ms": case.erase_at_ms,
        "proposed": None if case.proposal is None else case.proposal.outcome,
    }


def kyc_effects(cases: Cases, steps: Steps) -> Mapping[Action, EffectBuilder]:
    """Return how each change of a case is built."""

    def builder(build: Callable[[Facts, Intent], KycStep]) -> EffectBuilder:
        def effect(tenant: TenantId, about: str, asked: Facts) -> CaseStep:
            user = about.removeprefix(USER)
            return CaseStep(cases, steps, tenant, user, asked, lambda intent: build(asked, intent))

        return effect

    return {action: builder(build) for action, build in _STEPS.items()}


def _decided(asked: Facts, intent: Intent) -> Decided:
    deed = intent.deed
    return Decided(
        deed.request,
        asked["attempt"],
        deed.actor,
        Outcome(asked["outcome"]),
        deed.reason,
        asked["documents_end_at_ms"],
    )


_STEPS: Final[Mapping[Action, Callable[[Facts, Intent], KycStep]]] = {
    Action.DECIDE_CASES: _decided,
    Action.LOWER_LEVELS: lambda asked, intent: Downgraded(
        intent.deed.request, intent.deed.actor, asked["level"], intent.deed.reason
    ),
    Action.ERASE_USERS: lambda asked, intent: ErasureAsked(
        intent.deed.request, intent.deed.actor, intent.deed.reason, asked["ended_at_ms"]
    ),
    Action.REOPEN_CASES: lambda _asked, intent: Reopened(
        intent.deed.request, intent.deed.actor, intent.deed.reason
    ),
}
