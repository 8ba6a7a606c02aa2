# SPDX-License-Identifier: MIT
# What bash offers for a line: complete.bash FILE LINE, where FILE has the completion of the line's
# command. One candidate a line.
#
# Does what readline does: splits the line at blanks, "=" and ":", and calls the function that the
# command's completion names.
line=$2
COMP_WORDS=()
while [[ -n $line ]]; do
  [[ $line =~ ^[[:space:]]*(([^[:space:]=:\\]|\\.)+|[=:]?)([[:space:]]*) ]]
  COMP_WORDS+=("${BASH_REMATCH[1]}")
  line=${line:${#BASH_REMATCH}}
  [[ -n $line || -z ${BASH_REMATCH[3]} ]] || COMP_WORDS+=('')
done
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))

# shellcheck source=/dev/null
source "$1"
specification=$(complete -p "${COMP_WORDS[0]}")
[[ $specification =~ -F\ ([^ ]+) ]] || exit 1
"${BASH_REMATCH[1]}" "${COMP_WORDS[0]}"
[[ ${#COMPREPLY[@]} -eq 0 ]] || printf '%s\n' "${COMPREPLY[@]}"
