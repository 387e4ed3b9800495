/*
 * int.h - between the files of the configuration; nobody else's. What only
 * those that read a file need is in parse.h.
 *
 *   spec.c     which sections and options there are: one row each
 *   rate.c     the same of one kind of filter
 *   fault.c    of another
 *   record.c   of two
 *   filter.c   the kinds of filters, and names into filters
 *   field.c    where the value of a row is, and how its text is understood
 *   scalar.c   what is wrong about a text that is no value of a row
 *   item.c     what one text of a list may be
 *   escape.c   bytes that are written as text
 *   conf.c     the memory of a value
 *   print.c    a value into text
 *   json.c     the same as JSON
 *   encode.c   a value into bytes
 *   decode.c   bytes into a value
 *   units.c    times and sizes
 *   near.c     "did you mean"
 */
#ifndef CONF_INT_H
#define CONF_INT_H

#include "conf/conf.h"

#define CONF_FILE_MAX	(16 << 20)	/* bytes of all files together */
#define CONF_VALUE_MAX	4096		/* bytes of one value, most */
#define CONF_OPTS	48		/* options of one section, most */
#define CONF_SECTIONS	100000		/* in one configuration, most */
#define CONF_MODE_MAX	0777
#define CONF_ITEMS	100000		/* in one list of texts, most */

/*
 * spec.c
 */

enum conf_type {
	CONF_NUMBER,		/* unsigned */
	CONF_DURATION,		/* uint64_t, milliseconds */
	CONF_SIZE,		/* uint64_t, bytes */
	CONF_SHARE,		/* uint64_t, of CONF_WHOLE */
	CONF_WORD,		/* int, one of words */
	CONF_BOOL,		/* bool */
	CONF_MODE,		/* uint32_t, of a file; or CONF_NOID */
	CONF_REF,		/* unsigned, index of a section */
	CONF_PATH,		/* text: absolute, or one of words */
	CONF_TEXT,		/* text */
	CONF_SECRET,		/* text; neither printed nor handed over */
	CONF_USER,		/* text "user[:group]"; uid and gid at more */
	CONF_UID,		/* text; uint32_t at more */
	CONF_GID,		/* the same */
	CONF_HOSTS,		/* text "host, host"; addresses at more */
	CONF_PORT,		/* text; goes into the addresses at more */
	CONF_SOCKET,		/* text: a path; its one address at more */
	CONF_RULES,		/* struct acl */
	CONF_TEXTS,		/* const char **, none of them NULL */
	CONF_CERTS,		/* the same, as struct conf_cert */
	CONF_LOCALS,		/* the same, as struct conf_local */
	CONF_SECTION,		/* an array if it is titled, else in place */
	CONF_TYPES
};

enum conf_only { CONF_ALWAYS, CONF_INET, CONF_UNIX };

struct conf_word {
	const char	*name;
	int		 value;
};

/* A text is a const char *, NULL if it is not given. Lists of texts, addresses
 * and sections that there may be several of are a pointer and an unsigned,
 * which counts them. */
struct conf_opt {
	const char			*name;
	enum conf_type			 type;
	enum conf_only			 only;	/* without a path, or with */
	bool				 required;
	bool				 zero;	/* 0 is in range as well */
	bool				 folder; /* the path is one */
	bool				 filled; /* no list is empty */
	bool				 optional; /* a reference to nothing is
						      one; without a default
						      it is CONF_NONE where
						      it has 64 bits */
	bool				 networks; /* and no access rules */
	bool				 abstract; /* the path may be a name
						      behind "@" */
	bool				 by_relay; /* needed by relay, not by
						      what exec names */
	bool				 program; /* the path is one */
	bool				 dest;	/* or it is a log_dest
						   (logdest.h) */
	bool				 asked;	/* in a relay section, which
						   says whether names are
						   looked up while it runs */
	size_t				 offset; /* in what its section fills */
	size_t				 more;
	uint64_t			 min, max; /* bytes of a path, of a text
						      in a list; hosts'
						      addresses; ports */
	/* Of a text, also in a list: NULL, or what is wrong with it, as what
	 * follows the text in a sentence; static storage. */
	const char			*(*wrong)(const char *);
	const char			*def;
	const struct conf_word		*words;	/* of a number: names of some */
	const char			*unless; /* a reference may be to
						      nothing, or sections
						      missing, where these
						      sections are */
	const struct conf_section	*section; /* of a section; of a
						     reference, at the root */
};

