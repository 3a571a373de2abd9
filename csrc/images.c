#include "images.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define FREE_IMAGES 1e6 /* images that every limited search may look at (see max_pairs in neighbors.h) */
#define ROW_BINS_PER_CUTOFF 1.5 /* bins across the rows, per cutoff; 1 to 1.5 timed alike on crystals, 2 slower */
#define LINE_BINS_PER_CUTOFF 6.0 /* bins along a row, per cutoff: finer, because a row is read in one run anyway */

void *superion_allocate(size_t count, size_t size) {
    return count > SIZE_MAX / size ? NULL : malloc(count ? count * size : 1);
}

void superion_images_free(superion_images *work) {
    free(work->wrapped);
    free(work->wraps);
    free(work->self);
    free(work->images);
    free(work->labels);
    free(work->x);
    free(work->number);
    free(work->bin_start);
    memset(work, 0, sizeof *work);
}

/* Map a reduced shift to the lattice as given. */
static void map_shift(const superion_lattice *lattice, const int32_t *reduced, int32_t *mapped) {
    for (int x = 0; x < 3; x++) {
        mapped[x] = (int32_t)(reduced[0] * lattice->transform[0][x] + reduced[1] * lattice->transform[1][x] +
                              reduced[2] * lattice->transform[2][x]);
    }
}

/* Wrap every site into the brick. `largest` becomes the largest number of lattice vectors subtracted. */
static superion_status wrap_sites(const superion_lattice *lattice, const double *fractional, size_t n_sites,
                                  superion_images *work, double *largest) {
    for (size_t i = 0; i < n_sites; i++) {
        const double *given = fractional + 3 * i;
        double *position = work->wrapped + 3 * i, f[3], wraps[3];
        if (!isfinite(given[0]) || !isfinite(given[1]) || !isfinite(given[2])) {
            return SUPERION_NONFINITE_COORDINATE;
        }
        for (int x = 0; x < 3; x++) {
            f[x] = given[0] * (double)lattice->inverse[0][x] + given[1] * (double)lattice->inverse[1][x] +
                   given[2] * (double)lattice->inverse[2][x];
        }
        /* Wrapping along a' moves nothing else; wrapping along b' and c' follows the shear of the brick. */
        wraps[0] = floor(f[0]);
        position[0] = (f[0] - wraps[0]) * lattice->edge[0];
        double y = (f[0] - wraps[0]) * lattice->a_y / lattice->edge[1];
        wraps[1] = floor(f[1] + y);
        position[1] = (f[1] - wraps[1] + y) * lattice->edge[1];
        double z = ((f[0] - wraps[0]) * lattice->a_z + (f[1] - wraps[1]) * lattice->b_z) / lattice->edge[2];
        wraps[2] = floor(f[2] + z);
        position[2] = (f[2] - wraps[2] + z) * lattice->edge[2];
        for (int x = 0; x < 3; x++) {
            if (!(fabs(wraps[x]) < 1073741824.0)) {
                return SUPERION_OVERFLOW;
            }
            work->wraps[3 * i + x] = (int32_t)wraps[x];
            *largest = fmax(*largest, fabs(wraps[x]));
        }
    }
    return SUPERION_OK;
}

/* Lay out the box around the wrapped sites, wider than the cutoff by what rounding can cost. */
static void bound_images(const double *wrapped, size_t n_sites, double cutoff, superion_grid *bins) {
    for (int x = 0; x < 3; x++) {
        double low = wrapped[x], high = wrapped[x];
        for (size_t i = 1; i < n_sites; i++) {
            low = fmin(low, wrapped[3 * i + x]);
            high = fmax(high, wrapped[3 * i + x]);
        }
        double reach = cutoff * (1.0 + 1e-9) + 1e-12 * (fabs(low) + fabs(high)) + DBL_MIN;
        bins->low[x] = low - reach;
        bins->high[x] = high + reach;
    }
}

/* List the images of one site inside the box, by reduced shift; only count them when `images` is NULL. */
static size_t list_images(const superion_lattice *lattice, const superion_grid *box, const double *origin, int32_t site,
                          superion_image *images) {
    size_t count = 0;
    const double *low = box->low, *high = box->high, *edge = lattice->edge;
    int64_t u_end = (int64_t)floor((high[0] - origin[0]) / edge[0]);
    for (int64_t u = (int64_t)ceil((low[0] - origin[0]) / edge[0]); u <= u_end; u++) {
        double s = (double)u, x = origin[0] + s * edge[0], y_u = origin[1] + s * lattice->a_y;
        double z_u = origin[2] + s * lattice->a_z;
        int64_t v_end = (int64_t)floor((high[1] - y_u) / edge[1]);
        for (int64_t v = (int64_t)ceil((low[1] - y_u) / edge[1]); v <= v_end; v++) {
            double y = y_u + (double)v * edge[1], z_v = z_u + (double)v * lattice->b_z;
            int64_t w_start = (int64_t)ceil((low[2] - z_v) / edge[2]), w_end = (int64_t)floor((high[2] - z_v) / edge[2]);
            for (int64_t w = w_start; images != NULL && w <= w_end; w++) {
                images[count + (size_t)(w - w_start)] = (superion_image){
                    {x, y, z_v + (double)w * edge[2]}, {site, {(int32_t)u, (int32_t)v, (int32_t)w}}};
            }
            count += w_end >= w_start ? (size_t)(w_end - w_start) + 1 : 0;
        }
    }
    return count;
}

