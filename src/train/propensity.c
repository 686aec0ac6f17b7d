#include "train/propensity.h"

#include <math.h>

#include "base/mem.h"

enum { STEPS_MAX = 500 };

/* Impressions of the mean click rate that each subject is given before its own count. */
#define PRIOR 2.0

struct tally {
    double sum; /* of clicks, or of what stands for them */
    double n;
};

static enum err_code check(const struct impression *all, size_t n, size_t positions,
                           size_t subjects, struct err *err)
{
    bool clicked = false;
    for (size_t i = 0; i < n; i++) {
        if (all[i].position >= positions)
            return err_set(err, ERR_INVALID, "impression %zu: there is no position %u of %zu", i,
                           all[i].position, positions);
        if (all[i].subject >= subjects)
            return err_set(err, ERR_INVALID, "impression %zu: there is no subject %u of %zu", i,
                           all[i].subject, subjects);
        clicked |= all[i].clicked && all[i].position == 0;
    }
    if (!clicked)
        return err_set(err, ERR_INVALID, "nothing was ever clicked at the first position");
    return ERR_OK;
}

/* By the first position's. Nobody looks at a later one more than at the one before it. */
static void relate(const double *rate, size_t positions, float *look)
{
    look[0] = 1;
    for (size_t p = 1; p < positions; p++) {
        double share = rate[p] / rate[0];
        look[p] = share > 0 && share <= 1 ? (float)share : look[p - 1];
    }
}

enum err_code propensity_from_random(const struct impression *all, size_t n, size_t positions,
                                     float *look, struct err *err)
{
    enum err_code code = check(all, n, positions, SIZE_MAX, err);
    if (code != ERR_OK)
        return code;
    struct tally *at = mem_new(positions, sizeof *at);
    double *rate = mem_new(positions, sizeof *rate);
    for (size_t i = 0; i < n; i++) {
        at[all[i].position].n++;
        at[all[i].position].sum += all[i].clicked;
    }
    for (size_t p = 0; p < positions; p++)
        rate[p] = at[p].n > 0 ? at[p].sum / at[p].n : 0;
    relate(rate, positions, look);
    mem_free(at);
    mem_free(rate);
    return ERR_OK;
}

struct em {
    size_t positions, subjects;
    double prior;      /* relevance of a subject of which nothing is known */
    double *look;      /* [positions] */
    double *relevance; /* [subjects] */
    struct tally *at;  /* [positions] */
    struct tally *of;  /* [subjects] */
};

static void em_release(struct em *e)
{
    mem_free(e->look);
    mem_free(e->relevance);
    mem_free(e->at);
    mem_free(e->of);
}

static enum err_code em_init(struct em *e, const struct impression *all, size_t n, struct err *err)
{
    double clicks = 0;
    e->look = mem_try_new(e->positions, sizeof *e->look);
    e->relevance = mem_try_new(e->subjects, sizeof *e->relevance);
    e->at = mem_try_new(e->positions, sizeof *e->at);
    e->of = mem_try_new(e->subjects, sizeof *e->of);
    if (!e->look || !e->relevance || !e->at || !e->of)
        return err_set(err, ERR_MEMORY, "no memory for the relevance of %zu subjects", e->subjects);
    for (size_t i = 0; i < n; i++)
        clicks += all[i].clicked;
    e->prior = clicks / (double)n;
    for (size_t p = 0; p < e->positions; p++)
        e->look[p] = 1 / (1 + (double)p); /* any descending start will do */
    for (size_t s = 0; s < e->subjects; s++)
        e->relevance[s] = e->prior;
    return ERR_OK;
}

/* One step; returns the greatest change of a look. */
static double em_step(struct em *e, const struct impression *all, size_t n)
{
    double moved = 0;
    for (size_t p = 0; p < e->positions; p++)
        e->at[p] = (struct tally){0};
    for (size_t s = 0; s < e->subjects; s++)
        e->of[s] = (struct tally){PRIOR * e->prior, PRIOR};
    for (size_t i = 0; i < n; i++) {
        double look = e->look[all[i].position], relevance = e->relevance[all[i].subject];
        double passed = 1 - look * relevance; /* probability of no click */
        double seen = all[i].clicked ? 1 : passed > 0 ? look * (1 - relevance) / passed : 0;
        double liked = all[i].clicked ? 1 : passed > 0 ? relevance * (1 - look) / passed : 0;
        e->at[all[i].position].sum += seen;
        e->at[all[i].position].n++;
        e->of[all[i].subject].sum += liked;
        e->of[all[i].subject].n++;
    }
    for (size_t s = 0; s < e->subjects; s++)
        e->relevance[s] = e->of[s].sum / e->of[s].n;
    for (size_t p = 0; p < e->positions; p++) {
        double look = e->at[p].n > 0 ? e->at[p].sum / e->at[p].n : 0;
        moved = fmax(moved, fabs(look - e->look[p]));
        e->look[p] = look;
    }
    return moved;
}

enum err_code propensity_estimate(const struct impression *all, size_t n, size_t positions,
                                  size_t subjects, float *look, struct err *err)
{
    struct em e = {.positions = positions, .subjects = subjects};
    enum err_code code = check(all, n, positions, subjects, err);
    if (code == ERR_OK)
        code = em_init(&e, all, n, err);
    for (int step = 0; code == ERR_OK && step < STEPS_MAX; step++)
        if (em_step(&e, all, n) < 1e-4)
            break;
    if (code == ERR_OK)
        relate(e.look, positions, look);
    em_release(&e);
    return code;
}

float propensity_weight(float look, float most)
{
    return look * most > 1 ? 1 / look : most;
}
