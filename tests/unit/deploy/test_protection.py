"""What holds data ends up protected, wherever a first deployment was cut off."""

import pytest

from scripts.deploy.options import Options
from tests.doubles.cloudformation import CODE, REGION, Stack, asked_for, change, deploy

STORAGE = change("Storage", "AWS::CloudFormation::Stack")


class CutOffError(Exception):
    """The laptop was closed."""


def created(stack: Stack) -> None:
    """Answer a first deployment up to the end of the creation."""
    stack.absent()
    stack.present({})
    stack.proposes_nothing()
    stack.proposes(change("Storage", "AWS::CloudFormation::Stack", "Add"))
    stack.answers("execute_change_set", {})
    stack.present({}, status="CREATE_COMPLETE")


def updated(stack: Stack, protection: str) -> None:
    """Answer a later deployment of a stack."""
    stack.present({"DeletionProtection": protection}, status="CREATE_COMPLETE")
    stack.present({})
    stack.proposes_nothing()
    stack.proposes(CODE, STORAGE)
    stack.answers("execute_change_set", {})
    stack.present({})


def test_a_deployment_after_one_that_was_cut_off_protects_and_says_so(stack: Stack) -> None:
    created(stack)

    def cut_off(sentence: str) -> None:
        if "CREATE_COMPLETE" in sentence:
            raise CutOffError

    with pytest.raises(CutOffError):
        deploy(stack, Options("bursa", REGION), say=cut_off)
    left = asked_for(stack.calls("CreateChangeSet")[-1])["DeletionProtection"]
    assert left == "later"

    updated(stack, left)
    said: list[str] = []
    shown = deploy(stack, Options("bursa", REGION), say=said.append)

    assert asked_for(stack.calls("CreateChangeSet")[-1])["DeletionProtection"] == "true"
    assert "Storage" in [one.path for one in shown]
    assert "not protected yet" in said[0]


def test_who_wants_no_protection_gets_none_and_hears_it(stack: Stack) -> None:
    created(stack)
    said: list[str] = []
    unprotected = {"DeletionProtection": "false"}
    deploy(stack, Options("bursa", REGION, unprotected), say=said.append)
    assert asked_for(stack.calls("CreateChangeSet")[-1])["DeletionProtection"] == "false"
    assert "DeletionProtection is false" in said[0]


@pytest.mark.parametrize(
    ("before", "asked", "given", "is_said"),
    [
        ("false", {}, "false", True),
        ("false", {"DeletionProtection": "true"}, "true", False),
        ("true", {"DeletionProtection": "false"}, "false", True),
        ("true", {}, "true", False),
        ("later", {"DeletionProtection": "false"}, "false", True),
    ],
)
def test_what_was_chosen_stays_and_each_run_says_when_it_is_off(
    stack: Stack, before: str, asked: dict[str, str], given: str, *, is_said: bool
) -> None:
    updated(stack, before)
    said: list[str] = []
    deploy(stack, Options("bursa", REGION, asked), say=said.append)
    assert asked_for(stack.calls("CreateChangeSet")[-1])["DeletionProtection"] == given
    assert any("DeletionProtection is false" in line for line in said) == is_said
