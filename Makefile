# Trellis. One make, no recursion; everything built lies under $(BUILD).
#
#   make            the three daemons, trellisctl, the panel
#   make run        a node, from a fresh machine on; make cluster N=3 for several
#   make check      all tests, from a fresh machine on
#   make bench fuzz lint format install
#
# SAN=1  address and undefined-behaviour sanitizers (build/san)   CC=clang  the other compiler
# V=1  show the commands
# BUILD=DIR  another output folder   WEBUI=prebuilt  no npm: take webd/ui/dist as it is

.DEFAULT_GOAL := all
MAKEFLAGS += --no-builtin-rules
SHELL := /bin/sh

CC ?= gcc
ifeq ($(origin CC),default)
CC := gcc
endif
SAN ?= 0
FUZZ ?= 0
ifeq ($(SAN),1)
BUILD ?= build/san
else
BUILD ?= build/release
endif

include packaging/build/flags.mk
include packaging/build/sources.mk
include packaging/build/panel.mk
include packaging/build/tests.mk
include packaging/build/setup.mk
include packaging/build/install.mk

.PHONY: all
all: $(PROGRAMS) panel

.PHONY: clean
clean:
	rm -rf build
