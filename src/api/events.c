/* events.c - POST /v1/events: taken in one transaction with whatever else waits, answered when durable. */
#include "api/api_int.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "store/events.h"
#include "store/quarantine.h"

enum { BATCH_MAX = 20000 };

struct rejection {
    size_t index;
    enum import_reason reason;
    char message[240];
    struct str user_id, anonymous_id; /* of whom it speaks; empty: not known */
};

struct batch {
    struct event *events; /* [len] that were well-formed */
    size_t *index;        /* [len] their place in the request */
    struct str *raw;      /* [len] their text */
    enum event_outcome *outcomes;
    size_t len, cap;
    struct rejection *rejections; /* [rejected] */
    struct str *rejected_raw;
    size_t rejected, rejected_cap;
    size_t added;
    size_t next_index;
};

/* --- reading --------------------------------------------------------------------------------- */

/* Double an array in the arena; the old one is left to it. */
static void *grow(struct arena *arena, void *old, size_t len, size_t cap, size_t size)
{
    void *p = arena_try_alloc(arena, cap * size);
    if (p && len)
        memcpy(p, old, len * size);
    return p;
}

static bool reserve(struct batch *b, struct arena *arena)
{
    if (b->len < b->cap)
        return true;
    size_t cap = b->cap ? 2 * b->cap : 16;
    b->events = grow(arena, b->events, b->len, cap, sizeof *b->events);
    b->index = grow(arena, b->index, b->len, cap, sizeof *b->index);
    b->raw = grow(arena, b->raw, b->len, cap, sizeof *b->raw);
    b->cap = cap;
    return b->events && b->index && b->raw;
}

static bool reject(struct batch *b, struct arena *arena, enum import_reason reason,
                   const char *message, struct str raw)
{
    if (b->rejected == b->rejected_cap) {
        size_t cap = b->rejected_cap ? 2 * b->rejected_cap : 8;
        b->rejections = grow(arena, b->rejections, b->rejected, cap, sizeof *b->rejections);
        b->rejected_raw = grow(arena, b->rejected_raw, b->rejected, cap, sizeof *b->rejected_raw);
        b->rejected_cap = cap;
        if (!b->rejections || !b->rejected_raw)
            return false;
    }
    struct rejection *r = &b->rejections[b->rejected];
    r->index = b->next_index;
    r->reason = reason;
    snprintf(r->message, sizeof r->message, "%s", message);
    event_owner(raw, arena, &r->user_id, &r->anonymous_id);
    b->rejected_raw[b->rejected++] = raw;
    return true;
}

/* May this caller speak for the shoppers in the event? */
static enum err_code check_owner(struct call *call, const struct event *e, struct str *proven,
                                 struct err *err)
{
    name_shopper(call, e->user_id.n ? USER_KNOWN : USER_ANONYMOUS,
                 e->user_id.n ? e->user_id : e->anonymous_id);
    if (call->scope >= AUTH_SERVER)
        return ERR_OK;
    enum err_code code = ERR_OK;
    if (e->anonymous_id.n)
        code = check_anonymous_id(e->anonymous_id, err);
    if (code != ERR_OK || e->user_id.n == 0 || str_eq(e->user_id, *proven))
        return code;
    code = require_user(call, e->user_id, err);
    if (code == ERR_OK)
        *proven = e->user_id; /* a batch is mostly one shopper's */
    return code;
}

/* An identity for an event that has none: now, and an id that no other event has. */
static enum err_code give_identity(struct call *call, struct event *e, int64_t now, struct err *err)
{
    uint64_t random[2];
    if (getentropy(random, sizeof random) != 0)
        return err_set_errno(err, ERR_INTERNAL, errno, "no random numbers");
    e->time = now;
    e->id = arena_printf(call->arena, "%016" PRIx64 "%016" PRIx64, random[0], random[1]);
    return e->id.p ? ERR_OK : err_set(err, ERR_LIMIT, "the events do not fit");
}

