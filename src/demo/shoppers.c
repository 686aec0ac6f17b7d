#include "demo/shoppers_int.h"

#include <math.h>

#include "base/clock.h"
#include "base/mem.h"

static const char *const cities[LANGS][CITIES] = {
    {"Shanghai", "Beijing", "Guangzhou", "Shenzhen", "Hangzhou", "Chengdu", "Nanjing", "Wuhan",
     "Xi'an", "Suzhou", "Xiamen", "Qingdao"},
    {"上海", "北京", "广州", "深圳", "杭州", "成都", "南京", "武汉", "西安", "苏州", "厦门",
     "青岛"},
};

/* How likely a shopper is to be one who joins later, and how many guests come on top. */
static const double joining_share = .12;
enum { USERS_PER_GUEST = 12 };

static int draw_department(struct rng *r)
{
    double at = 0, target = rng_unit(r);
    int d = 0;
    while (d < DEPARTMENTS - 1 && (at += department_at(d)->share) < target)
        d++;
    return d;
}

static void draw_favourites(struct rng *r, struct shopper *s)
{
    double left = 1;
    for (int i = 0; i < FAVOURITES; i++) {
        bool fresh;
        do {
            s->dept[i] = (uint8_t)draw_department(r);
            fresh = true;
            for (int j = 0; j < i; j++)
                fresh = fresh && s->dept[j] != s->dept[i];
        } while (!fresh);
        double share = left * (.45 + .25 * rng_unit(r));
        s->share[i] = (uint8_t)(255 * share);
        left -= share;
    }
}

static void draw_taste(const struct catalogue *c, struct rng *r, struct shopper *s)
{
    uint64_t first = rng_below(r, STYLES), second = rng_below(r, STYLES);
    for (int i = 0; i < TASTES; i++)
        s->taste[i] = (float)(1.25 * (double)c->archetype[first][i] +
                              .45 * (double)c->archetype[second][i] + .3 * rng_normal(r));
}

static void draw_shopper(const struct catalogue *c, uint32_t n, bool guest, struct shopper *s)
{
    struct rng r;
    rng_init_stream(&r, c->seed, STREAM_SHOPPER + n);
    draw_favourites(&r, s);
    draw_taste(c, &r, s);
    s->budget = (float)(.5 * rng_normal(&r));
    s->thrift = (float)(.3 + 1.2 * rng_unit(&r));
    s->loyalty = rng_unit(&r) < .4 ? (float)(.5 + rng_unit(&r)) : 0;
    s->activity = (float)exp(.95 * rng_normal(&r));
    s->colour = (uint8_t)rng_below(&r, COLOURS);
    s->lang = rng_unit(&r) < .62 ? ZH : EN;
    s->city = (uint8_t)rng_below(&r, CITIES);
    s->since_s = (int32_t)(86400 * (rng_unit(&r) * (HISTORY_DAYS + 145) - 150));
    if (guest) {
        s->kind = SHOPPER_GUEST;
        s->activity *= .3f;
    } else if (rng_unit(&r) < joining_share) {
        s->kind = SHOPPER_JOINING;
        int32_t from = s->since_s > 0 ? s->since_s : 0;
        s->joins_s = from + (int32_t)((86400 * HISTORY_DAYS - from) * .6 * rng_unit(&r));
    }
}

enum err_code shoppers_open(struct shoppers *s, const struct catalogue *c, uint32_t users,
                            struct err *err)
{
    uint32_t len = users + users / USERS_PER_GUEST;
    *s = (struct shoppers){.list = mem_try_new(len, sizeof *s->list), .len = len, .users = users};
    if (!s->list)
        return err_set(err, ERR_MEMORY, "no memory for %u shoppers", len);
    for (uint32_t n = 0; n < len; n++) {
        draw_shopper(c, n, n >= users, &s->list[n]);
        if (n < DEMO_SHOWCASE_USERS && n < users)
            showcase_shape(c, n, &s->list[n]);
    }
    return ERR_OK;
}

void shoppers_release(struct shoppers *s)
{
    mem_free(s->list);
    *s = (struct shoppers){0};
}

void shopper_forget(struct shopper *s)
{
    s->bought_len = 0;
    s->introduced = false;
}

void shopper_put_id(uint32_t n, struct buf *out)
{
    if (n < DEMO_SHOWCASE_USERS)
        buf_puts(out, demo_showcase_users()[n].id);
    else
        buf_printf(out, "shopper-%05u", n);
}

void shopper_put_anonymous(const struct catalogue *c, uint32_t n, struct buf *out)
{
    struct rng r;
    rng_init_stream(&r, ~c->seed, STREAM_SHOPPER + n);
    uint64_t high = rng_u64(&r), low = rng_u64(&r);
    buf_printf(out, "%016llx%016llx", (unsigned long long)high, (unsigned long long)low);
}

static void put_showcase(const struct demo_showcase *who, uint32_t rank, struct buf *out)
{
    buf_printf(out,
               ",\"showcase\":%u,\"name\":{\"en\":\"%s\",\"zh\":\"%s\"},"
               "\"taste\":{\"en\":\"%s\",\"zh\":\"%s\"}",
               rank, who->name_en, who->name_zh, who->taste_en, who->taste_zh);
}

void describe_shopper(const struct catalogue *c, const struct shoppers *s, uint32_t n,
                      struct buf *text, struct user *out)
{
    const struct shopper *who = &s->list[n];
    buf_reset(text);
    shopper_put_id(n, text);
    size_t id_len = text->len;
    buf_printf(text, "{\"language\":\"%s\",\"city\":\"%s\"", who->lang == EN ? "en" : "zh",
               cities[who->lang][who->city]);
    if (n < DEMO_SHOWCASE_USERS)
        put_showcase(&demo_showcase_users()[n], n + 1, text);
    buf_putc(text, '}');
    int32_t created_s = who->kind == SHOPPER_JOINING ? who->joins_s : who->since_s;
    *out = (struct user){
        .id = {text->data, id_len},
        .attributes = {text->data + id_len, text->len - id_len},
        .personalise = true,
        .created_at = c->now_us - (86400LL * HISTORY_DAYS - created_s) * CLOCK_US_PER_S,
    };
}

void shopper_put_address(const struct shopper *s, struct buf *out)
{
    buf_printf(out, "{\"city\":\"%s\",\"country\":\"CN\"}", cities[s->lang][s->city]);
}

bool shopper_prefers_brand(uint32_t n, int dept, int brand, int brands)
{
    uint32_t mixed = (n * 2654435761u ^ (uint32_t)dept * 40503u) * 2246822519u;
    return (int)((mixed >> 16) % (uint32_t)brands) == brand;
}
