--
-- PostgreSQL database dump
--
SET statement_timeout = 0;
CREATE TABLE public.embedding (id uuid NOT NULL, subject_id uuid, embedding double precision[] NOT NULL);
COPY public.embedding (id, subject_id, embedding, calculator, img_id) FROM stdin;
e1	11111111-1111-1111-1111-111111111111	{1.5,-0.25,3e-2,0}	insightface.Calculator@arcface_r100_v1	\N
e2	22222222-2222-2222-2222-222222222222	{0.5,0.5,-1,2.25}	insightface.Calculator@arcface_r100_v1	\N
e3	99999999-9999-9999-9999-999999999999	{0.5,0.5,-1,2.25}	insightface.Calculator@arcface_r100_v1	\N
\.
COPY public.img (id, content) FROM stdin;
i1	\\xffd8ffe0
\.
COPY public.subject (id, api_key, subject_name) FROM stdin;
11111111-1111-1111-1111-111111111111	00000000-0000-0000-0000-000000000002	Ada\tLovelace
22222222-2222-2222-2222-222222222222	00000000-0000-0000-0000-000000000002	Grac\303\251
\.
