/* SPDX-License-Identifier: MIT */
#include "room.h"

#include <linux/xattr.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "interrupt.h"
#include "tree.h"

static int make_name(char name[static ROOM_NAME_SIZE]) {
        uint64_t number;

        if (getrandom(&number, sizeof(number), 0) != sizeof(number))
                return -AX_EIO;
        snprintf(name, ROOM_NAME_SIZE, ".axctl-%016llx", (unsigned long long) number);
        return 0;
}

/*
 * Checks that we are in a directory that is ours alone, and that has the room's name in the
 * directory that we came from: somebody may have exchanged it for a symlink.
 */
static int check(const struct room *room) {
        const struct side_ops *ops = room->side->ops;
        char outside[ROOM_NAME_SIZE + 3];
        struct ax_stat here = { 0 }, parent = { 0 }, named = { 0 };
        int r = ops->lstat(room->side, ".", &here);

        snprintf(outside, sizeof(outside), "../%s", room->name);
        if (r == 0)
                r = ops->lstat(room->side, "..", &parent);
        if (r == 0)
                r = ops->lstat(room->side, outside, &named);
        if (r < 0)
                return r;
        return parent.ino == room->parent && named.ino == here.ino && here.uid == geteuid() && !(here.mode & 077)
                       ? 0
                       : -AX_ESTALE;
}

int room_open(struct room *room, struct side *side, bool plain) {
        uint32_t mask = side->ops->umask(side, 077);
        struct ax_stat parent;
        int r = side->ops->lstat(side, ".", &parent);

        *room = (struct room){ .side = side, .parent = parent.ino };
        if (r == 0)
                r = make_name(room->name);
        if (r == 0)
                r = side->ops->mkdir(side, room->name);
        side->ops->umask(side, mask);
        if (r < 0)
                return r;
        r = side_go(side, room->name);
        if (r == 0)
                r = check(room);
        if (r < 0) {
                side->ops->rmdir(side, room->name);
                return r;
        }
        room->open = true;
        if (plain)
                side->ops->removexattr(side, ".", XATTR_NAME_POSIX_ACL_DEFAULT);
        return 0;
}

int room_move_out(struct room *room, const char *name, const char *to) {
        char path[PATH_MAX];

        if (snprintf(path, sizeof(path), "../%s", to) >= PATH_MAX)
                return -AX_ENAMETOOLONG;
        return room->side->ops->rename(room->side, name, path);
}

void room_close(struct room *room) {
        if (!room->open)
                return;
        room->open = false;
        interrupt_hold(true);
        if (side_leave(room->side, room->parent) == 0)
                tree_remove(room->side, room->name, NULL);
        interrupt_hold(false);
}
