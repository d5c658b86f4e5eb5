// A pool of threads for Argon2id. Jobs travel through two lists under one lock; an eventfd wakes
// the loop for finished ones. Workers touch their job only; everything else belongs to the loop's
// thread.

#include "webd/auth/password.h"

#include <argon2.h>
#include <event2/event.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/rand.h"

// OWASP's second choice for Argon2id: 19 MiB, two passes, one lane.
#define MEMORY_KIB 19456
#define PASSES     2
#define LANES      1
#define SALT_SIZE  16
#define HASH_SIZE  32
#define THREADS    2

struct job {
    struct job *next;
    char *password;
    char encoded[PASSWORD_ENCODED_MAX];
    bool is_verify;
    bool is_decoy; // verify for nobody
    bool is_right; // result: verified, or hashed
    password_hash_fn on_hash;
    password_verify_fn on_verify;
    void *ctx;
};

struct job_list {
    struct job *head;
    struct job **tail;
};

struct password_pool {
    pthread_t threads[THREADS];
    unsigned thread_count;
    int done_fd;
    struct event *done_event;
    size_t open; // loop's thread only
    char decoy[PASSWORD_ENCODED_MAX];
    struct {
        pthread_mutex_t lock;
        pthread_cond_t more;
        struct job_list waiting;
        struct job_list done;
        bool is_ending;
    } shared;
};

static void list_init(struct job_list *list)
{
    list->head = NULL;
    list->tail = &list->head;
}

static void list_add(struct job_list *list, struct job *job)
{
    job->next = NULL;
    *list->tail = job;
    list->tail = &job->next;
}

static struct job *list_take(struct job_list *list)
{
    struct job *job = list->head;
    if (job != NULL) {
        list->head = job->next;
        if (list->head == NULL) {
            list->tail = &list->head;
        }
    }
    return job;
}

static void job_free(struct job *job)
{
    mem_wipe(job->password, strlen(job->password));
    mem_free(job->password);
    mem_free(job);
}

static bool encode(const char *password, char encoded[PASSWORD_ENCODED_MAX])
{
    uint8_t salt[SALT_SIZE];
    rand_bytes(salt, sizeof salt);
    return argon2id_hash_encoded(PASSES, MEMORY_KIB, LANES, password, strlen(password), salt,
                                 sizeof salt, HASH_SIZE, encoded,
                                 PASSWORD_ENCODED_MAX) == ARGON2_OK;
}

static void job_run(struct job *job)
{
    if (!job->is_verify) {
        job->is_right = encode(job->password, job->encoded);
        return;
    }
    int result = argon2id_verify(job->encoded, job->password, strlen(job->password));
    job->is_right = result == ARGON2_OK && !job->is_decoy;
}

static void *work(void *arg)
{
    struct password_pool *pool = arg;
    pthread_mutex_lock(&pool->shared.lock);
    while (!pool->shared.is_ending) {
        struct job *job = list_take(&pool->shared.waiting);
        if (job == NULL) {
            pthread_cond_wait(&pool->shared.more, &pool->shared.lock);
            continue;
        }
        pthread_mutex_unlock(&pool->shared.lock);
        job_run(job);
        pthread_mutex_lock(&pool->shared.lock);
        list_add(&pool->shared.done, job);
        uint64_t one = 1;
        if (write(pool->done_fd, &one, sizeof one) < 0) {
            break; // cannot happen below 2^64 finished jobs
        }
    }
    pthread_mutex_unlock(&pool->shared.lock);
    return NULL;
}

static void on_done(evutil_socket_t fd, short what, void *arg)
{
    struct password_pool *pool = arg;
    (void)what;
    uint64_t count;
    if (read(fd, &count, sizeof count) < 0) {
        return;
    }
    for (;;) {
        pthread_mutex_lock(&pool->shared.lock);
        struct job *job = list_take(&pool->shared.done);
        pthread_mutex_unlock(&pool->shared.lock);
        if (job == NULL) {
            return;
        }
        pool->open--;
        if (job->is_verify) {
            job->on_verify(job->ctx, job->is_right);
        } else {
            job->on_hash(job->ctx, job->is_right ? job->encoded : NULL);
        }
        job_free(job);
    }
}

