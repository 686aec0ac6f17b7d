#include "index/container.h"

#include <inttypes.h>
#include <string.h>
#include <xxhash.h>

#include "base/check.h"
#include "base/fs.h"
#include "base/mem.h"

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "files are little-endian and read in place"
#endif

static const char magic[8] = "\x89"
                             "AISLE\r\n";

/* The first bytes of every file. */
struct header {
    char magic[8];
    uint32_t format; /* CONTAINER_FORMAT */
    uint32_t sections;
    char kind[CONTAINER_KIND_MAX + 1]; /* NUL-padded */
    uint64_t bytes;                    /* of the whole file */
    uint32_t kind_version;
    uint32_t zero;
    uint64_t table_xxh3;  /* of the entries */
    uint64_t header_xxh3; /* of what stands before it */
};

_Static_assert(sizeof(struct header) == 64, "the header is 64 bytes");
_Static_assert(sizeof(struct container_entry) == 64, "an entry is 64 bytes");

static uint64_t hash_header(const struct header *h)
{
    return XXH3_64bits(h, offsetof(struct header, header_xxh3));
}

static size_t align_up(size_t n)
{
    return (n + CONTAINER_ALIGN - 1) / CONTAINER_ALIGN * CONTAINER_ALIGN;
}

/* Is this [a-z0-9._-]+, ended and padded by NULs? */
static bool is_name(const char *name, size_t size)
{
    size_t n = strnlen(name, size);
    if (n == 0 || n == size)
        return false;
    for (size_t i = 0; i < n; i++) {
        char c = name[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-'))
            return false;
    }
    for (size_t i = n; i < size; i++)
        if (name[i] != '\0')
            return false;
    return true;
}

/* --- writing --------------------------------------------------------------------------------- */

/* Copy a name that the program chose into a NUL-padded field. */
static void put_name(char *field, size_t size, const char *name)
{
    size_t n = strlen(name);
    CHECK(n < size);
    memset(field, 0, size);
    memcpy(field, name, n);
    CHECK(is_name(field, size));
}

struct container_writer *container_writer_new(const char *kind, uint32_t kind_version)
{
    struct container_writer *w = MEM_NEW(struct container_writer);
    put_name(w->kind, sizeof w->kind, kind);
    w->kind_version = kind_version;
    return w;
}

void container_writer_free(struct container_writer *w)
{
    mem_free(w);
}

void container_writer_add(struct container_writer *w, const char *name, size_t elem_bytes,
                          const void *data, size_t count)
{
    size_t bytes;
    CHECK(w->len < CONTAINER_MAX_SECTIONS);
    CHECK(elem_bytes >= 1 && elem_bytes <= UINT32_MAX);
    CHECK(!__builtin_mul_overflow(elem_bytes, count, &bytes));
    CHECK(data || bytes == 0);
    struct container_entry *e = &w->entries[w->len];
    put_name(e->name, sizeof e->name, name);
    for (uint32_t i = 0; i < w->len; i++)
        CHECK(strcmp(w->entries[i].name, name) != 0);
    e->elem_bytes = (uint32_t)elem_bytes;
    e->count = count;
    e->bytes = bytes;
    e->xxh3 = XXH3_64bits(bytes ? data : "", bytes);
    w->data[w->len++] = data;
}

/* Give every section its place and make the header. */
static struct header lay_out(struct container_writer *w)
{
    size_t at = sizeof(struct header) + w->len * sizeof *w->entries;
    for (uint32_t i = 0; i < w->len; i++) {
        at = align_up(at);
        w->entries[i].offset = at;
        CHECK(!__builtin_add_overflow(at, w->entries[i].bytes, &at));
    }
    struct header h = {.format = CONTAINER_FORMAT,
                       .sections = w->len,
                       .bytes = at,
                       .kind_version = w->kind_version,
                       .table_xxh3 = XXH3_64bits(w->entries, w->len * sizeof *w->entries)};
    memcpy(h.magic, magic, sizeof magic);
    memcpy(h.kind, w->kind, sizeof h.kind);
    h.header_xxh3 = hash_header(&h);
    return h;
}

enum err_code container_write_file(struct container_writer *w, const char *path, struct err *err)
{
    struct header h = lay_out(w);
    struct fs_writer out;
    enum err_code code = fs_writer_open(&out, path, err);
    if (code != ERR_OK)
        return code;
    fs_writer_put(&out, &h, sizeof h);
    fs_writer_put(&out, w->entries, w->len * sizeof *w->entries);
    for (uint32_t i = 0; i < w->len; i++) {
        fs_writer_pad(&out, CONTAINER_ALIGN);
        fs_writer_put(&out, w->data[i], w->entries[i].bytes);
    }
    return fs_writer_commit(&out, err);
}

enum err_code container_write_memory(struct container_writer *w, void **image, size_t *bytes,
                                     struct err *err)
{
    struct header h = lay_out(w);
    char *out = mem_try_aligned(1, h.bytes, CONTAINER_ALIGN);
    if (!out)
        return err_set(err, ERR_MEMORY, "no memory for an image of %" PRIu64 " bytes", h.bytes);
    memcpy(out, &h, sizeof h);
    memcpy(out + sizeof h, w->entries, w->len * sizeof *w->entries);
    for (uint32_t i = 0; i < w->len; i++)
        if (w->entries[i].bytes)
            memcpy(out + w->entries[i].offset, w->data[i], w->entries[i].bytes);
    *image = out;
    *bytes = h.bytes;
    return ERR_OK;
}

/* --- reading --------------------------------------------------------------------------------- */

struct container {
    const char *data; /* [bytes] */
    size_t bytes;
    const struct header *header;
    const struct container_entry *entries; /* [header->sections] */
    struct fs_map map;                     /* open_file's */
};

static enum err_code check_header(const struct container *c, struct err *err)
{
    if (c->bytes < sizeof(struct header))
        return err_set(err, ERR_CORRUPT, "%zu bytes are too few for a header", c->bytes);
    const struct header *h = c->header;
    if (memcmp(h->magic, magic, sizeof magic) != 0)
        return err_set(err, ERR_CORRUPT, "it does not begin as our files do");
    if (h->format != CONTAINER_FORMAT)
        return err_set(err, ERR_UNSUPPORTED, "its format is %" PRIu32 ", this program reads %d",
                       h->format, CONTAINER_FORMAT);
    if (h->header_xxh3 != hash_header(h))
        return err_set(err, ERR_CORRUPT, "the header fails its checksum");
    if (h->bytes != c->bytes)
        return err_set(err, ERR_CORRUPT, "%zu bytes where the header says %" PRIu64, c->bytes,
                       h->bytes);
    if (!is_name(h->kind, sizeof h->kind) || h->zero != 0)
        return err_set(err, ERR_CORRUPT, "the header is malformed");
    if (h->sections > CONTAINER_MAX_SECTIONS ||
        h->sections > (c->bytes - sizeof *h) / sizeof *c->entries)
        return err_set(err, ERR_CORRUPT, "%" PRIu32 " sections do not fit", h->sections);
    if (XXH3_64bits(c->entries, h->sections * sizeof *c->entries) != h->table_xxh3)
        return err_set(err, ERR_CORRUPT, "the table of sections fails its checksum");
    return ERR_OK;
}

static bool name_is_taken(const struct container *c, uint32_t before, const char *name)
{
    for (uint32_t i = 0; i < before; i++)
        if (memcmp(c->entries[i].name, name, sizeof c->entries[i].name) == 0)
            return true;
    return false;
}

static bool is_zero(const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p[i] != 0)
            return false;
    return true;
}

