# From a fresh machine to a running node, and to all tests.

NODE_DIR   ?= build/node
ADDRESS    ?= 127.0.0.1
# 53 where we may have it; `make run DNS_PORT=53` insists.
DNS_PORT   ?= $(shell [ "$$(id -u)" = 0 ] && echo 53 || echo 5300)
HTTP_PORT  ?= 5380
HTTPS_PORT ?= 53443
N          ?= 3

.PHONY: setup setup-test run cluster check bench fuzz
setup:
	@sh packaging/setup/install-packages packaging/setup/packages.txt
setup-test:
	@sh packaging/setup/install-packages packaging/setup/packages.txt packaging/setup/packages-test.txt

run: setup
	@$(MAKE) --no-print-directory -j$$(nproc) all
	@exec packaging/trellis-node $(NODE_DIR) --address $(ADDRESS) --dns-port $(DNS_PORT) \
	    --http-port $(HTTP_PORT) --https-port $(HTTPS_PORT)

cluster: setup
	@$(MAKE) --no-print-directory -j$$(nproc) all
	@exec packaging/build/cluster $(N) $(NODE_DIR)-cluster --dns-port $(DNS_PORT) \
	    --http-port $(HTTP_PORT) --https-port $(HTTPS_PORT)

check: setup-test
	@exec /usr/bin/python3 tests/run.py
