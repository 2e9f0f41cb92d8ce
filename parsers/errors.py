"""Every failure that khotin names, as one tree.

    KhotinError                 reason code, message for a person, hint that says what to do
      UserError                 bad input or settings: exit code 2, never a traceback
        SourceFileError         a source file that does not fit its model
        TopicFileError          a topic file that does not
        SeedError               a seed folder that cannot be imported
        NotFound                a version, URL or source that the store does not hold
      ParseError                bytes that are not what they were taken for
        UrlError                not an address that can be fetched
        MarkupError             HTML beyond the guards (depth, size of a tag)
        FeedError               neither feed nor sitemap can be read from it
          DriftError            the address holds something else than it did: the source file must be changed
      FetchError                one request that did not end well
        TransientFetchError     try again later (timeouts, 429, 5xx, truncated bodies)
        PermanentFetchError     the server's answer will not change (404, 410, too large)
        RefusedFetchError       we do not ask (robots.txt, private address, budget)
      StoreError                the store could not do what was asked
        StoreBusy               another writer holds the lock
        StoreDamaged            what is stored does not match its hashes
      RunnerError               the Prefect API that is configured cannot be used

What the next run makes of a failure follows from its branch: transient ones are tried again soon, permanent
ones rarely, what was refused only once the refusal may be over, and drift is for a person to look at.

Parsing an article raises none of these: a page that is no article is a `Rejection`, a value. Its reason
`drift` says the same of a page as DriftError of a feed: the site was redesigned.

`reason` is a short code in kebab-case, stable across releases: it stands in the ledger, in the table of
a run, in `--json` output and in the README. `hint` is one sentence that tells the user what to do next.
"""

from __future__ import annotations


class KhotinError(Exception):
    """Base of all errors of this project."""

    reason = "error"

    def __init__(self, message: str, *, reason: str | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        if reason is not None:
            self.reason = reason

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message


class UserError(KhotinError):
    """Bad input or settings; the message names what is wrong."""

    reason = "bad-input"


class SourceFileError(UserError):
    """A source file does not fit its model; the message names file and key."""

    reason = "bad-source-file"


class TopicFileError(UserError):
    """A topic file does not fit its model; the message names file and key."""

    reason = "bad-topic-file"


class SeedError(UserError):
    """A seed folder that cannot be imported at all."""

    reason = "bad-seed-folder"


class NotFound(UserError):
    """A version, URL, source or file that is not there."""

    reason = "not-found"


class ParseError(KhotinError):
    """Bytes that are not what they were taken for."""

    reason = "malformed"


class UrlError(ParseError):
    """Not an absolute http(s) address within the limits."""

    reason = "bad-url"


class MarkupError(ParseError):
    """HTML that the guards keep from the parser."""

    reason = "malformed"


class FeedError(ParseError):
    """Bytes from which no feed or sitemap can be read."""

    reason = "bad-feed"


class DriftError(FeedError):
    """An address that holds something else than a feed or sitemap: the site was changed, or never had one."""


class FetchError(KhotinError):
    """One request that did not end well.

    `status` is the HTTP status where one arrived, `retry_after` the seconds the server asked us to wait.
    """

    reason = "fetch-failed"

    def __init__(
        self,
        message: str,
        *,
        reason: str | None = None,
        hint: str | None = None,
        status: int | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message, reason=reason, hint=hint)
        self.status = status
        self.retry_after = retry_after


class TransientFetchError(FetchError):
    """The same request may succeed later."""


class PermanentFetchError(FetchError):
    """The same request will fail again."""


class RefusedFetchError(FetchError):
    """The request was not made, because we may not or should not make it."""

    reason = "refused"


class StoreError(KhotinError):
    """The store could not do what was asked."""

    reason = "store-failed"


class StoreBusy(StoreError):
    """Another writer held the lock for longer than the time-out."""

    reason = "store-busy"


class StoreDamaged(StoreError):
    """What is stored does not match its hashes."""

    reason = "store-damaged"


class RunnerError(KhotinError):
    """The Prefect API that is configured cannot be used."""

    reason = "prefect-unreachable"
