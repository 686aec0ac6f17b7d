#include <ctype.h>
#include <math.h>

#include "base/clock.h"
#include "rank/filter_int.h"

enum token_kind { T_END, T_WORD, T_TEXT, T_NUMBER, T_SYMBOL };

struct token {
    enum token_kind kind;
    struct str text; /* of T_TEXT: decoded */
    size_t at;       /* byte offset, for messages */
};

struct parser {
    struct str in;
    size_t next; /* byte behind the current token */
    struct token now;
    struct arena *arena;
    struct err *err;
    enum err_code code; /* the first failure sticks */
    uint32_t terms;
    uint32_t depth;
};

/* --- failures -------------------------------------------------------------------------------- */

/* Characters before a byte offset, plus one. */
static size_t place(struct str in, size_t at)
{
    size_t n = 1;
    for (size_t i = 0; i < at; i++)
        n += ((unsigned char)in.p[i] & 0xc0) != 0x80;
    return n;
}

static bool fail_at(struct parser *p, size_t at, enum err_code code, const char *what)
{
    if (p->code == ERR_OK)
        p->code = err_set(p->err, code, "filter, character %zu: %s", place(p->in, at), what);
    return false;
}

static bool fail(struct parser *p, const char *what)
{
    return fail_at(p, p->now.at, ERR_INVALID, what);
}

static void *allocate(struct parser *p, size_t n, size_t size)
{
    void *at = n <= SIZE_MAX / size ? arena_try_alloc(p->arena, n * size) : NULL;
    if (!at)
        fail_at(p, p->now.at, ERR_LIMIT, "the filter is too large");
    return at;
}

/* --- tokens ---------------------------------------------------------------------------------- */

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '.' || c == '-' || (c & 0x80);
}

/* A quoted text from p->in.p[at] == '"' on. */
static bool read_text(struct parser *p, size_t at)
{
    char *out = allocate(p, p->in.n - at + 1, 1);
    size_t n = 0, i = at + 1;
    if (!out)
        return false;
    for (; i < p->in.n && p->in.p[i] != '"'; i++) {
        if (p->in.p[i] == '\\') {
            i++;
            if (i == p->in.n || (p->in.p[i] != '"' && p->in.p[i] != '\\'))
                return fail_at(p, i, ERR_INVALID, "only \\\" and \\\\ may follow a backslash");
        }
        out[n++] = p->in.p[i];
    }
    if (i == p->in.n)
        return fail_at(p, at, ERR_INVALID, "the text has no closing quote");
    p->now = (struct token){T_TEXT, {out, n}, at};
    p->next = i + 1;
    return true;
}

static bool advance(struct parser *p)
{
    struct str in = p->in;
    size_t at = p->next;
    while (at < in.n && isspace((unsigned char)in.p[at]))
        at++;
    p->now = (struct token){T_END, {NULL, 0}, at};
    p->next = at;
    if (at == in.n)
        return true;
    if (in.p[at] == '"')
        return read_text(p, at);
    size_t end = at;
    if (is_word(in.p[at])) {
        double number;
        while (end < in.n && is_word(in.p[end]))
            end++;
        p->now.text = (struct str){in.p + at, end - at};
        p->now.kind = str_parse_double(p->now.text, &number, NULL) == ERR_OK ? T_NUMBER : T_WORD;
    } else {
        static const char *const symbols[] = {"!=", "<=", ">=", "=", "<", ">",
                                              "(",  ")",  "[",  "]", ",", "%"};
        size_t i = 0;
        while (i < sizeof symbols / sizeof *symbols &&
               !str_starts((struct str){in.p + at, in.n - at}, str_of(symbols[i])))
            i++;
        if (i == sizeof symbols / sizeof *symbols)
            return fail_at(p, at, ERR_INVALID, "unexpected character");
        end = at + strlen(symbols[i]);
        p->now.kind = T_SYMBOL;
        p->now.text = (struct str){in.p + at, end - at};
    }
    p->next = end;
    return true;
}

static bool is_keyword(const struct parser *p, const char *word)
{
    return p->now.kind == T_WORD && str_eq_nocase(p->now.text, str_of(word));
}

