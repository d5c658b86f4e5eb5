// Rows of whole_answer_test.c: what is asked, and the whole answer. RRSIGs show as "sig-<covered type>".
    {"t.test", "SOA", 0,
     "NOERROR AA | t.test 300 SOA ns.t.test. host.t.test. 7 3600 600 86400 60; | |", 0},
    {"a.t.test", "A", 0,
     "NOERROR AA | a.t.test 300 A 192.0.2.1; | |", 0},
    {"A.T.tEst", "A", 0,
     "NOERROR AA | A.T.tEst 300 A 192.0.2.1; | |", 0},
    {"a.t.test", "AAAA", 0,
     "NOERROR AA | | t.test 60 SOA ns.t.test. host.t.test. 7 3600 600 86400 60; |", 0},
    {"no.t.test", "A", 0,
     "NXDOMAIN AA | | t.test 60 SOA ns.t.test. host.t.test. 7 3600 600 86400 60; |", 0},
    {"ent.t.test", "A", 0,
     "NOERROR AA | | t.test 60 SOA ns.t.test. host.t.test. 7 3600 600 86400 60; |", 0},
    {"x.ent.t.test", "A", 0,
     "NXDOMAIN AA | | t.test 60 SOA ns.t.test. host.t.test. 7 3600 600 86400 60; |", 0},
    {"x.y.w.t.test", "A", 0,
     "NOERROR AA | x.y.w.t.test 300 A 192.0.2.2; | |", 0},
    {"x.w.t.test", "TXT", 0,
     "NOERROR AA | | t.test 60 SOA ns.t.test. host.t.test. 7 3600 600 86400 60; |", 0},
    {"x.there.w.t.test", "A", 0,
     "NXDOMAIN AA | | t.test 60 SOA ns.t.test. host.t.test. 7 3600 600 86400 60; |", 0},
    {"ent2.w.t.test", "A", 0,
     "NOERROR AA | | t.test 60 SOA ns.t.test. host.t.test. 7 3600 600 86400 60; |", 0},
    {"x.ent2.w.t.test", "A", 0,
     "NXDOMAIN AA | | t.test 60 SOA ns.t.test. host.t.test. 7 3600 600 86400 60; |", 0},
    {"x.wc.t.test", "A", 0,
     "NOERROR AA | x.wc.t.test 300 CNAME a.t.test.; a.t.test 300 A 192.0.2.1; | |", 0},
    {"c1.t.test", "A", 0,
     "NOERROR AA | c1.t.test 300 CNAME c2.t.test.; c2.t.test 300 CNAME a.t.test.;"
     " a.t.test 300 A 192.0.2.1; | |", 0},
    {"c1.t.test", "CNAME", 0,
     "NOERROR AA | c1.t.test 300 CNAME c2.t.test.; | |", 0},
    {"out.t.test", "A", 0,
     "NOERROR AA | out.t.test 300 CNAME www.elsewhere.test.; | |", 0},
    {"over.t.test", "A", 0,
     "NOERROR AA | over.t.test 300 CNAME b.u.test.; b.u.test 300 A 192.0.2.5; | |", 0},
    {"b.dn.t.test", "A", 0,
     "NOERROR AA | dn.t.test 300 DNAME u.test.; b.dn.t.test 300 CNAME b.u.test.;"
     " b.u.test 300 A 192.0.2.5; | |", 0},
    {"dn.t.test", "DNAME", 0,
     "NOERROR AA | dn.t.test 300 DNAME u.test.; | |", 0},
    {"eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee.toolong.t.test", "A", 0,
     "YXDOMAIN AA |"
     " toolong.t.test 300 DNAME aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb.cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc.dddddddddddddddddddddddddddddddddddddddddd.;"
     " | |", 0},
    {"cut.t.test", "A", 0,
     "NOERROR | | cut.t.test 300 NS ns.cut.t.test.; cut.t.test 300 NS ns.sib.t.test.; |"
     " ns.cut.t.test 300 A 192.0.2.60; ns.sib.t.test 300 A 192.0.2.61;", 0},
    {"x.cut.t.test", "A", WANT_DO,
     "NOERROR | | cut.t.test 300 NS ns.cut.t.test.; cut.t.test 300 NS ns.sib.t.test.; |"
     " ns.cut.t.test 300 A 192.0.2.60; ns.sib.t.test 300 A 192.0.2.61; OPT 0;", 0},
    {"ns.cut.t.test", "A", 0,
     "NOERROR | | cut.t.test 300 NS ns.cut.t.test.; cut.t.test 300 NS ns.sib.t.test.; |"
     " ns.cut.t.test 300 A 192.0.2.60; ns.sib.t.test 300 A 192.0.2.61;", 0},
    {"cut.t.test", "DS", 0,
     "NOERROR AA |"
     " cut.t.test 300 DS 1 13 2 000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F;"
     " | |", 0},
    {"a.t.test", "ANY", 0,
     "NOERROR AA | a.t.test 300 A 192.0.2.1; | |", 0},
    {"a.t.test", "A", BAD_VERSION,
     "NOERROR | | | OPT 1;", 0},
    {"version.bind", "TXT", 0,
     "NOERROR AA | version.bind 0 TXT \"1.2\"; | |", CLASS_CH},
    {"ID.server", "TXT", 0,
     "NOERROR AA | ID.server 0 TXT \"node1.test\"; | |", CLASS_CH},
    {"other.bind", "TXT", 0,
     "REFUSED | | |", CLASS_CH},
    {"a.t.test", "A", 0,
     "REFUSED | | |", 4},
    {"elsewhere.test", "A", WANT_EDNS,
     "REFUSED | | | OPT 0 EDE 20;", 0},
    {"disabled.test", "SOA", 0,
     "REFUSED | | |", 0},
    {"denied.test", "SOA", WANT_EDNS,
     "REFUSED | | | OPT 0 EDE 18;", 0},
    {"a.signed.example", "A", WANT_DO,
     "NOERROR AA | a.signed.example 300 A 192.0.2.1; a.signed.example sig-A; | | OPT 0;", 0},
    {"a.signed.example", "RRSIG", 0,
     "NOERROR AA | a.signed.example sig-A; a.signed.example sig-NSEC; | |", 0},
    {"a.signed.example", "TXT", WANT_DO,
     "NOERROR AA | |"
     " signed.example 300 SOA ns.signed.example. host.signed.example. 1 3600 600 86400 300;"
     " signed.example sig-SOA;"
     " a.signed.example 300 NSEC deep.ent.signed.example. A RRSIG NSEC;"
     " a.signed.example sig-NSEC; | OPT 0;", 0},
    {"b.signed.example", "A", WANT_DO,
     "NXDOMAIN AA | |"
     " signed.example 300 SOA ns.signed.example. host.signed.example. 1 3600 600 86400 300;"
     " signed.example sig-SOA;"
     " a.signed.example 300 NSEC deep.ent.signed.example. A RRSIG NSEC;"
     " a.signed.example sig-NSEC;"
     " signed.example 300 NSEC a.signed.example. NS SOA RRSIG NSEC DNSKEY;"
     " signed.example sig-NSEC; | OPT 0;", 0},
    {"x.w.signed.example", "A", WANT_DO,
     "NOERROR AA | x.w.signed.example 300 A 192.0.2.2; x.w.signed.example sig-A; |"
     " *.w.signed.example 300 NSEC *.wc.signed.example. A RRSIG NSEC;"
     " *.w.signed.example sig-NSEC; | OPT 0;", 0},
    {"x.w.signed.example", "TXT", WANT_DO,
     "NOERROR AA | |"
     " signed.example 300 SOA ns.signed.example. host.signed.example. 1 3600 600 86400 300;"
     " signed.example sig-SOA;"
     " *.w.signed.example 300 NSEC *.wc.signed.example. A RRSIG NSEC;"
     " *.w.signed.example sig-NSEC; | OPT 0;", 0},
    {"x.wc.signed.example", "A", WANT_DO,
     "NOERROR AA | x.wc.signed.example 300 CNAME a.signed.example.;"
     " x.wc.signed.example sig-CNAME; a.signed.example 300 A 192.0.2.1;"
     " a.signed.example sig-A; |"
     " *.wc.signed.example 300 NSEC signed.example. CNAME RRSIG NSEC;"
     " *.wc.signed.example sig-NSEC; | OPT 0;", 0},
    {"insecure.signed.example", "A", WANT_DO,
     "NOERROR | | insecure.signed.example 3600 NS ns.elsewhere.test.;"
     " insecure.signed.example 300 NSEC ns.signed.example. NS RRSIG NSEC;"
     " insecure.signed.example sig-NSEC; | OPT 0;", 0},
    {"secure.signed.example", "A", WANT_DO,
     "NOERROR | | secure.signed.example 3600 NS ns.elsewhere.test.;"
     " secure.signed.example 3600 DS 12345 13 2 000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F;"
     " secure.signed.example sig-DS; | OPT 0;", 0},
    {"ent.signed.example", "A", WANT_DO,
     "NOERROR AA | |"
     " signed.example 300 SOA ns.signed.example. host.signed.example. 1 3600 600 86400 300;"
     " signed.example sig-SOA;"
     " a.signed.example 300 NSEC deep.ent.signed.example. A RRSIG NSEC;"
     " a.signed.example sig-NSEC; | OPT 0;", 0},
    {"a.nsec3.example", "TXT", WANT_DO,
     "NOERROR AA | |"
     " nsec3.example 300 SOA ns.nsec3.example. host.nsec3.example. 1 3600 600 86400 300;"
     " nsec3.example sig-SOA;"
     " 6ovduhtn094ml2pv8an90u0dpu823gh2.nsec3.example 300 NSEC3 1 0 0 - CG2DVCNE20EKU1PDRLMI2L4DGC2FO1H3 A RRSIG;"
     " 6ovduhtn094ml2pv8an90u0dpu823gh2.nsec3.example sig-NSEC3; | OPT 0;", 0},
    {"b.nsec3.example", "A", WANT_DO,
     "NXDOMAIN AA | |"
     " nsec3.example 300 SOA ns.nsec3.example. host.nsec3.example. 1 3600 600 86400 300;"
     " nsec3.example sig-SOA;"
     " krsatb3pjbkrjutskf89t5ms899d2udp.nsec3.example 300 NSEC3 1 0 0 - QMU5EMUAALPKK9CB81AJP93KP1U0V58C NS SOA RRSIG DNSKEY NSEC3PARAM;"
     " krsatb3pjbkrjutskf89t5ms899d2udp.nsec3.example sig-NSEC3;"
     " 6ovduhtn094ml2pv8an90u0dpu823gh2.nsec3.example 300 NSEC3 1 0 0 - CG2DVCNE20EKU1PDRLMI2L4DGC2FO1H3 A RRSIG;"
     " 6ovduhtn094ml2pv8an90u0dpu823gh2.nsec3.example sig-NSEC3;"
     " qmu5emuaalpkk9cb81ajp93kp1u0v58c.nsec3.example 300 NSEC3 1 0 0 - UFJK6325OU4TQCB6LDE6FSBR8R5RMK1H A RRSIG;"
     " qmu5emuaalpkk9cb81ajp93kp1u0v58c.nsec3.example sig-NSEC3; | OPT 0;", 0},
    {"x.w.nsec3.example", "A", WANT_DO,
     "NOERROR AA | x.w.nsec3.example 300 A 192.0.2.2; x.w.nsec3.example sig-A; |"
     " qmu5emuaalpkk9cb81ajp93kp1u0v58c.nsec3.example 300 NSEC3 1 0 0 - UFJK6325OU4TQCB6LDE6FSBR8R5RMK1H A RRSIG;"
     " qmu5emuaalpkk9cb81ajp93kp1u0v58c.nsec3.example sig-NSEC3; | OPT 0;", 0},
    {"x.w.nsec3.example", "TXT", WANT_DO,
     "NOERROR AA | |"
     " nsec3.example 300 SOA ns.nsec3.example. host.nsec3.example. 1 3600 600 86400 300;"
     " nsec3.example sig-SOA;"
     " e1r4elajvnae9pucmjrofafa95hs5bf2.nsec3.example 300 NSEC3 1 0 0 - EF2S05SGK1IR2K5SKMFIRERGQCLMR18M;"
     " e1r4elajvnae9pucmjrofafa95hs5bf2.nsec3.example sig-NSEC3;"
     " qmu5emuaalpkk9cb81ajp93kp1u0v58c.nsec3.example 300 NSEC3 1 0 0 - UFJK6325OU4TQCB6LDE6FSBR8R5RMK1H A RRSIG;"
     " qmu5emuaalpkk9cb81ajp93kp1u0v58c.nsec3.example sig-NSEC3; | OPT 0;", 0},
    {"x.wc.nsec3.example", "A", WANT_DO,
     "NOERROR AA | x.wc.nsec3.example 300 CNAME a.nsec3.example.;"
     " x.wc.nsec3.example sig-CNAME; a.nsec3.example 300 A 192.0.2.1;"
     " a.nsec3.example sig-A; |"
     " krsatb3pjbkrjutskf89t5ms899d2udp.nsec3.example 300 NSEC3 1 0 0 - QMU5EMUAALPKK9CB81AJP93KP1U0V58C NS SOA RRSIG DNSKEY NSEC3PARAM;"
     " krsatb3pjbkrjutskf89t5ms899d2udp.nsec3.example sig-NSEC3; | OPT 0;", 0},
    {"insecure.nsec3.example", "A", WANT_DO,
     "NOERROR | | insecure.nsec3.example 3600 NS ns.elsewhere.test.;"
     " ef2s05sgk1ir2k5skmfirergqclmr18m.nsec3.example 300 NSEC3 1 0 0 - KRSATB3PJBKRJUTSKF89T5MS899D2UDP NS;"
     " ef2s05sgk1ir2k5skmfirergqclmr18m.nsec3.example sig-NSEC3; | OPT 0;", 0},
    {"ent.nsec3.example", "A", WANT_DO,
     "NOERROR AA | |"
     " nsec3.example 300 SOA ns.nsec3.example. host.nsec3.example. 1 3600 600 86400 300;"
     " nsec3.example sig-SOA;"
     " 32bq3o4mvvp5m41hoen0s23p1au5h10g.nsec3.example 300 NSEC3 1 0 0 - 3Q55JJ2IA9EA99AO8ARDBSHEE5TJRTQ9;"
     " 32bq3o4mvvp5m41hoen0s23p1au5h10g.nsec3.example sig-NSEC3; | OPT 0;", 0},
    // A loop ends where it comes back to a name.
    {"loop1.t.test", "A", 0,
     "NOERROR AA | loop1.t.test 300 CNAME loop2.t.test.; loop2.t.test 300 CNAME loop1.t.test.; | |", 0},
