/* SPDX-License-Identifier: MIT */
#include "attributes.h"

#include <endian.h>
#include <linux/limits.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <linux/xattr.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Reads a whole attribute. Returns its size, or a negative error; the caller frees `*ret`. */
static ssize_t read_attribute(struct side *side, const char *name, const char *attribute, char **ret) {
        char *value = malloc(XATTR_SIZE_MAX);
        ssize_t n = value ? side->ops->getxattr(side, name, attribute, value, XATTR_SIZE_MAX) : -AX_ENOMEM;

        if (n < 0)
                free(value);
        else
                *ret = value;
        return n;
}

/*
 * Returns the rights that an access control list gives to the owning group, or `bits`, those of the
 * mode, if the list has none for it.
 */
static uint32_t group_rights(const char *value, size_t size, uint32_t bits) {
        uint32_t group = bits, mask = 7;

        for (size_t at = sizeof(struct posix_acl_xattr_header); at + sizeof(struct posix_acl_xattr_entry) <= size;
             at += sizeof(struct posix_acl_xattr_entry)) {
                struct posix_acl_xattr_entry entry;

                memcpy(&entry, value + at, sizeof(entry));
                if (le16toh(entry.e_tag) == ACL_GROUP_OBJ)
                        group = le16toh(entry.e_perm);
                if (le16toh(entry.e_tag) == ACL_MASK)
                        mask = le16toh(entry.e_perm);
        }
        return group & mask & 7;
}

uint32_t attributes_mode(struct side *side, const char *name, const struct ax_stat *status) {
        uint32_t mode = status->mode & 07777;
        char *value;
        ssize_t n;

        if (S_ISLNK(status->mode))
                return mode;
        n = read_attribute(side, name, XATTR_NAME_POSIX_ACL_ACCESS, &value);
        if (n < 0)
                return mode;
        mode = (mode & ~070u) | group_rights(value, (size_t) n, mode >> 3 & 7) << 3;
        free(value);
        return mode;
}

/* Returns true if the error says only that the attribute cannot be set here, or not by us. */
static bool is_bearable(const char *attribute, int r) {
        if (r == -AX_EOPNOTSUPP)
                return true;
        return r == -AX_EPERM && strncmp(attribute, "user.", 5) != 0 && strncmp(attribute, "system.", 7) != 0;
}

static int copy_attribute(struct side *from, const char *from_name, struct side *to, const char *to_name,
                          const char *attribute, bool *kept) {
        char *value;
        ssize_t n = read_attribute(from, from_name, attribute, &value);
        int r;

        *kept = false;
        if (n < 0)
                return n == -AX_ENODATA || n == -AX_EACCES ? 0 : (int) n;
        r = to->ops->setxattr(to, to_name, attribute, value, (size_t) n);
        *kept = r == 0;
        free(value);
        return is_bearable(attribute, r) ? 0 : r;
}

/* Sets `*ret_list` to true if an access control list was copied. */
static int copy_attributes(struct side *from, const char *from_name, struct side *to, const char *to_name,
                           bool *ret_list) {
        char *names = malloc(XATTR_LIST_MAX);
        ssize_t n = names ? from->ops->listxattr(from, from_name, names, XATTR_LIST_MAX) : -AX_ENOMEM;
        int r = 0;

        *ret_list = false;
        if (n < 0) {
                free(names);
                return n == -AX_EOPNOTSUPP ? 0 : (int) n;
        }
        for (const char *name = names; r == 0 && name < names + n; name += strlen(name) + 1) {
                bool kept;

                r = copy_attribute(from, from_name, to, to_name, name, &kept);
                if (kept && strcmp(name, XATTR_NAME_POSIX_ACL_ACCESS) == 0)
                        *ret_list = true;
        }
        free(names);
        return r;
}

/* Returns true if the owner is the same now. */
static bool copy_owner(const struct ax_stat *status, struct side *to, const char *to_name) {
        struct ax_stat now;

        if (to->ops->lstat(to, to_name, &now) == 0 && now.uid == status->uid && now.gid == status->gid)
                return true;
        if (to->ops->chown(to, to_name, status->uid, status->gid) == 0)
                return true;
        to->ops->chown(to, to_name, UINT32_MAX, status->gid);
        return false;
}

int attributes_copy(struct side *from, const char *from_name, const struct ax_stat *status, struct side *to,
                    const char *to_name, bool times) {
        const struct timespec both[2] = { status->atime, status->mtime };
        bool same_owner = copy_owner(status, to, to_name), has_list;
        uint32_t mode = status->mode & 07777;
        int r = copy_attributes(from, from_name, to, to_name, &has_list);

        if (!has_list)
                mode = attributes_mode(from, from_name, status);
        if (!same_owner)
                mode &= ~(uint32_t) (S_ISUID | S_ISGID);
        if (r == 0 && !S_ISLNK(status->mode))
                r = to->ops->chmod(to, to_name, mode);
        if (r == 0 && times)
                r = to->ops->utimens(to, to_name, both);
        return r;
}