struct conf_section {
	const char		*name;
	const char		*prefix;	/* of its options in reports */
	const char		*purpose;	/* said if it is missing */
	size_t			 size;		/* bytes of one, of several; 0:
						   there is one, in place */
	bool			 untitled;	/* several without a name */
	const struct conf_opt	*opts;		/* up to name == NULL */
};

extern const struct conf_section conf_spec_root, conf_spec_spawnd,
    conf_spec_listen, conf_spec_route, conf_spec_servers, conf_spec_users,
    conf_spec_log, conf_spec_log_named, conf_spec_spawn, conf_spec_relay,
    conf_spec_remote, conf_spec_check, conf_spec_targets, conf_spec_tls,
    conf_spec_auth;
/* Filters. */
extern const struct conf_section conf_spec_rate, conf_spec_fault,
    conf_spec_record, conf_spec_dump, conf_spec_match,
    conf_spec_program;
/* Their option direction. */
extern const struct conf_word conf_ways[];

const struct conf_opt	*conf_spec_find(const struct conf_section *,
			    const char *name);
/* "?" if there is no such value. */
const char		*conf_spec_word(const struct conf_word *, int value);
/* NULL if there is no such name. */
const struct conf_word	*conf_spec_word_of(const struct conf_word *,
			    const char *name);

/*
 * item.c: for the rows of texts and of lists of them, see wrong.
 */
const char	*conf_item_host(const char *);
const char	*conf_item_alpn(const char *);
const char	*conf_item_ask(const char *);
const char	*conf_item_aim(const char *);
const char	*conf_item_variable(const char *);
const char	*conf_item_interface(const char *);
const char	*conf_item_tag(const char *);
const char	*conf_item_target(const char *);
const char	*conf_item_title(const char *);
const char	*conf_item_layout(const char *);

/*
 * filter.c
 */

struct conf_array {
	char		*items;
	unsigned	 n;
};

/* What a kind of filter is. */
struct conf_filter_spec {
	const struct conf_section	*section;
	bool				 bytes;	/* it sees or holds them: no
						   zero copy */
};
extern const struct conf_filter_spec conf_filter_specs[CONF_FILTERS];
/* The sections of a kind, each of which begins with its name. */
struct conf_array conf_filter_array(const struct conf *,
		    enum conf_filter_kind);

/*
 * conf.c
 */

/* NULL without memory. */
struct conf	*conf_new(void);
/* size bytes of zeros, for whatever type, that live as long as the value; NULL
 * without memory. */
void		*conf_alloc(struct conf *, size_t size);

/*
 * field.c: base is what the section fills.
 */

/* CONF_NUMBER to CONF_REF. */
uint64_t	 conf_field_get(const struct conf_opt *, const void *base);
void		 conf_field_set(const struct conf_opt *, void *base,
		    uint64_t value);
const char	*conf_field_text(const struct conf_opt *, const void *base);
void		 conf_field_set_text(const struct conf_opt *, void *base,
		    const char *);
/* The id at more, the next one behind it with i = 1. */
uint32_t	 conf_field_id(const struct conf_opt *, const void *base,
		    unsigned i);
void		 conf_field_set_id(const struct conf_opt *, void *base,
		    unsigned i, uint32_t id);
/* Of the sections or texts at offset, or of the addresses at more. */
struct conf_array conf_field_array(const struct conf_opt *, const void *base);
void		 conf_field_set_array(const struct conf_opt *, void *base,
		    const struct conf_array *);
