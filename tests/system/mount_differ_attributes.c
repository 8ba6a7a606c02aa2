/* SPDX-License-Identifier: MIT */
/* mount_differ_attributes.c - extended attributes and access control lists */
#include "mount_differ.h"

#include <errno.h>
#include <inttypes.h>
#include <sys/xattr.h>
#include <unistd.h>

static const char *const attribute_names[] = { "user.a",
                                               "user.b",
                                               "trusted.a",
                                               "security.a",
                                               "user.",
                                               "user",
                                               "unknown.a",
                                               "system.posix_acl_access",
                                               "system.posix_acl_default",
                                               "security.capability" };

static const char *attribute_name(const struct step *step) {
        return attribute_names[step->number % (sizeof(attribute_names) / sizeof(*attribute_names))];
}

static void open_path(const struct side *side, const struct step *step, char path[64], int *fd) {
        *fd = openat(side->root, step->name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        snprintf(path, 64, "/proc/self/fd/%d", *fd);
}

static long do_setxattr(struct side *side, const struct step *step, struct outcome *outcome) {
        static const int flags[] = { 0, 0, XATTR_CREATE, XATTR_REPLACE };
        char path[64];
        long result;
        int fd;

        (void) outcome;
        open_path(side, step, path, &fd);
        if (fd < 0)
                return -errno;
        result = error_or(
                setxattr(path, attribute_name(step), "value and more", step->bits % 14, flags[step->bits >> 8 & 3]));
        close(fd);
        return result;
}

static long do_getxattr(struct side *side, const struct step *step, struct outcome *outcome) {
        static const size_t sizes_of_buffers[] = { 0, 256, 256, 4 };
        char path[64], value[256];
        size_t size = sizes_of_buffers[step->bits % 4];
        ssize_t n;
        int fd;

        open_path(side, step, path, &fd);
        if (fd < 0)
                return -errno;
        n = error_or(getxattr(path, attribute_name(step), value, size));
        if (n > 0 && size > 0)
                say(outcome, "%016" PRIx64, hash(value, (size_t) n));
        close(fd);
        return n;
}

static long do_removexattr(struct side *side, const struct step *step, struct outcome *outcome) {
        char path[64];
        long result;
        int fd;

        (void) outcome;
        open_path(side, step, path, &fd);
        if (fd < 0)
                return -errno;
        result = error_or(removexattr(path, attribute_name(step)));
        close(fd);
        return result;
}

/* The kernel's form of a list: a version, then tag, rights and id of each entry. */
static long do_setacl(struct side *side, const struct step *step, struct outcome *outcome) {
        struct {
                uint32_t version;
                struct {
                        uint16_t tag, rights;
                        uint32_t id;
                } entries[5];
        } list = { 2,
                   { { 1, step->bits & 7, UINT32_MAX },
                     { 2, step->bits >> 3 & 7, step->bits & 64 ? 1000 : 1001 },
                     { 4, step->bits >> 7 & 7, UINT32_MAX },
                     { 16, step->bits >> 10 & 7, UINT32_MAX },
                     { 32, step->bits >> 13 & 7, UINT32_MAX } } };
        bool isdefault = step->bits >> 16 & 1;
        char path[64];
        long result;
        int fd;

        (void) outcome;
        open_path(side, step, path, &fd);
        if (fd < 0)
                return -errno;
        if (step->number % 4 == 0) { /* no more than a mode says */
                list.entries[1] = list.entries[2];
                list.entries[2] = list.entries[4];
        }
        result = error_or(setxattr(path, isdefault ? "system.posix_acl_default" : "system.posix_acl_access", &list,
                                   step->number % 4 == 0 ? 4 + 3 * 8 : sizeof(list), 0));
        close(fd);
        return result;
}
const struct operation attribute_operations[] = {
        { "setxattr", 10, do_setxattr },
        { "getxattr", 6, do_getxattr },
        { "removexattr", 4, do_removexattr },
        { "setacl", 12, do_setacl },
        { NULL, 0, NULL },
};
