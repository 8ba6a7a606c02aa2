# What zsh offers for a line: complete.zsh DIRECTORY LINE, where DIRECTORY has the completion functions. One candidate a line.
#
# Completion works in the line editor only, so a second zsh runs on a terminal of its own, where compadd tells what it is given. What a completion
# function complains of goes to standard error.
zmodload zsh/zpty
setopt extended_glob

zpty editor zsh -f -i
zpty -w editor "source ${(q)0:A:h}/complete-editor.zsh ${(q)1}"
zpty -r -m editor text '*<ready>*' || exit 1
zpty -w -n editor $2$'\t'
zpty -r -m editor text '*<end>*' || exit 1
zpty -d editor
for line in ${(f)text}; do
  line=${line%$'\r'}
  if [[ $line == *'<offer>'* ]]; then
    print -r -- ${line#*<offer>}
  elif [[ $line == *(_ax[a-z_]#|axctl):* ]]; then
    print -r -u 2 -- $line
  fi
done
