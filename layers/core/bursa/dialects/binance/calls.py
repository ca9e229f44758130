"""What an endpoint is, and what it is called with."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from bursa.dialects.binance.parameters import Parameters
from bursa.identity.principal import Principal, Scope
from bursa.intake.submission import SubmitOptions
from bursa.kernel.identifiers import AccountId, TenantId

Json = dict[str, Any]


class Ready(NamedTuple):
    """A body that is JSON already."""

    text: str


@dataclass(frozen=True, slots=True)
class Call:
    """One request to an endpoint, whose form and sender are known to be good.

    Attributes
    ----------
    tenant
        Whose exchange it was sent to.
    caller
        Who has signed; None where nobody need.
    now_ms
        When it came.

    """

    tenant: TenantId
    parameters: Parameters
    now_ms: int
    caller: Principal | None = None

    @property
    def principal(self) -> Principal:
        """Who has signed."""
        if self.caller is None:
            raise AssertionError("An endpoint of an account is signed.")
        return self.caller

    @property
    def account(self) -> AccountId:
        """Whose account it is about."""
        return self.principal.account

    @property
    def options(self) -> SubmitOptions:
        """How its commands are submitted."""
        return SubmitOptions(self.principal.actor)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One method of one path.

    Attributes
    ----------
    run
        Returns the body.
    takes
        The names of its parameters, without those of every signed request.
    scope
        What its sender must be allowed; None for what anyone may read.
    reads
        How many reads it is charged as, where it is signed; what changes is charged by intake.
    changes
        Whether the same request again is refused.
    places
        Whether it may place an order.

    """

    run: Callable[[Call], object]
    takes: frozenset[str] = frozenset()
    scope: Scope | None = None
    reads: int = 0
    changes: bool = False
    places: bool = False


Endpoints = Mapping[tuple[str, str], Endpoint]
