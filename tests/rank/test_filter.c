#include "rank/filter_int.h"

#include <math.h>

#include "base/clock.h"
#include "rank/view_fixture.h"
#include "support/suite.h"
#include "text/fold.h"

/* --- parsing --------------------------------------------------------------------------------- */

static enum err_code parse(const char *text, struct arena *arena, struct filter **out,
                           struct err *err)
{
    return filter_parse(str_of(text), arena, out, err);
}

START_TEST(what_the_grammar_allows_is_taken)
{
    static const char *const good[] = {
        "brand = Acme",
        "brand=\"O\\\"Neil \\\\ Co\"",
        "BRAND != acme",
        "brand in (a, \"b c\", 3)",
        "category = \"Home > Kitchen\"",
        "attributes.color = red AND NOT (tags = sale OR price < 5)",
        "price BETWEEN 1 AND 2 AND stock >= 3",
        "not not in_stock = true",
        "in_stock = FALSE",
        "rating >= 4.5 or discount > 10",
        "created_at > \"2026-01-31T00:00:00Z\"",
        "created_at < 1000",
        "attributes.litres between -1.5 and 2e3",
        "id = SKU-1.2_x",
        "brand = 华为",
        "((((price<=1))))",
        "\tprice\n<\r1 ",
        "category in [\"a\", b] and brand not in (c) AND tags NOT IN [d]",
        "brand exists and not attributes.color EXISTS",
        "price < 49.90 EUR",
        "price between 1 EUR and 2.50 EUR or list_price in (1 JPY, 2 JPY)",
        "price < 5 and stock > 1",
        "discount >= 20%",
        "created_at within 30d and created_at > 2026-01-31",
        "not purchased within 30d",
        "viewed OR carted within 90m and favourited within 2w",
    };
    struct arena arena;
    struct filter *f;
    struct err err;
    arena_init(&arena, 0, 1 << 20);
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        ck_ok(parse(good[i], &arena, &f, &err));
        ck_assert_msg(f != NULL, "%s", good[i]);
    }
    ck_ok(parse("", &arena, &f, &err));
    ck_assert_ptr_null(f);
    ck_ok(parse(" \t\n", &arena, &f, &err));
    ck_assert_ptr_null(f);
    arena_release(&arena);
}
END_TEST

START_TEST(a_mistake_is_reported_with_its_place)
{
    static const struct {
        const char *text;
        int at;
        const char *says;
    } bad[] = {
        {"colour = red", 1, "no such field"},
        {"attributes. = red", 1, "no such field"},
        {"brand", 6, "operator"},
        {"brand red", 7, "operator"},
        {"brand = ", 9, "value"},
        {"brand < red", 7, "no order"},
        {"category between 1 and 2", 10, "no order"},
        {"price = cheap", 9, "number"},
        {"price < nan", 9, "number"},
        {"price < \"5\"", 9, "number"},
        {"price between 1 or 2", 17, "AND"},
        {"in_stock = yes", 12, "true or false"},
        {"created_at > \"yesterday\"", 14, "time"},
        {"brand in red", 10, "( or ["},
        {"brand in [a)", 12, ", or ]"},
        {"brand not a", 11, "IN behind NOT"},
        {"id exists", 4, "every product"},
        {"price < 5 XXZ", 11, "AND, OR or the end"},
        {"price between 1 EUR and 2", 25, "one currency"},
        {"price between 1 and 2 EUR", 21, "one currency"},
        {"price in (1 EUR, 2 JPY)", 18, "one currency"},
        {"rating > 3%", 11, "AND, OR or the end"},
        {"created_at within 30", 19, "span"},
        {"purchased within d", 18, "span"},
        {"purchased within 0d", 18, "span"},
        {"purchased within 36501d", 18, "span"},
        {"purchased = 3", 11, "AND, OR or the end"},
        {"brand within 3d", 7, "operator"},
        {"brand in ()", 11, "value"},
        {"brand in (a b)", 13, ", or )"},
        {"brand in (a,)", 13, "value"},
        {"(brand = a", 11, ")"},
        {"brand = a)", 10, "AND, OR or the end"},
        {"brand = a brand = b", 11, "AND, OR or the end"},
        {"AND brand = a", 1, "no such field"},
        {"brand = a AND", 14, "field"},
        {"NOT", 4, "field"},
        {"brand = \"open", 9, "closing quote"},
        {"brand = \"a\\n\"", 12, "backslash"},
        {"brand = \"a\\", 12, "backslash"},
        {"brand == a", 8, "value"},
        {"brand ! a", 7, "unexpected"},
        {"品牌 = 1", 1, "no such field"},
        {"brand = 华为 ! x", 12, "unexpected"},
        {"brand = a & b", 11, "unexpected"},
    };
    struct arena arena;
    struct filter *f;
    struct err err;
    arena_init(&arena, 0, 1 << 20);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char place[40];
        ck_err(parse(bad[i].text, &arena, &f, &err), ERR_INVALID);
        snprintf(place, sizeof place, "character %d:", bad[i].at);
        ck_assert_msg(strstr(err.msg, place) && strstr(err.msg, bad[i].says),
                      "'%s': '%s', expected %s ... %s", bad[i].text, err.msg, place, bad[i].says);
    }
    ck_err(filter_parse(STR_LIT("brand = \xff"), &arena, &f, &err), ERR_INVALID);
    arena_release(&arena);
}
END_TEST

