/* doctor.h - what `aisle doctor` looks at (doctor_folder.c) and how it asks a server (doctor_health.c). */
#ifndef CLI_DOCTOR_H
#define CLI_DOCTOR_H

#include "cli/cli.h"

enum { CHECKUP_MAX = 24 };

enum finding_state {
    FINDING_FINE,
    FINDING_NOTE,  /* worth knowing, nothing is wrong */
    FINDING_WRONG, /* the command fails */
};

struct finding {
    const char *name; /* "free_space", ...: stable, static */
    enum finding_state state;
    char message[320]; /* one line */
};

struct checkup {
    struct finding findings[CHECKUP_MAX]; /* [len] in the order of looking */
    size_t len;
};

void checkup_add(struct checkup *c, enum finding_state state, const char *name, const char *fmt,
                 ...) __attribute__((format(printf, 4, 5)));

/** Look at the data folder: lock, space, store, catalogue, live model, readiness.
 *  deep  read every byte: the database's structure and every checksum */
void checkup_folder(const struct args *args, bool deep, struct checkup *out);

/** GET /healthz of the server that these settings describe, within 5 s.
 *  answer  [cap] its body, one line
 *  ERR_UNAVAILABLE  nothing answers there, or the answer is not 200; ERR_TIMEOUT
 *  ERR_UNSUPPORTED  the only port speaks TLS */
ERR_MUST_USE enum err_code doctor_health(const struct config *config, char *answer, size_t cap,
                                         struct err *err);

#endif
