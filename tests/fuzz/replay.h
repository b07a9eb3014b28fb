/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A fuzz target is a function of bytes. Built as it is, it is a test that feeds it every file of the directories named on
 * its command line; for libFuzzer:
 *
 *   clang -g -O1 -fsanitize=fuzzer,address,undefined -DMT_LIBFUZZER ... fuzz_units.c ...; ./fuzz_units seeds/units
 *
 * and what it finds goes into seeds/ once it is mended.
 */
#ifndef MT_FUZZ_REPLAY_H
#define MT_FUZZ_REPLAY_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#ifndef MT_LIBFUZZER
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#define REPLAY_MAX_BYTES ((size_t)4 * 1024 * 1024)

/* Feeds one file, and each of its beginnings if it is short: parsers stumble over what is cut off. */
static int replay_file(const char *path)
{
        FILE *stream = fopen(path, "re");
        uint8_t *data = malloc(REPLAY_MAX_BYTES);
        size_t size;

        if (stream == NULL || data == NULL) {
                (void)fprintf(stderr, "%s: cannot be read\n", path);
                exit(EXIT_FAILURE);
        }
        size = fread(data, 1, REPLAY_MAX_BYTES, stream);
        (void)fclose(stream);
        for (size_t cut = size < 2048 ? 0 : size; cut <= size; cut++) {
                uint8_t *exact = malloc(cut > 0 ? cut : 1); /* so that reading past the end is seen */

                for (size_t i = 0; exact != NULL && i < cut; i++)
                        exact[i] = data[i];
                if (exact != NULL)
                        (void)LLVMFuzzerTestOneInput(exact, cut);
                free(exact);
        }
        free(data);
        return 1;
}

int main(int argc, char **argv)
{
        int replayed = 0;

        for (int i = 1; i < argc; i++) {
                DIR *dir = opendir(argv[i]);

                if (dir == NULL) {
                        replayed += replay_file(argv[i]);
                        continue;
                }
                for (const struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
                        char path[PATH_MAX];

                        if (entry->d_name[0] == '.')
                                continue;
                        (void)snprintf(path, sizeof(path), "%s/%s", argv[i], entry->d_name);
                        replayed += replay_file(path);
                }
                (void)closedir(dir);
        }
        (void)printf("%d seeds replayed\n", replayed);
        return replayed > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
#endif

#endif
