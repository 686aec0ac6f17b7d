/* Any character set that ICU knows, to UTF-8. */
#include <stdio.h>
#include <unicode/ucnv.h>
#include <unicode/ustring.h>

#include "base/mem.h"
#include "ingest/source.h"

#include "base/check.h"

/* No byte becomes more than one unit, but a converter may hold a few back. */
enum { UNITS = SOURCE_BLOCK + 64 };

struct decode {
    struct source *below;
    bool looked;
    char *in; /* [SOURCE_BLOCK] bytes of below, [at, end) not used yet */
    size_t at, end;
    bool below_ended;
    UConverter *conv; /* NULL: UTF-8, passed through */
    UChar *units;     /* [UNITS] UTF-16 */
    char *utf8;       /* [3 * UNITS + 1] decoded, [out_at, out_end) not given yet */
    size_t out_at, out_end;
    char charset[64]; /* asked for, "" for none */
};

static enum err_code open_converter(struct decode *d, const char *name, struct err *err)
{
    UErrorCode e = U_ZERO_ERROR;
    d->conv = ucnv_open(name, &e);
    if (U_SUCCESS(e))
        ucnv_setToUCallBack(d->conv, UCNV_TO_U_CALLBACK_STOP, NULL, NULL, NULL, &e);
    if (U_FAILURE(e)) {
        char quoted[48];
        return err_set(err, ERR_UNSUPPORTED, "unknown character set '%s'",
                       err_quote(quoted, sizeof quoted, name, strlen(name)));
    }
    d->units = mem_new(UNITS, sizeof *d->units);
    d->utf8 = mem_new(3 * UNITS + 1, 1);
    return ERR_OK;
}

static bool is_utf8(const char *name)
{
    return ucnv_compareNames(name, "UTF-8") == 0 || ucnv_compareNames(name, "US-ASCII") == 0;
}

/* The encoding that an XML declaration names, if the text begins with one. */
static bool xml_encoding(struct str head, char name[64])
{
    if (!str_starts(head, STR_LIT("<?xml")))
        return false;
    size_t close = str_find(head, '>', 0);
    struct str decl = {head.p, close == SIZE_MAX ? head.n : close};
    size_t at = str_search(decl, STR_LIT("encoding"));
    if (at == SIZE_MAX)
        return false;
    struct str rest = str_trim((struct str){decl.p + at + 8, decl.n - at - 8});
    if (rest.n < 3 || rest.p[0] != '=')
        return false;
    rest = str_trim((struct str){rest.p + 1, rest.n - 1});
    size_t end = rest.n ? str_find(rest, rest.p[0], 1) : SIZE_MAX;
    if (end == SIZE_MAX || end < 2 || end > 63)
        return false;
    memcpy(name, rest.p + 1, end - 1);
    name[end - 1] = '\0';
    return true;
}

static enum err_code fill(struct decode *d, struct err *err)
{
    size_t n;
    enum err_code rc = source_read(d->below, d->in + d->end, SOURCE_BLOCK - d->end, &n, err);
    if (rc == ERR_OK) {
        d->end += n;
        d->below_ended = n == 0;
    }
    return rc;
}

/* Byte order marks win over the XML declaration, and what was asked for wins over both, but for the
 * mark of UTF-8, which is never text. */
static enum err_code look(struct decode *d, struct err *err)
{
    enum { HEAD = 256 };
    d->looked = true;
    while (d->end < HEAD && !d->below_ended) {
        enum err_code rc = fill(d, err);
        if (rc != ERR_OK)
            return rc;
    }
    struct str head = {d->in, d->end < HEAD ? d->end : HEAD};
    char named[64];
    if (str_starts(head, STR_LIT("\xef\xbb\xbf"))) {
        d->at = 3;
        if (d->conv)
            ucnv_close(d->conv);
        d->conv = NULL;
        return ERR_OK;
    }
    if (d->charset[0])
        return ERR_OK;
    if (str_starts(head, STR_LIT("\xff\xfe")) || str_starts(head, STR_LIT("\xfe\xff")))
        return open_converter(d, "UTF-16", err);
    if (xml_encoding(head, named) && !is_utf8(named))
        return open_converter(d, named, err);
    return ERR_OK;
}

