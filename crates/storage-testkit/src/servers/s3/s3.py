# An S3 for tests: moto, with conditional writes that are atomic, and bad answers on
# demand. Run as: python s3.py HOST PORT, in the directory that orders are left in.
#
# Plain gets, puts and deletes of objects go straight to what moto stores; all else,
# such as listings and multipart uploads, takes moto's own way.

import io
import os
import random
import sys
import threading
import time
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

from moto.core import DEFAULT_ACCOUNT_ID
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from moto.s3.exceptions import MissingBucket
from moto.s3.models import s3_backends

GARBAGE = b"<html>This is no object store</html>"


class Orders:
    """What the file `orders` says: `conditions MODE`, and
    `fault NUMBER METHOD STATUS CODE WHEN TIMES`."""

    def __init__(self):
        self.lock = threading.Lock()
        self.read_at = None
        self.mode = "honoured"
        self.faults = {}

    def look(self):
        try:
            stat = os.stat("orders")
        except FileNotFoundError:
            return
        seen = (stat.st_mtime_ns, stat.st_ino)
        if seen == self.read_at:
            return
        self.read_at = seen
        faults = {}
        with open("orders") as file:
            for line in file.read().splitlines():
                kind, *rest = line.split(" ")
                if kind == "conditions":
                    self.mode = rest[0]
                elif kind == "fault":
                    number, method, status, code, when, times = rest
                    known = self.faults.get(number)
                    faults[number] = known or [method, int(status), code, when, int(times)]
        self.faults = faults

    def take_fault(self, method):
        with self.lock:
            self.look()
            for fault in self.faults.values():
                if fault[0] in (method, "*") and fault[4] > 0:
                    fault[4] -= 1
                    return fault
        return None


ORDERS = Orders()
WRITING = threading.Lock()
MOTO = DomainDispatcherApplication(create_backend_app)


def error(status, code):
    body = GARBAGE
    if code != "garbage":
        told = f"<Error><Code>{code}</Code><Message>as ordered</Message></Error>"
        body = f'<?xml version="1.0" encoding="UTF-8"?>{told}'.encode()
    headers = {"Content-Type": "application/xml"}
    if status == 429:
        headers["Retry-After"] = "2"
    return status, headers, body


def answer(method, target, headers, body):
    path, _, query = target.partition("?")
    bucket, _, key = unquote(path.lstrip("/")).partition("/")
    is_plain = key and not query and "x-amz-storage-class" not in headers
    if not is_plain or method not in ("GET", "PUT", "DELETE"):
        return by_moto(method, path, query, headers, body)
    backend = s3_backends[DEFAULT_ACCOUNT_ID]["aws"]
    try:
        backend.get_bucket(bucket)
        if method == "GET":
            return get(backend, bucket, key, headers)
        return write(backend, method, bucket, key, headers, body)
    except MissingBucket:
        return error(404, "NoSuchBucket")


def get(backend, bucket, key, headers):
    found = backend.get_object(bucket, key)
    if found is None:
        return error(404, "NoSuchKey")
    value, status = found.value, 200
    told = {"ETag": found.etag, "Last-Modified": formatdate(usegmt=True)}
    wanted = headers.get("range", "")
    if wanted.startswith("bytes="):
        first, _, last = wanted[len("bytes=") :].partition("-")
        part = value[int(first) : int(last) + 1]
        if not part:
            return error(416, "InvalidRange")
        end = int(first) + len(part) - 1
        told["Content-Range"] = f"bytes {first}-{end}/{len(value)}"
        value, status = part, 206
    return status, told, value


def write(backend, method, bucket, key, headers, body):
    mode = ORDERS.mode
    if mode == "racy":
        with WRITING:
            refusal = refusal_by_condition(backend, bucket, key, headers)
        if refusal:
            return refusal
        time.sleep(random.random() * 0.02)
    with WRITING:
        if mode == "honoured":
            refusal = refusal_by_condition(backend, bucket, key, headers)
            if refusal:
                return refusal
        if method == "DELETE":
            backend.delete_object(bucket, key)
            return 204, {}, b""
        return 200, {"ETag": backend.put_object(bucket, key, body).etag}, b""


def refusal_by_condition(backend, bucket, key, headers):
    wanted = headers.get("if-match")
    if wanted is None and headers.get("if-none-match") != "*":
        return None
    found = backend.get_object(bucket, key)
    if wanted is None:
        return error(412, "PreconditionFailed") if found is not None else None
    if found is None:
        return error(404, "NoSuchKey")
    if found.etag.strip('"') != wanted.strip('"'):
        return error(412, "PreconditionFailed")
    return None


def by_moto(method, path, query, headers, body):
    environ = {
        "REQUEST_METHOD": method,
        "PATH_INFO": unquote(path),
        "RAW_URI": path,
        "REQUEST_URI": path,
        "QUERY_STRING": query,
        "SERVER_NAME": sys.argv[1],
        "SERVER_PORT": sys.argv[2],
        "SERVER_PROTOCOL": "HTTP/1.1",
        "CONTENT_LENGTH": str(len(body)),
        "CONTENT_TYPE": headers.get("content-type", ""),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in headers.items():
        environ["HTTP_" + name.upper().replace("-", "_")] = value
    started = []
    with WRITING:
        parts = MOTO(environ, lambda status, told, exc_info=None: started.append((status, told)))
        whole = b"".join(parts)
    status, told = started[0]
    return int(status.split(" ")[0]), dict(told), whole


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def serve(self):
        headers = {name.lower(): value for name, value in self.headers.items()}
        length = int(headers.get("content-length") or 0)
        body = self.rfile.read(length) if length else b""
        method = self.command
        fault = ORDERS.take_fault(method)
        if fault is None or fault[3] == "after":
            status, told, content = answer(method, self.path, headers, body)
        if fault is not None:
            status, told, content = error(fault[1], fault[2])
        self.send_response(status)
        for name, value in told.items():
            if name.lower() not in ("content-length", "connection", "date", "server"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if method != "HEAD":
            self.wfile.write(content)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = serve

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256


if __name__ == "__main__":
    Server((sys.argv[1], int(sys.argv[2])), Handler).serve_forever()
