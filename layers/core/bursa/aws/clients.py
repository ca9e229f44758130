"""AWS clients, set up alike everywhere.

Clients come from botocore itself: boto3 on top of it would add its resources, which nobody here
uses, to every cold start.
"""

from functools import cache
from typing import TYPE_CHECKING, cast

from botocore.config import Config
from botocore.session import Session, get_session

if TYPE_CHECKING:
    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_sqs import SQSClient

_CONNECT_TIMEOUT_S = 1
_READ_TIMEOUT_S = 2
_ATTEMPTS = 3

_CONFIG = Config(
    connect_timeout=_CONNECT_TIMEOUT_S,
    read_timeout=_READ_TIMEOUT_S,
    retries={"total_max_attempts": _ATTEMPTS, "mode": "standard"},
    tcp_keepalive=True,
)


@cache
def _session() -> Session:
    """Make the one session of this process: parsing the service models is what takes time."""
    return get_session()


def dynamodb_client() -> "DynamoDBClient":
    """Make a DynamoDB client for request handling: short time-outs, few retries."""
    return cast("DynamoDBClient", _session().create_client("dynamodb", config=_CONFIG))


def sqs_client() -> "SQSClient":
    """Make an SQS client for request handling: short time-outs, few retries."""
    return cast("SQSClient", _session().create_client("sqs", config=_CONFIG))


def cognito_client() -> "CognitoIdentityProviderClient":
    """Make a Cognito client for administration."""
    return cast(
        "CognitoIdentityProviderClient", _session().create_client("cognito-idp", config=_CONFIG)
    )
