/* check.h - a caller's bug stops the process, with the place and the broken condition.
 *
 * CHECK is on in every build; DCHECK only in builds with AISLE_DEBUG (all test builds) and is meant
 * for hot loops. Neither is ever used on input: bad input is a status (err.h). */
#ifndef BASE_CHECK_H
#define BASE_CHECK_H

/** Print `file:line: what` to stderr and abort. Async-signal-safe enough for a last word. */
_Noreturn void check_failed(const char *file, int line, const char *what);

#define CHECK(cond)                                                                                \
    (__builtin_expect(!(cond), 0) ? check_failed(__FILE__, __LINE__, #cond) : (void)0)

#ifdef AISLE_DEBUG
#define DCHECK(cond) CHECK(cond)
#else
#define DCHECK(cond) ((void)sizeof(!(cond)))
#endif

/** A branch that no correct program reaches. */
#define UNREACHABLE() check_failed(__FILE__, __LINE__, "unreachable")

#endif
