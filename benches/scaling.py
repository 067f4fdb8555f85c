#!/usr/bin/env python3
"""Measures several servers on one Postgres, and a standby that is promoted under load. Writes nothing but to a temporary
folder; needs PostgreSQL's programs, and a binary of the server (default: target/release/landfall).

usage: benches/scaling.py [--binary PATH] [--seconds N] [--clients N]

Clients push batches of ten creates, each into a workspace of its own, at the servers in turn. Besides rates, the processor
time of the servers and of Postgres for each operation is printed: rates depend on what else the machine does, those do not
so much. In the second part Postgres' primary is killed with SIGKILL while clients push, its synchronous standby is promoted
(`pg_ctl promote`), and every acknowledged operation is looked for afterwards.
"""
import argparse
import glob
import http.client
import json
import multiprocessing
import os
import pathlib
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time

TICKS = os.sysconf("SC_CLK_TCK")
OPERATIONS = 10
CONTENT = "Written where there was no network.\n" * 28
SECRET = "0123456789abcdef0123456789abcdef"


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Postgres:
    """A cluster of its own. Postgres refuses to run as root: then it runs as the user `postgres`."""

    def __init__(self, folder, name):
        self.data, self.port = folder / name, free_port()
        self.bin = pathlib.Path(sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb"))[-1]).parent
        self.user = None if os.getuid() else pwd.getpwnam("postgres")

    def run(self, program, *arguments, check=True):
        change = {} if self.user is None else {"user": self.user.pw_uid, "group": self.user.pw_gid}
        subprocess.run([self.bin / program, *arguments], check=check, cwd="/", stdout=subprocess.DEVNULL, **change)

    def make(self):
        self.run("initdb", "-D", self.data, "-U", "postgres", "-A", "trust", "-N")
        return self

    def copy_of(self, primary):
        # `-R` makes it a standby; its name is what the primary waits for.
        self.run("pg_basebackup", "-D", self.data, "-R", "-X", "stream", "-c", "fast", "-d",
                 f"host=127.0.0.1 port={primary.port} user=postgres application_name=standby")
        return self

    def start(self, **settings):
        settings = {"port": self.port, "listen_addresses": "127.0.0.1", "unix_socket_directories": "",
                    "max_connections": 300, **settings}
        options = " ".join(f"-c {name}='{value}'" for name, value in settings.items())
        self.run("pg_ctl", "-D", self.data, "-w", "-l", f"{self.data}.log", "-o", options, "start")
        self.pid = int((self.data / "postmaster.pid").read_text().split()[0])
        return self

    def stop(self):
        self.run("pg_ctl", "-D", self.data, "-m", "immediate", "stop", check=False)

    def processes(self):
        children = pathlib.Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        return [self.pid, *map(int, children)]


def cpu(pids):
    """Seconds of processor time, those of children that have ended included."""
    total = 0
    for pid in pids:
        try:
            fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        except FileNotFoundError:
            continue
        total += sum(map(int, fields[11:15]))
    return total / TICKS


class Server:
    def __init__(self, binary, database):
        self.port = free_port()
        environment = {"PATH": os.environ["PATH"], "LANDFALL_LISTEN": f"127.0.0.1:{self.port}", "LANDFALL_RATE_LIMIT": "off",
                       "LANDFALL_DATABASE_URL": database, "LANDFALL_JWT_SECRET": SECRET, "RUST_LOG": "error"}
        self.process = subprocess.Popen([binary, "serve"], env=environment, stdout=subprocess.DEVNULL)
        for _ in range(600):
            if self.ask("GET", "/api/health")[0] == 200:
                return
            time.sleep(0.05)
        raise SystemExit("the server does not start")

    def ask(self, method, path, body=None, token=None):
        return ask(self.port, method, path, body, token)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)


def ask(port, method, path, body=None, token=None, connection=None):
    headers = {"content-type": "application/json"} | ({"authorization": f"Bearer {token}"} if token else {})
    try:
        connection = connection or http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    except (OSError, http.client.HTTPException):
        connection.close()
        return 0, b""


def client(number, ports, seconds, start, done):
    """Pushes until the time is up. A batch that gets no good answer is sent again, to the next server."""
    token, workspace = login(ports[0], number)
    connections = {port: http.client.HTTPConnection("127.0.0.1", port, timeout=20) for port in ports}
    start.wait()
    end, acknowledged, refused, longest = time.monotonic() + seconds, [], 0, 0.0
    turn, batch = number, 0
    while time.monotonic() < end:
        ids = [f"{number}-{batch}-{one}" for one in range(OPERATIONS)]
        body = {"workspace_id": workspace, "device_id": f"device{number}", "operations": [
            {"operation": "create", "client_id": one, "data": {"title": one, "content": CONTENT}} for one in ids]}
        began = time.monotonic()
        while True:
            port = ports[turn % len(ports)]
            status, answer = ask(port, "POST", "/api/v1/documents/batch", body, token, connections[port])
            if status == 200 and (results := json.loads(answer))["successful"] == OPERATIONS:
                acknowledged += [one["document_id"] for one in results["results"]]
                break
            refused, turn = refused + 1, turn + 1
            time.sleep(0.1)
            if time.monotonic() > end + 60:
                raise SystemExit(f"no server answers: {status} {answer[:300]}")
        longest, batch = max(longest, time.monotonic() - began), batch + 1
    done.put((token, workspace, acknowledged, refused, longest))


