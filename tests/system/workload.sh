# SPDX-License-Identifier: MIT
# What people do with a file system, on the mount: sourced by workload-root.test and
# workload-user.test, which run it side by side.
#
# git clone and fsck, a complete CMake build of this project with its unit tests, a tar round trip
# and an rsync compared by checksum, a SQLite database in WAL mode.
#
# shellcheck shell=bash

# A clone's source that everybody may read: the source tree itself if it is a checkout, else one
# made of it.
make_repository() {
  local repository=$WORK/repository
  if git -c safe.directory='*' -C "$AXEBERG_SOURCE_DIR" rev-parse --git-dir >/dev/null 2>&1; then
    git -c safe.directory='*' clone -q --bare --no-hardlinks "$AXEBERG_SOURCE_DIR" "$repository"
  else
    mkdir "$WORK/checkout"
    (cd "$AXEBERG_SOURCE_DIR" && tar --exclude=./build -cf - .) | tar -xf - -C "$WORK/checkout"
    git -C "$WORK/checkout" init -q
    git -C "$WORK/checkout" add -A
    git -C "$WORK/checkout" -c user.name=test -c user.email=test@localhost commit -qm "The tree under test"
    git clone -q --bare "$WORK/checkout" "$repository"
  fi
  # git trusts a repository of its user only
  chown -R "$WORKLOAD_UID:$WORKLOAD_UID" "$repository"
}

# Runs as the workload's user.
run_as() {
  if [[ $WORKLOAD_UID -eq 0 ]]; then
    "$@"
  else
    as_user -u "$WORKLOAD_UID" "$@"
  fi
}

# Checksums, types, modes and link targets of a tree, in one order.
fingerprint() {
  run_as bash -c 'cd "$1" && find . -printf "%P %y %m %l\n" | LC_ALL=C sort && find . -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum' _ "$1"
}

workload_git() {
  run_as git clone -q "$WORK/repository" "$PLACE/clone"
  run_as git -C "$PLACE/clone" fsck --full --strict
  check_eq "git status" "" "$(run_as git -C "$PLACE/clone" status --porcelain)"
}

workload_build() {
  local log=$WORK/build.log
  run_as cmake -S "$PLACE/clone" -B "$PLACE/build" -G Ninja -DCMAKE_BUILD_TYPE=Debug >"$log" 2>&1 ||
    { cat "$log"; fail "cmake does not configure on the mount"; }
  run_as cmake --build "$PLACE/build" -j 2 >"$log" 2>&1 || { tail -n 50 "$log"; fail "the build fails on the mount"; }
  # the sockets of the tests need short paths, and the programs the library that was built with them
  run_as env -u LD_LIBRARY_PATH TMPDIR=/tmp ctest --test-dir "$PLACE/build" -L unit --no-tests=error --output-on-failure >"$log" 2>&1 ||
    { tail -n 50 "$log"; fail "the unit tests fail on the mount"; }
}

workload_copies() {
  local before
  before=$(fingerprint "$PLACE/clone")
  run_as tar -C "$PLACE" -cf "$PLACE/clone.tar" clone
  run_as mkdir "$PLACE/unpacked"
  run_as tar -C "$PLACE/unpacked" -xpf "$PLACE/clone.tar"
  [[ $before == "$(fingerprint "$PLACE/unpacked/clone")" ]] || fail "a tar round trip changed the tree"
  run_as rsync -aHAX "$PLACE/clone/" "$PLACE/synced"
  [[ $before == "$(fingerprint "$PLACE/synced")" ]] || fail "rsync changed the tree"
  check_eq "what rsync would still copy" "" "$(run_as rsync -aHAXcn --delete --out-format=%i:%n "$PLACE/clone/" "$PLACE/synced")"
}

workload_sqlite() {
  local database=$PLACE/data.db
  check_eq "journal mode" wal "$(run_as sqlite3 "$database" 'PRAGMA journal_mode=WAL')"
  {
    echo 'CREATE TABLE rows (id INTEGER PRIMARY KEY, text TEXT);'
    # transactions of a hundred: 200 commits go through the log
    for ((i = 1; i <= 20000; i++)); do
      ((i % 100 != 1)) || echo 'BEGIN;'
      echo "INSERT INTO rows (text) VALUES ('row $i of the table');"
      ((i % 100 != 0)) || echo 'COMMIT;'
    done
  } >"$WORK/insert.sql"
  chmod a+r "$WORK/insert.sql"
  run_as sqlite3 -bail "$database" <"$WORK/insert.sql"
  check_eq "rows" 20000 "$(run_as sqlite3 "$database" 'SELECT count(*) FROM rows')"
  check_eq "integrity" ok "$(run_as sqlite3 "$database" 'PRAGMA integrity_check')"
}

run_workload() { # UID
  WORKLOAD_UID=$1
  need_root
  need_fuse
  need git cmake ninja tar rsync sqlite3
  make_repository
  mkdir -m 755 "$WORK/mnt"
  start_daemon --ephemeral --mount "$WORK/mnt"
  PLACE=$WORK/mnt/home/user/workload
  run_as mkdir "$PLACE"
  workload_git
  workload_copies
  workload_sqlite
  workload_build
  check_eq "owners of what was made" "$WORKLOAD_UID" "$(find "$PLACE" -printf '%U\n' | sort -u)"
  stop_daemon
}
