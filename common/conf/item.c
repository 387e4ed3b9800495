#include "compat.h"

#include <net/if.h>

#include "conf/int.h"
#include "dest_rule.h"
#include "host.h"
#include "layout.h"

const char *
conf_item_host(const char *text)
{
	char name[HOST_LEN];

	if (strncmp(text, "*.", 2) == 0)
		text += 2;
	return host_normal(text, strlen(text), name) == 0 ? NULL :
	    "is no name of a host; use letters, digits, \"-\", \"_\" and "
	    "\".\", and \"*.\" in front for all that end so";
}

const char *
conf_item_alpn(const char *text)
{
	const char *p = text;

	while (*p > ' ' && *p < 0x7f && strchr("\"\\,", *p) == NULL)
		p++;
	return *p == '\0' ? NULL : "is no protocol; use printable "
	    "characters without spaces, commas, quotes and backslashes";
}

const char *
conf_item_ask(const char *text)
{
	return conf_ask_of(text) != 0 ? NULL :
	    "is nothing to ask by; use socks4, socks5, connect or any";
}

const char *
conf_item_aim(const char *text)
{
	struct dest_rule rule;

	return conf_target_of(text, &rule);
}

const char *
conf_target_of(const char *text, struct dest_rule *rule)
{
	char whole[768];

	if ((size_t)snprintf(whole, sizeof(whole), "permit %s", text) >=
	    sizeof(whole))
		return "is too long";
	return dest_rule_parse(whole, rule);
}

const char *
conf_item_interface(const char *text)
{
	const char *p = text;

	while (*p > ' ' && *p < 0x7f && *p != '/')
		p++;
	return *p == '\0' && strlen(text) < IF_NAMESIZE ? NULL :
	    "is no name of an interface; these are short, and without blanks "
	    "and \"/\"";
}

const char *
conf_item_tag(const char *text)
{
	return conf_title_ok(text) ? NULL :
	    "is no tag; use 1 to 31 letters, digits, \".\", \"_\" or \"-\"";
}

const char *
conf_item_title(const char *text)
{
	return conf_title_ok(text) ? NULL : "is no name of a section";
}

const char *
conf_item_target(const char *text)
{
	struct dest_rule rule;

	return dest_rule_parse(text, &rule);
}

const char *
conf_item_layout(const char *text)
{
	struct layout layout;
	const char *p = text, *err = NULL;

	while ((unsigned char)*p >= ' ' && *p != 0x7f)
		p++;
	if (*p != '\0')
		return "has a control character, and is to be one line";
	layout_parse(&layout, text, &err);
	return err;
}

const char *
conf_item_variable(const char *text)
{
	const size_t len = strcspn(text, "=");
	size_t i;

	for (i = 0; i < len && (text[i] == '_' ||
	    (text[i] >= 'A' && text[i] <= 'Z') ||
	    (text[i] >= 'a' && text[i] <= 'z') ||
	    (i > 0 && text[i] >= '0' && text[i] <= '9')); i++)
		;
	return len > 0 && i == len && text[len] == '=' ? NULL :
	    "is no variable; write \"NAME=value\"";
}
