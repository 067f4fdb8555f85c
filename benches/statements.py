#!/usr/bin/env python3
"""Compares the SQL of a batch and of the feed with that of an earlier commit, statement by statement, on one Postgres in one run.
Writes nothing but to a temporary folder; needs PostgreSQL's programs, git, and a binary of the server.

usage: benches/statements.py [--before COMMIT] [--binary PATH] [--documents N] [--turns N] [--batch N]

Both texts run on the same tables, which are today's, in turns on one connection, prepared, with the planner's settings that the
server gives a batch. Three times: with plans that were made while the tables were empty, on tables that were never analysed,
and on analysed ones. Printed are medians of the processor time that the connection's Postgres process takes, by the kernel's account, and
of what a client of libpq waits for, both in microseconds. The waiting depends on what else the machine does.
"""
import argparse
import hashlib
import os
import pathlib
import random
import re
import shutil
import statistics
import subprocess
import tempfile
import time
import uuid

import libpq
from scaling import Postgres

ROOT = pathlib.Path(__file__).resolve().parent.parent
PLANNER = re.search(r'PLANNER: &str = "(.*?)";', (ROOT / "src/store/connection.rs").read_text(), re.S)[1].replace("\\\n", " ")
WORKSPACE, USER, SYNC = (str(uuid.UUID(int=number)) for number in (1, 2, 3))
BATCH, TEXT, UPDATE = 20, b"\0" + b"Written where there was no network. " * 40, b"u" * 190
COLUMNS = ("title", "created_at", "updated_at", "updated_by", "deleted_at", "epoch", "content_version", "content_digest",
           "state_vector", "yjs_roots", "snapshot_bytes", "log_bytes", "log_rows")
FILL = f"""
INSERT INTO users (user_id, username, created_at) VALUES ('{USER}', 'ada', 0);
INSERT INTO workspaces (workspace_id, name, created_at, head_sequence) VALUES ('{WORKSPACE}', 'w', 0, %(documents)d);
INSERT INTO documents SELECT '{WORKSPACE}', md5(n::text)::uuid, 3, n, 'title', 0, 0, '{USER}', NULL, 1, 3, '\\x07', '\\x0101',
    '', 100, 380, 2, FALSE FROM generate_series(1, %(documents)d) AS n;
INSERT INTO document_log (workspace_id, document_id, version, kind, title, user_id, client_id, created_at, content, yjs_update)
    SELECT '{WORKSPACE}', md5(n::text)::uuid, version, 1, 'title', '{USER}', 'c', 0, decode(repeat('61', 200), 'hex'),
    decode(repeat('75', 190), 'hex') FROM generate_series(1, %(documents)d) AS n, generate_series(1, 3) AS version;
INSERT INTO document_bodies SELECT '{WORKSPACE}', md5(n::text)::uuid, 1, 0, decode(repeat('75', 100), 'hex'), NULL
    FROM generate_series(1, %(documents)d, 3) AS n;
INSERT INTO receipts SELECT '{WORKSPACE}', '{USER}', 'laptop', 'op ' || n, 0, '\\x03', md5(n::text)::uuid, 1, n
    FROM generate_series(1, %(documents)d) AS n;
INSERT INTO sync_runs SELECT '{WORKSPACE}', '{USER}', '{SYNC}', NULL, 0, 0, 0, 0, 0, 0, 0, NULL, 0, 0, 0, NULL;
INSERT INTO sync_notes SELECT '{WORKSPACE}', '{USER}', '{SYNC}', 'op ' || n, n, NULL, 'NOT_FOUND', 'm', 0, 0
    FROM generate_series(1, %(documents)d / 10) AS n;
"""


class Side:
    """The texts of one commit, and how their binds are ordered there."""

    def __init__(self, commit):
        self.commit = commit

    def text(self, name):
        path = f"src/store/{name}.sql"
        if self.commit is None:
            return (ROOT / path).read_text()
        return subprocess.run(["git", "show", f"{self.commit}:{path}"], cwd=ROOT, check=True, capture_output=True, text=True).stdout


class Workload:
    """Draws what a statement is about, the same for both sides."""

    def __init__(self, documents):
        self.documents, self.random = documents, random.Random(15)
        self.versions, self.sequence, self.notes = {}, documents, documents // 10

    def some(self):
        # An empty table is asked for ids, too.
        numbers = self.random.sample(range(1, max(self.documents, BATCH) + 1), BATCH)
        return numbers, [str(uuid.UUID(hashlib.md5(str(number).encode()).hexdigest())) for number in numbers]


