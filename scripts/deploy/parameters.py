"""Which values a change set gets: what was asked for, what the build fixes, else what is there."""

from collections.abc import Mapping

from scripts.deploy.account import ParameterValue, RunningStack
from scripts.deploy.errors import DeployError

# A stack that fails to be created must be able to go again, so protection comes with a second
# update, once everything is there. Until then the stack itself says that it is to come, so that
# a deployment that is cut off in between leaves it to the next one.
PROTECTION = "DeletionProtection"
PROTECTED, UNPROTECTED, LATER = "true", "false", "later"


def decide(
    declared: Mapping[str, str | None],
    running: RunningStack | None,
    wanted: Mapping[str, str],
) -> list[ParameterValue]:
    """Return a value for each of the template's parameters.

    Parameters
    ----------
    declared
        The template's parameters and their defaults; None for one without a default.
    running
        The stack as it is; None before the first deployment.
    wanted
        What is to change.

    Raises
    ------
    DeployError
        A wanted parameter does not exist, or a new one has neither value nor default.

    """
    unknown = sorted(set(wanted) - set(declared))
    if unknown:
        raise DeployError(
            f"template.yaml has no parameter {unknown[0]}: docs/deploy.md lists the ones it has."
        )
    values: list[ParameterValue] = []
    for name, default in declared.items():
        if name in wanted:
            values.append({"ParameterKey": name, "ParameterValue": wanted[name]})
        elif running is not None and name in running.parameters:
            values.append({"ParameterKey": name, "UsePreviousValue": True})
        elif default is not None:
            values.append({"ParameterKey": name, "ParameterValue": default})
        else:
            raise DeployError(f"{name} has no value yet: give it with --set {name}=VALUE.")
    return values


def protection(running: RunningStack | None, wanted: Mapping[str, str]) -> str:
    """Return what protection a deployment gives: later in a new stack, unless none is asked for."""
    asked = wanted.get(PROTECTION, PROTECTED)
    if running is None:
        return LATER if asked == PROTECTED else asked
    before = running.parameters.get(PROTECTION, PROTECTED)
    return asked if PROTECTION in wanted or before == LATER else before
