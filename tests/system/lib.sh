# SPDX-License-Identifier: MIT
# What every system test needs: source it first.
#
# A test is a bash program NAME.test that ctest runs. This file gives it a private directory $WORK,
# a daemon on a private socket below it, and helpers to look and compare; and at the end, however
# the test ends, it ends what the test started, takes down what it mounted, and fails the test when
# anything was left over: a process, a mount, a file of the daemon's, a sanitizer's report. A test
# that is killed (ctest does so when the time is up) is cleaned up after by a guard, a process apart
# that waits for this shell's end.
#
# Invariants:
# - Everything that a test makes lies below $WORK; processes are known by the mark
#   AXEBERG_TEST=$WORK in their environment.
# - A test signals its own processes only, never a group: kill is a function here that refuses
#   everything else.
# - Nobody sleeps to wait: wait_for polls a condition, and gives up loudly.
# - The daemon gets a fresh environment and no descriptors but the standard ones, so a test tells
#   the same in a terminal and in CI.
#
#   start_daemon [ARGUMENT…]   axebergd ARGUMENT…, its store in $WORK/store unless the arguments say
#                              else; returns when it serves, and with --mount when the mount serves.
#                              Sets DAEMON_PID, DAEMON_LOG. DAEMON_UID=1000 runs it as that user.
#                              DAEMON_BUS=ADDRESS is the D-Bus that it goes on; else it goes on
#                              none.
#   stop_daemon                ends it by SIGTERM; it must exit with 0 and leave no socket and no
#                              mount
#   kill_daemon                ends it by SIGKILL, and waits until it is gone
#   mount_namespace DIR [ARGUMENT…]   axfs ARGUMENT… DIR, in the background; returns when the mount
#                                     serves. Adds its pid to AXFS_PIDS.
#   unmount DIR                umount, and wait until it is off the mount table
#   is_mounted DIR             without touching the mount
#   wait_for [-t SECONDS] COMMAND…    until COMMAND succeeds
#   as_user [-u UID] COMMAND…  as an ordinary user (1000), without groups and capabilities,
#                              HOME=$WORK/home-UID
#   fail MESSAGE, skip REASON, check_eq WHAT EXPECTED ACTUAL, check_match WHAT REGEX ACTUAL,
#   expect_exit STATUS COMMAND…
#   random_bytes SIZE          different ones in each run; the seed is printed, and AXEBERG_SEED
#                              sets it
#   need_root, need_fuse, need COMMAND…      skip the test if that is missing
#
# shellcheck shell=bash
set -Eeuo pipefail
umask 022
unset AXEBERG_SOCKET CDPATH GREP_OPTIONS "${!GIT_@}"
export LC_ALL=C.UTF-8

TEST_NAME=$(basename "$0" .test)
DAEMON_PID=
DAEMON_UID=
DAEMON_BUS=
DAEMON_MOUNT=
AXFS_PIDS=()
SESSION=
SLOWNESS=1
[[ -z ${AXEBERG_SANITIZE:-} ]] || SLOWNESS=4

# In a subshell, too, this fails the test: clean_up sees the mark, whatever becomes of the
# subshell's exit status.
fail() {
  printf '%s: FAILED: %s\n' "$TEST_NAME" "$*" >&2
  [[ -z ${WORK:-} ]] || : >"$WORK/failed"
  exit 1
}

skip() {
  printf '%s: skipped: %s\n' "$TEST_NAME" "$*" >&2
  exit 77
}

# ---- the private directory -----------------------------------------------------------------------

for program in axebergd axfs axctl; do
  command -v "$program" >/dev/null || fail "$program is not on PATH; run the tests with ctest"
done
WORK=$(mktemp -d "${TMPDIR:-/tmp}/axeberg-$TEST_NAME-XXXXXX")
chmod 755 "$WORK"
mkdir -m 755 "$WORK/run"
mkdir -m 1777 "$WORK/reports" "$WORK/tmp"
export AXEBERG_SOCKET=$WORK/run/axebergd.sock AXEBERG_TEST=$WORK TMPDIR=$WORK/tmp TMUX_TMPDIR=$WORK/tmp
export ASAN_OPTIONS=log_path=$WORK/reports/asan:detect_stack_use_after_return=1
export UBSAN_OPTIONS=log_path=$WORK/reports/ubsan:print_stacktrace=1
export TSAN_OPTIONS=log_path=$WORK/reports/tsan
DAEMON_LOG=$WORK/axebergd.log
: >"$DAEMON_LOG"

