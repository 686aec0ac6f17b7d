#include "demo/picture.h"
#include "demo/tables_int.h"

void picture_put_name(const struct picture *p, struct buf *out)
{
    buf_printf(out, "%.*s-%s-%d-%04x%s", STR_ARG(p->shape), colour_at(p->colour)->id, p->pattern,
               p->look, p->detail ? "-detail" : "");
}
