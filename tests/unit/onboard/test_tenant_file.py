"""A tenant's file: what it means, and how each fault in it is shown."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from bursa.compliance.cases import DEFAULT_POLICY
from bursa.compliance.levels import DEFAULT_LEVELS
from bursa.compliance.steps import Rules
from bursa.kernel.rates import Rate
from bursa.tenants.limits import DEFAULT_LIMITS
from bursa.tenants.listing import MarketListing, OpenLimits, PriceProtection
from scripts.onboard.tenant_file import TenantFileError, parse, read_file

DEMO = Path("docs/examples/tenants/demo.yaml")
PLAIN = """\
name: brand
hosts: [api.brand.example]
assets:
  BTC: { scale: 8 }
  USDT: { scale: 10 }
fees: { maker_ppm: 1000, taker_ppm: 2000 }
markets:
  BTC-USDT:
    tick_size: "0.01"
    lot_size: "0.00000001"
    min_notional: 5
    opening_price: "60000"
limits:
  account_commands: { per_s: 10, burst: 100 }
  account_connections: 3
admin: { email: Admin@Brand.example }
users:
  - { email: second@brand.example }
"""


def test_a_file_says_what_a_tenant_is() -> None:
    tenant = parse(PLAIN, "brand.yaml")
    listing = tenant.listing()
    assert [asset.symbol for asset in listing.assets] == ["BTC", "USDT"]
    assert listing.markets == (
        MarketListing("BTC", "USDT", "0.01", "0.00000001", "5", PriceProtection(), "60000"),
    )
    assert (listing.maker_ppm, listing.taker_ppm) == (1_000, 2_000)
    assert listing.open_limits == OpenLimits()
    assert tenant.tenant_limits() == DEFAULT_LIMITS._replace(
        account_commands=Rate(10, 100), account_connections=3
    )
    addresses = [user.email for user in tenant.everybody()]
    assert addresses == ["admin@brand.example", "second@brand.example"]


def test_the_demo_is_such_a_file() -> None:
    tenant = read_file(DEMO)
    assert tenant.play_money
    assert "password" not in DEMO.read_text().lower()
    assert list(tenant.markets) == ["BTC-USDT", "ETH-USDT", "BTC-IDR"]


# What is exchanged in the file, and the line, field and beginning of what is said.
FAULTS = {
    "no YAML": ("name: brand", "name: [brand", 2, "file", "expected"),
    "nothing": (PLAIN, "", 1, "file", "Input should be"),
    "twice": ("name: brand", "name: brand\nname: other", 2, "file", "name is there twice"),
    "an unknown field": ("fees:", "fee: 1\nfees:", 6, "fee", "there is no such field"),
    "a missing field": ("fees: { maker_ppm: 1000, taker_ppm: 2000 }", "", 1, "fees", "is missing"),
    "a bad name": ("name: brand", "name: Brand!", 1, "name", "String should match"),
    "a name like an id": ("name: brand", "name: t7", 1, "name", "looks like a tenant's id"),
    "a bad host": ("api.brand.example", "https://x", 2, "hosts.0", "String should match"),
    "a bad origin": (
        "hosts: [api.brand.example]", "origins: ['*']", 2, "origins", "* is no origin",
    ),
    "a scale as text": ("scale: 8", 'scale: "8"', 4, "assets.BTC.scale", "Input should be"),
    "a scale too large": ("scale: 8", "scale: 19", 4, "assets.BTC.scale", "Input should be less"),
    "a small symbol": ("  BTC: {", "  btc: {", 4, "assets.btc", "String should match"),
    "a float": (
        'tick_size: "0.01"', "tick_size: 0.01", 9, "markets.BTC-USDT.tick_size", "write the number",
    ),
    "no number": (
        'tick_size: "0.01"', "tick_size: x", 9, "markets.BTC-USDT.tick_size", "Send tick_size as",
    ),
    "a lot below a unit": (
        '"0.00000001"', '"0.000000001"', 10, "markets.BTC-USDT.lot_size", "A lot of BTC-USDT",
    ),
    "a tick below a unit": (
        "scale: 10", "scale: 6", 9, "markets.BTC-USDT.tick_size", "Tick times lot",
    ),
    "too precise": (
        "min_notional: 5", 'min_notional: "0.00000000001"', 11, "markets.BTC-USDT.min_notional",
        "Send min_notional with at most 10",
    ),
    "a price off the tick": (
        '"60000"', '"60000.001"', 12, "markets.BTC-USDT.opening_price", "The opening price of",
    ),
    "nothing to be around": (
        '    opening_price: "60000"\n', "", 8, "markets.BTC-USDT.opening_price", "Name an opening",
    ),
    "an unlisted asset": ("  BTC-USDT:", "  BTC-EUR:", 8, "markets.BTC-EUR", "EUR is not among"),
    "no pair": ("  BTC-USDT:", "  BTCUSDT:", 8, "markets.BTCUSDT", "name a market by"),
    "with itself": ("  BTC-USDT:", "  BTC-BTC:", 8, "markets.BTC-BTC", "name a market by"),
    "a rebate too large": ("maker_ppm: 1000", "maker_ppm: -3000", 6, "fees.maker_ppm", "a rebate"),
    "a fee too large": ("taker_ppm: 2000", "taker_ppm: 100001", 6, "fees.taker_ppm", "Input"),
    "an unknown limit": ("account_commands", "account_x", 14, "limits.account_x", "there is no"),
    "a rate as a number": (
        "{ per_s: 10, burst: 100 }", "7", 14, "limits.account_commands", "is a rate",
    ),
    "a number as a rate": (
        "account_connections: 3", "account_connections: { per_s: 1, burst: 1 }", 15,
        "limits.account_connections", "is a whole number",
    ),
    "a burst too small": (
        "burst: 100", "burst: 1", 14, "limits.account_commands", "account_commands is a rate of",
    ),
    "a colour that is a comment": (
        "limits:", "branding: { languages: [en], colours: { text:  } }\nlimits:", 13,
        "branding.colours.text", "Input should be a valid string",
    ),
    "colours alike": (
        "limits:", "branding:\n  colours:\n    text: '#eeeeee'\nlimits:", 15,
        "branding.colours.text", "has a contrast of 1.16 on background",
    ),
    "a language by name": (
        "limits:", "branding:\n  languages:\n    - en\n    - german\nlimits:", 16,
        "branding.languages.1", "is a language as BCP 47",
    ),
    "no https": (
        "limits:", "branding: { logo_url: 'http://brand.example/x' }\nlimits:", 13,
        "branding.logo_url", "is a URL of up to",
    ),
    "a pause too long": (
        "limits:", "withdrawal_pause_s: 604801\nlimits:", 13, "withdrawal_pause_s", "Input should",
    ),
    "a pause that ends before it begins": (
        "limits:", "withdrawal_pause_s: -1\nlimits:", 13, "withdrawal_pause_s", "Input should",
    ),
    "no address": ("second@brand.example", "second", 18, "users.0.email", "is no e-mail address"),
    "an address twice": (
        "second@brand.example", "ADMIN@brand.example", 18, "users.0.email", "admin@brand",
    ),
    "money from nothing": (
        "second@brand.example }", 'second@brand.example, credits: { BTC: "1" } }', 18,
        "users.0.credits", "would be money",
    ),
    "a password": (
        "second@brand.example }", "second@brand.example, password: x }", 18, "users.0.password",
        "there is no such field",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("old", "new", "line", "field", "message"), FAULTS.values(), ids=FAULTS)
def test_a_fault_is_shown_with_its_line_and_field(
    old: str, new: str, line: int, field: str, message: str
) -> None:
    assert old in PLAIN
    with pytest.raises(TenantFileError) as refused:
        parse(PLAIN.replace(old, new, 1), "brand.yaml")
    fault = refused.value.faults[0]
    assert (fault.line, fault.field) == (line, field)
    assert fault.message.startswith(message)
    assert fault.message[-1] in ".'"


@pytest.mark.parametrize(
    ("asset", "amount", "message"),
    [("EUR", '"1"', "EUR is not among"), ("BTC", '"0.000000001"', "Send amount with at most 8")],
)
def test_a_credit_must_be_of_a_listed_asset_in_whole_units(
    asset: str, amount: str, message: str
) -> None:
    admin = f"play_money: true\nadmin: {{ credits: {{ {asset}: {amount} }},"
    text = PLAIN.replace("admin: {", admin)
    with pytest.raises(TenantFileError) as refused:
        parse(text, "brand.yaml")
    (fault,) = refused.value.faults
    assert (fault.line, fault.field) == (17, f"admin.credits.{asset}")
    assert fault.message.startswith(message)


def test_all_faults_of_form_are_shown_at_once() -> None:
    text = re.sub("scale: (8|10)", "scale: many", PLAIN)
    with pytest.raises(TenantFileError) as refused:
        parse(text, "brand.yaml")
    assert [fault.line for fault in refused.value.faults] == [4, 5]


@pytest.mark.parametrize("content", [None, b"\xff", b"#" * (1 << 20) + b"\n"])
def test_a_file_that_can_not_be_read_is_one_sentence(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "tenant.yaml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(TenantFileError, match=r"tenant\.yaml:1: file: "):
        read_file(path)


LEVELS = """
  levels:
    currency: EUR
    scale: 2
    levels:
      - name: new
        needs: [email]
        allows: { deposit: [0, 0], trade: [0, 0], withdraw: [0, 0] }
      - name: known
        needs: [email, personal_data]
        allows: { deposit: [null, null], trade: [null, null], withdraw: [0, 0] }
