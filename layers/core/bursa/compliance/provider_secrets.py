"""The secrets with which providers sign what they call back with, kept for a minute.

Read for a tenant that has the provider, and for no other: who guesses names of hooks makes nobody
read anything.
"""

import json
from collections.abc import Callable

from bursa.compliance.steps import Rules
from bursa.kernel.clock import MonotonicClock
from bursa.kernel.errors import InternalError
from bursa.kernel.identifiers import TenantId

_AGE_MS_MAX = 60_000


class ProviderSecrets:
    """The secrets of all tenants' providers.

    Parameters
    ----------
    rules
        Returns a tenant's rules, None for one that asks nobody.
    read
        Returns a tenant's settings of its provider as JSON, None where there are none; raises
        `Unavailable`.

    """

    def __init__(
        self,
        rules: Callable[[TenantId], Rules | None],
        read: Callable[[TenantId, str], bytes | None],
        clock: MonotonicClock,
    ) -> None:
        self._rules = rules
        self._read = read
        self._clock = clock
        self._known: dict[tuple[TenantId, str], tuple[float, tuple[bytes, ...]]] = {}

    def __call__(self, tenant: TenantId, provider: str) -> tuple[bytes, ...]:
        """Return one, or two while it is exchanged; none for a provider that a tenant has not.

        Raises
        ------
        InternalError
            ``invalid_provider_settings``: what was stored is not in the form of docs/compliance.md.
        Unavailable
            They can't be read at the moment.

        """
        rules = self._rules(tenant)
        if rules is None or rules.provider != provider:
            return ()
        now_ms = self._clock.monotonic_ms()
        known = self._known.get((tenant, provider))
        if known is None or now_ms - known[0] >= _AGE_MS_MAX:
            known = self._known[tenant, provider] = (now_ms, self._parsed(tenant, provider))
        return known[1]

    def credentials(self, tenant: TenantId, provider: str, *names: str) -> tuple[str, ...]:
        """Return values of a tenant's settings of its provider, read anew; raises as a call."""
        stored = self._read(tenant, provider)
        try:
            settings = json.loads(stored or b"")
            found = tuple(settings[name] for name in names)
        except (ValueError, KeyError, TypeError) as error:
            raise _invalid_settings() from error
        if not all(type(one) is str and one for one in found):
            raise _invalid_settings()
        return found

    def _parsed(self, tenant: TenantId, provider: str) -> tuple[bytes, ...]:
        settings = self._read(tenant, provider)
        if settings is None:
            return ()
        try:
            stored = json.loads(settings)["callback_secrets"]
            return tuple(str(one).encode() for one in stored)
        except (ValueError, KeyError, TypeError) as error:
            raise _invalid_settings() from error


def _invalid_settings() -> InternalError:
    return InternalError("invalid_provider_settings", "The settings of the provider can't be read.")