/* Convert what is in the block. The converter stops at bytes that mean nothing: they become one
 * 0xFF, which no UTF-8 text holds. */
static enum err_code convert(struct decode *d, struct err *err)
{
    const char *src = d->in + d->at, *end = d->in + d->end;
    UChar *to = d->units;
    UErrorCode e = U_ZERO_ERROR;
    ucnv_toUnicode(d->conv, &to, d->units + UNITS, &src, end, NULL, d->below_ended, &e);
    d->at = (size_t)(src - d->in);
    bool bad =
        e == U_ILLEGAL_CHAR_FOUND || e == U_INVALID_CHAR_FOUND || e == U_TRUNCATED_CHAR_FOUND;
    if (U_FAILURE(e) && e != U_BUFFER_OVERFLOW_ERROR && !bad)
        return err_set(err, ERR_INTERNAL, "cannot decode: %s", u_errorName(e));
    int32_t bytes = 0;
    e = U_ZERO_ERROR;
    u_strToUTF8WithSub(d->utf8, 3 * UNITS, &bytes, d->units, (int32_t)(to - d->units), 0xFFFD, NULL,
                       &e);
    if (U_FAILURE(e))
        return err_set(err, ERR_INTERNAL, "cannot decode: %s", u_errorName(e));
    d->out_at = 0;
    d->out_end = (size_t)bytes;
    if (bad)
        d->utf8[d->out_end++] = (char)0xff;
    return ERR_OK;
}

static enum err_code next_block(struct decode *d, struct err *err)
{
    if (d->at == d->end && !d->below_ended) {
        d->at = d->end = 0;
        return fill(d, err);
    }
    return ERR_OK;
}

static enum err_code decode_read(void *self, char *out, size_t cap, size_t *n, struct err *err)
{
    struct decode *d = self;
    enum err_code rc = d->looked ? ERR_OK : look(d, err);
    if (rc != ERR_OK)
        return rc;
    if (!d->conv) {
        if (d->at == d->end)
            return d->below_ended ? ERR_OK : source_read(d->below, out, cap, n, err);
        *n = d->end - d->at < cap ? d->end - d->at : cap;
        memcpy(out, d->in + d->at, *n);
        d->at += *n;
        return ERR_OK;
    }
    while (d->out_at == d->out_end) {
        bool last = d->below_ended && d->at == d->end;
        rc = next_block(d, err);
        if (rc == ERR_OK)
            rc = convert(d, err);
        if (rc != ERR_OK)
            return rc;
        if (last && d->out_at == d->out_end)
            return ERR_OK;
    }
    *n = d->out_end - d->out_at < cap ? d->out_end - d->out_at : cap;
    memcpy(out, d->utf8 + d->out_at, *n);
    d->out_at += *n;
    return ERR_OK;
}

static void decode_close(void *self)
{
    struct decode *d = self;
    if (d->conv)
        ucnv_close(d->conv);
    source_close(d->below);
    mem_free(d->utf8);
    mem_free(d->units);
    mem_free(d->in);
    mem_free(d);
}

enum err_code source_decode(struct source **out, struct source *below, const char *charset,
                            struct err *err)
{
    struct decode *d = MEM_NEW(struct decode);
    d->below = below;
    d->in = mem_new(SOURCE_BLOCK, 1);
    snprintf(d->charset, sizeof d->charset, "%s", charset ? charset : "");
    /* An unknown name is the caller's mistake: it is said before the first byte is read. */
    if (d->charset[0] && !is_utf8(d->charset)) {
        enum err_code rc = open_converter(d, d->charset, err);
        if (rc != ERR_OK) {
            decode_close(d);
            return rc;
        }
    }
    *out = source_new(decode_read, decode_close, d);
    return ERR_OK;
}
