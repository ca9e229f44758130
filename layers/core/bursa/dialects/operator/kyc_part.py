"""The part of a tenant's description that says how it learns who its users are."""

from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from bursa.compliance.cases import DEFAULT_POLICY
from bursa.compliance.levels import DEFAULT_LEVELS, LEVELS_MAX, levels_as_stored, levels_from
from bursa.compliance.steps import Rules
from bursa.kernel.calendar_time import DAY_MS

Days = Annotated[int, Field(ge=1, le=30)]


class KycPart(BaseModel):
    """How a tenant learns who its users are; see docs/compliance.md."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    provider: Literal["manual", "sandbox", "sumsub", "onfido"]
    provider_levels: dict[
        Annotated[int, Field(ge=1, lt=LEVELS_MAX, strict=False)],
        Annotated[str, Field(pattern=r"^[\w .:+@-]{1,100}$")],
    ] = {}
    provider_region: Literal["eu", "us", "ca"] = "eu"
    four_eyes: bool = False
    provider_days: Days = DEFAULT_POLICY.provider_ms_max // DAY_MS
    resubmission_days: Days = DEFAULT_POLICY.resubmission_ms_max // DAY_MS
    pause_days: Days = DEFAULT_POLICY.pause_ms // DAY_MS
    renewal_days: Annotated[int, Field(ge=1, le=90)] = DEFAULT_POLICY.renewal_ms // DAY_MS
    review_days: Annotated[int, Field(ge=30, le=3_660)] | None = None
    grace_days: Annotated[int, Field(ge=0, le=90)] = DEFAULT_POLICY.grace_ms // DAY_MS
    retention_days: Annotated[int, Field(ge=0, le=10_000)] = DEFAULT_POLICY.retention_ms // DAY_MS
    # As `bursa.compliance.levels.levels_from` reads them; its own errors are about them.
    levels: dict[str, Any] = Field(default_factory=lambda: levels_as_stored(DEFAULT_LEVELS))

    def rules(self) -> Rules:
        """Return them as they are kept; raises `InvalidInput` ``invalid_levels``."""
        levels = levels_from(self.levels)
        policy = replace(
            DEFAULT_POLICY,
            four_eyes=self.four_eyes,
            provider_ms_max=self.provider_days * DAY_MS,
            resubmission_ms_max=self.resubmission_days * DAY_MS,
            pause_ms=self.pause_days * DAY_MS,
            retention_ms=self.retention_days * DAY_MS,
            renewal_ms=self.renewal_days * DAY_MS,
            review_ms=None if self.review_days is None else self.review_days * DAY_MS,
            grace_ms=self.grace_days * DAY_MS,
        )
        names = tuple(sorted(self.provider_levels.items()))
        return Rules(levels, policy, self.provider, names, self.provider_region)