def reads(work):
    """Binds of each statement that reads, before and after."""
    numbers, ids = work.some()
    scope, whose = ("uuid", WORKSPACE), [("uuid", WORKSPACE), ("uuid", USER)]
    names, versions = [f"op {number}" for number in numbers], ("int8[]", [2] * BATCH)
    after, most, page = numbers[0], ("int8", 4 << 20), ("int8", 100)
    span = [scope, ("int8", after), ("int8", after + 1000), page]
    return {
        "postgres/sql/heads": ([scope, ("uuid[]", ids)],) * 2,
        "postgres/sql/receipts": ([*whose, ("text", "laptop"), ("text[]", names)],) * 2,
        "postgres/sql/documents": ([scope, ("uuid[]", ids)], [scope, ("uuid[]", ids), most]),
        "postgres/sql/yjs_updates": ([scope, ("uuid[]", ids)],) * 2,
        "postgres/sql/texts": ([scope, ("uuid[]", ids), versions], [scope, ("uuid[]", ids), versions, most]),
        "postgres/sql/feed_page": ([*span, most], [*span, scope, scope, most]),
        "sync_runs/find_notes": ([*whose, ("uuid", SYNC), ("text[]", names)],) * 2,
    }


def write_set(work, is_after, is_update):
    """Binds of a write set of `BATCH` documents, and what the sequence is afterwards."""
    if is_update:
        _, ids = work.some()
        expected = [work.versions.get(one, 3) for one in ids]
    else:
        ids, expected = [str(uuid.UUID(int=work.random.getrandbits(128))) for _ in range(BATCH)], [None] * BATCH
    versions = [1 if version is None else version + 1 for version in expected]
    work.versions.update(zip(ids, versions))
    work.sequence += BATCH
    row = {"title": "title", "created_at": 5, "updated_at": 5, "updated_by": USER, "deleted_at": None, "epoch": 1,
           "content_digest": b"7" * 16, "state_vector": b"\1\1", "yjs_roots": b"", "snapshot_bytes": 0, "log_bytes": 0, "log_rows": 0}
    kinds = {"title": "text[]", "updated_by": "uuid[]", "content_digest": "bytea[]", "state_vector": "bytea[]", "yjs_roots": "bytea[]"}
    tail = [(kinds.get(name, "int8[]"), versions if name == "content_version" else [row[name]] * BATCH) for name in COLUMNS]
    where = ("int8[]", list(range(BATCH))[::-1] if is_after else list(range(work.sequence - BATCH + 1, work.sequence + 1)))
    purged = [("bool[]", [False] * BATCH)] if is_after else []
    heads = [("uuid[]", ids), ("int8[]", expected), *purged, ("int8[]", versions), where, *tail]
    log = [("uuid[]", ids), ("int8[]", versions), ("int2[]", [1] * BATCH), ("text[]", ["title"] * BATCH), ("text[]", ids),
           ("bytea[]", [TEXT] * BATCH), ("bytea[]", [UPDATE] * BATCH)]
    names = [f"{one} {version}" for one, version in zip(ids, versions)]
    receipts = [("text[]", names), ("int2[]", [1] * BATCH), ("bytea[]", [b"3" * 16] * BATCH), ("uuid[]", ids), ("int8[]", versions),
                ("int8[]", [work.sequence] * BATCH)]
    scope, author = ("uuid", WORKSPACE), [("uuid", WORKSPACE), ("uuid", USER)]
    if is_after:
        counted = [("int8", number) for number in (BATCH, 0 if is_update else BATCH, 0, 1, 1, 1)]
        log += [("uuid[]", [USER] * BATCH), ("int8[]", [0] * BATCH)]
        return [*counted, scope, *heads, scope, scope, scope, ("text", "laptop"), ("int8", 5), ("uuid", None), *log, *author,
                ("text", "laptop"), *receipts]
    return [scope, *heads, ("int8", work.sequence), scope, *author, ("text", "laptop"), ("int8", 5), *log, *author, ("text", "laptop"),
            *receipts]


def notes(work):
    """Five notes go, five come: one statement before, two after."""
    whose = [("uuid", WORKSPACE), ("uuid", USER), ("uuid", SYNC)]
    old = list(range(work.notes - 4, work.notes + 1))
    work.notes += 5
    new = list(range(work.notes - 4, work.notes + 1))
    drop = [*whose, ("text[]", [f"op {one}" for one in old]), ("int8[]", old)]
    add = [*whose, ("text[]", [f"op {one}" for one in new]), ("int8[]", new), ("uuid[]", [None] * 5), ("text[]", ["NOT_FOUND"] * 5),
           ("text[]", ["m"] * 5), ("int8[]", [0] * 5), ("int8[]", [0] * 5)]
    return drop, add


