#include "compat.h"

#include "conf/row.h"

#define RATE_MAX	(1024 * K * K * K)	/* bytes a second */
#define OFFSET_MAX	(UINT64_C(1) << 60)	/* of a byte: none is there */

static bool	 is_given(uint64_t);
static const char *wrong_extra(const struct conf_fault *,
		    enum conf_fault_kind, const char **);

static const struct conf_word ends[] = {
	{ "fin", CONF_FAULT_END_FIN },
	{ "rst", CONF_FAULT_END_RST },
	{ NULL, 0 }
};

/* Of the first of each line it has one, which is its kind. */
static const struct conf_opt fault_opts[] = {
	{ BOOL("enabled", conf_fault, enabled, "yes") },
	{ WORD("direction", conf_fault, direction, conf_ways, "down") },
	{ SHARE("chance", conf_fault, chance, 0, "1") },
	{ NUMBER("seed", conf_fault, seed, 0, UINT32_MAX, "1") },
	{ DURATION("latency", conf_fault, latency, 0, NULL),
	    .optional = true },
	{ DURATION("jitter", conf_fault, jitter, 0, "0") },
	{ SIZE("bandwidth", conf_fault, bandwidth, 1, RATE_MAX, NULL),
	    .optional = true },
	{ SHARE("flip", conf_fault, flip, 0, NULL), .optional = true },
	{ SIZE("flip-at", conf_fault, flip_at, 0, OFFSET_MAX, NULL),
	    .optional = true },
	{ NUMBER("bit", conf_fault, bit, 0, 7, "0") },
	{ SIZE("slice", conf_fault, slice, 1, K * K * K, NULL),
	    .optional = true },
	{ SIZE("slice-variation", conf_fault, slice_variation, 0, K * K * K,
	    "0") },
	{ DURATION("slice-delay", conf_fault, slice_delay, 0, "0") },
	{ SIZE("limit", conf_fault, limit, 0, OFFSET_MAX, NULL),
	    .optional = true },
	{ WORD("end", conf_fault, end, ends, "fin") },
	{ DURATION("slow-close", conf_fault, slow_close, 0, NULL),
	    .optional = true },
	{ SIZE("drop-after", conf_fault, drop_after, 0, OFFSET_MAX, NULL),
	    .optional = true },
	{ DURATION("timeout", conf_fault, timeout, 0, "0") },
	{ SIZE("reset-after", conf_fault, reset_after, 0, OFFSET_MAX, NULL),
	    .optional = true },
	{ DURATION("delay", conf_fault, delay, 0, "0") },
	{ DURATION("cut-after", conf_fault, cut_after, 0, NULL),
	    .optional = true },
	{ BOOL("down", conf_fault, down, "no") },
	END
};

const struct conf_section conf_spec_fault = { .name = "fault",
	.size = sizeof(struct conf_fault), .opts = fault_opts };

static bool
is_given(uint64_t value)
{
	return value != CONF_NONE;
}

unsigned
conf_fault_kinds(const struct conf_fault *f)
{
	const bool given[CONF_FAULT_KINDS] = {
		[CONF_FAULT_LATENCY] = is_given(f->latency),
		[CONF_FAULT_BANDWIDTH] = is_given(f->bandwidth),
		[CONF_FAULT_FLIP] = is_given(f->flip),
		[CONF_FAULT_FLIP_AT] = is_given(f->flip_at),
		[CONF_FAULT_SLICE] = is_given(f->slice),
		[CONF_FAULT_LIMIT] = is_given(f->limit),
		[CONF_FAULT_SLOW_CLOSE] = is_given(f->slow_close),
		[CONF_FAULT_DROP] = is_given(f->drop_after),
		[CONF_FAULT_RESET] = is_given(f->reset_after),
		[CONF_FAULT_CUT] = is_given(f->cut_after),
		[CONF_FAULT_DOWN] = f->down
	};
	unsigned kind, bits = 0;

	for (kind = 0; kind < CONF_FAULT_KINDS; kind++)
		bits |= given[kind] ? 1U << kind : 0;
	return bits;
}

enum conf_fault_kind
conf_fault_kind(const struct conf_fault *f)
{
	const unsigned bits = conf_fault_kinds(f);

	return bits == 0 ? CONF_FAULT_NONE :
	    (enum conf_fault_kind)(ffs((int)bits) - 1);
}

const char *
conf_fault_wrong(const struct conf_fault *f, const char **option)
{
	const unsigned bits = conf_fault_kinds(f);

	*option = NULL;
	if (bits == 0)
		return "has no kind; give it one of latency, bandwidth, flip, "
		    "flip-at, slice, limit, slow-close, drop-after, "
		    "reset-after, cut-after and down = yes";
	if ((bits & (bits - 1)) != 0)
		return "has two kinds; make it two sections, and name both "
		    "in filters";
	return wrong_extra(f, conf_fault_kind(f), option);
}

/* What belongs to another kind. */
static const char *
wrong_extra(const struct conf_fault *f, enum conf_fault_kind kind,
    const char **option)
{
	const struct {
		bool			 given;
		enum conf_fault_kind	 kind;
		const char		*option, *wrong;
	} extras[] = {
		{ f->jitter != 0, CONF_FAULT_LATENCY, "jitter",
		    "has jitter without latency; add latency = TIME" },
		{ f->bit != 0, CONF_FAULT_FLIP_AT, "bit",
		    "has bit without flip-at; add flip-at = BYTE" },
		{ f->slice_variation != 0, CONF_FAULT_SLICE,
		    "slice-variation",
		    "has slice-variation without slice; add slice = BYTES" },
		{ f->slice_delay != 0, CONF_FAULT_SLICE, "slice-delay",
		    "has slice-delay without slice; add slice = BYTES" },
		{ f->end != CONF_FAULT_END_FIN, CONF_FAULT_LIMIT, "end",
		    "has end without limit; add limit = BYTES" },
		{ f->timeout != 0, CONF_FAULT_DROP, "timeout",
		    "has timeout without drop-after; add drop-after = BYTES" },
		{ f->delay != 0, CONF_FAULT_RESET, "delay",
		    "has delay without reset-after; add reset-after = BYTES" }
	};
	unsigned i;

	for (i = 0; i < nitems_of(extras); i++)
		if (extras[i].given && extras[i].kind != kind) {
			*option = extras[i].option;
			return extras[i].wrong;
		}
	if (kind != CONF_FAULT_SLICE || f->slice_variation < f->slice)
		return NULL;
	*option = "slice-variation";
	return "has a slice-variation that is not less than slice";
}
