# fish completion for axctl(1)
#
# Processes, windows and files are asked of axctl; where no daemon answers, or not soon, there are none, and nothing is said.

# The command and what follows it. Fails where an option of axctl itself is not complete.
function __axctl_words
    set -l words (commandline -opc)
    argparse --stop-nonopt 's/socket=' j/json -- $words[2..] 2>/dev/null
    or return 1
    string join \n -- $argv
    return 0
end

function __axctl_ask
    set -l question $argv
    set -l words (commandline -opc)
    argparse --stop-nonopt 's/socket=' j/json -- $words[2..] 2>/dev/null
    set -q _flag_socket
    and set question --socket $_flag_socket $question
    timeout 2 axctl $question 2>/dev/null </dev/null
end

function __axctl_needs_command
    set -l words (__axctl_words)
    and test (count $words) -eq 0
end

function __axctl_needs_command_of # GROUP
    set -l words (__axctl_words)
    and test "$words" = "$argv"
end

function __axctl_is # COMMAND [COMMAND-OF-GROUP]
    set -l words (__axctl_words)
    and test (count $words) -ge (count $argv)
    and test "$words[1..$(count $argv)]" = "$argv"
end

function __axctl_is_one_of # COMMAND...
    set -l words (__axctl_words)
    and contains -- "$words[1]" $argv
end

# Whether the command line has come to this operand of the command, from 0; or to an option before it.
function __axctl_operand # NUMBER COMMAND [COMMAND-OF-GROUP]
    set -l words (__axctl_words)
    __axctl_is $argv[2..]
    or return 1
    set -e words[1..$(count $argv[2..])]
    set -l operands
    set -l is_value no
    for word in $words
        if test $is_value = yes
            set is_value no
        else if string match -qr -- '^(--cwd|-u|--user|-e|--category|-o|--output|--format)$' $word
            set is_value yes
        else if set -q operands[1]; or not string match -qr -- '^-.' $word
            set -a operands $word
        end
    end
    test (count $operands) -eq $argv[1]
end

# What is being typed, without the "--option=" before it.
function __axctl_token
    string unescape -- (commandline -ct | string replace -r -- '^--[a-z-]+=' '')
end

# Behind the items of a list that are there already.
function __axctl_list # ITEM...
    set -l before (string match -r -- '.*,' (__axctl_token))
    for item in $argv
        echo "$before$item"
    end
end

# Without the axctl that asks.
function __axctl_pids
    __axctl_ask ps | awk '/^ *[0-9]+ / && !($6 == "Running" && $NF == "axctl") { pid = $1; sub(/^( *[^ ]+){11} */, ""); print pid "\t" $0 }'
end

function __axctl_window_ids
    __axctl_ask windows | awk '/^ *[0-9]+ / { id = $1; sub(/^( *[^ ]+){5} */, ""); print id "\t" $0 }'
end

# In the namespace. Lines are "drwxr-xr-x 2 root root 40 2026-01-01 12:00 name".
function __axctl_paths # [directories]
    set -l directory (string match -r -- '.*/' (__axctl_token))
    set -l asked $directory .
    for name in (__axctl_ask ls -la $asked[1] | sed -nE '/^l/s/ -> .*//; s/^(.)([^ ]+ +){6}[^ ]+ (.*)$/\1\3/p' | sed -E '/^d/s/$/\//; s/^.//')
        test "$argv" != directories
        or string match -q '*/' -- $name
        and echo "$directory$name"
    end
end

set -l signals HUP INT QUIT KILL USR1 USR2 PIPE ALRM TERM CHLD CONT STOP
set -l categories syscall process memory timer signal scheduler file ipc window custom

complete -c axctl -f

# ---- axctl itself ----

complete -c axctl -n __axctl_needs_command -s s -l socket -r -F -d "The daemon's socket"
complete -c axctl -n __axctl_needs_command -s j -l json -d 'Lists as JSON'
complete -c axctl -l help -d 'Print help'
complete -c axctl -n 'not __axctl_needs_command_of trace; and not __axctl_needs_command_of window' -s '?' -d 'Print help'
complete -c axctl -n 'not __axctl_needs_command_of trace; and not __axctl_needs_command_of window' -l usage -d 'Print a short usage message'
complete -c axctl -n 'not __axctl_needs_command_of trace; and not __axctl_needs_command_of window' -s V -l version -d 'Print the version'

complete -c axctl -n __axctl_needs_command -a status -d 'Figures of the daemon'
complete -c axctl -n __axctl_needs_command -a ps -d Processes
complete -c axctl -n __axctl_needs_command -a run -d 'Run a host program as a process'
complete -c axctl -n __axctl_needs_command -a kill -d 'Send a signal to processes'
complete -c axctl -n __axctl_needs_command -a mem -d 'Memory; limit it'
complete -c axctl -n __axctl_needs_command -a shm -d 'Shared segments'
complete -c axctl -n __axctl_needs_command -a users -d 'What each user has taken, and may take'
complete -c axctl -n __axctl_needs_command -a ls -d 'List directories and files'
complete -c axctl -n __axctl_needs_command -a stat -d 'Everything about files'
complete -c axctl -n __axctl_needs_command -a cat -d 'Print files'
complete -c axctl -n __axctl_needs_command -a put -d 'Copy a file into the namespace'
complete -c axctl -n __axctl_needs_command -a get -d 'Copy a file out of the namespace'
complete -c axctl -n __axctl_needs_command -a mkdir -d 'Make directories'
complete -c axctl -n __axctl_needs_command -a rm -d 'Remove files'
complete -c axctl -n __axctl_needs_command -a mv -d 'Rename files, or move them'
complete -c axctl -n __axctl_needs_command -a trace -d 'What happens in the kernel'
complete -c axctl -n __axctl_needs_command -a top -d 'Processes, live'
complete -c axctl -n __axctl_needs_command -a windows -d Windows
complete -c axctl -n __axctl_needs_command -a window -d 'Show a window, type into it'
complete -c axctl -n __axctl_needs_command -a console -d "The console's output and input"

