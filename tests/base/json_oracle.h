/* json_oracle.h - the JSON reader against jansson: the same texts are accepted, with equal values.
 *
 * Known differences, all refusals of ours: nesting over JR_DEPTH_MAX, numbers over JR_NUMBER_MAX
 * bytes (both ERR_LIMIT), and a NUL byte, which jansson takes for the end. Used by
 * tests/base/test_json.c and fuzz/fuzz_json.c. */
#ifndef TESTS_BASE_JSON_ORACLE_H
#define TESTS_BASE_JSON_ORACLE_H

#include <jansson.h>

#include "base/json_reader.h"
#include "base/json_writer.h"

/* The next value as jansson's tree; NULL on failure. all_real: integers as doubles too. */
static inline json_t *oracle_build(struct json_reader *r, bool all_real)
{
    json_t *v = NULL, *item;
    struct str text, key;
    bool b;
    int64_t i;
    double d;
    switch (jr_peek(r)) {
    case JR_NULL:
        return jr_null(r) ? json_null() : NULL;
    case JR_BOOL:
        return jr_bool(r, &b) ? json_boolean(b) : NULL;
    case JR_STRING:
        return jr_str(r, &text) ? json_stringn(text.n ? text.p : "", text.n) : NULL;
    case JR_NUMBER: {
        struct json_reader again = *r;
        if (!jr_number(r, &text))
            return NULL;
        bool real = all_real || memchr(text.p, '.', text.n) || memchr(text.p, 'e', text.n) ||
                    memchr(text.p, 'E', text.n);
        *r = again;
        if (!real && jr_i64(&again, INT64_MIN, INT64_MAX, &i)) {
            *r = again;
            return json_integer(i);
        }
        return jr_double(r, &d) ? json_real(d) : NULL;
    }
    case JR_ARRAY:
        v = json_array();
        for (jr_arr(r); jr_next(r);)
            if ((item = oracle_build(r, all_real)))
                json_array_append_new(v, item);
        break;
    case JR_OBJECT:
        v = json_object();
        for (jr_obj(r); jr_key(r, &key);)
            if ((item = oracle_build(r, all_real)))
                json_object_setn_new(v, key.n ? key.p : "", key.n, item);
        break;
    case JR_NONE:
        jr_skip(r); /* fails, with the reason */
        break;
    }
    if (r->failed) {
        json_decref(v);
        return NULL;
    }
    return v;
}

/* Write jansson's tree with our writer. */
static inline void oracle_write(struct json_writer *w, const json_t *v)
{
    const char *key;
    json_t *item;
    size_t i;
    switch (json_typeof(v)) {
    case JSON_NULL:
        jw_null(w);
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        jw_bool(w, json_is_true(v));
        break;
    case JSON_INTEGER:
        jw_i64(w, json_integer_value(v));
        break;
    case JSON_REAL:
        jw_double(w, json_real_value(v));
        break;
    case JSON_STRING:
        jw_str(w, (struct str){json_string_value(v), json_string_length(v)});
        break;
    case JSON_ARRAY:
        jw_arr(w);
        json_array_foreach(v, i, item) oracle_write(w, item);
        jw_arr_end(w);
        break;
    case JSON_OBJECT:
        jw_obj(w);
        json_object_foreach((json_t *)(uintptr_t)v, key, item)
        {
            jw_key(w, str_of(key));
            oracle_write(w, item);
        }
        jw_obj_end(w);
        break;
    }
}

/* *all_real: an integer beyond 64 bits made all of them doubles. */
static inline json_t *oracle_load(struct str text, bool *all_real)
{
    json_error_t why;
    json_t *v = json_loadb(text.p, text.n, JSON_DECODE_ANY, &why);
    *all_real = !v && json_error_code(&why) == json_error_numeric_overflow;
    if (*all_real)
        v = json_loadb(text.p, text.n, JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL, &why);
    return v;
}

/* Does the tree that was read stay equal when it is written and read again? Whole doubles come back
 * as integers, hence the comparison as text of the second writing. */
static inline bool oracle_round_trip(const json_t *v)
{
    struct buf once = {.max = SIZE_MAX / 4}, twice = {.max = SIZE_MAX / 4};
    bool all_real;
    struct json_writer w;
    jw_init(&w, &once);
    oracle_write(&w, v);
    json_t *back = oracle_load(buf_str(&once), &all_real);
    if (back) {
        jw_init(&w, &twice);
        oracle_write(&w, back);
    }
    bool same = back && str_eq(buf_str(&once), buf_str(&twice));
    json_decref(back);
    buf_release(&once);
    buf_release(&twice);
    return same;
}

/* NULL, or what differs. */
static inline const char *oracle_differs(struct str text)
{
    const char *why = NULL;
    struct arena arena;
    struct json_reader r;
    struct err err;
    arena_init(&arena, 0, SIZE_MAX / 4);
    bool all_real;
    json_t *theirs = oracle_load(text, &all_real);
    jr_init(&r, text, &arena);
    json_t *ours = oracle_build(&r, all_real);
    enum err_code code = jr_end(&r, &err);
    bool accepted = code == ERR_OK;

    jr_init(&r, text, NULL);
    if (accepted && (!jr_skip(&r) || jr_end(&r, &err) != ERR_OK))
        why = "read, but not skipped";
    else if (accepted && !theirs)
        why = "we accept, jansson refuses";
    else if (!accepted && code != ERR_LIMIT && theirs && !memchr(text.p, 0, text.n))
        why = "we refuse, jansson accepts";
    else if (accepted && theirs && !json_equal(ours, theirs))
        why = "the values differ";
    else if (accepted && !oracle_round_trip(ours))
        why = "the writer's text reads back as another value";
    json_decref(ours);
    json_decref(theirs);
    arena_release(&arena);
    return why;
}

#endif
