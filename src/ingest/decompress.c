/* Gzip (RFC 1952) through zlib and Zstandard (RFC 8878) through libzstd, found by their magic. */
#include <inttypes.h>
#include <zlib.h>
#include <zstd.h>

#include "base/mem.h"
#include "ingest/source.h"

#include "base/check.h"

enum packing { UNKNOWN, PLAIN, GZIP, ZSTD };

static const struct source_limits defaults = {
    .total_bytes = 256ULL << 30, .ratio = 250, .free_bytes = 64ULL << 20};

struct unpack {
    struct source *below;
    struct source_limits limits;
    enum packing packing;
    char *in; /* [SOURCE_BLOCK] compressed bytes, [at, end) not used yet */
    size_t at, end;
    bool below_ended;
    bool between;   /* at a member's or frame's end: the file may end here */
    uint64_t taken; /* compressed bytes used */
    uint64_t given; /* decompressed bytes */
    z_stream z;
    ZSTD_DStream *zstd;
};

static enum err_code refill(struct unpack *u, struct err *err)
{
    if (u->at < u->end || u->below_ended)
        return ERR_OK;
    u->at = 0;
    enum err_code rc = source_read(u->below, u->in, SOURCE_BLOCK, &u->end, err);
    if (rc != ERR_OK)
        u->end = 0;
    else if (u->end == 0)
        u->below_ended = true;
    return rc;
}

/* The first bytes decide; a short first read is completed, pipes give what they have. */
static enum err_code look(struct unpack *u, struct err *err)
{
    while (u->end < 4 && !u->below_ended) {
        size_t n;
        enum err_code rc = source_read(u->below, u->in + u->end, SOURCE_BLOCK - u->end, &n, err);
        if (rc != ERR_OK)
            return rc;
        u->end += n;
        u->below_ended = n == 0;
    }
    struct str head = {u->in, u->end};
    u->packing = PLAIN;
    u->between = true;
    if (str_starts(head, STR_LIT("\x1f\x8b"))) {
        u->packing = GZIP;
        if (inflateInit2(&u->z, 15 + 16) != Z_OK)
            return err_set(err, ERR_MEMORY, "no memory to decompress");
    } else if (str_starts(head, STR_LIT("\x28\xb5\x2f\xfd"))) {
        u->packing = ZSTD;
        u->zstd = ZSTD_createDStream();
        if (!u->zstd)
            return err_set(err, ERR_MEMORY, "no memory to decompress");
    }
    return ERR_OK;
}

static enum err_code broken(const struct unpack *u, struct err *err, const char *why)
{
    return err_set(err, ERR_CORRUPT, "the compressed data is broken at byte %" PRIu64 ": %s",
                   u->taken, why);
}

static enum err_code cut_short(const struct unpack *u, struct err *err)
{
    return err_set(err, ERR_CORRUPT, "the compressed data is cut short after byte %" PRIu64,
                   u->taken);
}

static enum err_code check_bomb(const struct unpack *u, struct err *err)
{
    if (u->given > u->limits.total_bytes)
        return err_set(err, ERR_LIMIT, "more than %" PRIu64 " bytes when decompressed",
                       u->limits.total_bytes);
    if (u->given > u->limits.free_bytes && u->given / (u->taken + 1) > u->limits.ratio)
        return err_set(err, ERR_LIMIT,
                       "%" PRIu64 " bytes grow to over %" PRIu64
                       ": a compression bomb (limit: %" PRIu64 " times)",
                       u->taken, u->given, u->limits.ratio);
    return ERR_OK;
}

/* Zero bytes behind the last member are padding (tape blocks); anything else is another member. */
static bool only_padding(struct unpack *u)
{
    while (u->at < u->end && u->in[u->at] == 0) {
        u->at++;
        u->taken++;
    }
    return u->at == u->end;
}

static enum err_code gunzip_step(struct unpack *u, char *out, size_t cap, size_t *n,
                                 struct err *err)
{
    if (u->between) {
        if (only_padding(u))
            return ERR_OK;
        inflateReset(&u->z);
        u->between = false;
    }
    u->z.next_in = (Bytef *)u->in + u->at;
    u->z.avail_in = (uInt)(u->end - u->at);
    u->z.next_out = (Bytef *)out;
    u->z.avail_out = (uInt)cap;
    int rc = inflate(&u->z, Z_NO_FLUSH);
    size_t used = u->end - u->at - u->z.avail_in;
    u->at += used;
    u->taken += used;
    *n = cap - u->z.avail_out;
    if (rc == Z_STREAM_END)
        u->between = true;
    else if (rc != Z_OK && rc != Z_BUF_ERROR)
        return broken(u, err, u->z.msg ? u->z.msg : "not gzip");
    return ERR_OK;
}

static enum err_code unzstd_step(struct unpack *u, char *out, size_t cap, size_t *n,
                                 struct err *err)
{
    ZSTD_inBuffer in = {u->in + u->at, u->end - u->at, 0};
    ZSTD_outBuffer to = {out, cap, 0};
    size_t rc = ZSTD_decompressStream(u->zstd, &to, &in);
    if (ZSTD_isError(rc))
        return broken(u, err, ZSTD_getErrorName(rc));
    u->at += in.pos;
    u->taken += in.pos;
    u->between = rc == 0;
    *n = to.pos;
    return ERR_OK;
}

static enum err_code unpack_read(void *self, char *out, size_t cap, size_t *n, struct err *err)
{
    struct unpack *u = self;
    enum err_code rc = u->packing == UNKNOWN ? look(u, err) : ERR_OK;
    if (cap > UINT32_MAX)
        cap = UINT32_MAX;
    while (rc == ERR_OK) {
        rc = refill(u, err);
        bool ended = u->at == u->end;
        if (rc != ERR_OK || (ended && (u->packing == PLAIN || u->between)))
            return rc;
        if (u->packing == PLAIN) {
            *n = u->end - u->at < cap ? u->end - u->at : cap;
            memcpy(out, u->in + u->at, *n);
            u->at += *n;
            return ERR_OK;
        }
        /* With the input at its end a step may still flush what the decoder holds. */
        rc = u->packing == GZIP ? gunzip_step(u, out, cap, n, err)
                                : unzstd_step(u, out, cap, n, err);
        u->given += *n;
        if (rc == ERR_OK)
            rc = check_bomb(u, err);
        if (rc == ERR_OK && *n == 0 && ended && !u->between)
            rc = cut_short(u, err);
        if (*n)
            break;
    }
    return rc;
}

static void unpack_close(void *self)
{
    struct unpack *u = self;
    if (u->packing == GZIP)
        inflateEnd(&u->z);
    ZSTD_freeDStream(u->zstd);
    source_close(u->below);
    mem_free(u->in);
    mem_free(u);
}

struct source *source_decompress(struct source *below, const struct source_limits *limits)
{
    struct unpack *u = MEM_NEW(struct unpack);
    u->below = below;
    u->limits = limits ? *limits : defaults;
    if (!u->limits.total_bytes)
        u->limits.total_bytes = defaults.total_bytes;
    if (!u->limits.ratio)
        u->limits.ratio = defaults.ratio;
    if (!u->limits.free_bytes)
        u->limits.free_bytes = defaults.free_bytes;
    u->in = mem_new(SOURCE_BLOCK, 1);
    return source_new(unpack_read, unpack_close, u);
}
