/* fuzz_container.c - any bytes open as a container or are refused; what opens lies within them. */
#include <stdlib.h>

#include "base/mem.h"
#include "index/container.h"
#include "index/damage.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_sections(const struct container *c)
{
    size_t sections, count;
    const void *found;
    uint64_t sum = 0;
    const struct container_entry *e = container_entries(c, &sections);
    for (size_t i = 0; i < sections; i++) {
        CHECK(container_section(c, e[i].name, e[i].elem_bytes, &found, &count, NULL) == ERR_OK);
        CHECK((uintptr_t)found % CONTAINER_ALIGN == 0);
        for (size_t k = 0; k < count * e[i].elem_bytes; k++)
            sum += ((const uint8_t *)found)[k];
    }
    CHECK(sum <= container_bytes(c) * UINT8_MAX);
}

/* Once as it came, once with right checksums. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *image = mem_try_aligned(1, size, CONTAINER_ALIGN);
    if (size)
        memcpy(image, data, size);
    for (int sealed = 0; sealed < 2; sealed++) {
        struct container *c;
        if (sealed)
            damage_seal(image, size);
        if (container_open_memory(image, size, CONTAINER_CHECKSUMS, &c, NULL) != ERR_OK)
            continue;
        read_sections(c);
        container_close(c);
    }
    mem_free(image);
    return 0;
}
