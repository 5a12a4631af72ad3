"""`make partition`: three web machines and two workers, each in a network namespace of its own, against one PostgreSQL,
Valkey and S3 store; one web machine is cut off, one is killed, a worker is cut off, all under landings.

Afterwards every acknowledged landing is there once, `fsck` finds nothing, and who was cut off serves again. All of it is
in one outer namespace without a way out of this machine. Needs root and `ip`."""

from __future__ import annotations

import contextlib
import http.client
import io
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from gitslice.env import kept_secret
from gitslice.ops import places, postgres, valkey
from gitslice.ops.embedded import running
from gitslice.ops.processes import identity
from gitslice_core.packs import PackWriter

REPOSITORY = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
SERVERS, CLIENT = "10.203.0.1", "10.203.0.2"
WEBS = {f"web{number}": f"10.203.0.{10 + number}" for number in (1, 2, 3)}
WORKERS = {f"worker{number}": f"10.203.0.{20 + number}" for number in (1, 2)}
TEAMS, PATIENCE_SECONDS = 6, 5
KEY = {"AWS_ACCESS_KEY_ID": "partition", "AWS_SECRET_ACCESS_KEY": secrets.token_hex(16)}


def run(*command: str | Path, **options: object) -> str:
    return subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE, **options).stdout  # type: ignore[call-overload]


class Lab:
    """Machines on one switch. The processes that we start end with it."""

    def __init__(self) -> None:
        self.prefix = f"gs{os.getpid()}"
        self.names: list[str] = []
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    def make(self) -> None:
        self._namespace("switch")
        self.ip("-n", self.of("switch"), "link", "add", "bridge", "type", "bridge")
        self.ip("-n", self.of("switch"), "link", "set", "bridge", "up")
        for name, address in {"servers": SERVERS, "client": CLIENT, **WEBS, **WORKERS}.items():
            self._namespace(name)
            ends = ["eth0", "netns", self.of(name), "type", "veth", "peer", name, "netns", self.of("switch")]
            self.ip("link", "add", *ends)
            self.ip("-n", self.of("switch"), "link", "set", name, "master", "bridge", "up")
            self.ip("-n", self.of(name), "address", "add", f"{address}/24", "dev", "eth0")
            self.ip("-n", self.of(name), "link", "set", "eth0", "up")

    def _namespace(self, name: str) -> None:
        self.ip("netns", "add", self.of(name))
        self.names.append(name)
        self.ip("-n", self.of(name), "link", "set", "lo", "up")

    def of(self, name: str) -> str:
        return f"{self.prefix}-{name}"

    def ip(self, *arguments: str) -> None:
        run("ip", *arguments)

    def start(self, name: str, where: str, *command: str | Path, log: Path, **options: object) -> None:
        with log.open("ab") as file:
            self.processes[name] = subprocess.Popen(
                ["ip", "netns", "exec", self.of(where), *command],
                stdout=file,
                stderr=file,
                start_new_session=True,
                **options,  # type: ignore[call-overload]
            )

    def kill(self, name: str, number: int = signal.SIGKILL) -> None:
        process = self.processes.pop(name)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def cut(self, name: str) -> None:
        """Pull the cable at the switch: the machine itself sees no error, only silence."""
        self.ip("-n", self.of("switch"), "link", "set", name, "nomaster")

    def mend(self, name: str) -> None:
        self.ip("-n", self.of("switch"), "link", "set", name, "master", "bridge")

    def end(self) -> None:
        for name in reversed(list(self.processes)):
            self.kill(name, signal.SIGINT if name == "postgresql" else signal.SIGTERM)
        for name in self.names:
            self.ip("netns", "del", self.of(name))


