"""Every event of the log, each named ``noun.verb``, and when it is logged."""

from __future__ import annotations

from enum import StrEnum


class LogEvent(StrEnum):
    """An event of the log; ``meaning`` is a line that describes when it is logged.

    `docs/operating.md` has the same list, and a test compares the two.
    """

    meaning: str

    def __new__(cls, value: str, meaning: str) -> LogEvent:
        """Make a member from its name in the log and its meaning."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.meaning = meaning
        return member

    BOUNCES_PRUNED = "bounces.pruned", "bounces too old to count were deleted"
    CLOCK_CORRECTED = "clock.corrected", "dates that a clock running ahead wrote were set to now"
    CLOCK_REVERSED = "clock.reversed", "the clock of the machine was set back; all jobs run at once"
    CONNECTION_FAILED = "connection.failed", "a connection of a visitor could not be accepted"
    CONNECTIONS_LIMITED = "connections.limited", "fewer connections than usual: few descriptors"
    DELIVERY_BOUNCED = "delivery.bounced", "a bounce of a reader's message came back"
    DELIVERY_DEFERRED = "delivery.deferred", "a message could not be sent, and is tried again later"
    DELIVERY_FAILED = (
        "delivery.failed",
        "a message was refused or given up, or may not have arrived",
    )
    DELIVERY_HELD = "delivery.held", "a message waits for the hourly limit of its domain"
    DELIVERY_INTERRUPTED = "delivery.interrupted", "sending was stopped during a message"
    DELIVERY_SKIPPED = "delivery.skipped", "a message was not sent, because it had been sent before"
    DELIVERY_UNRECORDED = (
        "delivery.unrecorded",
        "the outcome of a message could not be stored yet; it is tried again",
    )
    DIGEST_IGNORED = "digest.ignored", "an inbound mail is no digest of an allowed sender"
    DIGEST_INGESTED = "digest.ingested", "the papers of a digest mail were read into the database"
    DIGEST_REJECTED = "digest.rejected", "a digest mail of an allowed sender has no papers"
    DUMP_CHANGED = "dump.changed", "a dump was changed after it was read, and is read again"
    DUMP_DEFERRED = "dump.deferred", "a dump was left in the inbox, and is tried again"
    DUMP_FAILED = "dump.failed", "reading a dump raised an unexpected error"
    DUMP_INGESTED = "dump.ingested", "a dump was read into the database"
    DUMP_REJECTED = "dump.rejected", "a dump could not be read, and was moved to bad/"
    DUMP_UNRESTORED = "dump.unrestored", "a changed dump could not be moved back into the inbox"
    DUMP_WARNED = "dump.warned", "a dump was read, and something in it is odd"
    DUMPS_PRUNED = "dumps.pruned", "old answers of sources without a new paper were deleted"
    INBOUND_BOUNCED = (
        "inbound.bounced",
        "a report to the operator, or a message of send-test, came back",
    )
    INBOUND_DEFERRED = "inbound.deferred", "more inbound mail than one tick reads; the next goes on"
    INBOUND_FAILED = "inbound.failed", "reading an inbound mail raised an unexpected error"
    INBOUND_PRUNED = "inbound.pruned", "a refused inbound mail was deleted to make room"
    INBOUND_REJECTED = "inbound.rejected", "an inbound mail was refused, and put aside"
    EXPORT_FAILED = "export.failed", "an export's separate process failed; the daemon did its work"
    INBOUND_SKIPPED = "inbound.skipped", "an inbound mail could not be read or moved, and stays"
    INTEREST_UNCHECKED = "interest.unchecked", "the words of an interest could not be checked"
    JOB_FAILED = "job.failed", "a run of a job ended with an error"
    JOB_HUNG = "job.hung", "a job gave no sign of life; the daemon ends, to be restarted"
    JOB_INTERRUPTED = "job.interrupted", "the daemon ended in the middle of a run"
    JOB_SKIPPED = "job.skipped", "a run was skipped, because another process does it"
    KEY_MOVED = "key.moved", "a damaged secret.key was renamed, and a new one created"
    LEASE_LOST = "lease.lost", "another process has taken over the lease; this one stops"
    LEASE_UNRENEWED = "lease.unrenewed", "a lease could not be renewed; it is tried again"
    LINES_SUPPRESSED = "lines.suppressed", "lines that visitors caused were left out of the log"
    MAIL_SERVER_FAILED = "mail_server.failed", "the mail server accepts no messages; sending pauses"
    MESSAGE_FAILED = "message.failed", "making or sending a message raised an unexpected error"
    MESSAGE_SHORTENED = "message.shortened", "a refused edition goes without papers of blogs"
    MODEL_FAILED = "model.failed", "fitting the TF-IDF model failed; an older one serves, if any"
    MODEL_FITTED = "model.fitted", "the TF-IDF model was fitted"
    PAGE_FAILED = "page.failed", "a page raised an unexpected error"
    PAGE_REFUSED = "page.refused", "a page could not be shown for a known reason"
    PAPER_SKIPPED = "paper.skipped", "a paper was left out of a page, feed or message that it broke"
    PAPERS_ENRICHED = "papers.enriched", "ids, links, authors or dates were added to papers"
    PAPERS_PRUNED = "papers.pruned", "private papers without a thumb were deleted"
    PROGRAM_FAILED = "program.failed", "a command ended with an internal error"
    READER_EXPIRED = "reader.expired", "a reader was removed: never confirmed, or never used"
    READER_LEFT = "reader.left", "a reader unsubscribed by mail"
    READER_MERGED = "reader.merged", "readers whose addresses differ only in case were merged"
    READER_UNCLEARED = "reader.uncleared", "messages to a removed reader could not be deleted"
    REPLAY_FAILED = "replay.failed", "a reader's votes could not be replayed for the taste page"
    SENT_LOG_FAILED = "sent_log.failed", "the log of sent messages can be neither read nor written"
    SETTING_DEFERRED = "setting.deferred", "a changed setting takes effect only at the next start"
    SETTINGS_REJECTED = "settings.rejected", "reloaded settings are wrong; the old ones stay"
    SETTINGS_RELOADED = "settings.reloaded", "the settings were read again"
    SETTINGS_WARNED = "settings.warned", "a file of the settings needs attention"
    SOURCE_DEFERRED = "source.deferred", "a source was not polled now, and is polled later"
    SOURCE_FAILED = "source.failed", "a source has a problem, or had no new papers for long"
    SOURCE_MOVED = "source.moved", "a source moved permanently; its new address is polled"
    SOURCE_RECOVERED = "source.recovered", "a source that failed answers again"
    SOURCE_RESET = "source.reset", "the new address of a source failed; the old one is polled again"
    STEP_FAILED = "step.failed", "a step of a tick failed; the other steps are done"
    TASTE_FAILED = "taste.failed", "a taste page's separate process failed; the daemon did its work"
    TRAINING_FAILED = "training.failed", "no taste could be learnt; editions go without"
    VOTES_PRUNED = "votes.pruned", "forgotten thumbs were deleted for good"
