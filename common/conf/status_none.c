#include "compat.h"

#include "conf/parse.h"

const bool conf_can_status = false;
