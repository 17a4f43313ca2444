"""A watching service in small, to be killed: lives through a stream hour by hour, writes what was fetched, watches, mails.

`python drive_watch.py` imports everything once and then forks a process for each line of its input, `{"url", "port", "mark", "cadence",
"batch"}`: it prints the process's number, and its exit status once it has ended. A process started again goes on where its store stands.
`mark` is a file that gets the name of each stage as it is entered (`scoring` with the round's number), so that the test can aim at one.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from samples_alerts import BREAK, Scene, crisis_week

from alerts.delivery import SmtpMailer
from duluan.clock import fixed_clock
from duluan.config import Profile, load_province
from duluan.model import Clustered
from flows import journal
from flows.watch import watch
from index import open_store
from index.base import Batch, Index

SENDER = "canh-bao@tinh.example.vn"
START_FROM = BREAK - timedelta(hours=8)


def profile() -> Profile:
    """The shipped profile with an office, an administrator and somebody for one topic."""
    loaded = load_province(Path(__file__).resolve().parents[1] / "province" / "quang_ngai")
    rules = loaded.alerts.model_copy(
        update={
            "recipients": ("truc@tinh.example.vn", "pho@tinh.example.vn"),
            "administrators": ("it@tinh.example.vn",),
        }
    )
    return loaded.model_copy(update={"alerts": rules})


def write(store: Index, documents: Sequence[Clustered], scene: Scene, batch: int, until: datetime) -> None:
    """In portions, as a crawler would; what is known already stays."""
    for start in range(0, len(documents), batch):
        store.write(Batch(documents=documents[start : start + batch]))
    store.write(Batch(fetches=[f for f in scene.fetches if f.at <= until]))


def marked(name: str, path: Path) -> None:
    """Tell the test where we are."""
    with path.open("a") as file:
        file.write(name + "\n")


def aim(path: Path) -> None:
    """Name the stages between which a crash is nastiest."""
    real_send, real_commit, real_carry = SmtpMailer.send, journal.Journal.commit, journal.carry_out

    def send(self: SmtpMailer, payload: bytes, recipients: tuple[str, ...]) -> None:
        marked("before smtp", path)
        real_send(self, payload, recipients)
        marked("after 250", path)

    def commit(self: journal.Journal, effects: journal.Effects) -> int:
        if effects:
            marked("commit", path)
        return real_commit(self, effects)

    def carry_out(store: Index, effects: journal.Effects) -> int:
        marked("effects", path)
        return real_carry(store, effects)

    SmtpMailer.send = send  # type: ignore[method-assign]
    journal.Journal.commit = commit  # type: ignore[method-assign]
    journal.carry_out = carry_out


def hours(scene: Scene, cadence: int) -> Iterator[datetime]:
    """Moments of the rounds: the history at once, then every `cadence` hours."""
    moment = START_FROM
    while moment < scene.end:
        yield moment
        moment += timedelta(hours=cadence)
    yield scene.end
    yield scene.end + timedelta(hours=7)  # when quiet hours are over, so that nothing is left


def main(url: str, port: int, mark: str, cadence: int, batch: int) -> None:
    """Live through the stream."""
    aim(Path(mark))
    store = open_store(url)
    store.setup()
    mailer = SmtpMailer("127.0.0.1", port, SENDER)
    done = store.state("drive")
    for number, moment in enumerate(hours(SCENE, cadence)):
        if done is not None and number <= int(done):
            continue
        before = moment - timedelta(hours=cadence) if number else None
        fresh = [d for d in DOCUMENTS if (before is None or d.fetched > before) and d.fetched <= moment]
        write(store, fresh, SCENE, batch, moment)
        marked(f"scoring {number}", Path(mark))
        report = watch(store, OFFICE, clock=fixed_clock(moment), mailer=mailer)
        if report.busy:
            raise SystemExit(f"busy: {report.errors}")
        store.put_state("drive", str(number).encode())
    store.close()


def nursery() -> None:
    """Fork a process for each line, one after the other."""
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            main(**json.loads(line))
            os._exit(0)
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()
        _, status = os.waitpid(pid, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


SCENE = crisis_week()
DOCUMENTS = list(SCENE.documents())
OFFICE = profile()

if __name__ == "__main__":
    nursery()
