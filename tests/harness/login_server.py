"""Answers Postfix's questions about SMTP AUTH in Dovecot's authentication protocol (version 1.2).

    login_server.py SOCKET NAME:PASSWORD...

Every user named may log in by AUTH PLAIN. Just enough for tests: real deployments use Dovecot or
Cyrus SASL.
"""

import base64
import os
import socketserver
import sys


class Handler(socketserver.StreamRequestHandler):
    def _say(self, text):
        self.wfile.write(text.encode())

    def handle(self):
        self._say("VERSION\t1\t2\nMECH\tPLAIN\tplaintext\nSPID\t1\nCUID\t1\n"
                  "COOKIE\t00000000000000000000000000000000\nDONE\n")
        for line in self.rfile:
            words = line.decode().rstrip("\n").split("\t")
            if words[0] == "AUTH":
                self._say(self._verdict(words))

    def _verdict(self, words):
        request = words[1]
        response = next((word[5:] for word in words if word.startswith("resp=")), "")
        _, user, password = base64.b64decode(response).decode().split("\0")
        if self.server.users.get(user) == password:
            return f"OK\t{request}\tuser={user}\n"
        return f"FAIL\t{request}\tuser={user}\n"


def main():
    path, *users = sys.argv[1:]
    with socketserver.ThreadingUnixStreamServer(path, Handler) as server:
        server.daemon_threads = True
        server.users = dict(user.split(":", 1) for user in users)
        os.chmod(path, 0o666)
        server.serve_forever()


if __name__ == "__main__":
    main()
