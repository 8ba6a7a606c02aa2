# SPDX-License-Identifier: MIT
# fish completion for axfs(8)

# Behind the options of the list that are there already.
function __axfs_mount_options
    set -l before (commandline -ct | string match -r -- '.*,')
    for option in ro suid dev noexec noatime allow_other default_permissions fsname= socket= passthrough=no files_per_user=
        echo "$before$option"
    end
end

complete -c axfs -x -a '(__fish_complete_directories)'
complete -c axfs -s f -l foreground -d 'Stay in the foreground'
complete -c axfs -s o -x -a '(__axfs_mount_options)' -d 'Mount options, separated by commas'
complete -c axfs -l socket -r -F -d "The daemon's socket"
complete -c axfs -s v -l verbose -d 'Say what is done'
complete -c axfs -s '?' -l help -d 'Print help'
complete -c axfs -l usage -d 'Print a short usage message'
complete -c axfs -s V -l version -d 'Print the version'
