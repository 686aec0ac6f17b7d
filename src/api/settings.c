/* settings.c - /v1/settings: what lists and texts depend on, and where each value comes from.
 *
 * Settings stand in a file, the environment and the command line of whoever runs the machine, so they are read here and
 * not changed. Of files, addresses and certificates nothing is told: these are of the machine, and `aisle doctor` there
 * prints them. */
#include "api/api_int.h"

static const char *const told[] = {"shop", "recommend", "gorse"}; /* sections */
static const char *const origins[] = {[CONFIG_DEFAULT] = "default",
                                      [CONFIG_FILE] = "file",
                                      [CONFIG_ENV] = "environment",
                                      [CONFIG_FLAG] = "flag"};

static bool is_told(const struct config_setting *s)
{
    for (size_t i = 0; i < sizeof told / sizeof *told; i++)
        if (str_is(str_of(s->section), told[i]))
            return !s->secret;
    return false;
}

/* Without the folder that a file stands in. */
static const char *place(const struct config_view *v)
{
    const char *slash = v->origin == CONFIG_FILE ? strrchr(v->where, '/') : NULL;
    return slash ? slash + 1 : v->where;
}

static void write_setting(const struct config_view *v, struct json_writer *w)
{
    jw_obj(w);
    JW_Z(w, "section", v->setting->section);
    JW_Z(w, "name", v->setting->name);
    JW_Z(w, "value", v->value);
    JW_Z(w, "default", v->setting->fallback);
    JW_Z(w, "origin", origins[v->origin]);
    JW_Z(w, "where", place(v));
    jw_obj_end(w);
}

/* {"home": {"factors": 1, ...}, ...} */
static void write_weights(const struct recommend_weights *weights, struct json_writer *w)
{
    jw_obj(w);
    for (int p = 0; p < PLACEMENTS; p++) {
        jw_key(w, str_of(placement_name((enum placement)p)));
        jw_obj(w);
        placement_weights_json(&weights->of[p], w);
        jw_obj_end(w);
    }
    jw_obj_end(w);
}

static enum err_code get_settings(struct call *call, struct err *err)
{
    const struct api_options *o = &call->api->o;
    struct json_writer w;
    struct config_view v;
    begin_json(call, &w);
    jw_obj(&w);
    JW_ARR(&w, "settings");
    for (size_t i = 0; config_at(o->config, i, &v); i++)
        if (is_told(v.setting))
            write_setting(&v, &w);
    jw_arr_end(&w);
    JW_KEY(&w, "weights");
    write_weights(&o->weights, &w);
    JW_KEY(&w, "default_weights");
    write_weights(&recommend_weights_default, &w);
    jw_obj_end(&w);
    return reply_json(call, 200, &w, err);
}

static const struct endpoint endpoints[] = {
    {HTTP_GET, "/v1/settings", AUTH_ADMIN, get_settings, 0, NO_PARAMS},
};
ENDPOINT_GROUP(settings_endpoints, endpoints);
