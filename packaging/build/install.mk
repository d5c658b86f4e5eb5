# make install DESTDIR= PREFIX=: programs, panel, service files.

PREFIX     ?= /usr
SBINDIR    ?= $(PREFIX)/sbin
BINDIR     ?= $(PREFIX)/bin
DATADIR    ?= $(PREFIX)/share/trellis
UNITDIR    ?= /usr/lib/systemd/system
SYSCONFDIR ?= /etc

.PHONY: install
install: $(PROGRAMS) panel
	install -d $(DESTDIR)$(SBINDIR) $(DESTDIR)$(BINDIR) $(DESTDIR)$(DATADIR) $(DESTDIR)$(UNITDIR) \
	    $(DESTDIR)$(SYSCONFDIR)/trellis $(DESTDIR)/usr/lib/sysusers.d $(DESTDIR)/usr/lib/tmpfiles.d
	install -m 755 $(BUILD)/bin/dnsd $(BUILD)/bin/clusterd $(BUILD)/bin/webd $(DESTDIR)$(SBINDIR)/
	install -m 755 $(BUILD)/bin/trellisctl packaging/trellis-node $(DESTDIR)$(BINDIR)/
	install -m 644 packaging/systemd/*.service $(DESTDIR)$(UNITDIR)/
	install -m 644 packaging/systemd/trellis.sysusers $(DESTDIR)/usr/lib/sysusers.d/trellis.conf
	install -m 644 packaging/systemd/trellis.tmpfiles $(DESTDIR)/usr/lib/tmpfiles.d/trellis.conf
	if [ -f webd/ui/dist/manifest.tsv ]; then \
	    install -d $(DESTDIR)$(DATADIR)/panel && cp -R webd/ui/dist/. $(DESTDIR)$(DATADIR)/panel/; fi
