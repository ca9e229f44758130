"""Who may import whom (docs/design.md, "The house"). What no rule allows is forbidden.

In `bursa` a file's name is its layer: the word after its last underscore, or all of it.
"""

import sys
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

import pytest

from tests.architecture.house import Module, modules

# The pure parts have no clock, no randomness, no operating system and no log.
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
TOOLS = {"engine.build"}  # compiles the engine; no part of it


@dataclass(frozen=True)
class Rule:
    """What the modules of one layer may import.

    Attributes
    ----------
    ours
        Prefixes of our own modules.
    others
        Third-party packages; None for any.
    impure
        Whether the impure part of the standard library is allowed.
    adapters
        Whether modules of `bursa` that talk to AWS are allowed.

    """

    ours: tuple[str, ...]
    others: frozenset[str] | None = frozenset()
    impure: bool = True
    adapters: bool = True


FEATURES = tuple(
    f"bursa.{room}"
    for room in (
        "accounts",
        "back_office",
        "compliance",
        "facts",
        "fees",
        "identity",
        "intake",
        "journal",
        "lake",
        "market_data",
        "notifications",
        "read_models",
        "tenants",
        "trading",
        "wallets",
    )
)
PLAIN = ("bursa.kernel", "wire", *FEATURES)
AWS_LIBRARIES = frozenset(
    {
        "_typeshed",
        "aws_encryption_sdk",
        "botocore",
        "coincurve",
        "cryptography",
        "embit",
        "jwt",
        "pynamodb",
        "requests",
        "mypy_boto3_apigatewaymanagementapi",
        "mypy_boto3_cloudformation",
        "mypy_boto3_cognito_idp",
        "mypy_boto3_dynamodb",
        "mypy_boto3_kms",
        "mypy_boto3_s3",
        "mypy_boto3_secretsmanager",
        "mypy_boto3_sqs",
        "mypy_boto3_stepfunctions",
    }
)

# Rules of whole packages, by the first prefix that fits a module's name.
PACKAGES = {
    "wire": Rule(("wire",), impure=False),
    "engine": Rule(("engine", "wire"), frozenset({"cython"}), impure=False),
    "functions": Rule(("bursa", "functions"), frozenset({"aws_lambda_powertools"})),
    "worker": Rule(("bursa", "wire", "engine", "worker"), frozenset({"botocore", "msgspec"})),
    "scripts": Rule(("bursa", "wire", "engine", "scripts"), None),
    "benchmarks": Rule(
        ("bursa", "wire", "engine", "worker", "scripts", "benchmarks", "tests"), None
    ),
}
# Rules inside `bursa`, by layer (see `layer_of`).
LAYERS = {
    "kernel": Rule(("bursa.kernel",), impure=False, adapters=False),
    "plain": Rule(PLAIN, impure=False, adapters=False),
    # What is stored or sent packed; the format is the whole file.
    "format": Rule(PLAIN, frozenset({"msgspec", "zstandard"}), impure=False, adapters=False),
    # Parquet files, on the disk.
    "duckdb": Rule(PLAIN, frozenset({"duckdb"}), adapters=False),
    # How alike two words are; nothing of ours.
    "measure": Rule((), frozenset({"rapidfuzz"}), impure=False, adapters=False),
    # Bytes, addresses and signatures of chains; no node and no key of KMS.
    "chain": Rule(PLAIN, frozenset({"Crypto", "coincurve", "embit"}), impure=False, adapters=False),
    "dialect": Rule(
        (*PLAIN, "bursa.dialects"),
        frozenset({"msgspec", "pydantic", "pydantic_core", "typing_extensions"}),
        impure=False,
        adapters=False,
    ),
    "http": Rule((*PLAIN, "bursa.dialects"), frozenset({"aws_lambda_powertools"}), adapters=False),
    "machine": Rule(("bursa.kernel", "bursa.journal"), frozenset({"_typeshed", "msgspec"})),
    "aws": Rule((*PLAIN, "bursa.aws"), AWS_LIBRARIES),
    "bootstrap": Rule(
        ("bursa",),
        frozenset(
            {
                "_typeshed",
                "aws_lambda_powertools",
                "mypy_boto3_cloudformation",
                "mypy_boto3_dynamodb",
                "mypy_boto3_s3",
                "mypy_boto3_sqs",
            }
        ),
    ),
}
AWS_NAMES = {
    "clamd",
    "cloudformation",
    "cognito",
    "cryptography",
    "dynamodb",
    "eventbridge",
    "jwt",
    "https",
    "kms",
    "s3",
    "ses",
    "sockets",
    "sqs",
    "stepfunctions",
}
FORMATS = {
    "bursa.lake.position_format",
    "bursa.intake.message",
    "bursa.journal.checkpoint",
    "bursa.journal.record",
    "bursa.read_models.book_format",
    "bursa.read_models.account_rows",
    "bursa.read_models.row_attributes",
    "bursa.read_models.rows",
    "bursa.read_models.traded_rows",
    "bursa.read_models.transfer_rows",
}
CHAIN_BYTES = {
    "bursa.wallets.chains.bitcoin_builder",
    "bursa.wallets.chains.bitcoin_scripts",
    "bursa.wallets.chains.evm_encoding",
    "bursa.wallets.deposit_addresses",
    "bursa.wallets.signatures",
}
MEASURES = {"bursa.compliance.similarity"}
# The few files of the product that may use the operating system.
MACHINE = {
    "bursa.journal.archive",
    "bursa.journal.archive_file",
    "bursa.journal.archive_objects",
    "bursa.journal.archived_segments",
    "bursa.journal.audit",
    "bursa.journal.disownment",
    "bursa.journal.file",
    "bursa.kernel.clock",
    "bursa.kernel.settings",
}
OURS = {"bursa", "wire", "engine", "functions", "worker", "scripts", "benchmarks", "tests"}