/* Every section stands exactly where the writer would have put it. */
static enum err_code check_entries(const struct container *c, struct err *err)
{
    size_t at = sizeof(struct header) + c->header->sections * sizeof *c->entries;
    for (uint32_t i = 0; i < c->header->sections; i++) {
        const struct container_entry *e = &c->entries[i];
        if (!is_name(e->name, sizeof e->name) || name_is_taken(c, i, e->name))
            return err_set(err, ERR_CORRUPT, "section %" PRIu32 " has a bad name", i);
        uint64_t bytes;
        if (e->elem_bytes == 0 || e->zero != 0 ||
            __builtin_mul_overflow(e->count, (uint64_t)e->elem_bytes, &bytes) || bytes != e->bytes)
            return err_set(err, ERR_CORRUPT, "section \"%s\" has a malformed entry", e->name);
        size_t start = align_up(at);
        if (e->offset != start || start > c->bytes || e->bytes > c->bytes - start)
            return err_set(err, ERR_CORRUPT, "section \"%s\" is not where it must be", e->name);
        if (!is_zero(c->data + at, start - at))
            return err_set(err, ERR_CORRUPT, "the space before section \"%s\" is not zero",
                           e->name);
        at = start + e->bytes;
    }
    if (at != c->bytes)
        return err_set(err, ERR_CORRUPT, "%zu bytes follow the last section", c->bytes - at);
    return ERR_OK;
}