enum err password_pool_open(struct event_base *base, struct password_pool **out, struct errmsg *e)
{
    struct password_pool *pool = mem_zalloc(sizeof *pool);
    pthread_mutex_init(&pool->shared.lock, NULL);
    pthread_cond_init(&pool->shared.more, NULL);
    list_init(&pool->shared.waiting);
    list_init(&pool->shared.done);
    pool->done_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (pool->done_fd < 0 || !encode("decoy", pool->decoy)) {
        password_pool_close(pool);
        return err_set(e, ERR_NO_MEMORY, "password hashing needs %u MiB of memory",
                       MEMORY_KIB / 1024u);
    }
    pool->done_event = event_new(base, pool->done_fd, EV_READ | EV_PERSIST, on_done, pool);
    event_add(pool->done_event, NULL);
    while (pool->thread_count < THREADS) {
        int cause = pthread_create(&pool->threads[pool->thread_count], NULL, work, pool);
        if (cause != 0) {
            password_pool_close(pool);
            return err_set(e, err_from_errno(cause), "cannot start a thread: %s", strerror(cause));
        }
        pool->thread_count++;
    }
    *out = pool;
    return ERR_OK;
}

static void drop_all(struct job_list *list)
{
    for (struct job *job = list_take(list); job != NULL; job = list_take(list)) {
        job_free(job);
    }
}

void password_pool_close(struct password_pool *pool)
{
    if (pool == NULL) {
        return;
    }
    pthread_mutex_lock(&pool->shared.lock);
    pool->shared.is_ending = true;
    pthread_cond_broadcast(&pool->shared.more);
    pthread_mutex_unlock(&pool->shared.lock);
    for (unsigned i = 0; i < pool->thread_count; i++) {
        pthread_join(pool->threads[i], NULL);
    }
    drop_all(&pool->shared.waiting);
    drop_all(&pool->shared.done);
    if (pool->done_event != NULL) {
        event_free(pool->done_event);
    }
    if (pool->done_fd >= 0) {
        close(pool->done_fd);
    }
    pthread_cond_destroy(&pool->shared.more);
    pthread_mutex_destroy(&pool->shared.lock);
    mem_free(pool);
}

static enum err submit(struct password_pool *pool, struct job *job)
{
    if (pool->open >= PASSWORD_QUEUE_MAX) {
        job_free(job);
        return ERR_BUSY;
    }
    pool->open++;
    pthread_mutex_lock(&pool->shared.lock);
    list_add(&pool->shared.waiting, job);
    pthread_cond_signal(&pool->shared.more);
    pthread_mutex_unlock(&pool->shared.lock);
    return ERR_OK;
}

enum err password_hash(struct password_pool *pool, const char *password, password_hash_fn fn,
                       void *ctx)
{
    struct job *job = mem_zalloc(sizeof *job);
    job->password = mem_strdup(password);
    job->on_hash = fn;
    job->ctx = ctx;
    return submit(pool, job);
}

enum err password_verify(struct password_pool *pool, const char *encoded, const char *password,
                         password_verify_fn fn, void *ctx)
{
    struct job *job = mem_zalloc(sizeof *job);
    job->password = mem_strdup(password);
    job->is_verify = true;
    job->on_verify = fn;
    job->ctx = ctx;
    job->is_decoy = encoded == NULL || strlen(encoded) >= sizeof job->encoded;
    memcpy(job->encoded, job->is_decoy ? pool->decoy : encoded,
           strlen(job->is_decoy ? pool->decoy : encoded) + 1);
    return submit(pool, job);
}
