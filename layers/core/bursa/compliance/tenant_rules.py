"""A tenant's rules as its profile keeps them; a tenant without any asks nobody who they are."""

import json
from dataclasses import asdict

from bursa.compliance.cases import CasePolicy
from bursa.compliance.levels import Levels, Operation, levels_as_stored, levels_from
from bursa.compliance.steps import Rules
from bursa.kernel.errors import InvalidInput


def rules_as_stored(rules: Rules) -> str:
    """Return rules as JSON keeps them; the edge reads their levels alone."""
    return json.dumps(
        {
            "levels": levels_as_stored(rules.levels),
            "policy": asdict(rules.policy),
            "provider": rules.provider,
        },
        sort_keys=True,
    )


def rules_from(stored: str) -> Rules:
    """Return what `rules_as_stored` gave; raises `InvalidInput` ``invalid_levels``."""
    content = json.loads(stored)
    return Rules(
        levels_from(content["levels"]), CasePolicy(**content["policy"]), content["provider"]
    )


def require_countable(levels: Levels) -> None:
    """Return when levels hold nothing that nobody counts yet.

    Trading is allowed or not: how much a user has traded in the reference currency is not known.

    Raises
    ------
    InvalidInput
        ``invalid_levels``

    """
    for number, level in enumerate(levels.levels):
        if any(amount not in {None, 0} for amount in level.allows[Operation.TRADE]):
            raise InvalidInput(
                "invalid_levels",
                f"Levels: level {number} allows to trade any amount (null) or nothing (0); amounts "
                "that are traded are not counted yet.",
                field="levels",
            )
