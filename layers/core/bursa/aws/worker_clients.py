"""AWS clients for the worker: nothing is repeated behind its back.

The worker repeats by itself where it must, and knows what an earlier attempt may have done; a
client that repeats on its own would only hide for how long.
"""

from botocore.client import BaseClient
from botocore.config import Config
from botocore.session import get_session

_CONNECT_TIMEOUT_S = 1
_READ_TIMEOUT_S = 4
_CONNECTIONS = 16

_CONFIG = Config(
    connect_timeout=_CONNECT_TIMEOUT_S,
    read_timeout=_READ_TIMEOUT_S,
    retries={"total_max_attempts": 1, "mode": "standard"},
    max_pool_connections=_CONNECTIONS,
    parameter_validation=False,
    tcp_keepalive=True,
)
_session = get_session()


def worker_client(service: str) -> BaseClient:
    """Make a client that tries once, soon gives up, and checks no shapes."""
    return _session.create_client(service, config=_CONFIG)
