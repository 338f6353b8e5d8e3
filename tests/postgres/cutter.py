"""A way to a server that cuts connections at random."""

import os
import random
import select
import socket
import threading


class Cutter:
    """Listens in a folder of its own like a server, and passes on what comes until it cuts."""

    def __init__(self, folder, target, port, every):
        folder.mkdir(mode=0o755)
        self.target, self.every, self.cuts, self.rnd = target, every, 0, random.Random(11)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(folder / (".s.PGSQL.%d" % port)))
        self.listener.listen(50)
        self.open = True
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self.open = False
        self.listener.close()

    def _accept(self):
        while self.open:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._pass, args=(client,), daemon=True).start()

    def _pass(self, client):
        """Passes on so many messages; then drops the next one, sometimes an answer that was on its way."""
        left = self.rnd.randint(20, self.every)
        try:
            server = socket.socket(socket.AF_UNIX)
            server.connect(self.target)
            while True:
                for ready in select.select([client, server], [], [])[0]:
                    data = ready.recv(65536)
                    left -= 1
                    if not data or left < 0:
                        self.cuts += bool(data)
                        return
                    (server if ready is client else client).sendall(data)
        except OSError:
            pass
        finally:
            client.close()
            server.close()
