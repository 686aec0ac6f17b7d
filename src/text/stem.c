#include "text/stem_int.h"

#include <libstemmer.h>
#include <string.h>
#include <xxhash.h>

#include "base/mem.h"

enum { STEM_CACHE = 1024, WORD_BYTES = 23 };

struct stem_entry {
    uint8_t word_n; /* 0: empty */
    uint8_t stem_n;
    char word[WORD_BYTES];
    char stem[WORD_BYTES];
};

void stemmer_release(struct stemmer *s)
{
    if (s->english)
        sb_stemmer_delete(s->english);
    mem_free(s->cache);
    *s = (struct stemmer){0};
}

static enum err_code prepare(struct stemmer *s, struct err *err)
{
    if (!s->english)
        s->english = sb_stemmer_new("english", "UTF_8");
    if (!s->cache)
        s->cache = mem_try_new(STEM_CACHE, sizeof *s->cache);
    if (!s->english || !s->cache)
        return err_set(err, ERR_MEMORY, "no memory for the stemmer");
    return ERR_OK;
}

enum err_code stemmer_stem(struct stemmer *s, struct str word, struct str *stem, struct err *err)
{
    if (!s->cache || !s->english) {
        enum err_code code = prepare(s, err);
        if (code)
            return code;
    }
    struct stem_entry *entry = &s->cache[XXH3_64bits(word.p, word.n) % STEM_CACHE];
    if (entry->word_n == word.n && memcmp(entry->word, word.p, word.n) == 0) {
        *stem = (struct str){entry->stem, entry->stem_n};
        return ERR_OK;
    }
    const sb_symbol *made = sb_stemmer_stem(s->english, (const sb_symbol *)word.p, (int)word.n);
    if (!made)
        return err_set(err, ERR_MEMORY, "no memory for the stem of a word");
    *stem = (struct str){(const char *)made, (size_t)sb_stemmer_length(s->english)};
    if (word.n <= WORD_BYTES && stem->n <= WORD_BYTES) {
        memcpy(entry->word, word.p, word.n);
        memcpy(entry->stem, stem->p, stem->n);
        entry->word_n = (uint8_t)word.n;
        entry->stem_n = (uint8_t)stem->n;
    }
    return ERR_OK;
}
