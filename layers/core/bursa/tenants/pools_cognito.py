"""The user pools of tenants, as whoever opens and deletes tenants sees them."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from bursa.tenants.stacks import MADE_FOR_TENANT

if TYPE_CHECKING:
    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient


class TenantUserPools:
    """All user pools of a deployment."""

    def __init__(self, client: "CognitoIdentityProviderClient") -> None:
        self._client = client

    def users(self, issuer: str) -> Iterator[Mapping[str, Any]]:
        """Yield every user of an issuer: subject, e-mail address, state, times in milliseconds."""
        pages = self._client.get_paginator("list_users").paginate(UserPoolId=pool_id(issuer))
        for page in pages:
            for user in page["Users"]:
                attributes = {one["Name"]: one.get("Value", "") for one in user["Attributes"]}
                yield {
                    "subject": attributes.get("sub", ""),
                    "email": attributes.get("email", ""),
                    "state": user["UserStatus"],
                    "is_enabled": user["Enabled"],
                    "created_at_ms": int(user["UserCreateDate"].timestamp() * 1_000),
                }

    def remove(self, issuer: str) -> None:
        """Delete the users of an issuer, and its pool if a tenant's opening made it."""
        name = pool_id(issuer)
        try:
            pool = self._client.describe_user_pool(UserPoolId=name)["UserPool"]
        except self._client.exceptions.ResourceNotFoundException:
            return
        if MADE_FOR_TENANT in pool.get("UserPoolTags", {}):
            if pool.get("DeletionProtection") == "ACTIVE":
                self._client.update_user_pool(UserPoolId=name, DeletionProtection="INACTIVE")
            self._client.delete_user_pool(UserPoolId=name)
            return
        for page in self._client.get_paginator("list_users").paginate(UserPoolId=name):
            for user in page["Users"]:
                self._client.admin_delete_user(UserPoolId=name, Username=user["Username"])


def pool_id(issuer: str) -> str:
    """Return the id of the user pool that an issuer is the URL of."""
    return issuer.rpartition("/")[2]
