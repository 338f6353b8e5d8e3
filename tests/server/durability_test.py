#!/usr/bin/env python3
"""kill -9 under load: what was answered 2xx is there after the next start, and what was removed stays away.

usage: durability_test.py FACET MAKE_PACK [KILLS]"""

import http.client
import random
import signal
import subprocess
import sys
import threading
import time

from serve_box import Box, PERSONS, Report, multipart


class Client(threading.Thread):
    """Enrolls and removes people of its own until the server is gone; keeps what was confirmed."""

    def __init__(self, box, number, round_number):
        super().__init__()
        self.box, self.name_of = box, "P%d-%d-%%d" % (round_number, number)
        self.there, self.gone, self.unknown = {}, set(), set()

    def run(self):
        picture = self.box.picture("ada.png")
        for i in range(100000):
            name = self.name_of % i
            try:
                self.unknown.add(name)
                reply = self.box.form(PERSONS, [("name", name), ("images", picture)])
                if reply.status != 201:
                    continue
                self.unknown.discard(name)
                self.there[name] = reply.json["person"]["id"]
                if i % 3 == 2:
                    del_name = random.choice(sorted(self.there))
                    self.unknown.add(del_name)
                    person = self.there.pop(del_name)
                    if self.box.ask("DELETE", PERSONS + "/" + person).status == 204:
                        self.unknown.discard(del_name)
                        self.gone.add(del_name)
            except (OSError, http.client.HTTPException, ValueError):
                return


def everybody(box):
    found, cursor = {}, ""
    while True:
        page = box.get(PERSONS + "?limit=100" + cursor).json
        found.update({p["name"]: p for p in page["persons"]})
        if not page["next_cursor"]:
            return found
        cursor = "&cursor=" + page["next_cursor"]


def one_kill(box, number):
    """Returns faults, and how many changes were confirmed."""
    box.start()
    clients = [Client(box, i, number) for i in range(4)]
    for c in clients:
        c.start()
    time.sleep(random.uniform(0.05, 1.0))
    box.process.send_signal(signal.SIGKILL)
    box.wait()
    for c in clients:
        c.join()
    box.start()
    found = everybody(box)
    faults = []
    for c in clients:
        faults += ["%s was confirmed and is lost" % n for n in c.there if n not in found]
        faults += [
            "%s was confirmed and has no face" % n
            for n in c.there
            if n in found and not found[n]["face_count"]
        ]
        faults += ["%s was removed and is there" % n for n in c.gone if n in found]
        own = c.name_of.rsplit("-", 1)[0] + "-"
        mine = {n for n in found if n.startswith(own)}
        faults += ["%s was never sent" % n for n in mine - set(c.there) - c.unknown]
    box.kill()
    return faults, sum(len(c.there) + len(c.gone) for c in clients)


def main():
    report = Report()
    kills = int(sys.argv[3]) if len(sys.argv) > 3 else 4
    random.seed(1)
    with Box(*sys.argv[1:3]) as box:
        box.start()
        box.stop()
        confirmed, faults = 0, []
        for i in range(kills):
            more, n = one_kill(box, i)
            faults += ["kill %d: %s" % (i, f) for f in more]
            confirmed += n
        report.check("nothing is lost by %d kills with %d confirmed changes" % (kills, confirmed), faults)
        report.check(
            "there was something to lose", [] if confirmed >= kills else ["only %d changes" % confirmed]
        )
        words = [box.facet, "gallery", "check", "-g", str(box.data / "gallery.db")]
        out = subprocess.run(words, capture_output=True, text=True, env=box.env)
        report.check("the gallery is sound", [] if out.returncode == 0 else [out.stderr])
        print("%d kills, %d confirmed changes" % (kills, confirmed))
    report.close()


main()
