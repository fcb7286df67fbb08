"""Google beside `cadence`: a service on loopback that takes rows as Sheets does, and Google's own libraries as judges of what it was sent.

sheets.py serve FOLDER   serves until it is killed; leaves the port in FOLDER/port, and each request in FOLDER/requests, a line of JSON
sheets.py judge FOLDER   a line for each thing that was looked at: "ok" or "FAILED", and what
"""

import http.server
import json
import pathlib
import re
import sys
import urllib.parse

SCOPE = "https://www.googleapis.com/auth/spreadsheets"
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"


class Google(http.server.BaseHTTPRequestHandler):
    """A token for an assertion, the first cell of a sheet, and rows below it."""

    protocol_version = "HTTP/1.1"
    folder: pathlib.Path
    rows: list = []

    def log_message(self, *_):
        pass

    def handle_one(self):
        length = int(self.headers.get("content-length") or 0)
        body = self.rfile.read(length).decode()
        path, _, query = self.path.partition("?")
        if path == "/token":
            answer = {"access_token": "ya29.made-up", "expires_in": 3599, "token_type": "Bearer"}
        elif self.command == "GET":
            answer = {"range": "cadence!A1", "majorDimension": "ROWS"}
            if self.rows:
                answer["values"] = [self.rows[0][:1]]
        else:
            values = json.loads(body)["values"]
            answer = {
                "spreadsheetId": "1aB_c-9",
                "updates": {"spreadsheetId": "1aB_c-9", "updatedRange": "cadence!A1:O1", "updatedRows": len(values)},
            }
            self.rows.extend(values)
        request = {
            "method": self.command,
            "path": path,
            "query": query,
            "type": self.headers.get("content-type"),
            "bearer": self.headers.get("authorization"),
            "agent": self.headers.get("user-agent"),
            "body": body,
            "answer": answer,
        }
        with open(self.folder / "requests", "a", encoding="utf-8") as file:
            file.write(json.dumps(request) + "\n")
        text = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json; charset=UTF-8")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = handle_one


def serve(folder):
    Google.folder = folder
    # As Python's own looks up the name of each server that it binds.
    http.server.HTTPServer.server_bind = __import__("socketserver").TCPServer.server_bind
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Google)
    server.server_name, server.server_port = "localhost", server.server_address[1]
    (folder / "port.new").write_text(str(server.server_port))
    (folder / "port.new").rename(folder / "port")
    server.serve_forever()


failed = False


def check(what, is_so, found=""):
    global failed
    failed |= not is_so
    print(f"ok      {what}" if is_so else f"FAILED  {what}: {found}")


def strict(schema):
    """A schema of a discovery document as JSON Schema, by which nothing else is allowed."""
    kept = {key: schema[key] for key in ("type", "enum") if key in schema and schema[key] != "any"}
    if "$ref" in schema:
        return {"$ref": "#/$defs/" + schema["$ref"]}
    if "items" in schema:
        kept["items"] = strict(schema["items"])
    if "properties" in schema:
        kept["properties"] = {name: strict(it) for name, it in schema["properties"].items()}
        kept["additionalProperties"] = False
    return kept


