/* gorse_attributes.c - members of the attributes that Gorse's records are kept in. */
#include "api/gorse.h"

static const struct gorse_attribute *find(const struct gorse_attribute *list, size_t n,
                                          struct str name)
{
    for (size_t i = 0; i < n; i++)
        if (str_is(name, list[i].name))
            return &list[i];
    return NULL;
}

enum err_code gorse_attributes_set(struct str attributes, const struct gorse_attribute *set,
                                   size_t n, struct arena *arena, struct str *out, struct err *err)
{
    struct buf text;
    struct json_writer w;
    struct json_reader r;
    struct str key, value;
    buf_init(&text, 2 * STORE_JSON_MAX);
    jw_init(&w, &text);
    jw_obj(&w);
    jr_init(&r, attributes.n ? attributes : STR_LIT("{}"), arena);
    if (jr_obj(&r))
        while (jr_key(&r, &key) && jr_raw(&r, &value))
            if (!find(set, n, key)) {
                jw_key(&w, key);
                jw_raw(&w, value);
            }
    for (size_t i = 0; i < n; i++)
        if (set[i].json.n) {
            jw_key(&w, str_of(set[i].name));
            jw_raw(&w, set[i].json);
        }
    jw_obj_end(&w);
    enum err_code code = jr_end(&r, err);
    if (code == ERR_OK)
        code = jw_end(&w, "the record's attributes", err);
    if (code == ERR_OK) {
        /* An object without members is no attributes. */
        *out = text.len > 2 ? arena_str(arena, buf_str(&text)) : (struct str){NULL, 0};
        if (text.len > 2 && !out->p)
            code = err_set(err, ERR_LIMIT, "the record's attributes do not fit");
    }
    buf_release(&text);
    return code;
}

void gorse_attributes_get(struct str attributes, struct arena *arena, struct gorse_attribute *get,
                          size_t n)
{
    struct json_reader r;
    struct str key;
    for (size_t i = 0; i < n; i++)
        get[i].json = (struct str){NULL, 0};
    if (attributes.n == 0)
        return;
    jr_init(&r, attributes, arena);
    if (!jr_obj(&r))
        return;
    while (jr_key(&r, &key))
        for (size_t i = 0; i < n; i++)
            if (str_is(key, get[i].name)) {
                jr_raw(&r, &get[i].json);
                break;
            }
}

bool gorse_is_texts(struct str json, struct arena *arena)
{
    struct json_reader r;
    struct str text;
    jr_init(&r, json, arena);
    if (json.n == 0 || !jr_arr(&r))
        return false;
    while (jr_next(&r))
        jr_str(&r, &text);
    return jr_end(&r, NULL) == ERR_OK;
}

struct str gorse_json_string(struct str text, struct arena *arena)
{
    struct buf json;
    struct json_writer w;
    buf_init(&json, 8 * STORE_JSON_MAX);
    jw_init(&w, &json);
    jw_str(&w, text);
    struct str out = json.full ? (struct str){NULL, 0} : arena_str(arena, buf_str(&json));
    buf_release(&json);
    return out;
}
