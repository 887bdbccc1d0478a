"""A draft's report as JSON, as Markdown and as one HTML page that needs nothing else. Knows no HTTP."""

from collections.abc import Iterator, Sequence
from html import escape
from itertools import groupby
from pathlib import Path
from typing import Any

from api.rendering import source_reply
from embeddings import Change, DraftParagraph, DraftReport, Match, Span

Json = dict[str, Any]

_DIGITS = 4
_SHOWN = 120
_KINDS = {"verbatim": "照抄", "rewritten": "改写", "boilerplate": "套话", "related": "相近"}
_CHANGES = {
    "number": "数字",
    "date": "日期",
    "name": "名称",
    "wording": "措辞",
    "added": "增加",
    "left_out": "删去",
    "order": "语序",
}
_TEMPLATE = Path(__file__).parent / "web" / "report.html"
_DEFINITION = "原创度 = 1 − 照抄或改写的字数（每字只计一次，套话不计）÷ 全文字数（汉字、字母、数字）"


def report_reply(report: DraftReport) -> Json:
    return {
        "characters": report.characters,
        "originality": round(report.originality, _DIGITS),
        "paragraphs": [
            {"span": paragraph.span, "matches": [_match(match) for match in paragraph.matches]}
            for paragraph in report.paragraphs
        ],
        "boilerplate": [
            {"draft_span": one.draft_span, "documents": one.documents} for one in report.boilerplate
        ],
        "placeholders": [{"draft_span": one.draft_span, "text": one.text} for one in report.placeholders],
        "superseded": [
            {
                "draft_span": one.draft_span,
                "reason": one.reason,
                "source_span": one.source_span,
                "source_text": one.source_text,
                "source": source_reply(one.source, one.source_span),
            }
            for one in report.superseded
        ],
        "repetitions": [{"first": one.first, "again": one.again} for one in report.repetitions],
        "documents": [
            {
                "document_id": one.document_id,
                "title": one.title,
                "characters": one.characters,
                "share": round(one.share, _DIGITS),
            }
            for one in report.documents
        ],
    }


def report_markdown(report: DraftReport) -> str:
    return "\n".join(_markdown_lines(report)) + "\n"


def report_html(report: DraftReport) -> str:
    """One page, both texts side by side. Everything that is not ours in it is escaped."""
    parts = {
        "originality": _percent(report.originality),
        "characters": f"{report.characters:,}",
        "definition": escape(_DEFINITION),
        "documents": "".join(
            f"<tr><td>{escape(one.title)}<td>{one.characters:,}<td>{_percent(one.share)}"
            for one in report.documents
        ),
        "notes": "".join(f"<li>{escape(note)}" for note in _notes(report)) or "<li>无",
        "rows": "".join(_row(report, paragraph) for paragraph in report.paragraphs),
    }
    before, *rest = _TEMPLATE.read_text(encoding="utf-8").split("{{")
    return before + "".join(
        parts[name] + after for name, after in (piece.split("}}", maxsplit=1) for piece in rest)
    )


def _match(match: Match) -> Json:
    return {
        "kind": match.kind,
        "score": round(match.score, _DIGITS),
        "draft_span": match.draft_span,
        "source_span": match.source_span,
        "source_text": match.source_text,
        "changes": [_change(change) for change in match.changes],
        "source": source_reply(match.source, match.source_span),
    }


def _change(change: Change) -> Json:
    return {
        "kind": change.kind,
        "draft_span": change.draft_span,
        "source_span": change.source_span,
        "draft": change.draft,
        "source": change.source,
    }


def _markdown_lines(report: DraftReport) -> Iterator[str]:
    yield "# 草稿核查报告"
    yield ""
    yield f"原创度 {_percent(report.originality)}，全文 {report.characters:,} 字。{_DEFINITION}。"
    yield from ("", "## 提示", "")
    yield from [f"- {_plain(note)}" for note in _notes(report)] or ["- 无"]
    yield from ("", "## 主要来源", "", "| 文件 | 字数 | 占比 |", "|---|---|---|")
    for one in report.documents:
        yield f"| {_plain(one.title)} | {one.characters:,} | {_percent(one.share)} |"
    yield from ("", "## 逐段对照")
    for number, paragraph in enumerate(report.paragraphs, start=1):
        if paragraph.matches:
            yield from ("", f"### 第 {number} 段", "", f"> {_plain(paragraph.span.of(report.draft))}", "")
            yield from (_markdown_match(report.draft, match) for match in paragraph.matches)