static bool is_symbol(const struct parser *p, const char *symbol)
{
    return p->now.kind == T_SYMBOL && str_is(p->now.text, symbol);
}

static bool expect_symbol(struct parser *p, const char *symbol, const char *what)
{
    return is_symbol(p, symbol) ? advance(p) : fail(p, what);
}

/* --- terms ----------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    enum filter_field field;
} fields[] = {
    {"id", FIELD_ID},
    {"group_id", FIELD_GROUP},
    {"brand", FIELD_FACET},
    {"category", FIELD_FACET},
    {"tags", FIELD_FACET},
    {"supplier_id", FIELD_FACET},
    {"price", FIELD_PRICE},
    {"list_price", FIELD_LIST_PRICE},
    {"discount", FIELD_DISCOUNT},
    {"stock", FIELD_STOCK},
    {"in_stock", FIELD_IN_STOCK},
    {"rating", FIELD_RATING},
    {"created_at", FIELD_CREATED_AT},
};

/* What a shopper may have done; each stands for the events that say so. */
static const struct {
    const char *name;
    uint32_t types;
} acts[] = {
    {"viewed", 1u << EVENT_VIEW | 1u << EVENT_CLICK},
    {"favourited", 1u << EVENT_FAVOURITE},
    {"carted", 1u << EVENT_ADD_TO_CART},
    {"purchased", 1u << EVENT_PURCHASE},
};

static bool is_amount(enum filter_field field)
{
    return field == FIELD_PRICE || field == FIELD_LIST_PRICE;
}

static bool is_textual(enum filter_field field)
{
    return field == FIELD_ID || field == FIELD_GROUP || field == FIELD_FACET;
}

static bool read_field(struct parser *p, struct filter *f)
{
    if (p->now.kind != T_WORD)
        return fail(p, "expected a field");
    struct str name = p->now.text, prefix = STR_LIT("attributes.");
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if (str_eq_nocase(name, str_of(fields[i].name))) {
            f->field = fields[i].field;
            f->facet = str_of(fields[i].name);
            return advance(p);
        }
    for (size_t i = 0; i < sizeof acts / sizeof *acts; i++)
        if (str_eq_nocase(name, str_of(acts[i].name))) {
            f->field = FIELD_ACT;
            f->acts = acts[i].types;
            return advance(p);
        }
    if (!str_starts(name, prefix) || name.n == prefix.n)
        return fail(p, "there is no such field");
    f->field = FIELD_FACET;
    f->facet = name;
    return advance(p);
}

/* Behind an amount may stand its currency: then it was in major units. All amounts of a term have the same
 * one, or none. */
static bool read_currency(struct parser *p, struct filter *f, size_t at, double *amount)
{
    currency_code currency = 0;
    if (p->now.kind == T_WORD && currency_of(p->now.text, &currency) && !advance(p))
        return false;
    if (f->amounts++ && currency != f->currency)
        return fail_at(p, at, ERR_INVALID, "the amounts of a term are of one currency");
    f->currency = currency;
    if (currency == 0)
        return true;
    for (int digits = currency_exponent(currency); digits > 0; digits--)
        *amount *= 10;
    *amount = round(*amount * 1e6) / 1e6; /* 49.9 * 100 is 4990 */
    return true;
}

/* What may stand behind a number. */
static bool read_unit(struct parser *p, struct filter *f, size_t at, double *number)
{
    if (f->field == FIELD_DISCOUNT && is_symbol(p, "%"))
        return advance(p);
    return !is_amount(f->field) || read_currency(p, f, at, number);
}

/* A time without quotes is one word where it has no ':'. */
static bool is_time(const struct parser *p, int64_t *us)
{
    return (p->now.kind == T_TEXT || p->now.kind == T_WORD) &&
           clock_parse_iso(p->now.text, us, NULL) == ERR_OK;
}

