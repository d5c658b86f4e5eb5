#pragma once

#include <stdbool.h>
#include <stddef.h>

// Doubly linked ring of embedded links; `struct list` is its head. One thread.
struct list {
    struct list *prev;
    struct list *next;
};

static inline void list_init(struct list *list)
{
    list->prev = list;
    list->next = list;
}

static inline bool list_is_empty(const struct list *list)
{
    return list->next == list;
}

static inline void list_add_last(struct list *list, struct list *item)
{
    item->prev = list->prev;
    item->next = list;
    list->prev->next = item;
    list->prev = item;
}

// Harmless for an item that is in no list (initialised by list_init).
static inline void list_remove(struct list *item)
{
    item->prev->next = item->next;
    item->next->prev = item->prev;
    list_init(item);
}

// The struct that a link is part of.
#define list_entry(link, type, member) ((type *)(void *)((char *)(link)-offsetof(type, member)))
