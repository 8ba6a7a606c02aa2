/* SPDX-License-Identifier: MIT */
/*
 * A file or directory of a store, open.
 *
 * The offset is the host's: it lives in the host's open file description, which duplicates share.
 *
 * Everything that an operation touches may be locked by somebody who holds the same file, so all of
 * them are jobs for the workers, and so is the last close. Writing acts as the user who opened the
 * file: the host's quotas and reserved blocks count for that user, and writing takes set-user-ID
 * bits away.
 */
#pragma once

#include <stdint.h>

#include "object/object.h"

struct identity;
struct user;
struct user_charge;
struct workers;

struct file_options {
        unsigned flags;
        uint32_t store;          /* its index, for the inode number that stat shows */
        int root_fd;             /* these two turn a path on the host into one in the namespace; */
        const char *mount_point; /* they outlive the object, and so do the workers */
        struct workers *workers;
        struct user *user;         /* who pays */
        struct identity *identity; /* of the process that opens it */
};

/*
 * Takes over `fd`, and the charge for it. Returns 0 or -ENOMEM (both are then still the caller's).
 */
int file_object_new(struct object **ret, int fd, const struct file_options *options, struct user_charge *charge);

/*
 * The path in the namespace of a store's descriptor, as it is now. Returns its length, or -ENOENT
 * if the file was removed or lies outside of the store.
 */
int file_namespace_path(int fd, int root_fd, const char *mount_point, char *buffer, size_t size);
