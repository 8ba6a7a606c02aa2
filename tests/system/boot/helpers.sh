# SPDX-License-Identifier: MIT
# What the cases of the boot test look and wait with; for run, beside it.
# shellcheck shell=bash
# shellcheck disable=SC2154 # fs, work, case_name and others are run's
# shellcheck disable=SC2317 # conditions are called by wait_for

fail() {
  printf 'not ok - %s: %s\n' "$case_name" "$*"
  exit 1
}

on_exit() {
  local status=$?
  trap - EXIT
  [[ $status -eq 0 ]] && return
  printf '\n-- %s ended with %d; units:\n' "$case_name" "$status"
  systemctl --no-pager --lines=0 status 'axeberg*' run-axeberg-fs.mount || true
  systemctl --no-pager list-jobs || true
  grep axeberg /proc/self/mountinfo || true
  printf '\n-- the journal'\''s last lines:\n'
  journalctl --no-pager --output=short-precise --lines=150 || true
  exit "$status"
}
trap on_exit EXIT
trap '[[ $BASH_SUBSHELL -gt 0 ]] || printf "line %d: %s: %d\n" "$LINENO" "$BASH_COMMAND" "$?"' ERR

# Until COMMAND succeeds.
wait_for() { # [-t SECONDS] COMMAND…
  local seconds=30 end
  if [[ $1 == -t ]]; then
    seconds=$2
    shift 2
  fi
  end=$((SECONDS + seconds))
  until "$@" >/dev/null 2>&1; do
    [[ $SECONDS -lt $end ]] || fail "not within $seconds s: $*"
    read -rt 0.05 <>"$work/never" || true
  done
}
mkfifo "$work/never"

check_match() { # WHAT REGEX ACTUAL
  [[ $3 =~ $2 ]] || fail "$1: \"$3\" does not match $2"
}

# Whether the output of COMMAND has a match; a pipe to grep would end COMMAND at the first one.
has() { [[ $("${@:2}") =~ $1 ]]; } # REGEX COMMAND…
refused() { ! "$@"; }
must_fail() {
  if "$@" >/dev/null 2>&1; then
    fail "this must not work: $*"
  fi
}

as_user() { setpriv --reuid=tester --regid=tester --clear-groups --no-new-privs env HOME=/home/tester USER=tester "$@"; }

property() { systemctl show --property="$2" --value "$1"; }
is() { [[ $(property "$1" ActiveState) == "$2" ]]; }
pid_of() { property "$1" MainPID; }
other_pid() { # UNIT PID: it runs with another one
  is "$1" active && [[ $(pid_of "$1") != "$2" && $(pid_of "$1") != 0 ]]
}

# Without touching the mount.
is_mounted() { awk -v at="$1" '$5 == at { n++ } END { exit n != 1 }' /proc/self/mountinfo; }
is_not_mounted() { ! grep -q " $1 " /proc/self/mountinfo; }

all_active() { is axebergd.service active && is axebergd.socket active && is axeberg-fs.service active && is run-axeberg-fs.mount active && is_mounted "$fs"; }
nothing_left() {
  is axebergd.service inactive && is axebergd.socket inactive && is axeberg-fs.service inactive && is run-axeberg-fs.mount inactive &&
    is_not_mounted "$fs" && [[ ! -e $socket ]] && none_runs
}
none_runs() { [[ -z $(pgrep '^ax(eberg|fs)') ]]; }
stop_all() {
  systemctl stop axebergd
  wait_for nothing_left
}

# The journal since the mark that mark_journal set.
mark_journal() { mark=$(date +@%s.%6N); }
journal_has() { has "$1" journalctl --quiet --since="$mark" --output=cat "${@:2}"; }

# Reads a durable file through the mount for ever, and notes what goes wrong.
reader_start() {
  : >"$work/reads"
  : >"$work/errors"
  while :; do
    { IFS= read -r line <"$kept" && [[ $line == "kept for ever" ]] && is_mounted "$fs"; } 2>>"$work/errors" || echo "failed" >>"$work/errors"
    echo >>"$work/reads"
  done &
  reader=$!
  wait_for test -s "$work/reads"
}
reader_stop() {
  local reads
  reads=$(wc -l <"$work/reads")
  more_reads() { [[ $(wc -l <"$work/reads") -gt $((reads + 10)) ]]; }
  wait_for more_reads
  kill "$reader"
  wait "$reader" || true
  [[ ! -s $work/errors ]] || fail "the mount was gone: $(head -n 3 "$work/errors")"
}

# Every file, but for what comes and goes anyway; of that only what bears the name.
files() {
  local volatile='^/(dev|proc|run|sys|test|tmp|var/(cache/apt|cache/debconf|lib/apt|lib/dpkg|log|tmp))/'
  find / -xdev -regextype posix-extended -regex "$volatile.*" -prune -o -print | sort
  find /run /var/cache /var/lib /var/log -xdev -regextype posix-extended -regex '.*ax(eberg|ctl|fs).*' | sort
}
