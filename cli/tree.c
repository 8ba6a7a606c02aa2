/* SPDX-License-Identifier: MIT */
#include "tree.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "path.h"
#include "walk.h"

struct visit {
        struct walk walk;
        struct side *side;
        const struct tree_visitor *visitor;
        const struct tree_report *report;
        int result;
};

int tree_complain(const struct tree_report *report, const char *path, int error) {
        char joined[PATH_MAX];

        if (*path && path_join(joined, report->operand, path) == 0)
                return complain(report->axctl, joined, error);
        return complain(report->axctl, *path ? path : report->operand, error);
}

/* Notes a result. Why a directory is not empty has been printed already. */
static void note(struct visit *visit, const char *name, int r) {
        char path[PATH_MAX];

        if (r == 0 || (r == -AX_ENOTEMPTY && visit->result < 0))
                return;
        visit->result = r;
        if (visit->report)
                tree_complain(visit->report, walk_path(&visit->walk, name, path), r);
}

static int enter(struct visit *visit, const char *name, const struct ax_stat *status) {
        struct side *side = visit->side;
        struct level *level;
        uint64_t parent = 0;
        int r = side_here(side, &parent);

        if (r == 0)
                r = side->ops->go(side, name);
        if (r < 0)
                return r;
        level = walk_push(&visit->walk, name, status);
        if (level) {
                uint64_t ino = 0;

                level->parent = parent;
                r = side_here(side, &ino);
                if (r == 0 && ino != status->ino)
                        r = -AX_ESTALE;
                if (r == 0)
                        r = side->ops->list(side, &level->names);
                if (r >= 0) {
                        level->next = level->names;
                        return 0;
                }
                walk_pop(&visit->walk);
        }
        visit->walk.lost = side_leave(side, parent) < 0;
        return level ? r : -AX_ENOMEM;
}

static int leave_to(struct visit *visit, const char *name) {
        const struct tree_visitor *visitor = visit->visitor;

        return visitor->on_left ? visitor->on_left(visitor->userdata, visit->side, name) : 0;
}

static void visit_name(struct visit *visit, const char *name) {
        struct ax_stat status;
        int r = visit->side->ops->lstat(visit->side, name, &status);

        if (r == -AX_ENOENT)
                return; /* somebody else has removed it */
        if (r < 0) {
                note(visit, name, r);
                return;
        }
        note(visit, name, visit->visitor->on_node(visit->visitor->userdata, visit->side, name, &status));
        if (!S_ISDIR(status.mode))
                return;
        r = enter(visit, name, &status);
        if (r == -AX_EACCES && !visit->walk.lost && visit->visitor->on_left && leave_to(visit, name) == 0)
                r = 0; /* an empty directory can be removed without looking into it */
        note(visit, name, r);
}

/* Goes back from a directory whose names are done. */
static void leave(struct visit *visit) {
        struct level *level = walk_top(&visit->walk);
        char name[NAME_MAX + 1];
        int r = side_leave(visit->side, level->parent);

        visit->walk.lost = r < 0;
        memcpy(name, level->name, sizeof(name));
        walk_pop(&visit->walk);
        note(visit, name, r < 0 ? r : leave_to(visit, name));
}

int tree_visit(struct side *side, const char *name, const struct tree_visitor *visitor,
               const struct tree_report *report) {
        struct visit visit = { .side = side, .visitor = visitor, .report = report };

        visit_name(&visit, name);
        while (visit.walk.depth > 0 && !visit.walk.lost) {
                const char *child = *walk_top(&visit.walk)->next;

                if (child) {
                        walk_top(&visit.walk)->next++;
                        visit_name(&visit, child);
                } else {
                        leave(&visit);
                }
        }
        walk_end(&visit.walk);
        return visit.result;
}

/* ---- removing -------------------------------------------------------------------------------- */

static int remove_node(void *userdata, struct side *side, const char *name, const struct ax_stat *status) {
        (void) userdata;
        return S_ISDIR(status->mode) ? 0 : side->ops->unlink(side, name);
}

static int remove_left(void *userdata, struct side *side, const char *name) {
        (void) userdata;
        return side->ops->rmdir(side, name);
}

static const struct tree_visitor remover = { .on_node = remove_node, .on_left = remove_left };

int tree_remove(struct side *side, const char *name, const struct tree_report *report) {
        return tree_visit(side, name, &remover, report);
}

/* ---- operands -------------------------------------------------------------------------------- */

int tree_visit_operand(const struct axctl *axctl, const char *operand, bool follow,
                       const struct tree_visitor *visitor) {
        char path[PATH_MAX], start[PATH_MAX], directory[PATH_MAX], name[NAME_MAX + 1] = ".";
        const struct tree_report report = { axctl, operand };
        struct side side = { &side_namespace, axctl->ax };
        int r = ax_getcwd(axctl->ax, start, sizeof(start)), back;

        if (r >= 0 && snprintf(path, sizeof(path), "%s%s", operand, follow ? "/." : "") >= PATH_MAX)
                r = -AX_ENAMETOOLONG;
        if (r < 0)
                return complain(axctl, operand, r);
        r = side_find(&side, path, directory, name);
        if (r == -AX_EBUSY)
                r = side_go(&side, "/"); /* the root, under the name "." */
        if (r < 0)
                tree_complain(&report, "", r);
        else
                r = tree_visit(&side, name, visitor ? visitor : &remover, &report);
        back = side_go(&side, start);
        if (back < 0)
                complain(axctl, start, back);
        return r < 0 || back < 0 ? STATUS_FAILED : STATUS_OK;
}
