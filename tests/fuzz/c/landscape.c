/* Any lattice, sites, interactions and grid: no fault, and finite energies from sensible numbers. */
#include "landscape.h"

#include "harness.h"

#define MAX_SITES 4
#define MAX_KINDS 3
#define MAX_SIDE 12
#define MAX_TERMS 2e6

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_bytes bytes = {data, size};
    double lattice[9];
    int32_t shape[3];
    int sensible = 1;
    for (int x = 0; x < 9; x++) {
        lattice[x] = take_number(&bytes) + (x % 4 == 0 ? 5.0 : 0.0);
    }
    for (int x = 0; x < 3; x++) {
        shape[x] = take_byte(&bytes) % (MAX_SIDE + 1);
    }
    double cutoff = fabs(take_number(&bytes));
    size_t n_sites = take_byte(&bytes) % (MAX_SITES + 1), n_kinds = take_byte(&bytes) % (MAX_KINDS + 1);
    int64_t *offsets = exact(n_sites + 1, sizeof *offsets);
    offsets[0] = take_byte(&bytes) == 255;
    for (size_t i = 0; i < n_sites; i++) {
        uint8_t step = take_byte(&bytes);
        offsets[i + 1] = offsets[i] + (step == 255 ? -1 : step % 3);
    }
    size_t n_entries = offsets[n_sites] > 0 ? (size_t)offsets[n_sites] : 0;
    double *fractional = exact(3 * n_sites, sizeof *fractional), *occupancies = exact(n_entries, sizeof *occupancies);
    int32_t *kinds = exact(n_entries, sizeof *kinds);
    superion_interaction *interactions = exact(n_kinds, sizeof *interactions);
    for (size_t x = 0; x < 3 * n_sites; x++) {
        fractional[x] = take_number(&bytes);
    }
    for (size_t n = 0; n < n_entries; n++) {
        kinds[n] = (int8_t)take_byte(&bytes) % 5;
        occupancies[n] = take_number(&bytes);
        sensible &= fabs(occupancies[n]) <= 2.0;
    }
    for (size_t n = 0; n < n_kinds; n++) {
        double *numbers = (double *)(interactions + n);
        for (int x = 0; x < 5; x++) {
            numbers[x] = take_number(&bytes);
            sensible &= fabs(numbers[x]) <= 16.0;
        }
    }
    size_t n_points = (size_t)shape[0] * (size_t)shape[1] * (size_t)shape[2];
    double *energies = exact(n_points, sizeof *energies);
    superion_framework framework = {n_sites, fractional, offsets, kinds, occupancies, n_kinds, interactions};
    superion_status status = superion_site_energies(lattice, &framework, shape, cutoff, MAX_TERMS, energies);
    REQUIRE(strcmp(superion_status_message(status), "unknown status") != 0);
    for (size_t n = 0; status == SUPERION_OK && sensible && n < n_points; n++) {
        REQUIRE(isfinite(energies[n]));
    }
    free(offsets);
    free(fractional);
    free(occupancies);
    free(kinds);
    free(interactions);
    free(energies);
    return 0;
}
