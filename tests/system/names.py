"""Names and who keeps them: as much of Cloudflare's API (https://developers.cloudflare.com/api/) as A and AAAA records of one zone take, and of DNS
over HTTPS (https://developers.cloudflare.com/1.1.1.1/encryption/dns-over-https/make-api-requests/dns-json/), over TLS, and the name server that
answers for them at once (RFC 1035).

names.py ADDRESS CERTIFICATE KEY NAME=CONTENT..: serves on ports 443 and 53 of that address, and prints the new content for each change."""

import ipaddress
import json
import socket
import ssl
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from socketserver import ThreadingMixIn
from urllib.parse import parse_qs, urlsplit

address, certificate, key, *given = sys.argv[1:]
TYPES = {"A": 1, "AAAA": 28}
zone = {"id": "1" * 32, "name": given[0].split("=")[0].split(".", 1)[1], "status": "active", "paused": False, "type": "full",
        "permissions": ["#dns_records:edit", "#dns_records:read", "#zone:read"]}
records = {}
for number, (name, content) in enumerate(one.split("=") for one in given):
    id = f"{number:032x}"
    records[id] = {"id": id, "type": "AAAA" if ":" in content else "A", "name": name, "content": content, "ttl": 60, "proxied": False, "proxiable": True,
                   "comment": None, "tags": [], "settings": {}, "meta": {}}


def listed(name, type=None):
    """The records of this name, or of all, and of this type."""
    return [it for it in records.values() if name in (None, it["name"]) and type in (None, it["type"])]


def change(id, fields):
    records[id].update(fields)
    print(records[id]["content"], flush=True)
    return records[id]


ALL = f"/client/v4/zones/{zone['id']}/dns_records"


class Api(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def reply(self, result, status=200):
        answer = {"success": status == 200, "errors": [] if status == 200 else [{"code": 7003, "message": "no such route"}], "messages": [], "result": result}
        if isinstance(result, list):
            answer["result_info"] = {"page": 1, "per_page": 100, "count": len(result), "total_count": len(result), "total_pages": 1}
        self.reply_json(answer, status)

    def reply_json(self, answer, status=200):
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def body(self):
        return json.loads(self.rfile.read(int(self.headers["Content-Length"])))

    def do_GET(self):
        url = urlsplit(self.path)
        asked = {key: values[0] for key, values in parse_qs(url.query).items()}
        name = asked.get("name")
        if url.path == "/client/v4/zones":
            self.reply([zone] if name in (None, zone["name"]) else [])
        elif url.path == "/client/v4/user/tokens/verify":
            self.reply({"id": "1" * 32, "status": "active"})
        elif url.path == ALL:
            self.reply(listed(name, asked.get("type")))
        elif url.path == "/dns-query":
            found = [{"name": name, "type": TYPES[it["type"]], "TTL": 60, "data": it["content"]} for it in listed(name, asked["type"])]
            self.reply_json({"Status": 0 if listed(name) else 3, "TC": False, "RD": True, "RA": True, "AD": False, "CD": False,
                             "Question": [{"name": name, "type": TYPES[asked["type"]]}], "Answer": found})
        else:
            self.reply(None, 404)

    def do_PATCH(self):
        fields = self.body()
        id = self.path.removeprefix(ALL + "/")
        return self.reply(change(id, fields)) if id in records else self.reply(None, 404)

    def do_POST(self):
        batch = self.body()
        if self.path != ALL + "/batch" or batch.get("posts"):
            return self.reply(None, 404)
        self.reply({"patches": [change(it["id"], it) for it in batch["patches"]], "posts": []})


class Server(ThreadingMixIn, HTTPServer):
    daemon_threads = True

    def server_bind(self):
        # Not that of the standard library, which looks up a name that nobody answers for.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_name, self.server_port = self.server_address


def answer(query):
    """One question; the address where it is for one of the records, and nothing of that name or type otherwise."""
    at, labels = 12, []
    while query[at]:
        labels.append(query[at + 1:at + 1 + query[at]].decode())
        at += 1 + query[at]
    question, kind = query[12:at + 5], query[at + 1:at + 5]
    name = ".".join(labels).lower()
    found = [it for it in listed(name) if kind == TYPES[it["type"]].to_bytes(2, "big") + b"\0\1"]
    head = query[:2] + (b"\x81\x80" if listed(name) else b"\x81\x83") + b"\0\1" + len(found).to_bytes(2, "big") + b"\0\0\0\0"
    data = [ipaddress.ip_address(it["content"]).packed for it in found]
    return head + question + b"".join(b"\xc0\x0c" + kind + b"\0\0\0\1" + len(it).to_bytes(2, "big") + it for it in data)


def serve_names():
    names = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    names.bind((address, 53))
    while True:
        query, sender = names.recvfrom(512)
        try:
            names.sendto(answer(query), sender)
        except (IndexError, UnicodeDecodeError):
            pass


threading.Thread(target=serve_names, daemon=True).start()
server = Server((address, 443), Api)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(certificate, key)
# Each handshake in its own thread.
server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
server.serve_forever()
