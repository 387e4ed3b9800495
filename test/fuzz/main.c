/*
 * Feeds files to a program of test/fuzz where libFuzzer does not: each file
 * that is named, whole.
 */
#include "compat.h"

#include <err.h>

#define MOST	(1 << 20)	/* bytes of a file */

int	 LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void	 feed(const char *);

int
main(int argc, char **argv)
{
	int i;

	for (i = 1; i < argc; i++)
		feed(argv[i]);
	printf("%d files\n", argc - 1);
	return 0;
}

/* In memory of just that size: what is behind it is found by a sanitizer. */
static void
feed(const char *path)
{
	uint8_t *data = malloc(MOST), *whole;
	FILE *f = fopen(path, "r");
	size_t n;

	if (data == NULL || f == NULL)
		err(1, "%s", path);
	n = fread(data, 1, MOST, f);
	if (ferror(f) || (whole = realloc(data, n + (n == 0))) == NULL)
		err(1, "%s", path);
	fclose(f);
	LLVMFuzzerTestOneInput(whole, n);
	free(whole);
}
