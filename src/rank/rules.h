/* rules.h - business rules: what the shop wants shown first, more, less, never, or in what measure.
 *
 * Model:   a rule has an audience (who asks), a schedule (when), placements (where), a selection of products
 *          (the filter language) and one action. Rules are records (store/rules.h); the engine follows
 *          their changes and has them compiled with every catalogue (engine/view.h): of each segment the
 *          docs that each rule selects, as a bitmap where they are many, else as lists by rule and by doc,
 *          so that a product costs as much as it has rules however many there are.
 *          Terms that depend on the moment (price, stock, acts) are compiled to what may match, and
 *          tested when somebody asks.
 * Order:   by priority, the lower number first, then by age. "Earlier" below means this order.
 * Outcome, also of rules that contradict each other:
 *          - hide beats everything. What one active rule hides is not shown, pinned or required or not.
 *          - boost and bury multiply, all that apply: in whatever order. They bring nothing into a list
 *            that it would not have proposed by itself.
 *          - pin puts the best match (by score, then by heat, then the lower number) at its position. Where
 *            an earlier pin has the position, the next free one is taken. Each pin shows one product.
 *            A pin keeps no filter, stock or "owned" from holding, and beats caps, in which it counts.
 *          - cap lets at most `count` of its selection with one brand, supplier or category into a list.
 *          - require has the last products that no earlier require needs, and that are not pinned, give
 *            way to the best matches until there are `count` of them, or nothing more may come in:
 *            hide and cap stay in force.
 *          recommend/ruled.h does pin and require, the same way for every list.
 * Time:    hours and days are those of the shop's UTC offset. Nothing remembers the time of the request before,
 *          so a clock that goes backwards gives what it would have given then.
 * Threads: compiled rules are immutable; a rules_use belongs to one request.
 * Cost:    docs/rules.md. */
#ifndef RANK_RULES_H
#define RANK_RULES_H

#include "engine/view.h"
#include "rank/filter.h"
#include "store/rules.h"

enum {
    RULES_MAX = STORE_RULES_MAX,
    RULE_PLACES_MAX = 16, /* placements of one rule */
    RULE_PLACE_MAX = 40,  /* bytes of a placement's name */
    RULE_POSITION_MAX = 100,
    RULE_COUNT_MAX = 100,
};

/** Factors of boost (1..RULE_FACTOR_MAX) and bury (1/RULE_FACTOR_MAX..1); their product is kept within the
 *  square of that. */
#define RULE_FACTOR_MAX 1000.0

enum rule_action {
    RULE_PIN,
    RULE_BOOST,
    RULE_BURY,
    RULE_HIDE,
    RULE_REQUIRE,
    RULE_CAP,
    RULE_ACTIONS
};

enum rule_audience {
    AUDIENCE_ALL,
    AUDIENCE_KNOWN,     /* signed in, and not opted out of personalisation */
    AUDIENCE_ANONYMOUS, /* all others */
};

enum rule_cap_by { CAP_BRAND, CAP_SUPPLIER, CAP_CATEGORY, CAP_BYS };

struct rule {
    int64_t no;
    struct str id, name;
    bool enabled;
    bool only_named; /* an experiment decides about it: in force where rules_asker names it alone */
    int32_t priority;

    const struct str *places; /* [places_len] names of placements; none: all */
    size_t places_len;

    int64_t from_us, until_us; /* [from, until); 0: open */
    uint8_t days;              /* bit per weekday, Sunday 0; 0: every day */
    int16_t hours_from;  /* minutes of the day; [from, until), over midnight where until <= from; */
    int16_t hours_until; /* both 0: all day */

    enum rule_audience audience;
    const struct filter *shoppers; /* on attributes of known ones; NULL: all of the audience */

    const struct filter *products; /* NULL: every product */

    enum rule_action action;
    uint32_t position;       /* pin: 1.. */
    float factor;            /* boost, bury */
    uint32_t count;          /* require: at least; cap: at most */
    enum rule_cap_by cap_by; /* cap */
};

/** "pin", ... as in the API. */
const char *rule_action_name(enum rule_action a);

/** Read a record, whose definition may also have the record's own members, and null for what is absent.
 *  *out borrows from row and arena.
 *  ERR_INVALID, ERR_LIMIT  the message begins with the member that is wrong */
