"""Who may import whom (DESIGN §4). The table is the rule; everything not in it is forbidden."""

import sys
from dataclasses import dataclass

import pytest

from tests.architecture.house import Module, modules

# The pure parts know no clock, no chance, no machine and no log.
IMPURE = {
    "asyncio",
    "datetime",
    "logging",
    "multiprocessing",
    "os",
    "pathlib",
    "platform",
    "random",
    "secrets",
    "shutil",
    "socket",
    "subprocess",
    "tempfile",
    "threading",
    "time",
    "urllib",
    "uuid",
}
TEXT_ONLY = "urllib.parse."
WIRE = ("wire",)
TOOLS = {"engine.build"}  # compiles the engine; no part of it


@dataclass(frozen=True)
class Rule:
    """What the modules of one package may import.

    Attributes
    ----------
    ours
        Prefixes of our own modules.
    others
        Third-party packages; None for any.
    impure
        Whether the impure part of the standard library is allowed.

    """

    ours: tuple[str, ...]
    others: frozenset[str] | None = frozenset()
    impure: bool = True


# The first prefix that fits a module's name decides.
RULES = {
    "wire": Rule(("wire",), impure=False),
    "engine": Rule(("engine", "wire"), frozenset({"cython"}), impure=False),
    "bursa.domain": Rule(("bursa.domain",), impure=False),
    "bursa.contracts": Rule(
        ("bursa.domain", "bursa.contracts", *WIRE),
        frozenset({"msgspec", "pydantic", "pydantic_core", "typing_extensions", "zstandard"}),
        impure=False,
    ),
    "bursa.usecases": Rule(
        ("bursa.domain", "bursa.contracts", "bursa.usecases", *WIRE), impure=False
    ),
    "bursa.adapters": Rule(
        ("bursa", *WIRE),
        frozenset(
            {
                "_typeshed",
                "aws_lambda_powertools",
                "botocore",
                "cryptography",
                "jwt",
                "msgspec",
                "mypy_boto3_apigatewaymanagementapi",
                "mypy_boto3_cognito_idp",
                "mypy_boto3_dynamodb",
                "mypy_boto3_s3",
                "mypy_boto3_sqs",
            }
        ),
    ),
    "bursa": Rule(()),
    "functions": Rule(("bursa",), frozenset({"aws_lambda_powertools"})),
    "worker": Rule(("bursa", "wire", "engine", "worker"), frozenset({"botocore", "msgspec"})),
    "scripts": Rule(("bursa", "wire", "engine", "scripts"), None),
    "benchmarks": Rule(("bursa", "wire", "engine", "worker", "scripts", "benchmarks"), None),
}
OURS = {"bursa", "wire", "engine", "functions", "worker", "scripts", "benchmarks", "tests"}


def rule_of(module: Module) -> tuple[str, Rule]:
    for prefix, rule in RULES.items():
        if f"{module.name}.".startswith(f"{prefix}."):
            return prefix, rule
    raise AssertionError(f"{module.place} is in no package that the table knows")


def is_allowed(module: Module, imported: str, rule: Rule) -> bool:
    first = imported.partition(".")[0]
    if first in OURS:
        return any(f"{imported}.".startswith(f"{prefix}.") for prefix in rule.ours)
    if first in sys.stdlib_module_names:
        return rule.impure or first not in IMPURE or imported.startswith(TEXT_ONLY)
    return rule.others is None or first in rule.others


@pytest.mark.parametrize("package", RULES)
def test_a_package_imports_only_what_its_rule_allows(package: str) -> None:
    found = [
        f"{module.place}:{line} imports {imported}"
        for module in modules()
        if rule_of(module)[0] == package and module.name not in TOOLS
        for line, imported in module.imports()
        if not is_allowed(module, imported, rule_of(module)[1])
    ]
    assert not found, "\n".join(found)


def test_functions_never_import_each_other() -> None:
    names = {module.name.split(".")[1] for module in modules() if "functions." in module.name}
    found = [
        f"{module.place}:{line} imports {imported}"
        for module in modules()
        for line, imported in module.imports()
        if imported.partition(".")[0] in names
    ]
    assert names
    assert not found, "\n".join(found)


def test_every_rule_speaks_of_something() -> None:
    assert {rule_of(module)[0] for module in modules()} == set(RULES)
