"""Which tests prove each row of the table of faults in docs/operating.md."""

from __future__ import annotations

OPERATING = {
    "A program pauses while it writes a dump, or a dump is cut off": (
        "test_a_writer_who_pauses_loses_nothing",
        "test_no_half_abstract_stays",
        "test_a_dump_that_ends_within_a_paper_stays_until_its_end_comes",
        "test_what_was_refused_too_early_comes_back_when_it_is_written_to",
    ),
    "A line of 50 MB, a million lines, a million blank lines": (
        "test_a_monstrous_dump_costs_no_paper_beside_it_and_little_memory",
        "test_a_dump_of_nothing_but_a_monstrosity_is_refused_with_a_reason",
    ),
    "The same dump again, edited, or twice at once": (
        "test_the_same_bytes_again_bring_nothing_and_tell_when_they_were_read",
        "test_an_edited_dump_updates_adds_and_keeps",
        "test_two_copies_at_once_make_each_paper_once",
    ),
    "A dump is deleted, cut, replaced or extended while it is read": (
        "test_a_file_deleted_while_it_is_read_is_taken_whole",
        "test_a_file_cut_while_it_is_read_is_rolled_back_and_reported",
        "test_a_file_replaced_while_it_is_read_is_read_whole_and_then_the_other",
        "test_a_file_that_grows_while_it_is_read_is_left_for_later",
    ),
    "Links, pipes, devices and odd names in the inbox": (
        "test_only_regular_files_that_show_are_looked_at",
        "test_odd_names_are_read_moved_and_printed_in_one_line",
        "test_pipes_folders_sockets_and_devices_are_not_opened",
        "test_the_count_of_tries_of_a_dump_is_not_written_through_what_lies_there",
        "test_a_folder_done_that_is_a_link_of_others_takes_nothing",
        "test_a_hard_link_to_a_secret_is_not_read_from_an_inbox_of_everybody",
    ),
    "Files and folders without permission, folders on another disk": (
        "test_a_file_that_may_not_be_read_goes_to_bad_and_the_others_are_read",
        "test_a_folder_done_that_may_not_be_written_is_reported_once_an_hour",
        "test_an_inbox_that_may_not_be_written_is_reported_and_nothing_is_lost",
        "test_done_may_lie_on_another_disk",
    ),
    "A full disk or a full database": (
        "test_a_full_disk_keeps_the_dump_turns_health_red_and_passes_by_itself",
        "test_a_database_without_room_keeps_the_dump_in_the_inbox_until_there_is_some",
    ),
    "A thousand files at once, dated 1970 or in the future": (
        "test_a_thousand_small_files_are_each_read_once_the_oldest_day_first",
    ),
    "A file that breaks or kills the program": (
        "test_a_file_that_breaks_the_program_three_times_goes_to_bad",
        "test_a_file_that_has_the_process_killed_is_counted_across_restarts",
    ),
    "The process is killed at any commit or move, while it reads or records a vote": (
        "test_a_dump_is_read_whole_and_once_wherever_reading_it_is_killed",
        "test_no_vote_that_was_acknowledged_is_lost_wherever_voting_is_killed",
    ),
    "The database is locked by another process": (
        "test_a_lock_held_for_long_loses_no_thumb_that_was_said_to_be_saved",
        "test_a_tick_beside_a_lock_held_for_long_is_tried_again_by_the_next",
        "test_a_database_that_is_busy_is_not_the_files_fault",
    ),
    "The database file is cut, replaced, lost or corrupted in the middle; a disk fails": (
        "test_a_spoilt_file_is_refused_by_name_and_left_as_it_is",
        "test_every_page_that_is_spoilt_in_the_middle_is_found_by_name",
        "test_a_daemon_does_not_start_on_a_file_with_a_spoilt_middle",
        "test_a_disk_that_fails_under_an_open_file_is_reported_by_name",
    ),
    "A read-only file or a read-only disk": (
        "test_of_a_read_only_file_feeds_are_served_and_writes_refused",
        "test_on_a_read_only_disk_feeds_are_served_and_writes_refused",
    ),
    "PostgreSQL restarts, or a connection breaks": (
        "test_a_server_that_restarts_costs_one_page_at_most",
        "test_a_connection_cut_in_a_transaction_is_to_be_tried_again_and_nothing_is_half_done",
        "test_a_thumb_is_saved_or_refused_while_connections_are_cut_again_and_again",
    ),
    "A home moves from SQLite to PostgreSQL and back": (
        "test_counts_numbers_links_and_feeds_stay_as_they_are",
        "test_links_in_old_messages_act_in_the_new_home",
        "test_where_numbers_are_taken_others_are_given_and_that_is_reported",
    ),
    "A backup is restored": ("test_after_a_backup_is_restored_no_message_comes_twice",),
    "Thumbs that the reader did not give": (
        "test_the_thumbs_of_a_span_of_time_are_taken_back_and_no_others",
        "test_the_thumbs_of_a_night_are_taken_back_and_can_be_given_again",
    ),
}
