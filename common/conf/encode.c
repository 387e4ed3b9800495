#include "compat.h"

#include "conf/int.h"

#define KINDS_MAX	64	/* different sections */

struct out {
	char				*buf;
	size_t				 len, size;
	bool				 nomem;
	const struct conf_section	*kinds[KINDS_MAX];
	unsigned			 nkinds;
};

static void	 put_kinds(struct out *);
static void	 put_kind(struct out *, const struct conf_section *);
static unsigned	 put_kind_number(struct out *, const struct conf_section *);
static void	 put_rows(struct out *, const struct conf_section *,
		    const void *);
static void	 put_row(struct out *, const struct conf_opt *, const void *);
static void	 put_value(struct out *, const struct conf_opt *,
		    const void *);
static void	 put_sections(struct out *, const struct conf_opt *,
		    const void *);
static void	 put_ids(struct out *, const struct conf_opt *, const void *,
		    unsigned);
static void	 put_addrs(struct out *, const struct conf_opt *,
		    const void *);
static void	 put_addr(struct out *, const struct addr *);
static void	 put_rules(struct out *, const struct conf_opt *,
		    const void *);
static void	 put_window(struct out *, const struct window *);
static void	 put_texts(struct out *, const struct conf_opt *,
		    const void *);
static void	 put_bytes(struct out *, const void *, size_t);
static void	 put_number(struct out *, uint32_t);
static void	 put_text(struct out *, const char *);
static void	 put_text_bytes(struct out *, const char *);

static const char *const form_names[CONF_TYPES] = {
	[CONF_NUMBER] = "number", [CONF_DURATION] = "duration",
	[CONF_SIZE] = "size", [CONF_SHARE] = "share",
	[CONF_WORD] = "word", [CONF_BOOL] = "bool",
	[CONF_MODE] = "mode", [CONF_REF] = "ref", [CONF_PATH] = "path",
	[CONF_TEXT] = "text", [CONF_SECRET] = "secret",
	[CONF_USER] = "user", [CONF_UID] = "uid", [CONF_GID] = "gid",
	[CONF_HOSTS] = "hosts", [CONF_PORT] = "port",
	[CONF_SOCKET] = "socket", [CONF_RULES] = "rules of hours",
	[CONF_TEXTS] = "texts", [CONF_CERTS] = "named certs",
	[CONF_LOCALS] = "locals",
	[CONF_SECTION] = "section"
};

const char *
conf_form_name(const struct conf_opt *o)
{
	if (o->networks)
		return "networks";
	if (o->type == CONF_SECTION && o->section->size > 0)
		return o->section->untitled ? "untitled" : "sections";
	return form_names[o->type];
}

void *
conf_encode(const struct conf *conf, size_t *len)
{
	struct out out;
	uint32_t all;

	memset(&out, 0, sizeof(out));
	put_bytes(&out, CONF_MAGIC, strlen(CONF_MAGIC));
	put_number(&out, CONF_FORM);
	put_number(&out, 0);
	put_kinds(&out);
	put_rows(&out, &conf_spec_root, conf);
	if (out.nomem || out.len > CONF_SIZE_MAX) {
		errno = out.nomem ? ENOMEM : EFBIG;
		free(out.buf);
		return NULL;
	}
	all = (uint32_t)out.len;
	memcpy(out.buf + strlen(CONF_MAGIC) + sizeof(all), &all, sizeof(all));
	*len = out.len;
	return out.buf;
}

int
conf_put(const struct conf *conf, int fd)
{
	size_t len, done = 0;
	char *buf = conf_encode(conf, &len);
	ssize_t n = 0;
	int saved;

	if (buf == NULL)
		return -1;
	while (done < len && (n != -1 || errno == EINTR))
		if ((n = write(fd, buf + done, len - done)) > 0)
			done += (size_t)n;
	saved = errno;
	free(buf);
	errno = saved;
	return done == len ? 0 : -1;
}

/* More are found while they are written. */
static void
put_kinds(struct out *out)
{
	size_t count = out->len;
	uint32_t n;
	unsigned i;

	put_number(out, 0);
	put_kind_number(out, &conf_spec_root);
	for (i = 0; i < out->nkinds; i++)
		put_kind(out, out->kinds[i]);
	n = out->nkinds;
	if (!out->nomem)
		memcpy(out->buf + count, &n, sizeof(n));
}

static void
put_kind(struct out *out, const struct conf_section *spec)
{
	const struct conf_opt *o;
	uint32_t n = 0;

	for (o = spec->opts; o->name != NULL; o++)
		n++;
	put_number(out, n);
	for (o = spec->opts; o->name != NULL; o++) {
		put_text(out, o->name);
		put_text(out, conf_form_name(o));
		put_number(out, o->type != CONF_SECTION ? 0 :
		    put_kind_number(out, o->section));
	}
}

static unsigned
put_kind_number(struct out *out, const struct conf_section *spec)
{
	unsigned i;

	for (i = 0; i < out->nkinds; i++)
		if (out->kinds[i] == spec)
			return i;
	if (i < KINDS_MAX)
		out->kinds[out->nkinds++] = spec;
	else
		out->nomem = true;
	return i;
}

static void
put_rows(struct out *out, const struct conf_section *spec, const void *base)
{
	const struct conf_opt *o;

	for (o = spec->opts; o->name != NULL; o++)
		put_row(out, o, base);
}

static void
put_row(struct out *out, const struct conf_opt *o, const void *base)
{
	size_t at = out->len;
	uint32_t len;

	put_number(out, 0);
	put_value(out, o, base);
	if (out->nomem)
		return;
	len = (uint32_t)(out->len - at - sizeof(len));
	memcpy(out->buf + at, &len, sizeof(len));
}

