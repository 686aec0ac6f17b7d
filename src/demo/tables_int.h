/* tables_int.h - what a demonstration shop sells, as data.
 *
 * A department has brands and product types; a type has its words in both languages, what varies
 * between its products, its prices, its picture and what it goes with. Lists in one text are separated
 * by '|' and, in a pair of texts, run in step. All text is free of quotes and backslashes, so that it
 * can stand in JSON as it is (a test checks). */
#ifndef DEMO_TABLES_INT_H
#define DEMO_TABLES_INT_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

enum lang { EN, ZH, LANGS };

struct colour {
    const char *id; /* one word, as in picture names and product ids */
    const char *name[LANGS];
    uint32_t rgb;
};

/** What the variants of one group differ in. */
enum vary { VARY_COLOUR, VARY_SIZE };

enum season {
    SEASON_NONE,
    SEASON_SPRING,
    SEASON_SUMMER,
    SEASON_AUTUMN,
    SEASON_WINTER,
    SEASON_GIFTS,  /* November, December and before the Spring Festival */
    SEASON_SCHOOL, /* before the terms start */
    SEASONS
};

enum type_flag {
    TYPE_CONSUMABLE = 1, /* bought again when used up */
    TYPE_GIFT = 2,       /* what people give */
    TYPE_SIZES =
        4, /* one product comes in all sizes: an attribute with many values, not in the title */
    TYPE_MODEL = 8, /* always carries a series name, as electronics do */
};

struct product_type {
    const char *noun[LANGS]; /* "kettle": also the type's key and, hyphenated, its ids' beginning */
    const char *category[LANGS]; /* last part of the category path */
    const char *also[LANGS];     /* another word for it, that shoppers type and titles lack */
    const char *feature_key;     /* attribute name of the feature: "material" */
    const char *features[LANGS]; /* list: "enamel|copper" */
    const char *size_key; /* attribute name, or NULL: no sizes. "_x" at its end: a number in x */
    const char *sizes[LANGS]; /* list: "1 L|1.5 L" */
    const char *colours;      /* list of colour ids; also for the picture where VARY_SIZE */
    enum vary vary;
    int low, high;     /* price range, whole yuan */
    const char *shape; /* picture */
    enum season season;
    unsigned flags;         /* of enum type_flag */
    const char *use[LANGS]; /* one sentence that praises it */
    const char *with;       /* list of nouns [EN] of types bought with it, or NULL */
};

struct department {
    const char *path[LANGS];          /* "Home > Kitchen" */
    const char *trade[LANGS];         /* what its brands make: "kitchenware" */
    const char *brands[LANGS];        /* list */
    const char *closings[LANGS];      /* list of last sentences of descriptions */
    const struct product_type *types; /* [types_len] */
    int types_len;
    double share; /* of shoppers' visits, all departments together about 1 */
};

/** Length of list, and its i-th entry (i < length). */
int list_len(const char *list);
struct str list_at(const char *list, int i);

/** Index of entry in list, or -1. */
int list_index(const char *list, struct str entry);

enum { DEPARTMENTS = 13, COLOURS = 28, STYLES = 6 };

/** returns borrowed table row, for ever. */
const struct department *department_at(int i);
const struct colour *colour_at(int i);

/** Index of the colour with this id, or -1. */
int colour_find(struct str id);

/** Series names ("Alder"), as two lists in step. */
extern const char *const series_names[LANGS];

/** How much busier than on average month m (0..11) is for a season. */
double season_factor(enum season s, int month);

/* One row each, in the tables_*.c files. */
extern const struct department dept_kitchen, dept_living, dept_garden, dept_electronics,
    dept_phones, dept_women, dept_men, dept_shoes, dept_beauty, dept_toys, dept_sports, dept_food,
    dept_office;

#endif
