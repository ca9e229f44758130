"""Where a provider is asked: at its own address, or a stand-in's beside an emulator."""

import json
from typing import Any

import pytest

from bursa.bootstrap.kyc_providers import providers, stand_in_of
from bursa.compliance.cases import DEFAULT_POLICY
from bursa.compliance.levels import DEFAULT_LEVELS
from bursa.compliance.provider_secrets import ProviderSecrets
from bursa.compliance.providers import Reference
from bursa.compliance.steps import Rules
from bursa.kernel.identifiers import TenantId
from bursa.kernel.settings import (
    KycSettings,
    KycTasksSettings,
    SettingsError,
    described_settings,
    read_settings,
)
from tests.doubles.providers import APP_TOKEN, SECRET_KEY, PlayedSumsub

EMULATOR = "http://127.0.0.1:4566"
STAND_IN = "http://127.0.0.1:5000"
KINDS: Any = (KycSettings, KycTasksSettings)


def settings_of(kind: Any, **variables: str) -> Any:
    """Return a function's settings by its variables, as they are read at its start."""
    needed = {name.upper(): "x" for name, (_, needed) in described_settings(kind).items() if needed}
    return read_settings(kind, needed | variables)


@pytest.mark.parametrize("kind", KINDS)
def test_a_stand_in_is_asked_beside_an_emulator_and_no_other(kind: Any) -> None:
    both = {"KYC_PROVIDER_URL": STAND_IN, "AWS_ENDPOINT_URL": EMULATOR}
    assert stand_in_of(settings_of(kind, **both)) == STAND_IN
    assert stand_in_of(settings_of(kind, AWS_ENDPOINT_URL=EMULATOR)) == ""
    assert stand_in_of(settings_of(kind)) == ""


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("address", "endpoint"),
    [
        (STAND_IN, ""),
        ("https://stand-in.example", EMULATOR),
        ("http://10.0.0.1:5000", EMULATOR),
        ("http://127.0.0.1@stand-in.example", EMULATOR),
        ("http://127.0.0.1.stand-in.example:5000", EMULATOR),
        ("file:///etc/passwd", EMULATOR),
        ("127.0.0.1:5000", EMULATOR),
    ],
    ids=["on AWS", "another host", "another machine", "a user", "a subdomain", "a file", "no URL"],
)
def test_an_address_that_no_stand_in_has_is_refused(kind: Any, address: str, endpoint: str) -> None:
    # Also where tenants may have the sandbox: that is a deployment on AWS.
    variables = {"KYC_PROVIDER_URL": address, "AWS_ENDPOINT_URL": endpoint, "KYC_SANDBOX": "true"}
    settings = settings_of(kind, **variables)
    with pytest.raises(SettingsError, match="KYC_PROVIDER_URL"):
        stand_in_of(settings)
    unused: Any = None
    with pytest.raises(SettingsError, match="KYC_PROVIDER_URL"):
        providers(settings, unused, unused)


def test_a_tenants_provider_is_asked_at_the_stand_in() -> None:
    rules = Rules(DEFAULT_LEVELS, DEFAULT_POLICY, "sumsub", ((1, "basic"),))
    stored = json.dumps({"app_token": APP_TOKEN, "secret_key": SECRET_KEY}).encode()
    no_clock: Any = None
    secrets = ProviderSecrets(lambda _: rules, lambda *_: stored, no_clock)
    played, tenant = PlayedSumsub(), TenantId(7)
    with played.serving():
        variables = {"KYC_PROVIDER_URL": played.url, "AWS_ENDPOINT_URL": EMULATOR}
        settings = settings_of(KycTasksSettings, **variables)
        provider = providers(settings, lambda _: rules, secrets)(tenant)
        assert provider.ask(Reference(tenant, "anna", 1), 1_790_000_000_000) is None
    assert played.calls() == ["GET /resources/applicants/-;externalUserId=t7.anna.1/one"]