static enum err_code check_event(struct call *call, struct event *e, struct str *proven,
                                 enum import_reason *why, struct err *err)
{
    enum err_code code = ERR_OK;
    *why = REASON_MISSING;
    if (e->time == 0 && e->id.n)
        return err_set(err, ERR_INVALID, "time: missing; an id counts only together with it");
    if (e->time == 0)
        code = give_identity(call, e, clock_now_us(), err);
    if (code == ERR_OK)
        code = event_check(e, err);
    *why = code == ERR_OK ? REASON_BAD_ID : event_reason(e);
    return code == ERR_OK ? check_owner(call, e, proven, err) : code;
}

/* Read the value that comes next as an event; one that is wrong is rejected alone. */
static enum err_code read_one(struct call *call, struct json_reader *r, struct batch *b,
                              struct str *proven, struct err *err)
{
    struct jr_mark mark = jr_mark(r);
    struct err why;
    struct event e;
    enum import_reason reason;
    const char *begin = mark.at;
    if (b->next_index >= BATCH_MAX)
        return err_set(err, ERR_LIMIT, "more than %d events in one request", BATCH_MAX);
    enum err_code code = event_from_json(r, &e, &reason);
    if (code != ERR_OK) {
        if (!jr_recover(r, mark, &why))
            return jr_end(r, err);
        code = why.code;
    } else {
        code = check_event(call, &e, proven, &reason, &why);
    }
    struct str raw = {begin, (size_t)(r->at - begin)};
    if (code == ERR_UNAUTHENTICATED || code == ERR_DENIED) {
        *err = why; /* not a bad event but a bad caller: nothing is taken */
        return code;
    }
    bool fits =
        code == ERR_OK ? reserve(b, call->arena) : reject(b, call->arena, reason, why.msg, raw);
    if (!fits)
        return err_set(err, ERR_LIMIT, "the events do not fit");
    if (code == ERR_OK) {
        b->events[b->len] = e;
        b->index[b->len] = b->next_index;
        b->raw[b->len++] = raw;
    }
    b->next_index++;
    return ERR_OK;
}

static enum err_code read_array(struct call *call, struct json_reader *r, struct batch *b,
                                struct str *proven, struct err *err)
{
    enum err_code code = ERR_OK;
    if (jr_arr(r))
        while (code == ERR_OK && jr_next(r))
            code = read_one(call, r, b, proven, err);
    return code;
}

/* {"events": [...]}: told from an event by its only key. */
static bool is_envelope(struct str body, struct arena *arena)
{
    struct json_reader r;
    struct str key;
    jr_init(&r, body, arena);
    return jr_obj(&r) && jr_key(&r, &key) && str_is(key, "events");
}

static enum err_code read_envelope(struct call *call, struct json_reader *r, struct batch *b,
                                   struct str *proven, struct err *err)
{
    static const char *const names[] = {"events"};
    struct jr_fields fields = {.names = names, .n = 1, .strict = true};
    enum err_code code = ERR_OK;
    if (jr_obj(r))
        while (code == ERR_OK && jr_field(r, &fields) >= 0)
            code = read_array(call, r, b, proven, err);
    return code;
}

static enum err_code read_lines(struct call *call, struct batch *b, struct str *proven,
                                struct err *err)
{
    struct str rest = call->req->body, line;
    unsigned line_no = 0;
    enum err_code code = ERR_OK;
    while (code == ERR_OK && jr_next_line(&rest, &line, &line_no)) {
        struct json_reader r;
        struct err why;
        jr_init(&r, line, call->arena);
        r.first_line = line_no;
        code = read_one(call, &r, b, proven, err);
        if (code == ERR_OK && jr_end(&r, &why) != ERR_OK)
            code = err_set(err, ERR_INVALID, "%s", why.msg);
    }
    return code;
}

static enum err_code read_batch(struct call *call, struct batch *b, struct err *err)
{
    struct str body = call->req->body, proven = {NULL, 0};
    struct json_reader r;
    if (http_request_is_type(call->req, "application/x-ndjson"))
        return read_lines(call, b, &proven, err);
    jr_init(&r, body, call->arena);
    enum err_code code;
    if (jr_peek(&r) == JR_ARRAY)
        code = read_array(call, &r, b, &proven, err);
    else if (is_envelope(body, call->arena))
        code = read_envelope(call, &r, b, &proven, err);
    else
        code = read_one(call, &r, b, &proven, err);
    return code == ERR_OK ? jr_end(&r, err) : code;
}

