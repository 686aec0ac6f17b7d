#include "ingest/import.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/signal.h"
#include "base/thread.h"
#include "ingest/import_int.h"
#include "ingest/line_products.h"
#include "store/products.h"

#include "base/check.h"

static const char *const kinds[IMPORT_KINDS] = {"products", "users", "events", "orders",
                                                "interactions"};

const char *import_kind_name(enum import_kind k)
{
    CHECK((unsigned)k < IMPORT_KINDS);
    return kinds[k];
}

bool import_kind_of(struct str name, enum import_kind *k)
{
    for (unsigned i = 0; i < IMPORT_KINDS; i++)
        if (str_is(name, kinds[i])) {
            *k = (enum import_kind)i;
            return true;
        }
    return false;
}

/* --- what the file is ------------------------------------------------------------------------ */

enum { EDGE = 64 << 10 };

/* Hash head, tail and whole in one pass. */
static enum err_code hash_file(struct import *im, int fd, uint64_t size, struct err *err)
{
    char *block = mem_new(EDGE, 1);
    XXH3_state_t *whole = XXH3_createState();
    enum err_code rc = ERR_OK;
    CHECK(whole && XXH3_64bits_reset(whole) == XXH_OK);
    uint64_t at = 0;
    while (at < size) {
        ssize_t n = pread(fd, block, EDGE, (off_t)at);
        if (n < 0)
            rc = err_set_errno(err, ERR_IO, errno, "%s: cannot read", im->source);
        if (n <= 0)
            break;
        if (at == 0)
            im->identity.head_hash = XXH3_64bits(block, (size_t)n);
        XXH3_64bits_update(whole, block, (size_t)n);
        at += (uint64_t)n;
    }
    ssize_t n = pread(fd, block, EDGE, size > EDGE ? (off_t)(size - EDGE) : 0);
    if (n > 0)
        im->identity.tail_hash = XXH3_64bits(block, (size_t)n);
    im->identity.size = size;
    im->whole_hash = XXH3_64bits_digest(whole);
    XXH3_freeState(whole);
    mem_free(block);
    return rc;
}

/* A regular file is known by its content; standard input and pipes are not. */
static enum err_code identify(struct import *im, struct err *err)
{
    struct stat st;
    if (strcmp(im->o->path, "-") == 0)
        return ERR_OK;
    int fd = open(im->o->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_set_errno(err, ERR_IO, errno, "%s", im->source);
    enum err_code rc = ERR_OK;
    if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode))
        rc = err_set(err, ERR_INVALID, "%s is a folder", im->source);
    else if (S_ISREG(st.st_mode)) {
        rc = hash_file(im, fd, (uint64_t)st.st_size, err);
        im->known = true;
        file_key(&im->identity, im->file_key);
    }
    close(fd);
    return rc;
}

/* --- checkpoint ------------------------------------------------------------------------------ */

enum err_code import_checkpoint(struct import *im, struct store_tx *tx,
                                const struct import_report *report, uint64_t records,
                                uint64_t offset, uint64_t line, bool done, struct err *err)
{
    struct buf b;
    struct json_writer w;
    if (!im->known)
        return ERR_OK;
    buf_init(&b, STORE_JSON_MAX);
    buf_printf(&b, "%" PRIu64 " %" PRIu64 " ", records, im->whole_hash);
    jw_init(&w, &b);
    import_report_json(report, &w);
    enum err_code rc = buf_ok(&b, "the import's counters", err);
    struct import_checkpoint c = {
        .kind = str_of(im->kind_key),
        .file = im->identity,
        .whole_hash = done ? im->whole_hash : 0,
        .offset = offset,
        .line = line,
        .done = done,
        .counters = buf_str(&b),
    };
    if (rc == ERR_OK)
        rc = import_checkpoint_put(tx, &c, err);
    buf_release(&b);
    return rc;
}