/* A number, a truth value or a time, as the field wants it. */
static bool read_number(struct parser *p, struct filter *f, double *out)
{
    int64_t us;
    size_t at = p->now.at;
    if (p->now.kind == T_NUMBER) {
        if (str_parse_double(p->now.text, out, NULL) != ERR_OK)
            return fail(p, "expected a number");
        return advance(p) && read_unit(p, f, at, out);
    } else if (f->field == FIELD_IN_STOCK && (is_keyword(p, "true") || is_keyword(p, "false"))) {
        *out = is_keyword(p, "true");
    } else if (f->field == FIELD_CREATED_AT && is_time(p, &us)) {
        *out = (double)us;
    } else {
        return fail(p, f->field == FIELD_CREATED_AT ? "expected a time in quotes"
                       : f->field == FIELD_IN_STOCK ? "expected true or false"
                                                    : "expected a number");
    }
    return advance(p);
}

static bool read_value(struct parser *p, struct filter *f, struct str *texts, double *numbers)
{
    if (!is_textual(f->field)) {
        f->numbers_len++;
        return read_number(p, f, &numbers[f->numbers_len - 1]);
    }
    if (p->now.kind != T_TEXT && p->now.kind != T_WORD && p->now.kind != T_NUMBER)
        return fail(p, "expected a value");
    texts[f->values_len++] = p->now.text;
    return advance(p);
}

static bool read_values(struct parser *p, struct filter *f, bool list)
{
    size_t cap = list ? FILTER_VALUES_MAX : 1;
    struct str *texts = allocate(p, cap, sizeof *texts);
    double *numbers = allocate(p, cap, sizeof *numbers);
    if (!texts || !numbers)
        return false;
    f->op = FILTER_EQ;
    f->values = texts;
    f->numbers = numbers;
    if (!list)
        return read_value(p, f, texts, numbers);
    const char *close = is_symbol(p, "[") ? "]" : ")";
    if (!is_symbol(p, "[") && !is_symbol(p, "("))
        return fail(p, "expected ( or [ behind IN");
    if (!advance(p))
        return false;
    for (;;) {
        if (f->values_len + f->numbers_len == cap)
            return fail_at(p, p->now.at, ERR_LIMIT, "too many values");
        if (!read_value(p, f, texts, numbers))
            return false;
        if (is_symbol(p, close))
            return advance(p);
        if (!expect_symbol(p, ",", *close == ')' ? "expected , or )" : "expected , or ]"))
            return false;
    }
}

/* Ranges compare numbers: an attribute is then one of numbers. */
static bool want_numbers(struct parser *p, struct filter *f)
{
    if (f->field == FIELD_FACET && str_starts(f->facet, STR_LIT("attributes.")))
        f->field = FIELD_ATTRIBUTE_NUMBER;
    return !is_textual(f->field) || fail(p, "this field has no order: use = or IN");
}

static bool read_range(struct parser *p, struct filter *f)
{
    struct str symbol = p->now.text;
    double bound;
    f->op = FILTER_RANGE;
    f->range = (struct filter_range){-INFINITY, INFINITY, false, false};
    if (!want_numbers(p, f))
        return false;
    if (is_keyword(p, "BETWEEN")) {
        if (!advance(p) || !read_number(p, f, &f->range.low))
            return false;
        if (!is_keyword(p, "AND"))
            return fail(p, "expected AND in BETWEEN");
        return advance(p) && read_number(p, f, &f->range.high);
    }
    if (!advance(p) || !read_number(p, f, &bound))
        return false;
    bool open = symbol.n == 1;
    if (symbol.p[0] == '<') {
        f->range.high = bound;
        f->range.high_open = open;
    } else {
        f->range.low = bound;
        f->range.low_open = open;
    }
    return true;
}

/* "30d" to microseconds. */
static bool read_span(struct parser *p, int64_t *us)
{
    static const struct {
        char unit;
        int64_t us;
    } units[] = {{'m', 60 * CLOCK_US_PER_S},
                 {'h', 3600 * CLOCK_US_PER_S},
                 {'d', CLOCK_US_PER_DAY},
                 {'w', 7 * CLOCK_US_PER_DAY}};
    struct str text = p->now.text;
    int64_t n;
    for (size_t i = 0; i < sizeof units / sizeof *units && p->now.kind == T_WORD; i++) {
        int64_t most = FILTER_SPAN_DAYS_MAX * CLOCK_US_PER_DAY / units[i].us;
        if (text.p[text.n - 1] != units[i].unit ||
            str_parse_i64((struct str){text.p, text.n - 1}, 1, most, &n, NULL) != ERR_OK)
            continue;
        *us = n * units[i].us;
        return advance(p);
    }
    return fail(p, "expected a span of time: 30d, 12h, 90m, 2w");
}