/* --- writing --------------------------------------------------------------------------------- */

static enum err_code quarantine(struct store_tx *tx, const struct rejection *r, struct str raw,
                                struct err *err)
{
    struct quarantine q = {.kind = STR_LIT("events"),
                           .source = STR_LIT("api"),
                           .reason = str_of(import_reason_name(r->reason)),
                           .message = str_of(r->message),
                           .raw = raw,
                           .user_id = r->user_id,
                           .anonymous_id = r->anonymous_id,
                           .at = tx->now_us};
    return quarantine_add(tx, &q, NULL, err);
}

static struct rejection unknown_product(const struct batch *b, size_t i)
{
    return (struct rejection){.index = b->index[i],
                              .reason = REASON_UNKNOWN_PRODUCT,
                              .message = "there is no such product",
                              .user_id = b->events[i].user_id,
                              .anonymous_id = b->events[i].anonymous_id};
}

static enum err_code add_events(struct store_tx *tx, void *arg, struct err *err)
{
    struct batch *b = arg;
    enum err_code code = events_add(tx, b->events, b->len, 0, b->outcomes, &b->added, err);
    for (size_t i = 0; i < b->len && code == ERR_OK; i++)
        if (b->outcomes[i] == EVENT_UNKNOWN_PRODUCT) {
            struct rejection r = unknown_product(b, i);
            code = quarantine(tx, &r, b->raw[i], err);
        }
    for (size_t i = 0; i < b->rejected && code == ERR_OK; i++)
        code = quarantine(tx, &b->rejections[i], b->rejected_raw[i], err);
    return code;
}

static void write_rejection(struct json_writer *w, const struct rejection *r)
{
    jw_obj(w);
    JW_U64(w, "index", r->index);
    JW_Z(w, "code", import_reason_name(r->reason));
    JW_Z(w, "message", r->message);
    jw_obj_end(w);
}

static enum err_code render_batch(struct call *call, struct db *db, struct json_writer *w,
                                  int *status, struct err *err)
{
    const struct batch *b = call->job_arg;
    size_t unknown = 0;
    (void)db, (void)err;
    for (size_t i = 0; i < b->len; i++)
        unknown += b->outcomes[i] == EVENT_UNKNOWN_PRODUCT;
    if (unknown == b->len && b->next_index > 0)
        *status = 400; /* all were refused */
    jw_obj(w);
    JW_U64(w, "accepted", b->added);
    JW_U64(w, "duplicates", b->len - unknown - b->added);
    JW_ARR(w, "rejected");
    for (size_t i = 0; i < b->rejected; i++)
        write_rejection(w, &b->rejections[i]);
    for (size_t i = 0; i < b->len; i++)
        if (b->outcomes[i] == EVENT_UNKNOWN_PRODUCT) {
            struct rejection r = unknown_product(b, i);
            write_rejection(w, &r);
        }
    jw_arr_end(w);
    jw_obj_end(w);
    return ERR_OK;
}

static void count_batch(struct call *call)
{
    const struct batch *b = call->job_arg;
    count_list_events(call->api, b->events, b->outcomes, b->len);
}

static enum err_code post_events(struct call *call, struct err *err)
{
    struct batch *b = ARENA_NEW(call->arena, struct batch, 1);
    enum err_code code = read_batch(call, b, err);
    if (code != ERR_OK)
        return code;
    b->outcomes = arena_try_alloc(call->arena, (b->len + 1) * sizeof *b->outcomes);
    if (!b->outcomes)
        return err_set(err, ERR_LIMIT, "the events do not fit");
    call->acted = count_batch;
    return call_write(call, add_events, b, render_batch, err);
}

static const struct endpoint endpoints[] = {
    {HTTP_POST, "/v1/events", AUTH_PUBLIC, post_events,
     ENDPOINT_WRITES | ENDPOINT_TAKES_LINES | ENDPOINT_TAKES_TEXT, NO_PARAMS},
};
ENDPOINT_GROUP(event_endpoints, endpoints);
