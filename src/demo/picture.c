#include "demo/picture.h"

#include <stdlib.h>

#include "base/check.h"
#include "demo/shapes_int.h"
#include "demo/tables_int.h"

/* A backdrop and what stands on it, in harmony; deeper is the same hue for discs and floors. */
struct scenery {
    uint32_t ground, deeper;
};

static const struct scenery sceneries[] = {
    {0xf8eadb, 0xf1d6bd}, {0xe4eff7, 0xc8dfef}, {0xe9f3e5, 0xcde4c6}, {0xf8e5e7, 0xf0c8ce},
    {0xf0e9f7, 0xdccdec}, {0xfdf3d9, 0xf7e0a8}, {0xe2f3f0, 0xbde1da}, {0xf1ede7, 0xdcd4c7},
    {0xe7eaf6, 0xc7cfeb}, {0xfbe8de, 0xf4cab2},
};

static const uint32_t accents[] = {0xe8604c, 0xf2b138, 0x3f8f7f, 0x4a6fb5, 0x9b6bb3, 0xef8fa3};

enum {
    SCENERIES = sizeof sceneries / sizeof *sceneries,
    ACCENTS = sizeof accents / sizeof *accents
};

/* The colours of one picture. */
struct paints {
    uint32_t body, shade, light, accent, ink;
    const struct scenery *scenery;
};

static uint32_t mix(uint32_t a, uint32_t b, int percent_b)
{
    uint32_t out = 0;
    for (int shift = 0; shift < 24; shift += 8) {
        int x = (int)(a >> shift & 255), y = (int)(b >> shift & 255);
        out |= (uint32_t)((x * (100 - percent_b) + y * percent_b) / 100) << shift;
    }
    return out;
}

/* How different two colours look, roughly: 0..765, green counts most. */
static int distance(uint32_t a, uint32_t b)
{
    int red = abs((int)(a >> 16 & 255) - (int)(b >> 16 & 255));
    int green = abs((int)(a >> 8 & 255) - (int)(b >> 8 & 255));
    int blue = abs((int)(a & 255) - (int)(b & 255));
    return (3 * red + 4 * green + 2 * blue) / 3;
}

static int luminance(uint32_t c)
{
    return (int)((c >> 16 & 255) * 3 + (c >> 8 & 255) * 6 + (c & 255)) / 10;
}

static void choose_paints(const struct picture *p, struct paints *out)
{
    uint32_t body = colour_at(p->colour)->rgb;
    out->body = body;
    out->shade = mix(body, luminance(body) > 200 ? 0x8a8174 : 0x20203a, 26);
    out->light = luminance(body) > 200 ? mix(body, 0xb9ad9c, 24) : mix(body, 0xffffff, 34);
    out->ink = luminance(body) < 90 ? 0x8b93a3 : 0x3b3e48;
    unsigned scene = p->look % SCENERIES, accent = p->look / 16 % ACCENTS;
    for (int tries = 0; tries < SCENERIES && distance(body, sceneries[scene].deeper) < 110; tries++)
        scene = (scene + 3) % SCENERIES;
    while (distance(body, accents[accent]) < 130)
        accent = (accent + 1) % ACCENTS;
    out->scenery = &sceneries[scene];
    out->accent = accents[accent];
}

/* --- names ------------------------------------------------------------------------------------- */

void picture_put_name(const struct picture *p, struct buf *out)
{
    buf_printf(out, "%.*s-%s-%d-%04x%s", STR_ARG(p->shape), colour_at(p->colour)->id, p->pattern,
               p->look, p->detail ? "-detail" : "");
}

static bool parse_look(struct str s, uint16_t *look)
{
    unsigned value = 0;
    if (s.n != 4)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        char ch = s.p[i];
        if (ch >= '0' && ch <= '9')
            value = value * 16 + (unsigned)(ch - '0');
        else if (ch >= 'a' && ch <= 'f')
            value = value * 16 + (unsigned)(ch - 'a' + 10);
        else
            return false;
    }
    *look = (uint16_t)value;
    return true;
}

