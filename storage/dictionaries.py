"""The dictionaries of a store: read, and trained once there is enough to train them on."""

from __future__ import annotations

from sqlalchemy import Connection, insert, select

from storage.bulk import plainly
from storage.codec import TRAININGS, ZSTD, Dictionary, Packer, Training, Unpacker, train
from storage.opened import Opened
from storage.reading import read_dictionaries
from storage.tables import Revision, Zdict, table_of
from storage.versions import last_version


class Dictionaries:
    """Gives the packer for the next commit of a store."""

    def __init__(self, store: Opened) -> None:
        self._store = store
        self._newest: Dictionary | None = None
        self._untrainable: set[Training] = set()

    def packer(self) -> Packer:
        """A packer with the newest dictionary; trains the next one once there is enough to train on."""
        with self._store.reading() as connection:
            newest_id = plainly(connection, "SELECT max(id) FROM zdict").scalar()
            # Dictionaries never change, and to read and prepare one takes longer than a small commit.
            if newest_id is not None and (self._newest is None or self._newest.id != newest_id):
                self._newest = read_dictionaries(connection)[newest_id]
            training = TRAININGS[newest_id or 0] if (newest_id or 0) < len(TRAININGS) else None
            if training is None or training in self._untrainable:
                return Packer(self._newest)
            newest = last_version(connection)
            if newest is None or newest.documents < training.documents:
                return Packer(self._newest)
            samples = self._read_samples(connection, training.samples)
        trained = train(samples, (newest_id or 0) + 1, training.size)
        if trained is None:  # texts too much alike: to try it again with each commit would cost more
            self._untrainable.add(training)
        else:
            self._newest = self._keep(trained)
        return Packer(self._newest)

    @staticmethod
    def _read_samples(connection: Connection, count: int) -> list[bytes]:
        table = table_of(Revision)
        query = (
            select(table.c.body, table.c.zdict_id)
            .where(table.c.codec == ZSTD, table.c.op != "retract")
            .order_by(table.c.id.desc())
            .limit(count)
        )
        unpacker = Unpacker(read_dictionaries(connection))
        return [unpacker.unpack(body, zdict_id) for body, zdict_id in connection.execute(query)]

    def _keep(self, trained: Dictionary) -> Dictionary:
        """Store a dictionary, unless another process was first: then theirs is used."""
        with self._store.storing() as connection:
            there = read_dictionaries(connection)
            if trained.id in there:
                return there[max(there)]
            row = {"id": trained.id, "sha256": trained.sha256, "data": trained.data}
            connection.execute(insert(table_of(Zdict)), [row])
            return trained
