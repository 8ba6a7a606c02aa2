/* SPDX-License-Identifier: MIT */
/*
 * A window's screen, as its viewers read it.
 */
#include <stdlib.h>
#include <string.h>

#include "call.h"
#include "printable.h"

struct reading {
        struct ax_screen screen;
        unsigned more;
        int error;
};

static void read_on_reply(const Axeberg__WindowReadReply *reply, void *data) {
        struct reading *reading = ((struct rpc *) data)->context;
        struct ax_screen *screen = &reading->screen;

        reading->more = reply->more;
        if (screen->text && screen->rows != reply->rows) { /* it was resized between two frames */
                reading->error = -AX_EAGAIN;
                return;
        }
        if (reply->rows > AX_SCREEN_MAX_ROWS) {
                reading->error = -AX_EPROTO;
                return;
        }
        /*
         * later frames may be of a newer screen: the next call, with this version, gets what
         * changed
         */
        if (!screen->text) {
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
        utf8_copy(screen->title, sizeof(screen->title), reply->title);
}

static int take_rows(struct ax_screen *screen, const uint8_t *data, size_t size) {
        while (size >= AX_ROW_HEADER_SIZE) {
                unsigned row;
                size_t length;

                ax_row_header_decode(&row, &length, data);
                if (row >= screen->rows || length > size - AX_ROW_HEADER_SIZE)
                        return -AX_EPROTO;
                free(screen->text[row]);
                screen->text[row] = strndup((const char *) data + AX_ROW_HEADER_SIZE, length);
                if (!screen->text[row])
                        return -AX_ENOMEM;
                data += AX_ROW_HEADER_SIZE + length;
                size -= AX_ROW_HEADER_SIZE + length;
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
        Axeberg__WindowReadRequest request = {
                .window = window,
                .version = version,
                .wait = (flags & AX_WINDOW_WAIT) != 0,
                .plain = (flags & AX_WINDOW_PLAIN) != 0,
        };
        struct reading reading;
        uint8_t *data;
        int r;

        if (!ret || flags & ~(unsigned) (AX_WINDOW_WAIT | AX_WINDOW_PLAIN))
                return -AX_EINVAL;
        data = malloc(AX_FRAME_MAX_DATA);
        if (!data)
                return -AX_ENOMEM;
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
