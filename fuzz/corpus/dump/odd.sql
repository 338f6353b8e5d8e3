COPY a (b, "c
COPY x.y (embedding) FROM stdin;
{1,2
[1
\x
\\.
\.
COPY t () FROM stdin;
