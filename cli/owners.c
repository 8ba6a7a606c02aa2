/* SPDX-License-Identifier: MIT */
/*
 * chown.
 */
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "accounts.h"
#include "axctl.h"
#include "tree.h"

/* USER: needs a user that the host knows by name; a number has no group of its own. */
static bool find_user(const char *text, uint32_t *ret_uid, uint32_t *ret_gid) {
        const struct passwd *user = getpwnam(text);

        if (user) {
                *ret_uid = user->pw_uid;
                *ret_gid = user->pw_gid;
        }
        return user;
}

/* Reads USER, USER:GROUP, :GROUP or USER: (the user's own group). Returns NULL, or an error. */
static const char *parse_owner(char *text, uint32_t *uid, uint32_t *gid) {
        char *colon = strchr(text, ':');
        bool own_group = *text && colon && !colon[1];

        *uid = *gid = UINT32_MAX;
        if (colon)
                *colon = '\0';
        if (own_group ? !find_user(text, uid, gid) : *text && !find_uid(text, uid))
                return "no such user";
        if (colon && colon[1] && !find_gid(colon + 1, gid))
                return "no such group";
        return *text || (colon && colon[1]) ? NULL : "is empty";
}

struct owner {
        uint32_t uid, gid; /* UINT32_MAX: unchanged */
};

static int change_node(void *userdata, struct side *side, const char *name, const struct ax_stat *status) {
        const struct owner *owner = userdata;

        (void) status;
        return side->ops->chown(side, name, owner->uid, owner->gid);
}

/* With -R a symlink is changed itself, wherever it is, as by chown(1). */
static int change_operand(const struct axctl *axctl, struct owner *owner, const char *path) {
        const struct tree_visitor visitor = { .on_node = change_node, .userdata = owner };
        struct ax_stat status = { 0 };
        int r = axctl->flags['R'] ? ax_lstat(axctl->ax, path, &status) : 0;

        if (r == 0 && S_ISDIR(status.mode))
                return tree_visit_operand(axctl, path, false, &visitor);
        if (r == 0)
                r = axctl->flags['R'] || axctl->flags['h'] ? ax_lchown(axctl->ax, path, owner->uid, owner->gid)
                                                           : ax_chown(axctl->ax, path, owner->uid, owner->gid);
        return r < 0 ? complain(axctl, path, r) : STATUS_OK;
}

int chown_run(struct axctl *axctl) {
        char *text = strdup(axctl->operands[0]);
        struct owner owner;
        const char *problem = text ? parse_owner(text, &owner.uid, &owner.gid) : "out of memory";
        int status = STATUS_OK;

        free(text);
        if (problem)
                return complain_usage(axctl, axctl->operands[0], problem);
        for (int i = 1; i < axctl->n_operands; i++)
                if (change_operand(axctl, &owner, axctl->operands[i]) != STATUS_OK)
                        status = STATUS_FAILED;
        return status;
}