/* before, n times unit with between in between, after */
static struct str repeat(struct arena *a, const char *before, const char *unit, const char *between,
                         size_t n, const char *after)
{
    struct str text = str_of(before);
    for (size_t i = 0; i < n; i++)
        text = arena_printf(a, "%.*s%s%s", STR_ARG(text), i ? between : "", unit);
    return arena_printf(a, "%.*s%s", STR_ARG(text), after);
}

START_TEST(caps_hold_exactly)
{
    struct arena a;
    struct filter *f;
    struct err err;
    arena_init(&a, 0, 16 << 20);
    ck_ok(filter_parse(repeat(&a, "", "price<1", " or ", FILTER_TERMS_MAX, ""), &a, &f, &err));
    ck_err(filter_parse(repeat(&a, "", "price<1", " or ", FILTER_TERMS_MAX + 1, ""), &a, &f, &err),
           ERR_LIMIT);
    ck_ok(filter_parse(repeat(&a, "price in (", "1", ",", FILTER_VALUES_MAX, ")"), &a, &f, &err));
    ck_err(
        filter_parse(repeat(&a, "price in (", "1", ",", FILTER_VALUES_MAX + 1, ")"), &a, &f, &err),
        ERR_LIMIT);
    ck_ok(filter_parse(repeat(&a, "", "not", " ", FILTER_DEPTH_MAX, " price<1"), &a, &f, &err));
    ck_err(filter_parse(repeat(&a, "", "not", " ", FILTER_DEPTH_MAX + 1, " price<1"), &a, &f, &err),
           ERR_LIMIT);
    ck_err(filter_parse(repeat(&a, "", "(", "", FILTER_DEPTH_MAX + 1, "price<1"), &a, &f, &err),
           ERR_LIMIT);
    ck_err(filter_parse(repeat(&a, "", " ", "", FILTER_BYTES_MAX + 1, ""), &a, &f, &err),
           ERR_LIMIT);
    arena_release(&a);
    arena_init(&a, 0, 200);
    ck_err(parse("price<1 and price<1 and price<1 and price<1", &a, &f, &err), ERR_LIMIT);
    arena_release(&a);
}
END_TEST

/* --- meaning, against an evaluator over the product records ---------------------------------- */

enum { DOCS = 120, FILTERS = 2500, ACTS = 60, SHOPPER = 5 };
#define NOW ((int64_t)1750000000 * 1000000)
enum truth { NO, YES, UNKNOWN };

struct world {
    struct view_fixture shop;
    struct arena arena;
    struct fake *fakes; /* [DOCS] */
    struct user_action acts[ACTS];
    struct rng rng;
    struct str text; /* of the filter that is being made */
};

static void world_init(struct world *w, uint64_t seed)
{
    const struct product *products[DOCS];
    *w = (struct world){0};
    fixture_init(&w->shop);
    arena_init(&w->arena, 0, 256 << 20);
    rng_init(&w->rng, seed);
    w->fakes = fake_catalogue(DOCS, seed, &w->arena);
    for (size_t i = 0; i < DOCS; i++) {
        fixture_trade(&w->fakes[i].product, &w->rng);
        fixture_live(&w->shop, &w->fakes[i].product);
    }
    for (size_t i = 0; i < ACTS; i++) {
        w->acts[i] =
            (struct user_action){w->fakes[rng_below(&w->rng, DOCS)].product.no,
                                 (uint32_t)(NOW / 1000000 - (int64_t)rng_below(&w->rng, 5000000)),
                                 (uint32_t)rng_below(&w->rng, EVENT_TYPES)};
        users_add(w->shop.users, SHOPPER, &w->acts[i]);
    }
    for (size_t half = 0; half < 2; half++) { /* two segments that call things by other ordinals */
        size_t n = 0;
        for (size_t i = half; i < DOCS; i += 2)
            products[n++] = &w->fakes[i].product;
        fixture_index(&w->shop, products, n);
    }
}

