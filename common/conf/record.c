#include "compat.h"

#include "conf/row.h"

static const struct conf_word sides[] = {
	{ "client", RECORD_CLIENT },
	{ "both", RECORD_BOTH },
	{ NULL, 0 }
};

static const struct conf_word fulls[] = {
	{ "drop", FULL_DROP },
	{ "wait", FULL_WAIT },
	{ NULL, 0 }
};

static const struct conf_word formats[] = {
	{ "hex", DUMP_HEX },
	{ "text", DUMP_TEXT },
	{ NULL, 0 }
};

static const struct conf_word targets[] = {
	{ "stderr", 0 },
	{ NULL, 0 }
};

static const struct conf_opt record_opts[] = {
	{ PATH("directory", conf_record, directory, CONF_VALUE_MAX),
	    .folder = true, .required = true },
	{ SIZE("size", conf_record, size, 256 * K, 1024 * K * K * K, "64m") },
	{ NUMBER("files", conf_record, files, 0, 10000, "10") },
	{ SIZE("snap", conf_record, snap, 0, 65000, "0") },
	{ SHARE("share", conf_record, share, 0, "1") },
	{ RULES("client", conf_record, client) },
	{ WORD("side", conf_record, side, sides, "client") },
	{ WORD("full", conf_record, full, fulls, "drop") },
	{ BOOL("plain", conf_record, plain, "no") },
	{ BOOL("enabled", conf_record, enabled, "yes") },
	END
};

const struct conf_section conf_spec_record = { .name = "record",
	.size = sizeof(struct conf_record), .opts = record_opts };

static const struct conf_opt dump_opts[] = {
	{ WORD("direction", conf_dump, direction, conf_ways, "both") },
	{ PATH("to", conf_dump, to, CONF_VALUE_MAX), .words = targets },
	{ WORD("format", conf_dump, format, formats, "hex") },
	{ SIZE("limit", conf_dump, limit, 0, 1024 * K * K * K, "4k") },
	END
};

const struct conf_section conf_spec_dump = { .name = "dump",
	.size = sizeof(struct conf_dump), .opts = dump_opts };
