"""Users' addresses for mails, in their tenants' user pools."""

from functools import cached_property
from typing import TYPE_CHECKING

from bursa.aws.failures import unavailable
from bursa.kernel.identifiers import TenantId

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient

    from bursa.tenants.profile import TenantProfile


class PoolAddresses:
    """See `bursa.notifications.notifier.Addresses`.

    Parameters
    ----------
    profile_of
        Returns a tenant's profile, which names its pool; None for an unknown tenant.
    open_client
        Called at the first use.

    """

    def __init__(
        self,
        profile_of: "Callable[[TenantId], TenantProfile | None]",
        open_client: "Callable[[], CognitoIdentityProviderClient]",
    ) -> None:
        self._profile_of = profile_of
        self._open_client = open_client

    def verified(self, tenant: TenantId, user: str) -> str | None:
        """Return a user's address, if it has shown that it is its own; raises `Unavailable`."""
        profile = self._profile_of(tenant)
        if profile is None:
            return None
        pool = profile.issuer.rpartition("/")[2]
        with unavailable("user_pool_unavailable", "The same comes again."):
            try:
                found = self._client.admin_get_user(UserPoolId=pool, Username=user)
            except self._client.exceptions.UserNotFoundException:
                return None
            except self._client.exceptions.ResourceNotFoundException:
                # The pool of a tenant that was deleted meanwhile: no repeat would find it.
                return None
        attributes = {one["Name"]: one.get("Value", "") for one in found["UserAttributes"]}
        is_own = attributes.get("email_verified") == "true"
        return attributes.get("email") if is_own else None

    @cached_property
    def _client(self) -> "CognitoIdentityProviderClient":
        return self._open_client()
