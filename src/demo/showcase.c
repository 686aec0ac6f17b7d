/* showcase.c - the shoppers to try, with names and strong tastes. */
#include "demo/shoppers_int.h"

#include <math.h>

#include "base/check.h"

enum dept {
    KITCHEN,
    LIVING,
    GARDEN,
    ELECTRONICS,
    PHONES,
    WOMEN,
    MEN,
    SHOES,
    BEAUTY,
    TOYS,
    SPORTS,
    FOOD,
    OFFICE
};

static const struct demo_showcase people[DEMO_SHOWCASE_USERS] = {
    {"lin-mei", "Lin Mei", "林梅", "A tea lover with a quiet, well-made kitchen.",
     "爱喝茶，喜欢安静而讲究的厨房。"},
    {"oliver-hart", "Oliver Hart", "奥利弗",
     "Every free weekend in the hills, and gear that lasts.", "周末总在山里，装备只挑耐用的。"},
    {"chen-wei", "Chen Wei", "陈伟", "New gadgets first, but never at full price.",
     "新数码总要先尝鲜，但绝不买贵。"},
    {"sofia-marin", "Sofia Marin", "索菲亚", "Dresses, good shoes and a perfume for each season.",
     "连衣裙、好鞋，每季一款香水。"},
    {"wang-fang", "Wang Fang", "王芳", "Two small children, and presents for all their friends.",
     "家有两个小朋友，还要给他们的伙伴挑礼物。"},
    {"jack-doyle", "Jack Doyle", "杰克", "Runs before work and dresses plainly after it.",
     "上班前跑步，平日穿着简单。"},
    {"zhou-yan", "Zhou Yan", "周妍", "A balcony full of plants and a living room to match.",
     "阳台种满植物，客厅也要相配。"},
    {"grace-liu", "Grace Liu", "刘雅", "Fountain pens, novels and one more notebook.",
     "钢笔、小说，再来一本笔记本。"},
};

/* What stands behind the sentence. */
struct leaning {
    uint8_t dept[FAVOURITES];
    const char *nouns; /* types that draw him most */
    enum lang lang;
    float budget, thrift;
    const char *colour;
};

static const struct leaning leanings[DEMO_SHOWCASE_USERS] = {
    {{FOOD, KITCHEN, LIVING}, "oolong tea|teapot|green tea", ZH, .4f, .5f, "sage"},
    {{SPORTS, SHOES, MEN}, "tent|backpack|hiking boots", EN, .5f, .6f, "orange"},
    {{ELECTRONICS, PHONES, OFFICE}, "mechanical keyboard|earbuds|tablet", ZH, -.5f, 1.6f, "black"},
    {{WOMEN, BEAUTY, SHOES}, "dress|perfume|heels", EN, .7f, .8f, "rose"},
    {{TOYS, FOOD, WOMEN}, "building blocks|teddy bear|picture book", ZH, -.1f, .7f, "yellow"},
    {{SHOES, SPORTS, MEN}, "running shoes|sport bottle|T-shirt", EN, 0, .7f, "navy"},
    {{GARDEN, LIVING, KITCHEN}, "plant pot|vase|watering can", ZH, .1f, .6f, "teal"},
    {{OFFICE, LIVING, FOOD}, "fountain pen|novel|notebook", EN, .2f, .6f, "navy"},
};

static const uint8_t shares[FAVOURITES] = {165, 60, 25};

const struct demo_showcase *demo_showcase_users(void)
{
    return people;
}

/* The archetype that lies nearest to a direction. */
static int nearest_archetype(const struct catalogue *c, const float direction[TASTES])
{
    int best = 0;
    float most = -INFINITY;
    for (int k = 0; k < STYLES; k++) {
        float along = 0;
        for (int i = 0; i < TASTES; i++)
            along += c->archetype[k][i] * direction[i];
        if (along > most) {
            most = along;
            best = k;
        }
    }
    return best;
}

/* Drawn to a few types, and to the style that goes best with that. */
static void shape_taste(const struct catalogue *c, const char *nouns, float taste[TASTES])
{
    memset(taste, 0, TASTES * sizeof *taste);
    int n = list_len(nouns);
    for (int j = 0; j < n; j++) {
        int t = demo_catalogue_type(c, list_at(nouns, j));
        CHECK(t >= 0); /* a slip in the tables */
        for (int i = 0; i < TASTES; i++)
            taste[i] += .9f * c->types[t].taste[i];
    }
    int style = nearest_archetype(c, taste);
    for (int i = 0; i < TASTES; i++)
        taste[i] += .8f * c->archetype[style][i];
}

void showcase_shape(const struct catalogue *c, uint32_t n, struct shopper *s)
{
    const struct leaning *l = &leanings[n];
    shape_taste(c, l->nouns, s->taste);
    for (int i = 0; i < FAVOURITES; i++) {
        s->dept[i] = l->dept[i];
        s->share[i] = shares[i];
    }
    s->lang = (uint8_t)l->lang;
    s->budget = l->budget;
    s->thrift = l->thrift;
    s->loyalty = 1;
    s->activity = 10;
    s->colour = (uint8_t)colour_find(str_of(l->colour));
    s->kind = SHOPPER_REGISTERED;
    s->since_s = -86400 * 30;
}
