/*
 * stage.h - what a session does now, and what a stage says to the runner.
 */
#ifndef STAGE_H
#define STAGE_H

/* Forward only; session.c has the table. */
enum sess_stage { STAGE_NEW, STAGE_CONNECT, STAGE_RELAY, STAGE_FLUSH,
	STAGE_DONE };

/* What a stage says when it returns. */
enum step { STEP_NEXT, STEP_WAIT, STEP_DONE };

#endif