class Comparison:
    def __init__(self, connection, sides, work):
        self.connection, self.work, self.times = connection, work, {}
        self.account = pathlib.Path(f"/proc/{connection.run('SELECT pg_backend_pid()')[0][0]}/schedstat")
        self.texts = [{name: side.text(name) for name in reads(work)} | {"write": side.text("postgres/sql/write_set")} for side in sides]
        self.texts[0]["notes"] = sides[0].text("sync_runs/save_notes")
        self.texts[1]["notes"] = (sides[1].text("sync_runs/drop_notes"), sides[1].text("sync_runs/add_notes"))

    def time(self, name, side, begin, *statements):
        self.connection.run(f"BEGIN ISOLATION LEVEL {begin}; {PLANNER}")
        used, began = self.used(), time.perf_counter()
        for text, binds in statements:
            libpq.rows_of(self.connection.send(text, binds))
        taken = self.used() - used, time.perf_counter() - began
        self.connection.run("COMMIT")
        self.times.setdefault(name, ([], []))[side].append(taken)

    def used(self):
        return int(self.account.read_text().split()[0]) / 1e9

    def turn(self, number):
        order = (0, 1) if number % 2 else (1, 0)
        for name, binds in reads(self.work).items():
            for side in order:
                self.time(name.split("/")[-1], side, "REPEATABLE READ READ ONLY", (self.texts[side][name], binds[side]))
        for name, is_update in ((f"write_set: {BATCH} creates", False), (f"write_set: {BATCH} updates", True)):
            for side in order:
                binds = write_set(self.work, side == 1, is_update)
                self.time(name, side, "READ COMMITTED", (self.texts[side]["write"], binds))
        for side in order:
            drop, add = notes(self.work)
            text = self.texts[side]["notes"]
            statements = [(text, drop + add)] if side == 0 else [(text[0], drop), (text[1], add)]
            self.time("notes: 5 out, 5 in", side, "READ COMMITTED", *statements)

    def rows(self):
        for name, (before, after) in self.times.items():
            used, waited = ([statistics.median(one[kind] for one in side) * 1e6 for side in (before, after)] for kind in (0, 1))
            yield name, *used, used[1] / used[0], *waited, waited[1] / waited[0]


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--before", default="06d0fae")
    options.add_argument("--binary", default="target/release/landfall")
    options.add_argument("--documents", type=int, default=100_000)
    options.add_argument("--turns", type=int, default=400)
    options.add_argument("--batch", type=int, default=20, help="documents of a batch")
    chosen = options.parse_args()
    global BATCH
    BATCH = chosen.batch
    folder = pathlib.Path(tempfile.mkdtemp(prefix="landfall-statements-"))
    if not os.getuid():
        shutil.chown(folder, "postgres")
    postgres = Postgres(folder, "data").make().start(autovacuum="off", synchronous_commit="off", shared_buffers="1GB")
    try:
        url = f"postgres://postgres@127.0.0.1:{postgres.port}/postgres"
        subprocess.run([chosen.binary, "migrate"], env={"LANDFALL_DATABASE_URL": url}, check=True, stdout=subprocess.DEVNULL)
        sides, work = (Side(chosen.before), Side(None)), Workload(chosen.documents)
        early = Comparison(libpq.Connection(url), sides, work)
        early.connection.run(f"INSERT INTO workspaces (workspace_id, name, created_at) VALUES ('{WORKSPACE}', 'w', 0)")
        work.documents = 0
        for number in range(20):
            early.turn(number)
        for table in ("workspaces", "documents", "document_log", "receipts", "sync_notes"):
            early.connection.run(f"DELETE FROM {table}")
        early.times.clear()
        work.__init__(chosen.documents)
        early.connection.run(FILL % {"documents": chosen.documents})
        print("| tables | statement | CPU before | now | now ÷ before | waited before | now | now ÷ before |")
        print("|---|---|---:|---:|---:|---:|---:|---:|", flush=True)
        for state in ("plans of empty tables", "never analysed", "analysed"):
            if state == "analysed":
                early.connection.run("ANALYZE")
            compared = early if state.startswith("plans") else Comparison(libpq.Connection(url), sides, work)
            # What reads a whole workspace takes its time.
            for number in range(chosen.turns // 10 if compared is early else chosen.turns):
                compared.turn(number)
            for name, *figures in compared.rows():
                shown = " | ".join(f"{figure:.2f}" if at in (2, 5) else f"{figure:.0f}" for at, figure in enumerate(figures))
                print(f"| {state} | {name} | {shown} |", flush=True)
    finally:
        postgres.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
