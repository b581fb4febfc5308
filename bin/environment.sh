# The Python environment that bin/engine and bin/test run in. Sourced by both, not run.
#
# `environment LOCK` leaves in $python an interpreter that has the packages of that
# requirements file: from .venv (or ENGINE_VENV), made on the first start and brought up
# to date when the file has changed. $project is set by whoever sources this. Plain POSIX
# sh, for it runs before anything is there.

fail() {
    echo "engine: $*" >&2
    exit 1
}

# Everything that looks like a Python on the PATH, and what uv keeps: a first hit may be
# too old, or a version manager's shim that leads nowhere.
candidates() {
    names="python3 python3.14 python3.13 python3.12 python3.11 python"
    saved=$IFS
    IFS=:
    set -f
    for folder in $PATH; do
        IFS=$saved
        for name in $names; do
            if [ -x "$folder/$name" ] && [ ! -d "$folder/$name" ]; then
                printf '%s\n' "$folder/$name"
            fi
        done
    done
    set +f
    IFS=$saved
    if command -v uv >/dev/null 2>&1; then
        uv python find --no-python-downloads '>=3.11' 2>/dev/null || true
    fi
}

# Its real path if it is new enough, so that an environment made from it breaks visibly,
# and is made again, when the system's Python moves on.
new_enough() {
    "$1" -c 'import os, sys; sys.version_info < (3, 11) and sys.exit(1)
print(os.path.realpath(sys.executable))' 2>/dev/null
}

find_python() {
    if [ -n "${ENGINE_PYTHON:-}" ]; then
        command -v "$ENGINE_PYTHON" >/dev/null 2>&1 || fail "ENGINE_PYTHON: there is no $ENGINE_PYTHON"
        python=$(new_enough "$ENGINE_PYTHON") || fail "ENGINE_PYTHON is $(version_of "$ENGINE_PYTHON"), and 3.11 or later is needed"
        return
    fi
    found=$(candidates)
    old=
    while IFS= read -r candidate; do
        [ -n "$candidate" ] || continue
        if python=$(new_enough "$candidate"); then
            return
        fi
        old=${old:-$(version_of "$candidate")}
    done <<LIST
$found
LIST
    fail "Python 3.11 or later is needed, and ${old:-no Python} was found; install it (Debian, Ubuntu: apt install python3.11-venv; macOS: brew install python; anywhere: uv python install 3.13), or set ENGINE_PYTHON to its path"
}

version_of() {
    "$1" -c 'import sys; print("Python %d.%d" % sys.version_info[:2])' 2>/dev/null || true
}

