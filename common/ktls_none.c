#include "compat.h"

#include "ktls.h"

bool
ktls_here(void)
{
	return false;
}
