#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# attack.sh NAME [--mount] [SETTING=VALUE…]: plays NAME.py against a daemon that root has started,
# on an ephemeral store and on a durable one; with a mount; with these settings.
# shellcheck source-path=SCRIPTDIR source=../system/lib.sh
. "$(dirname "$0")/../system/lib.sh"

# What a sanitizer keeps of memory that is free is not what a user takes.
ASAN_OPTIONS+=:quarantine_size_mb=16
TEST_NAME=attack-$1
PROGRAM=$(dirname "$0")/$1.py
shift
need_root
need python3 setpriv
MOUNT=
SETTINGS=()
for argument in "$@"; do
  case $argument in
  --mount) MOUNT=$WORK/mnt ;;
  *) SETTINGS+=("${argument/=/ = }") ;;
  esac
done
[[ -z $MOUNT ]] || need_fuse
[[ -n ${AXEBERG_SANITIZE:-} ]] || ulimit -n "$(ulimit -Hn)"
printf '[axebergd]\n' >"$WORK/conf"
((${#SETTINGS[@]} == 0)) || printf '%s\n' "${SETTINGS[@]}" >>"$WORK/conf"
# FUSE for everybody, as on most hosts.
mknod -m 666 "$WORK/fuse" c 10 229 2>/dev/null && export FUSE_DEVICE=$WORK/fuse
need_reachable 1000
export PYTHONDONTWRITEBYTECODE=1

# What a daemon leaves that had to be killed.
sweep() {
  kill_daemon
  end_mounts >/dev/null
  end_processes >/dev/null
}

failed=()
for store in ephemeral durable; do
  case $store in
  ephemeral) arguments=(--ephemeral) ;;
  durable) arguments=(--store "$WORK/store") && mkdir -p "$WORK/store" ;;
  esac
  if [[ -n $MOUNT ]]; then
    mkdir -p "$MOUNT"
    arguments+=(--mount "$MOUNT")
  fi
  start_daemon --config "$WORK/conf" "${arguments[@]}"
  export ATTACK_STORE=$store ATTACK_MOUNT=$MOUNT ATTACK_DAEMON=$DAEMON_PID ATTACK_LOG=$DAEMON_LOG
  if python3 "$PROGRAM"; then
    stop_daemon
  else
    failed+=("$store")
    sweep
  fi
done
((${#failed[@]} == 0)) || fail "the attack succeeds on these stores: ${failed[*]}"
