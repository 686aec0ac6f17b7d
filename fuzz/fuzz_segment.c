/* fuzz_segment.c - any bytes, with right checksums, are refused by the validator or harmless. */
#include <stdlib.h>

#include "base/mem.h"
#include "index/damage.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct segment *s;
    uint8_t *image = mem_try_aligned(1, size, CONTAINER_ALIGN);
    if (size)
        memcpy(image, data, size);
    damage_seal(image, size);
    if (segment_open_memory(image, size, 0, &s, NULL) == ERR_OK) {
        damage_read_segment(s);
        segment_close(s);
    } else {
        mem_free(image);
    }
    return 0;
}