ERR_MUST_USE enum err_code rule_parse(const struct rule_row *row, struct arena *arena,
                                      struct rule *out, struct err *err);

/* --- compiled -------------------------------------------------------------------------------- */

/** Give this to the engine (engine_options). */
extern const struct rules_compiler rules_compiler;

/** Rules of the view, in their order; those that cannot be read, and those that are off and that no experiment
 *  names, are not among them. */
size_t rules_len(const struct view *view);
const struct rule *rules_at(const struct view *view, size_t i);

/** Is there a rule that asks for attributes of shoppers? */
bool rules_ask_for_attributes(const struct view *view);

/* --- one request ----------------------------------------------------------------------------- */

/* Ids of rules that an experiment puts in force for those who ask. */
struct rule_names {
    const struct str *ids; /* [len] */
    size_t len;
};

struct rules_asker {
    struct str place;               /* of the list: "home", "search" */
    uint32_t user_no;               /* whose acts count; 0: nobody's */
    bool known;                     /* signed in, and not opted out */
    struct str attributes;          /* JSON object of a known shopper, or empty */
    const struct rule_names *named; /* [named_len] of the experiments that they take part in */
    size_t named_len;
    int64_t now_us;
};

struct rules_use;

/** The rules that are in force for this request; *out is NULL where none is.
 *  ERR_LIMIT  the arena's cap */
ERR_MUST_USE enum err_code rules_begin(const struct view *view, const struct rules_asker *asker,
                                       struct arena *arena, struct rules_use **out,
                                       struct err *err);

/** Why rule i is not in force: "placement", "experiment" (one decides about it, and not for this shopper here),
 *  "schedule" or "audience"; NULL: it is. */
const char *rules_idle(const struct view *view, size_t i, const struct rules_asker *asker,
                       struct arena *arena);

/** The rules in force by their places in rules_at, in order: [*n]. use NULL is fine, here and below. */
const uint16_t *rules_in_force(const struct rules_use *use, size_t *n);

/** Does rule i select the product? */
bool rules_select(const struct rules_use *use, size_t i, struct location at);

/** Multiply scores[n] of products with their factors. What is hidden keeps its score: rules_admit refuses
 *  it. */
void rules_weigh(const struct rules_use *use, const uint32_t *product_no, float *scores, size_t n);

/** What holds a product back now. */
struct rules_verdict {
    bool hidden, capped;
    size_t rule; /* the earliest that does; if either */
};

/** May it come into the list, to those that were taken? */
struct rules_verdict rules_judge(const struct rules_use *use, struct location at);

static inline bool rules_admit(const struct rules_use *use, struct location at)
{
    struct rules_verdict v = rules_judge(use, at);
    return !v.hidden && !v.capped;
}

/** It came into the list; it went again. */
ERR_MUST_USE enum err_code rules_take(struct rules_use *use, struct location at, struct err *err);
void rules_give_back(struct rules_use *use, struct location at);

/** The products that a rule selects, wherever they are. */
struct rule_walk {
    const struct rules_use *use;
    size_t rule;
    uint32_t slot, next;
};

/** How many there may be; without looking at each. */
size_t rules_most(const struct rules_use *use, size_t rule);
bool rules_walk(struct rule_walk *w, struct location *at);

/* --- contradictions ---------------------------------------------------------------------------- */

enum { RULE_WARNING_MAX = 200, RULE_WARNINGS_MAX = 20, RULE_WARNING_DOCS_MAX = 200000 };

struct rule_warning {
    const char *code;         /* "selects_nothing", "hidden", "position_taken", ... */
    const struct rule *other; /* NULL: none */
    char text[RULE_WARNING_MAX];
};

/** What a new state of a rule contradicts in a view, as things stand now; a rule of the same id is left out.
 *  Looks at up to RULE_WARNING_DOCS_MAX products.
 *  out  [RULE_WARNINGS_MAX]
 *  ERR_LIMIT  the arena's cap */
ERR_MUST_USE enum err_code rules_warn(const struct view *view, const struct rule *rule,
                                      int64_t now_us, struct arena *arena, struct rule_warning *out,
                                      size_t *n, struct err *err);

#endif
