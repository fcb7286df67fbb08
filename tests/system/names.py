"""A name and who keeps it: as much of Cloudflare's API (https://developers.cloudflare.com/api/) as one A record takes, over TLS, and the name server
that answers for it at once (RFC 1035).

names.py ADDRESS CERTIFICATE KEY NAME CONTENT: serves on ports 443 and 53 of that address, and prints a line for each change."""

import json
import socket
import ssl
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs, urlsplit

address, certificate, key, name, content = sys.argv[1:]
zone = {"id": "1" * 32, "name": name.split(".", 1)[1], "status": "active", "paused": False, "type": "full",
        "permissions": ["#dns_records:edit", "#dns_records:read", "#zone:read"]}
record = {"id": "2" * 32, "type": "A", "name": name, "content": content, "ttl": 60, "proxied": False, "proxiable": True, "comment": None, "tags": [],
          "settings": {}, "meta": {}}


class Api(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def reply(self, result, status=200):
        answer = {"success": status == 200, "errors": [] if status == 200 else [{"code": 7003, "message": "no such route"}], "messages": [], "result": result}
        if isinstance(result, list):
            answer["result_info"] = {"page": 1, "per_page": 100, "count": len(result), "total_count": len(result), "total_pages": 1}
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        url = urlsplit(self.path)
        asked = parse_qs(url.query)
        records = f"/client/v4/zones/{zone['id']}/dns_records"
        if url.path == "/client/v4/zones":
            self.reply([zone] if asked.get("name", [zone["name"]]) == [zone["name"]] else [])
        elif url.path == records:
            self.reply([record] if asked.get("name", [name]) == [name] else [])
        else:
            self.reply(None, 404)

    def do_PATCH(self):
        change = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path != f"/client/v4/zones/{zone['id']}/dns_records/{record['id']}":
            return self.reply(None, 404)
        record.update(change)
        print(record["content"], flush=True)
        self.reply(record)


class Server(HTTPServer):
    def server_bind(self):
        # Not that of the standard library, which looks up a name that nobody answers for.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_name, self.server_port = self.server_address


def answer(query):
    """One question; the address where it is for the A record of the name, and nothing of that name or type otherwise."""
    at, labels = 12, []
    while query[at]:
        labels.append(query[at + 1:at + 1 + query[at]].decode())
        at += 1 + query[at]
    question = query[12:at + 5]
    is_name = ".".join(labels).lower() == name
    is_ours = is_name and query[at + 1:at + 5] == b"\0\1\0\1"
    flags = b"\x81\x80" if is_name else b"\x81\x83"
    head = query[:2] + flags + b"\0\1" + (b"\0\1" if is_ours else b"\0\0") + b"\0\0\0\0"
    return head + question + (b"\xc0\x0c\0\1\0\1\0\0\0\1\0\4" + socket.inet_aton(record["content"]) if is_ours else b"")


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
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
