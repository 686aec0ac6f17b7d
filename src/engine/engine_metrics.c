/* engine_metrics.c - the figures of the engine that an operator watches, read when they are asked for.
 *
 * Of several engines in one process the one opened last is shown. */
#include "base/metrics.h"
#include "engine/engine_int.h"

static struct engine_stats stats_of(void *engine)
{
    struct engine_stats s;
    engine_stats(engine, &s);
    return s;
}

static double position(void *engine)
{
    return (double)stats_of(engine).position;
}

static double lag_s(void *engine)
{
    return (double)stats_of(engine).lag_ms / 1e3;
}

static double generation(void *engine)
{
    return (double)stats_of(engine).views;
}

static double products(void *engine)
{
    return (double)stats_of(engine).products;
}

static double segments(void *engine)
{
    return stats_of(engine).segments;
}

static double shoppers(void *engine)
{
    return (double)stats_of(engine).shoppers;
}

static double model_versions(void *engine)
{
    struct engine_stats s = stats_of(engine);
    return (s.model[0] != '\0') + s.versions;
}

static double model_bytes(void *engine)
{
    return (double)stats_of(engine).model_bytes;
}

static double versions_failing(void *engine)
{
    return stats_of(engine).versions_failing;
}

static double failing(void *engine)
{
    return stats_of(engine).failure[0] != '\0';
}

static const struct {
    struct metric_opts what;
    metric_fn *read;
} gauges[] = {
    {{.name = "aisle_engine_position", .help = "Position of the change log that is applied"},
     position},
    {{.name = "aisle_change_lag_seconds",
      .help = "Time since nothing of the change log was left to apply"},
     lag_s},
    {{.name = "aisle_view_generation", .help = "Views published since the start"}, generation},
    {{.name = "aisle_products", .help = "Products in the catalogue of the view"}, products},
    {{.name = "aisle_catalogue_segments", .help = "Segments of the catalogue of the view"},
     segments},
    {{.name = "aisle_live_shoppers", .help = "Shoppers with acts that no model knows yet"},
     shoppers},
    {{.name = "aisle_model_versions",
      .help = "Versions of the model in service: the published one and those of experiments"},
     model_versions},
    {{.name = "aisle_model_bytes", .help = "Bytes of their files, which are mapped"}, model_bytes},
    {{.name = "aisle_model_versions_failing",
      .help = "Versions that experiments name and that cannot be served"},
     versions_failing},
    {{.name = "aisle_engine_failing",
      .help = "1 while the change log or the published model cannot be followed"},
     failing},
};

void register_metrics(struct engine *e)
{
    for (size_t i = 0; i < sizeof gauges / sizeof *gauges; i++)
        metrics_gauge_fn(metrics_default(), &gauges[i].what, gauges[i].read, e);
}

void unregister_metrics(struct engine *e)
{
    (void)e;
    for (size_t i = 0; i < sizeof gauges / sizeof *gauges; i++)
        metrics_gauge_fn(metrics_default(), &gauges[i].what, NULL, NULL);
}
