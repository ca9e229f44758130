"""AWS clients in configurations by who waits for them.

    request handling   short time-outs, three attempts: a person waits for the response, and the
                       calls of the edge may be repeated without harm
    background         long time-outs, five attempts: nobody waits, and segments are large
    guard              one short attempt: a request waits for it that would go on without it
    worker             one attempt: the worker repeats by itself where it must, and knows what an
                       earlier attempt may have done; a client that repeats on its own would only
                       hide for how long. Shapes are not validated, because its calls are few and
                       always the same, and many connections are kept, one for each of its threads

Clients come from botocore itself: boto3 on top of it would add its resources, which nothing here
uses, to every cold start.
"""

from functools import cache
from typing import TYPE_CHECKING, Any, cast

from botocore.client import BaseClient
from botocore.config import Config
from botocore.session import Session, get_session

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_stepfunctions import SFNClient

_REQUEST_CONFIG = Config(
    connect_timeout=1,
    read_timeout=2,
    retries={"total_max_attempts": 3, "mode": "standard"},
    tcp_keepalive=True,
)
_GUARD_CONFIG = Config(
    connect_timeout=0.5,
    read_timeout=0.5,
    retries={"total_max_attempts": 1, "mode": "standard"},
    tcp_keepalive=True,
)
_BACKGROUND_CONFIG = Config(
    connect_timeout=2,
    read_timeout=20,
    retries={"total_max_attempts": 5, "mode": "standard"},
    tcp_keepalive=True,
)
# Once: an SES that does not answer may have sent the mail, and who asks comes again in minutes.
_MAIL_CONFIG = Config(
    connect_timeout=2,
    read_timeout=10,
    retries={"total_max_attempts": 1, "mode": "standard"},
    tcp_keepalive=True,
)
# Short: the read models wait for it, and whoever is not told now is told later.
_FACTS_CONFIG = Config(
    connect_timeout=0.5,
    read_timeout=1,
    retries={"total_max_attempts": 1, "mode": "standard"},
    tcp_keepalive=True,
)
_WORKER_CONFIG = Config(
    connect_timeout=1,
    read_timeout=4,
    retries={"total_max_attempts": 1, "mode": "standard"},
    max_pool_connections=16,
    parameter_validation=False,
    tcp_keepalive=True,
)


@cache
def _session() -> Session:
    """Return the one session of this process: parsing the service models is what takes time."""
    return get_session()


def dynamodb_client() -> "DynamoDBClient":
    """Return a DynamoDB client for request handling."""
    return cast("DynamoDBClient", _session().create_client("dynamodb", config=_REQUEST_CONFIG))


def guard_dynamodb_client() -> "DynamoDBClient":
    """Return a DynamoDB client for what a request can do without."""
    return cast("DynamoDBClient", _session().create_client("dynamodb", config=_GUARD_CONFIG))


def background_dynamodb_client() -> "DynamoDBClient":
    """Return a DynamoDB client for what nobody waits for."""
    return cast("DynamoDBClient", _session().create_client("dynamodb", config=_BACKGROUND_CONFIG))


def sqs_client() -> "SQSClient":
    """Return an SQS client for request handling."""
    return cast("SQSClient", _session().create_client("sqs", config=_REQUEST_CONFIG))


def cognito_client() -> "CognitoIdentityProviderClient":
    """Return a Cognito client for administration."""
    return cast(
        "CognitoIdentityProviderClient",
        _session().create_client("cognito-idp", config=_REQUEST_CONFIG),
    )


def cloudformation_client() -> "CloudFormationClient":
    """Return a CloudFormation client for what nobody waits for."""
    client = _session().create_client("cloudformation", config=_BACKGROUND_CONFIG)
    return cast("CloudFormationClient", client)


def kms_client() -> "KMSClient":
    """Return a KMS client for request handling."""
    return cast("KMSClient", _session().create_client("kms", config=_REQUEST_CONFIG))


def secrets_client() -> "SecretsManagerClient":
    """Return a Secrets Manager client for request handling."""
    return cast(
        "SecretsManagerClient", _session().create_client("secretsmanager", config=_REQUEST_CONFIG)
    )


def s3_client() -> "S3Client":
    """Return an S3 client for what nobody waits for."""
    return cast("S3Client", _session().create_client("s3", config=_BACKGROUND_CONFIG))


def signing_s3_client() -> "S3Client":
    """Return an S3 client that signs forms as S3 wants it where a key of KMS is named."""
    config = _REQUEST_CONFIG.merge(Config(signature_version="s3v4"))
    return cast("S3Client", _session().create_client("s3", config=config))


def step_functions_client() -> "SFNClient":
    """Return a Step Functions client for what nobody waits for."""
    return cast("SFNClient", _session().create_client("stepfunctions", config=_BACKGROUND_CONFIG))


def events_client() -> Any:  # noqa: ANN401 - there are no types for it in the lock
    """Return an EventBridge client for what nobody waits for."""
    return _session().create_client("events", config=_BACKGROUND_CONFIG)


def facts_client() -> Any:  # noqa: ANN401 - there are no types for it in the lock
    """Return an EventBridge client for what read models wait for, and can do without."""
    return _session().create_client("events", config=_FACTS_CONFIG)


def mail_client() -> Any:  # noqa: ANN401 - there are no types for it in the lock
    """Return an SES client for what nobody waits for."""
    return _session().create_client("sesv2", config=_MAIL_CONFIG)


def worker_client(service: str) -> BaseClient:
    """Return a client of a service for the worker."""
    return _session().create_client(service, config=_WORKER_CONFIG)
