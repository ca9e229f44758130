"""Where the WebSocket API is; apart, because most who need it send nothing to it."""

from urllib.parse import urlsplit


def stage_url(websocket_endpoint: str, aws_endpoint_url: str) -> str:
    """Return where a WebSocket stage is, by http.

    Parameters
    ----------
    websocket_endpoint
        ``https://<api>.execute-api.<region>.amazonaws.com/<stage>``.
    aws_endpoint_url
        Where AWS is emulated, if it is; the stage is then a path of that host.

    """
    if not aws_endpoint_url:
        return websocket_endpoint
    parts = urlsplit(websocket_endpoint)
    api = parts.netloc.partition(".")[0]
    return f"{aws_endpoint_url.rstrip('/')}/_aws/execute-api/{api}{parts.path}"