"""


def with_kyc(more: str = "", level: int = 0) -> str:
    text = PLAIN.replace("admin: {", f"admin: {{ level: {level},")
    return f"{text.rstrip()}\nkyc:\n  provider: manual{more}\n"


def test_a_tenant_that_says_nothing_asks_nobody() -> None:
    assert parse(PLAIN, "x").kyc is None


def test_kyc_has_the_levels_of_the_example_unless_it_names_its_own() -> None:
    found = parse(with_kyc(level=3), "x").kyc
    assert found is not None
    assert found.rules() == Rules(DEFAULT_LEVELS, DEFAULT_POLICY, "manual")
    own = parse(with_kyc(LEVELS + "  four_eyes: true\n  pause_days: 1", level=1), "x").kyc
    assert own is not None
    assert [level.name for level in own.rules().levels.levels] == ["new", "known"]
    assert own.rules().policy == replace(DEFAULT_POLICY, four_eyes=True, pause_ms=86_400_000)


def test_a_provider_elsewhere_has_a_name_for_each_level() -> None:
    more = LEVELS + "  provider_levels: { 1: basic-kyc }\n  provider_region: us"
    found = parse(with_kyc(more).replace("manual", "sumsub"), "x").kyc
    assert found is not None
    assert found.rules().provider_levels == ((1, "basic-kyc"),)
    assert found.rules().provider_region == "us"


@pytest.mark.parametrize(
    ("text", "field", "message"),
    [
        (with_kyc().replace("manual", "nobody"), "kyc.provider", "Input should be"),
        (with_kyc("\n  pause_days: 31"), "kyc.pause_days", "Input should be less"),
        (with_kyc("\n  nonsense: 1"), "kyc.nonsense", "there is no such field"),
        (with_kyc("\n  levels: {}"), "kyc.levels", "Levels: give currency"),
        (
            with_kyc(LEVELS.replace("trade: [0, 0]", "trade: [5, 5]")),
            "kyc.levels",
            "Levels: what is traded for USDT can't be counted in EUR",
        ),
        (
            with_kyc(LEVELS.replace("[email, personal_data]", "[personal_data]")),
            "kyc.levels",
            "Levels: level 1 needs all",
        ),
        (with_kyc().replace("manual", "sumsub"), "kyc.provider_levels", "name how sumsub checks"),
        (
            with_kyc("\n  provider_levels: { 1: a }").replace("manual", "onfido"),
            "kyc.provider_levels",
            "name how onfido checks level 2",
        ),
        (with_kyc("\n  provider_levels: { 1: a }"), "kyc.provider_levels", "manual knows no names"),
        (with_kyc("\n  provider_levels: { 0: a }"), "kyc.provider_levels.0", "Input should be"),
        (with_kyc("\n  provider_levels: { 1: a/b }"), "kyc.provider_levels.1", "String should"),
        (with_kyc("\n  provider_region: de"), "kyc.provider_region", "Input should be"),
        (with_kyc(LEVELS, level=2), "admin.level", "is no level of this tenant"),
        (PLAIN.replace("admin: {", "admin: { level: 1,"), "admin.level", "is no level"),
    ],
)
def test_a_fault_of_kyc_is_shown_at_its_field(text: str, field: str, message: str) -> None:
    with pytest.raises(TenantFileError) as refused:
        parse(text, "brand.yaml")
    fault = refused.value.faults[0]
    assert fault.field == field
    assert fault.message.startswith(message)


TIERS = {
    "no currency": ('tiers: [{ volume: "1", maker_ppm: 1, taker_ppm: 1 }]', "fees.currency"),
    "a currency for nothing": ("currency: USDT", "fees.currency"),
    "an unknown currency": (
        'currency: EUR, tiers: [{ volume: "1", maker_ppm: 1, taker_ppm: 1 }]',
        "fees.currency",
    ),
    "a volume of nothing": (
        'currency: USDT, tiers: [{ volume: "0", maker_ppm: 1, taker_ppm: 1 }]',
        "fees.tiers",
    ),
    "a volume too fine": (
        'currency: USDT, tiers: [{ volume: "0.00000000001", maker_ppm: 1, taker_ppm: 1 }]',
        "fees.tiers",
    ),
    "a rebate that nobody pays": (
        'currency: USDT, tiers: [{ volume: "1", maker_ppm: -20, taker_ppm: 10 }]',
        "fees.tiers",
    ),
    "a rate beyond the engine's": (
        'currency: USDT, tiers: [{ volume: "1", maker_ppm: 1, taker_ppm: 100001 }]',
        "fees.tiers.0.taker_ppm",
    ),
}


@pytest.mark.parametrize("about", TIERS)
def test_tiers_that_are_none_are_faults(about: str) -> None:
    fees, place = TIERS[about]
    text = PLAIN.replace("taker_ppm: 2000", f"taker_ppm: 2000, {fees}")
    with pytest.raises(TenantFileError, match=place):
        parse(text, "brand.yaml")