def login(port, number):
    who = {"username": f"user{number}", "password": "write offline sync later"}
    ask(port, "POST", "/api/v1/auth/register", who)
    answer = json.loads(ask(port, "POST", "/api/v1/auth/login", who)[1])
    return answer["access_token"], answer["workspace_id"]


def push(servers, clients, seconds, meanwhile=lambda: None):
    ports, done = [server.port for server in servers], multiprocessing.Queue()
    start = multiprocessing.Barrier(clients + 1)
    everyone = [multiprocessing.Process(target=client, args=(number, ports, seconds, start, done)) for number in range(clients)]
    for one in everyone:
        one.start()
    start.wait()
    meanwhile()
    results = [done.get(timeout=seconds + 120) for _ in everyone]
    for one in everyone:
        one.join()
    return results


def stored(port, token, workspace):
    """Ids of all documents of a workspace, from its feed."""
    found, cursor = [], None
    while True:
        query = f"?workspace_id={workspace}&limit=500" + (f"&cursor={cursor}" if cursor else "")
        status, answer = ask(port, "GET", f"/api/v1/documents/changes{query}", token=token)
        if status != 200:
            raise SystemExit(f"the feed answers {status}: {answer[:300]}")
        page = json.loads(answer)
        found += [one["document_id"] for one in page["items"]]
        cursor = page["next_cursor"]
        if not page["has_more"]:
            return found


def several_servers(binary, folder, clients, seconds):
    print("| servers | operations/s | servers' CPU, ms/operation | Postgres' CPU, ms/operation |\n|---|---|---|---|")
    for count in (1, 2, 4):
        postgres = Postgres(folder, f"primary{count}").make().start()
        servers = [Server(binary, f"postgres://postgres@127.0.0.1:{postgres.port}/postgres") for _ in range(count)]
        pids = [server.process.pid for server in servers]
        before = cpu(pids), cpu(postgres.processes())
        operations = sum(len(one[2]) for one in push(servers, clients, seconds))
        used = cpu(pids) - before[0], cpu(postgres.processes()) - before[1]
        print(f"| {count} | {operations / seconds:.0f} | {used[0] / operations * 1e3:.2f} | {used[1] / operations * 1e3:.2f} |", flush=True)
        for server in servers:
            server.stop()
        postgres.stop()


def promotion(binary, folder, clients, seconds):
    primary = Postgres(folder, "primary").make().start(wal_level="replica")
    standby = Postgres(folder, "standby").copy_of(primary).start(hot_standby="on")
    primary.run("psql", "-h", "127.0.0.1", "-p", str(primary.port), "-U", "postgres", "-c",
                "ALTER SYSTEM SET synchronous_standby_names = 'standby'", "-c", "SELECT pg_reload_conf()")
    hosts = f"127.0.0.1:{primary.port},127.0.0.1:{standby.port}"
    servers = [Server(binary, f"postgres://postgres@{hosts}/postgres?target_session_attrs=read-write") for _ in range(2)]

    def kill_and_promote():
        time.sleep(seconds / 3)
        os.killpg(os.getpgid(primary.pid), signal.SIGKILL)
        time.sleep(1)
        standby.run("pg_ctl", "-D", standby.data, "-w", "promote")

    results = push(servers, clients, seconds, kill_and_promote)
    acknowledged = sum(len(one[2]) for one in results)
    lost = doubled = 0
    for token, workspace, ids, _, _ in results:
        there = stored(servers[0].port, token, workspace)
        lost += len(set(ids) - set(there))
        # Each batch has ten creates, and the last one sent was answered: more than was acknowledged is there twice.
        doubled += len(there) - len(set(ids) & set(there))
    print(f"\nPrimary killed, standby promoted: {acknowledged} operations acknowledged, {lost} lost, {doubled} doubled; "
          f"{sum(one[3] for one in results)} batches sent again; longest wait for an answer {max(one[4] for one in results):.1f} s")
    for server in servers:
        server.stop()
    standby.stop()
    if lost or doubled:
        raise SystemExit(1)


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--binary", default="target/release/landfall")
    options.add_argument("--seconds", type=int, default=20)
    options.add_argument("--clients", type=int, default=8)
    options.add_argument("--part", choices=["servers", "promotion"], help="only this part")
    chosen = options.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="landfall-scaling-"))
    if not os.getuid():
        shutil.chown(folder, "postgres")
    try:
        for name, part in (("servers", several_servers), ("promotion", promotion)):
            if chosen.part in (None, name):
                part(chosen.binary, folder, chosen.clients, chosen.seconds)
    finally:
        for pid in folder.glob("*/postmaster.pid"):
            try:
                os.kill(int(pid.read_text().split()[0]), signal.SIGQUIT)
            except (ProcessLookupError, ValueError):
                pass
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