def layer_of(name: str) -> str:
    """Return the layer of a module of `bursa`."""
    _, room, *_, stem = [*name.split("."), "", ""][: max(3, name.count(".") + 1)]
    if name in MACHINE:
        return "machine"
    if name in FORMATS:
        return "format"
    if name in CHAIN_BYTES:
        return "chain"
    if name in MEASURES:
        return "measure"
    if stem.rpartition("_")[2] == "duckdb":
        return "duckdb"
    if room == "dialects":
        return "http" if stem == "http_api" else "dialect"
    if room == "bootstrap":
        return "bootstrap"
    if room == "aws" or stem.rpartition("_")[2] in AWS_NAMES:
        return "aws"
    return "kernel" if room == "kernel" else "plain"


def rule_of(module: Module) -> tuple[str, Rule]:
    if module.name.partition(".")[0] == "bursa":
        layer = layer_of(module.name)
        return layer, LAYERS[layer]
    for prefix, rule in PACKAGES.items():
        if f"{module.name}.".startswith(f"{prefix}."):
            return prefix, rule
    raise AssertionError(f"{module.place} is in no package of the table")


def is_allowed(imported: str, rule: Rule) -> bool:
    first = imported.partition(".")[0]
    if first in OURS:
        if not any(f"{imported}.".startswith(f"{prefix}.") for prefix in rule.ours):
            return False
        return rule.adapters or not is_adapter(imported)
    if first in sys.stdlib_module_names:
        return rule.impure or first not in IMPURE or imported.startswith(TEXT_ONLY)
    return rule.others is None or first in rule.others


def is_adapter(imported: str) -> bool:
    """Return whether what is imported, a module or a name of it, is an adapter for AWS."""
    known = {module.name for module in modules()}
    name = imported if imported in known else imported.rpartition(".")[0]
    return name.startswith("bursa.") and layer_of(name) in {"aws", "bootstrap"}


@pytest.mark.parametrize("layer", [*PACKAGES, *LAYERS])
def test_a_layer_imports_only_what_its_rule_allows(layer: str) -> None:
    found = [
        f"{module.place}:{line} imports {imported}"
        for module in modules()
        if rule_of(module)[0] == layer and module.name not in TOOLS
        for line, imported in module.imports()
        if not is_allowed(imported, rule_of(module)[1])
        and imported.partition(".")[0] != own_function(module)
    ]
    assert not found, "\n".join(found)


def test_functions_never_import_each_other() -> None:
    names = {module.name.split(".")[1] for module in modules() if "functions." in module.name}
    found = [
        f"{module.place}:{line} imports {imported}"
        for module in modules()
        for line, imported in module.imports()
        if imported.partition(".")[0] in names - {own_function(module)}
    ]
    assert names
    assert not found, "\n".join(found)


def own_function(module: Module) -> str:
    first, _, rest = module.name.partition(".")
    return rest.partition(".")[0] if first == "functions" else ""


def test_every_rule_speaks_of_something() -> None:
    assert {rule_of(module)[0] for module in modules()} == {*PACKAGES, *LAYERS}
    assert {*CHAIN_BYTES, *FORMATS, *MACHINE, *MEASURES} <= {module.name for module in modules()}


def test_no_module_imports_itself_by_way_of_others() -> None:
    known = {module.name for module in modules()}
    imports = {
        module.name: {
            name
            for imported in module.imports_at_run_time()
            for name in (imported, imported.rpartition(".")[0])
            if name in known and name != module.name
        }
        for module in modules()
    }
    with_packages = {name for name in known if any(n.startswith(f"{name}.") for n in known)}
    graph = {name: set(found) - with_packages for name, found in imports.items()}
    try:
        tuple(TopologicalSorter(graph).static_order())
    except CycleError as error:
        pytest.fail(f"A circle of imports: {' imports '.join(error.args[1])}")
