"""There is room in template.yaml for a function to come."""

import re

from tests.architecture.test_house_rules import TEMPLATE_LINES_MAX
from tests.contract.templates import APPLICATION, resources

FUNCTIONS_TO_COME = 1


def lines_of_functions() -> list[int]:
    """Count the lines of each function, with its banner and the blank lines around it."""
    # A block ends where the next one or the next section begins.
    blocks = re.split(r"^(?=  \w+:$|\S)", APPLICATION.read_text(), flags=re.MULTILINE)
    functions = [block for block in blocks if "    Type: AWS::Serverless::Function\n" in block]
    # Beside its block a function has a line among the parameters of the alarms' stack.
    return [block.count("\n") + 1 for block in functions]


def test_another_function_fits() -> None:
    sizes = lines_of_functions()
    assert len(sizes) == len(resources(APPLICATION, "AWS::Serverless::Function"))
    left = TEMPLATE_LINES_MAX - len(APPLICATION.read_text().splitlines())
    average = sum(sizes) / len(sizes)
    assert left / average >= FUNCTIONS_TO_COME
