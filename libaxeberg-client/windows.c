/* SPDX-License-Identifier: MIT */
/*
 * Windows: a program's own, the list of all, and what viewers do to them.
 */
#include "call.h"
#include "list.h"
#include "printable.h"

int ax_window_create(ax_client *ax, const char *title) {
        int r = CALL(ax, window_create, WindowCreateRequest, .title = (char *) title);

        if (r >= 0)
                direct_opened(&ax->direct, r);
        return r;
}

static void window_fill(struct ax_window *window, const Axeberg__WindowInfo *info) {
        *window = (struct ax_window){
                .id = info->id,
                .pid = info->pid,
                .uid = info->uid,
                .rows = info->rows,
                .columns = info->columns,
                .closing = info->closing,
        };
        utf8_copy(window->title, sizeof(window->title), info->title);
}

/* The context is the struct ax_window to fill, or NULL. */
static void info_on_reply(const Axeberg__WindowInfo *info, void *data) {
        struct ax_window *ret = ((struct rpc *) data)->context;

        if (ret)
                window_fill(ret, info);
}

int ax_window_set_title(ax_client *ax, int fd, const char *title) {
        if (!title || !*title)
                return -AX_EINVAL;
        return RPC(ax, window_set_title, REQUEST(WindowSetTitleRequest, .fd = fd, .title = (char *) title),
                   info_on_reply, &(struct rpc){ 0 });
}

int ax_window_resize(ax_client *ax, int fd, unsigned rows, unsigned columns) {
        if (rows == 0 || columns == 0)
                return -AX_EINVAL;
        return RPC(ax, window_resize, REQUEST(WindowResizeRequest, .fd = fd, .rows = rows, .columns = columns),
                   info_on_reply, &(struct rpc){ 0 });
}

int ax_window_get(ax_client *ax, int fd, struct ax_window *ret) {
        if (!ret)
                return -AX_EINVAL;
        return RPC(ax, window_get, REQUEST(FdRequest, .fd = fd), info_on_reply, &(struct rpc){ .context = ret });
}

static void list_on_reply(const Axeberg__WindowListReply *reply, void *data) {
        struct list *list = ((struct rpc *) data)->context;

        for (size_t i = 0; i < reply->n_windows; i++) {
                struct ax_window *window = list_add(list, reply->windows[i]->id);

                if (window)
                        window_fill(window, reply->windows[i]);
        }
        list->more = reply->more;
}

static int ask_windows(ax_client *ax, struct list *list, struct rpc *rpc) {
        return RPC(ax, window_list, REQUEST(WindowListRequest, .after_id = list->last), list_on_reply, rpc);
}

int ax_window_list(ax_client *ax, struct ax_window **ret) {
        struct list list = { .item_size = sizeof(**ret) };
        int n = ret ? list_fetch(ax, &list, ask_windows) : -AX_EINVAL;

        if (n >= 0)
                *ret = list.items;
        return n;
}

int ax_window_type(ax_client *ax, uint64_t window, const void *keys, size_t size) {
        struct rpc rpc = { .trailer = keys, .trailer_size = size < AX_FRAME_MAX_DATA ? size : AX_FRAME_MAX_DATA };

        if (!keys && size > 0)
                return -AX_EINVAL;
        return RPC(ax, window_type, REQUEST(WindowRequest, .window = window), rpc_ignore, &rpc);
}

int ax_window_ask_resize(ax_client *ax, uint64_t window, unsigned rows, unsigned columns) {
        return CALL(ax, window_ask_resize, WindowAskResizeRequest, .window = window, .rows = rows, .columns = columns);
}

int ax_window_ask_close(ax_client *ax, uint64_t window) {
        return CALL(ax, window_ask_close, WindowRequest, .window = window);
}
