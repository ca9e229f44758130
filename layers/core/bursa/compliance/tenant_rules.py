"""A tenant's rules as its profile keeps them; a tenant without any asks nobody who they are."""

import json
from collections.abc import Collection
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
            "provider_levels": rules.provider_levels,
            "provider_region": rules.provider_region,
        },
        sort_keys=True,
    )


def rules_from(stored: str) -> Rules:
    """Return what `rules_as_stored` gave; raises `InvalidInput` ``invalid_levels``."""
    content = json.loads(stored)
    return Rules(
        levels_from(content["levels"]),
        CasePolicy(**content["policy"]),
        content["provider"],
        # Rules of older software lack these.
        tuple((level, name) for level, name in content.get("provider_levels", ())),
        content.get("provider_region", "eu"),
    )


def require_countable(levels: Levels, pairs: Collection[tuple[str, str]]) -> None:
    """Return when all that levels limit can be counted by the tenant's own markets.

    Parameters
    ----------
    pairs
        Base and quote of each market.

    Raises
    ------
    InvalidInput
        ``invalid_levels``: trading is limited by amount, and there is a market whose quote asset is
        not the currency and has no market, or two with one asset in between, that lead to it.

    """
    amounts = {amount for level in levels.levels for amount in level.allows[Operation.TRADE]}
    if amounts <= {None, 0}:
        return
    near = _traded_with(frozenset({levels.currency}), pairs)
    known = near | _traded_with(near, pairs)
    strange = sorted({quote for _, quote in pairs} - known - {levels.currency})
    if not near or strange:
        what = f"what is traded for {strange[0]}" if strange else "what is traded"
        raise InvalidInput(
            "invalid_levels",
            f"Levels: {what} can't be counted in {levels.currency}: have a market of the two, or "
            "two with one asset in between, or allow to trade any amount (null) or nothing (0).",
            field="levels",
        )


def _traded_with(assets: frozenset[str], pairs: Collection[tuple[str, str]]) -> frozenset[str]:
    return frozenset(other for pair in pairs for one, other in (pair, pair[::-1]) if one in assets)