/* A number and the space behind it. */
static bool read_number(struct str *s, uint64_t *out)
{
    struct str word = str_split(s, ' ');
    *out = 0;
    for (size_t i = 0; i < word.n; i++) {
        if (word.p[i] < '0' || word.p[i] > '9')
            return false;
        *out = *out * 10 + (uint64_t)(word.p[i] - '0');
    }
    return word.n > 0 && s->p;
}

/* What an earlier import of this file has left: nothing, a beginning, or all of it. */
static enum err_code look_back(struct import *im, struct err *err)
{
    struct arena scratch;
    struct import_checkpoint c;
    struct db *db;
    uint64_t records, whole;
    enum err_code rc = store_read_begin(im->store, &db, err);
    if (rc != ERR_OK)
        return rc;
    arena_init(&scratch, 0, 2 * STORE_JSON_MAX);
    rc = import_checkpoint_get(db, str_of(im->kind_key), &im->identity, &scratch, &c, err);
    store_read_end(im->store, db);
    bool usable = rc == ERR_OK && !im->o->force && read_number(&c.counters, &records) &&
                  read_number(&c.counters, &whole) && whole == im->whole_hash &&
                  !(im->o->full && c.done) && import_report_read(im->report, c.counters);
    if (usable) {
        im->report->again = c.done;
        im->report->resumed = !c.done && records > 0;
        im->resume_record = records;
        im->report->skipped = 0;
    }
    arena_release(&scratch);
    return rc == ERR_NOT_FOUND ? ERR_OK : rc;
}

/* --- beginning ------------------------------------------------------------------------------- */

static enum err_code open_mapping(struct import *im, struct err *err)
{
    currency_code currency = 0;
    enum err_code rc = mapping_load(&im->mapping, im->o->kind, im->o->mapping, err);
    if (rc == ERR_OK && im->o->currency && !currency_of(str_of(im->o->currency), &currency))
        rc = err_set(err, ERR_INVALID, "'%s' is no currency", im->o->currency);
    if (rc == ERR_OK && currency)
        mapping_set_currency(im->mapping, currency);
    if (rc == ERR_OK)
        snprintf(im->kind_key, sizeof im->kind_key, "%s/%s", import_kind_name(im->o->kind),
                 mapping_name(im->mapping));
    return rc;
}

enum err_code import_options_check(const struct import_options *o, struct err *err)
{
    struct import im = {.o = o};
    enum reader_format format;
    enum err_code rc = ERR_OK;
    if (o->full && o->kind != IMPORT_PRODUCTS)
        rc = err_set(err, ERR_INVALID, "--full is for products");
    else if (o->format && !reader_format_of(str_of(o->format), &format))
        rc = err_set(err, ERR_INVALID, "format '%s' is not one of csv, tsv, jsonl, json, xml",
                     o->format);
    if (rc == ERR_OK)
        rc = open_mapping(&im, err);
    mapping_free(im.mapping);
    return rc;
}

enum err_code import_open_reader(struct import *im, struct reader **out, uint64_t *raw_bytes,
                                 struct err *err)
{
    const struct import_options *o = im->o;
    struct source *src;
    struct reader_options ro = {.format = mapping_format(im->mapping),
                                .delimiter = mapping_delimiter(im->mapping),
                                .name = im->source};
    if (o->format && !reader_format_of(str_of(o->format), &ro.format))
        return err_set(err, ERR_INVALID, "format '%s' is not one of csv, tsv, jsonl, json, xml",
                       o->format);
    const char *charset = o->charset ? o->charset : mapping_charset(im->mapping);
    enum err_code rc = source_open(&src, o->path, charset, NULL, raw_bytes, err);
    if (rc == ERR_OK)
        rc = reader_open(out, src, &ro, err);
    if (rc == ERR_OK) {
        rc = mapping_bind(im->mapping, *out, err);
        if (rc != ERR_OK) {
            reader_close(*out);
            *out = NULL;
        }
    }
    return rc;
}

