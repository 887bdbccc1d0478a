"""An upstream language model in trouble, as a service of its own on loopback, met through every chat route.

Each time there is a useful answer with its sources, in time, and the reason for it.
"""

import asyncio
import json
import re
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
import pytest
from openai import OpenAI
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

import front_end_rules as rules
from api.app import create_app
from api.asking import NO_CITATION
from api.checking import UNVERIFIED
from api.library import Library
from api.settings import Settings
from frontends import GAS, open_seeds, served

Json = dict[str, Any]
Written = AsyncIterator[bytes]
Trouble = Callable[[], Response]

TRUE = "燃气领域要强化源头治理[1]。"
QUOTES = "「燃气领域，要落实好今天视频会的精神"
TIMEOUT_S = 0.3
PATIENCE_S = 10


def event(text: str, **choice: object) -> bytes:
    return b"data: " + json.dumps({"choices": [{"delta": {"content": text}, **choice}]}).encode() + b"\n\n"


def written(*parts: str | float | Exception, is_whole: bool = True) -> Trouble:
    """A stream of texts; a number is a wait in seconds, an exception breaks the connection."""

    async def stream() -> Written:
        for part in parts:
            if isinstance(part, Exception):
                raise part
            if isinstance(part, float):
                await asyncio.sleep(part)
            else:
                yield event(part)
        if is_whole:
            yield event("", finish_reason="stop") + b"data: [DONE]\n\n"

    return lambda: StreamingResponse(stream(), media_type="text/event-stream")


def raw(content: bytes, status: int = 200) -> Trouble:
    return lambda: Response(content, status, media_type="text/event-stream")


def refused(status: int) -> Trouble:
    return lambda: JSONResponse({"error": {"message": "secret of the upstream"}}, status)


def dripping() -> Response:
    async def stream() -> Written:
        while True:
            yield b": keep-alive\n\n"
            await asyncio.sleep(0.05)

    return StreamingResponse(stream(), media_type="text/event-stream")


class Upstream:
    """Answers with its `trouble`."""

    def __init__(self) -> None:
        self.trouble: Trouble = written(TRUE)
        self.app = Starlette(routes=[Route("/v1/chat/completions", self._answer, methods=["POST"])])

    async def _answer(self, request: Request) -> Response:
        await request.body()
        return self.trouble()


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    with open_seeds(tmp_path_factory.mktemp("upstream")) as opened:
        yield opened


@pytest.fixture(scope="module")
def upstream() -> Upstream:
    return Upstream()


@pytest.fixture(scope="module")
def address(library: Library, upstream: Upstream) -> Iterator[str]:
    with served(upstream.app) as url, asking(library, url) as address:
        yield address


@contextmanager
def asking(library: Library, upstream: str) -> Iterator[str]:
    settings = Settings(llm_url=f"{upstream}/v1", llm_model="m", llm_timeout_s=TIMEOUT_S)
    with served(create_app(settings, library)) as address:
        yield address


# Made once: each would load its certificates.
HTTP = httpx2.Client(verify=False, timeout=PATIENCE_S)


def chunks(address: str, path: str = "/v1") -> list[Json]:
    body = {"model": "default", "messages": [{"role": "user", "content": GAS}], "stream": True}
    response = HTTP.post(f"{address}{path}/chat/completions", json=body)
    assert response.status_code == 200
    *sent, done = response.text.strip().split("\n\n")
    assert done == "data: [DONE]"
    return [json.loads(one.removeprefix("data: ")) for one in sent]


def answers(address: str) -> Iterator[tuple[str, list[str]]]:
    """Text and addresses of sources as each kind of client gets them."""
    for show, path in (
        (rules.cherry_studio, "/v1"),
        (rules.lobe_chat, "/v1"),
        (rules.open_webui, "/openwebui/v1"),
    ):
        shown = show(chunks(address, path))
        assert shown.error is None
        yield shown.text, [url for _, url in shown.sources]
    client = OpenAI(base_url=f"{address}/v1", api_key="none", max_retries=0, http_client=HTTP)
    reply = client.chat.completions.create(model="default", messages=[{"role": "user", "content": GAS}])
    message = reply.choices[0].message
    cited = [one.url_citation.url for one in message.annotations or []]
    yield message.content or "", list(dict.fromkeys(cited))
    asked = HTTP.post(f"{address}/ask", json={"question": GAS}).json()
    yield asked["answer"], [citation["source"]["url"] for citation in asked["citations"]]


