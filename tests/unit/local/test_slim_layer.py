import re
from pathlib import Path

from scripts.slim_layer import SERVICES, slim

ROOT = Path(__file__).resolve().parents[3]
# Only tools on a developer's machine make this one.
NOT_IN_LAMBDA = {"cognito-idp"}


def test_only_the_models_of_unused_services_go(tmp_path: Path) -> None:
    data = tmp_path / "DependenciesLayer" / "python" / "botocore" / "data"
    for service in ("dynamodb", "ec2", "s3", "sqs"):
        (data / service / "2012-01-01").mkdir(parents=True)
    (data / "endpoints.json").write_text("{}")
    other = tmp_path / "TradingApi" / "trading_api"
    other.mkdir(parents=True)
    assert slim(tmp_path) == 1
    assert {path.name for path in data.iterdir()} == {"dynamodb", "endpoints.json", "s3", "sqs"}
    assert other.is_dir()


def test_every_client_that_the_code_makes_keeps_its_model() -> None:
    made = {
        name
        for folder in ("layers/core/bursa", "functions", "worker")
        for path in (ROOT / folder).rglob("*.py")
        for name in re.findall(
            r'(?:create_client|worker_client)\(\s*"([a-z0-9-]+)"', path.read_text()
        )
    }
    assert {"dynamodb", "sqs"} <= made
    assert made - NOT_IN_LAMBDA <= SERVICES
