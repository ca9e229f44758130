"""The exchange in miniature right after its opening, made once in a process and then copied.

Making it takes moto most of a second, more than most tests; copying what moto holds, a thirtieth.
"""

from copy import deepcopy
from functools import cache
from typing import Any, NamedTuple

from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.dynamodb.models import dynamodb_backends
from moto.kms.models import kms_backends
from moto.secretsmanager.models import secretsmanager_backends

from engine.reference.engine import Engine
from tests.doubles.exchange import Exchange, create_queues, create_resources, environment

REGION = environment()["AWS_DEFAULT_REGION"]


class Opening(NamedTuple):
    tables: Any
    keys: Any
    secrets: Any
    exchange: Exchange


def open_exchange() -> Exchange:
    """Return an exchange after its opening, for as long as moto's mock lasts."""
    opening = _opening()
    dynamodb_backends[DEFAULT_ACCOUNT_ID][REGION].tables = deepcopy(opening.tables)
    kms_backends[DEFAULT_ACCOUNT_ID][REGION].keys = deepcopy(opening.keys)
    secretsmanager_backends[DEFAULT_ACCOUNT_ID][REGION].secrets = deepcopy(opening.secrets)
    made = opening.exchange
    engine = Engine.restore(made.engine.checkpoint())
    # Queues hold locks, which can't be copied.
    return Exchange(create_queues(), engine, list(made.records), made.time_ms)


@cache
def _opening() -> Opening:
    exchange = Exchange(create_resources())
    return Opening(
        deepcopy(dynamodb_backends[DEFAULT_ACCOUNT_ID][REGION].tables),
        deepcopy(kms_backends[DEFAULT_ACCOUNT_ID][REGION].keys),
        deepcopy(secretsmanager_backends[DEFAULT_ACCOUNT_ID][REGION].secrets),
        exchange,
    )
