# SPDX-License-Identifier: MIT
# fish completion for axebergd(8)

set -l settings {Socket,Store,Mount,Axfs}= {Ephemeral,Exec,Bus,Debug,Direct}={yes,no} {Connections,Processes,Descriptors,Pipes,Tasks,Timers,Windows,Regions,Segments,HostDescriptors,Mappings}PerUser= \
    {EphemeralSize,EphemeralSizePerUser,TmpSize,TmpSizePerUser}= \
    BuffersPerUser= DescriptorsPerProcess= {MemoryPerProcess,MemoryPerUser,SystemMemory}= ParkedCallsPerConnection= OutputPerConnection= \
    {ConsoleInput,ConsoleOutput,TraceEvents,Workers}=

complete -c axebergd -f
complete -c axebergd -s c -l config -r -F -d 'Read settings from a file'
complete -c axebergd -s s -l socket -r -F -d 'Serve on this socket'
complete -c axebergd -l store -x -a '(__fish_complete_directories)' -d 'Keep the files of "/" in a directory'
complete -c axebergd -l ephemeral -d 'Keep the files of "/" in memory'
complete -c axebergd -l mount -x -a '(__fish_complete_directories)' -d 'Mount the namespace as long as the daemon runs'
complete -c axebergd -l axfs -r -F -d 'The axfs program for --mount'
complete -c axebergd -l no-bus -d 'Do not go on D-Bus'
complete -c axebergd -l system-memory-limit -x -d 'Give programs no more memory than this'
complete -c axebergd -s o -l option -x -a "$settings" -d 'Set any setting of the configuration file'
complete -c axebergd -l debug -d 'Log what happens in detail'
complete -c axebergd -s '?' -l help -d 'Print help'
complete -c axebergd -l usage -d 'Print a short usage message'
complete -c axebergd -s V -l version -d 'Print the version'
