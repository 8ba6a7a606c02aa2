# SPDX-License-Identifier: MIT
# The end of a test, for lib.sh: what it left is found, taken down and reported, however it ends.
# shellcheck shell=bash

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
    kill -TERM "$pid" 2>/dev/null || true # it may have ended by now
  done
  for pid in "${pids[@]}"; do
    while is_running "$pid" && ((SECONDS <= deadline)); do sleep 0.02; done
    ! is_running "$pid" || kill -KILL "$pid" 2>/dev/null || true
  done
}

end_mounts() {
  local mount
  mounts_below "$WORK" | while read -r mount; do
    printf '%s ' "$mount"
    umount -l "$mount" 2>/dev/null || fusermount3 -uz "$mount"
  done
}

# Runs in a session of its own until the test's shell is gone. A parent-death signal would not do:
# the daemon loses it as soon as it acts as another user (setfsuid), and nobody would take the
# mounts down.
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

# A mount's server that was unmounted ends by itself, but not before it has answered what was under
# way. One that went into the background is known by its name only.
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
  [[ $status -ne 0 || ! -e $WORK/failed ]] || status=1
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
on_signal() { # NAME STATUS
  printf '%s: FAILED: ended by SIG%s\n' "$TEST_NAME" "$1" >&2
  exit "$2"
}
trap 'on_signal INT 130' INT
trap 'on_signal TERM 143' TERM
trap 'on_signal HUP 129' HUP
