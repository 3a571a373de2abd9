/* Counts the bytes that a process holds from malloc, for LD_PRELOAD on glibc.
 *
 * A block counts with what it really takes (malloc_usable_size). The counters are not thread-safe: the process that is
 * measured has one thread at work.
 */
#include <malloc.h>
#include <stddef.h>

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *block, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);
extern void __libc_free(void *block);

static ptrdiff_t held;
static ptrdiff_t peak;

static void *took(void *block) {
    held += block == NULL ? 0 : (ptrdiff_t)malloc_usable_size(block);
    peak = held > peak ? held : peak;
    return block;
}

/* Start counting from nothing. */
void allocations_reset(void) { held = peak = 0; }

/* Return the most bytes held at once since the reset, beyond those held at it. */
ptrdiff_t allocations_peak(void) { return peak; }

void *malloc(size_t size) { return took(__libc_malloc(size)); }

void *calloc(size_t count, size_t size) { return took(__libc_calloc(count, size)); }

void *memalign(size_t alignment, size_t size) { return took(__libc_memalign(alignment, size)); }

void *aligned_alloc(size_t alignment, size_t size) { return took(__libc_memalign(alignment, size)); }

int posix_memalign(void **block, size_t alignment, size_t size) {
    *block = took(__libc_memalign(alignment, size));
    return *block == NULL && size > 0 ? 12 /* ENOMEM */ : 0;
}

void *realloc(void *block, size_t size) {
    size_t before = block == NULL ? 0 : malloc_usable_size(block);
    void *larger = __libc_realloc(block, size);
    if (larger == NULL && size > 0)
        return NULL;
    held -= (ptrdiff_t)before;
    return took(larger);
}

void free(void *block) {
    if (block != NULL)
        held -= (ptrdiff_t)malloc_usable_size(block);
    __libc_free(block);
}
