#include "http/chars.h"

/* clang-format off */
enum {
    T = CHAR_TOKEN, F = CHAR_FIELD, U = CHAR_TARGET, H = CHAR_HOST, I = CHAR_ID, X = CHAR_HEX,
    ALL = T | F | U | H | I, /* letters */
    SUB = T | F | U | H,     /* allowed everywhere but in ids */
};

const uint8_t http_chars[256] = {
    ['\t'] = F, [' '] = F,
    ['!'] = SUB, ['"'] = F, ['#'] = T | F, ['$'] = SUB, ['%'] = SUB, ['&'] = SUB, ['\''] = SUB,
    ['('] = F | U | H, [')'] = F | U | H, ['*'] = SUB, ['+'] = SUB, [','] = F | U | H, ['-'] = ALL,
    ['.'] = ALL, ['/'] = F | U, ['0' ... '9'] = ALL | X, [':'] = F | U | H, [';'] = F | U | H,
    ['<'] = F, ['='] = F | U | H, ['>'] = F, ['?'] = F | U, ['@'] = F | U,
    ['A' ... 'F'] = ALL | X, ['G' ... 'Z'] = ALL, ['['] = F | U | H, ['\\'] = F | U, [']'] = F | U | H,
    ['^'] = T | F | U, ['_'] = ALL, ['`'] = T | F | U, ['a' ... 'f'] = ALL | X, ['g' ... 'z'] = ALL,
    ['{'] = F | U, ['|'] = T | F | U, ['}'] = F | U, ['~'] = SUB, [0x80 ... 0xff] = F,
};
/* clang-format on */

bool http_list_next(struct str *rest, struct str *element)
{
    while (rest->p) {
        *element = str_trim(str_split(rest, ','));
        if (element->n)
            return true;
    }
    return false;
}
