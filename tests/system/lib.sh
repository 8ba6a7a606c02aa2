# What every system test needs: source it first.
#
# A test is a bash program NAME.test that ctest runs. This file gives it a private directory $WORK, a daemon on a private socket
# below it, and helpers to look and compare; and at the end, however the test ends, it ends what the test started, takes down what it
# mounted, and fails the test when anything was left over: a process, a mount, a file of the daemon's, a sanitizer's report. A test that
# is killed (ctest does so when the time is up) is cleaned up after by a guard, a process apart that waits for this shell's end.
#
# Invariants:
# - Everything that a test makes lies below $WORK; processes are known by the mark AXEBERG_TEST=$WORK in their environment.
# - Nobody sleeps to wait: wait_for polls a condition, and gives up loudly.
# - The daemon gets a fresh environment and no descriptors but the standard ones, so a test tells the same in a terminal and in CI.
#
#   start_daemon [ARGUMENT…]   axebergd ARGUMENT…, its store in $WORK/store unless the arguments say else; returns when it serves, and
#                              with --mount when the mount serves. Sets DAEMON_PID, DAEMON_LOG. DAEMON_UID=1000 runs it as that user.
#                              DAEMON_BUS=ADDRESS is the D-Bus that it goes on; else it goes on none.
#   stop_daemon                ends it by SIGTERM; it must exit with 0 and leave no socket and no mount
#   kill_daemon                ends it by SIGKILL, and waits until it is gone
#   mount_namespace DIR [ARGUMENT…]   axfs ARGUMENT… DIR, in the background; returns when the mount serves. Adds its pid to AXFS_PIDS.
#   unmount DIR                umount, and wait until it is off the mount table
#   is_mounted DIR             without touching the mount
#   wait_for [-t SECONDS] COMMAND…    until COMMAND succeeds
#   as_user [-u UID] COMMAND…  as an ordinary user (1000), without groups and capabilities, HOME=$WORK/home-UID
#   fail MESSAGE, skip REASON, check_eq WHAT EXPECTED ACTUAL, check_match WHAT REGEX ACTUAL, expect_exit STATUS COMMAND…
#   need_root, need_fuse, need COMMAND…      skip the test where that is missing
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
SLOWNESS=1
[[ -z ${AXEBERG_SANITIZE:-} ]] || SLOWNESS=4

fail() {
  printf '%s: FAILED: %s\n' "$TEST_NAME" "$*" >&2
  exit 1
}

skip() {
  printf '%s: skipped: %s\n' "$TEST_NAME" "$*" >&2
  exit 77
}

# ---- the private directory ----------------------------------------------------------------------------------------

for program in axebergd axfs axctl; do
  command -v "$program" >/dev/null || fail "$program is not on PATH; run the tests with ctest"
done
WORK=$(mktemp -d "${TMPDIR:-/tmp}/axeberg-$TEST_NAME-XXXXXX")
chmod 755 "$WORK"
mkdir -m 755 "$WORK/run"
mkdir -m 1777 "$WORK/reports" "$WORK/tmp"
export AXEBERG_SOCKET=$WORK/run/axebergd.sock AXEBERG_TEST=$WORK TMPDIR=$WORK/tmp
export ASAN_OPTIONS=log_path=$WORK/reports/asan:detect_stack_use_after_return=1
export UBSAN_OPTIONS=log_path=$WORK/reports/ubsan:print_stacktrace=1
export TSAN_OPTIONS=log_path=$WORK/reports/tsan
DAEMON_LOG=$WORK/axebergd.log
: >"$DAEMON_LOG"

