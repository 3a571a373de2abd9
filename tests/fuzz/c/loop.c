/* A small coverage-guided engine for where libFuzzer is not at hand: it runs a harness of this folder on mutated inputs
 * and keeps those that take a path not taken before.
 *
 * Built by gcc; only csrc/ and the harness carry -fsanitize-coverage=trace-pc, which calls __sanitizer_cov_trace_pc at
 * every basic block. Two blocks in a row are an edge, and an edge taken another order of magnitude of times is a feature,
 * as in American Fuzzy Lop. Takes those of libFuzzer's arguments that tests/fuzz/ uses, prints its final statistics, and
 * like it leaves the input of a crash at PREFIXcrash-HASH and that of a hang at PREFIXtimeout-HASH:
 *
 *     loop [-max_total_time=S] [-runs=N] [-seed=N] [-timeout=S] [-max_len=N] [-artifact_prefix=PREFIX] CORPUS_FOLDER
 *     loop FILE...         run each file once */
#define _POSIX_C_SOURCE 200809L
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "harness.h"

#define MAX_INPUT 4096
#define MAX_KEPT 20000
#define MAP_SIZE 65536

typedef struct {
    uint8_t *bytes;
    size_t size;
} input;

static uint8_t edges[MAP_SIZE], seen[MAP_SIZE];
static uintptr_t previous;
static input kept[MAX_KEPT];
static size_t n_kept, max_size = MAX_INPUT;
static uint64_t state = 1;
static const uint8_t *running;
static size_t running_size;
static const char *prefix = "";

void __sanitizer_cov_trace_pc(void);
void __sanitizer_cov_trace_pc(void) {
    /* Relative to the program, so that the same seed finds the same inputs wherever the program is loaded. */
    uintptr_t here = (uintptr_t)__builtin_return_address(0) - (uintptr_t)&LLVMFuzzerTestOneInput;
    here = (here * 0x9e3779b97f4a7c15u) >> 40;
    uint8_t *edge = edges + ((here ^ previous) & (MAP_SIZE - 1));
    *edge = (uint8_t)(*edge + (*edge < 255));
    previous = here >> 1;
}