def _markdown_match(draft: str, match: Match) -> str:
    said = _plain(match.draft_span.of(draft))
    changes = "；".join(_change_words(change) for change in match.changes)
    return (
        f"- **{_KINDS[match.kind]}** {match.score:.2f}「{said}」→「{_plain(match.source_text)}」"
        f"（{_plain(_place(match))}）" + (f"：{_plain(changes)}" if changes else "")
    )


def _notes(report: DraftReport) -> Iterator[str]:
    draft = report.draft
    for warning in report.superseded:
        place = f"{warning.source.title}，第 {warning.source.paragraph} 段"
        said = " ".join(warning.source_text.split())
        shown = said if len(said) <= _SHOWN else said[:_SHOWN] + "……"
        yield f"可能过时：「{warning.draft_span.of(draft)}」。{warning.reason}：「{shown}」（{place}）"
    for gap in report.placeholders:
        yield f"待填写：「{_around(draft, gap.draft_span)}」"
    for repetition in report.repetitions:
        yield f"前后重复：「{repetition.again.of(draft)}」"


def _around(draft: str, span: Span) -> str:
    return draft[max(0, span.start - 8) : span.end + 8].replace("\n", " ").strip()


def _change_words(change: Change) -> str:
    return f"{_CHANGES[change.kind]} {change.source or '（无）'} → {change.draft or '（无）'}"


def _place(match: Match) -> str:
    return " › ".join((match.source.title, *match.source.outline)) + f"，第 {match.source.paragraph} 段"


def _row(report: DraftReport, paragraph: DraftParagraph) -> str:
    matches = "".join(_html_match(report.draft, match) for match in paragraph.matches)
    return f"<tr><td>{_highlighted(report, paragraph)}<td>{matches}"


def _html_match(draft: str, match: Match) -> str:
    changes = [(change.source_span, "change") for change in match.changes if change.kind != "order"]
    start = match.source_span.start
    shown = _marked(match.source_text, [(Span(s.start - start, s.end - start), name) for s, name in changes])
    listed = "；".join(escape(_change_words(change)) for change in match.changes if change.kind != "order")
    return (
        f'<div class="match {match.kind}"><b>{_KINDS[match.kind]} {match.score:.2f}</b> '
        f"「{escape(match.draft_span.of(draft)[:40])}」<blockquote>{shown}</blockquote>"
        f"<small>{escape(_place(match))}</small>" + (f"<small>{listed}</small>" if listed else "") + "</div>"
    )


def _highlighted(report: DraftReport, paragraph: DraftParagraph) -> str:
    """The paragraph, each character under the first of its matches, unless it is a gap to be filled in."""
    start = paragraph.span.start
    spans = [
        (one.draft_span, "gap") for one in report.placeholders if _is_in(one.draft_span, paragraph.span)
    ] + [(m.draft_span, m.kind) for m in paragraph.matches if m.kind != "related"]
    return _marked(
        paragraph.span.of(report.draft), [(Span(s.start - start, s.end - start), name) for s, name in spans]
    )


def _is_in(span: Span, outer: Span) -> bool:
    return outer.start <= span.start and span.end <= outer.end


def _marked(text: str, spans: Sequence[tuple[Span, str]]) -> str:
    """`text` escaped, each character marked by the first of `spans` that holds it."""
    names = [""] * len(text)
    for (start, end), name in reversed(spans):
        names[start:end] = [name] * (end - start)
    shown = []
    for name, run in groupby(zip(names, text, strict=True), key=lambda pair: pair[0]):
        words = escape("".join(character for _, character in run))
        shown.append(f'<mark class="{name}">{words}</mark>' if name else words)
    return "".join(shown)


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _plain(text: str) -> str:
    """`text` on one line, with nothing that Markdown or HTML would obey."""
    return "".join(f"\\{c}" if c in "\\`*_[]<>|#" else " " if c in "\r\n" else c for c in text)
