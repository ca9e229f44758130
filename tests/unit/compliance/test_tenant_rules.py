"""A tenant's rules as they are kept, and what a level allows at the edge."""

from dataclasses import replace
from typing import Any

import pytest

from bursa.compliance.cases import DEFAULT_POLICY, CasePolicy
from bursa.compliance.level_check import LevelCheck
from bursa.compliance.levels import DEFAULT_LEVELS, Allowance, Levels, Operation
from bursa.compliance.list_in_force import ListInForce
from bursa.compliance.list_versions import ListFiles, publish
from bursa.compliance.provider_secrets import ProviderSecrets
from bursa.compliance.steps import Rules
from bursa.compliance.tenant_rules import require_countable, rules_as_stored, rules_from
from bursa.compliance.trade_limits import TradeLimits, TradeUsage
from bursa.kernel.errors import InternalError, InvalidInput, Refused
from bursa.kernel.identifiers import TenantId
from bursa.market_data.traded_value import TradedValues
from tests.unit.compliance.test_sanctions_list import sdn

T7, T8 = TenantId(7), TenantId(8)
RULES = Rules(DEFAULT_LEVELS, CasePolicy(four_eyes=True, pause_ms=5), "sumsub")


def uncounted() -> TradeLimits:
    """Return limits that nothing is counted by."""
    rows: Any = None
    usage = TradeUsage(TradedValues(rows, lambda _tenant: []), rows, lambda: 0)
    return TradeLimits(usage, rows, rows, rows, rows)


def test_rules_are_read_as_they_were_written() -> None:
    assert rules_from(rules_as_stored(RULES)) == RULES


PAIRS = {
    "its own": [("BTC", "EUR")],
    "as the base": [("EUR", "USDT"), ("BTC", "USDT")],
    "one in between": [("BTC", "EUR"), ("ETH", "BTC")],
    "the other way round": [("EUR", "USDT"), ("BTC", "USDT"), ("ETH", "BTC")],
}
STRANGE = {
    "no market of it": [("BTC", "USDT")],
    "two in between": [("BTC", "EUR"), ("ETH", "BTC"), ("SOL", "ETH"), ("DOT", "SOL")],
    "one of several": [("BTC", "EUR"), ("BTC", "USD"), ("ETH", "GBP")],
}


def limited(*trade: int | None) -> Levels:
    first = DEFAULT_LEVELS.levels[0]
    allows = {**first.allows, Operation.TRADE: Allowance(*trade)}
    return Levels("EUR", 2, (replace(first, allows=allows),))


@pytest.mark.parametrize("pairs", PAIRS.values(), ids=PAIRS)
def test_amounts_are_counted_where_markets_lead_to_the_currency(
    pairs: list[tuple[str, str]],
) -> None:
    require_countable(limited(1, 5), pairs)


@pytest.mark.parametrize("pairs", STRANGE.values(), ids=STRANGE)
def test_amounts_that_nothing_values_are_refused(pairs: list[tuple[str, str]]) -> None:
    for trade in ((None, None), (0, 0)):
        require_countable(limited(*trade), pairs)
    with pytest.raises(InvalidInput) as caught:
        require_countable(limited(1, 5), pairs)
    assert caught.value.code == "invalid_levels"


@pytest.mark.parametrize(
    ("levels", "level", "refused"),
    [
        (DEFAULT_LEVELS, 0, True),
        (DEFAULT_LEVELS, 1, False),
        (DEFAULT_LEVELS, 3, False),
        # A level that the tenant has taken away since.
        (DEFAULT_LEVELS, 9, False),
        (replace(DEFAULT_LEVELS, levels=DEFAULT_LEVELS.levels[:1]), 2, True),
        # A tenant that asks nobody.
        (None, 0, False),
    ],
)
def test_a_level_allows_to_trade_or_says_what_the_next_one_needs(
    levels: Levels | None, level: int, refused: bool
) -> None:
    check = LevelCheck(lambda _tenant: levels, uncounted())
    if not refused:
        check(T7, level, Operation.TRADE)
        return
    with pytest.raises(Refused) as caught:
        check(T7, level, Operation.TRADE)
    assert caught.value.code == "level_too_low"
    expected = "ask support" if level else "personal_data"
    assert expected in caught.value.detail


class Clock:
    time_ms = 0.0

    def monotonic_ms(self) -> float:
        return self.time_ms


def secrets_of(stored: bytes | None, clock: Clock) -> tuple[ProviderSecrets, list[str]]:
    read: list[str] = []

    def find(tenant: TenantId, provider: str) -> bytes | None:
        read.append(f"{tenant} {provider}")
        return stored

    return ProviderSecrets({T7: RULES}.get, find, clock), read


def test_secrets_are_read_once_a_minute_for_a_provider_that_the_tenant_has() -> None:
    clock = Clock()
    secrets, read = secrets_of(b'{"callback_secrets": ["one", "two"]}', clock)
    assert secrets(T7, "sumsub") == secrets(T7, "sumsub") == (b"one", b"two")
    assert read == ["t7 sumsub"]
    clock.time_ms = 60_000
    secrets(T7, "sumsub")
    assert len(read) == 2


@pytest.mark.parametrize(("tenant", "provider"), [(T7, "onfido"), (T8, "sumsub"), (T7, "../x")])
def test_nothing_is_read_for_a_hook_that_nobody_has(tenant: TenantId, provider: str) -> None:
    secrets, read = secrets_of(b"{}", Clock())
    assert secrets(tenant, provider) == ()
    assert read == []


def test_a_provider_without_settings_signs_nothing() -> None:
    assert secrets_of(None, Clock())[0](T7, "sumsub") == ()


@pytest.mark.parametrize("stored", [b"", b"[]", b"{}", b'{"callback_secrets": 7}'])
def test_settings_that_can_not_be_read_are_a_fault_of_ours(stored: bytes) -> None:
    with pytest.raises(InternalError) as caught:
        secrets_of(stored, Clock())[0](T7, "sumsub")
    assert caught.value.code == "invalid_provider_settings"


class Store:
    """Lists in memory; counts how often files are read."""

    def __init__(self) -> None:
        self.row: bytes | None = None
        self.files: dict[str, ListFiles] = {}
        self.reads = 0

    def read_in_force(self, _name: str) -> bytes | None:
        return self.row

    def write_in_force(self, _name: str, row: bytes, _before: bytes | None) -> None:
        self.row = row

    def read_files(self, _name: str, digest: str) -> ListFiles:
        self.reads += 1
        return self.files[digest]

    def write_files(self, _name: str, digest: str, files: ListFiles) -> None:
        self.files[digest] = files


def test_the_list_in_force_is_read_again_when_it_is_another() -> None:
    store = Store()
    screening = ListInForce(store, "sanctions")
    with pytest.raises(InvalidInput) as caught:
        screening()
    assert caught.value.code == "no_list"
    publish(store, "sanctions", ListFiles(sdn((1, "DOE, John")), b""), 1)
    assert screening() is screening()
    assert store.reads == 1
    second = ListFiles(sdn((1, "DOE, John"), (2, "ROE, Jane")), b"")
    after = publish(store, "sanctions", second, 2)
    assert screening().digest == after.digest


def test_the_default_policy_is_a_tenants_without_words_of_its_own() -> None:
    assert rules_from(rules_as_stored(Rules(DEFAULT_LEVELS, DEFAULT_POLICY))).provider == "manual"