static void world_release(struct world *w)
{
    fixture_release(&w->shop);
    arena_release(&w->arena);
}

static void say(struct world *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void say(struct world *w, const char *fmt, ...)
{
    char piece[200];
    va_list args;
    va_start(args, fmt);
    vsnprintf(piece, sizeof piece, fmt, args);
    va_end(args);
    w->text = arena_printf(&w->arena, "%.*s%s", STR_ARG(w->text), piece);
}

static bool same_text(struct str a, struct str b)
{
    struct buf x, y;
    struct err err;
    buf_init(&x, 4096);
    buf_init(&y, 4096);
    ck_ok(text_fold(a, &x, &err));
    ck_ok(text_fold(b, &y, &err));
    bool same = str_eq(buf_str(&x), buf_str(&y));
    buf_release(&x);
    buf_release(&y);
    return same;
}

/* Is the path within the category asked for? */
static bool within(struct str path, struct str category)
{
    while (category.n || path.n) {
        struct str want = str_trim(str_split(&category, '>'));
        struct str have = str_trim(str_split(&path, '>'));
        if (!same_text(want, have))
            return false;
        if (!category.n)
            return true;
    }
    return true;
}

/* What a random term means for each product. */
typedef enum truth term_fn(const struct world *w, const struct fake *f, const void *arg);

struct node {
    enum { TERM, NOT, AND, OR } kind;
    struct node *left, *right;
    term_fn *test;
    const void *arg;
};

struct text_arg {
    const char *facet;
    struct str values[3];
    size_t n;
};

static enum truth test_facet(const struct world *w, const struct fake *f, const void *arg)
{
    const struct text_arg *a = arg;
    (void)w;
    for (size_t i = 0; i < f->values_len; i++)
        for (size_t k = 0; k < a->n; k++)
            if (strcmp(f->values[i].facet, a->facet) == 0 &&
                (strcmp(a->facet, "category") == 0 ? within(f->values[i].text, a->values[k])
                                                   : same_text(f->values[i].text, a->values[k])))
                return YES;
    return NO;
}

static enum truth test_id(const struct world *w, const struct fake *f, const void *arg)
{
    const struct text_arg *a = arg;
    struct str id = f->product.id;
    (void)w;
    if (strcmp(a->facet, "group_id") == 0 && f->product.group_id.n)
        id = f->product.group_id;
    for (size_t k = 0; k < a->n; k++)
        if (str_eq(id, a->values[k]))
            return YES;
    return NO;
}

struct number_arg {
    const char *field;
    double values[3];
    size_t n; /* 0: a range */
    double low, high;
    bool low_open, high_open;
};

static enum truth number_is(const struct number_arg *a, double v)
{
    for (size_t i = 0; i < a->n; i++)
        if (v == a->values[i])
            return YES;
    if (a->n)
        return NO;
    return (v > a->low || (v == a->low && !a->low_open)) &&
                   (v < a->high || (v == a->high && !a->high_open))
               ? YES
               : NO;
}

static enum truth test_number(const struct world *w, const struct fake *f, const void *arg)
{
    const struct number_arg *a = arg;
    const struct product *p = &f->product;
    if (strcmp(a->field, "price") == 0 || strcmp(a->field, "list_price") == 0) {
        int64_t amount = a->field[0] == 'p' ? p->price_minor : p->list_price_minor;
        return amount == STORE_NO_AMOUNT || p->currency != w->shop.shop.currency
                   ? UNKNOWN
                   : number_is(a, (double)amount);
    }
    if (strcmp(a->field, "discount") == 0) {
        if (p->price_minor == STORE_NO_AMOUNT)
            return UNKNOWN;
        double off = p->list_price_minor == STORE_NO_AMOUNT
                         ? 0
                         : 100.0 * (double)(p->list_price_minor - p->price_minor) /
                               (double)p->list_price_minor;
        return number_is(a, off > 0 ? off : 0);
    }
    if (strcmp(a->field, "stock") == 0)
        return p->stock == STORE_STOCK_UNTRACKED ? UNKNOWN : number_is(a, (double)p->stock);
    if (strcmp(a->field, "in_stock") == 0)
        return number_is(a, p->status == PRODUCT_ACTIVE && p->stock != 0);
    if (strcmp(a->field, "rating") == 0)
        return p->rating_count ? number_is(a, p->rating_mean) : UNKNOWN;
    return number_is(a, (double)p->created_at);
}

static enum truth test_attribute(const struct world *w, const struct fake *f, const void *arg)
{
    const struct number_arg *a = arg;
    enum truth t = UNKNOWN;
    (void)w;
    for (size_t i = 0; i < f->values_len; i++)
        if (strcmp(f->values[i].facet, a->field) == 0 && f->values[i].is_number && t != YES)
            t = number_is(a, f->values[i].number);
    return t;
}

/* --- random filters -------------------------------------------------------------------------- */

static struct node *new_node(struct world *w)
{
    return ARENA_NEW(&w->arena, struct node, 1);
}

static void say_word(struct world *w, const char *word)
{
    char as_typed[40];
    size_t n = strlen(word);
    bool upper = rng_below(&w->rng, 2);
    for (size_t i = 0; i <= n; i++)
        as_typed[i] = upper && word[i] >= 'a' && word[i] <= 'z' ? (char)(word[i] - 32) : word[i];
    say(w, " %s ", as_typed);
}

/* "= value", "!= value" or "IN (values)"; returns the node above the term. */
static struct node *say_equal(struct world *w, struct node *term, size_t *n, size_t max)
{
    struct node *top = term;
    *n = 1;
    switch (rng_below(&w->rng, 3)) {
    case 0:
        say(w, "=");
        break;
    case 1:
        say(w, " != ");
        top = new_node(w);
        *top = (struct node){.kind = NOT, .left = term};
        break;
    default:
        *n = 1 + rng_below(&w->rng, max);
        say_word(w, "in");
        say(w, "(");
    }
    return top;
}

static struct node *random_text_term(struct world *w)
{
    static const char *const facets[] = {
        "brand",           "category",        "tags", "supplier_id", "attributes.color",
        "attributes.size", "attributes.none", "id",   "group_id"};
    struct node *term = new_node(w);
    struct text_arg *a = ARENA_NEW(&w->arena, struct text_arg, 1);
    a->facet = facets[rng_below(&w->rng, sizeof facets / sizeof *facets)];
    bool id = strcmp(a->facet, "id") == 0 || strcmp(a->facet, "group_id") == 0;
    *term = (struct node){.kind = TERM, .test = id ? test_id : test_facet, .arg = a};
    say(w, "%s", a->facet);
    struct node *top = say_equal(w, term, &a->n, 3);
    bool list = w->text.p[w->text.n - 1] == '(';
    for (size_t i = 0; i < a->n; i++) {
        const struct fake *f = &w->fakes[rng_below(&w->rng, DOCS)];
        struct str value = STR_LIT("nothing has this");
        if (id)
            value = strcmp(a->facet, "id") == 0 ? f->product.id : f->product.group_id;
        for (size_t k = 0; k < f->values_len; k++)
            if (strcmp(f->values[k].facet, a->facet) == 0)
                value = f->values[k].text;
        if (strcmp(a->facet, "category") == 0 && rng_below(&w->rng, 2))
            value = str_trim(str_split(&value, '>')); /* an ancestor */
        a->values[i] = value;
        say(w, "%s\"%.*s\"", i ? " , " : " ", STR_ARG(value));
    }
    if (list)
        say(w, ")");
    return top;
}

static struct node *say_range(struct world *w, struct node *term, struct number_arg *a, double x,
                              double y)
{
    static const char *const operators[] = {"<", "<=", ">", ">="};
    uint64_t op = rng_below(&w->rng, 5);
    a->low = -INFINITY;
    a->high = INFINITY;
    if (op == 4) {
        say_word(w, "between");
        say(w, "%.17g", x);
        say_word(w, "and");
        say(w, "%.17g", y);
        a->low = x;
        a->high = y;
    } else {
        say(w, "%s%.17g", operators[op], x);
        if (op < 2) {
            a->high = x;
            a->high_open = op == 0;
        } else {
            a->low = x;
            a->low_open = op == 2;
        }
    }
    return term;
}

/* A number that such a field may have. */
static double random_number(struct world *w, const char *field)
{
    const struct product *p = &w->fakes[rng_below(&w->rng, DOCS)].product;
    if (strcmp(field, "price") == 0 || strcmp(field, "list_price") == 0)
        return (double)rng_below(&w->rng, 60) * 100;
    if (strcmp(field, "discount") == 0)
        return (double)rng_below(&w->rng, 5) * 20;
    if (strcmp(field, "stock") == 0)
        return (double)rng_below(&w->rng, 4);
    if (strcmp(field, "rating") == 0)
        return p->rating_mean;
    if (strcmp(field, "created_at") == 0)
        return (double)p->created_at;
    if (strcmp(field, "in_stock") == 0)
        return (double)rng_below(&w->rng, 2);
    return strcmp(field, "attributes.size") == 0 ? 36 + (double)rng_below(&w->rng, 6)
                                                 : (double)rng_below(&w->rng, 40) / 4;
}

static struct node *random_number_term(struct world *w)
{
    static const char *const fields[] = {"price",
                                         "list_price",
                                         "discount",
                                         "stock",
                                         "rating",
                                         "created_at",
                                         "attributes.size",
                                         "attributes.litres",
                                         "attributes.color",
                                         "in_stock"};
    struct node *term = new_node(w);
    struct number_arg *a = ARENA_NEW(&w->arena, struct number_arg, 1);
    a->field = fields[rng_below(&w->rng, sizeof fields / sizeof *fields)];
    bool attribute = strncmp(a->field, "attributes", 10) == 0;
    *term = (struct node){.kind = TERM, .test = attribute ? test_attribute : test_number, .arg = a};
    say(w, "%s", a->field);
    if (attribute || (rng_below(&w->rng, 3) && strcmp(a->field, "in_stock") != 0))
        return say_range(w, term, a, random_number(w, a->field), random_number(w, a->field));
    struct node *top = say_equal(w, term, &a->n, 3);
    bool list = w->text.p[w->text.n - 1] == '(';
    for (size_t i = 0; i < a->n; i++) {
        a->values[i] = random_number(w, a->field);
        say(w, "%s", i ? "," : "");
        if (strcmp(a->field, "in_stock") == 0)
            say_word(w, a->values[i] != 0 ? "true" : "false");
        else
            say(w, "%.17g", a->values[i]);
    }
    if (list)
        say(w, ")");
    return top;
}

/* --- what is there, and what the shopper did ---------------------------------------------------- */

static enum truth test_exists(const struct world *w, const struct fake *f, const void *arg)
{
    const char *field = arg;
    const struct product *p = &f->product;
    (void)w;
    if (strcmp(field, "price") == 0)
        return p->price_minor == STORE_NO_AMOUNT ? NO : YES;
    if (strcmp(field, "stock") == 0)
        return p->stock == STORE_STOCK_UNTRACKED ? NO : YES;
    if (strcmp(field, "rating") == 0)
        return p->rating_count ? YES : NO;
    for (size_t i = 0; i < f->values_len; i++)
        if (strcmp(f->values[i].facet, field) == 0)
            return YES;
    return NO;
}

static struct node *random_exists_term(struct world *w)
{
    static const char *const fields[] = {
        "brand", "attributes.color", "attributes.none", "price", "stock", "rating"};
    struct node *term = new_node(w);
    const char *field = fields[rng_below(&w->rng, sizeof fields / sizeof *fields)];
    *term = (struct node){.kind = TERM, .test = test_exists, .arg = field};
    say(w, "%s", field);
    say_word(w, "exists");
    return term;
}

struct act_arg {
    uint32_t types;
    int64_t within_s; /* 0: ever */
};

static enum truth test_act(const struct world *w, const struct fake *f, const void *arg)
{
    const struct act_arg *a = arg;
    for (size_t i = 0; i < ACTS; i++)
        if (w->acts[i].product_no == f->product.no && a->types >> w->acts[i].type & 1 &&
            (a->within_s == 0 || NOW / 1000000 - (int64_t)w->acts[i].time_s <= a->within_s))
            return YES;
    return NO;
}

static enum truth test_age(const struct world *w, const struct fake *f, const void *arg)
{
    const struct act_arg *a = arg;
    (void)w;
    return NOW - f->product.created_at <= a->within_s * 1000000 ? YES : NO;
}

static struct node *random_time_term(struct world *w)
{
    static const struct {
        const char *name;
        uint32_t types;
    } kinds[] = {{"viewed", 1u << EVENT_VIEW | 1u << EVENT_CLICK},
                 {"favourited", 1u << EVENT_FAVOURITE},
                 {"carted", 1u << EVENT_ADD_TO_CART},
                 {"purchased", 1u << EVENT_PURCHASE},
                 {"created_at", 0}};
    static const struct {
        char name;
        int64_t seconds;
    } units[] = {{'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 7 * 86400}};
    struct node *term = new_node(w);
    struct act_arg *a = ARENA_NEW(&w->arena, struct act_arg, 1);
    uint64_t kind = rng_below(&w->rng, 5), unit = rng_below(&w->rng, 4);
    uint64_t n = 1 + rng_below(&w->rng, (uint64_t)(6000000 / units[unit].seconds));
    *term = (struct node){.kind = TERM, .test = kind == 4 ? test_age : test_act, .arg = a};
    a->types = kinds[kind].types;
    say(w, "%s", kinds[kind].name);
    if (kind < 4 && rng_below(&w->rng, 3) == 0) {
        say(w, " ");
        return term;
    }
    a->within_s = (int64_t)n * units[unit].seconds;
    say_word(w, "within");
    say(w, "%u%c ", (unsigned)n, units[unit].name);
    return term;
}

static struct node *random_term(struct world *w)
{
    switch (rng_below(&w->rng, 6)) {
    case 0:
        return random_time_term(w);
    case 1:
        return random_exists_term(w);
    case 2:
    case 3:
        return random_text_term(w);
    default:
        return random_number_term(w);
    }
}

static struct node *random_filter(struct world *w, unsigned depth)
{
    struct node *n = new_node(w);
    uint64_t shape = depth ? rng_below(&w->rng, 5) : 4;
    if (shape == 4)
        return random_term(w);
    if (shape == 3) {
        say_word(w, "not");
        say(w, "(");
        n->kind = NOT;
        n->left = random_filter(w, depth - 1);
        say(w, ")");
        return n;
    }
    n->kind = shape == 2 ? OR : AND;
    bool brackets = n->kind == OR || rng_below(&w->rng, 2);
    say(w, "%s", brackets ? "(" : "");
    n->left = random_filter(w, depth - 1);
    say_word(w, n->kind == OR ? "or" : "and");
    n->right = random_filter(w, depth - 1);
    say(w, "%s", brackets ? ")" : "");
    return n;
}

/* Kleene's tables, as minimum and maximum of NO < UNKNOWN < YES. */
static enum truth evaluate(const struct world *w, const struct node *n, const struct fake *f)
{
    static const enum truth kleene[] = {NO, UNKNOWN, YES};
    static const int rank[] = {[NO] = 0, [UNKNOWN] = 1, [YES] = 2};
    if (n->kind == TERM)
        return n->test(w, f, n->arg);
    int left = rank[evaluate(w, n->left, f)];
    if (n->kind == NOT)
        return kleene[2 - left];
    int right = rank[evaluate(w, n->right, f)];
    bool low = n->kind == AND ? left < right : left > right;
    return kleene[low ? left : right];
}

/* Whole segments at once give what doc after doc gives: exactly, or with live terms no less. */
static void check_selection(struct world *w, const struct bound_filter *bound)
{
    struct filter *f;
    struct err err;
    ck_ok(filter_parse(w->text, &w->shop.arena, &f, &err));
    struct bound_term *terms = ARENA_NEW(&w->shop.arena, struct bound_term, filter_terms(f));
    for (uint32_t slot = 0; slot < CATALOGUE_SLOTS; slot++) {
        const struct segment *s = w->shop.view->catalogue->segments[slot];
        struct filter_index index;
        struct bitset found;
        if (!s)
            continue;
        filter_index_init(&index, s);
        ck_ok(bitset_init(&found, s->docs, &err));
        ck_ok(filter_bind_segment(f, s, &w->shop.arena, terms, &err));
        filter_select(f, &index, terms, &found);
        for (uint32_t doc = 0; doc < s->docs; doc++) {
            bool match = filter_match(bound, slot, doc);
            ck_assert_msg(filter_is_live(f) ? !match || bitset_test(&found, doc)
                                            : match == bitset_test(&found, doc),
                          "%.*s", STR_ARG(w->text));
            ck_assert_int_eq(match, filter_blame(bound, slot, doc).n == 0);
        }
        bitset_release(&found);
        filter_index_release(&index);
    }
}

START_TEST(random_filters_match_what_an_evaluator_over_the_records_matches)
{
    struct world w;
    size_t yes = 0, unknown = 0;
    world_init(&w, 17);
    for (int i = 0; i < FILTERS; i++) {
        w.text = (struct str){NULL, 0};
        arena_reset(&w.shop.arena);
        struct node *tree = random_filter(&w, (unsigned)(i % 4));
        const struct bound_filter *bound = fixture_filter_for(&w.shop, w.text, SHOPPER, NOW);
        check_selection(&w, bound);
        for (size_t d = 0; d < DOCS; d++) {
            enum truth want = evaluate(&w, tree, &w.fakes[d]);
            bool got = filter_match_product(bound, w.shop.view, w.fakes[d].product.no);
            ck_assert_msg(got == (want == YES), "%.*s: product %u is %d, not %d", STR_ARG(w.text),
                          w.fakes[d].product.no, got, want);
            yes += want == YES;
            unknown += want == UNKNOWN;
        }
    }
    ck_assert_uint_gt(yes, FILTERS * DOCS / 10);
    ck_assert_uint_gt(unknown, FILTERS * DOCS / 20);
    world_release(&w);
}
END_TEST

START_TEST(both_of_two_filters_match_what_each_of_them_matches)
{
    struct world w;
    world_init(&w, 23);
    for (int i = 0; i < FILTERS / 4; i++) {
        struct filter *parsed[2];
        const struct filter *both, *category;
        struct bound_filter *bound[2], *all, *in_category;
        struct err err;
        arena_reset(&w.shop.arena);
        for (int k = 0; k < 2; k++) {
            w.text = (struct str){NULL, 0};
            random_filter(&w, (unsigned)(i % 4));
            ck_ok(filter_parse(w.text, &w.shop.arena, &parsed[k], &err));
            ck_ok(filter_bind(parsed[k], w.shop.view, w.shop.shop.currency, &w.shop.arena,
                              &bound[k], &err));
        }
        ck_ok(filter_both(parsed[0], parsed[1], &w.shop.arena, &both, &err));
        ck_ok(filter_bind(both, w.shop.view, w.shop.shop.currency, &w.shop.arena, &all, &err));
        ck_ok(filter_category(STR_LIT("Home > Kitchen"), &w.shop.arena, &category, &err));
        ck_ok(filter_bind(category, w.shop.view, w.shop.shop.currency, &w.shop.arena, &in_category,
                          &err));
        const struct bound_filter *text = fixture_filter(&w.shop, "category = \"home > kitchen\"");
        for (size_t d = 0; d < DOCS; d++) {
            uint32_t no = w.fakes[d].product.no;
            ck_assert(filter_match_product(all, w.shop.view, no) ==
                      (filter_match_product(bound[0], w.shop.view, no) &&
                       filter_match_product(bound[1], w.shop.view, no)));
            ck_assert(filter_match_product(in_category, w.shop.view, no) ==
                      filter_match_product(text, w.shop.view, no));
        }
        ck_ok(filter_both(NULL, parsed[1], &w.shop.arena, &both, &err));
        ck_assert_ptr_eq(both, parsed[1]);
        ck_ok(filter_both(parsed[0], NULL, &w.shop.arena, &both, &err));
        ck_assert_ptr_eq(both, parsed[0]);
    }
    world_release(&w);
}
END_TEST

/* --- examples -------------------------------------------------------------------------------- */

static bool holds(struct view_fixture *f, const char *text)
{
    return filter_match_product(fixture_filter(f, text), f->view, 1);
}

START_TEST(not_binds_tighter_than_and_than_or)
{
    struct view_fixture f;
    fixture_init(&f);
    struct product p = fixture_product(1, "A", "a lamp");
    p.brand = STR_LIT("Acme");
    fixture_put(&f, &p);
    ck_assert(holds(&f, "brand = acme OR brand = x AND brand = y"));
    ck_assert(!holds(&f, "(brand = acme OR brand = x) AND brand = y"));
    ck_assert(!holds(&f, "NOT brand = acme AND brand = x OR brand = y"));
    ck_assert(holds(&f, "NOT (brand = acme AND brand = x)"));
    fixture_release(&f);
}
END_TEST

START_TEST(a_missing_facet_is_false_and_a_missing_price_is_neither)
{
    struct view_fixture f;
    fixture_init(&f);
    struct product p = fixture_product(1, "A", "a lamp");
    fixture_put(&f, &p);
    ck_assert(!holds(&f, "brand = acme"));
    ck_assert(holds(&f, "brand != acme"));
    ck_assert(!holds(&f, "price < 100"));
    ck_assert(!holds(&f, "NOT price < 100"));
    ck_assert(!holds(&f, "price != 100"));
    ck_assert(holds(&f, "NOT price < 100 OR in_stock = true"));
    p.price_minor = 50;
    p.currency = fixture_currency("JPY");
    fixture_live(&f, &p);
    ck_assert(!holds(&f, "price < 100"));
    p.currency = f.shop.currency;
    fixture_live(&f, &p);
    ck_assert(holds(&f, "price < 100"));
    fixture_release(&f);
}
END_TEST

START_TEST(times_are_written_as_iso_or_microseconds)
{
    struct view_fixture f;
    fixture_init(&f);
    struct product p = fixture_product(1, "A", "a lamp");
    ck_assert_int_eq(clock_parse_iso(STR_LIT("2026-05-01T00:00:00Z"), &p.created_at, NULL), ERR_OK);
    fixture_put(&f, &p);
    ck_assert(holds(&f, "created_at >= \"2026-05-01T00:00:00Z\""));
    ck_assert(!holds(&f, "created_at > \"2026-05-01T00:00:00Z\""));
    ck_assert(holds(&f, "created_at BETWEEN \"2026-04-30T00:00:00Z\" AND 9e18"));
    fixture_release(&f);
}
END_TEST

START_TEST(an_amount_with_a_currency_is_in_major_units_of_it)
{
    struct view_fixture f;
    fixture_init(&f);
    struct product p = fixture_product(1, "A", "a lamp");
    p.price_minor = 4990;
    p.currency = f.shop.currency;
    fixture_put(&f, &p);
    ck_assert(holds(&f, "price = 49.90 EUR"));
    ck_assert(holds(&f, "price = 49.9 EUR and price = 4990"));
    ck_assert(!holds(&f, "price < 49.90 EUR"));
    ck_assert(!holds(&f, "price < 5000 JPY"));
    ck_assert(!holds(&f, "not price < 5000 JPY"));
    p.currency = fixture_currency("JPY");
    fixture_live(&f, &p);
    ck_assert(holds(&f, "price = 4990 JPY"));
    ck_assert(!holds(&f, "price = 4990"));
    fixture_release(&f);
}
END_TEST

static struct str blamed(struct view_fixture *f, const char *text)
{
    struct location at = catalogue_locate(f->view->catalogue, 1);
    return filter_blame(fixture_filter(f, text), at.slot, at.doc);
}

START_TEST(the_clause_that_fails_is_named_as_it_was_written)
{
    struct view_fixture f;
    fixture_init(&f);
    struct product p = fixture_product(1, "A", "a lamp");
    p.brand = STR_LIT("Acme");
    fixture_put(&f, &p);
    ck_assert(str_is(blamed(&f, "brand = acme and stock  >= 3 and brand = y"), "stock  >= 3"));
    ck_assert(str_is(blamed(&f, "brand = x or brand = y"), "brand = x"));
    ck_assert(str_is(blamed(&f, "not (brand = x or brand = acme)"), "brand = acme"));
    ck_assert(str_is(blamed(&f, "brand != acme"), "brand != acme"));
    ck_assert(str_is(blamed(&f, "not not purchased"), "purchased"));
    ck_assert_uint_eq(blamed(&f, "brand = acme").n, 0);
    fixture_release(&f);
}
END_TEST

START_TEST(acts_are_the_shopper_s_own_and_those_of_their_guests)
{
    struct view_fixture f;
    fixture_init(&f);
    struct product p = fixture_product(1, "A", "a lamp");
    fixture_put(&f, &p);
    struct user_action view = {1, (uint32_t)(NOW / 1000000) - 3600, EVENT_VIEW};
    users_add(f.users, 500, &view);
    struct str text = STR_LIT("viewed within 1h");
    ck_assert(filter_match_product(fixture_filter_for(&f, text, 500, NOW), f.view, 1));
    ck_assert(!filter_match_product(fixture_filter_for(&f, text, 500, NOW + 1), f.view, 1));
    ck_assert(!filter_match_product(fixture_filter_for(&f, text, 7, NOW), f.view, 1));
    ck_assert(!filter_match_product(fixture_filter_for(&f, text, 0, NOW), f.view, 1));
    users_link(f.users, 500, 7);
    ck_assert(filter_match_product(fixture_filter_for(&f, text, 7, NOW), f.view, 1));
    ck_assert(filter_match_product(fixture_filter_for(&f, text, 500, NOW), f.view, 1));
    /* a clock that went back: what is yet to come is not long ago */
    ck_assert(filter_match_product(fixture_filter_for(&f, text, 7, NOW - 7200000000), f.view, 1));
    fixture_release(&f);
}
END_TEST

START_TEST(no_filter_matches_all_and_a_lost_product_matches_none)
{
    struct view_fixture f;
    fixture_init(&f);
    struct product p = fixture_product(1, "A", "a lamp");
    fixture_put(&f, &p);
    ck_assert(holds(&f, ""));
    ck_assert(!filter_match_product(fixture_filter(&f, ""), f.view, 2));
    fixture_remove(&f, 1);
    ck_assert(!holds(&f, ""));
    fixture_release(&f);
}
END_TEST

SUITE("filter", what_the_grammar_allows_is_taken, a_mistake_is_reported_with_its_place,
      caps_hold_exactly, random_filters_match_what_an_evaluator_over_the_records_matches,
      both_of_two_filters_match_what_each_of_them_matches, not_binds_tighter_than_and_than_or,
      a_missing_facet_is_false_and_a_missing_price_is_neither,
      times_are_written_as_iso_or_microseconds, an_amount_with_a_currency_is_in_major_units_of_it,
      the_clause_that_fails_is_named_as_it_was_written,
      acts_are_the_shopper_s_own_and_those_of_their_guests,
      no_filter_matches_all_and_a_lost_product_matches_none)
