/* SPDX-License-Identifier: MIT */
/*
 * Error codes: their names, sentences and nearest errno, as one table.
 */
#include <stdlib.h>

#include "axeberg.h"

struct error_row {
        int code, nearest_errno;
        const char *name, *sentence;
};

static const struct error_row rows[] = {
        { 0, 0, "Success", "Success" },
        { AX_EPERM, EPERM, "NotPermitted", "The operation is not permitted" },
        { AX_ENOENT, ENOENT, "NotFound", "No such file or directory" },
        { AX_ESRCH, ESRCH, "NoProcess", "The process does not exist, or has ended" },
        { AX_EINTR, EINTR, "Interrupted", "The call was interrupted" },
        { AX_EIO, EIO, "Io", "Input or output error" },
        { AX_ENXIO, ENXIO, "NoDevice", "No such device or address" },
        { AX_E2BIG, E2BIG, "TooBig", "The argument list is too long" },
        { AX_EBADF, EBADF, "BadFd", "Bad file descriptor" },
        { AX_ECHILD, ECHILD, "NoChild", "No child process" },
        { AX_EAGAIN, EAGAIN, "WouldBlock", "The call would have to wait, or a resource is temporarily unavailable" },
        { AX_ENOMEM, ENOMEM, "OutOfMemory", "Out of memory" },
        { AX_EACCES, EACCES, "PermissionDenied", "Permission denied" },
        { AX_EFAULT, EFAULT, "BadAddress", "Bad address" },
        { AX_EBUSY, EBUSY, "Busy", "The device or resource is busy" },
        { AX_EEXIST, EEXIST, "AlreadyExists", "The file exists already" },
        { AX_EXDEV, EXDEV, "CrossDevice", "The two names are on different mounts" },
        { AX_ENODEV, ENODEV, "NotSupportedByDevice", "The device does not support this" },
        { AX_ENOTDIR, ENOTDIR, "NotADirectory", "Not a directory" },
        { AX_EISDIR, EISDIR, "IsADirectory", "Is a directory" },
        { AX_EINVAL, EINVAL, "InvalidArgument", "Invalid argument" },
        { AX_ENFILE, ENFILE, "TooManyFilesOfUser", "The user has too many open files" },
        { AX_EMFILE, EMFILE, "TooManyFiles", "The process has too many open files" },
        { AX_ENOTTY, ENOTTY, "NotATerminal", "Not a terminal" },
        { AX_ETXTBSY, ETXTBSY, "TextFileBusy", "The program file is being executed" },
        { AX_EFBIG, EFBIG, "FileTooLarge", "The file is too large" },
        { AX_ENOSPC, ENOSPC, "NoSpace", "No space is left on the device" },
        { AX_ESPIPE, ESPIPE, "NotSeekable", "The descriptor cannot be positioned" },
        { AX_EROFS, EROFS, "ReadOnlyFileSystem", "The file system is read-only" },
        { AX_EMLINK, EMLINK, "TooManyLinks", "The file has too many links" },
        { AX_EPIPE, EPIPE, "BrokenPipe", "The other end has no readers" },
        { AX_ERANGE, ERANGE, "OutOfRange", "The result does not fit" },
        { AX_EDEADLK, EDEADLK, "Deadlock", "The call would wait for itself" },
        { AX_ENAMETOOLONG, ENAMETOOLONG, "NameTooLong", "The name is too long" },
        { AX_ENOSYS, ENOSYS, "NotImplemented", "The daemon does not know this call" },
        { AX_ENOTEMPTY, ENOTEMPTY, "NotEmpty", "The directory is not empty" },
        { AX_ELOOP, ELOOP, "SymlinkLoop", "Too many symbolic links" },
        { AX_ENODATA, ENODATA, "NoData", "No such data" },
        { AX_EPROTO, EPROTO, "ProtocolError",
          "The other side speaks a different version of the protocol, or breaks it" },
        { AX_EBADMSG, EBADMSG, "BadMessage", "The message cannot be understood" },
        { AX_EOVERFLOW, EOVERFLOW, "Overflow", "The value is too large" },
        { AX_EILSEQ, EILSEQ, "BadEncoding", "The text is not well-formed" },
        { AX_EMSGSIZE, EMSGSIZE, "MessageTooLong", "The message is too long" },
        { AX_EOPNOTSUPP, EOPNOTSUPP, "NotSupported", "The operation is not supported" },
        { AX_EADDRINUSE, EADDRINUSE, "AddressInUse", "The address is already in use" },
        { AX_ECONNRESET, ECONNRESET, "ConnectionReset", "The connection was lost" },
        { AX_ETIMEDOUT, ETIMEDOUT, "TimedOut", "The call timed out" },
        { AX_ECONNREFUSED, ECONNREFUSED, "ConnectionRefused", "The connection was refused" },
        { AX_ESTALE, ESTALE, "Stale", "The file no longer exists" },
        { AX_EDQUOT, EDQUOT, "QuotaExceeded", "A limit of this user was reached" },
        { AX_ECANCELED, ECANCELED, "Cancelled", "The operation was cancelled" },
        { AX_EMEM_OUT_OF_MEMORY, ENOMEM, "Memory(OutOfMemory)", "The memory limit was reached" },
        { AX_EMEM_INVALID_REGION, EINVAL, "Memory(InvalidRegion)", "The memory region does not exist" },
        { AX_EMEM_PERMISSION_DENIED, EACCES, "Memory(PermissionDenied)",
          "The protection of the memory region does not allow this" },
        { AX_EMEM_OUT_OF_BOUNDS, EFAULT, "Memory(OutOfBounds)", "The access goes beyond the end of the memory region" },
        { AX_EMEM_SHM_NOT_FOUND, ENOENT, "Memory(ShmNotFound)", "The shared memory segment does not exist" },
        { AX_EMEM_ALREADY_ATTACHED, EEXIST, "Memory(AlreadyAttached)",
          "The shared memory segment is attached already" },
        { AX_EMEM_NOT_ATTACHED, EINVAL, "Memory(NotAttached)", "The shared memory segment is not attached" },
        { AX_EMEM_INVALID_SIZE, EINVAL, "Memory(InvalidSize)", "The size is not valid" },
        { AX_ESIG_CANNOT_CATCH, EINVAL, "Signal(CannotCatch)", "The signal cannot be caught or ignored" },
        { AX_ESIG_CANNOT_BLOCK, EINVAL, "Signal(CannotBlock)", "The signal cannot be blocked" },
        { AX_ESIG_INVALID, EINVAL, "Signal(Invalid)", "The signal does not exist" },
};

enum { FIRST_OWN_CODE = 1000 }; /* codes below are errnos */

static int code_of(int error) {
        if (error == INT32_MIN)
                return INT32_MAX;
        return abs(error);
}

static const struct error_row *row_from_error(int error) {
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
                if (rows[i].code == code_of(error))
                        return &rows[i];
        return NULL;
}

int ax_errno(int error) {
        const struct error_row *row = row_from_error(error);

        if (row)
                return row->nearest_errno;
        return code_of(error) < FIRST_OWN_CODE ? code_of(error) : EINVAL;
}

const char *ax_error_name(int error) {
        const struct error_row *row = row_from_error(error);

        return row ? row->name : "Unknown";
}

const char *ax_strerror(int error) {
        const struct error_row *row = row_from_error(error);

        return row ? row->sentence : "Unknown error";
}
