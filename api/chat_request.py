"""What a chat request asks: the question, the questions before it, and the chores that front-ends send along."""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from api.library import DEFAULT_COLLECTION

_MAX_TITLE_CHARS = 20
_CONTEXT = re.compile(r"<context>.*</context>\s*", re.DOTALL)
_USER_QUERY = re.compile(r"<user_query>\s*(.*?)\s*</user_query>", re.DOTALL)


class TextPart(BaseModel):
    model_config = ConfigDict(extra="ignore")

    type: str = "text"
    text: str | None = None


class ChatMessage(BaseModel):
    model_config = ConfigDict(extra="ignore")

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | list[TextPart] | None = None

    @property
    def text(self) -> str:
        if isinstance(self.content, str):
            return self.content
        parts = [
            part.text for part in self.content or [] if part.type in ("text", "input_text") and part.text
        ]
        return "\n".join(parts)


class StreamOptions(BaseModel):
    model_config = ConfigDict(extra="ignore")

    include_usage: bool = False


class ChatRequest(BaseModel):
    """Everything else that clients send (temperature, tools, user, …) changes nothing here and is let pass."""

    model_config = ConfigDict(
        extra="ignore",
        json_schema_extra={
            "example": {
                "model": "default",
                "messages": [{"role": "user", "content": "燃气领域要求"}],
                "stream": False,
            }
        },
    )

    model: Annotated[str, StringConstraints(min_length=1)] = Field(
        default=DEFAULT_COLLECTION, description="A collection; GET /v1/models lists them."
    )
    messages: list[ChatMessage] = Field(min_length=1)
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None

    @property
    def questions(self) -> list[str]:
        """What the user asked, oldest first; messages without text (an image alone) are no question."""
        texts = [_without_context(message.text) for message in self.messages if message.role == "user"]
        return [text for text in texts if text.strip()]


def _without_context(text: str) -> str:
    """The user's own words, where a front-end wrapped them in a prompt with documents of its own."""
    asked = _USER_QUERY.search(text)
    if asked:
        return asked[1]
    if text.lstrip().startswith("### Task:") and "<context>" in text:
        rest = _CONTEXT.split(text)[-1].strip()
        return rest or text
    return text


@dataclass(frozen=True, slots=True)
class _Chore:
    """A prompt that a front-end sends for itself, and what it wants to read. Known by its wording."""

    wording: re.Pattern[str]
    reply: Callable[[str], str]


def _json_of(field: str, make: Callable[[str], Any]) -> Callable[[str], str]:
    return lambda question: json.dumps({field: make(question)}, ensure_ascii=False)


def _title(question: str) -> str:
    line = " ".join(question.split())
    return line if len(line) <= _MAX_TITLE_CHARS else line[: _MAX_TITLE_CHARS - 1] + "…"


_CHORES = (
    # Open WebUI: prompts that begin with “### Task:” and name the field of the JSON that they want.
    _Chore(re.compile(r'^### Task:.*\{\s*"title"\s*:', re.DOTALL), _json_of("title", _title)),
    _Chore(re.compile(r'^### Task:.*\{\s*"tags"\s*:', re.DOTALL), _json_of("tags", lambda _: ["公文"])),
    _Chore(re.compile(r'^### Task:.*\{\s*"follow_ups"\s*:', re.DOTALL), _json_of("follow_ups", lambda _: [])),
    _Chore(
        re.compile(r'^### Task:.*\{\s*"queries"\s*:', re.DOTALL),
        _json_of("queries", lambda question: [question] if question else []),
    ),
    _Chore(re.compile(r'^### Task:.*\{\s*"text"\s*:', re.DOTALL), _json_of("text", lambda _: "")),
    _Chore(re.compile(r'^### Task:.*"prompt"\s*:', re.DOTALL), _json_of("prompt", lambda _: "")),
    _Chore(re.compile(r"^Your task is to reflect the speaker's likely facial expression"), lambda _: "📄"),
    # LobeChat, NextChat, Cherry Studio, Chatbox: a title in plain words.
    _Chore(re.compile(r"总结.{0,40}(?:个字|字)以内的?(?:会话|对话)?标题|字以内的标题"), _title),
    _Chore(re.compile(r"使用四到五个字直接返回这句话的简要主题"), _title),
    _Chore(re.compile(r"give this conversation a name|summar\w+.{0,120}\btitle\b", re.IGNORECASE), _title),
    # NextChat: its memory of a long chat.
    _Chore(re.compile(r"简要总结一下对话内容，用作后续的上下文提示"), lambda _: ""),
)
_HISTORY = re.compile(r"<chat_history>\s*(.*?)\s*</chat_history>|```\s*(.*?)\s*```", re.DOTALL)
_SAID_BY_USER = re.compile(r"^\s*(?:USER|user|User|用户)\s*[:：]\s*(.+)$", re.MULTILINE)


def chore_reply(messages: Sequence[ChatMessage]) -> str | None:
    """What a housekeeping prompt of a front-end gets, without any searching; None for a question of a person."""
    prompts = [message.text for message in messages if message.role in ("system", "developer")][:1]
    asked = [message.text for message in messages if message.role == "user"]
    for prompt in asked[-1:] + prompts:
        chore = next((chore for chore in _CHORES if chore.wording.search(prompt.strip())), None)
        if chore is not None:
            return chore.reply(_question_in(prompt, [text for text in asked if text != prompt]))
    return None


def _question_in(prompt: str, others: Sequence[str]) -> str:
    """The question that a chore is about: in the chat that the prompt repeats, else in the messages before it."""
    history = _HISTORY.search(prompt)
    within = (history[1] or history[2] or "") if history else prompt
    said = _SAID_BY_USER.findall(within)
    if said:
        return str(said[-1]).strip()
    return others[-1].strip() if others else (within.strip() if history else "")
