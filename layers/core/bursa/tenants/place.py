"""Where a tenant is opened: which tenant it is, whose pool signs its users in, on which shard."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from bursa.kernel.errors import Conflict, InvalidInput
from bursa.kernel.identifiers import TenantId
from bursa.tenants.description import TenantDescription
from bursa.tenants.profile import TenantProfile
from bursa.tenants.stacks import NONE_CHOSEN, StackKind, StackState


class Directory(Protocol):
    """The directory, read only."""

    def tenant_named(self, name: str) -> TenantId | None:
        """Return the tenant that goes by a name."""

    def tenant_of(self, issuer: str) -> TenantProfile | None:
        """Return the tenant whose users this issuer signs in."""

    def profile(self, tenant: TenantId) -> TenantProfile | None:
        """Return a tenant's settings."""


class Stacks(Protocol):
    """What tenants have of their own, read only."""

    def state(
        self, tenant: TenantId, kind: StackKind, choices: Mapping[str, str] = NONE_CHOSEN
    ) -> StackState:
        """Return how a tenant's stack compares with its blueprint."""


@dataclass(frozen=True, slots=True)
class Pool:
    """A user pool: the issuer of its tokens, and the clients they may be made for."""

    issuer: str
    client_ids: frozenset[str]

    @property
    def user_pool_id(self) -> str:
        """Its id, with which its issuer ends."""
        return self.issuer.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a tenant is opened.

    Attributes
    ----------
    tenant
        None for a new one, which has no number before it is opened.
    profile
        What the directory has of it; None while that is nothing.
    pool
        Its users' pool; None for one of its own that is not made yet.
    has_own_pool
        Whether its pool is a stack of its own.
    shard
        On which it is.

    """

    tenant: TenantId | None
    profile: TenantProfile | None
    pool: Pool | None
    has_own_pool: bool
    shard: int


@dataclass(frozen=True, slots=True)
class Deployment:
    """A deployment as far as it decides on places: the pool of its own stack, and its shards."""

    pool: Pool
    shards: tuple[int, ...]


def find_place(
    file: TenantDescription, deployment: Deployment, directory: Directory, stacks: Stacks
) -> Place:
    """Return where a tenant is opened, or is already.

    A name is a tenant's for good. One without a pool named in its file gets the deployment's own
    while no other tenant has that, and one of its own otherwise.

    Raises
    ------
    Conflict
        ``pool_fixed``: the tenant's users are in another pool than the file names;
        ``pool_taken``: the pool that it names is another tenant's.
    InvalidInput
        ``unknown_shard``

    """
    tenant = directory.tenant_named(file.name)
    pool, owner = _wanted_pool(file, deployment, directory, tenant, stacks)
    if tenant is None and owner is not None:
        tenant = owner.tenant
    profile = None if tenant is None else directory.profile(tenant)
    has_own_pool = pool is None and (
        profile is None or stacks.state(profile.tenant, StackKind.USERS) is not StackState.ABSENT
    )
    if profile is not None:
        if pool is not None and pool.issuer != profile.issuer:
            raise Conflict(
                "pool_fixed",
                f"{file.name} is {profile.tenant}, whose users are those of {profile.issuer}: name "
                "that pool, or none.",
            )
        pool = pool or Pool(profile.issuer, profile.client_ids)
    return Place(tenant, profile, pool, has_own_pool, _shard(file, deployment, profile))


def _wanted_pool(
    file: TenantDescription,
    deployment: Deployment,
    directory: Directory,
    tenant: TenantId | None,
    stacks: Stacks,
) -> tuple[Pool | None, TenantProfile | None]:
    """Return the pool, None for one of the tenant's own, and whose it is."""
    own = deployment.pool
    if file.sign_in is not None:
        issuer = f"{own.issuer.rpartition('/')[0]}/{file.sign_in.user_pool_id}"
        owner = directory.tenant_of(issuer)
        if owner is not None and owner.tenant != tenant and owner.name != file.name:
            # Or this file would become that tenant, its admin an owner there.
            raise Conflict(
                "pool_taken",
                f"{issuer} has the users of {owner.tenant}: name another pool, or none.",
            )
        return Pool(issuer, frozenset(file.sign_in.client_ids)), owner
    owner = directory.tenant_of(own.issuer)
    if owner is not None:
        # By its name too: a tenant from before names were kept.
        is_ours = owner.tenant == tenant if tenant else owner.name == file.name
        return (own, owner) if is_ours else (None, None)
    # Free; but opening may have broken off after the tenant got a pool of its own.
    if tenant is not None and (
        directory.profile(tenant) is not None
        or stacks.state(tenant, StackKind.USERS) is not StackState.ABSENT
    ):
        return None, None
    return own, None


def _shard(file: TenantDescription, deployment: Deployment, profile: TenantProfile | None) -> int:
    if file.shard is None:
        return deployment.shards[0] if profile is None else profile.shard
    if file.shard not in deployment.shards:
        known = ", ".join(map(str, deployment.shards))
        raise InvalidInput(
            "unknown_shard",
            f"There is no shard {file.shard}; this deployment has {known}. Name one of them, or "
            "none.",
            field="shard",
        )
    return file.shard
