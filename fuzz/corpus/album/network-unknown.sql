UPDATE setting SET value = 'another' WHERE key = 'network';