/* The sections that a reference may be to. */
struct conf_array conf_field_others(const struct conf_opt *,
		    const struct conf *);
/* Whether a reference may be to nothing, or sections missing, in such a section
 * of that value. */
bool		 conf_field_may_lack(const struct conf *,
		    const struct conf_section *, const struct conf_opt *,
		    const void *base);
/* What the row says where nothing is given; addresses stay as they are. */
void		 conf_field_default(const struct conf_opt *, void *base);
/* CONF_NUMBER to CONF_MODE: text to a value. -1: it is none, and *errp, if
 * that says more, a sentence without a subject. Ranges are not looked at. */
int		 conf_field_parse(const struct conf_opt *, const char *,
		    uint64_t *, const char **errp);
/* A number as the row prints it; returns buf. */
char		*conf_field_str(const struct conf_opt *, uint64_t,
		    char buf[CONF_UNITLEN]);
bool		 conf_field_in_range(const struct conf_opt *, uint64_t);
/* Whether something is given; what has a default is always set. */
bool		 conf_field_is_set(const struct conf_opt *, const void *base);
/* Whether a section has a path, and the row is none of that section's. */
bool		 conf_field_is_unix(const struct conf_section *,
		    const void *base);
bool		 conf_field_unused(const struct conf_opt *, bool is_unix);
/* Of a path: whether it is the name of a unix socket that has no file. */
bool		 conf_field_is_abstract(const struct conf_opt *,
		    const char *);
/* Of a path: whether it is absolute, or one of the words, or such a name, and
 * not too long. */
bool		 conf_field_path_ok(const struct conf_opt *, const char *);
/* Of a list of texts: the bytes of an item, which begins with a pointer to its
 * text. */
size_t		 conf_field_item_size(const struct conf_opt *);
const char	*conf_field_item(const struct conf_opt *,
		    const struct conf_array *, unsigned i);
/* Whether it may be given in braces, and added to. */
bool		 conf_field_is_list(const struct conf_opt *);
/* Whether it is a list of texts, or of what begins with one. */
bool		 conf_field_is_texts(const struct conf_opt *);
/* Whether the sections of a kind have titles. */
bool		 conf_is_titled(const struct conf_section *);
/* The row of the sections of the same name that have titles, of the section
 * that the row is of; if there are none, the row itself. */
const struct conf_opt *conf_field_titled(const struct conf_section *,
		    const struct conf_opt *);
/* Whether a section may have that title. */
bool		 conf_title_ok(const char *);

/*
 * scalar.c
 */

/* The value of a row from CONF_NUMBER to CONF_MODE as somebody has written it,
 * if the row may have that. -1: *errp (static storage) is a sentence about the
 * row, which it calls name. */
int		 conf_scalar_of(const struct conf_opt *, const char *name,
		    const char *text, uint64_t *, const char **errp);

/*
 * print.c
 */

/* A text between quotes: nothing in it is expanded or ends the string when it
 * is read again. */
void		 conf_print_quoted(FILE *, const char *);

/*
 * encode.c, decode.c
 *
 * A magic, CONF_FORM and the length of all; the sections and rows that the
 * writer knows, the first section being the root; the value of the root. All
 * numbers are 32 bits and this machine's but for those of options, which have
 * 64; a text has its length in front, with the NUL it ends by, and 0 if there
 * is none. The value of a section is that of each of its rows, in order: a
 * length and so many bytes, so that a reader can pass over what it does not
 * know; of sections and texts that there may be several of, how many there
 * are, and each, behind its title if it has one.
 */
#define CONF_MAGIC	"spawnd.c"	/* 8 bytes */
#define CONF_FORM	1

/* What a row is to another release: the same name means the same bytes. */
const char	*conf_form_name(const struct conf_opt *);

/*
 * units.c
 */

/* Decimal digits and nothing else in front of *end; -1 if there are none or
 * too many. */
int		 conf_units_number(const char *, uint64_t *, const char **end);

#endif
