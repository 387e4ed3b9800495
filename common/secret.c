#include "compat.h"

#include "secret.h"

/* As it is in the file. */
struct head {
	uint32_t kind, section, number, len;
};

int
secret_begin(FILE *f)
{
	return fwrite(SECRET_MAGIC, strlen(SECRET_MAGIC), 1, f) == 1 ? 0 : -1;
}

int
secret_put(FILE *f, const struct secret *s)
{
	const struct head head = { .kind = s->kind, .section = s->section,
	    .number = s->number, .len = s->len };

	return fwrite(&head, sizeof(head), 1, f) == 1 &&
	    fwrite(s->bytes, 1, s->len, f) == s->len ? 0 : -1;
}

int
secret_open(struct secrets *s, const void *bytes, size_t len)
{
	const size_t magic = strlen(SECRET_MAGIC);

	if (len < magic || len > SECRET_MAX ||
	    memcmp(bytes, SECRET_MAGIC, magic) != 0)
		return -1;
	s->p = (const uint8_t *)bytes + magic;
	s->end = (const uint8_t *)bytes + len;
	return 0;
}

int
secret_next(struct secrets *s, struct secret *out)
{
	struct head head;

	if (s->p == s->end)
		return 0;
	if ((size_t)(s->end - s->p) < sizeof(head))
		return -1;
	memcpy(&head, s->p, sizeof(head));
	s->p += sizeof(head);
	if (head.kind == 0 || head.kind >= SECRET_KINDS || head.len == 0 ||
	    head.len > (size_t)(s->end - s->p) ||
	    (head.kind == SECRET_TICKET && head.len != SECRET_TICKET_LEN))
		return -1;
	out->kind = (enum secret_kind)head.kind;
	out->section = head.section;
	out->number = head.number;
	out->bytes = s->p;
	out->len = head.len;
	s->p += head.len;
	return 1;
}
