/* SPDX-License-Identifier: MIT */
/*
 * A private room: a directory beside a target, in which a file or a tree is completed before it is
 * moved to its place.
 *
 * Only its maker can read or change anything in it. So nobody sees the data of a new file too
 * early, whatever its mode will be; nobody can exchange a name in it; and half of a tree is never
 * in the target's place. While the room is open, the side is in it.
 */
#pragma once

#include <limits.h>

#include "side.h"

enum { ROOM_NAME_SIZE = 24 };

struct room {
        struct side *side;
        char name[ROOM_NAME_SIZE];
        uint64_t parent; /* the inode number of the directory that it lies in */
        bool open;
};

/**
 * room_open() - makes a room in the side's current directory and goes in
 * @plain: files in it inherit no access control list
 *
 * Returns 0 or a negative error.
 */
int room_open(struct room *room, struct side *side, bool plain);
/* Moves a name from the room to the directory that the room lies in. */
int room_move_out(struct room *room, const char *name, const char *to);
/* Leaves the room and removes it with its contents. A room that is not open is fine. */
void room_close(struct room *room);
