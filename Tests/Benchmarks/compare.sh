#!/bin/bash
# Our training steps beside PyTorch's, in turns, on this machine: ratio of medians, ratio of peak memory, and the floor.
#
#   PYTHON=/path/to/python REFERENCE=torch_ref.py Tests/Benchmarks/compare.sh [--rounds N] [--threads N] [WORKLOAD...]
#
# PYTHON has torch; REFERENCE takes WORKLOAD THREADS STEPS and prints one JSON object with median_s and maxrss_mib.
# A ratio is their time by ours: more is better. Run it on an idle machine.
set -eu
root=$(CDPATH= cd -- "$(dirname -- "$0")/../.." && pwd -P)
PYTHON=${PYTHON:-python3}
REFERENCE=${REFERENCE:-$root/../shared/bench/torch_ref.py}
REPRO=${REPRO:-$root/repro}
rounds=3 threads=2 workloads=
while [ $# -gt 0 ]; do
  case $1 in
    --rounds) rounds=$2; shift 2 ;;
    --threads) threads=$2; shift 2 ;;
    -*) echo "compare.sh: unknown option $1; see the head of the file" >&2; exit 2 ;;
    *) workloads="$workloads $1"; shift ;;
  esac
done
[ -n "$workloads" ] || workloads="gemm mlp infonce elementwise vit-tiny-32 vit-small-96 resnet18w16-32 resnet18-32"
[ -f "$REFERENCE" ] || { echo "compare.sh: no reference script at $REFERENCE; set REFERENCE" >&2; exit 2; }
"$PYTHON" -c 'import torch' 2>/dev/null || { echo "compare.sh: $PYTHON has no torch; set PYTHON" >&2; exit 2; }
"$REPRO" bench --list >/dev/null # builds what has changed

# Enough steps for a steady median, few enough for several rounds.
steps_of() {
  case $1 in
    mlp) echo 200 ;;
    infonce | elementwise) echo 50 ;;
    vit-* | resnet18-32) echo 6 ;;
    *) echo 10 ;;
  esac
}

lines=$(mktemp)
trap 'rm -f "$lines"' EXIT
for round in $(seq "$rounds"); do
  for workload in $workloads; do
    steps=$(steps_of "$workload")
    "$REPRO" bench "$workload" --threads "$threads" --steps "$steps" --json | sed 's/^/ours /' >>"$lines"
    "$PYTHON" "$REFERENCE" "$workload" "$threads" "$steps" | sed 's/^/theirs /' >>"$lines"
  done
  echo "round $round of $rounds" >&2
done
"$PYTHON" - "$lines" <<'END'
import json, statistics, sys

floors = {"gemm": 0.95, "mlp": 3, "infonce": 2, "elementwise": 1.5, "vit-tiny-32": 1.25, "vit-small-96": 1.15,
          "resnet18w16-32": 1.2, "resnet18-32": 1.1}
training = {"mlp", "vit-tiny-32", "vit-small-96", "resnet18w16-32", "resnet18-32"}  # at most half of the memory
runs = {}
for line in open(sys.argv[1]):
    side, text = line.split(" ", 1)
    result = json.loads(text)
    runs.setdefault(result["workload"], {}).setdefault(side, []).append(result)

def median(workload, side, field):
    return statistics.median(r[field] for r in runs[workload][side])

print(f"{'workload':<16}{'ours ms':>10}{'theirs ms':>11}{'ratio':>7}{'range':>13}{'floor':>7}{'':>5}"
      f"{'ours MiB':>10}{'theirs MiB':>12}{'memory':>8}")
failed = False
for workload in runs:
    ours, theirs = median(workload, "ours", "median_s"), median(workload, "theirs", "median_s")
    pairs = [t["median_s"] / o["median_s"] for o, t in zip(runs[workload]["ours"], runs[workload]["theirs"])]
    memory = [median(workload, side, "maxrss_mib") for side in ("ours", "theirs")]
    floor, share = floors.get(workload), memory[0] / memory[1]
    met = floor is None or theirs / ours >= floor
    fits = workload not in training or share <= 0.5
    failed |= not (met and fits)
    print(f"{workload:<16}{1e3 * ours:>10.2f}{1e3 * theirs:>11.2f}{theirs / ours:>7.2f}"
          f"{min(pairs):>7.2f}-{max(pairs):<5.2f}{floor or '-':>7}{'met' if met else 'MISS':>5}"
          f"{memory[0]:>10.0f}{memory[1]:>12.0f}{share:>8.2f}{'' if fits else ' MISS'}")
sys.exit(1 if failed else 0)
END