/* Order two images of one site by their shift. */
static int compare_shifts(const void *left, const void *right) {
    const int32_t *p = ((const superion_image *)left)->label.shift, *q = ((const superion_image *)right)->label.shift;
    for (int x = 0; x < 3; x++) {
        if (p[x] != q[x]) {
            return p[x] < q[x] ? -1 : 1;
        }
    }
    return 0;
}

/* Refuse a search whose numbers do not fit, before anything that large is allocated. `largest_wrap` as wrap_sites has it. */
static superion_status check_size(const superion_lattice *lattice, const superion_grid *box, size_t n_sites, double largest_wrap,
                                  const superion_neighbor_options *options) {
    double images = (double)n_sites, largest_shift = largest_wrap, largest_entry = 0.0, limit = (double)options->max_pairs;
    for (int x = 0; x < 3; x++) {
        images *= (box->high[x] - box->low[x]) / lattice->edge[x] + 1.0;
    }
    /* The ball around any site that is smaller by the diameter of the cell holds only cells that are neighbours whole. */
    double inner = fmax(0.0, options->cutoff - lattice->diameter);
    double pairs = 4.18 * inner * inner * inner / lattice->volume * (double)n_sites * (double)n_sites - (double)n_sites;
    if (options->max_pairs > 0 && options->max_neighbors == 0 && !(pairs <= limit)) {
        return SUPERION_TOO_MANY_PAIRS;
    }
    if (options->max_pairs > 0 && !(images <= FREE_IMAGES + 8.0 * (double)n_sites + 2.0 * limit)) {
        return SUPERION_TOO_MANY_PAIRS;
    }
    if (!(images < 2147483647.0)) {
        return SUPERION_OVERFLOW;
    }
    /* A shear adds to a shift at most what the other edges do, because the lattice is reduced; hence the factor. */
    for (int x = 0; x < 3; x++) {
        largest_shift = fmax(largest_shift, 4.0 * ((box->high[x] - box->low[x]) / lattice->edge[x] + 2.0));
        for (int y = 0; y < 3; y++) {
            largest_entry = fmax(largest_entry, fabs((double)lattice->transform[x][y]));
        }
    }
    return 9.0 * largest_shift * largest_entry < 2147483647.0 ? SUPERION_OK : SUPERION_OVERFLOW;
}

/* Fill `work->images`, ordered by site and shift, the shifts made those of the lattice and the sites as given. */
static superion_status make_images(const superion_lattice *lattice, const superion_grid *box, size_t n_sites, superion_images *work) {
    int reduced = 0;
    for (int x = 0; x < 9; x++) {
        reduced |= lattice->transform[x / 3][x % 3] != (x % 4 == 0);
    }
    for (size_t i = 0; i < n_sites; i++) {
        work->n_images += list_images(lattice, box, work->wrapped + 3 * i, (int32_t)i, NULL);
    }
    if (work->n_images >= INT32_MAX) {
        return SUPERION_OVERFLOW;
    }
    work->images = superion_allocate(work->n_images, sizeof *work->images);
    if (work->images == NULL) {
        return SUPERION_OUT_OF_MEMORY;
    }
    superion_image *next = work->images;
    for (size_t i = 0; i < n_sites; i++) {
        size_t count = list_images(lattice, box, work->wrapped + 3 * i, (int32_t)i, next);
        int32_t *wraps = work->wraps + 3 * i, mapped[3];
        map_shift(lattice, wraps, mapped);
        memcpy(wraps, mapped, sizeof mapped);
        for (size_t n = 0; n < count; n++) {
            map_shift(lattice, next[n].label.shift, mapped);
            memcpy(next[n].label.shift, mapped, sizeof mapped);
        }
        if (reduced) {
            qsort(next, count, sizeof *next, compare_shifts);
        }
        for (size_t n = 0; n < count; n++) {
            if (next[n].label.shift[0] == 0 && next[n].label.shift[1] == 0 && next[n].label.shift[2] == 0) {
                work->self[i] = (uint32_t)(next + n - work->images);
            }
            for (int x = 0; x < 3; x++) {
                next[n].label.shift[x] -= wraps[x];
            }
        }
        next += count;
    }
    return SUPERION_OK;
}

