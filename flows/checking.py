"""The regular check: the store is hashed anew, and the exports that were published. Findings are values."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from flows.publishing import PREFIX, manifest_of
from parsers.errors import UserError
from storage.verify import Advance, Finding, Verification, store_to_verify, verify_store
from storage.verify_export import ExportVerification, verify_export

_MANIFEST = ".manifest.json"


@dataclass(frozen=True, slots=True)
class Check:
    """What a check saw. `sound` is the answer, `findings` are all damages of the store and the exports."""

    store: Verification
    exports: tuple[ExportVerification, ...] = ()
    unreadable: tuple[Finding, ...] = ()

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All damages as rows of one form: those of exports name their file."""
        exported = tuple(
            Finding("export", f"{export.path.name}: {finding.where}", finding.what, finding.document or "")
            for export in self.exports
            for finding in export.findings
        )
        return (*self.store.findings, *exported, *self.unreadable)

    @property
    def sound(self) -> bool:
        return not self.findings


def check(
    home: Path,
    database_url: str,
    *,
    published: Path | None = None,
    archive: bool = True,
    deep: bool = False,
    advance: Advance = lambda _done, _total: None,
) -> Check:
    """Verify the store, and each publication in the folder `published`; damage is never raised.

    Raises NotFound if there is no store, StoreError if its server cannot be reached.
    """
    with store_to_verify(home, database_url) as store:
        verification = verify_store(store, archive=archive, deep=deep, advance=advance)
    exports: list[ExportVerification] = []
    unreadable: list[Finding] = []
    for path in publications(published) if published is not None else ():
        if manifest_of(path) is None:
            detail = "no manifest vouches for it: the next publication writes it anew"
            unreadable.append(Finding("export", path.name, "unfinished", detail))
            continue
        try:
            exports.append(verify_export(path))
        except UserError as error:
            unreadable.append(Finding("export", path.name, error.reason, error.message))
    return Check(verification, tuple(exports), tuple(unreadable))


def publications(folder: Path) -> tuple[Path, ...]:
    """The publications in a folder, by name; what is hidden is not finished."""
    if not folder.is_dir():
        return ()
    found = (path for path in folder.iterdir() if path.name.startswith(PREFIX))
    return tuple(sorted(path for path in found if not path.name.endswith(_MANIFEST)))


__all__ = ["Check", "check", "publications"]
