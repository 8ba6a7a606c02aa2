/*
 * Windows.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "list.h"
#include "transport.h"

int ax_window_create(ax_client *ax, const char *title) {
        Axeberg__WindowCreateRequest request = AXEBERG__WINDOW_CREATE_REQUEST__INIT;
        struct rpc rpc = { 0 }; /* the descriptor is the status; the window's id is not asked for */
        int r = client_check(ax);

        if (r < 0)
                return r;
        request.title = (char *) (title ? title : "");
        r = RPC(ax, window_create, &request, rpc_take_id, &rpc);
        if (r >= 0)
                direct_forget(ax, r);
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
        snprintf(window->title, sizeof(window->title), "%s", info->title);
}

static void set_on_reply(const Axeberg__WindowInfo *info, void *data) {
        struct ax_window *ret = ((struct rpc *) data)->context;

        if (ret)
                window_fill(ret, info);
}

static int window_set(ax_client *ax, const Axeberg__WindowSetRequest *request, struct ax_window *ret) {
        struct rpc rpc = { .context = ret };
        int r = client_check(ax);

        return r < 0 ? r : RPC(ax, window_set, request, set_on_reply, &rpc);
}

int ax_window_set_title(ax_client *ax, int fd, const char *title) {
        Axeberg__WindowSetRequest request = AXEBERG__WINDOW_SET_REQUEST__INIT;

        if (!title || !*title)
                return -AX_EINVAL;
        request.fd = fd;
        request.title = (char *) title;
        return window_set(ax, &request, NULL);
}

int ax_window_resize(ax_client *ax, int fd, unsigned rows, unsigned columns) {
        Axeberg__WindowSetRequest request = AXEBERG__WINDOW_SET_REQUEST__INIT;

        if (rows == 0 || columns == 0)
                return -AX_EINVAL;
        request.fd = fd;
        request.rows = rows;
        request.columns = columns;
        return window_set(ax, &request, NULL);
}

int ax_window_get(ax_client *ax, int fd, struct ax_window *ret) {
        Axeberg__WindowSetRequest request = AXEBERG__WINDOW_SET_REQUEST__INIT;

        if (!ret)
                return -AX_EINVAL;
        request.fd = fd;
        return window_set(ax, &request, ret);
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
        Axeberg__WindowRequest request = AXEBERG__WINDOW_REQUEST__INIT;

        request.window = list->last;
        return RPC(ax, window_list, &request, list_on_reply, rpc);
}

int ax_window_list(ax_client *ax, struct ax_window **ret) {
        struct list list = { .item_size = sizeof(**ret) };
        int n = ret ? list_fetch(ax, &list, ask_windows) : -AX_EINVAL;

        if (n >= 0)
                *ret = list.items;
        return n;
}

/* ---- the screen --------------------------------------------------------------------------------------------- */

enum { ROW_HEADER = 6, MOST_ROWS = 10000 };

struct reading {
        struct ax_screen screen;
        unsigned more;
        int error;
};

static void read_on_reply(const Axeberg__WindowReadReply *reply, void *data) {
        struct reading *reading = ((struct rpc *) data)->context;
        struct ax_screen *screen = &reading->screen;

        reading->more = reply->more;
        if (screen->text && screen->rows != reply->rows) { /* it has been resized between two frames */
                reading->error = -AX_EAGAIN;
                return;
        }
        if (reply->rows > MOST_ROWS) {
                reading->error = -AX_EPROTO;
                return;
        }
        if (!screen->text) { /* later frames are of the same screen, or of a newer one: the first one's version sees to that */
                screen->version = reply->version;
                screen->text = calloc(reply->rows + 1, sizeof(*screen->text));
                if (!screen->text)
                        reading->error = -AX_ENOMEM;
        }
        screen->rows = reply->rows;
        screen->columns = reply->columns;
        screen->cursor_row = reply->cursor_row;
        screen->cursor_column = reply->cursor_column;
        screen->cursor_visible = reply->cursor_visible;
        snprintf(screen->title, sizeof(screen->title), "%s", reply->title);
}

