#include "pathway.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "percolation.h"

#define N_STEPS 26
#define NONE (-1)

typedef struct {
    double cost;
    int32_t point;
} candidate;

typedef struct {
    const double *levels;
    int32_t shape[3];
    int32_t steps[N_STEPS][3];
    double lengths[N_STEPS];
    double lowest; /* level of the start */
    unsigned char *open; /* (n_points,): 1 where the way may lead */
    double *cost; /* (n_points,): of the cheapest way from the start; INFINITY where none is known */
    int32_t *before; /* (n_points,): the point before on that way, NONE for the start */
    int32_t (*cell)[3]; /* (n_points,): lattice vectors crossed on that way */
    candidate *heap; /* a binary heap whose outdated entries are skipped when they come up */
    size_t n_heap, heap_capacity;
} search;

void superion_pathway_free(superion_pathway *path) {
    if (path != NULL) {
        free(path->points);
        memset(path, 0, sizeof *path);
    }
}

static void search_free(search *work) {
    free(work->open);
    free(work->cost);
    free(work->before);
    free(work->cell);
    free(work->heap);
}

static void list_steps(const double *lattice, search *work) {
    int n = 0;
    for (int k = 0; k < 27; k++) {
        int32_t step[3] = {k / 9 - 1, k / 3 % 3 - 1, k % 3 - 1};
        double squared = 0.0;
        if (k == 13) { /* no step at all */
            continue;
        }
        for (int x = 0; x < 3; x++) {
            double component = 0.0;
            for (int y = 0; y < 3; y++) {
                component += (double)step[y] / work->shape[y] * lattice[3 * y + x];
            }
            squared += component * component;
        }
        memcpy(work->steps[n], step, sizeof step);
        work->lengths[n++] = sqrt(squared);
    }
}

static superion_status push(search *work, double cost, int32_t point) {
    if (work->n_heap == work->heap_capacity) {
        size_t capacity = work->heap_capacity > 0 ? 2 * work->heap_capacity : 1024;
        void *larger = realloc(work->heap, capacity * sizeof(candidate));
        if (larger == NULL) {
            return SUPERION_OUT_OF_MEMORY;
        }
        work->heap = larger;
        work->heap_capacity = capacity;
    }
    size_t place = work->n_heap++;
    while (place > 0 && work->heap[(place - 1) / 2].cost > cost) {
        work->heap[place] = work->heap[(place - 1) / 2];
        place = (place - 1) / 2;
    }
    work->heap[place] = (candidate){cost, point};
    return SUPERION_OK;
}

static candidate pop(search *work) {
    candidate top = work->heap[0], last = work->heap[--work->n_heap];
    size_t place = 0, below;
    while ((below = 2 * place + 1) < work->n_heap) {
        if (below + 1 < work->n_heap && work->heap[below + 1].cost < work->heap[below].cost) {
            below++;
        }
        if (!(work->heap[below].cost < last.cost)) {
            break;
        }
        work->heap[place] = work->heap[below];
        place = below;
    }
    if (work->n_heap > 0) {
        work->heap[place] = last;
    }
    return top;
}

/* Take one step from a point: the point reached, the lattice vectors crossed and the cost. */
static int32_t take_step(const search *work, int32_t point, int n, int32_t crossed[3], double *cost) {
    int32_t at[3] = {point / work->shape[2] / work->shape[1], point / work->shape[2] % work->shape[1], point % work->shape[2]};
    for (int x = 0; x < 3; x++) {
        at[x] += work->steps[n][x];
        crossed[x] = at[x] < 0 ? -1 : at[x] >= work->shape[x] ? 1 : 0;
        at[x] -= crossed[x] * work->shape[x];
    }
    int32_t next = (at[0] * work->shape[1] + at[1]) * work->shape[2] + at[2];
    /* Each half apart: the sum of two levels can overflow, and a cost below zero would close the tree to a ring. */
    double excess = 0.5 * (work->levels[point] - work->lowest) + 0.5 * (work->levels[next] - work->lowest);
    *cost = work->lengths[n] * (excess + SUPERION_PATHWAY_BASE);
    return next;
}

/* Find the cheapest way from the start to every open point. */
static superion_status grow_tree(search *work, int32_t start) {
    work->cost[start] = 0.0;
    work->before[start] = NONE;
    memset(work->cell[start], 0, sizeof work->cell[start]);
    superion_status status = push(work, 0.0, start);
    while (status == SUPERION_OK && work->n_heap > 0) {
        candidate here = pop(work);
        if (here.cost > work->cost[here.point]) {
            continue;
        }
        for (int n = 0; n < N_STEPS && status == SUPERION_OK; n++) {
            int32_t crossed[3];
            double cost;
            int32_t next = take_step(work, here.point, n, crossed, &cost);
            if (work->open[next] && here.cost + cost < work->cost[next]) {
                work->cost[next] = here.cost + cost;
                work->before[next] = here.point;
                for (int x = 0; x < 3; x++) {
                    work->cell[next][x] = work->cell[here.point][x] + crossed[x];
                }
                status = push(work, work->cost[next], next);
            }
        }
    }
    return status;
}