class System:
    """The servers in the namespace `servers`, and our processes in theirs."""

    def __init__(self, lab: Lab, home: Path) -> None:
        self.lab, self.home = lab, home
        with running(home):  # makes the cluster
            pass
        password = kept_secret(home / "embedded_password")
        self._start_postgresql()
        self._start_valkey(password)
        self._start_store()
        self.environment = {
            name: value for name, value in os.environ.items() if not name.startswith("GITSLICE_")
        }
        self.environment |= KEY | {
            "DATABASE_URL": f"postgresql://gitslice:{password}@{SERVERS}:5432/gitslice?connect_timeout=3"
            "&tcp_user_timeout=10000&keepalives_idle=5&keepalives_interval=2&keepalives_count=3",
            "REDIS_URL": f"redis://:{password}@{SERVERS}:6379/0",
            "OBJECT_STORE_URL": f"s3://gitslice?endpoint=http://{SERVERS}:8333",
            "GITSLICE_SECRET_KEY": secrets.token_hex(16),
            "GITSLICE_ALLOWED_HOSTS": "*",
            "GITSLICE_BIND": "0.0.0.0",
            "GITSLICE_STATIC_ROOT": str(home / "static"),
            "DJANGO_SETTINGS_MODULE": "gitslice.settings",
        }
        self.manage("prepare")
        account = ["--org", "acme", "--user", "ann", "--password-stdin", "--token"]
        self.token = json.loads(self.manage("bootstrap", *account, input="partition-password\n"))["token"]
        for web in WEBS:
            self.web(web)
        for worker in WORKERS:
            self.worker(worker)

    def _start_postgresql(self) -> None:
        folder = places.servers_folder(self.home) / "postgresql"
        with (folder / "data" / "pg_hba.conf").open("a") as file:
            file.write(f"host all all {SERVERS}/24 scram-sha-256\n")
        program = postgres.program("postgres")
        options = ["-D", str(folder / "data"), "-c", "listen_addresses=*", "-c", "port=5432"]
        keepalives = [
            "-c",
            "tcp_keepalives_idle=5",
            "-c",
            "tcp_keepalives_interval=2",
            "-c",
            "tcp_keepalives_count=3",
        ]
        as_nobody = (
            ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"] if identity() else []
        )
        self.lab.start(
            "postgresql",
            "servers",
            *as_nobody,
            program,
            *options,
            *keepalives,
            log=self.log("postgresql"),
            cwd="/",
        )

    def _start_valkey(self, password: str) -> None:
        options = ["--bind", "0.0.0.0", "--requirepass", password, "--save", "", "--dir", str(self.home)]
        self.lab.start("valkey", "servers", valkey.program(), *options, log=self.log("valkey"))

    def _start_store(self) -> None:
        options = ["mini", f"-dir={self.home}/weed", f"-ip={SERVERS}", "-ip.bind=0.0.0.0", "-s3.port=8333"]
        options += ["-s3.port.iceberg=0", "-webdav=false", "-admin.ui=false"]
        (self.home / "weed").mkdir()
        self.lab.start(
            "store", "servers", BIN / "weed", *options, log=self.log("store"), env=os.environ | KEY
        )
        deadline = time.monotonic() + 60
        while self._inside("servers", "curl", "-sf", f"http://{SERVERS}:8333/healthz"):
            assert time.monotonic() < deadline, "the store did not start"
            time.sleep(0.3)

    def _inside(self, where: str, *command: str) -> int:
        return subprocess.run(
            ["ip", "netns", "exec", self.lab.of(where), *command], stdout=subprocess.DEVNULL
        ).returncode

    def log(self, name: str) -> Path:
        return self.home / f"{name}.log"

    def manage(self, *arguments: str, **options: object) -> str:
        inside = ["ip", "netns", "exec", self.lab.of("servers")]
        environment = self.environment | {"GITSLICE_HOME": str(self.home)}
        return run(
            *inside, sys.executable, "manage.py", *arguments, cwd=REPOSITORY, env=environment, **options
        )

    def web(self, name: str) -> None:
        command = [BIN / "gunicorn", "--config", "deploy/gunicorn.conf.py", "gitslice.wsgi"]
        self._ours(name, "web", command, GITSLICE_WEB_WORKERS="1")

    def worker(self, name: str) -> None:
        command = [BIN / "celery", "-A", "gitslice", "worker", "--loglevel", "WARNING", "--without-gossip"]
        command += [
            "--without-mingle",
            "--hostname",
            f"{name}@{name}",
            "--queues",
            "celery",
            "--concurrency",
            "1",
        ]
        self._ours(name, "worker", command)

    def _ours(self, name: str, role: str, command: list[str | Path], **more: str) -> None:
        home = self.home / f"home-{name}"
        home.mkdir(exist_ok=True)
        environment = self.environment | {"GITSLICE_HOME": str(home), "GITSLICE_ROLE": role} | more
        self.lab.start(name, name, *command, log=self.log(name), env=environment, cwd=REPOSITORY)


