"""POST /dify/retrieval: Dify's external knowledge."""

import re
from collections.abc import Callable
from typing import Any, Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from api.errors import blaming
from api.filters import Attributes, Condition, all_of, any_of, attributes_of, check_field, search_where
from api.library import Library
from api.links import Links, links_for
from api.rendering import to_json
from api.settings import Settings
from embeddings import MAX_TOP_K, Hit, InvalidInput


class RetrievalSetting(BaseModel):
    model_config = ConfigDict(extra="ignore")

    top_k: int = Field(default=5, ge=1)
    score_threshold: float | None = Field(default=None, ge=0, le=1, allow_inf_nan=False)


class MetadataCondition(BaseModel):
    """Some versions of Dify say `logic` for `logical_operator`."""

    model_config = ConfigDict(extra="ignore")

    logical_operator: Literal["and", "or"] | None = None
    logic: Literal["and", "or"] | None = None
    conditions: list[dict[str, Any]] | None = None


class DifyError(BaseModel):
    error_code: int = Field(description="1001 no or malformed key, 1002 wrong key, 2001 no such collection.")
    error_msg: str


class DifyRequest(BaseModel):
    model_config = ConfigDict(
        extra="ignore",
        json_schema_extra={
            "example": {
                "knowledge_id": "default",
                "query": "燃气领域要求",
                "retrieval_setting": {"top_k": 5, "score_threshold": 0.0},
            }
        },
    )

    knowledge_id: str = Field(description="A collection.")
    query: str
    retrieval_setting: RetrievalSetting = Field(default_factory=RetrievalSetting)
    metadata_condition: MetadataCondition | None = None


def dify_routes(library: Library, settings: Settings) -> APIRouter:
    errors: dict[int | str, dict[str, Any]] = {"default": {"model": DifyError, "description": "Any error."}}
    router = APIRouter(prefix="/dify", tags=["dify"], responses=errors)

    @router.post(
        "/retrieval",
        operation_id="dify_retrieval",
        summary="Find passages, in Dify's form",
        response_model=None,
    )
    async def retrieve(body: DifyRequest, request: Request) -> Response:
        """No hit is no error: `records` is empty. Dify sends a threshold of 0 where it has none."""
        collection = library.collection(body.knowledge_id)
        with blaming("metadata_condition"):
            condition = read_condition(body.metadata_condition)
        with blaming("query"):
            hits = await run_in_threadpool(
                search_where,
                collection,
                body.query,
                top_k=min(body.retrieval_setting.top_k, MAX_TOP_K),
                min_score=body.retrieval_setting.score_threshold or None,
                condition=condition,
            )
        links = links_for(request, settings, collection.name)
        return Response(
            to_json({"records": [_record(hit, links) for hit in hits]}), media_type="application/json"
        )

    return router


def _record(hit: Hit, links: Links) -> dict[str, Any]:
    metadata: dict[str, Any] = {
        **attributes_of(hit.source),
        "path": hit.source.filename,
        "url": links.to_quote(hit),
        "quote": hit.quote,
        "outline": list(hit.source.outline),
    }
    score = round(float(hit.score), 4)
    return {"content": hit.passage, "score": score, "title": hit.source.title, "metadata": metadata}


def read_condition(value: MetadataCondition | None) -> Condition | None:
    """Raises: InvalidInput where an operator or a field is not known."""
    if value is None or not value.conditions:
        return None
    conditions = [_read_one(condition) for condition in value.conditions]
    return any_of(conditions) if (value.logical_operator or value.logic) == "or" else all_of(conditions)


_Test = Callable[[Any, Any], bool]
_TEXT: dict[str, _Test] = {
    "contains": lambda held, wanted: wanted in held,
    "not contains": lambda held, wanted: wanted not in held,
    "start with": lambda held, wanted: held.startswith(wanted),
    "end with": lambda held, wanted: held.endswith(wanted),
    "is": lambda held, wanted: held == wanted,
    "is not": lambda held, wanted: held != wanted,
}
_LISTS: dict[str, _Test] = {
    "in": lambda held, wanted: held in wanted,
    "not in": lambda held, wanted: held not in wanted,
}
_NUMBERS: dict[str, _Test] = {
    "=": lambda held, wanted: held == wanted,
    "≠": lambda held, wanted: held != wanted,
    ">": lambda held, wanted: held > wanted,
    "<": lambda held, wanted: held < wanted,
    "≥": lambda held, wanted: held >= wanted,
    "≤": lambda held, wanted: held <= wanted,
}
_DATES: dict[str, _Test] = {
    "before": lambda held, wanted: held < wanted,
    "after": lambda held, wanted: held > wanted,
}
# Of a document that has no such field these hold, all others do not.
_TRUE_OF_NOTHING = frozenset({"empty", "not contains", "is not", "not in", "≠"})
_DATE = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})")


def _read_one(condition: dict[str, Any]) -> Condition:
    operator, wanted = condition.get("comparison_operator"), condition.get("value")
    key = check_field(condition.get("name"))
    if operator in ("empty", "not empty"):
        return lambda attributes: (key not in attributes) == (operator == "empty")
    read, test = _test(operator)
    wanted = _read_wanted(str(operator), wanted, read)

    def holds(attributes: Attributes) -> bool:
        if key not in attributes:
            return operator in _TRUE_OF_NOTHING
        held = read(attributes[key])
        return held is not None and test(held, wanted)

    return holds


def _test(operator: object) -> tuple[Callable[[Any], Any], _Test]:
    """How a value is read for `operator`, and what it then does."""
    for tests, read in ((_TEXT, str), (_LISTS, str), (_NUMBERS, _number), (_DATES, _day)):
        if isinstance(operator, str) and operator in tests:
            return read, tests[operator]
    known = ", ".join([*_TEXT, *_LISTS, "empty", "not empty", *_NUMBERS, *_DATES])
    raise InvalidInput(f"The operator “{str(operator)[:80]}” is not supported; there is {known}.")


def _read_wanted(operator: str, wanted: Any, read: Callable[[Any], Any]) -> Any:
    if operator in _LISTS:
        values = wanted if isinstance(wanted, list) else str(wanted).split(",")
        return [str(value).strip() for value in values]
    if isinstance(wanted, list) and len(wanted) == 1:
        wanted = wanted[0]
    value = None if wanted is None or isinstance(wanted, list | dict) else read(wanted)
    if value is None:
        raise InvalidInput(f"“{operator}” cannot be used with the value “{str(wanted)[:80]}”.")
    return value


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def _day(value: Any) -> str | None:
    found = _DATE.search(str(value))
    return f"{found[1]}-{int(found[2]):02}-{int(found[3]):02}" if found else None
