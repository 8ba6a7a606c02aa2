#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Runs a fuzz target for some seconds, from its kept corpus on, in a directory of its own.
#
#   fuzz.sh PROGRAM               AXEBERG_FUZZ_SECONDS long (5); what it learns is forgotten
#   fuzz.sh PROGRAM DIRECTORY     what it learns stays in DIRECTORY/corpus
#   fuzz.sh --keep PROGRAM DIRECTORY...  makes the smallest corpus of the kept one and what is in
#                                        the directories
#
# AXEBERG_SEED repeats a run, as far as that can be done; inputs that show a fault are left in
# findings/ beside the program.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
readonly here
keep=
if [[ ${1:-} == --keep ]]; then
  keep=yes
  shift
fi
program=$(realpath "$1")
shift
name=$(basename "$program")
name=${name#fuzz_}
readonly program name
readonly corpus=$here/corpus/$name

# Root's targets run as nobody, and have no way through directories of others: all they need lies
# here.
work=$(mktemp -d "${TMPDIR:-/tmp}/axeberg-fuzz-XXXXXX")
readonly work
trap 'rm -rf "$work"' EXIT
mkdir "$work/new" "$work/found" "$work/kept"
cp "$program" "$work/target"
while read -r library; do
  cp "$library" "$work/"
done < <(ldd "$program" | awk '/axeberg/ { print $3 }')
export LD_LIBRARY_PATH=$work

options=(-print_funcs=0 -timeout=60 -rss_limit_mb=4096 "-artifact_prefix=$work/found/")
case $name in
config) options+=(-max_len=1000) ;;
*) options+=(-max_len=3000) ;;
esac
if [[ -e $here/$name.dict ]]; then
  cp "$here/$name.dict" "$work/dict"
  options+=("-dict=$work/dict")
fi

copy() { # FROM TO
  find "$1" -maxdepth 1 -type f -exec cp -t "$2" {} +
}

if [[ $keep ]]; then
  copy "$corpus" "$work/kept"
  for directory in "$@"; do
    copy "$directory" "$work/kept"
  done
  chmod -R a+rwX "$work"
  "$work/target" "${options[@]}" -use_counters=0 -merge=1 "$work/new" "$work/kept"
  find "$corpus" -type f -regextype egrep -regex '.*/[0-9a-f]{40}' -delete # what has another name shows a fault that was
  copy "$work/new" "$corpus"
  exit
fi

seed=${AXEBERG_SEED:-$((RANDOM << 15 | RANDOM | 1))}
seconds=${AXEBERG_FUZZ_SECONDS:-5}
printf 'fuzz_%s: AXEBERG_SEED=%s, %s seconds\n' "$name" "$seed" "$seconds"
[[ ! -d $corpus ]] || copy "$corpus" "$work/kept"
if [[ ${1:-} ]]; then
  mkdir -p "$1/corpus"
  copy "$1/corpus" "$work/new"
fi
chmod -R a+rwX "$work"
status=0
"$work/target" "${options[@]}" "-seed=$((seed % 4294967295 + 1))" "-max_total_time=$seconds" "$work/new" "$work/kept" \
  >"$work/log" 2>&1 || status=$?
[[ ! ${1:-} ]] || copy "$work/new" "$1/corpus"
if [[ $status -ne 0 ]]; then
  mkdir -p "$(dirname "$program")/findings"
  copy "$work/found" "$(dirname "$program")/findings"
  grep -vE '^#[0-9]+\s+(NEW|REDUCE|pulse|RELOAD)' "$work/log" | tail -n 80
  printf 'fuzz_%s: exit status %d; the input is in %s\n' "$name" "$status" "$(dirname "$program")/findings"
  exit 1
fi
grep -E '^#[0-9]+\s+DONE|^Done' "$work/log"