static void init(struct import *im)
{
    queue_init(&im->empty, BATCHES);
    queue_init(&im->full, BATCHES);
    for (size_t i = 0; i < BATCHES; i++) {
        arena_init(&im->batches[i].arena, 256 << 10, 512 << 20);
        CHECK(queue_push(&im->empty, &im->batches[i]) == ERR_OK);
    }
    arena_init(&im->texts, 0, 1 << 30);
    skus_init(&im->catalogue);
    im->batch_rows = im->o->batch_rows ? im->o->batch_rows : 4 * BATCH_ROWS_MIN;
}

static void release(struct import *im)
{
    for (size_t i = 0; i < BATCHES; i++) {
        struct batch *b = &im->batches[i];
        arena_release(&b->arena);
        mem_free(b->products);
        mem_free(b->users);
        mem_free(b->events);
        mem_free(b->orders);
        mem_free(b->places);
        mem_free(b->refusals);
    }
    mem_free(im->run.lines);
    mem_free(im->run.places);
    map_u64_release(&im->ordinals);
    map_u64_release(&im->customers);
    map_u64_release(&im->feed);
    skus_release(&im->catalogue);
    map_u64_release(&im->apart);
    pictures_release(&im->album);
    for (size_t i = 0; i < im->albums_len; i++)
        pictures_release(&im->albums[i]);
    mem_free(im->albums);
    mem_free(im->returns);
    arena_release(&im->texts);
    reader_close(im->reader);
    mapping_free(im->mapping);
    queue_release(&im->empty);
    queue_release(&im->full);
}

enum err_code import_check(const struct import *im, struct err *err)
{
    if (!im->o->watch)
        return signal_check(err);
    return im->o->watch(im->o->watch_arg, atomic_load(&im->progress.done), im->identity.size, err);
}

/* --- running --------------------------------------------------------------------------------- */

/* Take batches until the last; how the reading ended is told once all before it is written. */
static enum err_code write_all(struct import *im, struct batch *end, struct err *err)
{
    for (;;) {
        void *item;
        enum err_code rc = import_check(im, err);
        if (rc != ERR_OK)
            return rc;
        rc = queue_pop(&im->full, QUEUE_FOREVER, &item);
        CHECK(rc == ERR_OK);
        struct batch *b = item;
        rc = import_write(im, b, err);
        if (rc != ERR_OK)
            return rc;
        if (b->last) {
            *end = *b;
            if (b->rc != ERR_OK && err)
                *err = b->err;
            return b->rc;
        }
        CHECK(queue_push(&im->empty, b) == ERR_OK);
    }
}

/* What a file says of products and shoppers holds until another file says otherwise: the other one's
 * rows would be missed if a third import began where it had been killed, or did not begin at all. */
static enum err_code begin_job(struct store_tx *tx, void *arg, struct err *err)
{
    const struct import *im = arg;
    struct import_checkpoint own = {.kind = str_of(im->kind_key), .file = im->identity};
    return import_checkpoints_forget(tx, str_of(import_kind_name(im->o->kind)), &own, err);
}

struct finish {
    struct import *im;
    const struct batch *end;
    struct import_report report;
};

/* A full feed ends in the transaction that switches off what it lacks. */
static enum err_code finish_job(struct store_tx *tx, void *arg, struct err *err)
{
    struct finish *f = arg;
    enum err_code rc = ERR_OK;
    f->report = *f->im->report;
    if (f->im->o->full) {
        products_stage(tx);
        rc = import_full_apply(f->im, tx, &f->report.deactivated, err);
    }
    if (rc == ERR_OK && f->im->o->full)
        rc = products_show(tx, err);
    return rc == ERR_OK ? import_checkpoint(f->im, tx, &f->report, f->end->records, f->end->offset,
                                            f->end->line, true, err)
                        : rc;
}

static enum err_code show_job(struct store_tx *tx, void *arg, struct err *err)
{
    (void)arg;
    return products_show(tx, err);
}