static bool read_within(struct parser *p, struct filter *f)
{
    f->op = FILTER_WITHIN;
    return advance(p) && read_span(p, &f->within_us);
}

static bool read_act(struct parser *p, struct filter *f)
{
    f->op = FILTER_EXISTS;
    return !is_keyword(p, "WITHIN") || read_within(p, f);
}

static bool read_exists(struct parser *p, struct filter *f)
{
    f->op = FILTER_EXISTS;
    if (f->field != FIELD_FACET && f->field != FIELD_PRICE && f->field != FIELD_LIST_PRICE &&
        f->field != FIELD_STOCK && f->field != FIELD_RATING)
        return fail(p, "every product has this field");
    return advance(p);
}

static const struct filter *negate(struct parser *p, const struct filter *f)
{
    struct filter *n = f ? allocate(p, 1, sizeof *n) : NULL;
    if (n)
        *n = (struct filter){.kind = FILTER_NOT, .left = f};
    return n;
}

/* What stands behind the field. *negated tells that the term is to be turned round. */
static bool read_condition(struct parser *p, struct filter *f, bool *negated)
{
    if (f->field == FIELD_ACT)
        return read_act(p, f);
    if (is_symbol(p, "="))
        return advance(p) && read_values(p, f, false);
    *negated = is_symbol(p, "!=") || is_keyword(p, "NOT");
    if (is_symbol(p, "!="))
        return advance(p) && read_values(p, f, false);
    if (*negated && !advance(p))
        return false;
    if (is_keyword(p, "IN"))
        return advance(p) && read_values(p, f, true);
    if (*negated)
        return fail(p, "expected IN behind NOT");
    if (is_keyword(p, "EXISTS"))
        return read_exists(p, f);
    if (f->field == FIELD_CREATED_AT && is_keyword(p, "WITHIN"))
        return read_within(p, f);
    if (is_symbol(p, "<") || is_symbol(p, "<=") || is_symbol(p, ">") || is_symbol(p, ">=") ||
        is_keyword(p, "BETWEEN"))
        return read_range(p, f);
    return fail(p, "expected an operator");
}

static const struct filter *parse_term(struct parser *p)
{
    struct filter *f = allocate(p, 1, sizeof *f);
    size_t begin = p->now.at;
    bool negated = false;
    if (!f)
        return NULL;
    *f = (struct filter){.kind = FILTER_TERM, .index = p->terms};
    if (++p->terms > FILTER_TERMS_MAX) {
        fail_at(p, p->now.at, ERR_LIMIT, "too many terms");
        return NULL;
    }
    if (!read_field(p, f) || !read_condition(p, f, &negated))
        return NULL;
    f->text = str_trim((struct str){p->in.p + begin, p->now.at - begin});
    return negated ? negate(p, f) : f;
}

/* --- expressions ----------------------------------------------------------------------------- */

static const struct filter *parse_or(struct parser *p);

static const struct filter *parse_not(struct parser *p)
{
    if (is_keyword(p, "NOT")) {
        if (++p->depth > FILTER_DEPTH_MAX) {
            fail_at(p, p->now.at, ERR_LIMIT, "nested too deeply");
            return NULL;
        }
        const struct filter *f = advance(p) ? parse_not(p) : NULL;
        p->depth--;
        return negate(p, f);
    }
    if (!is_symbol(p, "("))
        return parse_term(p);
    if (++p->depth > FILTER_DEPTH_MAX) {
        fail_at(p, p->now.at, ERR_LIMIT, "nested too deeply");
        return NULL;
    }
    const struct filter *f = advance(p) ? parse_or(p) : NULL;
    p->depth--;
    return f && expect_symbol(p, ")", "expected )") ? f : NULL;
}

