#!/bin/sh
# Called by `make bench`. Options go to run.py: --out FILE.jsonl, --large, --only market footprints maker wire parts whole.
# Makes .venv-bench with hftbacktest, .venv-bench-freqtrade with freqtrade (it pins its own pandas) and
# .venv-bench-feeds with other clients of venues, to be measured beside us; all else is scratch outside the tree.
set -u
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
out_of() { case $1 in /*) printf '%s' "$1" ;; *) printf '%s/%s' "$root" "$1" ;; esac; }
peers=$(out_of "${AGGRESSOR_PEERS:-../shared/bench}")
recordings=$(out_of "${AGGRESSOR_RECORDINGS:-../shared/data}")
scratch=${AGGRESSOR_BENCH_SCRATCH:-${TMPDIR:-/tmp}/aggressor-bench}
mkdir -p "$scratch/data" || exit 1

export AGGRESSOR_PEERS="$peers" AGGRESSOR_RECORDINGS="$recordings"
export AGGRESSOR_BENCH_SCRATCH="$scratch" PEERS_DIR="$scratch" PEERS_DATA="${PEERS_DATA:-$scratch/data}"
unset PYTHONDONTWRITEBYTECODE  # a user's processes keep their bytecode; here it is kept in scratch
export NUMBA_CACHE_DIR="$scratch/numba" PYTHONPYCACHEPREFIX="$scratch/pyc"

if [ -f "$peers/gen.py" ] && ! command -v gcc >/dev/null 2>&1; then
    echo "bench: the C floors need gcc, which is not here" >&2
    exit 0
fi

peer_of() { # FOLDER PACKAGE ...: an environment with peers in it, made once
    folder=$1 && shift
    if [ -f "$peers/gen.py" ] && [ ! -f "$folder/.ready" ]; then
        echo "bench: setting up $folder with $*" >&2
        if command -v uv >/dev/null 2>&1; then
            uv venv --quiet --clear --python "$root/.venv/bin/python" "$folder" &&
                uv pip install --quiet --python "$folder/bin/python" "$@"
        else
            "$root/.venv/bin/python" -m venv "$folder" &&
                "$folder/bin/python" -m pip install --quiet "$@"
        fi && touch "$folder/.ready" || echo "bench: no $*: left out" >&2
    fi
    if [ -f "$folder/.ready" ]; then printf '%s' "$folder/bin/python"; fi
}
AGGRESSOR_BENCH_PEER=$(peer_of "$root/.venv-bench" hftbacktest)
AGGRESSOR_BENCH_FREQTRADE=$(peer_of "$root/.venv-bench-freqtrade" freqtrade)
AGGRESSOR_BENCH_FEEDS=$(peer_of "$root/.venv-bench-feeds" ccxt cryptofeed nautilus_trader numba orjson)
export AGGRESSOR_BENCH_PEER AGGRESSOR_BENCH_FREQTRADE AGGRESSOR_BENCH_FEEDS
exec "$root/.venv/bin/python" "$root/bench/run.py" "$@"
