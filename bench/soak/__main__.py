from __future__ import annotations

import os
import secrets
import shutil
import sys
import tempfile
import time
from itertools import count
from pathlib import Path

from bench.soak import report
from bench.soak.clients import FIRST, ROLES, Client, Person
from bench.soak.killing import Killer, is_ready, say
from bench.soak.ledger import Ledger
from bench.soak.others import Gs, Watcher
from bench.soak.parts import REPOSITORY, System, usage
from bench.soak.verdict import leaks, wrong_answers, wrong_landings, wrong_proposals, wrong_state
from gitslice.ops import places

PAGE = REPOSITORY / "docs" / "reliability.md"
ALL_ROLES = (*ROLES[:6], Watcher, Gs, *ROLES[6:])
FINISH_SECONDS, REST_SECONDS = 300, 300
QUIET_SECONDS = 10  # without kills, at the end of the traffic


def make_clients(
    system: System, ledger: Ledger, people: list[Person], seed: int, ends: float
) -> list[Client]:
    roles = [ALL_ROLES[number % len(ALL_ROLES)] for number in range(len(people))]
    return [
        role(number, person, system.port, ledger, seed, ends)
        for number, role, person in zip(count(), roles, people, strict=False)
    ]


def traffic(system: System, ledger: Ledger, clients: list[Client], seed: int, ends: float) -> None:
    """All clients at once, while parts are killed; until each has heard the answer to all that it sent."""
    for client in clients:
        client.start()
    Killer(system, ledger, seed).run(ends - QUIET_SECONDS)
    time.sleep(max(0.0, ends - time.time()))
    deadline = time.time() + FINISH_SECONDS
    for client in clients:
        client.join(max(0.0, deadline - time.time()))
        if client.is_alive():
            ledger.is_wrong(f"{client.name} does not come to an end")


def come_to_rest(system: System, ledger: Ledger) -> float:
    """Seconds until workers have nothing left to do."""
    began = time.time()
    while any((left := system.ask("unrest")).values()):
        if time.time() > began + REST_SECONDS:
            ledger.is_wrong(f"not at rest after {REST_SECONDS} s: {left}")
            break
        time.sleep(1)
    return time.time() - began


def verify(system: System, ledger: Ledger) -> tuple[list[str], dict]:
    """What is wrong with what is there, with everything stopped that would change it."""
    wrong: list[str] = []
    for part in ("beat", "webhooks", "worker"):
        system.stop_part(part)
    for command in (["fsck", "--full"], ["verify_audit"]):
        say(" ".join(command))
        try:
            system.run("manage.py", *command)
        except Exception as error:
            wrong.append(f"{' '.join(command)}: {error} {getattr(error, 'stdout', '')}")
    say("comparing with what was acknowledged")
    facts = system.ask("inspect")
    wrong += wrong_landings(ledger, facts["commits"], FIRST)
    wrong += wrong_proposals(ledger, facts["changesets"])
    wrong += wrong_state(ledger, facts)
    return wrong, facts


def soak(system: System, seconds: float, clients: int, seed: int) -> int:
    system.start()
    while not is_ready(system.port):
        time.sleep(0.2)
    people = [Person(**person) for person in system.ask("furnish", str(clients))["people"]]
    ledger, before, load = Ledger(), usage(system), os.getloadavg()[0]
    say(f"traffic begins: {seconds:.0f} s, {clients} clients, SOAK_SEED={seed}")
    began = time.time()
    made = make_clients(system, ledger, people, seed, began + seconds)
    traffic(system, ledger, made, seed, began + seconds)
    took, loads = time.time() - began, (load, os.getloadavg()[0])
    say("traffic has ended; coming to rest")
    rest = come_to_rest(system, ledger)
    after, states = usage(system), system.ask("connections")
    wrong, facts = verify(system, ledger)
    wrong += [*wrong_answers(ledger), *leaks(before, after, states)]
    run = report.Run(
        seconds=took,
        clients=clients,
        seed=seed,
        load=loads,
        rest_seconds=rest,
        open_changesets=facts["conflicts"]["open_changesets"],
        conflicts=len(facts["conflicts"]["fresh"]),
        global_number=facts["global"]["number"],
        before=before,
        after=after,
        wrong=len(wrong),
    )
    figures = list(report.lines(run, ledger))
    print("\n".join(figures))
    if not wrong:
        report.write(PAGE, figures)
    for line in wrong[:100]:
        print(f"error: {line}", file=sys.stderr)
    say(f"{len(wrong)} things are wrong; SOAK_SEED={seed}" if wrong else "all well")
    return 1 if wrong else 0


def main() -> int:
    seconds = float(os.environ.get("SOAK_SECONDS", "600"))
    clients = int(os.environ.get("SOAK_CLIENTS", "16"))
    seed = int(os.environ.get("SOAK_SEED") or secrets.randbelow(1_000_000))
    os.chdir(REPOSITORY)
    os.umask(0o077)
    home = Path(tempfile.mkdtemp(prefix="gitslice-soak-"))
    home.chmod(0o755)
    system = System(home)
    status = 1
    try:
        status = soak(system, seconds, clients, seed)
    finally:
        system.stop()
        if status:
            say(f"kept for a look: {home} and {places.servers_folder(home)}")
        else:
            shutil.rmtree(places.servers_folder(home), ignore_errors=True)
            shutil.rmtree(home, ignore_errors=True)
    return status


if __name__ == "__main__":
    sys.exit(main())
