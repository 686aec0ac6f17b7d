#include "ingest/pictures.h"

#include "base/json_reader.h"
#include "base/json_writer.h"
#include "base/mem.h"

#include "base/check.h"

void pictures_release(struct pictures *p)
{
    mem_free(p->all);
    *p = (struct pictures){0};
}

void pictures_reset(struct pictures *p)
{
    p->len = 0;
}

static bool has(const struct pictures *p, struct str url)
{
    for (size_t i = 0; i < p->len; i++)
        if (str_eq(p->all[i].url, url))
            return true;
    return false;
}

void pictures_add(struct pictures *p, struct arena *arena, struct str url, int64_t position)
{
    size_t at = p->len;
    if (p->len == PICTURES_MAX || has(p, url))
        return;
    if (p->len == p->cap) {
        p->cap = p->cap ? p->cap * 2 : 16;
        p->all = mem_resize(p->all, p->cap, sizeof *p->all);
    }
    while (at && p->all[at - 1].position > position)
        at--;
    memmove(&p->all[at + 1], &p->all[at], (p->len - at) * sizeof *p->all);
    p->all[at] = (struct picture){arena_str(arena, url), position};
    p->len++;
}

struct str pictures_join(const struct pictures *p, struct str own, size_t max, struct arena *arena)
{
    struct json_reader jr;
    struct json_writer w;
    struct pictures mine = {0};
    struct buf b;
    struct err err;
    struct str url;
    buf_init(&b, max);
    jw_init(&w, &b);
    jw_arr(&w);
    jr_init(&jr, own.n ? own : STR_LIT("[]"), arena);
    (void)jr_arr(&jr);
    while (jr_next(&jr))
        if (jr_str(&jr, &url)) {
            pictures_add(&mine, arena, url, 0);
            jw_str(&w, url);
        }
    for (size_t i = 0; i < p->len; i++)
        if (!has(&mine, p->all[i].url))
            jw_str(&w, p->all[i].url);
    jw_arr_end(&w);
    bool fine = jr_end(&jr, &err) == ERR_OK && !b.full;
    struct str joined = fine && (mine.len || p->len) ? arena_str(arena, buf_str(&b)) : own;
    buf_release(&b);
    pictures_release(&mine);
    return joined;
}
