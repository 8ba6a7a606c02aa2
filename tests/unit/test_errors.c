/* SPDX-License-Identifier: MIT */
/*
 * The error functions, which need no daemon.
 */
#include "fixture.h"

#include <limits.h>
#include <string.h>

struct name {
        int code;
        const char *name;
};

static const struct name names[] = {
        { AX_EBADF, "BadFd" },
        { AX_ENOENT, "NotFound" },
        { AX_EACCES, "PermissionDenied" },
        { AX_EINVAL, "InvalidArgument" },
        { AX_EAGAIN, "WouldBlock" },
        { AX_EPIPE, "BrokenPipe" },
        { AX_EBUSY, "Busy" },
        { AX_ESRCH, "NoProcess" },
        { AX_EIO, "Io" },
        { AX_EINTR, "Interrupted" },
        { AX_EMEM_OUT_OF_MEMORY, "Memory(OutOfMemory)" },
        { AX_EMEM_INVALID_REGION, "Memory(InvalidRegion)" },
        { AX_EMEM_PERMISSION_DENIED, "Memory(PermissionDenied)" },
        { AX_EMEM_OUT_OF_BOUNDS, "Memory(OutOfBounds)" },
        { AX_EMEM_SHM_NOT_FOUND, "Memory(ShmNotFound)" },
        { AX_EMEM_ALREADY_ATTACHED, "Memory(AlreadyAttached)" },
        { AX_EMEM_NOT_ATTACHED, "Memory(NotAttached)" },
        { AX_EMEM_INVALID_SIZE, "Memory(InvalidSize)" },
        { AX_ESIG_CANNOT_CATCH, "Signal(CannotCatch)" },
        { AX_ESIG_CANNOT_BLOCK, "Signal(CannotBlock)" },
};

static const int all_codes[] = {
        AX_EPERM,
        AX_ENOENT,
        AX_ESRCH,
        AX_EINTR,
        AX_EIO,
        AX_ENXIO,
        AX_E2BIG,
        AX_EBADF,
        AX_ECHILD,
        AX_EAGAIN,
        AX_ENOMEM,
        AX_EACCES,
        AX_EFAULT,
        AX_EBUSY,
        AX_EEXIST,
        AX_EXDEV,
        AX_ENODEV,
        AX_ENOTDIR,
        AX_EISDIR,
        AX_EINVAL,
        AX_ENFILE,
        AX_EMFILE,
        AX_ENOTTY,
        AX_ETXTBSY,
        AX_EFBIG,
        AX_ENOSPC,
        AX_ESPIPE,
        AX_EROFS,
        AX_EMLINK,
        AX_EPIPE,
        AX_ERANGE,
        AX_EDEADLK,
        AX_ENAMETOOLONG,
        AX_ENOSYS,
        AX_ENOTEMPTY,
        AX_ELOOP,
        AX_ENODATA,
        AX_EPROTO,
        AX_EBADMSG,
        AX_EOVERFLOW,
        AX_EILSEQ,
        AX_EMSGSIZE,
        AX_EOPNOTSUPP,
        AX_EADDRINUSE,
        AX_ECONNRESET,
        AX_ETIMEDOUT,
        AX_ECONNREFUSED,
        AX_ESTALE,
        AX_EDQUOT,
        AX_ECANCELED,
        AX_EMEM_OUT_OF_MEMORY,
        AX_EMEM_INVALID_REGION,
        AX_EMEM_PERMISSION_DENIED,
        AX_EMEM_OUT_OF_BOUNDS,
        AX_EMEM_SHM_NOT_FOUND,
        AX_EMEM_ALREADY_ATTACHED,
        AX_EMEM_NOT_ATTACHED,
        AX_EMEM_INVALID_SIZE,
        AX_ESIG_CANNOT_CATCH,
        AX_ESIG_CANNOT_BLOCK,
        AX_ESIG_INVALID,
};
enum { N_CODES = sizeof(all_codes) / sizeof(all_codes[0]) };

START_TEST(test_documented_names) {
        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
                ck_assert_str_eq(ax_error_name(-names[i].code), names[i].name);
                ck_assert_str_eq(ax_error_name(names[i].code), names[i].name);
        }
        ck_assert_str_eq(ax_error_name(0), "Success");
}
END_TEST

START_TEST(test_every_code_has_a_name_and_a_sentence_of_its_own) {
        for (int i = 0; i < N_CODES; i++) {
                ck_assert_msg(strcmp(ax_error_name(-all_codes[i]), "Unknown") != 0, "code %d has no name",
                              all_codes[i]);
                ck_assert_uint_gt(strlen(ax_strerror(-all_codes[i])), 3);
                ck_assert_str_eq(ax_strerror(all_codes[i]), ax_strerror(-all_codes[i]));
                for (int j = 0; j < i; j++)
                        ck_assert_msg(strcmp(ax_error_name(-all_codes[i]), ax_error_name(-all_codes[j])) != 0,
                                      "codes %d and %d share a name", all_codes[i], all_codes[j]);
        }
}
END_TEST

START_TEST(test_errno_of_every_code) {
        for (int i = 0; i < N_CODES; i++) {
                int error = ax_errno(-all_codes[i]);

                ck_assert_int_gt(error, 0);
                ck_assert_int_lt(error, 1000);
                if (all_codes[i] < 1000)
                        ck_assert_int_eq(error, all_codes[i]);
                ck_assert_int_eq(ax_errno(all_codes[i]), error);
        }
        ck_assert_int_eq(ax_errno(-AX_EMEM_OUT_OF_MEMORY), ENOMEM);
        ck_assert_int_eq(ax_errno(0), 0);
}
END_TEST

START_TEST(test_codes_that_do_not_exist) {
        static const int odd[] = { 999, 1008, 1099, 1103, 100000, INT_MAX, -INT_MAX, INT_MIN };

        for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
                ck_assert_str_eq(ax_error_name(odd[i]), "Unknown");
                ck_assert_ptr_nonnull(ax_strerror(odd[i]));
                ck_assert_int_ge(ax_errno(odd[i]), 0);
        }
}
END_TEST

int main(void) {
        Suite *suite = suite_create("errors");

        fixture_add(suite, test_documented_names, FIXTURE_NO_DAEMON);
        fixture_add(suite, test_every_code_has_a_name_and_a_sentence_of_its_own, FIXTURE_NO_DAEMON);
        fixture_add(suite, test_errno_of_every_code, FIXTURE_NO_DAEMON);
        fixture_add(suite, test_codes_that_do_not_exist, FIXTURE_NO_DAEMON);
        return fixture_main(suite);
}
