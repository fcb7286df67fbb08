"""A smart plug that is switched by HTTP, as many are: prints "off" or "on" for whoever has its power from it, each time that changes.

plug.py ADDRESS PORT PASSWORD: POST /switch with {"on": true} or {"on": false}, GET /state, both with that bearer token."""

import json
import socketserver
import sys
from http.server import BaseHTTPRequestHandler

address, port, password = sys.argv[1:]
plug = {"on": True}


class Plug(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def reply(self, status):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps({"state": "on" if plug["on"] else "off"} if status == 200 else {}).encode())

    def is_owner(self):
        return self.headers["Authorization"] == f"Bearer {password}"

    def do_GET(self):
        self.reply(401 if not self.is_owner() else 200 if self.path == "/state" else 404)

    def do_POST(self):
        wanted = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["on"]
        if not self.is_owner() or self.path != "/switch":
            return self.reply(401)
        if plug["on"] != wanted:
            plug["on"] = wanted
            print("on" if wanted else "off", flush=True)
        self.reply(200)


socketserver.ThreadingTCPServer.allow_reuse_address = True
socketserver.ThreadingTCPServer((address, int(port)), Plug).serve_forever()
