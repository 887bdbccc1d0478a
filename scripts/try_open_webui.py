"""Start Open WebUI against a fresh service on loopback, ask it a question through its own API, print what it shows.

Open WebUI is large, so it stays out of the project's environment: install it in one of its own
(`python -m venv V && V/bin/pip install open-webui`) and give its command with --open-webui V/bin/open-webui.
Everything that either writes goes into a folder that is removed at the end.
"""

import argparse
import json
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2

Json = dict[str, Any]

ROOT = Path(__file__).resolve().parent.parent
START_TIMEOUT_S = 300
ANSWER_TIMEOUT_S = 60


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--open-webui", default="open-webui", help="the command of Open WebUI")
    parser.add_argument("--question", default="燃气领域要求")
    parser.add_argument("--path", default="/openwebui/v1", help="/openwebui/v1 or /v1")
    parser.add_argument(
        "--hold", action="store_true", help="leave both running for a look, until Enter is pressed"
    )
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        key = secrets.token_hex(8)
        with (
            wenyuan(Path(folder) / "wenyuan", key) as service,
            open_webui(
                given.open_webui, Path(folder) / "open-webui", f"{service}{given.path}", key
            ) as front_end,
        ):
            message = ask(front_end, given.question)
            if given.hold:
                input(f"{front_end.base_url}/c/{message['chat_id']} shows it; Enter ends it. ")
    print(f"answer:\n{message['content']}\n\nsources shown: {len(message.get('sources', []))}")
    for source in message.get("sources", []):
        print(
            f"- {source['source']['name']}\n  {source['metadata'][0]['source']}\n  {source['document'][0][:80]}"
        )


@contextmanager
def wenyuan(folder: Path, key: str) -> Iterator[str]:
    port = free_port()
    command = [sys.executable, "-m", "api.cli", "serve", "--port", str(port), "--data-dir", str(folder)]
    environment = {**os.environ, "WENYUAN_API_KEY": key, "PYTHONPATH": str(ROOT)}
    with running(command, environment, ROOT):
        url = f"http://127.0.0.1:{port}"
        headers = {"authorization": f"Bearer {key}"}
        wait_for(lambda: httpx2.get(f"{url}/readyz", headers=headers).status_code == 200)
        yield url


@contextmanager
def open_webui(command: str, folder: Path, base_url: str, key: str) -> Iterator[httpx2.Client]:
    """A client that is signed in. Nothing is fetched from elsewhere."""
    folder.mkdir()
    port = free_port()
    environment = {
        **os.environ,
        "DATA_DIR": str(folder),
        "WEBUI_AUTH": "False",
        "WEBUI_SECRET_KEY": secrets.token_hex(16),
        "ENABLE_OLLAMA_API": "False",
        "OPENAI_API_BASE_URL": base_url,
        "OPENAI_API_KEY": key,
        "OFFLINE_MODE": "True",
        "HF_HUB_OFFLINE": "1",
        # Its embedder would be loaded at start, though documents are not its business here.
        "RAG_EMBEDDING_ENGINE": "openai",
    }
    environment.pop("PYTHONPATH", None)
    with running([command, "serve", "--host", "127.0.0.1", "--port", str(port)], environment, folder):
        url = f"http://127.0.0.1:{port}"
        with httpx2.Client(base_url=url, timeout=60) as client:
            wait_for(lambda: client.get("/health").status_code == 200)
            print(f"Open WebUI {client.get('/api/version').json()['version']} asks {base_url}")
            signed_in = client.post("/api/v1/auths/signin", json={"email": "", "password": ""}).json()
            client.headers["authorization"] = f"Bearer {signed_in['token']}"
            yield client


def ask(client: httpx2.Client, question: str) -> Json:
    """The answer as Open WebUI has kept it, sources included."""
    model = next(one["id"] for one in client.get("/api/models").json()["data"] if one["id"] == "default")
    asked, answered = str(uuid.uuid4()), str(uuid.uuid4())
    user = {"id": asked, "role": "user", "content": question, "childrenIds": [answered], "models": [model]}
    reply = {
        "id": answered,
        "parentId": asked,
        "role": "assistant",
        "content": "",
        "model": model,
        "childrenIds": [],
    }
    history = {"messages": {asked: user, answered: reply}, "currentId": answered}
    chat = {"title": "", "models": [model], "history": history, "messages": [user, reply]}
    chat_id = client.post("/api/v1/chats/new", json={"chat": chat}).json()["id"]
    body = {
        "model": model,
        "messages": [{"role": "user", "content": question}],
        "stream": True,
        "chat_id": chat_id,
        "id": answered,
        "session_id": str(uuid.uuid4()),
        "parent_id": asked,
        "user_message": user,
        "background_tasks": {"title_generation": True, "tags_generation": True, "follow_up_generation": True},
    }
    client.post("/api/chat/completions", json=body).raise_for_status()
    kept: Json = {}

    def is_answered() -> bool:
        messages = client.get(f"/api/v1/chats/{chat_id}").json()["chat"]["history"]["messages"]
        kept.update(messages[answered])
        return bool(kept.get("done") or kept.get("error"))

    wait_for(is_answered, timeout_s=ANSWER_TIMEOUT_S)
    if kept.get("error"):
        sys.exit(json.dumps(kept["error"], ensure_ascii=False))
    return {**kept, "chat_id": chat_id}


@contextmanager
def running(command: list[str], environment: dict[str, str], folder: Path) -> Iterator[None]:
    process = subprocess.Popen(command, env=environment, cwd=folder, stdout=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        process.wait(timeout=30)


def wait_for(is_there: Callable[[], bool], *, timeout_s: float = START_TIMEOUT_S) -> None:
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        try:
            if is_there():
                return
        except httpx2.TransportError:
            pass
        time.sleep(0.5)
    sys.exit("It did not come up in time.")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


if __name__ == "__main__":
    main()
