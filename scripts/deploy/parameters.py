"""Which values a change set gets: what was asked for, what the build fixes, else what is there."""

from collections.abc import Mapping

from scripts.deploy.account import ParameterValue, RunningStack
from scripts.deploy.errors import DeployError

# A stack that fails to be created must be able to go again, so protection comes with a second
# update, once everything is there.
PROTECTION = "DeletionProtection"


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


def first_time(wanted: Mapping[str, str]) -> dict[str, str]:
    """Return what a stack is created with: nothing in it is protected until all of it is there."""
    return {**wanted, PROTECTION: "false"}
