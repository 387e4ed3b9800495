/*
 * why.h - who has ended a session, and why: the words of the closing line, and
 * of what is counted by them.
 */
#ifndef WHY_H
#define WHY_H

#include "compat.h"

enum sess_who { WHO_CLIENT, WHO_REMOTE, WHO_RELAY, WHOS };
enum sess_why { WHY_FIN, WHY_RESET, WHY_IDLE, WHY_HALF_CLOSE, WHY_CONNECT,
	WHY_CONNECT_TIMEOUT, WHY_NO_REMOTE, WHY_DRAIN, WHY_GENERATIONS,
	WHY_STOPPED, WHY_ERROR, WHY_HANDSHAKE_TIMEOUT, WHY_PROXY_HEADER,
	WHY_DENIED, WHY_HANDSHAKE, WHY_MEMORY, WHY_LIMIT, WHY_REMOTE_DOWN,
	WHY_TARGET_DENIED, WHY_TARGET_NAME, WHY_MATCH, WHY_FAULT, WHY_PROGRAM,
	WHY_KILLED, WHYS };

const char	*why_who(unsigned);
const char	*why_name(unsigned);

#endif
