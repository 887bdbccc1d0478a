"""What requests hold, checked strictly, and what replies hold, for the description of the API only."""

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

from api.library import DEFAULT_COLLECTION

_Span = tuple[int, int]


def _check_characters(text: str) -> str:
    """pydantic itself looks for lone surrogates only in what it parses from bytes."""
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise PydanticCustomError("string_unicode", "Input should be text")
    return text


_Text = Annotated[str, AfterValidator(_check_characters)]


class _Request(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")


class SearchRequest(_Request):
    query: _Text = Field(description="A topic or a question.", examples=["燃气领域要求"])
    collection: _Text = DEFAULT_COLLECTION
    top_k: int = Field(default=5, ge=1, le=100, description="At most so many hits.")
    filters: dict[str, Any] | None = Field(default=None, description="Not supported yet; must be empty.")
    min_score: float | None = Field(
        default=None, ge=0, le=1, allow_inf_nan=False, description="Replaces the answer threshold."
    )
    history: list[_Text] | None = Field(
        default=None, description="Earlier questions, oldest first; not used yet."
    )


class AskRequest(_Request):
    question: _Text = Field(examples=["燃气领域要求"])
    collection: _Text = DEFAULT_COLLECTION
    top_k: int = Field(default=5, ge=1, le=100, description="At most so many hits.")
    history: list[_Text] | None = Field(
        default=None, description="Earlier questions, oldest first; not used yet."
    )


class PageRequest(BaseModel):
    """Strict but for what a query string cannot say: its numbers come as text."""

    model_config = ConfigDict(extra="forbid")

    limit: int = Field(default=50, ge=1, le=100)
    offset: int = Field(default=0, ge=0, le=1_000_000_000)


class _Reply(BaseModel):
    model_config = ConfigDict(extra="forbid")


class SourceReply(_Reply):
    document_id: str
    title: str
    filename: str
    url: str = Field(description="Where the document is, and the quote's span in it.")
    paragraph: int
    page: int | None
    outline: list[str] = Field(description="The headings that the quote stands under, outermost first.")
    issuer: str | None
    date: str | None
    doc_number: str | None
    sha256: str = Field(description="Of the original file.")


class WhyReply(_Reply):
    dense_rank: int | None
    lexical_rank: int | None
    matched_terms: list[str]


class HitReply(_Reply):
    """Spans are code points of the document's text: `text[start:end]` is the quote."""

    rank: int
    score: float = Field(description="0 to 1, calibrated, comparable across queries.")
    similarity: float = Field(description="The cosine of query and quote.")
    quote: str
    quote_span: _Span
    passage: str
    passage_span: _Span
    source: SourceReply
    why: WhyReply


class SearchReply(_Reply):
    query: str
    collection: str
    took_ms: float
    no_answer: bool = Field(description="True exactly when there are no hits.")
    hits: list[HitReply]


class CitationReply(_Reply):
    n: int
    quote: str
    quote_span: _Span
    source: SourceReply


class AskReply(_Reply):
    answer: str = Field(description="Exact quotes, each followed by its [n].")
    citations: list[CitationReply]
    no_answer: bool
    hits: list[HitReply]


class DocumentReply(_Reply):
    id: str
    title: str
    filename: str
    sha256: str
    encoding: str
    bytes: int
    passage_count: int
    doc_number: str | None
    issuer: str | None
    speaker: str | None
    date: str | None
    added_at: str


class DocumentsReply(_Reply):
    total: int
    offset: int
    limit: int
    documents: list[DocumentReply]


class FieldReply(_Reply):
    value: str
    span: _Span


class MetadataReply(_Reply):
    title: FieldReply | None
    doc_number: FieldReply | None
    issuer: FieldReply | None
    speaker: FieldReply | None
    date: FieldReply | None


class HeadingReply(_Reply):
    text: str
    span: _Span
    extent: _Span
    level: int
    number: int
    parent: int | None = Field(description="Position of the heading above in this outline.")


class MarkReply(_Reply):
    """A range that is not content and is never found, and why."""

    span: _Span
    reason: str


class PassageReply(_Reply):
    text: str
    span: _Span
    paragraph: int
    is_heading: bool


class DocumentDetailReply(DocumentReply):
    characters: int
    metadata: MetadataReply
    outline: list[HeadingReply]
    marks: list[MarkReply]
    passages: list[PassageReply]


class StatusReply(_Reply):
    status: str


class ErrorReply(_Reply):
    message: str
    type: str
    param: str | None
    code: str


class ErrorBody(_Reply):
    error: ErrorReply
