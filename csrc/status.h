/* The status codes of the C core: every function that can fail returns one, and leaves its outputs empty unless it
 * returns SUPERION_OK. No function prints, sets errno on purpose, keeps global state or starts a thread. */
#ifndef SUPERION_STATUS_H
#define SUPERION_STATUS_H

#ifdef __cplusplus
extern "C" {
#endif

typedef enum superion_status {
    /* The outputs are complete. */
    SUPERION_OK = 0,
    /* A pointer that must not be NULL is NULL. */
    SUPERION_NULL_ARGUMENT,
    /* malloc failed. */
    SUPERION_OUT_OF_MEMORY,
    /* The cutoff is not finite, or not above zero. */
    SUPERION_BAD_CUTOFF,
    /* A lattice component is NaN or infinite. */
    SUPERION_NONFINITE_LATTICE,
    /* The lattice vectors span no volume (see neighbors.h for the threshold). */
    SUPERION_SINGULAR_LATTICE,
    /* A fractional coordinate is NaN or infinite. */
    SUPERION_NONFINITE_COORDINATE,
    /* A shift, or a number of sites or of images, does not fit the integers that count them. */
    SUPERION_OVERFLOW,
    /* There are more pairs than `max_pairs`, or more periodic images to look at than such a search can need. */
    SUPERION_TOO_MANY_PAIRS,
    /* The offsets of a batch of compositions do not start at 0, decrease, or leave a composition empty. */
    SUPERION_BAD_OFFSETS,
    /* An element row lies outside the property table. */
    SUPERION_BAD_ELEMENT,
    /* An amount is not finite, or not above zero where it must be. */
    SUPERION_BAD_AMOUNT,
    /* A grid has a side without points, more than 2^31 - 1 points in all, or a level that is NaN or -infinite. */
    SUPERION_BAD_GRID,
    /* An interaction is out of range or has a parameter that is not valid. */
    SUPERION_BAD_INTERACTION,
    /* The work would exceed the limit that the caller set. */
    SUPERION_TOO_MUCH_WORK,
    /* Nothing on the grid percolates at the threshold. */
    SUPERION_NO_PERCOLATION,
    /* A text is not of the plain kind that is read here. */
    SUPERION_NOT_PLAIN,
    /* A radius is not finite, or below zero. */
    SUPERION_BAD_RADIUS,
    /* A linear programme is not of the form that is solved here (see hull.h). */
    SUPERION_BAD_PROGRAMME,
    /* The costs of a linear programme have no minimum. */
    SUPERION_UNBOUNDED,
    /* The iterations did not come to an end, or met numbers that are too large or too close to singular. */
    SUPERION_NO_CONVERGENCE,
    /* The nodes of a forest are no trees, or ask for a feature that there is not (see forest.h). */
    SUPERION_BAD_FOREST
} superion_status;

/* Describe a status in one English sentence without a final full stop. Never NULL; static storage. */
const char *superion_status_message(superion_status status);

#ifdef __cplusplus
}
#endif

#endif
