"""The whole exchange on one machine: starts it, ends it, reports its state."""

import contextlib
import json
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from functools import partial
from typing import Any

from bursa.tenants.hosts import TENANT_PARAMETER
from scripts.local import demo, deployment, emulator, private, worker
from scripts.local.environment import REGION, STACK, LocalEnvironment, LocalError, require_tools
from scripts.local.interruptions import held_back
from scripts.local.overseer import Overseer
from scripts.local.processes import Process, is_alive
from scripts.local.progress import Progress
from scripts.local.register import Register, is_held, only_one

Json = dict[str, Any]


class LocalExchange:
    """One exchange in its local environment."""

    def __init__(self, local: LocalEnvironment, progress: Progress) -> None:
        self._local = local
        self._progress = progress
        self._register = Register(local.home)
        self._lock = local.home / "lock"
        self._overseer: Overseer | None = None

    def up(self) -> Json:
        """Start everything and wait until it responds; returns what `outputs.json` holds.

        Whatever interrupts it, nothing that it started is left running.
        """
        with self._alone():
            outputs = self._outputs()
            if outputs is not None and self.is_whole():
                self._progress.say("The exchange is running already.")
                if not deployment.is_current(self._local, deployment.fingerprint(self._local)):
                    self._progress.say(
                        "The sources have changed since; `make down up` deploys them."
                    )
                return outputs
            try:
                self._oversee()
                return self._start()
            except BaseException:
                with held_back():
                    self._progress.say("Ending what was started …")
                    self._stop()
                    self._dismiss_overseer()
                raise

    def down(self) -> bool:
        """End everything; returns whether anything was running."""
        with self._alone():
            ran = bool(self.running())
            self._stop()
            self._dismiss_overseer()
            return ran

    def let_live(self) -> None:
        """Leave it running when this process ends; until then it ends with this process."""
        self._dismiss_overseer()

    def is_in_transition(self) -> bool:
        """Return whether a command is starting or ending it at the moment."""
        return is_held(self._lock)

    def running(self) -> list[Process]:
        """Return the processes that were started here and still run."""
        return [process for process in self._register.all() if is_alive(process)]

    def is_whole(self) -> bool:
        """Return whether every process of the exchange is running."""
        return self._outputs() is not None and not self.missing()

    def missing(self) -> list[str]:
        """Return the names of processes that should run and don't; raise when none should."""
        names = [emulator.NAME, *map(worker.name, worker.shards(self.outputs()["stack_outputs"]))]
        return [name for name in names if self._register.running(name) is None]

    def processes(self) -> list[Process]:
        """Return every process that was started here."""
        return self._register.all()

    def outputs(self) -> Json:
        """Return what `make up` wrote; raises `LocalError` when no exchange is running."""
        outputs = self._outputs()
        if outputs is None:
            raise LocalError("No exchange is running here; start one with `make up`.")
        return outputs

    def restart_worker(self, name: str) -> None:
        """Start a worker again that has ended by itself."""
        outputs = self.outputs()
        stack = outputs["stack_outputs"]
        shard = next(shard for shard in worker.shards(stack) if worker.name(shard) == name)
        self._begin(partial(worker.start, self._local, stack, shard))
        self._write(outputs)

    def _start(self) -> Json:
        require_tools()
        self._start_emulator()
        self._deploy()
        stack = deployment.outputs(self._local)
        self._start_workers(stack)
        demo.publish_sanctions(self._local, stack)
        demo.warm_up(self._rest_url(stack))
        # Both tenants are on the first shard.
        shard = worker.shards(stack)[0]
        with self._step("Opening the tenants", worker.name(shard)):
            opened = demo.open_tenants(self._local, stack, shard, self._worker(shard))
            demo.add_api_keys(self._local, stack, opened)
        outputs = self._describe(stack, opened)
        with self._step("Waiting for the exchange to answer", worker.name(shard)):
            demo.wait_until_ready(self._local, outputs)
        self._write(outputs)
        return outputs

    def _write(self, outputs: Json) -> None:
        """Write what tools and tests read to find the exchange; it holds keys and passwords."""
        outputs["pids"] = {process.name: process.pid for process in self._register.all()}
        private.write(self._local.outputs, json.dumps(outputs, indent=2) + "\n")

    def _oversee(self) -> None:
        """Have everything ended if this process is killed; an interruption in between too."""
        if self._overseer is None:
            self._overseer = Overseer(self._local.home, self._local.port)

    def _dismiss_overseer(self) -> None:
        if self._overseer is not None:
            self._overseer.dismiss()
            self._overseer = None

    def _start_workers(self, stack: dict[str, str]) -> None:
        for shard in worker.shards(stack):
            if self._register.running(worker.name(shard)) is None:
                self._begin(partial(worker.start, self._local, stack, shard))

    def _worker(self, shard: int) -> Process:
        process = self._register.running(worker.name(shard))
        if process is None:
            raise LocalError(f"The worker ended; its log is {worker.log(self._local, shard)}.")
        return process

    def _start_emulator(self) -> None:
        if self._register.running(emulator.NAME) is not None:
            self._progress.say("MiniStack is still running; starting what is missing.")
            return
        # A worker is of no use without its emulator.
        self._stop()
        emulator.require_port(self._local.port)
        self._prepare_state()
        with self._step("Starting MiniStack", emulator.NAME):
            process = self._begin(lambda: emulator.start(self._local))
            emulator.wait_until_ready(self._local, process)

    def _prepare_state(self) -> None:
        """Make the state on disk the newest that can be used, and say what was lost."""
        if not emulator.has_state(self._local):
            return
        if not emulator.state_was_saved(self._local):
            moment = emulator.restore_copy(self._local)
            if moment is None:
                self._begin_empty("The last run was cut off before its state was first copied")
                return
            at = datetime.fromtimestamp(moment).astimezone()
            self._progress.say(
                f"The last run did not end in order. Its data of {at:%H:%M:%S} ({at:%d %B}) is"
                " used; what came after that is gone."
            )
        why_empty = deployment.why_not_on_top(self._local, deployment.fingerprint(self._local))
        if why_empty:
            self._begin_empty(why_empty)

    def _begin_empty(self, why: str) -> None:
        emulator.forget_state(self._local)
        self._progress.say(f"{why}: starting empty.")

    def _deploy(self) -> None:
        local = self._local
        build = deployment.fingerprint(local)
        if deployment.is_current(local, build):
            return
        with self._progress.step("Building (sam build)", deployment.build_log(local)):
            template = deployment.build(local, build)
        with self._progress.step("Deploying (sam deploy)", deployment.deploy_log(local)):
            deployment.deploy(local, build, template)

    def _rest_url(self, stack: dict[str, str]) -> str:
        return f"{self._local.endpoint_url}/_aws/execute-api/{stack['RestApiId']}/v1"

    def _binance_url(self, stack: dict[str, str], tenant: str) -> str:
        """Return the base under which a tenant's /api/v3 and /sapi/v1 are."""
        api = f"{self._local.endpoint_url}/_aws/execute-api/{stack['BinanceApiId']}"
        return f"{api}/$default/{tenant}"

    def _describe(self, stack: dict[str, str], tenants: list[Json]) -> Json:
        sockets = self._local.endpoint_url.replace("http", "ws", 1)
        for tenant in tenants:
            tenant["binance_url"] = self._binance_url(stack, tenant["id"])
            public = f"{sockets}/_aws/execute-api/{stack['PublicWebSocketApiId']}/v1"
            tenant["public_websocket_url"] = f"{public}?{TENANT_PARAMETER}={tenant['id']}"
        first = tenants[0]
        return {
            # Of the first tenant, for tools that know of one.
            "tenant": {"id": first["id"], "name": first["name"]},
            "markets": first["markets"],
            "users": first["users"],
            "tenants": tenants,
            "rest_url": self._rest_url(stack),
            "binance_url": first["binance_url"],
            "ws_url": f"{sockets}/_aws/execute-api/{stack['WebSocketApiId']}/v1",
            "public_websocket_url": first["public_websocket_url"],
            "region": REGION,
            "endpoint_url": self._local.endpoint_url,
            **asdict(self._local.keys),
            "stack_name": STACK,
            "user_pool_client_id": first["user_pool_client_id"],
            "stack_outputs": stack,
            "logs": str(self._local.logs),
        }

    def _stop(self) -> None:
        """End the workers first, so that their last batches still find a journal."""
        self._local.outputs.unlink(missing_ok=True)
        for process in reversed(self._register.all()):
            if is_alive(process):
                with self._step(f"Ending {process.name}", process.name):
                    self._end(process)
            else:
                self._end(process)
        self._register.clear()

    def _end(self, process: Process) -> None:
        if process.name == emulator.NAME:
            emulator.stop(self._local, process)
        else:
            # Without its emulator it has nowhere to leave its last batches and its checkpoint.
            worker.stop(process, at_once=self._register.running(emulator.NAME) is None)

    def _begin(self, start: Callable[[], Process]) -> Process:
        """Start and register a process; an interruption waits until both are done."""
        with held_back():
            process = start()
            self._register.add(process)
        return process

    def _alone(self) -> contextlib.AbstractContextManager[None]:
        return only_one(self._lock, "starting or ending the exchange")

    def _step(self, title: str, name: str) -> Any:  # noqa: ANN401 - a context manager
        return self._progress.step(title, self._local.logs / f"{name}.log")

    def _outputs(self) -> Json | None:
        try:
            outputs: Json = json.loads(self._local.outputs.read_text())
        except (FileNotFoundError, json.JSONDecodeError):
            return None
        return outputs
