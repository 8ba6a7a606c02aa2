# The inner half of complete.zsh: sourced in an interactive zsh, with the directory of completion functions.
fpath=($1 $fpath)
autoload -Uz compinit
compinit -D -u
PROMPT= RPROMPT=
unsetopt prompt_cr prompt_sp
bindkey '^I' complete-word
zstyle ':completion:*' insert-tab false

# Tells what is offered, unquoted, with what goes before it, and a "=" or "/" behind it. With -O, -A or -D completion functions only ask.
compadd() {
  local -a matches
  local -A options
  local match
  if [[ " ${(j: :)@[1,(i)(-|--)]} " == *' '-[OAD]' '* ]]; then
    builtin compadd "$@"
    return
  fi
  builtin compadd -A matches "$@"
  zparseopts -E -D -A options P: S: p: s:
  for match in $matches; do
    match=$IPREFIX${options[-P]}${options[-p]}$match${(M)options[-S]:#[=/]}
    print -r -- "<offer>${(Q)match}"
  done
  builtin compadd -n "$@"
}

tell_end() {
  print '<end>'
  exit
}
comppostfuncs=(tell_end)
print '<re''ady>'
