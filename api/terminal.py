"""What the commands share: their options, the settings, and how a terminal is written to.

Imports that take time are made inside the functions, so that `--help` is there at once.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from unicodedata import category

import typer

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from api.settings import Settings
    from embeddings import AddReport, Collection, Source

_SHOW_PROGRESS_AFTER_S = 1.0

DataDir = Annotated[
    Path | None, typer.Option("--data-dir", help="Where collections are kept (WENYUAN_DATA_DIR).")
]
Model = Annotated[
    str | None, typer.Option("--model", help="“builtin”, a model folder or a name on a hub (WENYUAN_MODEL).")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Collection_ = Annotated[str, typer.Option("--collection", "-c", help="Which collection.")]


@contextmanager
def reading(data_dir: Path | None, model: str | None, name: str = "default") -> "Iterator[Collection]":
    """The collection, to read only: a server may have it open."""
    from api.library import open_named

    settings = read_settings(data_dir=data_dir, model=model)
    with closing(open_named(settings, name, model=model, read_only=True)) as collection:
        yield collection


@contextmanager
def searching(data_dir: Path | None, model: str | None, name: str = "default") -> "Iterator[Collection]":
    """As `reading`, with the re-ranker of the settings."""
    from api.library import load_reranking, open_named

    settings = read_settings(data_dir=data_dir, model=model)
    reranking = load_reranking(settings)
    with closing(open_named(settings, name, model=model, read_only=True, reranking=reranking)) as collection:
        yield collection


def read_settings(**given: object) -> "Settings":
    from pydantic import ValidationError

    from api.settings import Settings
    from embeddings import InvalidInput

    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type]
    except ValidationError as error:
        first = error.errors()[0]
        name = first["loc"][0]
        source = f"--{name}" if given.get(str(name)) is not None else f"WENYUAN_{str(name).upper()}"
        raise InvalidInput(f"{source} is {first['input']!r}: {first['msg']}.") from error


def telling_errors(command: Callable[..., None]) -> Callable[..., None]:
    """`command`, with what the library raises told in one line on stderr."""
    import functools

    @functools.wraps(command)
    def told(*args: Any, **options: Any) -> None:
        from embeddings import InvalidInput, NotFound, WenyuanError

        try:
            command(*args, **options)
        except WenyuanError as error:
            typer.echo(f"wenyuan: {error}", err=True)
            raise typer.Exit(2 if isinstance(error, InvalidInput | NotFound) else 1) from error

    return told


@contextmanager
def showing_progress(label: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on a terminal's stderr, for work that takes more than a second."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    progress = Progress(console=console, transient=True, disable=not console.is_terminal)
    task = progress.add_task(label, total=None)
    began = time.monotonic()

    def show(done: int, total: int) -> None:
        progress.update(task, completed=done, total=total)
        if done == total:
            progress.stop()
        elif time.monotonic() - began > _SHOW_PROGRESS_AFTER_S:
            progress.start()

    try:
        yield show
    finally:
        progress.stop()


def added_files(report: "AddReport | None") -> dict[str, Any]:
    if report is None:
        return {"added": [], "unchanged": [], "refused": [], "removed": 0}
    return {
        "added": [{"path": str(file.path), "document_id": file.document_id} for file in report.added],
        "unchanged": [{"path": str(file.path), "document_id": file.document_id} for file in report.unchanged],
        "refused": [{"path": str(file.path), "reason": file.reason} for file in report.refused],
        "removed": report.removed,
    }


def print_refused(report: "AddReport | None") -> None:
    for file in report.refused if report else ():
        typer.echo(printable(f"refused {file.path}: {file.reason}"), err=True)


def print_json(value: object, *, indent: int | None = 2) -> None:
    import sys

    from api.rendering import to_json

    sys.stdout.buffer.write(to_json(value, indent=indent) + b"\n")
    sys.stdout.buffer.flush()


def make_table(*columns: str) -> "Table":
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD)
    for column in columns:
        table.add_column(column, overflow="fold", no_wrap=column in ("#", "score"))
    return table


def make_console() -> "Console":
    from rich.console import Console

    return Console(markup=False, highlight=False, emoji=False)


def describe_source(source: "Source") -> str:
    place = " › ".join((source.title, *source.outline))
    return printable(f"{place} ({source.filename}, paragraph {source.paragraph})")


def printable(text: str) -> str:
    """`text` without what a terminal would obey or an output could not encode."""
    return "".join(
        " " if category(character) in ("Cc", "Cs") and character != "\n" else character for character in text
    )
