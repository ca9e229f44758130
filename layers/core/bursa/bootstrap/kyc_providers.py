"""Build the provider that a tenant has chosen, with the tenant's own credentials."""

from functools import cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from bursa.aws.clients import secrets_client
from bursa.aws.secrets import find_secret
from bursa.compliance.onfido import BASE_URLS, Onfido
from bursa.compliance.provider_calls_https import HttpsProvider
from bursa.compliance.provider_secrets import ProviderSecrets
from bursa.compliance.providers import Provider, open_here
from bursa.compliance.sumsub import BASE_URL, Sumsub
from bursa.kernel.settings import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable

    from bursa.compliance.rules_dynamodb import KeptRules
    from bursa.compliance.steps import Rules
    from bursa.kernel.clock import SystemClock
    from bursa.kernel.identifiers import TenantId
    from bursa.kernel.settings import KycSettings, KycTasksSettings

_connection = cache(HttpsProvider)


def open_provider_secrets(
    settings: "KycSettings | KycTasksSettings", rules: "KeptRules", clock: "SystemClock"
) -> ProviderSecrets:
    """Build what reads the secrets of tenants' providers, each under its tenant."""
    client = cache(secrets_client)

    def read(tenant: "TenantId", provider: str) -> bytes | None:
        return find_secret(client(), f"{settings.kyc_secrets}{tenant}/{provider}")

    return ProviderSecrets(rules, read, clock)


def stand_in_of(settings: "KycSettings | KycTasksSettings") -> str:
    """Return the address at which providers are played; empty where the providers are asked.

    What they are sent is who somebody is, so it leaves neither an emulator nor its machine: no
    template has the variable, and one that is set elsewhere is not passed over in silence.

    Raises
    ------
    SettingsError
        ``KYC_PROVIDER_URL`` is set where it may not be, or names another machine.

    """
    address = settings.kyc_provider_url
    if not address:
        return ""
    parts = urlsplit(address)
    is_here = parts.scheme == "http" and parts.hostname == "127.0.0.1"
    if not settings.aws_endpoint_url or not is_here:
        raise SettingsError(
            "KYC_PROVIDER_URL is for a stand-in at http://127.0.0.1:PORT beside an emulator of AWS;"
            " unset it."
        )
    return address


def providers(
    settings: "KycSettings | KycTasksSettings",
    rules_of: "Callable[[TenantId], Rules]",
    secrets: ProviderSecrets,
) -> "Callable[[TenantId], Provider]":
    """Return what opens a tenant's provider.

    Where one is, its own module says, unless it is played here; raises as `stand_in_of` does.
    """
    is_for_trying_out = settings.kyc_sandbox == "true"
    stand_in = stand_in_of(settings)

    def provider_of(tenant: "TenantId") -> Provider:
        rules = rules_of(tenant)
        names = dict(rules.provider_levels)
        if rules.provider == "sumsub":
            token, key = secrets.credentials(tenant, "sumsub", "app_token", "secret_key")
            connection = _connection(stand_in or BASE_URL)
            return Sumsub(connection, token, key.encode(), names.get)
        if rules.provider == "onfido":
            (token,) = secrets.credentials(tenant, "onfido", "api_token")
            connection = _connection(stand_in or BASE_URLS[rules.provider_region])
            return Onfido(connection, token, names.get)
        return open_here(rules.provider, is_for_trying_out=is_for_trying_out)

    return provider_of