static bool parse_name(struct str name, struct picture *p)
{
    if (name.n == 0 || name.n > PICTURE_NAME_MAX)
        return false;
    struct str rest = name, part[5] = {0};
    int parts = 0;
    while (rest.p && parts < 5)
        part[parts++] = str_split(&rest, '-');
    if (rest.p || parts < 4 || part[2].n != 1)
        return false;
    *p = (struct picture){.shape = part[0], .colour = colour_find(part[1]), .detail = parts == 5};
    p->pattern = part[2].p[0] - '0';
    return shape_find(part[0]) && p->colour >= 0 && p->pattern >= 0 &&
           p->pattern < PICTURE_PATTERNS && parse_look(part[3], &p->look) &&
           (!p->detail || str_is(part[4], "detail"));
}

const struct shape *shape_find(struct str name)
{
    static const struct shape_table *const tables[] = {&shapes_home, &shapes_tech, &shapes_wear,
                                                       &shapes_life};
    for (size_t t = 0; t < sizeof tables / sizeof *tables; t++)
        for (size_t i = 0; i < tables[t]->len; i++)
            if (str_is(name, tables[t]->shapes[i].name))
                return &tables[t]->shapes[i];
    return NULL;
}

/* --- the drawing ------------------------------------------------------------------------------- */

/* fill="..." or stroke="..." of a paint. */
static void put_paint(const struct paints *p, char paint, const char *attribute, struct buf *out)
{
    uint32_t rgb = 0;
    switch (paint) {
    case 'b':
        buf_printf(out, " %s=\"url(#p)\"", attribute);
        return;
    case 'c':
        buf_printf(out, " %s=\"url(#c)\"", attribute);
        return;
    case 's':
        buf_printf(out, " %s=\"#201a2c\" opacity=\".13\"", attribute);
        return;
    case 'h':
        buf_printf(out, " %s=\"#fff\" opacity=\".38\"", attribute);
        return;
    case 'd':
        rgb = p->shade;
        break;
    case 'l':
        rgb = p->light;
        break;
    case 'a':
        rgb = p->accent;
        break;
    case 'k':
        rgb = p->ink;
        break;
    case 'w':
        rgb = 0xfdfaf4;
        break;
    case 'm':
        rgb = 0xbfc6cf;
        break;
    case 'n':
        rgb = 0xb98a5e;
        break;
    case 'g':
        rgb = 0x6aa56b;
        break;
    case 'y':
        rgb = 0xf4b73f;
        break;
    default:
        UNREACHABLE();
    }
    buf_printf(out, " %s=\"#%06x\"", attribute, rgb);
}

/* The numbers of an o, e or r mark as attributes of these names. */
static void put_numbers(struct str args, const char *const *names, struct buf *out)
{
    while (args.p) {
        struct str number = str_split(&args, ' ');
        CHECK(*names); /* a slip in the tables */
        buf_printf(out, " %s=\"%.*s\"", *names++, STR_ARG(number));
    }
}

static void put_mark(const struct paints *p, struct str mark, struct buf *out)
{
    static const char *const disc[] = {"cx", "cy", "r", NULL};
    static const char *const ellipse[] = {"cx", "cy", "rx", "ry", NULL};
    static const char *const rectangle[] = {"x", "y", "width", "height", "rx", NULL};
    CHECK(mark.n > 2);
    char paint = mark.p[0], kind = mark.p[1];
    struct str args = {mark.p + 2, mark.n - 2};
    if (kind == '|') {
        size_t width = str_find(args, 'M', 0);
        CHECK(width != SIZE_MAX);
        buf_printf(out, "<path d=\"%.*s\" fill=\"none\" stroke-width=\"%.*s\"",
                   (int)(args.n - width), args.p + width, (int)width, args.p);
        put_paint(p, paint, "stroke", out);
        buf_puts(out, "/>");
        return;
    }
    switch (kind) {
    case 'o':
        buf_puts(out, "<circle");
        put_numbers(args, disc, out);
        break;
    case 'e':
        buf_puts(out, "<ellipse");
        put_numbers(args, ellipse, out);
        break;
    case 'r':
        buf_puts(out, "<rect");
        put_numbers(args, rectangle, out);
        break;
    case 'M':
        buf_printf(out, "<path d=\"M%.*s\"", STR_ARG(args));
        break;
    default:
        UNREACHABLE();
    }
    put_paint(p, paint, "fill", out);
    buf_puts(out, "/>");
}

/* The body's light comes from the left; gradient and pattern lie on the whole field, so that all parts
 * of a body fit together. */
