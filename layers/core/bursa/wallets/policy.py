"""A tenant's policy of withdrawals: rules as data, and what they say of a withdrawal.

Every rule that applies counts, and the strictest verdict stands: refuse before review before
people's approvals, of which the most. A policy is tried against past withdrawals before it is put
in force (`dry_run`), and the withdrawal keeps the number of the policy that was in force.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final, NamedTuple

from bursa.kernel.errors import InvalidInput

RULES_MAX: Final = 50
APPROVALS_MAX: Final = 2
NAME_LENGTH_MAX: Final = 60
VALUE_MAX: Final = (1 << 63) - 1


class Strictness(IntEnum):
    """What a rule does, the mildest first."""

    ALLOW = 0
    APPROVALS = 1
    REVIEW = 2
    REFUSE = 3


class Verdict(NamedTuple):
    """What a policy says: how strict, how many people approve, and by which rules."""

    strictness: Strictness
    approvals: int
    rules: tuple[str, ...]


class Facts(NamedTuple):
    """What rules look at.

    Attributes
    ----------
    asset, chain
        What leaves, and how.
    value
        Of the amount, in the smallest unit of the tenant's reference currency.
    level
        What the user has shown of who it is.
    is_unlisted
        Whether the address is none of the user's book.
    by_key
        Whether an API key asks.

    """

    asset: str
    chain: str
    value: int
    level: int
    is_unlisted: bool
    by_key: bool


@dataclass(frozen=True, slots=True)
class Rule:
    """When it applies (all that it names), and what it says then.

    Attributes
    ----------
    value_from
        Applies from so much on, in the reference currency.
    asset, chain
        Only for these; empty for all.
    level_below
        Only for users of a lower level; None for all.
    unlisted, by_key
        Only for such withdrawals; None for all.
    approvals
        How many people, with `Strictness.APPROVALS` or `Strictness.REVIEW`.

    """

    name: str
    strictness: Strictness
    approvals: int = 0
    value_from: int = 0
    asset: str = ""
    chain: str = ""
    level_below: int | None = None
    unlisted: bool | None = None
    by_key: bool | None = None

    def applies(self, facts: Facts) -> bool:
        """Return whether it says anything of a withdrawal."""
        return (
            facts.value >= self.value_from
            and self.asset in {"", facts.asset}
            and self.chain in {"", facts.chain}
            and (self.level_below is None or facts.level < self.level_below)
            and self.unlisted in {None, facts.is_unlisted}
            and self.by_key in {None, facts.by_key}
        )


@dataclass(frozen=True, slots=True)
class Policy:
    """Rules, and the number under which they were put in force."""

    rules: tuple[Rule, ...]
    number: int = 0

    def __post_init__(self) -> None:
        if len(self.rules) > RULES_MAX:
            raise _invalid(f"give {RULES_MAX} rules at most")
        if len({one.name for one in self.rules}) < len(self.rules):
            raise _invalid("give each rule a name of its own")
        for rule in self.rules:
            _check(rule)

    def verdict(self, facts: Facts) -> Verdict:
        """Return what the rules say together."""
        applying = [one for one in self.rules if one.applies(facts)]
        strictness = max((one.strictness for one in applying), default=Strictness.ALLOW)
        approvals = max((one.approvals for one in applying), default=0)
        names = tuple(one.name for one in applying if one.strictness is not Strictness.ALLOW)
        return Verdict(strictness, approvals, names)


class Change(NamedTuple):
    """A past withdrawal of which another policy says something else."""

    withdrawal: str
    before: Verdict
    after: Verdict


class DryRun(NamedTuple):
    """What another policy would have said: counts of its verdicts, and every difference."""

    counts: Mapping[Strictness, int]
    changes: Sequence[Change]


def dry_run(new: Policy, old: Policy, history: Iterable[tuple[str, Facts]]) -> DryRun:
    """Return what a new policy says of past withdrawals, beside what the old one says."""
    counts: Counter[Strictness] = Counter()
    changes = []
    for withdrawal, facts in history:
        before, after = old.verdict(facts), new.verdict(facts)
        counts[after.strictness] += 1
        if before[:2] != after[:2]:
            changes.append(Change(withdrawal, before, after))
    return DryRun(dict(counts), changes)


def policy_from(stored: Mapping[str, Any], number: int = 0) -> Policy:
    """Return a policy from what JSON kept, or a person wrote.

    Raises `InvalidInput` ``invalid_policy``, also for words that are not known.
    """
    try:
        rules = [
            Rule(**{**one, "strictness": Strictness[one["strictness"].upper()]})
            for one in stored["rules"]
        ]
    except (KeyError, TypeError, AttributeError) as error:
        raise _invalid("give rules with name, strictness and what they apply to") from error
    return Policy(tuple(rules), number)


def policy_as_stored(policy: Policy) -> dict[str, Any]:
    """Return a policy as JSON keeps it."""
    return {
        "rules": [
            {
                name: rule.strictness.name.lower() if name == "strictness" else getattr(rule, name)
                for name in Rule.__slots__
            }
            for rule in policy.rules
        ]
    }


def _check(rule: Rule) -> None:
    named = (rule.name, rule.asset, rule.chain)
    if not all(isinstance(one, str) for one in named):
        raise _invalid("name, asset and chain are texts")
    if not 1 <= len(rule.name) <= NAME_LENGTH_MAX or not rule.name.isprintable():
        raise _invalid(f"name rules with 1 to {NAME_LENGTH_MAX} printable characters")
    numbers = (rule.approvals, rule.value_from, rule.level_below or 0)
    if not all(type(one) is int and 0 <= one <= VALUE_MAX for one in numbers):
        raise _invalid(f"{rule.name}: numbers are whole and not negative")
    if not all(one is None or isinstance(one, bool) for one in (rule.unlisted, rule.by_key)):
        raise _invalid(f"{rule.name}: unlisted and by_key are true, false or left out")
    asks = rule.strictness in {Strictness.APPROVALS, Strictness.REVIEW}
    least = 1 if rule.strictness is Strictness.APPROVALS else 0
    if not least <= rule.approvals <= (APPROVALS_MAX if asks else 0):
        raise _invalid(f"{rule.name}: approvals take {least} to {APPROVALS_MAX} people")


def _invalid(detail: str) -> InvalidInput:
    return InvalidInput("invalid_policy", f"Policy: {detail}.", field="policy")
