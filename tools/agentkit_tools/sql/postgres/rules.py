"""Functions that a query may not name, although a read-only transaction lets them run.

The transaction keeps the tables as they are. These reach beyond it: other connections, files of
the server, other databases, the network, the settings that bound the query itself. A name has to
stand in the text to be called, wherever that is, so the text is searched and not understood; what
could spell it otherwise is refused too. The rights of the role are what holds in the end.
"""

from __future__ import annotations

import re

from agentkit import Retry

_REFUSED_FOR = {
    "other connections, the server, time": r"pg_terminate_backend pg_cancel_backend pg_sleep\w* "
    r"pg_reload_conf pg_rotate_logfile\w* pg_promote pg_log_\w+ pg_notify pg_(?:try_)?advisory_\w+ "
    r"pg_export_snapshot pg_prewarm autoprewarm_\w+ pg_stat_reset\w* pg_stat_statements_reset "
    r"pg_import_system_collations",
    "files of the server": r"pg_read_\w+ pg_ls_\w+ pg_stat_file pg_file_\w+ pg_current_logfile "
    r"pg_hba_file_rules pg_ident_file_mappings pg_show_all_file_settings",
    "large objects": r"lo_(?:close|creat|create|export|from_bytea|get|import|lseek\w*|manage|open) "
    r"lo_(?:put|tell\w*|truncate\w*|unlink) loread lowrite",
    "logs of changes, backups": r"pg_switch_wal pg_wal_\w+ pg_backup_\w+ pg_start_backup "
    r"pg_stop_backup pg_create_\w+ pg_drop_\w+ pg_copy_\w+ pg_logical_\w+ pg_replication_\w+ "
    r"pg_restore_\w+ pg_clear_\w+ pg_sync_replication_slots brin_\w*summarize\w* "
    r"gin_clean_pending_list",
    "settings, and counters that are not rolled back": r"set_config nextval setval",
    "other databases, SQL in a text": r"dblink\w* postgres_fdw\w* query_to_xml\w* cursor_to_xml\w* "
    r"table_to_xml\w* schema_to_xml\w* database_to_xml\w* ts_stat ts_rewrite crosstab\w* connectby "
    r"xpath_table",
    "passwords": r"pg_authid pg_shadow pg_user_mapping pg_user_mappings",
}
_NAMES = "|".join(name for names in _REFUSED_FOR.values() for name in names.split())
_NAMED = re.compile(rf"(?<![\w$])(?:{_NAMES})(?![\w$])", re.IGNORECASE)
_OTHER_SPELLING = re.compile(r'u&"', re.IGNORECASE)


def check(sql: str) -> None:
    """Raise Retry for SQL that names what a query may not use."""
    if _OTHER_SPELLING.search(sql):
        raise Retry('Refused: write names as they are, without U&"…".')
    if (named := _NAMED.search(sql)) is not None:
        raise Retry(f"Refused: {named[0]} is not for queries. Ask for rows of tables and views.")
    if "\0" in sql:
        raise Retry("Refused: there is a NUL character in the SQL.")
