"""doc, wps, rtf and odt, made docx by LibreOffice where it is installed.

Each call has a profile of its own in a temporary folder that goes with it: macros off, links not followed, no
proxy that answers. The whole process group is killed when it is done or takes too long.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import threading
from pathlib import Path

from embeddings.errors import TooLarge, UnreadableDocument, UnsupportedFormat
from embeddings.readers.kinds import Kind

TIME_LIMIT_S = 120
_MEMORY_LIMIT_KIB = 4 << 20
_MAX_OUTPUT_BYTES = 256 << 20
_USUAL_PLACES = (
    "/usr/lib/libreoffice/program/soffice",
    "/usr/lib64/libreoffice/program/soffice",
    "/opt/libreoffice/program/soffice",
    "/snap/bin/libreoffice",
    "/Applications/LibreOffice.app/Contents/MacOS/soffice",
)
# One takes a core and 200 MB.
_PLACES = threading.BoundedSemaphore(2)
# In a shell, for limits cannot be set safely between fork and exec where there are threads.
_LIMITED = f'ulimit -v {_MEMORY_LIMIT_KIB} -f {_MAX_OUTPUT_BYTES // 512} -c 0; exec "$@"'
_SETTINGS = (
    ("Office.Common/Security/Scripting", "MacroSecurityLevel", "3"),
    ("Office.Common/Security/Scripting", "DisableMacrosExecution", "true"),
    ("Office.Common/Security/Scripting", "DisableActiveContent", "true"),
    ("Office.Common/Security/Scripting", "BlockUntrustedRefererLinks", "true"),
    ("Office.Writer/Content/Update", "Link", "0"),
    ("Office.Common/Misc", "FirstRun", "false"),
    ("Inet/Settings", "ooInetProxyType", "1"),
    ("Inet/Settings", "ooInetHTTPProxyName", "127.0.0.1"),
    ("Inet/Settings", "ooInetHTTPProxyPort", "9"),
    ("Inet/Settings", "ooInetHTTPSProxyName", "127.0.0.1"),
    ("Inet/Settings", "ooInetHTTPSProxyPort", "9"),
)


def find_office() -> str | None:
    """The LibreOffice of this machine, looked for anew each time: it may be installed while we run."""
    usual = next((place for place in _USUAL_PLACES if os.access(place, os.X_OK)), None)
    return shutil.which("soffice") or shutil.which("libreoffice") or usual


def to_docx(data: bytes, *, kind: Kind, filename: str) -> bytes:
    """A document in a format of an office program, as docx.

    Raises:
        UnsupportedFormat: LibreOffice is not installed.
        UnreadableDocument: LibreOffice cannot open it, or takes longer than `TIME_LIMIT_S`.
        TooLarge: what it makes of it is.
    """
    office = find_office()
    if office is None:
        raise UnsupportedFormat(
            f"“{filename}” is a {kind} file, which is read through LibreOffice: install it, or save the file as docx."
        )
    with _PLACES, tempfile.TemporaryDirectory(prefix="wenyuan-", ignore_cleanup_errors=True) as folder:
        made = _convert(office, data, kind, Path(folder), filename)
        if made is None:
            raise UnreadableDocument(
                f"“{filename}” is damaged, or no {kind} file: LibreOffice cannot open it. Save it as docx."
            )
        if made.stat().st_size > _MAX_OUTPUT_BYTES:
            raise TooLarge(f"“{filename}” becomes more than {_MAX_OUTPUT_BYTES:,} bytes as docx. Split it.")
        return made.read_bytes()


def _convert(office: str, data: bytes, kind: Kind, folder: Path, filename: str) -> Path | None:
    _write_profile(folder / "profile")
    source = folder / f"document.{kind}"
    source.write_bytes(data)
    arguments = [
        office, "--headless", "--norestore", "--nolockcheck", "--nodefault", "--nologo", "--nofirststartwizard",
        f"-env:UserInstallation={(folder / 'profile').as_uri()}",
        "--convert-to", "docx:MS Word 2007 XML", "--outdir", str(folder / "made"), str(source),
    ]  # fmt: skip
    process = subprocess.Popen(
        ["/bin/sh", "-c", _LIMITED, "sh", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=folder,
        env={
            "HOME": str(folder),
            "TMPDIR": str(folder),
            "PATH": os.defpath,
            "LANG": "C.UTF-8",
            "SAL_USE_VCLPLUGIN": "svp",
        },
        start_new_session=True,
    )
    try:
        process.wait(TIME_LIMIT_S)
    except subprocess.TimeoutExpired as error:
        raise UnreadableDocument(
            f"“{filename}” takes LibreOffice more than {TIME_LIMIT_S} seconds. Save it as docx."
        ) from error
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    made = folder / "made" / "document.docx"
    return made if made.is_file() else None


def _write_profile(profile: Path) -> None:
    items = "".join(
        f'<item oor:path="/org.openoffice.{path}"><prop oor:name="{name}" oor:op="fuse"><value>{setting}</value></prop></item>'
        for path, name, setting in _SETTINGS
    )
    (profile / "user").mkdir(parents=True)
    (profile / "user" / "registrymodifications.xcu").write_text(
        '<?xml version="1.0" encoding="UTF-8"?>\n<oor:items xmlns:oor="http://openoffice.org/2001/registry" '
        'xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
        f"{items}</oor:items>",
        encoding="utf-8",
    )
