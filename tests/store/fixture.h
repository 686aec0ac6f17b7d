/* fixture.h - a shop in a temporary folder, and transactions that a test holds in its hand.
 *
 * tx_begin parks the writer inside a job and lends its transaction to the test; tx_commit and
 * tx_undo let the job end. The contract tests use only this and the public headers, so
 * AISLE_TEST_DATABASE (a database URL) runs them on another driver. */
#ifndef TESTS_STORE_FIXTURE_H
#define TESTS_STORE_FIXTURE_H

#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/fs.h"
#include "store/changes.h"
#include "store/products.h"
#include "store/store.h"
#include "support/suite.h"

struct shop {
    char dir[64];
    struct store *store;
    struct arena arena; /* for whatever a test reads */
    struct db *db;      /* between read_begin and read_end */
    /* the lent transaction */
    struct store_tx *tx;
    sem_t lent, given_back, ended;
    enum err_code verdict; /* what the job returns */
    enum err_code fate;    /* what the store said */
    struct err fate_err;
};

static inline void shop_reopen(struct shop *s)
{
    struct err err;
    store_close(s->store);
    s->store = NULL;
    struct store_options options = {.dir = s->dir, .database = getenv("AISLE_TEST_DATABASE")};
    ck_ok(store_open(&options, &s->store, &err));
}

static inline void shop_init(struct shop *s)
{
    *s = (struct shop){0};
    snprintf(s->dir, sizeof s->dir, "/tmp/aisle-store-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(s->dir));
    arena_init(&s->arena, 0, 64 << 20);
    sem_init(&s->lent, 0, 0);
    sem_init(&s->given_back, 0, 0);
    sem_init(&s->ended, 0, 0);
    shop_reopen(s);
}

static inline void shop_release(struct shop *s)
{
    struct err err;
    store_close(s->store);
    arena_release(&s->arena);
    sem_destroy(&s->lent);
    sem_destroy(&s->given_back);
    sem_destroy(&s->ended);
    ck_ok(fs_remove_tree(s->dir, &err));
}

static inline enum err_code shop_lend(struct store_tx *tx, void *arg, struct err *err)
{
    struct shop *s = arg;
    s->tx = tx;
    sem_post(&s->lent);
    sem_wait(&s->given_back);
    return s->verdict ? err_set(err, s->verdict, "the test undid it") : ERR_OK;
}

static inline void shop_note_fate(void *arg, enum err_code code, const struct err *err)
{
    struct shop *s = arg;
    s->fate = code;
    if (code)
        s->fate_err = *err;
    sem_post(&s->ended);
}

static inline struct store_tx *tx_begin(struct shop *s)
{
    struct err err;
    ck_ok(store_write_async(s->store, shop_lend, s, shop_note_fate, &err));
    sem_wait(&s->lent);
    return s->tx;
}

static inline enum err_code tx_end(struct shop *s, enum err_code verdict)
{
    s->verdict = verdict;
    sem_post(&s->given_back);
    sem_wait(&s->ended);
    return s->fate;
}

static inline void tx_commit(struct shop *s)
{
    struct err err;
    enum err_code code = tx_end(s, ERR_OK);
    err = s->fate_err;
    ck_ok(code);
}

static inline void tx_undo(struct shop *s)
{
    ck_assert_int_eq(tx_end(s, ERR_CANCELLED), ERR_CANCELLED);
}

static inline struct db *read_begin(struct shop *s)
{
    struct err err;
    ck_ok(store_read_begin(s->store, &s->db, &err));
    return s->db;
}

static inline void read_end(struct shop *s)
{
    store_read_end(s->store, s->db);
    s->db = NULL;
}

/* --- shorthand -------------------------------------------------------------------------------- */

#define GBP ((currency_code)('G' << 16 | 'B' << 8 | 'P'))
#define EUR ((currency_code)('E' << 16 | 'U' << 8 | 'R'))

static inline struct product a_product(const char *id)
{
    return (struct product){
        .id = str_of(id),
        .title = str_of(id),
        .price_minor = 1000,
        .list_price_minor = STORE_NO_AMOUNT,
        .currency = GBP,
        .stock = 5,
        .status = PRODUCT_ACTIVE,
    };
}

static inline uint32_t put_product(struct store_tx *tx, const char *id)
{
    struct err err;
    uint32_t no;
    struct product p = a_product(id);
    ck_ok(product_put(tx, &p, &no, NULL, &err));
    return no;
}

/* Changes of one aggregate after a position: how many entries; the last of them in *last. */
static inline size_t count_changes(struct db *db, int64_t position, enum change_aggregate aggregate,
                                   struct change *last)
{
    struct err err;
    struct change changes[256];
    size_t n, count = 0;
    ck_ok(changes_after(db, position, changes, 256, &n, &err));
    for (size_t i = 0; i < n; i++) {
        if (changes[i].aggregate != aggregate)
            continue;
        count++;
        if (last)
            *last = changes[i];
    }
    return count;
}

static inline int64_t newest_change(struct db *db)
{
    struct err err;
    int64_t oldest, newest;
    ck_ok(changes_range(db, &oldest, &newest, &err));
    return newest;
}

#define ck_text(got, want) ck_assert_msg(str_is((got), (want)), "got %.*s", STR_ARG(got))

#endif