def judge(folder):
    import google.auth.jwt
    import google.auth.transport.requests
    import googleapiclient
    import jsonschema
    from google.oauth2 import service_account
    from googleapiclient.discovery import build_from_document

    documents = pathlib.Path(googleapiclient.__file__).parent / "discovery_cache/documents"
    discovery = json.loads((documents / "sheets.v4.json").read_text(encoding="utf-8"))
    methods = discovery["resources"]["spreadsheets"]["resources"]["values"]["methods"]
    definitions = {name: strict(it) for name, it in discovery["schemas"].items()}

    def faults(name, document):
        schema = {**definitions[name], "$defs": definitions}
        return [it.message for it in jsonschema.Draft202012Validator(schema).iter_errors(document)]

    check("the judge of documents refuses what is in none", faults("ValueRange", {"values": [[1]], "rows": 1}) != [])
    check("the API is where we look for it", discovery["rootUrl"] == "https://sheets.googleapis.com/")
    key = json.loads((folder / "key.json").read_text())
    port = (folder / "port").read_text()
    base = f"http://127.0.0.1:{port}"
    certificates = {key["private_key_id"]: (folder / "certificate.pem").read_text()}

    def requests():
        return [json.loads(line) for line in (folder / "requests").read_text().splitlines()]

    def assertion(request):
        form = urllib.parse.parse_qs(request["body"], strict_parsing=True)
        check("a token is asked for by a form of two fields", sorted(form) == ["assertion", "grant_type"], form)
        check("of the grant of RFC 7523", form["grant_type"] == [GRANT], form["grant_type"])
        check("as a form", request["type"] == "application/x-www-form-urlencoded", request["type"])
        return form["assertion"][0]

    ours = requests()
    tokens = [it for it in ours if it["path"] == "/token"]
    reads = [it for it in ours if it["method"] == "GET"]
    writes = [it for it in ours if it["method"] == "POST" and it["path"] != "/token"]
    check("a token for each time, one look for a header", [len(tokens), len(reads), len(writes)] == [2, 1, 2], ours)

    claims = []
    for it in tokens:
        signed = assertion(it)
        claims = google.auth.jwt.decode(signed, certs=certificates, audience=f"{base}/token")
        check("Google's library verifies the assertion", claims["iss"] == key["client_email"], claims)
        check("of spreadsheets alone, for an hour at most", claims["scope"] == SCOPE and 0 < claims["exp"] - claims["iat"] <= 3600, claims)
        header = google.auth.jwt.decode_header(signed)
        check("RS256 by that key", header == {"alg": "RS256", "typ": "JWT", "kid": key["private_key_id"]}, header)
        head, body, signature = signed.split(".")
        forged = ".".join([head, body[:-2] + ("AA" if body[-2:] != "AA" else "BB"), signature])
        try:
            google.auth.jwt.decode(forged, certs=certificates, audience=f"{base}/token")
            check("and no other one", False)
        except Exception:
            check("and no other one", True)

    for name, sent in [("get", reads), ("append", writes)]:
        method = methods[name]
        shape = re.sub(r"\{\w+\}", "[^/:]+", re.escape(method["flatPath"]).replace(r"\{", "{").replace(r"\}", "}"))
        parameters = {**method["parameters"], **discovery["parameters"]}
        for it in sent:
            check(f"{name}: its verb and its path", it["method"] == method["httpMethod"] and re.fullmatch("/" + shape, it["path"]), it["path"])
            for key_, value in urllib.parse.parse_qsl(it["query"], strict_parsing=bool(it["query"])):
                allowed = parameters.get(key_, {})
                check(f"{name}: {key_}={value}", allowed.get("location") == "query" and value in allowed.get("enum", [value]), allowed)
            check(f"{name}: the scope is one of its own", SCOPE in method["scopes"])
            check(f"{name}: the bearer", it["bearer"] == "Bearer ya29.made-up", it["bearer"])
            wrong = faults(method["response"]["$ref"], it["answer"])
            check(f"{name}: what was answered here is what Google answers", wrong == [], wrong)
    for it in writes:
        wrong = faults(methods["append"]["request"]["$ref"], json.loads(it["body"]))
        check("append: the body", wrong == [], wrong)
        check("append: as JSON", it["type"] == "application/json", it["type"])

    # The same by Google's own client, from its request for a token to that for rows.
    info = {**key, "token_uri": f"{base}/token"}
    credentials = service_account.Credentials.from_service_account_info(info, scopes=[SCOPE])
    credentials.refresh(google.auth.transport.requests.Request())
    client = build_from_document(discovery, credentials=credentials, client_options={"api_endpoint": base})
    values = client.spreadsheets().values()
    place = {"spreadsheetId": "1aB_c-9", "range": "'cadence'!A1"}
    values.get(**place).execute()
    body = json.loads(writes[0]["body"])
    values.append(**place, body=body, valueInputOption="RAW", insertDataOption="INSERT_ROWS").execute()
    token, read, write = requests()[len(ours):]
    # It names Google's own endpoint wherever it is sent; ours names the one to which it goes, and is of no use to any other.
    google_s = "https://oauth2.googleapis.com/token"
    its = google.auth.jwt.decode(assertion(token), certs=certificates, audience=google_s)
    check("the claims are those of Google's client", sorted(its) == sorted(claims) and its["scope"] == SCOPE, [its, claims])

    def gist(it):
        query = dict(urllib.parse.parse_qsl(it["query"]))
        query.pop("alt", None)
        return [it["method"], urllib.parse.unquote(it["path"]), query, it["body"] and json.loads(it["body"])]

    check("the question is that of Google's client", gist(read) == gist(reads[0]), [gist(read), gist(reads[0])])
    check("the rows are those of Google's client", gist(write) == gist(writes[0]), [gist(write), gist(writes[0])])
    sys.exit(failed)


if __name__ == "__main__":
    {"serve": serve, "judge": judge}[sys.argv[1]](pathlib.Path(sys.argv[2]))
