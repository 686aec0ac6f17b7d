/* build_cards.c - the static part of each card, escaped once, so that a reply only copies bytes. */
#include "base/json_writer.h"
#include "index/build_int.h"
#include "index/segment_int.h"

void cards_init(struct cards_build *c)
{
    buf_init(&c->card, COLUMN_MAX);
    buf_init(&c->text, COLUMN_MAX);
}

void cards_release(struct cards_build *c)
{
    buf_release(&c->card);
    buf_release(&c->text);
}

static void put_text(struct json_writer *w, struct str s)
{
    if (s.n)
        jw_str(w, s);
    else
        jw_null(w);
}

/* An object, of which the braces are no part of the card, and the title behind it. */
static struct segment_card write_card(struct buf *out, const struct doc *d, struct str title,
                                      struct str brand)
{
    const struct product *p = d->product;
    struct json_writer w;
    jw_init(&w, out);
    jw_obj(&w);
    size_t start = out->len;
    JW_STR(&w, "id", p->id);
    JW_KEY(&w, "group_id"), put_text(&w, p->group_id);
    JW_STR(&w, "title", title);
    JW_KEY(&w, "brand"), put_text(&w, brand);
    JW_KEY(&w, "category"), put_text(&w, p->category);
    JW_KEY(&w, "image"), put_text(&w, d->image);
    JW_KEY(&w, "url"), put_text(&w, p->url);
    size_t end = out->len;
    jw_obj_end(&w);
    buf_truncate(out, end);
    buf_put_str(out, title);
    return (struct segment_card){start, (uint32_t)(end - start), (uint32_t)title.n};
}

bool cards_add(struct cards_build *c, const struct doc *d, uint32_t languages)
{
    struct segment_card own = write_card(&c->text, d, d->title[0], d->brand[0]);
    buf_put(&c->card, &own, sizeof own);
    for (uint32_t i = 1; i < languages; i++) {
        struct segment_card card = own;
        if (d->title[i].n || d->brand[i].n)
            card = write_card(&c->text, d, d->title[i].n ? d->title[i] : d->title[0],
                              d->brand[i].n ? d->brand[i] : d->brand[0]);
        buf_put(&c->card, &card, sizeof card);
    }
    return !c->card.full && !c->text.full;
}

void cards_finish(struct cards_build *c, struct container_writer *w)
{
    COLUMN_SECTION(w, SECTION_CARD, &c->card, struct segment_card);
    COLUMN_SECTION(w, SECTION_CARD_TEXT, &c->text, char);
}
