UPDATE embedding SET data = x'0102';
