/*
 * files.h - the files of a record section, one after the other in its folder.
 *
 * Packets are collected and written at the end of a turn. What cannot be
 * written is lost and counted, and noted in the file when there is room again;
 * a file ends with a whole packet as far as the system has written at all.
 */
#ifndef FILES_H
#define FILES_H

#include "conf/conf.h"
#include "pcapng.h"

struct files;

/* Its folder is open already, for good; folder is -1 if it cannot be had, then
 * all is lost. The configuration is to live as long. Without memory the process
 * ends. */
struct files	*files_new(const struct conf_record *, int folder);
/* The file in which the next packet will be, made if it is to be another one: a
 * number that no other one of them has. 0: there can be none now. */
unsigned	 files_at(struct files *, size_t packet);
/* Puts a packet into it, in the same turn and behind files_at() with at least
 * its size; NULL: it is lost. Else where its data belongs. Its comment may come
 * with more of ours. */
unsigned char	*files_packet(struct files *, struct packet *);
/* Writes what there is. */
void		 files_flush(struct files *);
/* The same, and the end. */
void		 files_free(struct files **);

#endif
