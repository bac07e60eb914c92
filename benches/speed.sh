#!/usr/bin/env bash
# Requests per CPU second of the generator, beside wrk and oha, in one run: the target on core 0, the
# generator on core 1, 64 connections, keep-alive. Needs nginx and wrk (Debian), oha (cargo install oha).
# Rounds are short and in turn, so that what else the machine does meets all tools alike; the ratios are of all
# rounds' requests over all rounds' CPU seconds, and of each round for the range. Also: what a request costs when it
# arrives at half of the closed model's rate, against the closed model; whether such a load with default keys, which may
# have 10 000 users, is valid, and how many connections it opens; and the requests of two workers on both cores
# against those of one in the same time, without a target: the system refuses their connections.
# Usage: benches/speed.sh [rounds]
set -euo pipefail
cd "$(dirname "$0")/.."
rounds=${1:-15}
seconds=2
base=http://127.0.0.1:18080
for tool in nginx wrk oha taskset; do
    PATH=$PATH:/usr/sbin command -v "$tool" >/dev/null || { echo "speed.sh needs $tool" >&2; exit 2; }
done
cargo build --release --quiet
taskset -c 0 "$(PATH=$PATH:/usr/sbin command -v nginx)" -c "$PWD/benches/nginx.conf" &
nginx=$!
work=$(mktemp -d)
trap 'kill $nginx 2>/dev/null; wait $nginx 2>/dev/null || true; rm -rf "$work"' EXIT
sleep 1

# Runs a command on core 1; prints its CPU seconds, its output goes to $work/out.
cpu_of() {
    local TIMEFORMAT='%U %S'
    { time taskset -c 1 "$@" >"$work/out" 2>"$work/err"; } 2>"$work/time" || { cat "$work/err" >&2; return 1; }
    awk '{ print $1 + $2 }' "$work/time"
}

of_wrk() {
    local cpu; cpu=$(cpu_of wrk -t1 -c64 -d${seconds}s "$@")
    echo "$(awk '/requests in/ { print $1 }' "$work/out") $cpu"
}
of_oha() {
    local cpu; cpu=$(cpu_of oha --no-tui --output-format json -c 64 -z ${seconds}s "$@")
    echo "$(grep -o '"200": *[0-9]*' "$work/out" | head -1 | grep -o '[0-9]*$') $cpu"
}
of_plimsoll() {
    local cpu; cpu=$(cpu_of target/release/plimsoll run "$@" --set load.duration=${seconds}s --workers 1 --quiet --allow-invalid --json "$work/result.json")
    echo "$(grep -o '"started": *[0-9]*' "$work/result.json" | head -1 | grep -o '[0-9]*$') $cpu"
}

# An open load with default keys: whether it was valid, and the connections it opened.
of_default_keys() {
    taskset -c 1 target/release/plimsoll run benches/plans/arrivals_default.yaml --set "load.rate=$1/s" --workers 1 --quiet \
        --allow-invalid --json "$work/result.json" >"$work/out" 2>"$work/err" || { cat "$work/err" >&2; return 1; }
    local valid=0
    grep -q '"valid": *true' "$work/result.json" && valid=1
    # The first that is in the file is that of all rows together, or of the only row.
    echo "$valid $(grep -o '"new_connections": *[0-9]*' "$work/result.json" | head -1 | grep -o '[0-9]*$')"
}

# Requests of so many workers on these cores when every connection is refused. The run fails, as it should.
of_refused() {
    rm -f "$work/result.json"
    taskset -c "$2" target/release/plimsoll run benches/plans/refused.yaml --set load.duration=${seconds}s --workers "$1" --quiet \
        --allow-invalid --json "$work/result.json" >"$work/out" 2>"$work/err" || [ $? -eq 1 ] || { cat "$work/err" >&2; return 1; }
    grep -o '"started": *[0-9]*' "$work/result.json" | head -1 | grep -o '[0-9]*$'
}

for round in $(seq "$rounds"); do
    of_wrk $base/ >>"$work/wrk_get"
    of_plimsoll benches/plans/static.yaml >>"$work/our_get"
    two=$(of_refused 2 0,1); one=$(of_refused 1 1)
    echo "$two $one" >>"$work/refused"
    half=$(awk -v s=$seconds 'END { print int($1 / s / 2) }' "$work/our_get")
    of_plimsoll benches/plans/arrivals.yaml --set "load.rate=$half/s" >>"$work/our_open"
    of_default_keys "$half" >>"$work/default_keys"
    of_oha $base/ >>"$work/oha_get"
    of_wrk -s benches/post.lua $base/json >>"$work/wrk_post"
    of_plimsoll benches/plans/dynamic.yaml >>"$work/our_post"
    echo "round $round of $rounds" >&2
done
# Requests per CPU second of one over those of another: all rounds together, and the range of single rounds.
ratio() {
    paste "$work/$1" "$work/$2" | awk '
        { r = ($1 / $2) / ($3 / $4); n += $1; c += $2; m += $3; d += $4 }
        NR == 1 || r < low { low = r }
        r > high { high = r }
        END { printf "%.3f (%.2f-%.2f)", (n / c) / (m / d), low, high }'
}
echo "static GET:   plimsoll $(ratio our_get wrk_get) x wrk (steps 0.78, 0.80), oha $(ratio oha_get wrk_get) x wrk"
echo "dynamic POST: plimsoll $(ratio our_post wrk_post) x wrk (step 0.45)"
echo "open model at half the rate: $(ratio our_get our_open) x the CPU of a closed request (step 1.3)"
awk '
    { r = $1 / $2; n += $1; m += $2 }
    NR == 1 || r < low { low = r }
    r > high { high = r }
    END { printf "two workers on two cores: %.2f (%.2f-%.2f) x the requests of one (step 1.8)\n", n / m, low, high }' "$work/refused"
awk '
    { valid += $1 }
    NR == 1 || $2 > most { most = $2 }
    END { printf "open model at half the rate, default keys: %d of %d rounds valid, %d connections at most (step: all, 2500)\n", valid, NR, most }
    ' "$work/default_keys"
for tool in wrk_get our_get our_open oha_get wrk_post our_post; do
    awk -v tool=$tool '{ n += $1; c += $2 } END { printf "%s: %.2f us of CPU a request\n", tool, c / n * 1e6 }' "$work/$tool"
done
