#include "text/detect.h"

#include <stdbool.h>

#include "base/check.h"

enum {
    LOOK_BYTES = 1024,
    MIN_HAN = 10,  /* percent of the letters: a brand and a model number may stand around them */
    MAX_KANA = 25, /* percent of the Han characters */
    MIN_ASCII = 80 /* percent of the letters */
};

struct census {
    size_t letters;
    size_t ascii;
    size_t han;
    size_t kana;
};

static bool within(uint32_t cp, uint32_t low, uint32_t high)
{
    return cp >= low && cp <= high;
}

static void count(struct census *c, uint32_t cp)
{
    bool ascii = within(cp | 0x20, 'a', 'z');
    bool han =
        within(cp, 0x3400, 0x9fff) || within(cp, 0xf900, 0xfaff) || within(cp, 0x20000, 0x3ffff);
    bool kana = within(cp, 0x3041, 0x30ff) || within(cp, 0xff66, 0xff9f);
    /* Past Latin-1's signs come letters, but for the blocks of punctuation, symbols and emoji. */
    bool other = within(cp, 0xc0, 0x1fff) || within(cp, 0xac00, 0xd7a3);
    c->letters += ascii || han || kana || other;
    c->ascii += ascii;
    c->han += han;
    c->kana += kana;
}

enum text_language text_detect(struct str text)
{
    struct census c = {0};
    size_t end = text.n < LOOK_BYTES ? text.n : LOOK_BYTES;
    for (size_t at = 0, n; at < end; at += n ? n : 1) {
        uint32_t cp;
        n = str_utf8_next(text.p + at, text.n - at, &cp);
        if (n)
            count(&c, cp);
    }
    if (c.letters == 0)
        return TEXT_LANGUAGE_OTHER;
    if (c.han * 100 >= c.letters * MIN_HAN && c.kana * 100 < c.han * MAX_KANA)
        return TEXT_LANGUAGE_ZH;
    return c.ascii * 100 >= c.letters * MIN_ASCII ? TEXT_LANGUAGE_EN : TEXT_LANGUAGE_OTHER;
}

const char *text_language_code(enum text_language language)
{
    switch (language) {
    case TEXT_LANGUAGE_OTHER:
        return "";
    case TEXT_LANGUAGE_EN:
        return "en";
    case TEXT_LANGUAGE_ZH:
        return "zh";
    }
    UNREACHABLE();
}
