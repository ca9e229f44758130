"""What a tenant has of its own in AWS: a stack of keys, and one of users unless a pool is named.

A stack is made whole or not at all, is found again by its name, and tags what it makes with its
tenant; that is what makes opening a tenant something that can be repeated.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from hashlib import sha256
from types import MappingProxyType
from typing import Final, Protocol

from bursa.kernel.identifiers import TenantId


class StackKind(StrEnum):
    """The stacks of a tenant; a word of their names."""

    KEYS = "keys"
    USERS = "users"


class StackState(StrEnum):
    """How a tenant's stack compares with what it should be made from."""

    ABSENT = "absent"
    OUTDATED = "outdated"
    CURRENT = "current"


@dataclass(frozen=True, slots=True)
class Blueprint:
    """What a stack is made from.

    Attributes
    ----------
    template
        Its text.
    parameters
        Their values, but those that are the tenant's own.
    kept
        Logical ids of what no update may replace or remove.

    """

    template: str
    parameters: Mapping[str, str]
    kept: tuple[str, ...]

    def chosen(self, choices: Mapping[str, str]) -> "Blueprint":
        """Return it with what one tenant has chosen for itself."""
        return replace(self, parameters={**self.parameters, **choices})

    def digest(self) -> str:
        """Return 16 digits that are others when anything of it is."""
        parts = (self.template, *(f"{name}={self.parameters[name]}" for name in self.parameters))
        return sha256("\0".join(parts).encode()).hexdigest()[:16]


NONE_CHOSEN: Final[Mapping[str, str]] = MappingProxyType({})


class TenantStacks(Protocol):
    """The stacks of all tenants of a deployment."""

    def state(
        self, tenant: TenantId, kind: StackKind, choices: Mapping[str, str] = NONE_CHOSEN
    ) -> StackState:
        """Return how a tenant's stack compares with its blueprint and the tenant's choices."""

    def ensure(
        self,
        tenant: TenantId,
        kind: StackKind,
        name: str,
        choices: Mapping[str, str] = NONE_CHOSEN,
    ) -> Mapping[str, str]:
        """Make a stack, or bring it up to date, and return its outputs; safe to repeat.

        ``name`` is the tenant's, ``choices`` are parameters that it chooses itself. Raises
        `Unavailable` ``stack_unfinished``.
        """


def stack_name(deployment: str, tenant: TenantId, kind: StackKind) -> str:
    """Return the name of a tenant's stack; a role's rights are for names of this form."""
    return f"{deployment}-tenant-{tenant}-{kind}"


def key_aliases(deployment: str, tenant: TenantId) -> tuple[str, str]:
    """Return the aliases of a tenant's keys: of personal data, and of documents."""
    return (f"alias/{deployment}-{tenant}-data", f"alias/{deployment}-{tenant}-documents")


def tag_of(deployment: str, tenant: TenantId) -> str:
    """Return the value of the tag `MADE_FOR_TENANT` of all that is a tenant's own."""
    return f"{deployment}/{tenant}"


# A pool or key that was made for a tenant at run time has it; one of a deployment is its stack's.
MADE_FOR_TENANT = "bursa-tenant"
