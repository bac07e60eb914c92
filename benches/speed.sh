#!/usr/bin/env bash
# Requests per CPU second of the generator, beside wrk and oha, in one run: the target on core 0, the
# generator on core 1, 64 connections, keep-alive. Needs nginx and wrk (Debian), oha (cargo install oha).
# Prints a line per round and the median ratios; last, what a request costs when it arrives at half of the
# closed model's rate, against the closed model. Usage: benches/speed.sh [rounds]
set -euo pipefail
cd "$(dirname "$0")/.."
rounds=${1:-3}
seconds=8
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
rate() { awk -v n="$1" -v s="$2" 'BEGIN { printf "%.0f", n / s }'; }

of_wrk() {
    local cpu; cpu=$(cpu_of wrk -t1 -c64 -d${seconds}s "$@")
    rate "$(awk '/requests in/ { print $1 }' "$work/out")" "$cpu"
}
of_oha() {
    local cpu; cpu=$(cpu_of oha --no-tui --output-format json -c 64 -z ${seconds}s "$@")
    rate "$(grep -o '"200": *[0-9]*' "$work/out" | head -1 | grep -o '[0-9]*$')" "$cpu"
}
of_plimsoll() {
    local cpu; cpu=$(cpu_of target/release/plimsoll run "$@" --workers 1 --quiet --allow-invalid --json "$work/result.json")
    rate "$(grep -o '"started": *[0-9]*' "$work/result.json" | head -1 | grep -o '[0-9]*$')" "$cpu"
}

: >"$work/ratios"
for round in $(seq "$rounds"); do
    wrk_get=$(of_wrk $base/)
    our_get=$(of_plimsoll benches/plans/static.yaml)
    half=$(awk -v s=$seconds '/"requests"/ { gsub(/[^0-9]/, ""); print int($0 / s / 2); exit }' "$work/result.json")
    our_open=$(of_plimsoll benches/plans/arrivals.yaml --set "load.rate=$half/s")
    oha_get=$(of_oha $base/)
    wrk_post=$(of_wrk -s benches/post.lua $base/json)
    our_post=$(of_plimsoll benches/plans/dynamic.yaml)
    echo "round $round, requests per CPU second: GET wrk $wrk_get, plimsoll $our_get, oha $oha_get, plimsoll open at $half/s $our_open; POST wrk $wrk_post, plimsoll $our_post"
    echo "$wrk_get $our_get $oha_get $wrk_post $our_post $our_open" >>"$work/ratios"
done
median() { sort -n | awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }
echo "static GET:   plimsoll $(awk '{ printf "%.3f\n", $2 / $1 }' "$work/ratios" | median) x wrk (step 0.80), oha $(awk '{ printf "%.3f\n", $3 / $1 }' "$work/ratios" | median) x wrk"
echo "dynamic POST: plimsoll $(awk '{ printf "%.3f\n", $5 / $4 }' "$work/ratios" | median) x wrk (step 0.45)"
echo "open model at half the rate: $(awk '{ printf "%.3f\n", $2 / $6 }' "$work/ratios" | median) x the CPU of a closed request (step 1.3)"
