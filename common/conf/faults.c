#include "compat.h"

#include "conf/parse.h"

static void	 faults_one(struct conf_check *, const struct cfg_t *,
		    const struct conf_fault *);
static bool	 faults_mistaken(const struct cfg_t *);

void
conf_check_faults(struct conf_check *c, const struct cfg_t *root)
{
	unsigned i;

	for (i = 0; i < c->conf->nfaults; i++)
		faults_one(c, conf_child(root, "fault", i),
		    &c->conf->faults[i]);
}

static void
faults_one(struct conf_check *c, const struct cfg_t *sec,
    const struct conf_fault *f)
{
	const char *option, *wrong = conf_fault_wrong(f, &option);

	if (wrong == NULL || faults_mistaken(sec))
		return;
	conf_check_missing(c, option == NULL ? conf_line(sec) :
	    conf_line_of(sec, option), "fault \"%s\" %s", f->name, wrong);
}

/* What says its kind has a value that was refused. */
static bool
faults_mistaken(const struct cfg_t *sec)
{
	const struct conf_opt *o;
	const struct conf_value *v;
	const char *err;
	uint64_t n;

	for (o = conf_spec_fault.opts; o->name != NULL; o++)
		if ((v = conf_value(sec, o->name, 0)) != NULL &&
		    conf_scalar_of(o, o->name, v->text, &n, &err) == -1)
			return true;
	return false;
}
