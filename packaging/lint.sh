# SPDX-License-Identifier: MIT
# The linters, for packaging/dev: what a compiler does not see, and the limits that keep the code
# readable.
#
# A function has at most 60 lines (.clang-tidy), a file 500; a line of code ends at 120 columns
# (.clang-format), a line of comment at 100.
# shellcheck shell=bash disable=SC2154 # $root and $jobs are packaging/dev's

readonly MAX_FILE_LINES=500 MAX_COMMENT_COLUMNS=100

c_sources=('*.c' '*.h')
scripts=('*.sh' '*.bash' '*.test' packaging/dev .ci/run packaging/debian/axeberg.postrm
  tests/system/boot/run 'packaging/completions/bash/*')
other_sources=('*.py' '*.cmake' '*CMakeLists.txt')

# The public header is the manual of the library, too.
check_file_lengths() {
  local lines file bad=0
  while read -r lines file; do
    [[ $file != total && $lines -gt $MAX_FILE_LINES ]] || continue
    printf '%s: %d lines, not %d\n' "$file" "$lines" "$MAX_FILE_LINES"
    bad=1
  done < <(git ls-files -z -- "${c_sources[@]}" '*.proto' "${scripts[@]}" "${other_sources[@]}" \
    ':!libaxeberg-client/axeberg.h' | xargs -0 wc -l)
  return "$bad"
}

# The lines that begin with a comment and are longer than that, in characters; a macro's end far
# out.
check_comments() {
  local long="(?=.{$((MAX_COMMENT_COLUMNS + 1))})" bad=0
  ! LC_ALL=C.UTF-8 git grep -nP "^$long(?!.*\\\\$)\s*(/\*|//|\*[ /])" -- "${c_sources[@]}" '*.proto' || bad=1
  ! LC_ALL=C.UTF-8 git grep -nP "^$long\s*#" -- "${scripts[@]}" "${other_sources[@]}" || bad=1
  return "$bad"
}

# Every source says under which licence it is (https://spdx.dev).
check_licences() {
  ! git grep -L SPDX-License-Identifier -- "${c_sources[@]}" '*.proto' "${scripts[@]}" "${other_sources[@]}" | sed 's/$/: no SPDX line/' | grep .
}

lint() (
  local tool status=0
  local -a missing=()
  cd "$root" || return
  say "Checking limits"
  check_file_lengths || status=1
  check_comments || status=1
  check_licences || status=1
  [[ $status -eq 0 ]] || return 1
  if [[ $(release) != 12 ]]; then
    say "Linters: skipped, the rules are those of Debian 12's"
    return 0
  fi
  for tool in clang-format-14 clang-tidy-14 shellcheck; do
    command -v "$tool" >/dev/null || missing+=("$tool")
  done
  install_packages "${missing[@]}"
  [[ -f build/dev/compile_commands.json ]] || build dev -DBUILD_TESTING=ON
  say "Checking the format"
  git ls-files -z '*.c' '*.h' | xargs -0 clang-format-14 --dry-run -Werror
  say "Running shellcheck"
  git ls-files -z -- "${scripts[@]}" | xargs -0 shellcheck --severity=warning --external-sources
  say "Running clang-tidy"
  git ls-files -z '*.c' | xargs -0 -P "$jobs" -n 4 clang-tidy-14 --quiet -p build/dev 2>/dev/null
)
