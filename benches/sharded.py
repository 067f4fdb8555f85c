#!/usr/bin/env python3
"""Compares a sharded Postgres with a plain one on the same machine, and kills workers of it under load. Both are there already and
migrated, the sharded one distributed (docs/scaling.md); needs a binary of the server.

usage: benches/sharded.py --sharded URL [--plain URL] [--binary PATH] [--turns N] [--clients N] [--seconds N]
                          [--kill COMMAND [--kills N]]

With `--plain`, one client sends batches of 20 creates to a server on each database in turns, then several clients each for some
seconds. With `--kill`, clients push batches of ten creates while the command runs every five seconds: it ends a worker by
SIGKILL and starts it again. Every acknowledged operation is looked for afterwards.
"""
import argparse
import http.client
import json
import statistics
import subprocess
import time

import scaling
from scaling import Server, ask, login, push, stored

CREATES = 20


def batch(number):
    ids = [f"{number}-{one}" for one in range(CREATES)]
    return [{"operation": "create", "client_id": one, "data": {"title": one, "content": scaling.CONTENT}} for one in ids]


def in_turns(servers, turns):
    """Milliseconds that one client waits for each batch, on each server."""
    clients = [(*login(server.port, time.time_ns()), http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)) for server in servers]
    waited = [[] for _ in servers]
    for number in range(turns):
        for at in (0, 1) if number % 2 else (1, 0):
            token, workspace, connection = clients[at]
            body = {"workspace_id": workspace, "device_id": "one", "operations": batch(number)}
            began = time.perf_counter()
            status, answer = ask(servers[at].port, "POST", "/api/v1/documents/batch", body, token, connection)
            if status != 200 or json.loads(answer)["successful"] != CREATES:
                raise SystemExit(f"the batch failed: {status} {answer[:300]}")
            waited[at].append((time.perf_counter() - began) * 1e3)
    return [one[len(one) // 10:] for one in waited]


def compare(binary, plain, sharded, chosen):
    servers = [Server(binary, url) for url in (plain, sharded)]
    waited = in_turns(servers, chosen.turns)
    print(f"| a batch of {CREATES} creates | plain | sharded | sharded ÷ plain |\n|---|---:|---:|---:|")
    figures = {"median, ms": statistics.median, "fastest tenth, ms": lambda one: statistics.quantiles(one, n=10)[0]}
    for name, figure in figures.items():
        one, other = map(figure, waited)
        print(f"| {name} | {one:.2f} | {other:.2f} | {other / one:.2f} |", flush=True)
    scaling.OPERATIONS = CREATES
    rates = [sum(len(one[2]) for one in push([server], chosen.clients, chosen.seconds)) / chosen.seconds for server in servers]
    print(f"| operations/s, {chosen.clients} clients | {rates[0]:.0f} | {rates[1]:.0f} | {rates[1] / rates[0]:.2f} |")
    for server in servers:
        server.stop()


def kill_workers(binary, sharded, chosen):
    servers = [Server(binary, sharded) for _ in range(2)]

    def kill():
        for _ in range(chosen.kills):
            time.sleep(5)
            subprocess.run(chosen.kill, shell=True, check=True)

    scaling.OPERATIONS = 10
    results = push(servers, chosen.clients, 5 * (chosen.kills + 1), kill)
    acknowledged = sum(len(one[2]) for one in results)
    lost = doubled = 0
    for token, workspace, ids, _, _ in results:
        there = stored(servers[0].port, token, workspace)
        lost, doubled = lost + len(set(ids) - set(there)), doubled + len(there) - len(set(ids) & set(there))
    print(f"{chosen.kills} workers killed: {acknowledged} operations acknowledged, {lost} lost, {doubled} doubled; "
          f"{sum(one[3] for one in results)} batches sent again; longest wait for an answer {max(one[4] for one in results):.1f} s")
    for server in servers:
        server.stop()
    if lost or doubled:
        raise SystemExit(1)


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--sharded", required=True)
    options.add_argument("--plain")
    options.add_argument("--binary", default="target/release/landfall")
    options.add_argument("--turns", type=int, default=200)
    options.add_argument("--clients", type=int, default=8)
    options.add_argument("--seconds", type=int, default=10)
    options.add_argument("--kill")
    options.add_argument("--kills", type=int, default=5)
    chosen = options.parse_args()
    if chosen.plain:
        compare(chosen.binary, chosen.plain, chosen.sharded, chosen)
    if chosen.kill:
        kill_workers(chosen.binary, chosen.sharded, chosen)


if __name__ == "__main__":
    main()