# ---- looking ------------------------------------------------------------------------------------------------------

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
  for environment in /proc/[0-9]*/environ; do
    pid=${environment#/proc/}
    pid=${pid%/environ}
    [[ $pid != "$$" && $pid != "$BASHPID" ]] || continue
    { tr '\0' '\n' <"$environment" | grep -qxF "AXEBERG_TEST=$WORK"; } 2>/dev/null || continue
    is_running "$pid" && printf '%s\n' "$pid"
  done
  return 0
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

# ---- comparing ----------------------------------------------------------------------------------------------------

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

# ---- what the machine must have -----------------------------------------------------------------------------------

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

# ---- other users --------------------------------------------------------------------------------------------------

# The build directory may lie where only its owner may go; others then get copies of the programs.
programs_for() {
  local uid=$1 program path library
  if setpriv --reuid "$uid" --regid "$uid" --clear-groups axctl --version >/dev/null 2>&1; then
    printf '%s\n' "$PATH"
    return
  fi
  if [[ ! -d $WORK/programs ]]; then
    mkdir -p "$WORK"/programs/{lib,axebergd,axfs,bin}
    for program in axebergd axfs axctl hello pipeline shm events; do
      path=$(command -v "$program") || continue
      case $program in
      axebergd | axfs) cp "$path" "$WORK/programs/$program/" ;;
      *) cp "$path" "$WORK/programs/bin/" ;;
      esac
    done
    library=$(ldd "$(command -v axctl)" | awk '$1 ~ /^libaxeberg-client/ { print $3 }')
    cp -L "$library" "$WORK/programs/lib/"
  fi
  printf '%s\n' "$WORK/programs/axebergd:$WORK/programs/axfs:$WORK/programs/bin:$PATH"
}

# The rest of the line that makes a command run as somebody else, in the array USER_PREFIX.
user_prefix() {
  local uid=$1 home=$WORK/home-$1 path
  [[ -d $home ]] || install -d -o "$uid" -g "$uid" -m 755 "$home"
  path=$(programs_for "$uid")
  USER_PREFIX=(setpriv --reuid "$uid" --regid "$uid" --clear-groups --inh-caps=-all)
  USER_PREFIX+=(env "HOME=$home" "USER=user$uid" "PATH=$path" "TMPDIR=$home")
  [[ ! -d $WORK/programs ]] || USER_PREFIX+=("LD_LIBRARY_PATH=$WORK/programs/lib")
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

# ---- the daemon ---------------------------------------------------------------------------------------------------

close_inherited_descriptors() {
  local descriptor
  for descriptor in "/proc/$BASHPID/fd"/*; do
    descriptor=${descriptor##*/}
    [[ $descriptor -le 2 || $descriptor -eq 255 ]] || eval "exec $descriptor>&-"
  done
}

# Runs a program of ours apart from this shell: a fresh environment, no descriptors.
run_apart() { # LOG UID COMMAND…
  local log=$1 uid=$2
  local -a prefix=()
  shift 2
  if [[ -n $uid && $uid -ne $(id -u) ]]; then
    user_prefix "$uid"
    prefix=("${USER_PREFIX[@]}")
  fi
  exec </dev/null >>"$log" 2>&1
  close_inherited_descriptors
  exec env -i "PATH=$PATH" LC_ALL=C.UTF-8 "HOME=$WORK" "AXEBERG_TEST=$WORK" "TMPDIR=$TMPDIR" \
    "XDG_RUNTIME_DIR=$WORK/runtime" "AXEBERG_SOCKET=$AXEBERG_SOCKET" \
    ${DAEMON_BUS:+"DBUS_SYSTEM_BUS_ADDRESS=$DAEMON_BUS"} ${DAEMON_BUS:+"DBUS_SESSION_BUS_ADDRESS=$DAEMON_BUS"} \
    "ASAN_OPTIONS=$ASAN_OPTIONS" "UBSAN_OPTIONS=$UBSAN_OPTIONS" "TSAN_OPTIONS=$TSAN_OPTIONS" "${prefix[@]}" "$@"
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
  local -a store=(--store "$WORK/store") bus=()
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
  [[ -n $DAEMON_BUS ]] || bus=(--no-bus)
  (run_apart "$DAEMON_LOG" "$DAEMON_UID" axebergd "${bus[@]}" --socket "$AXEBERG_SOCKET" "${store[@]}" "$@") &
  DAEMON_PID=$!
  DAEMON_MOUNT=$mount
  poll 30 daemon_serves "$mount"
}

