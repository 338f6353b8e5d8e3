UPDATE face SET kps = x'', parts = x'';
