INSERT INTO file(folder_id, name, size, mtime_ns, photo_id) SELECT folder_id, name || 'x', -1, 9223372036854775807, 1 FROM file;
