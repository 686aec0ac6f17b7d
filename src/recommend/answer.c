/* answer.c - recommendations as JSON. */
#include "recommend/answer.h"

/* Reasons that were written already, by where they stand in the buffer: a list has few different ones,
 * and the next item with the same one copies it. */
enum { MEMO_SLOTS = 16 };

struct memo {
    uint32_t key; /* of what stands there; 0: nothing */
    uint32_t product_no;
    size_t at, n; /* bytes of the buffer */
};

static void write_reason(const struct view *view, const struct recommend_item *item,
                         struct str language, struct json_writer *w)
{
    struct str text[REASON_PIECES];
    struct str id = card_id(view, item->reason_product);
    JW_OBJ(w, "reason");
    JW_Z(w, "code", reason_name(item->reason));
    if (item->reason_product && id.n)
        JW_STR(w, "product_id", id);
    JW_KEY(w, "text");
    jw_pieces(w, text, reason_pieces(view, item->reason, item->reason_product, language, text));
    jw_obj_end(w);
}

static void write_or_copy_reason(const struct view *view, const struct recommend_item *item,
                                 struct str language, struct memo *memos, struct json_writer *w)
{
    uint32_t key = (uint32_t)item->reason + 1;
    struct memo *m = &memos[(item->reason_product + key) % MEMO_SLOTS];
    if (m->key == key && m->product_no == item->reason_product) {
        char *room = jw_members_room(w, m->n);
        if (room) {
            memcpy(room, w->out->data + m->at, m->n);
            jw_members_end(w, room + m->n);
        }
        return;
    }
    size_t at = w->out->len + 1; /* behind the comma */
    write_reason(view, item, language, w);
    if (!w->out->full)
        *m = (struct memo){key, item->reason_product, at, w->out->len - at};
}

void answer_models(const struct view *view, struct json_writer *w)
{
    JW_OBJ(w, "models");
    if (view->model)
        JW_Z(w, "recommend", view->model->version);
    jw_obj_end(w);
}

void answer_items(const struct view *view, const struct recommend_result *found,
                  struct str language, struct json_writer *w)
{
    struct memo memos[MEMO_SLOTS] = {{0}};
    JW_ARR(w, "items");
    for (size_t i = 0; i < found->len; i++) {
        jw_obj(w);
        card_write(view, found->items[i].product_no, language, w);
        JW_DECIMAL(w, "score", (double)found->items[i].score, 4);
        write_or_copy_reason(view, &found->items[i], language, memos, w);
        jw_obj_end(w);
    }
    jw_arr_end(w);
}

void recommend_members(const struct view *view, const struct recommend_request *r,
                       const struct recommend_result *found, struct str language,
                       struct json_writer *w)
{
    JW_Z(w, "placement", placement_name(r->placement));
    JW_BOOL(w, "personal", found->personal);
    answer_models(view, w);
    answer_items(view, found, language, w);
}