/* Choose the bins: fine enough to skip most of what is too far, few enough that bins do not outnumber images. */
static void lay_bins(double cutoff, size_t n_images, superion_grid *bins) {
    double counts[3], most = 4.0 * (double)n_images + 64.0;
    for (int x = 0; x < 3; x++) {
        double per_cutoff = x < 2 ? ROW_BINS_PER_CUTOFF : LINE_BINS_PER_CUTOFF;
        counts[x] = fmin(fmax(1.0, floor((bins->high[x] - bins->low[x]) / cutoff * per_cutoff)), most);
    }
    while (counts[0] * counts[1] * counts[2] > most) {
        int widest = counts[0] >= counts[1] && counts[0] >= counts[2] ? 0 : counts[1] >= counts[2] ? 1 : 2;
        counts[widest] = floor(counts[widest] / 2.0);
    }
    for (int x = 0; x < 3; x++) {
        bins->bins[x] = (int)counts[x];
        bins->width[x] = (bins->high[x] - bins->low[x]) / counts[x];
        bins->inverse_width[x] = 1.0 / bins->width[x];
    }
}

/* Keep the labels of the images alone: the positions are in the bins now, and lists of a small crystal are not much larger
 * than its images. */
static superion_status drop_positions(superion_images *work) {
    superion_label *labels = superion_allocate(work->n_images, sizeof *labels);
    if (labels == NULL) {
        return SUPERION_OUT_OF_MEMORY;
    }
    for (size_t g = 0; g < work->n_images; g++) {
        labels[g] = work->images[g].label;
    }
    free(work->images);
    work->images = NULL;
    work->labels = labels;
    return SUPERION_OK;
}

/* Sort the images into the bins by counting, which keeps their order inside each bin. */
static superion_status sort_images(const superion_grid *bins, superion_images *work) {
    size_t n_images = work->n_images, n_bins = (size_t)bins->bins[0] * (size_t)bins->bins[1] * (size_t)bins->bins[2];
    work->x = superion_allocate(3 * n_images, sizeof(double));
    work->number = superion_allocate(n_images, sizeof(uint32_t));
    work->bin_start = calloc(n_bins + 2, sizeof(uint32_t));
    uint32_t *bin = superion_allocate(n_images, sizeof(uint32_t));
    if (work->x == NULL || work->number == NULL || work->bin_start == NULL || bin == NULL) {
        free(bin);
        return SUPERION_OUT_OF_MEMORY;
    }
    work->y = work->x + n_images;
    work->z = work->y + n_images;
    uint32_t *next = work->bin_start + 1; /* shifted by one: after the images are placed it holds the starts */
    for (size_t g = 0; g < n_images; g++) {
        const double *p = work->images[g].position;
        size_t row = (size_t)superion_bin_of(bins, 0, p[0]) * (size_t)bins->bins[1] + (size_t)superion_bin_of(bins, 1, p[1]);
        bin[g] = (uint32_t)(row * (size_t)bins->bins[2] + (size_t)superion_bin_of(bins, 2, p[2]));
        next[bin[g] + 1]++;
    }
    for (size_t b = 1; b <= n_bins; b++) {
        next[b] += next[b - 1];
    }
    for (size_t g = 0; g < n_images; g++) {
        uint32_t place = next[bin[g]]++;
        work->x[place] = work->images[g].position[0];
        work->y[place] = work->images[g].position[1];
        work->z[place] = work->images[g].position[2];
        work->number[place] = (uint32_t)g;
    }
    free(bin);
    return drop_positions(work);
}

superion_status superion_images_build(const double *vectors, const double *fractional, size_t n_sites,
                                      const superion_neighbor_options *options, superion_images *work) {
    superion_lattice lattice;
    double largest_wrap = 0.0;
    superion_status status = superion_lattice_reduce(vectors, SUPERION_SINGULAR_VOLUME, &lattice);
    if (status != SUPERION_OK || n_sites == 0) {
        return status;
    }
    if (n_sites >= INT32_MAX) {
        return SUPERION_OVERFLOW;
    }
    work->wrapped = superion_allocate(3 * n_sites, sizeof(double));
    work->wraps = superion_allocate(3 * n_sites, sizeof(int32_t));
    work->self = superion_allocate(n_sites, sizeof(uint32_t));
    if (work->wrapped == NULL || work->wraps == NULL || work->self == NULL) {
        return SUPERION_OUT_OF_MEMORY;
    }
    status = wrap_sites(&lattice, fractional, n_sites, work, &largest_wrap);
    if (status != SUPERION_OK) {
        return status;
    }
    bound_images(work->wrapped, n_sites, options->cutoff, &work->grid);
    status = check_size(&lattice, &work->grid, n_sites, largest_wrap, options);
    if (status != SUPERION_OK) {
        return status;
    }
    status = make_images(&lattice, &work->grid, n_sites, work);
    if (status != SUPERION_OK) {
        return status;
    }
    lay_bins(options->cutoff, work->n_images, &work->grid);
    return sort_images(&work->grid, work);
}
