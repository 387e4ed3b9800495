#include "compat.h"

#include <ctype.h>

#include "logger.h"

static void	 put(struct line *, const char *, const char *);
static void	 put_field(struct line *, enum field, const char *);

/* systemd, "Native Journal Protocol": a line a field. No value has an end of a
 * line in it. */
void
journald_note(struct line *l, const struct target *t, const struct note *note,
    const struct line *message)
{
	const struct record *r = &note->record;
	char number[16];
	unsigned i;

	line_text(l, "MESSAGE=");
	line_bytes(l, message->text, message->len);
	line_byte(l, '\n');
	snprintf(number, sizeof(number), "%d", note->level);
	put(l, "PRIORITY", number);
	snprintf(number, sizeof(number), "%d", t->facility >> 3);
	put(l, "SYSLOG_FACILITY", number);
	put(l, "SYSLOG_IDENTIFIER", note->by->name);
	put(l, "SYSLOG_PID", note->by->pid);
	for (i = 0; i <= FIELD_EVENT; i++)
		if (i != FIELD_DRAW && r->value[i] != NULL &&
		    (t->tcp || !field_is_tcp((enum field)i)))
			put_field(l, (enum field)i, r->value[i]);
}

static void
put(struct line *l, const char *name, const char *value)
{
	line_text(l, name);
	line_byte(l, '=');
	line_text(l, value);
	line_byte(l, '\n');
}

/* Names of others there are in capital letters, and not to be met. */
static void
put_field(struct line *l, enum field f, const char *value)
{
	char name[32] = "SPAWND_", *p;

	strlcat(name, field_rows[f].name, sizeof(name));
	for (p = name; *p != '\0'; p++)
		*p = (char)toupper((unsigned char)*p);
	put(l, name, value);
}