# ---- looking -------------------------------------------------------------------------------------

is_mounted() {
  awk -v directory="$1" '$5 == directory { found = 1 } END { exit !found }' /proc/self/mountinfo
}

mounts_below() {
  awk -v directory="$1/" 'index($5, directory) == 1 { print $5 }' /proc/self/mountinfo | tac
}

# A process that has ended but was not waited for counts as gone.
is_running() {
  local stat
  { IFS= read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 1
  [[ ${stat##*) } != [ZX]* ]]
}

not() { ! "$@"; }

# Everything with our mark, but this shell and what is between it and the caller.
marked_processes() {
  local environment pid
  # One grep for all of them, and without the mark: a process for each would take long on a busy
  # machine.
  while read -r environment; do
    pid=${environment#/proc/}
    pid=${pid%/environ}
    [[ $pid != "$$" && $pid != "$BASHPID" ]] || continue
    is_running "$pid" && printf '%s\n' "$pid"
  done < <(exec env -u AXEBERG_TEST grep -lzxF "AXEBERG_TEST=$WORK" /proc/[0-9]*/environ 2>/dev/null)
  return 0
}

field_of_stat() { # PID FIELD, counted from the state, which is 1
  local stat
  local -a fields
  { IFS= read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 1
  read -ra fields <<<"${stat##*) }"
  printf '%s\n' "${fields[$2 - 1]}"
}

is_ours() { # PID: in our session, or with our mark; one that is ending has no command line any more
  [[ $(field_of_stat "$1" 4) == "$SESSION" ]] || grep -qzxF "AXEBERG_TEST=$WORK" "/proc/$1/environ" 2>/dev/null ||
    ! grep -q . "/proc/$1/cmdline" 2>/dev/null
}

# The shell forgets a child as soon as it has ended, and then its number may be somebody else's.
# Groups have numbers, too.
kill() { # [-SIGNAL | -s SIGNAL] PID… | -l SIGNAL
  local -a options=()
  local pid
  case ${1:-} in
  -l)
    builtin kill "$@"
    return
    ;;
  -s)
    options=("$1" "$2")
    shift 2
    ;;
  -[!-]*)
    options=("$1")
    shift
    ;;
  esac
  [[ ${1:-} != -- ]] || shift
  for pid in "$@"; do
    [[ $pid =~ ^[1-9][0-9]*$ ]] || fail "kill: $(printf %q "$pid") is not a process"
    if [[ -e /proc/$pid ]] && ! is_ours "$pid"; then
      fail "kill: $(describe_process "$pid") is not this test's"
    fi
  done
  builtin kill "${options[@]}" "$@"
}

describe_process() {
  printf '%s (%s)' "$1" "$(tr '\0' ' ' 2>/dev/null <"/proc/$1/cmdline" || true)"
}

# Until COMMAND succeeds; its output is seen.
poll() { # SECONDS COMMAND…
  local seconds=$(($1 * SLOWNESS)) deadline
  shift
  deadline=$((SECONDS + seconds))
  until "$@"; do
    ((SECONDS <= deadline)) || fail "waited $seconds seconds in vain for: $*"
    sleep 0.02
  done
}

quietly() { "$@" >/dev/null 2>&1; }

wait_for() {
  local seconds=20
  if [[ $1 == -t ]]; then
    seconds=$2
    shift 2
  fi
  poll "$seconds" quietly "$@"
}

SESSION=$(field_of_stat $$ 4)

# ---- comparing -----------------------------------------------------------------------------------

check_eq() {
  [[ $2 == "$3" ]] || fail "$1: expected $(printf '%q' "$2"), got $(printf '%q' "$3")"
}

check_match() {
  [[ $3 =~ $2 ]] || fail "$1: $(printf '%q' "$3") does not match $2"
}

expect_exit() {
  local expected=$1 status=0
  shift
  "$@" || status=$?
  check_eq "exit status of \"$*\"" "$expected" "$status"
}

# ---- what the machine must have ------------------------------------------------------------------

need_root() { [[ $(id -u) -eq 0 ]] || skip "needs root"; }

need_fuse() {
  local capabilities
  (exec 9<>/dev/fuse) 2>/dev/null || skip "needs /dev/fuse"
  capabilities=$(awk '$1 == "CapEff:" { print $2 }' /proc/self/status)
  ((0x$capabilities >> 21 & 1)) || command -v fusermount3 >/dev/null || skip "needs the right to mount, or fusermount3"
}

need() {
  local tool
  for tool in "$@"; do
    command -v "$tool" >/dev/null || skip "needs $tool"
  done
}

# ---- other users ---------------------------------------------------------------------------------

# ctest starts us so that others reach the build directory wherever it lies (see tests/apart.c), if
# this machine lets it.
need_reachable() { # UID
  setpriv --reuid "$1" --regid "$1" --clear-groups axctl --version >/dev/null 2>&1 ||
    skip "user $1 cannot reach the programs in the build directory"
}

# The rest of the line that makes a command run as somebody else, in the array USER_PREFIX.
user_prefix() {
  local uid=$1 home=$WORK/home-$1
  [[ -d $home ]] || install -d -o "$uid" -g "$uid" -m 755 "$home"
  need_reachable "$uid"
  USER_PREFIX=(setpriv --reuid "$uid" --regid "$uid" --clear-groups --inh-caps=-all)
  USER_PREFIX+=(env "HOME=$home" "USER=user$uid" "TMPDIR=$home")
}

random_bytes() { # SIZE
  local seed=${AXEBERG_SEED:-$((RANDOM << 15 | RANDOM))}
  echo "AXEBERG_SEED=$seed" >&2
  python3 -c 'import random, sys; sys.stdout.buffer.write(random.Random(int(sys.argv[1])).randbytes(int(sys.argv[2])))' "$seed" "$1"
}

as_user() {
  local uid=1000
  if [[ $1 == -u ]]; then
    uid=$2
    shift 2
  fi
  if [[ $(id -u) -eq $uid ]]; then
    "$@"
    return
  fi
  need_root
  user_prefix "$uid"
  "${USER_PREFIX[@]}" "$@"
}

# ---- the daemon ----------------------------------------------------------------------------------

close_inherited_descriptors() {
  local descriptor
  for descriptor in "/proc/$BASHPID/fd"/*; do
    descriptor=${descriptor##*/}
    [[ $descriptor -le 2 || $descriptor -eq 255 ]] || eval "exec $descriptor>&-"
  done
}

# Runs a program of ours apart from this shell: a fresh environment, no descriptors, a session of
# its own, so that it can be stopped without consequences for our process group (see tests/apart.c).
run_apart() { # LOG UID COMMAND…
  local log=$1 uid=$2
  local -a run_as=()
  shift 2
  if [[ -n $uid && $uid -ne $(id -u) ]]; then
    user_prefix "$uid"
    run_as=("${USER_PREFIX[@]}")
  fi
  exec </dev/null >>"$log" 2>&1
  close_inherited_descriptors
  exec setsid env -i "PATH=$PATH" LC_ALL=C.UTF-8 "HOME=$WORK" "AXEBERG_TEST=$WORK" "TMPDIR=$TMPDIR" \
    "XDG_RUNTIME_DIR=$WORK/runtime" "AXEBERG_SOCKET=$AXEBERG_SOCKET" \
    ${DAEMON_BUS:+"DBUS_SYSTEM_BUS_ADDRESS=$DAEMON_BUS"} ${DAEMON_BUS:+"DBUS_SESSION_BUS_ADDRESS=$DAEMON_BUS"} \
    "ASAN_OPTIONS=$ASAN_OPTIONS" "UBSAN_OPTIONS=$UBSAN_OPTIONS" "TSAN_OPTIONS=$TSAN_OPTIONS" "${run_as[@]}" "$@"
}

show_log() {
  [[ ! -s $DAEMON_LOG ]] || sed 's/^/  log: /' "$DAEMON_LOG" | tail -n 100 >&2
}

# What a running daemon has to reach; a dead one never will.
daemon_serves() { # [MOUNT]
  is_running "$DAEMON_PID" || {
    show_log
    fail "axebergd ended while it was starting"
  }
  [[ -S $AXEBERG_SOCKET ]] && { [[ -z ${1:-} ]] || is_mounted "$1"; }
}

start_daemon() {
  local mount="" argument previous="" owner=${DAEMON_UID:-$(id -u)}
  local -a store=(--store "$WORK/store") no_bus=()
  [[ -z $DAEMON_PID ]] || fail "start_daemon: one is running"
  for argument in "$@"; do
    case $argument in
    --store | --store=* | --ephemeral) store=() ;;
    --mount=*) mount=${argument#*=} ;;
    esac
    [[ $previous != --mount ]] || mount=$argument
    previous=$argument
  done
  [[ ${#store[@]} -eq 0 ]] || mkdir -p "$WORK/store"
  mkdir -p "$WORK/runtime"
  chmod 700 "$WORK/runtime"
  [[ $(id -u) -ne 0 ]] || chown "$owner:$owner" "$WORK/run" "$WORK/runtime" ${store:+"$WORK/store"}
  [[ -n $DAEMON_BUS ]] || no_bus=(--no-bus)
  (run_apart "$DAEMON_LOG" "$DAEMON_UID" axebergd "${no_bus[@]}" --socket "$AXEBERG_SOCKET" "${store[@]}" "$@") &
  DAEMON_PID=$!
  DAEMON_MOUNT=$mount
  poll 30 daemon_serves "$mount"
}

# Waits for one of our children, which must end by itself before long; its exit status goes to
# REAPED.
reap() { # PID
  poll 30 not is_running "$1"
  REAPED=0
  wait "$1" 2>/dev/null || REAPED=$?
}

# Ends the daemon in order and looks whether it was in order: PROBLEM tells what was not.
end_daemon() {
  local pid=$DAEMON_PID left
  DAEMON_PID=
  PROBLEM=
  if ! is_running "$pid"; then
    PROBLEM="axebergd had ended before it was told to"
    return
  fi
  kill -TERM "$pid"
  if ! (poll 30 not is_running "$pid"); then
    PROBLEM="axebergd does not end on SIGTERM"
    kill -KILL "$pid"
  fi
  reap "$pid"
  left=$(find "$WORK/run" "$WORK/runtime" -mindepth 1 -print)
  if [[ -z $PROBLEM && $REAPED -ne 0 ]]; then
    PROBLEM="axebergd ended with status $REAPED"
  elif [[ -z $PROBLEM && -n $DAEMON_MOUNT ]] && is_mounted "$DAEMON_MOUNT"; then
    PROBLEM="axebergd left its mount at $DAEMON_MOUNT"
  elif [[ -z $PROBLEM && -n $left ]]; then
    PROBLEM="axebergd left files: $left"
  fi
}

stop_daemon() {
  [[ -n $DAEMON_PID ]] || fail "stop_daemon: none is running"
  end_daemon
  [[ -z $PROBLEM ]] || fail "$PROBLEM"
  check_reports
}

kill_daemon() {
  local pid=$DAEMON_PID
  [[ -n $pid ]] || fail "kill_daemon: none is running"
  DAEMON_PID=
  kill -KILL "$pid"
  reap "$pid"
  rm -f "$AXEBERG_SOCKET"
}

# ---- mounts --------------------------------------------------------------------------------------

axfs_serves() { # PID DIR
  is_running "$1" || {
    show_log
    fail "axfs ended while it was starting"
  }
  is_mounted "$2"
}

mount_namespace() {
  local directory=$1
  shift
  mkdir -p "$directory"
  (run_apart "$DAEMON_LOG" "$DAEMON_UID" axfs -f --socket "$AXEBERG_SOCKET" "$@" "$directory") &
  AXFS_PIDS+=("$!")
  poll 30 axfs_serves "$!" "$directory"
}

unmount() {
  umount "$1" 2>/dev/null || fusermount3 -u "$1" || umount -l "$1"
  wait_for not is_mounted "$1"
}

# shellcheck source-path=SCRIPTDIR source=cleanup.sh
source "$(dirname "${BASH_SOURCE[0]}")/cleanup.sh"
