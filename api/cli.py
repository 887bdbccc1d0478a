"""The command line: serve, add, search, ask, list, delete, collections, reindex, check, similar, phrases, mcp, eval.

Exit codes: 0 done, 1 it could not be done or not wholly, 2 the caller's mistake.
Imports that take time are made inside the commands, so that `--help` is there at once.
"""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli_documents import add, collections, delete, list_documents, reindex
from api.cli_questions import ask, check, evaluate, phrases, search, similar
from api.terminal import (
    AsJson,
    DataDir,
    Model,
    added_files,
    make_console,
    print_json,
    print_refused,
    read_settings,
    showing_progress,
    telling_errors,
)

if TYPE_CHECKING:
    from embeddings import AddReport


def main() -> None:
    _make_app()(prog_name="wenyuan")


def _make_app() -> typer.Typer:
    app = typer.Typer(
        help="Sourced answers from official documents 文渊",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    commands: dict[str, Callable[..., None]]
    commands = {
        "serve": serve,
        "add": add,
        "search": search,
        "ask": ask,
        "list": list_documents,
        "delete": delete,
        "collections": collections,
        "reindex": reindex,
        "eval": evaluate,
    }
    commands |= {"check": check, "similar": similar, "phrases": phrases}
    commands |= {"mcp": mcp}
    for name, command in commands.items():
        app.command(name)(telling_errors(command))
    return app


def serve(
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Files and folders; the sample documents if left out.")
    ] = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on (WENYUAN_HOST).")] = None,
    port: Annotated[
        int | None, typer.Option(help="Port to listen on; 0 takes a free one (WENYUAN_PORT).")
    ] = None,
    data_dir: DataDir = None,
    model: Model = None,
    as_json: AsJson = False,
) -> None:
    """Serve the documents under PATHS over HTTP; they replace what was served before."""
    import logging

    from api import serving
    from api.settings import sample_documents

    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    samples = sample_documents()
    served = paths or ([samples] if samples else [])

    def say_ready(address: str, documents: int, report: "AddReport | None") -> None:
        if as_json:
            # On one line: whoever started the server waits for it.
            print_json({"url": address, "documents": documents, **added_files(report)}, indent=None)
            return
        print_refused(report)
        make_console().print(f"Serving {documents} documents at {address} (Ctrl-C stops)")

    settings = read_settings(host=host, port=port, data_dir=data_dir, model=model)
    with showing_progress("Reading documents") as on_progress:
        serving.serve(settings, served, on_progress=on_progress, on_ready=say_ready)


def mcp(data_dir: DataDir = None, model: Model = None) -> None:
    """Speak MCP on standard input and output, for a client that starts this command itself."""
    import anyio

    from api.library import Library, load_reranking, open_default
    from api.mcp_server import make_mcp_server

    settings = read_settings(data_dir=data_dir, model=model)
    with closing(Library(settings)) as library:
        # To read only: a server may have it open.
        library.put(open_default(settings, read_only=True, reranking=load_reranking(settings)))
        anyio.run(make_mcp_server(library, settings).run_stdio_async)


if __name__ == "__main__":
    main()
