"""Makes `.venv` hold the project, editable, with the pinned dependencies and the extras that are named.

Run by venv.sh with a Python from outside `.venv`; uses only the standard library.
"""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
CONSTRAINTS = ROOT / "constraints.txt"
INSTALLED = VENV / "wenyuan-installed.json"
# There from before the first package is installed until after the last: a folder that has it is no use.
UNFINISHED = VENV / "wenyuan-unfinished"


def main(extras: set[str]) -> None:
    if extras <= installed_extras():
        return
    with (ROOT / ".venv.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        # pip keeps the lock open too, so that it is held as long as pip writes, whatever becomes of this process.
        os.set_inheritable(lock.fileno(), True)
        if not extras <= installed_extras():
            install(extras | installed_extras())


def installed_extras() -> set[str]:
    """What is installed of the project as it is now; nothing, not even "", if that is not known."""
    try:
        installed = json.loads(INSTALLED.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return set()
    is_whole = PYTHON.exists() and not UNFINISHED.exists() and installed["inputs"] == inputs()
    return set(installed["extras"]) if is_whole else set()


def inputs() -> str:
    """Changes with everything that the installation depends on; scripts in it hold its path."""
    digest = hashlib.sha256(str(ROOT).encode())
    for path in (ROOT / "pyproject.toml", CONSTRAINTS):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def install(extras: set[str]) -> None:
    print("Installing into .venv; this takes a few minutes …", file=sys.stderr, flush=True)
    if UNFINISHED.exists() or not PYTHON.exists():
        shutil.rmtree(VENV, ignore_errors=True)
    VENV.mkdir(exist_ok=True)
    UNFINISHED.touch()
    if not PYTHON.exists():
        # Where this runs in a virtual environment, what that was made from: it may be `.venv` itself.
        run(getattr(sys, "_base_executable", sys.executable), "-m", "venv", str(VENV))
    # The build tools are installed here, so that the constraints hold for them as well.
    pip_install("hatchling", "editables")
    named = ",".join(sorted(extras - {""}))
    pip_install("--no-build-isolation", "--editable", f"{ROOT}[{named}]" if named else str(ROOT))
    INSTALLED.write_text(json.dumps({"inputs": inputs(), "extras": sorted(extras)}), encoding="utf-8")
    UNFINISHED.unlink()


def pip_install(*arguments: str) -> None:
    quiet = ("--quiet", "--no-input", "--disable-pip-version-check")
    run(str(PYTHON), "-m", "pip", "install", *quiet, "--constraint", str(CONSTRAINTS), *arguments)


def run(*command: str) -> None:
    code = subprocess.call(command, close_fds=False)
    if code != 0:
        sys.exit(
            f"Installing failed (exit code {code}); the lines above say why. Run this again to try again."
        )


if __name__ == "__main__":
    main({"", *sys.argv[1:]})
