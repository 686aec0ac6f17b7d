#include "http/compress.h"

#include <limits.h>
#include <zlib.h>

#include "base/check.h"
#include "base/mem.h"

struct http_gzip {
    z_stream z;
};

struct http_gzip *http_gzip_new(int level)
{
    enum { WINDOW_WITH_GZIP_HEADER = 15 + 16, MEMORY = 8 };
    struct http_gzip *g = MEM_NEW(struct http_gzip);
    int rc =
        deflateInit2(&g->z, level, Z_DEFLATED, WINDOW_WITH_GZIP_HEADER, MEMORY, Z_DEFAULT_STRATEGY);
    CHECK(rc == Z_OK);
    return g;
}

void http_gzip_free(struct http_gzip *g)
{
    if (!g)
        return;
    deflateEnd(&g->z);
    mem_free(g);
}

bool http_gzip(struct http_gzip *g, struct str in, struct buf *out)
{
    buf_reset(out);
    if (in.n == 0 || in.n > UINT_MAX || !buf_reserve(out, in.n))
        return false;
    deflateReset(&g->z);
    g->z.next_in = (Bytef *)(uintptr_t)in.p;
    g->z.avail_in = (uInt)in.n;
    g->z.next_out = (Bytef *)out->data;
    g->z.avail_out = (uInt)in.n - 1;
    if (deflate(&g->z, Z_FINISH) != Z_STREAM_END)
        return false;
    out->len = g->z.total_out;
    return true;
}

bool http_compressible(const char *content_type)
{
    static const char *const types[] = {
        "application/json",     "application/javascript",    "application/xml",  "image/svg+xml",
        "application/x-ndjson", "application/manifest+json", "application/yaml",
    };
    if (!content_type)
        return false;
    struct str type = str_of(content_type);
    if (str_starts(type, STR_LIT("text/")))
        return true;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (str_starts(type, str_of(types[i])))
            return true;
    return false;
}
