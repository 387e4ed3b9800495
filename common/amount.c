#include "compat.h"

#include <stdio.h>

#include "amount.h"

const char *
amount_scaled(uint64_t n, char buf[AMOUNT_LEN])
{
	static const char units[] = " kMGTPE";
	double x = (double)n;
	unsigned i = 0;

	while (x >= 999.5 && i + 2 < sizeof(units)) {
		x /= 1000;
		i++;
	}
	if (i == 0)
		snprintf(buf, AMOUNT_LEN, "%u", (unsigned)n);
	else
		snprintf(buf, AMOUNT_LEN, "%.*f%c", x < 9.95 ? 1 : 0, x,
		    units[i]);
	return buf;
}

const char *
amount_time(uint64_t s, char buf[AMOUNT_LEN])
{
	if (s < 60)
		snprintf(buf, AMOUNT_LEN, "%us", (unsigned)s);
	else if (s < 3600)
		snprintf(buf, AMOUNT_LEN, "%um%02us", (unsigned)(s / 60),
		    (unsigned)(s % 60));
	else if (s < 86400)
		snprintf(buf, AMOUNT_LEN, "%uh%02um", (unsigned)(s / 3600),
		    (unsigned)(s / 60 % 60));
	else
		snprintf(buf, AMOUNT_LEN, "%llud%02uh",
		    (unsigned long long)(s / 86400),
		    (unsigned)(s / 3600 % 24));
	return buf;
}

const char *
amount_count(uint64_t n, char buf[AMOUNT_LEN])
{
	char *s = buf + AMOUNT_LEN;
	unsigned digits = 0;

	*--s = '\0';
	do {
		if (digits != 0 && digits % 3 == 0)
			*--s = ',';
		*--s = (char)('0' + n % 10);
		digits++;
	} while ((n /= 10) != 0);
	return memmove(buf, s, strlen(s) + 1);
}

const char *
amount_span(double x, char buf[AMOUNT_LEN])
{
	if (x >= 59.5)
		return amount_time((uint64_t)(x + 0.5), buf);
	if (x >= 0.9995)
		snprintf(buf, AMOUNT_LEN, "%.*f s", x < 9.95 ? 1 : 0, x);
	else
		snprintf(buf, AMOUNT_LEN, "%.*f ms", x < 0.00995 ? 1 : 0,
		    x * 1000);
	return buf;
}
