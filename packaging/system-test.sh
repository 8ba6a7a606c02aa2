# SPDX-License-Identifier: MIT
# packaging/dev system-test: the packages in a real boot, on each release of Debian. Sourced by
# packaging/dev.
#
# For a release there are two roots in the cache, made by mmdebstrap from the archive that this
# machine's apt uses: one that boots, with a C compiler, and a copy of it with what the packages are
# built with. Neither is ever written to: the packages are built in a directory that is bound into
# the second, and what boots is a copy of the first. It boots twice: tests/system/boot/run, a unit
# of the booted system, installs the packages in the first boot, without a network, and does the
# rest in the second; its exit status becomes that of systemd-nspawn.
#
# shellcheck shell=bash disable=SC2154 # $root is packaging/dev's

readonly releases=([12]=bookworm [13]=trixie)
readonly boot_packages=systemd-sysv,dbus,gcc,libc6-dev,pkgconf,procps
readonly cache=${XDG_CACHE_HOME:-/var/cache}/axeberg

# Four roots, and a copy of one at a time.
readonly room_needed_mib=6000

# Of the file system that the cache is on, or will be. MiB.
room_for_cache() {
  local directory=$cache
  while [[ ! -d $directory ]]; do directory=$(dirname "$directory"); done
  echo $(($(df --output=avail -m "$directory" | tail -n 1) + $(du -sm "$cache" 2>/dev/null | cut -f1 || echo 0)))
}

# Why the test cannot run here; nothing where it can.
system_test_obstacle() {
  if [[ $(id -u) -ne 0 ]]; then
    echo "it needs root"
  elif [[ ! -c /dev/fuse ]] || ! (: <>/dev/fuse) 2>/dev/null; then
    echo "there is no /dev/fuse, or it may not be used"
  elif ! unshare --mount --pid --fork true 2>/dev/null; then
    echo "it may not make namespaces"
  elif ! command -v apt-get >/dev/null; then
    echo "there is no apt-get"
  elif [[ -z $(archive_of Debian) ]] && ! { apt-get -qq update && [[ -n $(archive_of Debian) ]]; }; then
    echo "this machine's apt knows no Debian archive"
  elif [[ $(room_for_cache) -lt $room_needed_mib ]]; then
    echo "it needs $room_needed_mib MiB for $cache"
  fi
}

# The address of an archive, as this machine's apt has it.
archive_of() { # LABEL
  apt-get indextargets --format "\$(LABEL)|\$(REPO_URI)" 'Created-By: Packages' 'Origin: Debian' |
    awk -F '|' -v label="$1" '$1 == label { print $2; exit }'
}

sources_of() { # SUITE
  local signed='[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]' main security
  main=$(archive_of Debian)
  security=$(archive_of Debian-Security)
  printf 'deb %s %s %s main\n' "$signed" "$main" "$1" "$signed" "$main" "$1-updates"
  [[ -z $security ]] || printf 'deb %s %s %s main\n' "$signed" "$security" "$1-security"
}

# How this machine's apt reaches an archive; and speed instead of safety against a loss of power.
apt_options() {
  apt-config dump | grep -E '^Acquire::(https?::|ftp::|Retries|Check-)' || true
  echo 'APT::Install-Recommends "false";'
}

# Where systemd is not in charge (CI's containers) nobody could make a scope, nor would a device be
# denied.
nspawn=(systemd-nspawn --quiet --register=no --link-journal=no --keep-unit)
[[ ! -d /run/systemd/system ]] || nspawn=(systemd-nspawn --quiet --register=no --link-journal=no --property=DeviceAllow='/dev/fuse rw')

in_root() { # ROOT [NSPAWN-OPTION…] COMMAND…
  "${nspawn[@]}" --console=pipe --directory="$1" "${@:2}" </dev/null
}

# Boots a root and shows what the test in there says; its exit status is the test's.
boot() { # ROOT
  : >"$1/test/log"
  "${nspawn[@]}" --boot --directory="$1" --private-network --console=read-only --bind=/dev/fuse \
    systemd.unit=boot-test.service systemd.show_status=no </dev/null >"$1/test/console" 2>&1 &
  booted_pid=$!
  tail --lines=+1 --follow --sleep-interval=0.1 --pid="$booted_pid" "$1/test/log"
  wait "$booted_pid"
}
booted_pid=

# However the test ends: what runs is ended, and what was made is removed.
leave_release() { # DIRECTORY
  [[ -z $booted_pid ]] || ! kill "$booted_pid" 2>/dev/null || wait "$booted_pid" || true
  rm -rf --one-file-system "$1"
}

# A root in the cache, made where it is missing or made otherwise; a new one each week, with the
# week's updates.
cached_root() { # RELEASE KIND RECIPE
  local release=$1 kind=$2 base=$cache/debian-$1-$2 key
  key=$(printf '%s\n' "$3" "$(date +%G-%V)" "$(sources_of "${releases[release]}")" | sha256sum | cut -c1-16)
  [[ -d $base && $(cat "$base.key" 2>/dev/null) == "$key" ]] && return
  say "Making the root in which Debian $release ${kind}s"
  rm -rf "$base" "$base.key"
  "make_${kind}_root" "$release" "$base" || return 1
  echo "$key" >"$base.key"
}

