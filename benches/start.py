#!/usr/bin/env python3
"""Measures how long the server takes from its start to its first answered request, on a new database and on one of
100,000 documents (SQLite). Needs a binary of the server (default: target/release/landfall).

usage: benches/start.py [--binary PATH] [--documents N] [--times N]
"""
import argparse
import http.client
import json
import os
import pathlib
import resource
import signal
import socket
import statistics
import subprocess
import tempfile
import time

BATCH = 100


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Server:
    def __init__(self, binary, folder):
        self.port, self.began = free_port(), time.monotonic()
        environment = {"LANDFALL_LISTEN": f"127.0.0.1:{self.port}", "LANDFALL_DATA_DIR": str(folder), "RUST_LOG": "error",
                       "LANDFALL_RATE_LIMIT": "off"}
        self.process = subprocess.Popen([binary, "serve"], env=environment, stdout=subprocess.DEVNULL)
        while True:
            try:
                if self.ask("GET", "/api/health")[0] == 200:
                    break
            except ConnectionRefusedError:
                time.sleep(0.001)
        self.answered_ms = (time.monotonic() - self.began) * 1e3

    def ask(self, method, path, body=None, token=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        headers = {"content-type": "application/json"} | ({"authorization": f"Bearer {token}"} if token else {})
        connection.request(method, path, body and json.dumps(body), headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())

    def stop(self):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1e3


def fill(binary, folder, documents):
    server = Server(binary, folder)
    who = {"username": "ada", "password": "write offline sync later"}
    server.ask("POST", "/api/v1/auth/register", who)
    session = server.ask("POST", "/api/v1/auth/login", who)[1]
    for start in range(0, documents, BATCH):
        operations = [{"operation": "create", "client_id": str(number), "data": {"title": f"Note {number}", "content": "A line.\n" * 40}}
                      for number in range(start, start + BATCH)]
        body = {"workspace_id": session["workspace_id"], "device_id": "filler", "operations": operations}
        status, answer = server.ask("POST", "/api/v1/documents/batch", body, session["access_token"])
        if status == 401:
            session = server.ask("POST", "/api/v1/auth/login", who)[1]
        elif status != 200 or answer["successful"] != BATCH:
            raise SystemExit(f"a batch answers {status}: {json.dumps(answer)[:300]}")
    server.stop()


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--binary", default="target/release/landfall")
    options.add_argument("--documents", type=int, default=100_000)
    options.add_argument("--times", type=int, default=9)
    chosen = options.parse_args()
    binary = os.path.abspath(chosen.binary)
    print("| documents | start to first answer, ms (median) | quickest | CPU of start, answer and stop, ms (median) |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory(prefix="landfall-start-") as folder:
        for documents in (0, chosen.documents):
            place = pathlib.Path(folder) / str(documents)
            fill(binary, place, documents)
            runs = []
            for _ in range(chosen.times):
                server = Server(binary, place)
                runs.append((server.answered_ms, server.stop()))
            answered, cpu = zip(*runs)
            print(f"| {documents} | {statistics.median(answered):.0f} | {min(answered):.0f} | {statistics.median(cpu):.0f} |", flush=True)


if __name__ == "__main__":
    main()
