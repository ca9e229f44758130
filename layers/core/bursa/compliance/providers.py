"""What a provider of identity checks is asked and says; who they are is in other files.

A provider is asked about one attempt of a user's case, under a reference that names it. It may say
at once what it thinks (the sandbox, manual review) or later. Then it is asked what it has found:
when it has called back (`bursa.compliance.provider_callbacks`), which says no more than that it is
worth to ask, and now and then when it has not.
"""

import re
from typing import Final, NamedTuple, Protocol

from bursa.compliance.levels import Requirement
from bursa.compliance.personal_data import PersonalData
from bursa.compliance.steps import Outcome, ProviderReported
from bursa.kernel.calendar_time import DAY_MS
from bursa.kernel.errors import InvalidInput
from bursa.kernel.identifiers import TenantId

# What providers allow in the id of a customer, and a Cognito subject needs.
_REFERENCE: Final = re.compile(r"(t[1-9][0-9]{0,9})\.([0-9A-Za-z-]{1,64})\.([1-9][0-9]{0,8})")


class Reference(NamedTuple):
    """One attempt of one user's case, as a provider is told it."""

    tenant: TenantId
    user: str
    attempt: int

    def __str__(self) -> str:
        return f"{self.tenant}.{self.user}.{self.attempt}"


def parse_reference(text: str) -> Reference:
    """Read what ``str`` of a reference gave; raises `InvalidInput` ``invalid_reference``."""
    found = _REFERENCE.fullmatch(text)
    if found is None:
        raise InvalidInput("invalid_reference", "Send the reference as it was given.")
    return Reference(TenantId.parse(found[1]), found[2], int(found[3]))


class SentFile(NamedTuple):
    """A user's file, the version that was checked."""

    shows: Requirement
    content: bytes
    kind: str


class Application(NamedTuple):
    """What a provider is asked about.

    Attributes
    ----------
    level, needs
        The level applied for, and what it needs: nothing else is anybody's to be told.

    """

    reference: Reference
    data: PersonalData
    level: int = 0
    needs: frozenset[Requirement] = frozenset()
    files: tuple[SentFile, ...] = ()


class Provider(Protocol):
    """Checks who somebody is; raises `Unavailable`, and `InternalError` where no repeat helps."""

    def begin(self, application: Application, now_ms: int) -> ProviderReported | None:
        """Ask about an attempt, once; return the report if there is one already."""

    def ask(self, reference: Reference, now_ms: int) -> ProviderReported | None:
        """Return what was found of an attempt; None while nothing was."""


# Those who are sent a user's data; others decide here.
ELSEWHERE: Final = frozenset({"onfido", "sumsub"})


class ManualReview:
    """No provider: a person of compliance decides about every attempt."""

    def begin(self, application: Application, now_ms: int) -> ProviderReported | None:  # noqa: ARG002 - the port's
        """Return at once that a person must look."""
        return ProviderReported(
            f"manual {application.reference}",
            application.reference.attempt,
            "manual",
            Outcome.REVIEW,
            "every case is decided by compliance",
        )

    def ask(self, reference: Reference, now_ms: int) -> ProviderReported | None:  # noqa: ARG002
        """Return None: all was said at once."""
        return None


class Sandbox:
    """A provider for trying things out: what it says follows from the names alone.

    A word of a name decides, in any case: ``Reject``, ``Resubmit``, ``Review``; ``Shortlived`` is
    approved with documents that expire in a day, ``Silent`` gets no report ever, and everybody else
    is approved. It must never decide about real people; `open_here` is told whether it may.
    """

    WORDS: Final = {
        "reject": Outcome.REJECT,
        "resubmit": Outcome.RESUBMIT,
        "review": Outcome.REVIEW,
    }

    def begin(self, application: Application, now_ms: int) -> ProviderReported | None:
        """Return the report that the names ask for."""
        words = {word for name in application.data.person.names for word in name.casefold().split()}
        if "silent" in words:
            return None
        outcome = next(
            (outcome for word, outcome in self.WORDS.items() if word in words), Outcome.APPROVE
        )
        return ProviderReported(
            f"sandbox {application.reference}",
            application.reference.attempt,
            "sandbox",
            outcome,
            f"sandbox: {outcome}",
            now_ms + DAY_MS if "shortlived" in words else None,
        )

    def ask(self, reference: Reference, now_ms: int) -> ProviderReported | None:  # noqa: ARG002
        """Return None: all was said at once."""
        return None


def open_here(name: str, *, is_for_trying_out: bool) -> Provider:
    """Return a provider that decides here by its name in a tenant's settings.

    Raises
    ------
    InvalidInput
        ``unknown_provider``; also for the sandbox of a deployment that is not for trying out.

    """
    if name == "manual":
        return ManualReview()
    if name == "sandbox" and is_for_trying_out:
        return Sandbox()
    raise InvalidInput(
        "unknown_provider",
        "Name manual, sumsub or onfido, or sandbox on a deployment for trying things out.",
        field="provider",
    )
