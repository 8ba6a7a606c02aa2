/* SPDX-License-Identifier: MIT */
/* synth_nodes.c - see synth_nodes.h */
#include "synth_nodes.h"

#include "inode.h"
#include "util.h"

enum { LOOKUP_TRIES = 16 };

uint64_t synth_ino(const char *path) {
        uint64_t hash = UINT64_C(0xcbf29ce484222325);

        for (; *path; path++)
                hash = (hash ^ (unsigned char) *path) * UINT64_C(0x100000001b3);
        return INODE_SYNTHETIC | (hash & INODE_PART_MASK);
}

int synth_find(struct node_table *nodes, const char *path, mode_t type, struct node **ret) {
        for (unsigned i = 0; i < LOOKUP_TRIES; i++) {
                _cleanup_(node_unrefp) struct node *node = node_from_path(nodes, path);
                int r;

                if (node && node->type == (type & S_IFMT) && node_table_count(nodes, node)) {
                        *ret = node_ref(node);
                        return 0;
                }
                if (node) {
                        node_table_detach(nodes, node);
                        continue;
                }
                r = node_new_synth(&node, path, type);
                if (r < 0)
                        return r;
                r = node_table_add(nodes, node);
                if (r == 0)
                        *ret = node_ref(node);
                if (r != -EEXIST)
                        return r;
        }
        return -ESTALE;
}
