# Sourced by the scripts beside it, after they have set `root`: gives `$venv`, installed.

venv=$root/.venv

# A Python that the project runs on.
find_python() {
    for candidate in python3.11 python3.12 python3.13 python3.14 python3 python; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    echo "wenyuan needs Python 3.11 or newer, and there is none on the PATH." >&2
    return 1
}

# install_venv [EXTRA…]: costs nothing where nothing has changed since the last time.
install_venv() {
    python=$(find_python) || exit 1
    "$python" "$root/scripts/install_venv.py" "$@" || exit 1
}
