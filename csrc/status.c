#include "status.h"

const char *superion_status_message(superion_status status) {
    switch (status) {
    case SUPERION_OK:
        return "no error";
    case SUPERION_NULL_ARGUMENT:
        return "a required pointer is NULL";
    case SUPERION_OUT_OF_MEMORY:
        return "out of memory";
    case SUPERION_BAD_CUTOFF:
        return "the cutoff must be a finite length above zero";
    case SUPERION_NONFINITE_LATTICE:
        return "the lattice has a component that is not finite";
    case SUPERION_SINGULAR_LATTICE:
        return "the lattice vectors span no volume";
    case SUPERION_NONFINITE_COORDINATE:
        return "a fractional coordinate is not finite";
    case SUPERION_OVERFLOW:
        return "the lattice shifts or the number of sites do not fit 32-bit integers";
    case SUPERION_TOO_MANY_PAIRS:
        return "there are more neighbour pairs than the limit allows";
    case SUPERION_BAD_OFFSETS:
        return "the offsets must start at 0 and increase, so that no composition is empty";
    case SUPERION_BAD_ELEMENT:
        return "an element row lies outside the property table";
    case SUPERION_BAD_AMOUNT:
        return "an amount must be finite and above zero";
    case SUPERION_BAD_GRID:
        return "a grid must have a point along each vector, at most 2^31 - 1 in all, and levels that are numbers";
    case SUPERION_BAD_INTERACTION:
        return "an interaction is out of range or has a parameter that is not valid";
    case SUPERION_TOO_MUCH_WORK:
        return "the work would exceed the limit";
    case SUPERION_NO_PERCOLATION:
        return "nothing percolates at this threshold";
    case SUPERION_NOT_PLAIN:
        return "the formula is not of the plain kind";
    case SUPERION_BAD_RADIUS:
        return "a radius must be finite and zero or more";
    case SUPERION_BAD_PROGRAMME:
        return "a linear programme needs finite numbers, a right side of zero or more and a unit column for every row";
    case SUPERION_UNBOUNDED:
        return "the costs have no minimum";
    case SUPERION_NO_CONVERGENCE:
        return "the iterations did not come to an end";
    case SUPERION_BAD_FOREST:
        return "the nodes of a forest are no trees, or ask for a feature that there is not";
    }
    return "unknown status";
}
