"""Who signs the functions' code: a profile of AWS Signer, if one was named.

The functions then refuse code, and layers, that it has not signed, also from whoever may otherwise
update them. The keys never leave AWS Signer; a profile that is revoked makes nothing start that it
has signed.
"""

from collections.abc import Mapping, Sequence

from scripts.deploy.account import RunningStack

SIGNING_PROFILE = "SigningProfileVersionArn"


def profile_of(wanted: Mapping[str, str], running: RunningStack | None) -> str:
    """Return the ARN of the profile version that signs from now on; empty for none."""
    before = running.parameters.get(SIGNING_PROFILE, "") if running else ""
    return wanted.get(SIGNING_PROFILE, before)


def sam_arguments(profile: str, resources: Sequence[str]) -> list[str]:
    """Return what makes `sam package` have each resource's code signed; nothing for no profile."""
    if not profile:
        return []
    _arn, _partition, _signer, _region, owner, path = profile.split(":")
    name = path.split("/")[2]
    return ["--signing-profiles", " ".join(f"{resource}={name}:{owner}" for resource in resources)]
