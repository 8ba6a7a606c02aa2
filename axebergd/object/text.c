/* SPDX-License-Identifier: MIT */
#include "object/text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "account/user.h"
#include "axeberg.h"
#include "util/cleanup.h"
#include "util/container.h"

struct text {
        struct object object;
        struct user_charge charge; /* of the text */
        char *data;
        size_t size;
        int64_t offset;
        struct statx status;
        char path[64];
};

static struct text *text_from_object(struct object *object) {
        return container_of(object, struct text, object);
}

static ssize_t text_pread(struct object *object, void *buffer, size_t size, int64_t offset) {
        struct text *text = text_from_object(object);

        if ((uint64_t) offset >= text->size)
                return 0;
        if (size > text->size - (size_t) offset)
                size = text->size - (size_t) offset;
        memcpy(buffer, text->data + offset, size);
        return (ssize_t) size;
}

static ssize_t text_read(struct object *object, void *buffer, size_t size) {
        struct text *text = text_from_object(object);
        ssize_t n = text_pread(object, buffer, size, text->offset);

        if (n > 0)
                text->offset += n;
        return n;
}

static int64_t text_seek(struct object *object, int64_t offset, int whence) {
        struct text *text = text_from_object(object);
        int64_t base = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? text->offset : (int64_t) text->size, target;

        if (whence != SEEK_SET && whence != SEEK_CUR && whence != SEEK_END)
                return -EINVAL;
        if (__builtin_add_overflow(base, offset, &target))
                return -EOVERFLOW;
        if (target < 0)
                return -EINVAL;
        return text->offset = target;
}

static int text_stat(struct object *object, struct statx *ret) {
        *ret = text_from_object(object)->status;
        return 0;
}

static int text_describe(struct object *object, char *buffer, size_t size) {
        return snprintf(buffer, size, "%s", text_from_object(object)->path);
}

static void text_free(struct object *object) {
        struct text *text = text_from_object(object);

        free(text->data);
        user_charge_deinit(&text->charge);
        free(text);
}

static const struct object_ops text_ops = {
        .name = "text",
        .read = text_read,
        .pread = text_pread,
        .seek = text_seek,
        .stat = text_stat,
        .describe = text_describe,
        .free = text_free,
};

int text_object_new(struct object **ret, struct user *user, char *data, size_t size, const char *path,
                    const struct statx *status) {
        struct text *text = malloc(sizeof(*text));
        int r;

        if (!text)
                return -ENOMEM;
        *text = (struct text){ .data = data, .size = size, .status = *status };
        r = user_charge(user, &text->charge, USER_BUFFERS, sizeof(*text) + size);
        if (r < 0) {
                free(text);
                return r;
        }
        snprintf(text->path, sizeof(text->path), "%s", path);
        object_init(&text->object, &text_ops, AX_O_READ);
        *ret = &text->object;
        return 0;
}