static int take_rows(struct ax_screen *screen, const uint8_t *data, size_t size) {
        while (size >= ROW_HEADER) {
                unsigned row = (unsigned) data[0] | (unsigned) data[1] << 8;
                size_t length =
                        (size_t) data[2] | (size_t) data[3] << 8 | (size_t) data[4] << 16 | (size_t) data[5] << 24;

                if (row >= screen->rows || length > size - ROW_HEADER)
                        return -AX_EPROTO;
                free(screen->text[row]);
                screen->text[row] = strndup((const char *) data + ROW_HEADER, length);
                if (!screen->text[row])
                        return -AX_ENOMEM;
                data += ROW_HEADER + length;
                size -= ROW_HEADER + length;
        }
        return size == 0 ? 0 : -AX_EPROTO;
}

static int read_screen(ax_client *ax, Axeberg__WindowReadRequest *request, struct reading *reading, uint8_t *data) {
        int r;

        do {
                struct rpc rpc = { .context = reading, .data = data, .data_size = AX_FRAME_MAX_DATA };

                r = RPC(ax, window_read, request, read_on_reply, &rpc);
                if (r == 0)
                        r = reading->error;
                if (r == 0)
                        r = take_rows(&reading->screen, data, rpc.data_received);
                if (r == 0 && reading->more > 0 && reading->more <= request->first_row)
                        r = -AX_EPROTO;
                request->first_row = reading->more;
        } while (r == 0 && reading->more > 0);
        return r;
}

int ax_window_read(ax_client *ax, uint64_t window, uint64_t version, unsigned flags, struct ax_screen *ret) {
        Axeberg__WindowReadRequest request = AXEBERG__WINDOW_READ_REQUEST__INIT;
        struct reading reading;
        uint8_t *data;
        int r = client_check(ax);

        if (r < 0)
                return r;
        if (!ret || flags & ~(unsigned) (AX_WINDOW_WAIT | AX_WINDOW_PLAIN))
                return -AX_EINVAL;
        data = malloc(AX_FRAME_MAX_DATA);
        if (!data)
                return -AX_ENOMEM;
        request.window = window;
        request.version = version;
        request.wait = flags & AX_WINDOW_WAIT;
        request.plain = (flags & AX_WINDOW_PLAIN) != 0;
        do {
                reading = (struct reading){ 0 };
                request.first_row = 0;
                r = read_screen(ax, &request, &reading, data);
                if (r < 0)
                        ax_screen_free(&reading.screen);
        } while (r == -AX_EAGAIN);
        free(data);
        if (r == 0)
                *ret = reading.screen;
        return r;
}

void ax_screen_free(struct ax_screen *screen) {
        if (!screen || !screen->text)
                return;
        for (unsigned row = 0; row < screen->rows; row++)
                free(screen->text[row]);
        free(screen->text);
        screen->text = NULL;
}

/* ---- input -------------------------------------------------------------------------------------------------- */

static int window_input(ax_client *ax, const Axeberg__WindowInputRequest *request, const void *keys, size_t size) {
        struct rpc rpc = { .trailer = keys, .trailer_size = size };
        int r = client_check(ax);

        return r < 0 ? r : RPC(ax, window_input, request, rpc_ignore, &rpc);
}

int ax_window_type(ax_client *ax, uint64_t window, const void *keys, size_t size) {
        Axeberg__WindowInputRequest request = AXEBERG__WINDOW_INPUT_REQUEST__INIT;

        if (!keys && size > 0)
                return -AX_EINVAL;
        request.window = window;
        return window_input(ax, &request, keys, size < AX_FRAME_MAX_DATA ? size : AX_FRAME_MAX_DATA);
}

int ax_window_ask_resize(ax_client *ax, uint64_t window, unsigned rows, unsigned columns) {
        Axeberg__WindowInputRequest request = AXEBERG__WINDOW_INPUT_REQUEST__INIT;

        request.window = window;
        request.resize = true;
        request.rows = rows;
        request.columns = columns;
        return window_input(ax, &request, NULL, 0);
}

int ax_window_ask_close(ax_client *ax, uint64_t window) {
        Axeberg__WindowInputRequest request = AXEBERG__WINDOW_INPUT_REQUEST__INIT;

        request.window = window;
        request.close = true;
        return window_input(ax, &request, NULL, 0);
}