/* splitmix64 */
static size_t below(size_t n) {
    uint64_t z = (state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (size_t)((z ^ (z >> 31)) % n);
}

static uint64_t hash(const uint8_t *bytes, size_t size) {
    uint64_t h = 0xcbf29ce484222325u; /* FNV-1a */
    for (size_t n = 0; n < size; n++) {
        h = (h ^ bytes[n]) * 0x100000001b3u;
    }
    return h;
}

/* Write the bytes to `start` + `kind` + their hash; called by signal handlers too, hence without stdio. */
static void save(const char *start, const char *kind, const uint8_t *bytes, size_t size) {
    char path[1024], digits[17] = {0};
    uint64_t h = hash(bytes, size);
    for (int n = 0; n < 16; n++) {
        digits[n] = "0123456789abcdef"[h >> (60 - 4 * n) & 15];
    }
    if (strlen(start) + strlen(kind) + sizeof digits > sizeof path) {
        return;
    }
    strcpy(path, start);
    strcat(path, kind);
    strcat(path, digits);
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    if (file < 0 || write(file, bytes, size) != (ssize_t)size) {
        static const char complaint[] = "the input could not be saved\n";
        if (write(2, complaint, sizeof complaint - 1) < 0) {
            _exit(3);
        }
    }
    close(file);
}

static void on_abort(int number) {
    save(prefix, number == SIGALRM ? "timeout-" : "crash-", running, running_size);
    _exit(number == SIGALRM ? 70 : 77);
}

/* Run one input; return how many features it has that no input had before. */
static size_t run(const uint8_t *bytes, size_t size, unsigned timeout) {
    static const uint8_t nothing[8];
    size_t news = 0;
    memset(edges, 0, sizeof edges);
    previous = 0;
    uint8_t *copy = exact(size, 1);
    if (size > 0) {
        memcpy(copy, bytes, size);
    }
    running = bytes;
    running_size = size;
    alarm(timeout);
    LLVMFuzzerTestOneInput(copy, size);
    alarm(0);
    free(copy);
    for (size_t n = 0; n < MAP_SIZE; n++) {
        uint8_t count = edges[n];
        if (n % 8 == 0 && memcmp(edges + n, nothing, sizeof nothing) == 0) {
            n += 7;
        } else if (count != 0) {
            uint8_t bucket = (uint8_t)(1u << (count < 4 ? count - 1 : count < 8 ? 3 : count < 16 ? 4 : count < 32 ? 5 : count < 128 ? 6 : 7));
            news += (seen[n] & bucket) == 0;
            seen[n] |= bucket;
        }
    }
    return news;
}

static void keep(const uint8_t *bytes, size_t size) {
    if (n_kept < MAX_KEPT) {
        kept[n_kept].bytes = exact(size + 1, 1);
        memcpy(kept[n_kept].bytes, bytes, size);
        kept[n_kept++].size = size;
    }
}

/* Change `bytes`, which have room for MAX_INPUT, in one of the ways that libFuzzer does; return the new size. */
static size_t mutate(uint8_t *bytes, size_t size) {
    size_t at = below(size + 1), other, length;
    const input *donor = kept + below(n_kept);
    switch (size == 0 ? 3 : below(8)) {
    case 0:
        bytes[at % size] ^= (uint8_t)(1u << below(8));
        break;
    case 1:
        bytes[at % size] = (uint8_t)below(256);
        break;
    case 2:
        bytes[at % size] = (uint8_t)(bytes[at % size] + below(33) - 16);
        break;
    case 3: /* insert */
        length = 1 + below(9);
        if (size + length <= max_size) {
            memmove(bytes + at + length, bytes + at, size - at);
            for (size_t n = 0, same = below(2), value = below(256); n < length; n++) {
                bytes[at + n] = (uint8_t)(same ? value : below(256));
            }
            size += length;
        }
        break;
    case 4: /* erase */
        at %= size;
        length = 1 + below(size - at < 16 ? size - at : 16);
        memmove(bytes + at, bytes + at + length, size - at - length);
        size -= length;
        break;
    case 5: /* copy a part of itself */
        at %= size;
        other = below(size);
        length = 1 + below(size - (at > other ? at : other));
        memmove(bytes + at, bytes + other, length);
        break;
    default: /* overwrite with, or go on as, a part of another input */
        if (donor->size > 0) {
            other = below(donor->size);
            length = 1 + below(donor->size - other);
            length = at + length > max_size ? max_size - at : length;
            memcpy(bytes + at, donor->bytes + other, length);
            size = at + length > size || below(4) == 0 ? at + length : size;
        }
    }
    return size;
}

static size_t read_file(const char *path, uint8_t *bytes) {
    FILE *file = fopen(path, "rb");
    size_t size = file == NULL ? 0 : fread(bytes, 1, MAX_INPUT, file);
    if (file == NULL || fclose(file) != 0) {
        fprintf(stderr, "%s cannot be read\n", path);
        exit(2);
    }
    return size;
}

static int compare_names(const struct dirent **left, const struct dirent **right) {
    return strcmp((*left)->d_name, (*right)->d_name);
}

/* Run and keep every file of the folder, in the order of their names. */
static void read_corpus(const char *folder, unsigned timeout) {
    static uint8_t bytes[MAX_INPUT];
    struct dirent **entries;
    int count = scandir(folder, &entries, NULL, compare_names);
    if (count < 0) {
        fprintf(stderr, "%s is no folder\n", folder);
        exit(2);
    }
    for (int n = 0; n < count; n++) {
        char path[1024];
        struct stat found;
        int written = snprintf(path, sizeof path, "%s/%s", folder, entries[n]->d_name);
        if (written > 0 && (size_t)written < sizeof path && stat(path, &found) == 0 && S_ISREG(found.st_mode)) {
            size_t size = read_file(path, bytes);
            run(bytes, size, timeout);
            keep(bytes, size);
        }
        free(entries[n]);
    }
    free(entries);
}

int main(int argc, char **argv) {
    static uint8_t bytes[MAX_INPUT];
    static char new_prefix[1000];
    unsigned long long seconds = 0, runs = 0, timeout = 25, executions = 0, added = 0, value, n_edges = 0, features = 0;
    const char *folder = NULL;
    struct sigaction action = {.sa_handler = on_abort};
    sigaction(SIGABRT, &action, NULL);
    sigaction(SIGALRM, &action, NULL);
    for (int n = 1; n < argc; n++) {
        struct stat found;
        if (sscanf(argv[n], "-max_total_time=%llu", &value) == 1) {
            seconds = value;
        } else if (sscanf(argv[n], "-runs=%llu", &value) == 1) {
            runs = value;
        } else if (sscanf(argv[n], "-seed=%llu", &value) == 1) {
            state = value;
        } else if (sscanf(argv[n], "-timeout=%llu", &value) == 1) {
            timeout = value;
        } else if (sscanf(argv[n], "-max_len=%llu", &value) == 1) {
            max_size = value < MAX_INPUT ? (size_t)value : MAX_INPUT;
        } else if (strncmp(argv[n], "-artifact_prefix=", 17) == 0) {
            prefix = argv[n] + 17;
        } else if (stat(argv[n], &found) == 0 && S_ISDIR(found.st_mode)) {
            folder = argv[n];
        } else if (argv[n][0] != '-') {
            size_t size = read_file(argv[n], bytes);
            run(bytes, size, (unsigned)timeout);
            printf("%s: %zu bytes, no fault\n", argv[n], size);
        }
    }
    if (folder == NULL) {
        return 0;
    }
    snprintf(new_prefix, sizeof new_prefix, "%s/", folder);
    read_corpus(folder, (unsigned)timeout);
    if (n_kept == 0) {
        keep(bytes, 0);
    }
    struct timespec start, now;
    clock_gettime(CLOCK_MONOTONIC, &start);
    for (int going = 1; going; executions++) {
        const input *parent = kept + below(n_kept);
        memcpy(bytes, parent->bytes, parent->size);
        size_t size = parent->size < max_size ? parent->size : max_size;
        for (size_t left = 1 + below(6); left > 0; left--) {
            size = mutate(bytes, size);
        }
        if (run(bytes, size, (unsigned)timeout) > 0) {
            keep(bytes, size);
            save(new_prefix, "", bytes, size);
            added++;
        }
        clock_gettime(CLOCK_MONOTONIC, &now);
        going = (runs == 0 || executions + 1 < runs) && (seconds == 0 || (unsigned long long)(now.tv_sec - start.tv_sec) < seconds);
    }
    for (size_t n = 0; n < MAP_SIZE; n++) {
        n_edges += seen[n] != 0;
        for (uint8_t bits = seen[n]; bits != 0; bits &= (uint8_t)(bits - 1)) {
            features++;
        }
    }
    printf("#%llu DONE cov: %llu ft: %llu corp: %zu\n", executions, n_edges, features, n_kept);
    printf("stat::number_of_executed_units: %llu\nstat::new_units_added: %llu\n", executions, added);
    for (size_t n = 0; n < n_kept; n++) {
        free(kept[n].bytes);
    }
    return 0;
}
