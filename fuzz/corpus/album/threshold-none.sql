UPDATE setting SET value = '-99999999999999999999' WHERE key IN ('threshold', 'grouped');
