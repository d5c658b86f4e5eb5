# The panel: TypeScript through npm and esbuild into webd/ui/dist.

PANEL_SRC := $(shell find webd/ui/src webd/ui/lang webd/ui/index.html webd/ui/build.mjs -type f 2>/dev/null)

.PHONY: panel
ifeq ($(WEBUI),prebuilt)
panel:
else ifeq ($(wildcard webd/ui/package-lock.json),)
panel:
else
panel: webd/ui/dist/manifest.tsv
webd/ui/node_modules/.stamp: webd/ui/package-lock.json
	cd webd/ui && npm ci && touch node_modules/.stamp
webd/ui/dist/manifest.tsv: webd/ui/node_modules/.stamp $(PANEL_SRC)
	cd webd/ui && node node_modules/typescript/bin/tsc -p . && node build.mjs
endif