# Waits for one of our children, which must end by itself before long; its exit status goes to REAPED.
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

# ---- mounts -------------------------------------------------------------------------------------------------------

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

# ---- the end ------------------------------------------------------------------------------------------------------

check_reports() {
  local report
  for report in "$WORK"/reports/*; do
    [[ -s $report ]] || continue
    cat "$report" >&2
    fail "a sanitizer reported: $(head -n 3 "$report" | tr '\n' ' ')"
  done
}

# Ends what still runs, softly first. Prints what it had to end.
end_processes() {
  local pid deadline=$((SECONDS + 10 * SLOWNESS))
  local -a pids
  mapfile -t pids < <(marked_processes)
  for pid in "${pids[@]}"; do
    describe_process "$pid"
    kill -TERM "$pid" 2>/dev/null
  done
  for pid in "${pids[@]}"; do
    while is_running "$pid" && ((SECONDS <= deadline)); do sleep 0.02; done
    ! is_running "$pid" || kill -KILL "$pid" 2>/dev/null
  done
}

end_mounts() {
  local mount
  mounts_below "$WORK" | while read -r mount; do
    printf '%s ' "$mount"
    umount -l "$mount" 2>/dev/null || fusermount3 -uz "$mount"
  done
}

# Runs in a session of its own until the test's shell is gone. A parent-death signal would not do: the daemon loses it as soon as it
# acts as another user (setfsuid), and nobody would take the mounts down.
guard() { # PID
  tail --pid="$1" -f /dev/null
  [[ -d $WORK ]] || return 0
  end_processes
  end_mounts
  rm -rf --one-file-system "$WORK"
}

start_guard() {
  local functions
  functions=$(declare -f guard end_processes end_mounts marked_processes is_running describe_process mounts_below)
  (
    close_inherited_descriptors
    exec env -u AXEBERG_TEST "WORK=$WORK" "SLOWNESS=$SLOWNESS" setsid --fork bash -c "$functions; guard $$" \
      </dev/null >/dev/null 2>&1
  )
}

# A mount's server that was unmounted ends by itself, but not before it has answered what was under way. One that went into the background is known by
# its name only.
let_axfs_end() {
  local pid deadline=$((SECONDS + 10 * SLOWNESS))
  for pid in "${AXFS_PIDS[@]}" $(marked_processes); do
    while is_running "$pid" && [[ $(cat "/proc/$pid/comm" 2>/dev/null) == axfs ]] && ((SECONDS <= deadline)); do
      sleep 0.02
    done
  done
}

# A leftover fails a test that has passed so far; one that failed has said why already.
complain() { # TEXT
  [[ -n $1 && $status -eq 0 ]] || return 0
  printf '%s: FAILED: %s\n' "$TEST_NAME" "$1" >&2
  status=1
}

clean_up() {
  local status=$? left
  trap - EXIT ERR
  trap '' INT TERM HUP
  set +e
  if [[ -n $DAEMON_PID ]]; then
    end_daemon
    complain "$PROBLEM"
  fi
  [[ $status -ne 0 ]] || let_axfs_end
  left=$(end_processes)
  complain "${left:+processes left behind: $left}"
  left=$(end_mounts)
  complain "${left:+mounts left behind: $left}"
  (check_reports) || status=1
  [[ $status -eq 0 || $status -eq 77 ]] || show_log
  rm -rf --one-file-system "$WORK" || status=1
  exit "$status"
}

on_error() {
  printf '%s: FAILED: line %s: %s\n' "$TEST_NAME" "$1" "$2" >&2
}

trap clean_up EXIT
start_guard
trap 'on_error "${BASH_LINENO[0]:-$LINENO}/$LINENO" "$BASH_COMMAND"' ERR
trap 'exit 130' INT
trap 'exit 143' TERM HUP
