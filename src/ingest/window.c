#include "base/mem.h"
#include "ingest/reader_int.h"

#include "base/check.h"

void window_init(struct window *w, struct source *src)
{
    *w = (struct window){.src = src, .line = 1};
}

void window_release(struct window *w)
{
    source_close(w->src);
    mem_free(w->data);
    *w = (struct window){0};
}

enum err_code window_more(struct window *w, struct err *err)
{
    size_t held = w->end - w->at;
    size_t want = held > SOURCE_BLOCK ? held : SOURCE_BLOCK;
    if (w->at) {
        memmove(w->data, w->data + w->at, held);
        w->at = 0;
        w->end = held;
    }
    if (held + want > w->cap) {
        w->data = mem_resize(w->data, held + want, 1);
        w->cap = held + want;
    }
    while (!w->eof && w->end < held + want) {
        size_t n;
        enum err_code rc = source_read(w->src, w->data + w->end, held + want - w->end, &n, err);
        if (rc != ERR_OK)
            return rc;
        w->end += n;
        w->eof = n == 0;
    }
    return ERR_OK;
}

void window_take(struct window *w, size_t n, uint64_t lines)
{
    DCHECK(n <= w->end - w->at);
    w->at += n;
    w->offset += n;
    w->line += lines;
}

enum err_code window_skip_line(struct window *w, struct err *err)
{
    for (;;) {
        struct str text = window_text(w);
        size_t at = str_find(text, '\n', 0);
        if (at == SIZE_MAX)
            at = str_find(text, '\r', 0);
        if (at != SIZE_MAX) {
            window_take(w, at + 1, 1);
            return ERR_OK;
        }
        window_take(w, text.n, 0);
        if (w->eof)
            return ERR_OK;
        enum err_code rc = window_more(w, err);
        if (rc != ERR_OK)
            return rc;
    }
}