static const struct filter *join(struct parser *p, enum filter_kind kind, const struct filter *left,
                                 const struct filter *right)
{
    struct filter *f = left && right ? allocate(p, 1, sizeof *f) : NULL;
    if (f)
        *f = (struct filter){.kind = kind, .left = left, .right = right};
    return f;
}

static const struct filter *parse_and(struct parser *p)
{
    const struct filter *f = parse_not(p);
    while (f && is_keyword(p, "AND"))
        f = join(p, FILTER_AND, f, advance(p) ? parse_not(p) : NULL);
    return f;
}

static const struct filter *parse_or(struct parser *p)
{
    const struct filter *f = parse_and(p);
    while (f && is_keyword(p, "OR"))
        f = join(p, FILTER_OR, f, advance(p) ? parse_and(p) : NULL);
    return f;
}

enum err_code filter_parse(struct str text, struct arena *arena, struct filter **out,
                           struct err *err)
{
    struct parser p = {.in = text, .arena = arena, .err = err};
    size_t bad;
    if (text.n > FILTER_BYTES_MAX)
        return err_set(err, ERR_LIMIT, "the filter is longer than %d bytes", FILTER_BYTES_MAX);
    if (!str_utf8_valid(text, &bad))
        return err_set(err, ERR_INVALID, "the filter is not UTF-8 at byte %zu", bad);
    *out = NULL;
    if (!advance(&p))
        return p.code;
    if (p.now.kind == T_END)
        return ERR_OK;
    const struct filter *f = parse_or(&p);
    if (f && p.now.kind != T_END) {
        fail(&p, "expected AND, OR or the end");
        f = NULL;
    }
    if (!f)
        return p.code;
    *out = (struct filter *)f;
    return ERR_OK;
}

uint32_t filter_terms(const struct filter *f)
{
    uint32_t left, right;
    if (!f)
        return 0;
    if (f->kind == FILTER_TERM)
        return f->index + 1;
    left = filter_terms(f->left);
    right = filter_terms(f->right);
    return left > right ? left : right;
}

/* --- made without text ----------------------------------------------------------------------- */

/* A copy of which the terms are numbered from first on. NULL: no room. */
static const struct filter *renumbered(const struct filter *f, uint32_t first, struct arena *arena)
{
    struct filter *copy = arena_try_alloc(arena, sizeof *copy);
    if (!copy)
        return NULL;
    *copy = *f;
    if (f->kind == FILTER_TERM) {
        copy->index = f->index + first;
        return copy;
    }
    copy->left = renumbered(f->left, first, arena);
    copy->right = f->right ? renumbered(f->right, first, arena) : NULL;
    return copy->left && (copy->right || !f->right) ? copy : NULL;
}

enum err_code filter_both(const struct filter *a, const struct filter *b, struct arena *arena,
                          const struct filter **out, struct err *err)
{
    *out = a ? a : b;
    if (!a || !b)
        return ERR_OK;
    struct filter *both = arena_try_alloc(arena, sizeof *both);
    const struct filter *right = both ? renumbered(b, filter_terms(a), arena) : NULL;
    if (!right)
        return err_set(err, ERR_LIMIT, "the filter does not fit");
    *both = (struct filter){.kind = FILTER_AND, .left = a, .right = right};
    *out = both;
    return ERR_OK;
}

enum err_code filter_category(struct str path, struct arena *arena, const struct filter **out,
                              struct err *err)
{
    struct filter *f = arena_try_alloc(arena, sizeof *f);
    struct str *value = arena_try_alloc(arena, sizeof *value);
    if (!f || !value)
        return err_set(err, ERR_LIMIT, "the filter does not fit");
    *value = path;
    *f = (struct filter){.kind = FILTER_TERM,
                         .field = FIELD_FACET,
                         .op = FILTER_EQ,
                         .facet = STR_LIT("category"),
                         .values = value,
                         .values_len = 1};
    *out = f;
    return ERR_OK;
}
