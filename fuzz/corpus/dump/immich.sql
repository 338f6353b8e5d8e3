--
-- PostgreSQL database cluster dump
--
\restrict abc
COPY public.asset_face ("assetId", "personId", "imageWidth", "imageHeight", "boundingBoxX1", "boundingBoxY1", "boundingBoxX2", "boundingBoxY2", id, "sourceType", "deletedAt", "updatedAt") FROM stdin;
a1	p1	100	100	10	20	30	40	f1	machine-learning	\N	2026-01-01 00:00:00+00
a1	p2	100	100	50	20	70	40	f2	machine-learning	\N	2026-01-01 00:00:00+00
a2	p1	100	100	1	2	3	4	f3	machine-learning	2026-01-02 00:00:00+00	2026-01-01 00:00:00+00
a2	\N	100	100	1	2	3	4	f4	machine-learning	\N	2026-01-01 00:00:00+00
\.
COPY public.face_search ("faceId", embedding) FROM stdin;
f1	[1,0.5,-0.25]
f2	[0,1,0]
f3	[0,0,1]
f4	[0.1,0.2,0.3]
\.
COPY public.person (id, "createdAt", "updatedAt", "ownerId", name, "thumbnailPath") FROM stdin;
p1	2026-01-01 00:00:00+00	2026-01-01 00:00:00+00	u1	Ada	x
p2	2026-01-01 00:00:00+00	2026-01-01 00:00:00+00	u1		x
\.
