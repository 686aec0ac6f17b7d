/* events_int.h - how other repositories of this domain add to the log of events. */
#ifndef STORE_EVENTS_INT_H
#define STORE_EVENTS_INT_H

#include "store/events.h"

/** Insert one event that passed event_check, whose user_no, product_no and feedback are known, and
 *  report it. seq is 0 where its identity was taken. */
ERR_MUST_USE enum err_code event_insert(struct store_tx *tx, struct event *e, struct err *err);

/** What an event loses that must go while its number stays. */
#define BLANK_EVENT                                                                                \
    "UPDATE events SET id = 'erased-' || seq, user_no = 0, product_no = NULL, session_id = NULL,"  \
    " query = NULL, value = NULL, currency = NULL, rating = NULL, request_id = NULL,"              \
    " place = NULL, context = NULL, feedback = NULL"

#endif