make_boot_root() { # RELEASE DIRECTORY
  local suite=${releases[$1]}
  mmdebstrap --quiet --mode=root --variant=minbase --include="$boot_packages" --aptopt="$(apt_options)" \
    --dpkgopt=force-unsafe-io --skip=cleanup/apt/lists "$suite" "$2" - < <(sources_of "$suite")
}

make_build_root() { # RELEASE DIRECTORY
  cp -a --reflink=auto "$cache/debian-$1-boot" "$2"
  mkdir "$2/build"
  in_root "$2" --bind-ro="$root/packaging/debian:/debian" \
    env DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o Dpkg::Use-Pty=0 build-dep ./debian/.. >"$2.log" 2>&1 ||
    { cat "$2.log" >&2 && die "what the packages are built with cannot be had on Debian $1"; }
}

# What only trying tells: nothing of axeberg's is in there yet. Ends the release's subshell.
readonly obstacle_status=77
obstacle_met() { # REASON LOG
  [[ ! -s $2 ]] || tail -n 20 "$2" >&2
  printf '%s: %s\n' "$program" "$1" >&2
  exit "$obstacle_status"
}

system_test_release() { # RELEASE
  local release=$1 work began=$SECONDS built
  cached_root "$release" boot "$boot_packages$(declare -f make_boot_root)" ||
    obstacle_met "a root with Debian $release cannot be made" /dev/null
  in_root "$cache/debian-$release-boot" true >"$cache/try.log" 2>&1 || obstacle_met "systemd-nspawn does not work" "$cache/try.log"
  cached_root "$release" build "$boot_packages$(declare -f make_boot_root make_build_root)$(sed '/^$/,$d' "$root/packaging/debian/control")"

  work=$(mktemp -d "$cache/run-XXXXXX")
  # shellcheck disable=SC2064 # now
  trap "leave_release '$work'" EXIT
  say "Building the packages on Debian $release"
  source_tree "$work/build"
  in_root "$cache/debian-$release-build" --read-only --tmpfs=/tmp --bind="$work/build:/build" --chdir="/build/axeberg-$(version)" \
    env DEB_BUILD_OPTIONS="parallel=$jobs nocheck noautodbgsym" dpkg-buildpackage -us -uc -b >"$work/build.log" 2>&1 ||
    { tail -n 50 "$work/build.log" >&2 && die "the packages do not build on Debian $release"; }
  built=$SECONDS

  say "Booting Debian $release"
  cp -a --reflink=auto "$cache/debian-$release-boot" "$work/root"
  mkdir "$work/root/test"
  cp -r "$root/tests/system/boot" "$work/root/test/"
  cp "$work"/build/*.deb "$work/root/test/"
  # What the packages depend on is fetched here, for there is no network in there.
  in_root "$work/root" sh -c 'fetch() { apt-get -qq -y --download-only install /test/*.deb; }
    fetch || { apt-get -qq update && fetch; }' >"$work/fetch.log" 2>&1 ||
    { cat "$work/fetch.log" >&2 && die "the packages' dependencies cannot be had on Debian $release"; }
  ln -s /test/boot/boot-test.service "$work/root/etc/systemd/system/boot-test.service"
  { boot "$work/root" && boot "$work/root"; } || {
    [[ -s $work/root/test/log ]] || obstacle_met "Debian $release does not boot in a container" "$work/root/test/console"
    tail -n 40 "$work/root/test/console" >&2
    die "the test on Debian $release failed"
  }
  say "Debian $release: passed; building took $((built - began)) s, the boots $((SECONDS - built)) s"
}

system_test() { # [--if-possible] [RELEASE…]
  local obstacle release status if_possible=
  if [[ ${1:-} == --if-possible ]]; then
    if_possible=yes
    shift
  fi
  [[ $# -gt 0 ]] || set -- 12 13
  for release in "$@"; do
    [[ -n ${releases[release]:-} ]] || die "system-test knows Debian ${!releases[*]}, not $release"
  done
  obstacle=$(system_test_obstacle)
  if [[ -n $obstacle && -n $if_possible ]]; then
    say "The boot test is skipped: $obstacle"
    return 0
  fi
  [[ -z $obstacle ]] || die "system-test cannot run here: $obstacle"
  ensure package
  mkdir -p "$cache"
  exec 9>"$cache/lock"
  flock 9
  rm -rf --one-file-system "$cache"/run-*
  for release in "$@"; do
    status=0
    # Not behind "||", where a subshell does not end at the first error.
    set +e
    (set -e; system_test_release "$release")
    status=$?
    set -e
    if [[ $status -eq $obstacle_status && -n $if_possible ]]; then
      say "The boot test of Debian $release is skipped: it cannot run here"
    elif [[ $status -ne 0 ]]; then
      exit "$status"
    fi
  done
}
