"""Which tests prove each row of the table of faults in docs/delivery.md."""

from __future__ import annotations

DELIVERY = {
    "Servers greylist hundreds of readers for three days": (
        "test_three_hundred_greylisted_readers_get_their_messages_of_three_days_within_the_hour",
        "test_one_domain_that_greylists_holds_up_no_other",
        "test_retries_do_not_starve_behind_many_new_messages",
    ),
    "Greylisting, doubt, a fault of the mail server or a bounce, for every kind of message": (
        "test_a_greylisted_message_comes_once_and_within_the_hour_after_the_delay",
        "test_a_message_in_doubt_goes_once_more_and_is_the_same_to_the_byte",
        "test_a_message_in_doubt_twice_goes_no_more",
        "test_a_fault_of_the_mail_server_is_remembered_for_all_and_costs_the_message_nothing",
        "test_a_dead_address_counts_against_its_reader_by_every_kind",
        "test_mail_that_comes_back_is_counted_by_every_kind",
    ),
    "The process is killed or the disk is full at any commit, for every kind of message": (
        "test_a_run_killed_at_any_commit_loses_no_message_and_doubles_only_what_was_in_doubt",
        "test_a_disk_that_is_full_at_any_commit_loses_and_doubles_no_message",
        "test_a_message_that_the_server_took_is_settled_once_the_disk_has_room",
    ),
    "A confirmation is requested while a thousand editions wait": (
        "test_a_confirmation_asked_for_among_a_thousand_editions_goes_within_a_batch",
        "test_a_confirmation_asked_for_among_a_thousand_slow_editions_is_the_next_message",
    ),
    "4xx at RCPT TO, at DATA or after the message": (
        "test_a_greylisted_message_waits_and_the_others_go",
        "test_a_message_that_is_put_off_for_five_days_is_reported_and_given_up",
        "test_a_message_whose_mail_server_was_unavailable_for_days_is_not_given_up_at_its_first_try",
    ),
    "5xx for one reader": (
        "test_a_dead_address_suspends_its_reader_and_nobody_else",
        "test_a_refusal_that_is_not_about_the_address_suspends_nobody",
        "test_an_address_that_refuses_its_messages_day_after_day_suspends_its_reader",
    ),
    "5xx after the content of an edition with papers or links of a blog": (
        "test_an_edition_that_is_refused_for_the_paper_of_a_blog_goes_without_it",
        "test_a_second_refusal_is_the_last",
    ),
    "The mail server accepts such an edition, and the next server returns it for its content": (
        "test_it_goes_again_once_without_the_paper_of_a_blog_as_a_message_of_its_own",
        "test_it_does_not_if_its_reader_may_have_it_or_nothing_is_left_out_or_left",
    ),
    "The connection breaks inside a message, or the server answers before the final dot": (
        "test_a_connection_cut_in_the_middle_of_a_message_leaves_one_copy",
        "test_a_message_cut_in_its_middle_again_and_again_is_never_in_doubt",
        "test_a_message_whose_dot_nobody_read_is_not_in_doubt",
        "test_a_server_that_says_yes_before_the_dot_is_not_believed",
    ),
    "The connection breaks after the final dot": (
        "test_a_connection_cut_after_the_dot_costs_one_copy_under_the_same_name",
        "test_a_message_in_doubt_twice_is_left_to_the_operator",
    ),
    "A paper, a name or a setting changes between two tries": (
        "test_a_message_in_doubt_is_the_same_to_the_byte_after_a_correction",
        "test_a_message_that_a_killed_process_had_begun_is_the_same_to_the_byte",
        "test_a_message_signed_again_later_is_the_same_to_the_byte",
    ),
    "The process is killed, or the database locked, between the server's answer and its record": (
        "test_a_message_taken_but_not_recorded_comes_once_more_under_its_name",
        "test_an_answer_is_written_down_when_the_database_is_free_again",
    ),
    "Readers delete everything while their messages are made, or refused": (
        "test_a_message_refused_after_its_reader_was_removed_stops_no_other",
        "test_a_reader_removed_while_messages_are_made_stops_no_other",
    ),
    "The server hangs at any stage, or sends one byte at a time": (
        "test_a_server_that_never_finishes_its_answer_is_left",
        "test_the_answer_to_the_whole_message_may_take_longer_than_any_other",
        "test_the_lease_of_a_message_is_kept_up_while_the_server_thinks",
        "test_who_is_told_to_stop_does_not_wait_for_the_answer",
    ),
    "421, a limit of messages per connection, rate limits": (
        "test_a_server_tired_after_three_messages_gets_the_rest_over_a_new_connection",
        "test_a_rate_limit_puts_off_what_is_over_it",
        "test_a_server_that_is_tired_of_us_three_times_in_a_row_is_left_alone",
        "test_a_server_that_greylists_single_readers_gets_the_other_messages",
        "test_messages_keep_their_distance_where_the_relay_limits_the_rate",
    ),
    "TLS is not offered or stripped; the certificate has a wrong name, has expired or is unknown": (
        "test_starttls_that_is_not_offered_sends_nothing_in_the_clear",
        "test_words_slipped_in_before_tls_are_not_believed",
        "test_a_certificate_that_cannot_be_trusted_sends_nothing",
    ),
    "The login is refused, fails for now or is not offered": (
        "test_a_refused_login_is_tried_once_and_reported_once",
        "test_a_login_that_fails_for_now_asks_for_no_long_rest",
        "test_a_login_that_is_not_offered_stops_sending",
    ),
    "The server lacks 8BITMIME or SMTPUTF8, or a message is too large": (
        "test_a_body_of_eight_bits_needs_8bitmime",
        "test_an_address_beyond_ascii_fails_alone_where_the_server_cannot_write_it",
        "test_a_message_too_large_for_the_server_fails_alone_and_says_so",
        "test_the_largest_message_is_below_the_limit_with_all_that_is_added_on_its_way",
    ),
    "A title or a name tries to forge a header": (
        "test_a_hostile_subject_is_one_field_and_keeps_its_words",
        "test_a_header_reads_back_as_its_text_and_brings_no_other",
    ),
    "A paper cannot be rendered": (
        "test_a_paper_that_cannot_be_set_is_left_out_and_the_message_goes",
        "test_one_hostile_edition_among_a_hundred_costs_no_other_its_message",
    ),
    "A day without papers, for readers who want a notice": (
        "test_a_reader_who_asked_is_told_in_a_line_why_no_paper_came",
        "test_a_day_is_reported_once_even_where_the_hour_moves",
        "test_who_did_not_ask_or_is_sent_nothing_is_not_told",
        "test_missed_days_are_reported_in_one_line_of_the_last",
    ),
    "The process is killed at any commit, at any word of the SMTP conversation, or at random": (
        "test_a_daemon_killed_dozens_of_times_loses_nobody_and_doubles_only_what_was_in_doubt",
        "test_a_process_killed_anywhere_loses_no_message_and_doubles_none_without_doubt",
    ),
    "The mail server is away for three days": (
        "test_after_three_days_without_a_mail_server_each_reader_gets_todays_message_only",
        "test_what_an_operator_sends_again_gives_way_to_nothing_and_has_its_time_anew",
        "test_what_would_go_is_what_goes",
    ),
    "A day is empty, or only looks empty": (
        "test_days_without_a_dump_and_with_a_known_one_are_reported_once_all_is_read",
        "test_a_day_that_brings_some_readers_papers_is_not_empty",
        "test_a_dump_that_comes_twice_makes_no_day_empty_that_brings_papers",
        "test_a_day_on_which_publishing_fails_is_reported",
    ),
    "A reader leaves or pauses between planning and sending": (
        "test_who_is_not_active_any_more_gets_nothing",
        "test_who_leaves_while_the_message_is_being_set_gets_nothing",
        "test_who_leaves_while_the_mail_server_is_made_ready_gets_nothing",
        "test_who_goes_on_holiday_while_a_message_waits_gets_it_no_more",
    ),
    "Bounces that are hard, soft, old, forged or replayed; holiday answers and challenges": (
        "test_a_hard_bounce_suspends_its_reader_and_takes_back_what_is_planned",
        "test_soft_bounces_day_after_day_suspend_and_a_month_apart_do_not",
        "test_a_forged_bounce_changes_nothing",
        "test_delays_receipts_holidays_and_challenges_change_nothing",
        "test_a_link_in_a_maildir_is_not_followed",
        "test_nothing_that_comes_back_is_ever_answered",
    ),
    "A bounce of a confirmation or a notice; a message that cannot be built": (
        "test_a_confirmation_has_a_signed_return_path_and_its_bounce_counts",
        "test_a_message_that_cannot_be_made_holds_up_no_other_and_is_tried_again",
        "test_a_tick_drops_bounces_that_are_too_old_to_count",
    ),
    "Mail made to cost time: parts, levels, fields, encodings, endless lines": (
        "test_sixteen_times_as_large_costs_no_more_once_it_is_beyond_what_is_read",
        "test_what_is_read_costs_time_in_proportion_to_its_length",
        "test_what_is_no_character_set_of_mail_is_read_as_utf_8",
    ),
    "A folder, a pipe, a link or a flood in the inbound Maildir": (
        "test_what_is_no_file_blocks_no_mail_and_is_put_aside_unread",
        "test_two_hundred_rounds_leave_no_descriptor_open",
        "test_a_hundred_thousand_mails_keep_the_tick_for_one_portion",
    ),
    "Strangers request mail to other people's addresses": (
        "test_fifteen_spellings_of_one_mailbox_bring_one_message",
        "test_a_domain_gets_so_many_messages_an_hour_from_all_networks_and_the_others_wait",
        "test_who_asks_once_goes_before_all_but_the_first_of_a_network_that_asks_often",
    ),
    "A hostile mail server": (
        "test_a_size_that_is_no_number_is_no_limit",
        "test_a_line_without_measure_is_no_answer_though_its_end_comes_at_once",
    ),
    "Unsubscribing by mail, forged or automatic": (
        "test_a_mail_to_the_address_unsubscribes_its_reader_and_nobody_else",
        "test_what_nobody_wrote_does_not_unsubscribe",
        "test_a_forged_or_stale_address_unsubscribes_nobody",
    ),
    "A suspended reader, or a message left in doubt": (
        "test_a_message_to_a_suspended_reader_is_not_sent_again_and_it_is_said_what_is_needed",
        "test_messages_that_may_have_arrived_are_named_in_status_with_the_command_that_sends_them",
    ),
    "Votes by reply, forged or automatic": (
        "test_an_answer_votes",
        "test_what_is_forged_automatic_or_no_answer_to_the_message_votes_nothing",
    ),
    "The DKIM key is missing, readable by others or rotated; a message is changed in transit": (
        "test_a_key_that_is_not_there_open_to_others_or_no_key_is_reported_at_once",
        "test_a_new_selector_leaves_what_the_old_one_signed_good",
        "test_every_header_of_a_message_is_signed",
        "test_a_header_added_on_the_way_breaks_the_signature",
    ),
    "Two runs or two daemons at once": (
        "test_two_runs_at_once_send_each_message_once",
        "test_only_one_process_ticks_at_a_time",
        "test_a_second_daemon_says_who_is_there_and_ends",
    ),
    "The clock jumps": (
        "test_a_clock_that_jumps_back_and_forth_brings_no_day_twice",
        "test_a_clock_set_back_does_not_keep_sending_paused",
    ),
    "The clock is years ahead or months behind for a while": (
        "test_a_minute_in_another_year_removes_nobody",
        "test_no_message_is_given_up",
        "test_forgotten_thumbs_can_be_restored_afterwards",
        "test_a_clock_that_is_behind_all_that_was_ever_read_rewrites_no_history",
        "test_a_day_has_its_edition_however_often_the_clock_has_been_at_it",
    ),
    "A backup is restored": (
        "test_after_a_backup_is_restored_no_message_comes_twice",
        "test_after_a_backup_is_restored_no_message_lands_twice_in_the_folder",
    ),
    "Hours that a clock change skips or repeats, in every zone": (
        "test_each_chosen_local_day_has_exactly_one_slot",
        "test_the_days_of_the_change_have_exactly_one_slot_in_every_zone",
    ),
    "Days are missed": ("test_nine_days_asleep_bring_one_message_that_says_what_it_makes_up_for",),
    "Runs overlap": ("test_rounds_come_again_and_again_and_never_two_of_a_kind_at_a_time",),
    "Training fails, or data breaks it": (
        "test_where_training_fails_all_get_their_words_then_the_newest_and_are_reported",
        "test_a_reader_over_whom_learning_breaks_costs_no_other_anything",
        "test_a_reader_who_cannot_be_published_costs_no_other_anything_and_stays_due",
    ),
    "A reader moves to another zone": (
        "test_however_a_reader_moves_no_local_date_has_two_editions",
        "test_a_move_costs_one_local_date_at_most",
    ),
    "No papers, a late dump, repeated papers, holidays, weekly editions": (
        "test_an_empty_day_moves_the_slot_and_makes_no_edition",
        "test_a_dump_that_comes_after_the_hour_is_in_the_next_edition",
        "test_no_paper_comes_twice_over_the_days",
        "test_a_holiday_brings_nothing_and_ends_on_its_day",
        "test_a_weekly_paper_comes_once_a_week",
    ),
    "SIGTERM during a run": (
        "test_who_is_told_to_stop_hears_whether_the_message_was_taken",
        "test_who_is_told_to_stop_does_not_wait_for_ever_for_the_last_answer",
        "test_a_run_told_to_stop_finishes_its_message_and_leaves_the_rest",
        "test_a_tick_under_way_may_finish",
        "test_a_tick_that_hangs_does_not_hold_up_the_end",
        "test_a_daemon_told_to_end_in_a_run_finishes_its_message_and_leaves_the_rest",
        "test_a_daemon_told_to_end_does_not_wait_for_a_server_that_hangs",
    ),
    "SIGHUP, also with broken settings": (
        "test_a_hangup_has_the_settings_read_anew",
        "test_settings_that_are_broken_are_reported_and_the_old_ones_stay",
    ),
    "A slow mail server": (
        "test_messages_on_a_slow_mail_server_hold_up_neither_the_inbox_nor_editions",
        "test_who_asks_to_subscribe_does_not_wait_for_all_messages",
    ),
    "A run of a job fails, hangs or never comes": (
        "test_a_tick_that_fails_turns_health_red_and_the_daemon_lives",
        "test_a_tick_that_hangs_for_long_ends_the_daemon_for_its_supervisor",
        "test_rounds_that_come_no_more_are_given_up",
    ),
    "A queue is stuck": (
        "test_the_post_does_not_get_on_while_messages_are_due_and_none_is_settled",
    ),
    "A login is refused while many messages wait": (
        "test_a_refused_login_is_tried_once_however_many_have_something_to_send",
    ),
    "A thousand messages meet all faults mixed": (
        "test_a_thousand_messages_through_every_fault_end_in_a_clean_outbox",
    ),
    "A thousand messages go through Postfix": (
        "test_a_thousand_messages_through_postfix_end_in_a_clean_outbox",
    ),
}
