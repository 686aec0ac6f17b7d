/* support.h - what the tests of ingest share: texts as readers, files, and a generator of bytes. */
#ifndef TESTS_INGEST_SUPPORT_H
#define TESTS_INGEST_SUPPORT_H

#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/rng.h"
#include "ingest/reader.h"
#include "support/suite.h"

/** A source that gives a text in pieces of 1..max bytes. */
struct trickle {
    struct str rest;
    struct rng rng;
    size_t max;
};

static inline enum err_code trickle_read(void *self, char *out, size_t cap, size_t *n,
                                         struct err *err)
{
    struct trickle *t = self;
    size_t want = 1 + (size_t)rng_below(&t->rng, t->max);
    (void)err;
    *n = t->rest.n < want ? t->rest.n : want;
    *n = *n < cap ? *n : cap;
    if (*n)
        memcpy(out, t->rest.p, *n);
    t->rest.p += *n;
    t->rest.n -= *n;
    return ERR_OK;
}

static inline struct source *trickle(struct trickle *t, struct str text, size_t max, uint64_t seed)
{
    *t = (struct trickle){text.p ? text : STR_LIT(""), {{0}}, max};
    rng_init(&t->rng, seed);
    return source_new(trickle_read, NULL, t);
}

/** A reader over a text. */
static inline struct reader *reader_of(struct str text, enum reader_format format)
{
    struct err err;
    struct reader *r;
    ck_ok(reader_open(&r, source_memory(text), &(struct reader_options){.format = format}, &err));
    return r;
}

/** The next record, or NULL at the end. */
static inline const struct record *next_record(struct reader *r)
{
    struct err err;
    const struct record *rec;
    ck_ok(reader_next(r, &rec, &err));
    return rec;
}

/** Read everything; a failure of the whole is told in err. returns how many records came. */
static inline enum err_code read_all_records(struct source *src, enum reader_format format,
                                             size_t *records, size_t *faults, struct err *err)
{
    struct reader *r;
    const struct record *rec = NULL;
    *records = *faults = 0;
    enum err_code rc = reader_open(&r, src, &(struct reader_options){.format = format}, err);
    if (rc != ERR_OK)
        return rc;
    while ((rc = reader_next(r, &rec, err)) == ERR_OK && rec) {
        ++*records;
        *faults += rec->fault != REASON_NONE;
    }
    reader_close(r);
    return rc;
}

/** dir/name with this content; returns the path in a static buffer of its own per slot (0..7). */
static inline const char *write_file(const char *dir, const char *name, struct str text, int slot)
{
    static char paths[8][256];
    struct err err;
    snprintf(paths[slot], sizeof paths[slot], "%s/%s", dir, name);
    ck_ok(fs_write_file_atomic(paths[slot], text.p, text.n, &err));
    return paths[slot];
}

#endif
