/* merge.c - JSON merge patch (RFC 7396) of objects that are kept as text. */
#include "api/api_int.h"
#include "base/map.h"
#include "store/records.h"

struct member {
    struct str key, value;
};

struct members {
    struct member *items; /* [len], in the arena */
    size_t len;
};

/* The members of an object; none where the text is something else. */
static bool read_members(struct str text, struct arena *arena, struct members *out)
{
    struct json_reader r;
    struct member m;
    size_t cap = 0;
    jr_init(&r, text, arena);
    *out = (struct members){0};
    if (jr_peek(&r) != JR_OBJECT || !jr_obj(&r))
        return true;
    while (jr_key(&r, &m.key) && jr_raw(&r, &m.value)) {
        if (out->len == cap) {
            size_t grown = cap ? 2 * cap : 16;
            struct member *items = arena_try_alloc(arena, grown * sizeof *items);
            if (!items)
                return false;
            if (cap)
                memcpy(items, out->items, cap * sizeof *items);
            out->items = items;
            cap = grown;
        }
        out->items[out->len++] = m;
    }
    return !r.failed;
}

static bool is_object(struct str value)
{
    return value.n && value.p[0] == '{';
}

static bool merge(struct str target, struct str patch, struct arena *arena, struct json_writer *w);

static bool write_member(struct str key, struct str target, struct str patch, struct arena *arena,
                         struct json_writer *w)
{
    if (str_is(patch, "null"))
        return true;
    jw_key(w, key);
    return merge(target, patch, arena, w);
}

static bool merge_members(const struct members *target, const struct members *patch,
                          struct arena *arena, struct json_writer *w)
{
    struct map_str by_key = {0};
    bool good = true, added;
    for (size_t i = 0; i < patch->len; i++)
        *map_str_at(&by_key, patch->items[i].key, &added) = i; /* the last of a name wins */
    jw_obj(w);
    for (size_t i = 0; i < target->len && good; i++) {
        const struct member *m = &target->items[i];
        uint64_t *at = map_str_find(&by_key, m->key);
        if (!at) {
            jw_key(w, m->key);
            jw_raw(w, m->value);
        } else if (*at < patch->len) {
            good = write_member(m->key, m->value, patch->items[*at].value, arena, w);
            *at = patch->len; /* done */
        }
    }
    for (size_t i = 0; i < patch->len && good; i++)
        if (*map_str_find(&by_key, patch->items[i].key) == i)
            good = write_member(patch->items[i].key, (struct str){NULL, 0}, patch->items[i].value,
                                arena, w);
    jw_obj_end(w);
    map_str_release(&by_key);
    return good;
}

/* As deep as the reader goes, and no deeper: both texts were checked when they came in. */
static bool merge(struct str target, struct str patch, struct arena *arena, struct json_writer *w)
{
    struct members of_target, of_patch;
    if (!is_object(patch)) {
        jw_raw(w, patch);
        return true;
    }
    return read_members(target, arena, &of_target) && read_members(patch, arena, &of_patch) &&
           merge_members(&of_target, &of_patch, arena, w);
}

enum err_code json_merge(struct str target, struct str patch, struct arena *arena, struct str *out,
                         struct err *err)
{
    struct buf text;
    struct json_writer w;
    buf_init(&text, 2 * STORE_JSON_MAX);
    jw_init(&w, &text);
    bool fits = merge(target, patch, arena, &w) && jw_end(&w, "the merged object", err) == ERR_OK;
    struct str merged = fits ? arena_str(arena, buf_str(&text)) : (struct str){NULL, 0};
    buf_release(&text);
    if (!merged.p)
        return err_set(err, ERR_LIMIT, "the merged object does not fit");
    *out = merged;
    return ERR_OK;
}