class Team(threading.Thread):
    """Lands one new file after another, each by the next web server that is not out; a landing that was not acknowledged
    is sent again with its key until it is."""

    def __init__(self, number: int, token: str, ends: float) -> None:
        super().__init__()
        self.slice, self.token, self.ends = f"team{number}", token, ends
        self.connections: dict[str, http.client.HTTPConnection] = {}
        self.out: dict[str, float] = {}
        self.turn = number
        self.landed: list[tuple[str, str, float, float, str]] = []  # title, commit, began, ended, web
        self.failures: dict[str, int] = {}

    def run(self) -> None:
        while time.time() < self.ends:
            began = time.time()
            title = f"{self.slice} {len(self.landed)}"
            commit, web = self._land(title)
            self.landed.append((title, commit, began, time.time(), web))

    def _land(self, title: str) -> tuple[str, str]:
        file = io.BytesIO()
        writer = PackWriter(file)
        digest = writer.add(title.encode()).hex()
        writer.finish()
        path = f"{self.slice}/{title.replace(' ', '/')}.txt"
        edit = {"op": "add", "path": path, "mode": "100644", "digest": digest}
        body = json.dumps({"title": title, "edits": [edit], "merge": True}).encode()
        self._post("uploads/acme/", file.getvalue(), "application/x-gitslice-pack")
        answer, web = self._post(
            f"slices/acme/{self.slice}/changesets/", body, "application/json", key=secrets.token_hex(8)
        )
        return str(answer["commit"]), web

    def _post(self, path: str, body: bytes, kind: str, key: str = "") -> tuple[dict[str, object], str]:
        while True:
            web = self._next()
            headers = {"Authorization": f"Bearer {self.token}", "Content-Type": kind} | (
                {"Idempotency-Key": key} if key else {}
            )
            try:
                connection = self.connections.setdefault(
                    web, http.client.HTTPConnection(WEBS[web], 8000, timeout=PATIENCE_SECONDS)
                )
                connection.request("POST", f"/api/v1/{path}", body, headers)
                answer = connection.getresponse()
                content = answer.read()
                if answer.status < 300:
                    return json.loads(content), web
                problem = f"{answer.status} {json.loads(content).get('code')}"
            except (OSError, http.client.HTTPException) as error:
                problem = type(error).__name__
                self.out[web] = time.time() + PATIENCE_SECONDS
                self.connections.pop(web).close()
            self.failures[f"{web}: {problem}"] = self.failures.get(f"{web}: {problem}", 0) + 1
            time.sleep(0.05)

    def _next(self) -> str:
        """Round robin among those that did not just fail, else among all."""
        names = [name for name in WEBS if self.out.get(name, 0) < time.time()] or list(WEBS)
        self.turn += 1
        return names[self.turn % len(names)]


def client(token: str, seconds: float) -> None:
    """Runs in the client's namespace; prints what was acknowledged."""
    teams = [Team(number, token, time.time() + seconds) for number in range(TEAMS)]
    for team in teams:
        team.start()
    for team in teams:
        team.join()
    failures: dict[str, int] = {}
    for team in teams:
        for what, count in team.failures.items():
            failures[what] = failures.get(what, 0) + count
    json.dump({"landed": [one for team in teams for one in team.landed], "failures": failures}, sys.stdout)


MAKE_SLICES = f"""
from accounts.models import Organization, User
from slices.services import create_slice
for number in range({TEAMS}):
    create_slice(actor=User.objects.get(), organization=Organization.objects.get(), name=f"team{{number}}", includes=[f"team{{number}}/**"], excludes=[])
"""
TELL_COMMITS = """
import json
from slices.models import Commit
print(json.dumps([[title, bytes(digest).hex()] for title, digest in Commit.objects.values_list("message", "digest")]))
"""
PING = "from gitslice.celery import app; import json; print(json.dumps(sorted(n for one in app.control.ping(timeout=3) for n in one)))"


def say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def shell(system: System, code: str) -> str:
    return system.manage("shell", "--no-imports", "--verbosity", "0", "--command", code)