environment() {
    lock=${project:?}/$1
    if [ -n "${ENGINE_NO_VENV:-}${DYNO:-}" ]; then
        installed "$1"
        return
    fi
    venv=${ENGINE_VENV:-$project/.venv}
    case $venv in
    /*) ;;
    *) venv=$PWD/$venv ;;
    esac
    python=$venv/bin/python
    if ready "$1"; then
        return
    fi
    find_python
    mkdir -p "$venv" 2>/dev/null && [ -w "$venv" ] ||
        fail "$venv cannot be written; set ENGINE_VENV to a folder of yours"
    take_turn
    if ! ready "$1"; then
        make "$1"
    fi
    exec 9>&-
    python=$venv/bin/python
}

# A container or a dyno: the packages are there already, and no environment is wanted.
installed() {
    find_python
    "$python" -c 'import importlib.util as u, sys
sys.exit(not all(map(u.find_spec, ("click", "psycopg", "flask"))))' ||
        fail "no environment is wanted here, but $python lacks the packages of requirements.txt; $python -m pip install -r requirements.txt, or unset ENGINE_NO_VENV"
}

# The environment keeps a copy of each requirements file that it has been given.
ready() {
    [ ! -e "$venv/making" ] && [ -x "$venv/bin/python" ] && cmp -s "$project/$1" "$venv/$1"
}

# One start at a time. The lock belongs to this shell's descriptor 9, which the Python
# that asks for it shares; it ends with the shell, however that ends.
take_turn() {
    exec 9>"$venv/turn"
    "$python" -c 'import fcntl
try:
    fcntl.flock(9, fcntl.LOCK_EX | fcntl.LOCK_NB)
except BlockingIOError:
    import sys
    print("engine: another start is installing the packages; waiting for it", file=sys.stderr)
    fcntl.flock(9, fcntl.LOCK_EX)' || fail "$venv/turn cannot be locked; set ENGINE_VENV to a folder on a local disk"
}

make() {
    log=$venv/install.log
    if [ -e "$venv/bin" ] && [ ! -e "$venv/pyvenv.cfg" ] && [ ! -e "$venv/making" ]; then
        fail "$venv holds something else than a Python environment; set ENGINE_VENV to another folder"
    fi
    if [ -e "$venv/making" ] || ! new_enough "$venv/bin/python" >/dev/null; then
        # Half made by a start that was killed, or made for a Python that is gone.
        rm -rf "${venv:?}/bin" "${venv:?}/include" "${venv:?}/lib" "${venv:?}/lib64" \
            "$venv/pyvenv.cfg"
    fi
    rm -f "$venv"/requirements*.txt
    : >"$venv/making"
    : >"$log"
    echo "engine: installing the packages of $1 into $venv (once)" >&2
    install_by_uv "$1" || install_by_pip "$1"
    cp "$project/$1" "$venv/$1"
    if [ "$1" = requirements-dev.txt ]; then
        # A test holds that it contains the other.
        cp "$project/requirements-demo.txt" "$venv/requirements-demo.txt"
    fi
    rm -f "$venv/making"
}

install_by_uv() {
    command -v uv >/dev/null 2>&1 || return 1
    (
        # A home that is missing or not ours has no place for uv's cache.
        if [ ! -w "${HOME:-/nonexistent}" ] && [ -z "${UV_CACHE_DIR:-}" ]; then
            export UV_CACHE_DIR="$venv/cache"
        fi
        if [ ! -x "$venv/bin/python" ]; then
            uv venv --quiet --allow-existing --python "$python" "$venv" || exit 1
        fi
        uv pip install --quiet --python "$venv/bin/python" \
            --require-hashes --only-binary :all: -r "$lock" || exit 1
        rm -rf "$venv/cache"
    ) >>"$log" 2>&1 </dev/null
}

install_by_pip() {
    if [ ! -x "$venv/bin/python" ]; then
        # The system's pip may install into another environment since 22.3, which spares
        # the new one a pip of its own; and a bare Debian has no ensurepip to make it with.
        if "$python" -c 'import sys, pip; sys.exit(tuple(map(int, pip.__version__.split(".")[:2])) < (22, 3))' 2>/dev/null &&
            "$python" -m venv --without-pip "$venv" >>"$log" 2>&1; then
            :
        elif ! "$python" -m venv "$venv" >>"$log" 2>&1; then
            fail "this Python cannot make environments; install what it lacks (Debian, Ubuntu: apt install python3-venv) and start again"
        fi
    fi
    if "$venv/bin/python" -c 'import pip' 2>/dev/null; then
        set -- "$venv/bin/python" -m pip
    else
        set -- "$python" -m pip --python "$venv/bin/python"
    fi
    "$@" install --quiet --disable-pip-version-check --no-input --retries 1 \
        --require-hashes --only-binary :all: -r "$lock" >>"$log" 2>&1 </dev/null || explain
}

explain() {
    if grep -qiE 'no space left' "$log"; then
        fail "no space left for the packages in $venv; free some and start again"
    elif grep -qiE 'do not match the hashes|hash mismatch' "$log"; then
        fail "a package is not the one that the lock names; your package index serves altered files (see $log)"
    elif grep -qiE 'name resolution|resolve host|dns error|connection (refused|reset)|establish a new connection|network is unreachable|timed out|error sending request|no route to host|proxyerror|cannot connect to proxy|tunnel connection' "$log"; then
        fail "no network: the packages could not be fetched; connect, or set PIP_INDEX_URL to a mirror of yours, and start again (see $log)"
    elif grep -qiE 'no matching distribution|no wheels' "$log"; then
        fail "a package does not exist for this machine and $(version_of "$python"); try another Python with ENGINE_PYTHON (see $log)"
    fi
    fail "the packages could not be installed; see $log"
}