static void put_definitions(const struct picture *p, const struct paints *paints, struct buf *out)
{
    static const char *const marks[PICTURE_PATTERNS] = {
        NULL,
        "M0 4H14",                            /* stripes */
        "M4 4h.1M11 11h.1",                   /* dots */
        "M-2 16L16 -2M-2 2L2 -2M12 16L16 12", /* slanting */
        NULL,
        "M0 7H14M7 0V14", /* checks */
    };
    buf_printf(
        out,
        "<defs><linearGradient id=\"c\" gradientUnits=\"userSpaceOnUse\" x1=\"40\" y1=\"40\" "
        "x2=\"160\" y2=\"170\"><stop stop-color=\"#%06x\"/><stop offset=\"1\" "
        "stop-color=\"#%06x\"/></linearGradient>",
        mix(paints->body, 0xffffff, 14), mix(paints->body, paints->shade, 45));
    const char *mark = marks[p->pattern];
    uint32_t tint = (p->look & 0x800) ? paints->light : paints->shade;
    if (mark)
        buf_printf(out,
                   "<pattern id=\"p\" width=\"14\" height=\"14\" patternUnits=\"userSpaceOnUse\">"
                   "<path d=\"M0 0H14V14H0Z\" fill=\"#%06x\"/><path d=\"%s\" stroke=\"#%06x\" "
                   "stroke-width=\"%d\" stroke-linecap=\"round\" opacity=\".75\"/></pattern>",
                   paints->body, mark, tint, p->pattern == 2 ? 5 : 3);
    else
        buf_puts(out, "<linearGradient id=\"p\" href=\"#c\"/>");
    buf_puts(out, "</defs>");
}

static void put_backdrop(const struct picture *p, const struct paints *paints, struct buf *out)
{
    static const char *const scenes[] = {
        "M100 18A80 80 0 1 1 99.9 18Z",                        /* a disc */
        "M0 140H200V200H0Z",                                   /* a table */
        "M40 200V92A60 60 0 0 1 160 92V200Z",                  /* an arch */
        "M0 150C40 120 80 150 120 130S180 110 200 128V200H0Z", /* hills */
        "M0 0H76L138 200H0Z",                                  /* a slanting wall */
        "M22 60Q24 22 62 24H150Q184 26 180 66V150Q180 186 142 184H54Q20 180 22 148Z", /* a cloud */
    };
    unsigned scene = (p->look >> 8) % (sizeof scenes / sizeof *scenes);
    buf_printf(out, "<path d=\"M0 0H200V200H0Z\" fill=\"#%06x\"/><path d=\"%s\" fill=\"#%06x\"/>",
               paints->scenery->ground, scenes[scene], paints->scenery->deeper);
}

/* Proportions differ a little from thing to thing; some look the other way. */
static void put_frame(const struct picture *p, struct buf *out)
{
    int wide = 90 + p->look % 13, high = 90 + p->look / 13 % 13;
    if (p->detail)
        buf_printf(out, "<g transform=\"translate(100 106) scale(%s1.6 1.6) translate(-100 -112)\"",
                   p->look & 0x40 ? "" : "-");
    else
        buf_printf(
            out,
            "<g transform=\"translate(100 178) scale(%s%d.%02d %d.%02d) translate(-100 -178)\"",
            p->look & 0x40 ? "-" : "", wide / 100, wide % 100, high / 100, high % 100);
    buf_puts(out, " stroke-linecap=\"round\" stroke-linejoin=\"round\">");
}

enum err_code demo_picture_svg(struct str name, struct buf *out, struct err *err)
{
    struct picture p;
    if (!parse_name(name, &p)) {
        char quoted[PICTURE_NAME_MAX + 4];
        return err_set(err, ERR_NOT_FOUND, "no picture is called '%s'",
                       err_quote(quoted, sizeof quoted, name.p, name.n));
    }
    struct paints paints;
    choose_paints(&p, &paints);
    buf_puts(out, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"480\" height=\"480\" "
                  "viewBox=\"0 0 200 200\">");
    put_definitions(&p, &paints, out);
    put_backdrop(&p, &paints, out);
    put_frame(&p, out);
    buf_puts(out, "<ellipse cx=\"100\" cy=\"178\" rx=\"66\" ry=\"7\" fill=\"#201a2c\" "
                  "opacity=\".13\"/>");
    struct str rest = str_of(shape_find(p.shape)->drawing);
    while (rest.p && rest.n)
        put_mark(&paints, str_split(&rest, ';'), out);
    buf_puts(out, "</g></svg>\n");
    return buf_ok(out, "picture", err);
}
