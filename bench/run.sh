#!/bin/sh
# Called by `make bench`. Options go to run.py: --out FILE.jsonl, --large, --only market maker wire whole.
# Makes .venv-bench with hftbacktest, to be measured beside us; all else is scratch outside the tree.
set -u
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
out_of() { case $1 in /*) printf '%s' "$1" ;; *) printf '%s/%s' "$root" "$1" ;; esac; }
peers=$(out_of "${AGGRESSOR_PEERS:-../shared/bench}")
recordings=$(out_of "${AGGRESSOR_RECORDINGS:-../shared/data}")
scratch=${AGGRESSOR_BENCH_SCRATCH:-${TMPDIR:-/tmp}/aggressor-bench}
mkdir -p "$scratch/data" || exit 1

export AGGRESSOR_PEERS="$peers" AGGRESSOR_RECORDINGS="$recordings"
export AGGRESSOR_BENCH_SCRATCH="$scratch" PEERS_DIR="$scratch" PEERS_DATA="${PEERS_DATA:-$scratch/data}"
export NUMBA_CACHE_DIR="$scratch/numba" PYTHONDONTWRITEBYTECODE=1

if [ -f "$peers/gen.py" ] && ! command -v gcc >/dev/null 2>&1; then
    echo "bench: the C floors need gcc, which is not here" >&2
    exit 0
fi

bench="$root/.venv-bench"
if [ -f "$peers/gen.py" ] && [ ! -f "$bench/.ready" ]; then
    echo "bench: setting up $bench with hftbacktest" >&2
    if command -v uv >/dev/null 2>&1; then
        uv venv --quiet --clear --python "$root/.venv/bin/python" "$bench" &&
            uv pip install --quiet --python "$bench/bin/python" hftbacktest
    else
        "$root/.venv/bin/python" -m venv "$bench" &&
            "$bench/bin/python" -m pip install --quiet hftbacktest
    fi && touch "$bench/.ready" || echo "bench: no hftbacktest: it is left out" >&2
fi
if [ -f "$bench/.ready" ]; then
    export AGGRESSOR_BENCH_PEER="$bench/bin/python"
fi
exec "$root/.venv/bin/python" "$root/bench/run.py" "$@"
