/* The periodic images that can be neighbours, sorted into bins (not a public interface).
 *
 * 1. Reduce the lattice and wrap every site into the brick that tiles space (lattice.h), which leaves no skew to care for.
 * 2. List the images of all sites inside the box of wrapped sites widened by the cutoff, by site and then by shift.
 * 3. Sort them into a grid of bins; a row of bins along z is one contiguous run of images.
 */
#ifndef SUPERION_IMAGES_H
#define SUPERION_IMAGES_H

#include <stddef.h>
#include <stdint.h>

#include "lattice.h"
#include "neighbors.h"

/* Which site an image is of, and where it is. */
typedef struct superion_label {
    int32_t site;
    int32_t shift[3]; /* adding the wraps of a centre gives the shift of the pair */
} superion_label;

/* The same with its position, until the positions are sorted into the bins. */
typedef struct superion_image {
    double position[3]; /* in the frame of the reduced lattice [angstrom] */
    superion_label label;
} superion_image;

typedef struct superion_grid {
    double low[3], high[3]; /* the box that holds every image that can be a neighbour [angstrom] */
    double width[3], inverse_width[3]; /* of a bin; [angstrom] and its inverse */
    int bins[3]; /* all 1 or more */
} superion_grid;

typedef struct superion_images {
    double *wrapped; /* (n_sites, 3): positions inside the brick, in the frame of the reduced lattice */
    int32_t *wraps; /* (n_sites, 3): lattice vectors subtracted by wrapping */
    uint32_t *self; /* (n_sites,): the image that is the site itself */
    superion_image *images; /* (n_images,) while they are sorted, then NULL */
    superion_label *labels; /* (n_images,): ordered by site, then by shift; the index is the image number */
    double *x, *y, *z; /* (n_images,): positions of the images, bin by bin; one allocation, owned by x */
    uint32_t *number; /* (n_images,): the image at each place of the bin order */
    uint32_t *bin_start; /* (n_bins + 1,): bin (u, v, w) is number (u * bins[1] + v) * bins[2] + w */
    size_t n_images;
    superion_grid grid;
} superion_images;

/* Fill `images`, which must be zeroed, for the arguments of superion_find_neighbors, whose cutoff and pointers were
 * checked. Whatever is returned, superion_images_free must be called; with 0 sites nothing is filled. */
superion_status superion_images_build(const double *vectors, const double *fractional, size_t n_sites,
                                      const superion_neighbor_options *options, superion_images *images);

void superion_images_free(superion_images *images);

/* The bin of a coordinate along an axis; the nearest bin for a coordinate outside the box, the first for a NaN from a box
 * without width. Here, so that the search, which asks ten times per site, need not call it. */
static inline int superion_bin_of(const superion_grid *grid, int axis, double coordinate) {
    double bin = (coordinate - grid->low[axis]) * grid->inverse_width[axis];
    return !(bin > 0.0) ? 0 : bin >= grid->bins[axis] ? grid->bins[axis] - 1 : (int)bin;
}

/* malloc that never asks for 0 bytes, whose result would be ambiguous, nor for a product that overflows. */
void *superion_allocate(size_t count, size_t size);

#endif
