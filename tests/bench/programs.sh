#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What ordinary programs take on tmpfs, on the mount, and on the peer (libfuse's passthrough_ll with
# its caches on), in one run: rsync there and back, dbench with four clients, postmark. Each round
# runs a program once in each place, so that a disturbance of the machine meets all of them; the
# medians are printed as a table. Needs root, /dev/fuse, and the
# groups "test" and "bench" of packaging/packages.
#
#   programs.sh [-r ROUNDS] [-s SECONDS] [rsync|dbench|postmark]…
#
# ROUNDS is 3 and SECONDS, for which dbench runs, 10 by default.
set -Eeuo pipefail
export LC_ALL=C.UTF-8
program=${0##*/}

die() {
  printf '%s: %s\n' "$program" "$*" >&2
  exit 1
}

rounds=3
seconds=10
while getopts r:s: option; do
  case $option in
  r) rounds=$OPTARG ;;
  s) seconds=$OPTARG ;;
  *) die "usage: $program [-r ROUNDS] [-s SECONDS] [rsync|dbench|postmark]…" ;;
  esac
done
shift $((OPTIND - 1))
[[ $rounds =~ ^[1-9][0-9]*$ && $seconds =~ ^[1-9][0-9]*$ ]] || die 'rounds and seconds are numbers from 1'
binaries=${AXEBERG_BINARY_DIR:-$(cd "$(dirname "$0")/../.." && pwd)/build/dev}
programs=("$@")
[[ $# -gt 0 ]] || programs=(rsync dbench postmark)
for name in "${programs[@]}"; do
  [[ $name =~ ^(rsync|dbench|postmark)$ ]] || die "there is no $name"
  command -v "$name" >/dev/null || die "$name is missing"
done
[[ $EUID -eq 0 && -w /dev/fuse ]] || die 'needs root and /dev/fuse'
if [[ -z ${AXEBERG_PROGRAMS:-} ]]; then
  export AXEBERG_PROGRAMS=1 AXEBERG_BINARY_DIR=$binaries
  exec unshare --mount --propagation private "$0" -r "$rounds" -s "$seconds" "${programs[@]}"
fi

# ---- the places ----------------------------------------------------------------------------------

work=$(mktemp -d "${TMPDIR:-/tmp}/axeberg-programs-XXXXXX")
daemon_pid=
peer_pid=
declare -A at=()
places=()

clean_up() {
  trap - EXIT INT TERM
  umount -l "$work/peer" 2>/dev/null || true
  [[ -z $peer_pid ]] || kill "$peer_pid" 2>/dev/null || true
  [[ -z $daemon_pid ]] || kill "$daemon_pid" 2>/dev/null || true
  wait
  umount -l "$work/mount" 2>/dev/null || true
  umount -l "$work/tmpfs" 2>/dev/null || true
  rm -rf --one-file-system "$work"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

wait_mounted() { # DIRECTORY PID
  until mountpoint -q "$1"; do
    kill -0 "$2" 2>/dev/null || die "cannot mount on $1"
    sleep 0.02
  done
}

add_place() { # NAME DIRECTORY
  mkdir -p "$2"
  places+=("$1")
  at[$1]=$2
}

mkdir "$work"/{tmpfs,mount,peer}
mount -t tmpfs -o mode=755 programs "$work/tmpfs"
add_place tmpfs "$work/tmpfs/here"
PATH=$binaries/axfs:$PATH "$binaries/axebergd/axebergd" --ephemeral --no-bus --socket "$work/socket" \
  --mount "$work/mount" 2>"$work/log" &
daemon_pid=$!
wait_mounted "$work/mount" "$daemon_pid"
add_place axeberg "$work/mount/tmp/here"
if [[ -x $binaries/tests/bench/passthrough_ll ]]; then
  mkdir "$work/tmpfs/of-peer"
  "$binaries/tests/bench/passthrough_ll" -f -o source="$work/tmpfs/of-peer" -o cache=always "$work/peer" \
    >/dev/null 2>&1 &
  peer_pid=$!
  wait_mounted "$work/peer" "$peer_pid"
  add_place peer "$work/peer/here"
fi

# ---- the programs: each prints one figure --------------------------------------------------------

now_ms() { printf '%s\n' "$((${EPOCHREALTIME/[.,]/} / 1000))"; }

# 17,349 names: 1,312 directories, 15,744 files, 292 symlinks, and the root.
make_tree() { # DIRECTORY
  python3 - "$1" <<'END'
import os, sys

os.mkdir(sys.argv[1])
os.chdir(sys.argv[1])
names = 1
for i in range(1312):
    directory = f"d{i % 32}" if i < 32 else f"d{i % 32}/e{i // 32}"
    os.mkdir(directory)
    for j in range(12):
        with open(f"{directory}/file-{j}.c", "wb") as file:
            file.write(b"/* axeberg */\n" * (1 + (i * 12 + j) * 7919 % 600))
    if i < 292:
        os.symlink("file-0.c", f"{directory}/link")
    names += 13 + (i < 292)
assert names == 17349, names
END
}

# Seconds for both ways.
run_rsync() { # DIRECTORY
  local begin end
  [[ -d $work/tmpfs/tree ]] || make_tree "$work/tmpfs/tree"
  begin=$(now_ms)
  rsync -a "$work/tmpfs/tree/" "$1/tree/"
  rsync -a "$1/tree/" "$work/tmpfs/back/"
  end=$(now_ms)
  rm -rf "$1/tree" "$work/tmpfs/back"
  awk -v ms="$((end - begin))" 'BEGIN { printf "%.2f\n", ms / 1000 }'
}

# MB/s.
run_dbench() { # DIRECTORY
  dbench -t "$seconds" -D "$1" 4 | sed -nE 's/^Throughput ([0-9.]+) MB.*/\1/p'
  rm -rf "$1"/clients
}

# Transactions per second; files are made before and removed afterwards, which counts.
run_postmark() { # DIRECTORY
  local begin end transactions=10000
  begin=$(now_ms)
  printf 'set location %s\nset number 1000\nset transactions %d\nset report terse\nrun\nquit\n' "$1" "$transactions" |
    postmark >"$work/postmark" || die 'postmark failed'
  end=$(now_ms)
  awk -v ms="$((end - begin))" -v n="$transactions" 'BEGIN { printf "%.0f\n", n * 1000 / ms }'
}

# ---- measuring -----------------------------------------------------------------------------------

declare -A units=([rsync]='rsync there and back, 17,349 names, s' [dbench]='dbench, 4 clients, MB/s'
  [postmark]='postmark, transactions/s')

median() { sort -g | awk '{ a[NR] = $1 } END { print NR % 2 ? a[(NR + 1) / 2] : (a[NR / 2] + a[NR / 2 + 1]) / 2 }'; }

measure() { # PROGRAM; prints a row
  local place round
  local -A median=()
  for ((round = 0; round < rounds; round++)); do
    for place in "${places[@]}"; do
      "run_$1" "${at[$place]}" >>"$work/$1-$place"
    done
  done
  printf '| %s |' "${units[$1]}"
  for place in "${places[@]}"; do
    median[$place]=$(median <"$work/$1-$place")
    printf ' %s |' "${median[$place]}"
  done
  awk -v a="${median[axeberg]}" -v t="${median[tmpfs]}" -v p="${median[peer]:-0}" \
    'BEGIN { printf " %.2f |", a / t; if (p) printf " %.2f |", a / p; printf "\n" }'
}

printf '| program |'
printf ' %s |' "${places[@]}"
printf ' axeberg / tmpfs |'
[[ -z $peer_pid ]] || printf ' axeberg / peer |'
printf '\n|---|'
printf -- '--:|%.0s' "${places[@]}"
printf -- '--:|'
[[ -z $peer_pid ]] || printf -- '--:|'
printf '\n'
for name in "${programs[@]}"; do
  measure "$name"
done
