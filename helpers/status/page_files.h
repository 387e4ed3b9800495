/*
 * page_files.h - page.css and page.js as they are: lines, and NULL. Made from
 * them when the program is built.
 */
#ifndef PAGE_FILES_H
#define PAGE_FILES_H

extern const char * const page_style[], * const page_script[];

#endif
