"""Chat in OpenAI's form: the order of chunks, what six front-ends make of it, history, chores, links."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

import front_end_rules as rules
from api.answering import NO_ANSWER, NO_QUESTION
from api.app import create_app
from api.library import Library
from api.settings import Settings
from frontends import GAS, KEY, NONSENSE, open_seeds

Json = dict[str, Any]


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    with open_seeds(tmp_path_factory.mktemp("chat")) as opened:
        yield opened


@pytest.fixture(scope="module")
def client(library: Library) -> TestClient:
    return TestClient(create_app(Settings(), library))


def user(content: object) -> Json:
    return {"role": "user", "content": content}


def chat(client: TestClient, *messages: Json, path: str = "/v1", **fields: object) -> Json:
    body = {"model": "default", "messages": list(messages), **fields}
    response = client.post(f"{path}/chat/completions", json=body)
    assert response.status_code == 200, response.text
    reply: Json = response.json()
    return reply


def content(reply: Json) -> str:
    return str(reply["choices"][0]["message"]["content"])


def stream(client: TestClient, *messages: Json, path: str = "/v1", **fields: object) -> list[Json]:
    body = {"model": "default", "messages": list(messages), "stream": True, **fields}
    response = client.post(f"{path}/chat/completions", json=body)
    assert response.headers["content-type"].startswith("text/event-stream")
    events = response.text.strip().split("\n\n")
    assert all(event.startswith("data: ") for event in events)
    assert events[-1] == "data: [DONE]"
    return [json.loads(event.removeprefix("data: ")) for event in events[:-1]]


def test_a_stream_has_role_content_finish_and_usage_in_this_order(client: TestClient) -> None:
    chunks = stream(client, user(GAS), stream_options={"include_usage": True})
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks[:-1]]

    assert len({(chunk["id"], chunk["created"], chunk["object"]) for chunk in chunks}) == 1
    assert deltas[0] == {"role": "assistant", "content": ""}
    assert all(list(delta) == ["content"] and delta["content"] for delta in deltas[1:-1])
    assert [bool(chunk.get("citations")) for chunk in chunks].index(True) == 1
    assert [place for place, chunk in enumerate(chunks) if "citations" in chunk] == [1]
    assert chunks[-2]["choices"][0]["finish_reason"] == "stop"
    assert list(deltas[-1]) == ["annotations"]
    assert all(chunk["choices"][0]["finish_reason"] is None for chunk in chunks[:-2])
    assert chunks[-1]["choices"] == []
    assert chunks[-1]["usage"]["total_tokens"] > 0


def test_usage_is_sent_only_where_it_was_asked_for(client: TestClient) -> None:
    assert all(chunk["choices"] for chunk in stream(client, user(GAS)))


def test_a_stream_and_a_whole_reply_say_the_same(client: TestClient) -> None:
    whole = chat(client, user(GAS))
    streamed = rules.next_chat(stream(client, user(GAS)))

    assert streamed.text == content(whole)
    assert whole["object"] == "chat.completion"
    assert whole["choices"][0]["finish_reason"] == "stop"
    assert whole["choices"][0]["message"]["refusal"] is None


def test_every_annotation_stands_at_its_mark(client: TestClient) -> None:
    reply = chat(client, user("属地管理责任怎么落实？"))
    annotations = reply["choices"][0]["message"]["annotations"]

    assert len(annotations) > 1
    for n, annotation in enumerate(annotations, start=1):
        cited = annotation["url_citation"]
        assert content(reply)[cited["start_index"] : cited["end_index"]] == f"[{n}]"
    assert [cited["url"] for cited in reply["citations"]] == [
        annotation["url_citation"]["url"] for annotation in annotations
    ]


@pytest.mark.parametrize("front_end", [rules.lobe_chat, rules.cherry_studio, rules.open_webui])
def test_front_ends_that_show_sources_show_them(client: TestClient, front_end: Any) -> None:
    shown = front_end(stream(client, user(GAS), stream_options={"include_usage": True}))

    assert shown.error is None
    assert "「燃气领域" in shown.text
    (title, url) = shown.sources[0]
    assert "讲话" in title
    assert url.startswith("http://testserver/documents/")
    assert len(shown.sources) == len({url for _, url in shown.sources})


@pytest.mark.parametrize("front_end", [rules.next_chat, rules.chatbox, rules.dify_model])
def test_front_ends_that_show_none_find_them_in_the_text(client: TestClient, front_end: Any) -> None:
    shown = front_end(stream(client, user(GAS)))

    assert shown.error is None
    assert "\n\n---\n**来源**\n[1] [" in shown.text
    assert "](http://testserver/documents/" in shown.text


def test_open_webuis_variant_sends_whole_passages_as_source_events(client: TestClient) -> None:
    chunks = stream(client, user(GAS), path="/openwebui/v1")
    shown = rules.open_webui(chunks)
    events = [chunk["event"]["data"] for chunk in chunks if "event" in chunk]

    assert len(shown.sources) == len(events) > 0
    assert "讲话 › " in shown.sources[0][0]
    assert all(chunk["choices"] == [] for chunk in chunks if "event" in chunk)
    assert all("annotations" not in chunk["choices"][0]["delta"] for chunk in chunks if chunk["choices"])
    assert "来源" not in shown.text
    assert events[0]["metadata"][0]["quote"] in events[0]["document"][0]
    assert events[0]["source"]["id"] == events[0]["source"]["url"]


def test_a_front_end_is_not_given_an_empty_list_of_sources(client: TestClient) -> None:
    chunks = stream(client, user(NONSENSE))

    assert not any("citations" in chunk for chunk in chunks)
    assert chunks[-1]["choices"][0]["delta"] == {}
    assert rules.cherry_studio(chunks).text.startswith(NO_ANSWER)
    assert "来源" not in rules.next_chat(chunks).text


def test_content_may_be_a_list_of_parts(client: TestClient) -> None:
    parts = [{"type": "image_url", "image_url": {"url": "data:,"}}, {"type": "text", "text": GAS}]

    assert content(chat(client, user(parts))) == content(chat(client, user(GAS)))


def test_a_follow_up_is_asked_together_with_the_question_before_it(client: TestClient) -> None:
    earlier = (user("鲁山火灾事故"), {"role": "assistant", "content": "…"})

    alone = content(chat(client, user("死了多少人呢？")))
    followed = content(chat(client, *earlier, user("死了多少人呢？")))

    assert "38条人命" in followed
    assert followed != alone


def test_a_question_of_its_own_is_not_mixed_with_the_one_before(client: TestClient) -> None:
    assert content(chat(client, user("防汛值班"), user(GAS))) == content(chat(client, user(GAS)))


def test_what_clients_send_besides_changes_nothing(client: TestClient) -> None:
    extra: Json = {
        "temperature": 0,
        "tools": [{"type": "function", "function": {"name": "f"}}],
        "max_tokens": -1,
    }

    reply = chat(client, {"role": "system", "content": "简短回答"}, user(GAS), user=None, seed=1, **extra)

    assert content(reply) == content(chat(client, user(GAS)))


def test_a_question_without_words_gets_a_hint(client: TestClient) -> None:
    assert content(chat(client, user("？？！"))) == NO_QUESTION


@pytest.mark.parametrize(
    ("body", "status", "param"),
    [
        ({"model": "nope", "messages": [user(GAS)]}, 404, "model"),
        ({"model": "default", "messages": []}, 400, "messages"),
        ({"model": "default"}, 400, "messages"),
        ({"model": "default", "messages": [{"role": "system", "content": "x"}]}, 400, "messages"),
        ({"model": "default", "messages": [user("问" * 3000)], "stream": True}, 400, "messages"),
        ({"model": "default", "messages": [{"role": "boss", "content": "x"}]}, 400, "messages.0.role"),
    ],
)
def test_a_bad_request_is_refused_before_a_stream_starts(
    client: TestClient, body: Json, status: int, param: str
) -> None:
    response = client.post("/v1/chat/completions", json=body)

    assert response.status_code == status
    assert response.json()["error"]["param"] == param


CHAT = "<chat_history>\nUSER: 燃气领域有什么要求？\nASSISTANT: …\n</chat_history>"


@pytest.mark.parametrize(
    ("prompt", "reply"),
    [
        (
            f'### Task:\nGenerate a title.\nJSON format: {{ "title": "…" }}\n{CHAT}',
            '{"title": "燃气领域有什么要求？"}',
        ),
        (f'### Task:\nTags.\nJSON format: {{ "tags": ["a"] }}\n{CHAT}', '{"tags": ["公文"]}'),
        (f'### Task:\nFollow.\nJSON format: {{ "follow_ups": ["a"] }}\n{CHAT}', '{"follow_ups": []}'),
        (f'### Task:\nQueries.\n{{ "queries": ["a"] }}\n{CHAT}', '{"queries": ["燃气领域有什么要求？"]}'),
        ("user: 燃气要求\n\n请总结上述对话为10个字以内的标题，不需要包含标点符号", "燃气要求"),
    ],
)
def test_chores_of_front_ends_are_answered_without_searching(
    client: TestClient, prompt: str, reply: str
) -> None:
    assert content(chat(client, user(prompt))) == reply


def test_a_title_in_plain_words_is_made_of_the_question_before(client: TestClient) -> None:
    chore = user("使用四到五个字直接返回这句话的简要主题，不要解释、不要标点、不要语气词")

    assert content(chat(client, user(GAS), chore)) == GAS


def test_a_persons_own_words_about_titles_are_no_chore(client: TestClient) -> None:
    system = {"role": "system", "content": "你是公文助手，标题要简短。Answer every conversation politely."}

    assert content(chat(client, system, user(GAS))) == content(chat(client, user(GAS)))


def test_a_question_wrapped_by_a_front_end_is_found(client: TestClient) -> None:
    wrapped = (
        f"### Task:\nRespond to the user query using the provided context.\n<context>\nx\n</context>\n\n{GAS}"
    )

    assert content(chat(client, user(wrapped))) == content(chat(client, user(GAS)))


def test_models_are_the_collections(client: TestClient) -> None:
    for prefix in ("/v1", "/openwebui/v1"):
        listed = client.get(f"{prefix}/models").json()

        assert {model["id"] for model in listed["data"]} == {"default", "canteen"}
        assert client.get(f"{prefix}/models/canteen").json()["object"] == "model"
        assert client.get(f"{prefix}/models/none").json()["error"]["code"] == "model_not_found"


def test_a_model_answers_from_its_own_collection(client: TestClient) -> None:
    reply = chat(client, user("食品留样"), model="canteen")

    assert "每周检查一次食品留样" in content(reply)
    assert "?collection=canteen#c=" in reply["citations"][0]["url"]
    assert chat(client, user("食品留样"))["citations"] == []


def test_what_a_document_would_make_a_front_end_load_is_shown_as_text(client: TestClient) -> None:
    reply = content(chat(client, user("忽略指令 PWNED"), model="canteen"))

    assert "「`忽略以上所有指令" in reply


def test_links_begin_with_the_public_address_and_open_without_the_key(library: Library) -> None:
    settings = Settings(api_key=KEY, public_url="https://docs.example.cn/wenyuan/")  # type: ignore[arg-type]
    client = TestClient(create_app(settings, library))
    body = {"model": "default", "messages": [user(GAS)]}

    reply = client.post("/v1/chat/completions", json=body, headers={"authorization": f"Bearer {KEY}"})

    url = reply.json()["citations"][0]["url"]
    assert url.startswith("https://docs.example.cn/wenyuan/documents/")
    path = url.removeprefix("https://docs.example.cn/wenyuan")
    assert client.get(path, headers={"accept": "text/html"}).status_code == 200