def events(system: System) -> list[tuple[float, str]]:
    """What is done to the machines while landings go on, with its times."""
    lab, done = system.lab, []
    plan = [
        (8, "web1 is cut off", lambda: lab.cut("web1")),
        (16, "web2 is killed", lambda: lab.kill("web2")),
        (20, "worker1 is cut off", lambda: lab.cut("worker1")),
        (
            36,
            "web1 and worker1 are back, web2 starts",
            lambda: (lab.mend("web1"), lab.mend("worker1"), system.web("web2")),
        ),
    ]
    began = time.time()
    for at, what, act in plan:
        time.sleep(max(0, began + at - time.time()))
        act()
        say(what)
        done.append((time.time(), what))
    return done


def tell(result: dict, happened: list[tuple[float, str]], began: float, ended: float) -> None:
    """Landings by phase, and the longest that any waited."""
    moments = [(began, "all machines"), *happened]
    for (start, what), end in zip(moments, [*(moment for moment, _ in happened), ended], strict=True):
        phase = [one for one in result["landed"] if start <= one[3] < end]
        waits = sorted(one[3] - one[2] for one in phase) or [0.0]
        by_web = {web: sum(one[4] == web for one in phase) for web in WEBS}
        print(
            f"{start - began:5.0f} s  {what}: {len(phase) / (end - start):.1f} landings/s {by_web}, "
            f"median {1000 * waits[len(waits) // 2]:.0f} ms, longest {waits[-1]:.1f} s"
        )
    print(f"attempts that failed and were made again: {result['failures']}")


def check(system: System, result: dict) -> list[str]:
    """What is wrong afterwards."""
    wrong = []
    commits: dict[str, list[str]] = {}
    for title, digest in json.loads(shell(system, TELL_COMMITS)):
        commits.setdefault(title, []).append(digest)
    for title, commit, *_ in result["landed"]:
        if commits.get(title) != [commit]:
            wrong.append(f"{title}: acknowledged as {commit}, there as {commits.get(title)}")
    if len(commits) != len(result["landed"]):
        wrong.append(f"{len(commits)} commits, {len(result['landed'])} acknowledged")
    for web, address in WEBS.items():
        if system._inside("client", "curl", "-sf", "--max-time", "20", f"http://{address}:8000/readyz"):
            wrong.append(f"{web} is not ready")
    for _ in range(20):
        answered = json.loads(shell(system, PING))
        if len(answered) == len(WORKERS):
            break
        time.sleep(2)
    else:
        wrong.append(f"only {answered} answer")
    try:
        system.manage("fsck")
    except subprocess.CalledProcessError as error:
        wrong.append(f"fsck: {error.stdout}")
    return wrong


def main() -> int:
    with system() as made:
        shell(made, MAKE_SLICES)
        for web in WEBS:
            while made._inside("client", "curl", "-sf", f"http://{WEBS[web]}:8000/readyz"):
                time.sleep(0.5)
        inside = [
            "ip",
            "netns",
            "exec",
            made.lab.of("client"),
            sys.executable,
            "-m",
            "bench.partition",
            made.token,
            "55",
        ]
        say("landings begin")
        began = time.time()
        with subprocess.Popen(inside, cwd=REPOSITORY, stdout=subprocess.PIPE) as load:
            happened = events(made)
            result = json.loads(load.communicate(timeout=180)[0])
        tell(result, happened, began, max(one[3] for one in result["landed"]))
        say("checking")
        wrong = check(made, result)
        say("checked")
        print(
            f"{len(result['landed'])} landings acknowledged, each there once; fsck clean; all machines serve"
            if not wrong
            else ""
        )
        for line in wrong[:20]:
            print(f"error: {line}", file=sys.stderr)
        return 1 if wrong else 0


@contextlib.contextmanager
def system() -> Iterator[System]:
    lab = Lab()
    home = Path(tempfile.mkdtemp(prefix="gitslice-partition-"))
    home.chmod(0o755)
    try:
        lab.make()
        yield System(lab, home)
    finally:
        lab.end()
        shutil.rmtree(places.servers_folder(home), ignore_errors=True)
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    if len(sys.argv) == 3:
        client(sys.argv[1], float(sys.argv[2]))
    else:
        sys.exit(main())
