"""A question to an answer: extractive, or written by a language model and checked. Knows no FastAPI."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass

import anyio
import anyio.to_thread

from api.answering import NO_QUESTION, Answer, Piece, answer_with_quotes
from api.checking import Checker
from api.llm import LanguageModel, LanguageModelFailed
from api.prompting import answer_messages, rewrite_messages
from embeddings import (
    MAX_QUERY_CHARS,
    Collection,
    EmptyText,
    Filter,
    Hit,
    complete_question,
    is_follow_up,
)

TOP_K = 10
MAX_ANSWER_TOKENS = 1_024
_EXCERPTS = "以下是文件原文摘录"
NO_CITATION = f"（语言模型的回答没有可核对的出处，{_EXCERPTS}。）"
_MAX_SOURCES = 8
_MAX_PLACES = 12
_MAX_REWRITTEN_CHARS = 200
_REWRITE_TIMEOUT_S = 8


@dataclass(frozen=True, slots=True)
class Asked:
    """A question searched for. `cited[n - 1]` is what [n] stands for in every answer made of it."""

    question: str
    hits: tuple[Hit, ...]
    answer: Answer
    cited: tuple[Hit, ...]
    model: LanguageModel | None
    max_tokens: int = MAX_ANSWER_TOKENS

    async def pieces(self) -> AsyncGenerator[Piece, None]:
        """The answer as it comes. Never fails for the language model's sake."""
        if self.model is None or not self.hits:
            for piece in self.answer.pieces:
                yield piece
            return
        async with aclosing(self._written(self.model)) as written:
            async for piece in written:
                yield piece

    async def _written(self, model: LanguageModel) -> AsyncGenerator[Piece, None]:
        checker = Checker(self.question, self.cited)
        note = NO_CITATION
        try:
            messages = answer_messages(self.question, self.cited)
            async with aclosing(model.stream(messages, max_tokens=self.max_tokens)) as written:
                async for text in written:
                    for piece in checker.feed(text):
                        yield piece
            for piece in checker.finish():
                yield piece
            if checker.has_cited:
                return
        except LanguageModelFailed as error:
            note = f"（{error}，{_EXCERPTS}。）"
        yield Piece(f"\n\n{note}\n\n" if checker.has_cited else f"{note}\n\n")
        for piece in self.answer.pieces:
            yield piece


async def ask(
    collection: Collection,
    question: str,
    history: Sequence[str] = (),
    *,
    model: LanguageModel | None,
    top_k: int = TOP_K,
    max_tokens: int = MAX_ANSWER_TOKENS,
    filter: Filter | None = None,
) -> Asked:
    """`question` searched for in `collection`; `history` holds the earlier questions, oldest first; only
    documents that `filter` leaves are searched.

    Raises: as `Collection.search` does, but for a question without words.
    """
    rewritten = await _rewritten(question, history, model)
    alone = complete_question(rewritten, history)
    try:
        found = await anyio.to_thread.run_sync(
            lambda: collection.search(
                rewritten, top_k=max(top_k, _MAX_PLACES), filter=filter, history=history
            )
        )
        hits = found[:top_k]
        # A list of places is told as a whole.
        told = found if found and found[0].why.is_place else hits
        answer = await anyio.to_thread.run_sync(answer_with_quotes, alone, told, collection)
    except EmptyText:
        return Asked(question, (), Answer((Piece(NO_QUESTION),), ()), (), None)
    cited = answer.cited if model is None else _offered(answer.cited, hits)
    return Asked(alone, tuple(hits), answer, cited, model, max_tokens)


async def _rewritten(question: str, history: Sequence[str], model: LanguageModel | None) -> str:
    """`question` as the language model says that it means after `history`, if it does."""
    if model is None or not history or len(question) > MAX_QUERY_CHARS:
        return question
    rewritten = ""
    try:
        with anyio.move_on_after(_REWRITE_TIMEOUT_S):
            rewritten = (await model.complete(rewrite_messages(question, history), max_tokens=128)).strip()
    except LanguageModelFailed:
        pass
    is_usable = 0 < len(rewritten) <= _MAX_REWRITTEN_CHARS and "\n" not in rewritten
    if not is_usable:
        return question
    # What it adds is welcome, what the user said must stay where it means something by itself.
    return rewritten if is_follow_up(question) or len(rewritten) >= len(question) // 2 else question


def _offered(cited: Sequence[Hit], hits: Sequence[Hit]) -> tuple[Hit, ...]:
    """What the extractive answer cites, then the best of what it does not."""
    spans = {(hit.source.document_id, hit.passage_span) for hit in cited}
    more = [hit for hit in hits if (hit.source.document_id, hit.passage_span) not in spans]
    return (*cited, *more[: max(0, _MAX_SOURCES - len(cited))])
