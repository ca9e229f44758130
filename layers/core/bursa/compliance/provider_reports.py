"""What providers find, in our words: the tables of their answers, and the step that follows.

Only codes are kept, never a provider's comments, which may be about the person.
"""

import hashlib
import re
from collections.abc import Sequence
from typing import Any, Final

from bursa.compliance.providers import Reference
from bursa.compliance.steps import Outcome, ProviderReported

_CODE: Final = re.compile(r"[A-Za-z0-9_]{1,60}", re.ASCII)
_CODES_MAX: Final = 10

ONFIDO_OUTCOMES: Final = {
    "approved": Outcome.APPROVE,
    "declined": Outcome.REJECT,
    "review": Outcome.REVIEW,
    "abandoned": Outcome.RESUBMIT,
    "error": Outcome.REVIEW,
}


def outcome_of_sumsub(colour: str, reject: str) -> Outcome:
    """Return what a review means; raises `ValueError` for a colour that there is not."""
    if colour == "GREEN":
        return Outcome.APPROVE
    if colour != "RED":
        raise ValueError("An answer is GREEN or RED.")
    return {"RETRY": Outcome.RESUBMIT, "FINAL": Outcome.REJECT}.get(reject, Outcome.REVIEW)


def codes_of(found: Sequence[Any]) -> str:
    """Return the codes among what a provider says; sentences are left out."""
    codes = [one for one in found if type(one) is str and _CODE.fullmatch(one)]
    return " ".join(codes[:_CODES_MAX])


def text_of(value: Any) -> str:  # noqa: ANN401 - whatever JSON holds
    """Return a text; raises `TypeError` for anything else."""
    if type(value) is not str:
        raise TypeError("A text is expected.")
    return value


def report_of(
    provider: str, reference: Reference, round_: str, outcome: Outcome, reason: str
) -> ProviderReported:
    """Return the step that follows from what was found.

    The same finding of the same round of checks is the same step, however often it is asked for.
    """
    finding = hashlib.sha256(f"{reference}\n{round_}\n{outcome}".encode()).hexdigest()[:32]
    return ProviderReported(f"{provider} {finding}", reference.attempt, provider, outcome, reason)