# ---- processes ----

complete -c axctl -n '__axctl_is ps' -s t -l tree -d 'Children below their parents'
complete -c axctl -n '__axctl_operand 0 run' -l cwd -x -a '(__axctl_paths directories)' -d 'Working directory in the namespace'
complete -c axctl -n '__axctl_operand 0 run' -s u -l user -x -a '(getent passwd | cut -d: -f3)' -d 'Run as this user'
complete -c axctl -n '__axctl_operand 0 run' -a '(__fish_complete_command)'
complete -c axctl -n '__axctl_is run; and not __axctl_operand 0 run' -F
complete -c axctl -n '__axctl_is kill' -s s -l signal -x -a "$signals" -d 'The signal'
complete -c axctl -n '__axctl_is kill' -s l -l list -d 'List the signals'
complete -c axctl -n '__axctl_is kill; or __axctl_operand 1 mem' -a '(__axctl_pids)'
complete -c axctl -n '__axctl_operand 0 mem' -a limit -d 'Limit a process'
complete -c axctl -n '__axctl_is top' -s d -l interval -x -d 'Seconds between two looks'

# ---- files ----

complete -c axctl -n '__axctl_is ls' -s l -d 'With all about them'
complete -c axctl -n '__axctl_is ls' -s a -d 'Names that begin with a dot, too'
complete -c axctl -n '__axctl_is ls' -s d -d 'Directories themselves'
complete -c axctl -n '__axctl_is mkdir' -s p -l parents -d 'Make missing parents'
complete -c axctl -n '__axctl_is rm' -s r -l recursive -d 'Directories with all that is in them'
complete -c axctl -n '__axctl_is rm' -s f -l force -d 'What does not exist is no error'
complete -c axctl -n '__axctl_is_one_of ls stat cat mkdir rm mv; or __axctl_operand 1 put; or __axctl_operand 0 get' -a '(__axctl_paths)'
complete -c axctl -n '__axctl_operand 0 put; or __axctl_operand 1 get' -F

# ---- the trace ----

complete -c axctl -n '__axctl_needs_command_of trace' -a on -d 'Record what happens'
complete -c axctl -n '__axctl_needs_command_of trace' -a off -d 'Stop recording; events stay'
complete -c axctl -n '__axctl_needs_command_of trace' -a status -d 'Whether and what is recorded'
complete -c axctl -n '__axctl_needs_command_of trace' -a summary -d "The kernel's figures, and each call's"
complete -c axctl -n '__axctl_needs_command_of trace' -a reset -d 'Forget events, begin to count anew'
complete -c axctl -n '__axctl_needs_command_of trace' -a show -d 'Print the events that are there'
complete -c axctl -n '__axctl_needs_command_of trace' -a follow -d 'Print events as they come'
complete -c axctl -n '__axctl_needs_command_of trace' -a run -d 'Trace a program from start to end'
complete -c axctl -n '__axctl_needs_command_of trace' -a export -d 'Write events for trace viewers'

set -l with_pids '__axctl_is trace on; or __axctl_is trace show; or __axctl_is trace follow'
complete -c axctl -n $with_pids -s p -l pid -x -a '(__axctl_list (__axctl_pids))' -d 'These processes only'
complete -c axctl -n "$with_pids; or __axctl_operand 0 trace run" -s e -l category -x -a "(__axctl_list $categories)" -d 'These categories only'
complete -c axctl -n '__axctl_is trace on' -s f -l follow-children -d 'And the processes that those make'
complete -c axctl -n '__axctl_is trace show' -l since -x -d 'From then on: 90, 5m, 2h, 12:30:00'
complete -c axctl -n '__axctl_operand 0 trace run' -s c -l summary-only -d 'The table alone'
complete -c axctl -n '__axctl_operand 0 trace run' -s o -l output -r -F -d 'Write events to a file'
complete -c axctl -n '__axctl_operand 0 trace run' -a '(__fish_complete_command)'
complete -c axctl -n '__axctl_is trace run; and not __axctl_operand 0 trace run' -F
complete -c axctl -n '__axctl_is trace export' -l format -x -a chrome -d "The file's format"
complete -c axctl -n '__axctl_operand 0 trace export' -F

# ---- console and windows ----

complete -c axctl -n '__axctl_is console' -l no-input -d 'Follow the output, type nothing'
complete -c axctl -n '__axctl_is console' -l follow -d 'Go on when standard input has ended'
complete -c axctl -n '__axctl_is console' -l once -d 'Print the output that is there, and end'
complete -c axctl -n '__axctl_is console' -l lines -d 'Type whole lines'
complete -c axctl -n '__axctl_needs_command_of window' -a attach -d 'Show a window here, and type into it'
complete -c axctl -n '__axctl_needs_command_of window' -a screenshot -d 'Print what a window shows'
complete -c axctl -n '__axctl_needs_command_of window' -a close -d 'Ask the program to close its window'
complete -c axctl -n '__axctl_is window screenshot' -s c -l colours -d 'With escape sequences for colours'
complete -c axctl -n '__axctl_operand 0 window attach; or __axctl_operand 0 window screenshot; or __axctl_operand 0 window close' -a '(__axctl_window_ids)'