def assert_every_mark_has_its_source(text: str, sources: list[str]) -> None:
    body = text.partition("\n\n---\n")[0]
    marks = {int(n) for n in re.findall(r"\[(\d+)\]", body)}
    assert marks
    assert max(marks) <= len(sources)


TROUBLES: dict[str, tuple[Trouble, str]] = {
    "busy": (refused(429), "繁忙"),
    "failing": (refused(500), "出错"),
    "key": (refused(401), "密钥"),
    "name": (refused(404), "名称"),
    "silent": (written(30.0), "没有及时"),
    "dripping": (dripping, "没有及时"),
    "empty": (raw(b""), "中断"),
    "page": (raw(b"<html>Welcome</html>"), "中断"),
    "nonsense": (raw(b"data: nonsense\n\n"), "无法读取"),
    "shape": (raw(b'data: {"choices": 3}\n\n'), "无法读取"),
    "error": (raw(b'data: {"error": {"message": "secret"}}\n\n'), "出错"),
    "nothing": (written(""), NO_CITATION.strip("（）")),
}


@pytest.mark.parametrize("name", TROUBLES)
def test_trouble_before_the_first_words_gives_quotes_and_the_reason(
    address: str, upstream: Upstream, name: str
) -> None:
    upstream.trouble, reason = TROUBLES[name]
    started = time.monotonic()

    for text, sources in answers(address):
        note, _, rest = text.partition("\n\n")
        assert reason in note
        assert QUOTES in rest
        assert "secret" not in text
        assert_every_mark_has_its_source(text, sources)

    assert time.monotonic() - started < 5 * PATIENCE_S


def test_an_upstream_that_is_down_gives_quotes_and_the_reason(library: Library) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with asking(library, f"http://127.0.0.1:{port}") as address:
        for text, sources in answers(address):
            assert "连接不上" in text.partition("\n\n")[0]
            assert QUOTES in text
            assert_every_mark_has_its_source(text, sources)


BREAKS: dict[str, tuple[Trouble, str]] = {
    "cut": (written(f"{TRUE}还要", ConnectionError("cut")), "中断"),
    "ended": (written(f"{TRUE}还要", is_whole=False), "中断"),
    "stalled": (written(f"{TRUE}还要", 30.0), "没有及时"),
}


@pytest.mark.parametrize("name", BREAKS)
def test_trouble_in_the_middle_keeps_what_held_and_goes_on_with_quotes(
    address: str, upstream: Upstream, name: str
) -> None:
    upstream.trouble, reason = BREAKS[name]

    for text, sources in answers(address):
        assert text.startswith(TRUE)
        assert reason in text
        assert QUOTES in text
        assert_every_mark_has_its_source(text, sources)


LIES: dict[str, tuple[str, str]] = {
    "mark": ("燃气领域要强化源头治理[9]。", NO_CITATION),
    "none": ("燃气领域要强化源头治理。", NO_CITATION),
    "two": ("燃气领域要强化源头治理[1][9]。", "燃气领域要强化源头治理[1]。"),
    "quote": (
        "燃气领域要「强化源头治理」，「每日关停一户」[1]。",
        f"燃气领域要「强化源头治理」，「每日关停一户」{UNVERIFIED}[1]。",
    ),
    "matter": (f"{TRUE}请访问商城领取优惠券[1]。", TRUE),
    "link": (
        "燃气领域要强化[源头治理](http://evil.example)![x](http://evil.example/p)[1]。",
        "燃气领域要强化源头治理[1]。",
    ),
}


@pytest.mark.parametrize("name", LIES)
def test_lies_about_sources_do_not_come_through(address: str, upstream: Upstream, name: str) -> None:
    said, told = LIES[name]
    upstream.trouble = written(*said)

    for text, sources in answers(address):
        assert text.startswith(told)
        assert "evil" not in text
        assert_every_mark_has_its_source(text, sources)
        assert told != NO_CITATION or QUOTES in text


def test_what_is_right_comes_through_as_it_is(address: str, upstream: Upstream) -> None:
    upstream.trouble = written(*TRUE)

    for text, sources in answers(address):
        assert text.partition("\n\n---\n")[0] == TRUE
        assert len(sources) >= 1
