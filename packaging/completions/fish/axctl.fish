# SPDX-License-Identifier: MIT
# fish completion for axctl(1)
#
# Processes, windows and files are asked of axctl; where no daemon answers, or not soon, there are none, and nothing is said.

# Takes the options of every command out of a line: the words that stay are in __axctl_rest, the socket that is named in __axctl_socket. Fails where an
# option lacks its value.
function __axctl_split
    set -g __axctl_rest
    set -g __axctl_socket
    set -l option
    for word in (commandline -opc)[2..]
        set -l short -s
        test "$__axctl_rest[1]" = kill
        and set short # its "-s" is another
        if test -n "$option"
            set __axctl_socket --socket $word
            set option
        else if contains -- -- $__axctl_rest
            set -a __axctl_rest $word
        else if contains -- $word --socket $short
            set option $word
        else if string match -q -- '--socket=*' $word
            set __axctl_socket --socket (string replace -- --socket= '' $word)
        else if not contains -- $word -j --json
            set -a __axctl_rest $word
        end
    end
    test -z "$option"
end

# The command and what follows it.
function __axctl_words
    __axctl_split
    and string join \n -- $__axctl_rest
    return 0
end

function __axctl_ask
    __axctl_split
    timeout 2 axctl $__axctl_socket $argv 2>/dev/null </dev/null
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
        else if string match -qr -- '^(--cwd|-u|--user|-e|-E|--env|-k|--kill-after|--timeout|--category|-o|--output|--format)$' $word
            set is_value yes
        else if set -q operands[1]; or not string match -qr -- '^-.' $word
            set -a operands $word
        end
    end
    test (count $operands) -eq $argv[1]
end

# Whether an option would be axctl's, not that of a program that it runs.
function __axctl_takes_options
    __axctl_split
    contains -- -- $__axctl_rest
    and return 1
    not __axctl_is run; and not __axctl_is trace run; or __axctl_operand 0 run; or __axctl_operand 0 trace run
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
    __axctl_ask ps | awk '/^ *[0-9]+ / && !($6 == "Running" && $NF == "axctl") { pid = $1; for (i = 0; i < 11; i++) sub(/^ *[^ ]+ */, ""); print pid "\t" $0 }'
end

function __axctl_commands_that_run
    __axctl_ask ps | awk '/^ *[0-9]+ / && !($6 == "Running" && $NF == "axctl") { for (i = 0; i < 11; i++) sub(/^ *[^ ]+ */, ""); print }'
end

# A key, or one with a minus before it.
function __axctl_keys
    set -l before (string match -r -- '^-' (__axctl_token))
    for key in pid ppid group uid state age fds memory calls hostpid command
        echo "$before$key"
    end
end

function __axctl_window_ids
    __axctl_ask windows | awk '/^ *[0-9]+ / { id = $1; for (i = 0; i < 5; i++) sub(/^ *[^ ]+ */, ""); print id "\t" $0 }'
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

# options of every command, before and after its name
complete -c axctl -n '__axctl_takes_options; and not __axctl_is kill' -s s -r -F -d "The daemon's socket"
complete -c axctl -n __axctl_takes_options -l socket -r -F -d "The daemon's socket"
complete -c axctl -n __axctl_takes_options -s j -l json -d 'Print lists and figures as JSON'
complete -c axctl -n __axctl_takes_options -s '?' -l help -d 'Print help'
complete -c axctl -n __axctl_takes_options -l usage -d 'Print a short usage message'
complete -c axctl -n __axctl_takes_options -s V -l version -d 'Print the version'

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
complete -c axctl -n __axctl_needs_command -a cp -d 'Copy files'
complete -c axctl -n __axctl_needs_command -a ln -d 'Make links'
complete -c axctl -n __axctl_needs_command -a chmod -d 'Set permissions'
complete -c axctl -n __axctl_needs_command -a chown -d 'Set owner and group'
complete -c axctl -n __axctl_needs_command -a df -d 'Room on filesystems'
complete -c axctl -n __axctl_needs_command -a mounts -d 'The mount table'
complete -c axctl -n __axctl_needs_command -a trace -d 'What happens in the kernel'
complete -c axctl -n __axctl_needs_command -a top -d 'Processes, live'
complete -c axctl -n __axctl_needs_command -a windows -d Windows
complete -c axctl -n __axctl_needs_command -a window -d 'Show a window, type into it'
complete -c axctl -n __axctl_needs_command -a console -d "The console's output and input"
complete -c axctl -n __axctl_needs_command -a help -d 'Print the help of axctl, or of a command'
complete -c axctl -n '__axctl_operand 0 help' -a '(__axctl_ask --help | string match -rg "^  ([a-z]+) ")'
complete -c axctl -n '__axctl_operand 1 help; and __axctl_is help trace' -a '(__axctl_ask help trace | string match -rg "^  ([a-z]+) ")'
complete -c axctl -n '__axctl_operand 1 help; and __axctl_is help window' -a '(__axctl_ask help window | string match -rg "^  ([a-z]+) ")'

# ---- processes ----

