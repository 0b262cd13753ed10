"""What hurts integrators (xero-api section 14), by row: in words, and the tests that show that it doesn't here."""

HERE = "engine/test_xero_troubles.py::"
ANSWERS = "engine/test_xero_answers.py::"
EMULATOR = "engine/test_xero_emulator.py::"
WIRE = "engine/test_xero_wire.py::"
TOKENS = "engine/test_xero_tokens.py::"
CONNECT = "engine/test_connect_xero.py::"
UNKNOWN = "engine/test_sync_unknown.py::"
DOCTOR = "engine/test_doctor.py::"
FLOW = "engine/test_sync_flow.py::"
BATCHES = "engine/test_sync_batches.py::"
SIGNING_IN = "flows/test_connect.py::"

# Number of the row: what hurts, and the tests that show that it doesn't here.
ROWS: dict[int, tuple[str, tuple[str, ...]]] = {
    1: (
        "refresh tokens lost between processes or in a crash",
        (
            EMULATOR + "test_many_callers_over_two_ledgers_make_one_renewal",
            EMULATOR + "test_a_lost_answer_to_a_renewal_costs_nothing_within_the_grace",
            EMULATOR + "test_a_dead_login_pauses_and_is_not_asked_again",
            TOKENS + "test_a_login_outlives_processes_killed_at_the_worst_moments_and_lost_answers",
        ),
    ),
    2: (
        "organisations of one token set kill each other's copy",
        (HERE + "test_organisations_share_one_login",),
    ),
    3: (
        "retired and missing scopes",
        (
            CONNECT + "test_every_refusal_has_its_own_words_and_the_login_can_go_on",
            CONNECT + "test_what_is_granted_is_held_against_what_is_needed",
        ),
    ),
    4: (
        "a scope list without settings, no tenants",
        (
            CONNECT + "test_what_is_granted_is_held_against_what_is_needed",
            EMULATOR + "test_a_missing_scope_is_said_and_not_mended_by_a_renewal",
            "engine/test_xero_setup.py::test_what_an_organisation_says_of_itself",
            DOCTOR + "test_access_that_is_missing_is_told_apart",
            SIGNING_IN + "test_what_a_missing_permission_costs_is_said_before_saving",
        ),
    ),
    5: (
        "the first tenant taken blindly",
        (
            CONNECT + "test_nothing_changes_before_it_is_saved",
            CONNECT + "test_a_custom_connection_keeps_to_its_organisation",
            SIGNING_IN + "test_an_unsaved_login_is_gone_on_with_or_given_back",
        ),
    ),
    6: (
        "connection id taken for tenant id",
        (
            HERE + "test_a_connection_id_is_no_tenant_id",
            EMULATOR + "test_a_token_that_lapses_at_xero_is_renewed_once_and_a_lost_tenant_is_said",
            DOCTOR + "test_access_that_is_missing_is_told_apart",
        ),
    ),
    7: (
        "tokens in errors and logs",
        (
            "unit/test_net_http.py::test_logs_hold_neither_tokens_nor_queries",
            "unit/test_net_oauth.py::test_tokens_never_show_themselves",
            "unit/test_cli.py::test_what_might_be_a_secret_is_masked",
        ),
    ),
    8: (
        "429 without saying which limit and how long",
        (
            WIRE + "test_throttle_answers_are_read_from_headers",
            UNKNOWN + "test_a_throttled_write_waits_as_long_as_xero_asks",
            "engine/test_sync_pace.py::test_silence_and_a_day_limit_stop_lanes_for_a_while_and_give_nothing_up",
        ),
    ),
    9: (
        "one call an item",
        (
            FLOW + "test_every_sound_document_arrives_once_and_a_second_plan_is_empty",
            "e2e/test_cli_demo.py::test_the_whole_job_without_a_screen",
        ),
    ),
    10: (
        "batches: saved but reported as failed, the wrong element blamed",
        (
            ANSWERS + "test_elements_are_judged_each_for_itself",
            ANSWERS + "test_a_swapped_answer_confirms_nothing",
            ANSWERS + "test_whole_refusals",
            EMULATOR + "test_writes_are_judged_element_by_element_and_read_back_exactly",
        ),
    ),
    11: (
        "error texts lost",
        (
            HERE + "test_every_refusal_keeps_xeros_words",
            HERE + "test_a_refused_element_keeps_words_and_correlation_for_its_record",
            ANSWERS + "test_an_error_anywhere_in_the_element_refuses_it",
            "flows/test_xero_words.py::test_the_console_shows_cause_remedy_and_the_key_of_each",
        ),
    ),
    12: (
        "server errors as raw 500",
        (
            HERE + "test_every_refusal_keeps_xeros_words",
            UNKNOWN + "test_an_outage_of_reading_and_writing_is_waited_out",
            "engine/test_sync_stale.py::test_what_moved_since_the_plan_refuses_it_and_is_named",
            DOCTOR + "test_what_is_out_of_reach",
        ),
    ),
    13: (
        "duplicates after time-outs",
        (
            EMULATOR + "test_a_write_whose_answer_was_lost_is_repeated_byte_for_byte_without_a_second_effect",
            UNKNOWN + "test_a_lost_answer_within_the_life_of_the_key",
            UNKNOWN + "test_a_lost_answer_after_the_key_has_lapsed",
            "e2e/test_kill_loop.py::test_a_sync_survives_25_kills",
            "engine/test_sync_faults_proxy.py::test_one_call_in_five_goes_wrong_and_all_arrives_once",
        ),
    ),
    14: (
        "what failed in an outage can't be sent again",
        (
            UNKNOWN + "test_an_outage_of_reading_and_writing_is_waited_out",
            UNKNOWN + "test_what_xero_never_takes_is_set_aside_and_said_so",
            UNKNOWN + "test_calls_of_a_killed_worker_are_finished_by_the_next_one",
        ),
    ),
    15: (
        "POST with a used number overwrites; invented line ids",
        (
            HERE + "test_nothing_of_others_is_rewritten",
            WIRE + "test_updates_voids_and_deletes_go_by_id",
        ),
    ),
    16: (
        "lines vanish or change ids on update",
        (
            HERE + "test_lines_keep_their_ids",
            "engine/test_sync_updates.py::test_a_change_at_the_source_is_planned_field_by_field_and_sent_by_id",
        ),
    ),
    17: (
        "creating a contact rewrites one of the same name",
        (
            HERE + "test_nothing_of_others_is_rewritten",
            "engine/test_sync_imports.py::test_what_fits_several_is_left_to_a_person_who_chooses",
        ),
    ),
    18: (
        "account numbers of archived contacts",
        (HERE + "test_nothing_of_others_is_rewritten",),
    ),
    19: (
        "a name beside the contact's id",
        (WIRE + "test_an_invoice_leaves_with_the_contact_by_id_and_without_totals",),
    ),
    20: (
        "200 but nothing made",
        (
            ANSWERS + "test_what_is_neither_saved_nor_refused_is_unclear",
            HERE + "test_nothing_of_others_is_rewritten",
        ),
    ),
    21: (
        "item code taken for an account code",
        (HERE + "test_codes_of_items_accounts_and_rates_are_never_mixed",),
    ),
    22: (
        "tax types of another region or not for the account",
        (
            HERE + "test_codes_of_items_accounts_and_rates_are_never_mixed",
            FLOW + "test_every_sound_document_arrives_once_and_a_second_plan_is_empty",
        ),
    ),
    23: (
        "unit prices cut to two decimals",
        (HERE + "test_four_decimals_there_and_back",),
    ),
    24: (
        "totals off by a cent",
        (
            "unit/test_model_money.py::test_tax_is_rounded_line_by_line",
            "engine/test_sync_money.py::test_tax_that_differs_stops_a_document_whose_total_agrees",
            WIRE + "test_an_invoice_leaves_with_the_contact_by_id_and_without_totals",
        ),
    ),
    25: (
        "a discount's amount in the rate's field",
        (HERE + "test_a_discount_is_a_percentage",),
    ),
    26: (
        "dates a day off",
        (
            WIRE + "test_instants",
            WIRE + "test_days_and_versions",
            HERE + "test_days_are_calendar_days",
        ),
    ),
    27: (
        "closed enums",
        (HERE + "test_unheard_of_values_and_left_out_keys_are_borne",),
    ),
    28: (
        "lists without lines, paging surprises",
        (
            "engine/test_xero_walks.py::test_a_walk_loses_nothing_while_records_change",
            "engine/test_xero_walks.py::test_a_whole_walk_is_counted",
            EMULATOR + "test_a_walk_reads_page_after_page",
        ),
    ),
    29: (
        "If-Modified-Since ignored or in a wrong form",
        (
            WIRE + "test_days_and_versions",
            EMULATOR + "test_walks_read_everything_and_deltas_what_changed",
        ),
    ),
    30: (
        "wrong JSON types",
        (
            "contract/test_openapi.py::test_a_run_and_every_known_difference",
            HERE + "test_numbers_leave_as_numbers",
        ),
    ),
    31: (
        "webhook signatures and answers",
        (
            "engine/test_webhook_abuse.py::test_a_receiver_among_strangers",
            "unit/test_webhook_events.py::test_a_signature_is_over_raw_bytes_and_tells_whose_key_it_was",
            "sandbox/test_xero_webhooks.py::test_the_intent_to_receive_takes_exact_answers",
            "engine/test_webhook_flow.py::test_a_change_by_webhook_by_polling_and_by_both_is_read_once",
        ),
    ),
    32: (
        "mappings not found without an organisation",
        (
            HERE + "test_a_mapping_belongs_to_an_organisation",
            FLOW + "test_follow_ups_approved_in_advance_go_by_themselves_in_each_organisation",
        ),
    ),
    33: (
        "one bad record fails the batch",
        (
            BATCHES + "test_one_bad_element_of_fifty_leaves_forty_nine",
            BATCHES + "test_a_call_refused_as_a_whole_is_halved_until_the_culprit_is_alone",
        ),
    ),
    34: (
        "catch-all accounts, links that stay off in silence",
        (
            FLOW + "test_a_saved_mapping_releases_exactly_the_dozen_and_waits_for_approval",
            CONNECT + "test_nothing_changes_before_it_is_saved",
        ),
    ),
}