static void
put_value(struct out *out, const struct conf_opt *o, const void *base)
{
	uint64_t n;

	switch (o->type) {
	case CONF_SECTION:
		put_sections(out, o, base);
		break;
	case CONF_RULES:
		put_rules(out, o, base);
		break;
	case CONF_TEXTS:
	case CONF_CERTS:
	case CONF_LOCALS:
		put_texts(out, o, base);
		break;
	case CONF_WORD:
		put_text_bytes(out, conf_spec_word(o->words,
		    (int)conf_field_get(o, base)));
		break;
	case CONF_USER:
	case CONF_UID:
	case CONF_GID:
		put_ids(out, o, base, o->type == CONF_USER ? 2 : 1);
		break;
	case CONF_HOSTS:
		put_addrs(out, o, base);
		/* FALLTHROUGH */
	case CONF_PATH:
	case CONF_TEXT:
	case CONF_PORT:
	case CONF_SOCKET:
		put_text_bytes(out, conf_field_text(o, base));
		break;
	case CONF_SECRET:
		break;
	default:
		n = conf_field_get(o, base);
		put_bytes(out, &n, sizeof(n));
		break;
	}
}

static void
put_sections(struct out *out, const struct conf_opt *o, const void *base)
{
	const struct conf_section *spec = o->section;
	struct conf_array a;
	unsigned i;

	if (spec->size == 0) {
		put_rows(out, spec, (const char *)base + o->offset);
		return;
	}
	a = conf_field_array(o, base);
	put_number(out, a.n);
	for (i = 0; i < a.n; i++) {
		if (!spec->untitled)
			put_text(out, a.items + i * spec->size);
		put_rows(out, spec, a.items + i * spec->size);
	}
}

static void
put_ids(struct out *out, const struct conf_opt *o, const void *base,
    unsigned n)
{
	unsigned i;

	for (i = 0; i < n; i++)
		put_number(out, conf_field_id(o, base, i));
	put_text_bytes(out, conf_field_text(o, base));
}

/* A path has a row of its own. */
static void
put_addrs(struct out *out, const struct conf_opt *o, const void *base)
{
	struct conf_array a = conf_field_array(o, base);
	const struct addr *addr = (const void *)a.items;
	unsigned i;

	if (a.n > 0 && addr->sa.sa_family == AF_UNIX)
		a.n = 0;
	put_number(out, a.n);
	for (i = 0; i < a.n; i++)
		put_addr(out, &addr[i]);
}

static void
put_addr(struct out *out, const struct addr *a)
{
	put_number(out, a->sa.sa_family == AF_INET6 ? 6 : 4);
	put_number(out, addr_get_port(a));
	if (a->sa.sa_family == AF_INET6) {
		put_bytes(out, &a->in6.sin6_addr, 16);
		put_number(out, a->in6.sin6_scope_id);
	} else
		put_bytes(out, &a->in.sin_addr, 4);
}

static void
put_rules(struct out *out, const struct conf_opt *o, const void *base)
{
	const struct acl *acl =
	    (const void *)((const char *)base + o->offset);
	const struct acl_rule *r;
	uint8_t head[4];
	size_t i;

	for (i = 0; i < acl->n; i++) {
		r = &acl->rules[i];
		head[0] = r->family == AF_INET6 ? 6 :
		    r->family == AF_INET ? 4 :
		    r->family == AF_UNIX ? 1 : 0;
		head[1] = r->bits;
		head[2] = r->permit;
		head[3] = r->negate;
		put_bytes(out, head, sizeof(head));
		put_bytes(out, r->ip, sizeof(r->ip));
		if (!o->networks)
			put_window(out, &r->window);
	}
}

static void
put_window(struct out *out, const struct window *w)
{
	put_number(out, w->days);
	put_number(out, w->from);
	put_number(out, w->to);
}

static void
put_texts(struct out *out, const struct conf_opt *o, const void *base)
{
	struct conf_array a = conf_field_array(o, base);
	const struct conf_cert *cert = (const void *)a.items;
	const struct conf_local *local = (const void *)a.items;
	unsigned i;

	put_number(out, a.n);
	for (i = 0; i < a.n; i++) {
		put_text(out, conf_field_item(o, &a, i));
		if (o->type == CONF_CERTS) {
			put_text(out, cert[i].name == NULL ? "" :
			    cert[i].name);
			put_bytes(out, &cert[i].until,
			    sizeof(cert[i].until));
			put_bytes(out, &cert[i].warn, sizeof(cert[i].warn));
		}
		if (o->type == CONF_LOCALS) {
			put_addr(out, &local[i].addr);
			put_number(out, local[i].n);
		}
	}
}

static void
put_bytes(struct out *out, const void *p, size_t len)
{
	size_t size = (out->len + len) * 2;
	char *buf;

	if (out->nomem)
		return;
	if (out->size - out->len < len) {
		if ((buf = realloc(out->buf, size)) == NULL) {
			out->nomem = true;
			return;
		}
		out->buf = buf;
		out->size = size;
	}
	memcpy(out->buf + out->len, p, len);
	out->len += len;
}

static void
put_number(struct out *out, uint32_t n)
{
	put_bytes(out, &n, sizeof(n));
}

static void
put_text(struct out *out, const char *text)
{
	put_number(out, (uint32_t)strlen(text) + 1);
	put_text_bytes(out, text);
}

static void
put_text_bytes(struct out *out, const char *text)
{
	if (text != NULL)
		put_bytes(out, text, strlen(text) + 1);
}
