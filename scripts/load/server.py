"""A real server process on a free port of this machine, and requests to it."""

import http.client
import json
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

ROOT = Path(__file__).parent.parent.parent
_START_S = 120


class Gone(Exception):
    """The server went away before it answered: what became of the request is not known."""


class Server:
    """Started by `start`; `started_s` is how long it took until it answered."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._process: subprocess.Popen[str] | None = None
        self.address = ""
        self.started_s = 0.0

    def start(self) -> None:
        began = time.perf_counter()
        self.launch()
        assert self._process is not None and self._process.stdout is not None
        if not select.select([self._process.stdout], [], [], _START_S)[0]:
            raise AssertionError("the server does not become ready")
        line = self._process.stdout.readline()
        if not line:
            _, errors = self._process.communicate()
            raise AssertionError(f"the server ended at its start: {errors[-2000:]}")
        self.address = urlsplit(json.loads(line)["url"]).netloc
        self.started_s = time.perf_counter() - began

    def launch(self) -> None:
        """Begin to start, without waiting."""
        command = [sys.executable, "-m", "api.cli", "serve", "--port", "0", "--json"]
        environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "WENYUAN_DATA_DIR": str(self._data_dir),
        }
        self._process = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8"
        )

    def kill(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        self._process.communicate()

    def stop(self) -> str:
        """What it wrote to stderr."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        _, errors = self._process.communicate(timeout=60)
        return errors


class Client:
    """One connection, for one thread."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._connection = http.client.HTTPConnection(address, timeout=60)

    def ask(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        """Raises: Gone."""
        headers = {"content-type": "application/json"} if body is not None else {}
        encoded = None if body is None else json.dumps(body, ensure_ascii=False).encode()
        try:
            self._connection.request(method, path, encoded, headers)
            response = self._connection.getresponse()
            content = response.read()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            raise Gone(str(error)) from error
        is_json = response.getheader("content-type", "").startswith("application/json")
        return response.status, json.loads(content) if is_json else content.decode()

    def close(self) -> None:
        self._connection.close()
