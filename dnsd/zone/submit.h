#pragma once

#include "dnsd/zone/job.h"

// Between submitters (submit.c) and the writer thread (writer.c).

// Queues a job for the writer thread; any thread.
void writer_submit(struct zone_store *store, struct job *job);
// Waits until the writer holds no job of this submitter.
void writer_drain(struct zone_store *store, struct zone_submitter *submitter);
// Gives a finished job back to its loop; writer thread.
void submit_complete(struct job *job);
