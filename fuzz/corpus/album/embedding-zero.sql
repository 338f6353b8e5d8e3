UPDATE embedding SET data = zeroblob(16), norm = -1e300;
