#include "demo/tables_int.h"

#include "base/check.h"

static const struct colour colours[COLOURS] = {
    {"red", {"red", "红色"}, 0xd64545},         {"coral", {"coral", "珊瑚色"}, 0xf0806a},
    {"orange", {"orange", "橙色"}, 0xee8b3a},   {"mustard", {"mustard", "姜黄色"}, 0xd9a93c},
    {"yellow", {"yellow", "黄色"}, 0xf3cc52},   {"lime", {"lime green", "青柠色"}, 0xa9c94f},
    {"green", {"green", "绿色"}, 0x4c9a5f},     {"sage", {"sage", "鼠尾草绿"}, 0x9db39a},
    {"mint", {"mint", "薄荷绿"}, 0x93d3bd},     {"olive", {"olive", "橄榄绿"}, 0x7d8450},
    {"teal", {"teal", "青色"}, 0x2f8f8f},       {"sky", {"sky blue", "天蓝色"}, 0x86bfe4},
    {"blue", {"blue", "蓝色"}, 0x3f74c6},       {"navy", {"navy", "藏青色"}, 0x2e416e},
    {"indigo", {"indigo", "靛蓝色"}, 0x5a5fb5}, {"purple", {"purple", "紫色"}, 0x8659a8},
    {"lilac", {"lilac", "丁香紫"}, 0xbfa5da},   {"pink", {"pink", "粉色"}, 0xf2a5b8},
    {"rose", {"rose", "玫瑰色"}, 0xc9607f},     {"brown", {"brown", "棕色"}, 0x8a5a3c},
    {"tan", {"tan", "驼色"}, 0xc79a6b},         {"beige", {"beige", "米色"}, 0xe0cfb4},
    {"cream", {"cream", "奶油白"}, 0xf4ead6},   {"white", {"white", "白色"}, 0xf7f7f5},
    {"grey", {"grey", "灰色"}, 0x9aa0a8},       {"charcoal", {"charcoal", "炭灰色"}, 0x4d525b},
    {"black", {"black", "黑色"}, 0x2d2f36},     {"gold", {"gold", "金色"}, 0xd8b45a},
};

static const struct department *const departments[DEPARTMENTS] = {
    &dept_kitchen, &dept_living, &dept_garden, &dept_electronics, &dept_phones,
    &dept_women,   &dept_men,    &dept_shoes,  &dept_beauty,      &dept_toys,
    &dept_sports,  &dept_food,   &dept_office,
};

const char *const series_names[LANGS] = {
    "Alder|Aurora|Birch|Breeze|Canyon|Cedar|Comet|Coral|Dawn|Delta|Dune|Echo|Ember|Fern|Fjord|"
    "Flint|Gale|Glade|Harbour|Haven|Heron|Indigo|Island|Ivy|Juniper|Kite|Lagoon|Lark|Linden|Lotus|"
    "Maple|Meadow|Mesa|Mist|Nimbus|North|Oak|Ocean|Opal|Orchid|Otter|Pebble|Pine|Plum|Prairie|"
    "Quartz|Quill|Rain|Reed|Ridge|River|Robin|Sable|Sage|Sierra|Solstice|Sparrow|Spruce|Summit|"
    "Swift|Tundra|Vale|Willow|Zephyr",
    "桤木|极光|白桦|清风|峡谷|雪松|彗星|珊瑚|晨曦|三角洲|沙丘|回声|余烬|蕨影|峡湾|"
    "燧石|疾风|林间|港湾|安居|苍鹭|靛蓝|岛屿|常青藤|杜松|风筝|泻湖|云雀|椴树|莲|"
    "枫|草甸|台地|薄雾|雨云|北境|橡木|海洋|欧泊|兰|水獭|卵石|松|梅|原野|"
    "石英|羽笔|听雨|芦苇|山脊|河流|知更鸟|紫貂|鼠尾草|山峦|至日|麻雀|云杉|峰顶|"
    "雨燕|苔原|谷地|柳|和风",
};

static const double seasons[SEASONS][12] = {
    [SEASON_NONE] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1},
    [SEASON_SPRING] = {.5, .9, 1.8, 2.3, 1.9, 1.2, .8, .6, .8, .6, .3, .3},
    [SEASON_SUMMER] = {.3, .3, .6, 1.0, 1.7, 2.2, 2.3, 1.8, .9, .4, .3, .2},
    [SEASON_AUTUMN] = {.6, .5, .5, .6, .7, .7, .8, 1.4, 2.1, 2.0, 1.3, .8},
    [SEASON_WINTER] = {1.9, 1.5, .8, .4, .3, .2, .2, .4, .8, 1.4, 2.0, 2.1},
    [SEASON_GIFTS] = {1.4, 1.2, .7, .7, .9, .8, .7, .7, .9, .9, 1.4, 1.7},
    [SEASON_SCHOOL] = {.8, 1.6, 1.1, .7, .6, .6, .9, 2.3, 1.8, .6, .5, .5},
};

int list_len(const char *list)
{
    int n = 1;
    for (; *list; list++)
        n += *list == '|';
    return n;
}

struct str list_at(const char *list, int i)
{
    struct str rest = str_of(list), part;
    do
        part = str_split(&rest, '|');
    while (i-- > 0);
    return part;
}

int list_index(const char *list, struct str entry)
{
    int n = list_len(list);
    for (int i = 0; i < n; i++)
        if (str_eq(list_at(list, i), entry))
            return i;
    return -1;
}

const struct department *department_at(int i)
{
    DCHECK(i >= 0 && i < DEPARTMENTS);
    return departments[i];
}

const struct colour *colour_at(int i)
{
    DCHECK(i >= 0 && i < COLOURS);
    return &colours[i];
}

int colour_find(struct str id)
{
    for (int i = 0; i < COLOURS; i++)
        if (str_is(id, colours[i].id))
            return i;
    return -1;
}

double season_factor(enum season s, int month)
{
    DCHECK(month >= 0 && month < 12);
    return seasons[s][month];
}
