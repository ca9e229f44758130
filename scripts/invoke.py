"""Runs one function on one event in Lambda's own container image, against the running exchange.

    python -m scripts.invoke MarketApi events/health.json

Needs Docker and the image; says how to get what is missing. `sam local` hands a container only
variables that the template names, so the template of the running build is completed by the one
that leads to the emulator; and its containers live on Docker's bridge, where the emulator's
loopback is out of reach, so a relay listens there meanwhile.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from ipaddress import ip_network
from pathlib import Path
from typing import Any, TextIO

import docker
from samcli.local.docker.lambda_image import LambdaImage  # type: ignore[import-untyped]
from samcli.yamlhelper import yaml_dump, yaml_parse  # type: ignore[import-untyped]

from scripts.local import deployment, worker
from scripts.local.environment import HOST, LocalEnvironment, LocalError
from scripts.relay import relayed

# Where `sam local` looks for its images.
_IMAGES: str = LambdaImage._INVOKE_REPO_PREFIX  # noqa: SLF001 - named nowhere else
_ENDPOINT = "AWS_ENDPOINT_URL"


def main() -> int:
    """Invoke; return the exit status of `sam local invoke`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("function", help="a logical id of template.yaml, such as MarketApi")
    parser.add_argument("event", type=Path, help="one of events/")
    arguments = parser.parse_args()
    local = LocalEnvironment.read()
    try:
        bridge = bridge_address()
        require_image(f"python{sys.version_info.major}.{sys.version_info.minor}")
        command = prepare(local, arguments.function, arguments.event)
    except LocalError as error:
        print(f"invoke: {error}", file=sys.stderr)
        return 1
    with relayed(bridge, HOST, local.port) as port:
        variables = environment(local, f"http://{bridge}:{port}")
        _variables_path(local).write_text(json.dumps({"Parameters": variables}, indent=2))
        return invoke(command, local.child_environment())


def bridge_address() -> str:
    """Return this machine's address on Docker's bridge; raises `LocalError` without Docker."""
    try:
        bridge = docker.from_env().networks.get("bridge")
    except docker.errors.DockerException as error:
        raise LocalError(
            "Docker does not respond. Install it (on Debian and Ubuntu: apt install docker.io), "
            f"start it, and be in the group docker: {error}"
        ) from error
    configuration: dict[str, str] = bridge.attrs["IPAM"]["Config"][0]
    first = next(ip_network(configuration["Subnet"]).hosts())
    return configuration.get("Gateway", str(first))


def require_image(runtime: str) -> None:
    """Return when Lambda's base image for a runtime is here; raises `LocalError` if not."""
    image = f"{_IMAGES}/{runtime.replace('python', 'python:')}-x86_64"
    try:
        docker.from_env().images.get(image)
    except docker.errors.ImageNotFound:
        raise LocalError(
            f"There is no image {image} on this machine; pull it once: docker pull {image}"
        ) from None


def invoke(command: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run `sam local invoke`; show what the function logs, and return the exit status.

    After its report the container is killed, which makes the base image's own process print
    tracebacks about itself. They are shown only where there was no report.
    """
    with subprocess.Popen(  # noqa: S603 - the command that `prepare` has made
        command, env=dict(environment), stderr=subprocess.PIPE, text=True
    ) as process:
        show_log(process.stderr or (), sys.stderr)
    return process.returncode


def show_log(lines: Iterable[str], output: TextIO) -> None:
    """Write lines up to the report of an invocation; all of them when there is none."""
    has_reported = False
    for line in lines:
        if not has_reported:
            output.write(line)
        has_reported = has_reported or "REPORT RequestId:" in line


def prepare(local: LocalEnvironment, function: str, event: Path) -> list[str]:
    """Write the template for `sam local`; return its command line."""
    if not local.outputs.exists():
        raise LocalError("No exchange is running here; start one with `make up`.")
    built = local.builds / deployment.fingerprint(local) / "template.yaml"
    if not built.exists():
        raise LocalError("The sources have changed since `make up`; `make down up` deploys them.")
    template: dict[str, Any] = yaml_parse(built.read_text())
    if template["Resources"].get(function, {}).get("Type") != "AWS::Serverless::Function":
        raise LocalError(f"{function} is no function of template.yaml.")
    if not event.is_file():
        raise LocalError(f"{event} is no file; the samples are in events/.")
    template["Globals"]["Function"]["Environment"]["Variables"][_ENDPOINT] = ""
    # Beside the built one, because it names its code by relative paths.
    completed = built.with_name("invoke.yaml")
    completed.write_text(yaml_dump(template))
    command = [str(Path(sys.executable).with_name("sam")), "local", "invoke", function]
    command += ["--template-file", str(completed), "--event", str(event)]
    command += ["--env-vars", str(_variables_path(local)), "--skip-pull-image"]
    return [*command, "--parameter-overrides", *deployment.overrides()]


def environment(local: LocalEnvironment, endpoint_url: str) -> dict[str, str]:
    """Return the variables of the running stack's functions."""
    outputs: dict[str, str] = json.loads(local.outputs.read_text())["stack_outputs"]
    sockets = outputs["WebSocketUrl"].replace("wss:", "https:", 1)
    here = {_ENDPOINT: endpoint_url, "WEBSOCKET_ENDPOINT": sockets}
    return worker.variables(outputs) | here


def _variables_path(local: LocalEnvironment) -> Path:
    return local.home / "invoke.json"


if __name__ == "__main__":
    sys.exit(main())
