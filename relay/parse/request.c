#include "compat.h"

#include "parse/request.h"

int
request_word(char word[REQUEST_WORD], const void *bytes, size_t len)
{
	word[0] = '\0';
	if (len >= REQUEST_WORD || memchr(bytes, '\0', len) != NULL)
		return -1;
	memcpy(word, bytes, len);
	word[len] = '\0';
	return 0;
}
