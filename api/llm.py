"""The upstream language model: any service that speaks OpenAI's chat completions. Knows no FastAPI.

LanguageModelFailed     its message is a phrase for the reader of an answer, and says nothing of the upstream's own
"""

import json
import logging
import ssl
import time
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import httpx2

from api.settings import Settings
from embeddings import InvalidInput

_log = logging.getLogger(__name__)

Message = dict[str, str]
_CONNECT_TIMEOUT_S = 5.0
_MAX_ANSWER_CHARS = 20_000
_MAX_LINE_BYTES = 1 << 20
_TEMPERATURE = 0.2


class LanguageModelFailed(Exception):
    pass


@dataclass(frozen=True)
class LanguageModel:
    """`idle_timeout_s` is the longest silence that is borne, `total_timeout_s` the longest answer."""

    url: str
    model: str
    key: str | None
    idle_timeout_s: float
    total_timeout_s: float
    transport: httpx2.AsyncBaseTransport | None = None

    async def stream(self, messages: Sequence[Message], *, max_tokens: int) -> AsyncGenerator[str, None]:
        """The answer as it comes. Raises: LanguageModelFailed, also after a part of it."""
        body = {"messages": list(messages), "stream": True, "max_tokens": max_tokens}
        written = 0
        async with self._post(body) as response:
            is_finished = False
            async for event in _events(response, time.monotonic() + self.total_timeout_s):
                text, is_last = _read_event(event)
                is_finished = is_finished or is_last
                written += len(text)
                if text:
                    yield text
                if written > _MAX_ANSWER_CHARS:
                    raise LanguageModelFailed("语言模型的回答过长")
            if not is_finished:
                raise LanguageModelFailed("语言模型的回答中断")

    async def complete(self, messages: Sequence[Message], *, max_tokens: int) -> str:
        """The whole answer. Raises: LanguageModelFailed."""
        return "".join([text async for text in self.stream(messages, max_tokens=max_tokens)])

    @asynccontextmanager
    async def _post(self, body: dict[str, Any]) -> AsyncIterator[httpx2.Response]:
        """The response, if it is a good one. One client a question: leaving it is what stops the upstream."""
        headers = {"authorization": f"Bearer {self.key}"} if self.key else {}
        timeout = httpx2.Timeout(self.idle_timeout_s, connect=min(_CONNECT_TIMEOUT_S, self.idle_timeout_s))
        body = {"model": self.model, "temperature": _TEMPERATURE, **body}
        address = f"{self.url.rstrip('/')}/chat/completions"
        try:
            async with (
                httpx2.AsyncClient(
                    timeout=timeout, verify=self._tls, transport=self.transport, trust_env=False
                ) as client,
                client.stream("POST", address, json=body, headers=headers) as response,
            ):
                _check_status(response.status_code)
                yield response
        except httpx2.TimeoutException as error:
            raise LanguageModelFailed("语言模型没有及时回答") from error
        except httpx2.ConnectError as error:
            raise LanguageModelFailed("语言模型连接不上") from error
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            _log.warning("the language model's answer broke off: %s", type(error).__name__)
            raise LanguageModelFailed("语言模型的回答中断") from error

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        # Loading the certificates takes longer than searching.
        return ssl.create_default_context()


def language_model(settings: Settings) -> LanguageModel | None:
    """The one that the settings name, if they do. Raises: InvalidInput where they name half of it."""
    if not settings.llm_url and not settings.llm_model:
        return None
    if not settings.llm_url or not settings.llm_model:
        raise InvalidInput(
            "A language model needs both WENYUAN_LLM_URL and WENYUAN_LLM_MODEL; set both or none."
        )
    return LanguageModel(
        url=settings.llm_url,
        model=settings.llm_model,
        key=settings.llm_key.get_secret_value() if settings.llm_key else None,
        idle_timeout_s=settings.llm_timeout_s,
        total_timeout_s=4 * settings.llm_timeout_s,
    )


def _check_status(status: int) -> None:
    if status == 200:
        return
    _log.warning("the language model answers %d", status)
    reasons = {
        401: "语言模型拒绝了密钥",
        403: "语言模型拒绝了密钥",
        404: "语言模型的地址或名称不对",
        429: "语言模型繁忙",
    }
    raise LanguageModelFailed(reasons.get(status, "语言模型出错"))


async def _events(response: httpx2.Response, deadline: float) -> AsyncIterator[str]:
    """The data of each server-sent event. The clock is looked at for every byte run: a drip is no progress."""
    pending = b""
    async for data in response.aiter_bytes():
        if time.monotonic() > deadline:
            raise LanguageModelFailed("语言模型没有及时回答完")
        *lines, pending = (pending + data).split(b"\n")
        if len(pending) > _MAX_LINE_BYTES:
            raise LanguageModelFailed("语言模型的回答无法读取")
        for line in lines:
            if line.startswith(b"data:"):
                yield line[5:].decode("utf-8", "replace").strip()


def _read_event(event: str) -> tuple[str, bool]:
    """The text of an event, and whether the answer ends with it."""
    if event == "[DONE]":
        return "", True
    try:
        chunk = json.loads(event)
        if "error" in chunk:
            raise LanguageModelFailed("语言模型出错")
        choices = chunk.get("choices") or [{}]
        text = (choices[0].get("delta") or {}).get("content") or ""
        return str(text), bool(choices[0].get("finish_reason"))
    except (ValueError, TypeError, AttributeError, LookupError) as error:
        raise LanguageModelFailed("语言模型的回答无法读取") from error