/* Check what c->data holds; on success *out takes c. */
static enum err_code open_image(struct container *c, unsigned flags, struct container **out,
                                struct err *err)
{
    c->header = (const struct header *)c->data;
    c->entries = (const struct container_entry *)(c->data + sizeof(struct header));
    enum err_code code = check_header(c, err);
    if (code == ERR_OK)
        code = check_entries(c, err);
    if (code == ERR_OK && (flags & CONTAINER_CHECKSUMS))
        code = container_verify(c, err);
    if (code == ERR_OK)
        *out = c;
    else
        container_close(c);
    return code;
}

enum err_code container_open_file(const char *path, unsigned flags, struct container **out,
                                  struct err *err)
{
    struct fs_map map;
    enum err_code code = fs_map_open(&map, path, FS_NORMAL, err);
    if (code != ERR_OK)
        return code;
    struct container *c = MEM_NEW(struct container);
    *c = (struct container){.data = (const char *)map.data, .bytes = map.bytes, .map = map};
    code = open_image(c, flags, out, err);
    return code == ERR_OK ? ERR_OK : err_prefix(err, code, "%s", path);
}

enum err_code container_open_memory(const void *image, size_t bytes, unsigned flags,
                                    struct container **out, struct err *err)
{
    CHECK((uintptr_t)image % CONTAINER_ALIGN == 0);
    struct container *c = MEM_NEW(struct container);
    *c = (struct container){.data = image, .bytes = bytes};
    return open_image(c, flags, out, err);
}

void container_close(struct container *c)
{
    if (!c)
        return;
    fs_map_close(&c->map);
    mem_free(c);
}

enum err_code container_verify(const struct container *c, struct err *err)
{
    for (uint32_t i = 0; i < c->header->sections; i++) {
        const struct container_entry *e = &c->entries[i];
        if (XXH3_64bits(c->data + e->offset, e->bytes) != e->xxh3)
            return err_set(err, ERR_CORRUPT, "section \"%s\" fails its checksum", e->name);
    }
    return ERR_OK;
}

enum err_code container_expect(const struct container *c, const char *kind, uint32_t kind_version,
                               struct err *err)
{
    if (strcmp(c->header->kind, kind) != 0)
        return err_set(err, ERR_CORRUPT, "it is a \"%s\", not a \"%s\"", c->header->kind, kind);
    if (c->header->kind_version != kind_version)
        return err_set(err, ERR_UNSUPPORTED,
                       "this \"%s\" is of version %" PRIu32 ", this program reads %" PRIu32, kind,
                       c->header->kind_version, kind_version);
    return ERR_OK;
}

const char *container_kind(const struct container *c)
{
    return c->header->kind;
}

uint32_t container_kind_version(const struct container *c)
{
    return c->header->kind_version;
}

size_t container_bytes(const struct container *c)
{
    return c->bytes;
}

const struct container_entry *container_entries(const struct container *c, size_t *len)
{
    *len = c->header->sections;
    return c->entries;
}

enum err_code container_section(const struct container *c, const char *name, size_t elem_bytes,
                                const void **data, size_t *count, struct err *err)
{
    for (uint32_t i = 0; i < c->header->sections; i++) {
        const struct container_entry *e = &c->entries[i];
        if (strcmp(e->name, name) != 0)
            continue;
        if (e->elem_bytes != elem_bytes)
            return err_set(err, ERR_CORRUPT,
                           "section \"%s\" has elements of %" PRIu32 " bytes, not %zu", name,
                           e->elem_bytes, elem_bytes);
        *data = c->data + e->offset;
        *count = e->count;
        return ERR_OK;
    }
    return err_set(err, ERR_NOT_FOUND, "there is no section \"%s\"", name);
}

enum err_code container_section_of(const struct container *c, const char *name, size_t elem_bytes,
                                   const void **data, size_t count, struct err *err)
{
    const void *found;
    size_t n;
    enum err_code code = container_section(c, name, elem_bytes, &found, &n, err);
    if (code != ERR_OK)
        return code;
    if (n != count)
        return err_set(err, ERR_CORRUPT, "section \"%s\" has %zu elements, not %zu", name, n,
                       count);
    *data = found;
    return ERR_OK;
}

void container_warm(const struct container *c)
{
    if (c->map.data)
        fs_map_advise(&c->map, 0, c->bytes, FS_WILLNEED);
}
