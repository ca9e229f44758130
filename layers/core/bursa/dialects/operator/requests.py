"""What an operator sends: the shapes of its bodies. Each says why."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from bursa.tenants import life

Reason = Annotated[
    str,
    Field(
        description="Why, in one line of up to 300 characters; it is kept with the tenant",
        examples=["Contract 4711"],
    ),
]


class OperatorRequest(BaseModel):
    """What all have."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    reason: Reason

    def asked(self) -> dict[str, Any]:
        """Return what is asked for, as plain values."""
        return {}


class CreateTenantRequest(OperatorRequest):
    """A tenant to open, or to bring up to date."""

    tenant: Annotated[
        dict[str, Any],
        Field(description="As a tenant's file has it, in JSON: docs/onboarding.md"),
    ]

    def asked(self) -> dict[str, Any]:
        """Return the description."""
        return self.tenant


class SuspendTenantRequest(OperatorRequest):
    """Cancels only at once, and no sign-in after a time of grace."""

    grace_ms: Annotated[
        int | None,
        Field(
            description="How long users may still sign in; 24 hours unless it is sent",
            ge=0,
            le=life.GRACE_MS_MAX,
        ),
    ] = None

    def asked(self) -> dict[str, Any]:
        """Return the grace, if one is named."""
        return {} if self.grace_ms is None else {"grace_ms": self.grace_ms}


class ResumeTenantRequest(OperatorRequest):
    """Each market as it was, and sign-in at once."""


class ExportTenantRequest(OperatorRequest):
    """Its users, settings, markets, trades, orders, fills and balances."""


class DeleteTenantRequest(OperatorRequest):
    """Closes a tenant; the same after the waiting period and an export deletes it."""

    waiting_ms: Annotated[
        int | None,
        Field(
            description="How long users may still leave; 30 days unless it is sent",
            ge=life.WAITING_MS_MIN,
            le=life.WAITING_MS_MAX,
        ),
    ] = None

    def asked(self) -> dict[str, Any]:
        """Return the waiting period, if one is named."""
        return {} if self.waiting_ms is None else {"waiting_ms": self.waiting_ms}
