"""Rules of withdrawals: which apply, the strictest stands, and what a new policy would change."""

from typing import Any

import pytest

from bursa.kernel.errors import InvalidInput
from bursa.wallets.policy import (
    Facts,
    Policy,
    Rule,
    Strictness,
    Verdict,
    dry_run,
    policy_as_stored,
    policy_from,
)

ALLOW, APPROVALS, REVIEW, REFUSE = Strictness
FACTS = Facts("ETH", "ethereum", 1_000, 2, is_unlisted=False, by_key=False)


@pytest.mark.parametrize(
    ("applies", "changes"),
    [
        (True, {}),
        (True, {"value_from": 1_000}),
        (False, {"value_from": 1_001}),
        (True, {"asset": "ETH", "chain": "ethereum"}),
        (False, {"asset": "BTC"}),
        (False, {"chain": "bitcoin"}),
        (True, {"level_below": 3}),
        (False, {"level_below": 2}),
        (False, {"unlisted": True}),
        (True, {"unlisted": False}),
        (False, {"by_key": True}),
        (True, {"by_key": False}),
        (False, {"asset": "ETH", "by_key": True}),
    ],
)
def test_a_rule_applies_when_all_that_it_names_does(applies: bool, changes: dict[str, Any]) -> None:
    assert Rule("one", REFUSE, **changes).applies(FACTS) is applies


@pytest.mark.parametrize(
    ("verdict", "rules"),
    [
        (Verdict(ALLOW, 0, ()), []),
        (Verdict(ALLOW, 0, ()), [Rule("a", ALLOW)]),
        (Verdict(APPROVALS, 2, ("a", "b")), [
            Rule("a", APPROVALS, 1), Rule("b", APPROVALS, 2), Rule("c", REFUSE, asset="BTC"),
        ]),
        (Verdict(REVIEW, 1, ("a", "b")), [Rule("a", APPROVALS, 1), Rule("b", REVIEW)]),
        (Verdict(REFUSE, 1, ("a", "b")), [Rule("a", APPROVALS, 1), Rule("b", REFUSE)]),
    ],
)  # fmt: skip
def test_the_strictest_verdict_and_the_most_people_stand(
    verdict: Verdict, rules: list[Rule]
) -> None:
    assert Policy(tuple(rules)).verdict(FACTS) == verdict


@pytest.mark.parametrize(
    "rules",
    [
        [{"strictness": "refuse"}],
        [{"name": "a"}],
        [{"name": "a", "strictness": "maybe"}],
        [{"name": "a", "strictness": 3}],
        [{"name": "a", "strictness": "refuse", "colour": "red"}],
        [{"name": "", "strictness": "refuse"}],
        [{"name": "a\n", "strictness": "refuse"}],
        [{"name": "a" * 61, "strictness": "refuse"}],
        [{"name": "a", "strictness": "refuse"}] * 2,
        [{"name": str(n), "strictness": "refuse"} for n in range(51)],
        [{"name": "a", "strictness": "approvals"}],
        [{"name": "a", "strictness": "approvals", "approvals": 3}],
        [{"name": "a", "strictness": "refuse", "approvals": 1}],
        [{"name": "a", "strictness": "review", "approvals": -1}],
        [{"name": "a", "strictness": "refuse", "value_from": -1}],
        [{"name": "a", "strictness": "refuse", "value_from": 1.5}],
        [{"name": "a", "strictness": "refuse", "value_from": True}],
        [{"name": "a", "strictness": "refuse", "level_below": "2"}],
        [{"name": "a", "strictness": "refuse", "unlisted": 1}],
        [{"name": "a", "strictness": "refuse", "asset": 1}],
        ["refuse"],
        None,
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(rules: Any) -> None:
    with pytest.raises(InvalidInput) as error:
        policy_from({"rules": rules})
    assert error.value.code == "invalid_policy"


def test_a_policy_is_kept_whole() -> None:
    rules = (
        Rule("a", APPROVALS, 2, value_from=5, asset="ETH", level_below=0, unlisted=False),
        Rule("b", REVIEW, chain="bitcoin", by_key=True),
    )
    stored = policy_as_stored(Policy(rules, 3))
    assert stored["rules"][0]["strictness"] == "approvals"
    assert policy_from(stored, 3) == Policy(rules, 3)


def test_a_dry_run_says_what_would_have_been_otherwise() -> None:
    old = Policy((Rule("large", APPROVALS, 1, value_from=1_000),))
    new = Policy((Rule("big", APPROVALS, 1, value_from=1_000), Rule("key", REFUSE, by_key=True)))
    history = [
        ("one", FACTS),
        ("two", FACTS._replace(value=1)),
        ("three", FACTS._replace(by_key=True)),
    ]
    found = dry_run(new, old, history)
    assert found.counts == {APPROVALS: 1, ALLOW: 1, REFUSE: 1}
    # That a rule has another name by now is no difference.
    assert [one.withdrawal for one in found.changes] == ["three"]
    assert found.changes[0].after == Verdict(REFUSE, 1, ("big", "key"))