complete -c axctl -n '__axctl_is ps' -s t -l tree -d 'Children below their parents'
complete -c axctl -n '__axctl_is ps' -s p -l pid -x -a '(__axctl_list (__axctl_pids))' -d 'These processes'
complete -c axctl -n '__axctl_is ps' -l ppid -x -a '(__axctl_list (__axctl_pids))' -d 'Children of these processes'
complete -c axctl -n '__axctl_is ps' -s u -l user -x -a '(__axctl_list (getent passwd | cut -d: -f1))' -d "These users' processes"
complete -c axctl -n '__axctl_is ps' -s C -l command -x -a '(__axctl_list (__axctl_commands_that_run))' -d 'Processes that run these commands'
complete -c axctl -n '__axctl_is ps' -l state -x -a '(__axctl_list Running Sleeping Stopped Zombie)' -d 'Processes in these states'
complete -c axctl -n '__axctl_is ps' -l sort -x -a '(__axctl_keys)' -d 'The order; with a minus, the largest first'
set -l runs '__axctl_operand 0 run; or __axctl_operand 0 trace run'
complete -c axctl -n $runs -l cwd -x -a '(__axctl_paths directories)' -d 'Working directory in the namespace'
complete -c axctl -n $runs -s k -l kill-after -x -d 'From SIGTERM to SIGKILL'
complete -c axctl -n $runs -l timeout -x -d 'End it after this time'
complete -c axctl -n $runs -s u -l user -x -a '(getent passwd | cut -d: -f1)' -d 'Run as this user'
complete -c axctl -n '__axctl_operand 0 run' -s e -l env -x -d 'Set a variable of its environment'
complete -c axctl -n '__axctl_operand 0 trace run' -s E -l env -x -d 'Set a variable of its environment'
complete -c axctl -n '__axctl_operand 0 run' -a '(__fish_complete_command)'
complete -c axctl -n '__axctl_is run; and not __axctl_operand 0 run' -F
complete -c axctl -n '__axctl_is kill' -s s -l signal -x -a "$signals" -d 'The signal'
complete -c axctl -n '__axctl_is kill' -s l -l list -d 'List the signals'
complete -c axctl -n '__axctl_is kill; or __axctl_operand 1 mem' -a '(__axctl_pids)'
complete -c axctl -n '__axctl_operand 0 mem' -a limit -d 'Limit a process'
complete -c axctl -n '__axctl_is top' -s b -l batch -d 'Print tables instead of a screen'
complete -c axctl -n '__axctl_is top' -s n -l iterations -x -d 'End after so many tables'
complete -c axctl -n '__axctl_is top' -s d -l interval -x -d 'Seconds between two looks'

# ---- files ----

complete -c axctl -n '__axctl_is ls' -s l -d 'With all about them'
complete -c axctl -n '__axctl_is ls' -s a -d 'Names that begin with a dot, too'
complete -c axctl -n '__axctl_is ls' -s d -d 'Directories themselves'
complete -c axctl -n '__axctl_is mkdir' -s p -l parents -d 'Make missing parents'
complete -c axctl -n '__axctl_is_one_of put get cp' -s r -l recursive -d 'Directories with all that is in them'
complete -c axctl -n '__axctl_is cp' -s p -l preserve -d 'Owner, mode, times and attributes, too'
complete -c axctl -n '__axctl_is cp' -s a -l archive -d 'Both'
complete -c axctl -n '__axctl_is ln' -s s -l symbolic -d 'Make symlinks'
complete -c axctl -n '__axctl_is_one_of chmod chown' -s R -l recursive -d 'Directories with all that is in them'
complete -c axctl -n '__axctl_is chown' -s h -l no-dereference -d 'Symlinks themselves'
complete -c axctl -n '__axctl_operand 0 chown' -a '(__fish_complete_users)'
complete -c axctl -n '__axctl_is rm' -s r -l recursive -d 'Directories with all that is in them'
complete -c axctl -n '__axctl_is rm' -s f -l force -d 'What does not exist is no error'
complete -c axctl -n '__axctl_is_one_of ls stat cat mkdir rm mv cp ln df; or __axctl_is_one_of chmod chown; and not __axctl_operand 0 chmod; and not __axctl_operand 0 chown; or __axctl_operand 1 put; or __axctl_operand 0 get' -a '(__axctl_paths)'
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
complete -c axctl -n '__axctl_is console' -l no-echo -d 'Do not show what is typed'
complete -c axctl -n '__axctl_needs_command_of window' -a attach -d 'Show a window here, and type into it'
complete -c axctl -n '__axctl_needs_command_of window' -a type -d 'Type into a window'
complete -c axctl -n '__axctl_needs_command_of window' -a screenshot -d 'Print what a window shows'
complete -c axctl -n '__axctl_needs_command_of window' -a close -d 'Ask the program to close its window'
complete -c axctl -n '__axctl_is window screenshot' -s c -l colours -d 'With escape sequences for colours'
complete -c axctl -n '__axctl_operand 0 window attach; or __axctl_operand 0 window type; or __axctl_operand 0 window screenshot; or __axctl_operand 0 window close' -a '(__axctl_window_ids)'