/* Find the link that closes the cheapest way around the cell; `vector` is the lattice vector of that way. */
static int find_link(const search *work, int32_t n_points, int32_t *from, int32_t *to, int32_t vector[3]) {
    double best = INFINITY;
    for (int32_t point = 0; point < n_points; point++) {
        if (!work->open[point] || !(work->cost[point] < best)) {
            continue;
        }
        for (int n = 0; n < N_STEPS; n++) {
            int32_t crossed[3];
            double cost;
            int32_t next = take_step(work, point, n, crossed, &cost);
            if (!work->open[next] || !(work->cost[point] + cost + work->cost[next] < best)) {
                continue;
            }
            for (int x = 0; x < 3; x++) {
                crossed[x] += work->cell[point][x] - work->cell[next][x];
            }
            if (crossed[0] != 0 || crossed[1] != 0 || crossed[2] != 0) {
                best = work->cost[point] + cost + work->cost[next];
                *from = point;
                *to = next;
                memcpy(vector, crossed, 3 * sizeof(int32_t));
            }
        }
    }
    return best < INFINITY;
}

/* Write the grid coordinates of a point that lies in the cell which the way to it has reached, plus `vector`. */
static superion_status write_point(const search *work, int32_t point, const int32_t vector[3], int32_t *out) {
    int32_t at[3] = {point / work->shape[2] / work->shape[1], point / work->shape[2] % work->shape[1], point % work->shape[2]};
    for (int x = 0; x < 3; x++) {
        int64_t coordinate = at[x] + ((int64_t)work->cell[point][x] + vector[x]) * work->shape[x];
        if (coordinate > INT32_MAX || coordinate < INT32_MIN) {
            return SUPERION_OVERFLOW;
        }
        out[x] = (int32_t)coordinate;
    }
    return SUPERION_OK;
}

/* Write the way out along one branch of the tree and back along the other. */
static superion_status write_path(const search *work, int32_t from, int32_t to, const int32_t vector[3],
                                  superion_pathway *path) {
    static const int32_t zero[3] = {0, 0, 0};
    size_t n_out = 0, n_back = 0;
    for (int32_t point = from; point != NONE; point = work->before[point]) {
        n_out++;
    }
    for (int32_t point = to; point != NONE; point = work->before[point]) {
        n_back++;
    }
    path->points = malloc((n_out + n_back) * 3 * sizeof(int32_t));
    if (path->points == NULL) {
        return SUPERION_OUT_OF_MEMORY;
    }
    path->count = n_out + n_back;
    superion_status status = SUPERION_OK;
    size_t place = n_out;
    for (int32_t point = from; point != NONE && status == SUPERION_OK; point = work->before[point]) {
        status = write_point(work, point, zero, path->points + 3 * --place);
    }
    place = n_out;
    for (int32_t point = to; point != NONE && status == SUPERION_OK; point = work->before[point]) {
        status = write_point(work, point, vector, path->points + 3 * place++);
    }
    return status;
}

static superion_status find_path(search *work, int32_t n_points, superion_pathway *path) {
    int32_t start = NONE, from = NONE, to = NONE, vector[3] = {0, 0, 0};
    for (int32_t n = 0; n < n_points; n++) {
        work->cost[n] = INFINITY;
        if (work->open[n] && (start == NONE || work->levels[n] < work->levels[start])) {
            start = n;
        }
    }
    if (start == NONE) {
        return SUPERION_NO_PERCOLATION;
    }
    work->lowest = work->levels[start];
    superion_status status = grow_tree(work, start);
    if (status != SUPERION_OK) {
        return status;
    }
    return find_link(work, n_points, &from, &to, vector) ? write_path(work, from, to, vector, path) : SUPERION_NO_PERCOLATION;
}

superion_status superion_find_pathway(const double *lattice, const double *levels, const int32_t shape[3], double threshold,
                                      superion_pathway *path) {
    search work;
    if (path == NULL) {
        return SUPERION_NULL_ARGUMENT;
    }
    memset(path, 0, sizeof *path);
    if (lattice == NULL || levels == NULL || shape == NULL) {
        return SUPERION_NULL_ARGUMENT;
    }
    for (int x = 0; x < 9; x++) {
        if (!isfinite(lattice[x])) {
            return SUPERION_NONFINITE_LATTICE;
        }
    }
    if (shape[0] < 1 || shape[1] < 1 || shape[2] < 1 || (double)shape[0] * shape[1] * shape[2] > (double)INT32_MAX) {
        return SUPERION_BAD_GRID;
    }
    memset(&work, 0, sizeof work);
    work.levels = levels;
    memcpy(work.shape, shape, sizeof work.shape);
    list_steps(lattice, &work);
    size_t n_points = (size_t)shape[0] * (size_t)shape[1] * (size_t)shape[2];
    work.open = malloc(n_points);
    work.cost = malloc(n_points * sizeof(double));
    work.before = malloc(n_points * sizeof(int32_t));
    work.cell = malloc(n_points * sizeof *work.cell);
    superion_status status = SUPERION_OUT_OF_MEMORY;
    if (work.open != NULL && work.cost != NULL && work.before != NULL && work.cell != NULL) {
        status = superion_percolating_points(levels, shape, threshold, 1, work.open);
    }
    if (status == SUPERION_OK) {
        status = find_path(&work, (int32_t)n_points, path);
    }
    search_free(&work);
    if (status != SUPERION_OK) {
        superion_pathway_free(path);
    }
    return status;
}