/* A full feed that ends early: readers see what the record has. */
static void show_part(struct import *im)
{
    struct err ignored;
    if (im->o->full && !im->o->dry_run)
        (void)!store_write(im->store, show_job, NULL, &ignored);
}

static enum err_code finish(struct import *im, const struct batch *end, struct err *err)
{
    struct finish f = {.im = im, .end = end};
    if (im->o->dry_run)
        return ERR_OK;
    enum err_code rc = store_write(im->store, finish_job, &f, err);
    if (rc == ERR_OK)
        *im->report = f.report;
    return rc;
}

/* The count goes with the products: killed before the end, the next run finds both. */
static enum err_code count_made(struct store_tx *tx, void *arg, uint64_t made, struct err *err)
{
    const struct finish *f = arg;
    struct import_report report = *f->im->report;
    report.products_made += made;
    return import_checkpoint(f->im, tx, &report, f->end->records, f->end->offset, f->end->line,
                             false, err);
}

/* What the lines of orders say together. */
static enum err_code finish_orders(struct import *im, const struct batch *end, struct err *err)
{
    struct finish f = {.im = im, .end = end};
    struct import_report *r = im->report;
    r->near_skus = catalogue_near_ids(&im->catalogue, r->near_examples, sizeof r->near_examples);
    if (im->o->dry_run)
        return ERR_OK;
    enum err_code rc = line_products_make(im->store, &im->catalogue, im->mapping, &r->products_made,
                                          count_made, &f, err);
    return rc == ERR_OK ? import_match_returns(im, err) : rc;
}

static enum err_code run(struct import *im, struct err *err)
{
    struct thread thread = {0};
    struct batch end = {0};
    enum err_code rc = import_open_reader(im, &im->reader, &im->raw_bytes, err);
    if (rc != ERR_OK)
        return rc;
    im->header = row_header(im->reader, &im->texts);
    if (!im->o->dry_run && (im->o->kind == IMPORT_PRODUCTS || im->o->kind == IMPORT_USERS))
        rc = store_write(im->store, begin_job, im, err);
    if (rc != ERR_OK)
        return rc;
    progress_open(&im->progress, "import", "B", im->identity.size, im->o->progress);
    rc = thread_start(&thread, "import-read", import_parse, im, err);
    if (rc == ERR_OK)
        rc = write_all(im, &end, err);
    queue_close(&im->empty);
    queue_close(&im->full);
    thread_join(&thread);
    progress_close(&im->progress);
    if (rc == ERR_OK && im->o->kind == IMPORT_ORDERS)
        rc = finish_orders(im, &end, err);
    if (rc == ERR_OK)
        rc = finish(im, &end, err);
    if (rc != ERR_OK)
        show_part(im);
    return rc;
}

enum err_code import_file(struct store *s, const struct import_options *o,
                          struct import_report *report, struct err *err)
{
    struct import im = {.o = o, .store = s, .report = report};
    int64_t begin = clock_mono_ns();
    im.source = o->name ? o->name : o->path;
    *report = (struct import_report){.kind = o->kind, .dry_run = o->dry_run};
    if (o->full && o->kind != IMPORT_PRODUCTS)
        return err_set(err, ERR_INVALID, "--full is for products");
    im.now = clock_now_us();
    init(&im);
    enum err_code rc = open_mapping(&im, err);
    if (rc == ERR_OK)
        rc = identify(&im, err);
    if (rc == ERR_OK && im.known && !o->dry_run)
        rc = look_back(&im, err);
    if (rc == ERR_OK && !report->again && o->full)
        rc = import_full_check(&im, err);
    if (rc == ERR_OK && !report->again)
        rc = import_families_ahead(&im, err);
    if (rc == ERR_OK && !report->again)
        rc = run(&im, err);
    if (rc != ERR_OK)
        rc = err_prefix(err, rc, "%s", im.source);
    release(&im);
    report->seconds = (double)(clock_mono_ns() - begin) / 1e9;
    return rc;
}
