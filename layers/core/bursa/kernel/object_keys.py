"""Every key of an object in every bucket, and nowhere else.

    bucket       key                                          what
    checkpoints  checkpoints/<shard>/<sequence>               the engine's state
    checkpoints  evidence/<shard>/<sequence>                  what a worker saw as it stopped
    archive      archive/<shard>/segments/<segment>           records of a closed segment
    archive      archive/<shard>/ends/<segment>               the head that a segment ends with
    archive      archive/<shard>/heads/<sequence>             a head that was published
    archive      archive/<shard>/audited/<segment>            up to where it was compared
    archive      archive/<shard>/disowned/<key>               that an object is forged
    archive      archive/audit/<tenant>/heads/<number>        a published head of an audit log
    documents    documents/<tenant>/<subject>/<attempt>/<id>  a file that a user has uploaded
    documents    sanctions/<list>/…                           sanctions lists and what is in force

A number is zero-padded, so that keys sort by it.
"""

from bursa.kernel.identifiers import TenantId
from bursa.kernel.keys import SEQUENCE_DIGITS


def checkpoint_prefix(shard: int) -> str:
    """Prefix of a shard's checkpoints in the checkpoint bucket."""
    return f"checkpoints/{shard}/"


def checkpoint(shard: int, sequence: int) -> str:
    """Object key of the checkpoint at a sequence; zero-padded so that keys sort by age."""
    return f"{checkpoint_prefix(shard)}{sequence:0{SEQUENCE_DIGITS}d}"


def checkpoint_sequence(key: str) -> int | None:
    """Read the sequence back from a checkpoint's object key; None if it is no checkpoint's."""
    name = key.rpartition("/")[2]
    is_number = name.isascii() and name.isdecimal() and len(name) == SEQUENCE_DIGITS
    return int(name) if is_number else None


def evidence(shard: int, sequence: int) -> str:
    """Object key of what a worker saw when it stopped its shard.

    Apart from the checkpoints, which expire and which the worker may delete.
    """
    return f"evidence/{shard}/{sequence:0{SEQUENCE_DIGITS}d}"


def archive(shard: int) -> str:
    """Prefix of all that is archived of a shard's journal."""
    return f"archive/{shard}/"


def archived_segments(shard: int) -> str:
    """Prefix of the records of a shard's closed segments."""
    return f"{archive(shard)}segments/"


def archived_segment(shard: int, segment: int) -> str:
    """Object key, in the archive bucket, of a closed segment's records."""
    return f"{archived_segments(shard)}{segment:0{SEQUENCE_DIGITS}d}"


def archived_ends(shard: int) -> str:
    """Prefix of the ends of a shard's closed segments."""
    return f"{archive(shard)}ends/"


def archived_end(shard: int, segment: int) -> str:
    """Object key of the head that a closed segment ends with."""
    return f"{archived_ends(shard)}{segment:0{SEQUENCE_DIGITS}d}"


def archived_heads(shard: int) -> str:
    """Prefix of the heads of a shard's journal that were published."""
    return f"{archive(shard)}heads/"


def archived_head(shard: int, sequence: int) -> str:
    """Object key of a published head; zero-padded so that keys sort by age."""
    return f"{archived_heads(shard)}{sequence:0{SEQUENCE_DIGITS}d}"


def audited_ends(shard: int) -> str:
    """Prefix of what says up to where a shard's journal was found to be what its archive is."""
    return f"{archive(shard)}audited/"


def audited_end(shard: int, segment: int) -> str:
    """Object key of the head up to which segments were compared, this one the last."""
    return f"{audited_ends(shard)}{segment:0{SEQUENCE_DIGITS}d}"


def disownments(shard: int) -> str:
    """Prefix of what says which objects of a shard's archive are forged."""
    return f"{archive(shard)}disowned/"


def disownment(shard: int, key: str) -> str:
    """Object key of the disownment of an archived object."""
    return disownments(shard) + key.removeprefix(archive(shard))


def disowned(shard: int, key: str) -> str:
    """Return the key of the object that a disownment, by its own key, is about."""
    return archive(shard) + key.removeprefix(disownments(shard))


def archived_again(key: str, times: int) -> str:
    """Object key of what stands in the place of an object that was disowned, and so on."""
    return f"{key}~{times}" if times else key


def archived_number(prefix: str, key: str) -> int | None:
    """Read the segment or sequence back from an archived object's key; None if it has none."""
    number = key.removeprefix(prefix).partition("~")[0]
    is_number = len(number) == SEQUENCE_DIGITS and number.isascii() and number.isdigit()
    return int(number) if is_number else None


# Prefix of what is published of all audit logs, in the archive bucket.
AUDIT_LOGS = "archive/audit/"


def audit_heads(tenant: TenantId) -> str:
    """Prefix of the published heads of a tenant's audit log."""
    return f"{AUDIT_LOGS}{tenant}/heads/"


def audit_head(tenant: TenantId, number: int) -> str:
    """Object key of a published head; zero-padded so that keys sort by number."""
    return f"{audit_heads(tenant)}{number:0{SEQUENCE_DIGITS}d}"


def documents_of_user(tenant: TenantId, subject: str) -> str:
    """Prefix of the object keys of all that a user has uploaded."""
    return f"documents/{tenant}/{subject}/"


def documents_of(tenant: TenantId, subject: str, attempt: int) -> str:
    """Prefix of the object keys of what a user has uploaded for an attempt of their case."""
    return f"{documents_of_user(tenant, subject)}{attempt}/"


def document(tenant: TenantId, subject: str, attempt: int, name: str) -> str:
    """Object key of a file that a user uploads."""
    return f"{documents_of(tenant, subject, attempt)}{name}"


def list_in_force(name: str) -> str:
    """Object key of what says which version of a sanctions list is in force."""
    return f"sanctions/{name}/in-force.json"


def rescreening(name: str) -> str:
    """Object key of what says how far everybody was compared with a sanctions list."""
    return f"sanctions/{name}/rescreening.json"


def list_file(name: str, digest: str, file: str) -> str:
    """Object key of one file, sdn or alt, of a version of a sanctions list."""
    return f"sanctions/{name}/{digest}/{file}.csv"
