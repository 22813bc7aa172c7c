"""The adversarial cases of the books (chapter 16), each with the tests that carry its name.

| Part | Cases |
|---|---|
| input | 1 to 10 |
| delivery | 11 to 18 |
| time | 19 to 27 |
| close and pay | 28 to 38 |
| storage, mail | 39 to 44 |
"""

import ast
from pathlib import Path

HERE = Path(__file__).parents[1]
INPUT = "accounting/test_adversarial_input.py"
NIGHTS = "accounting/test_adversarial_nights.py"
DAYS = "accounting/test_days.py"
PAYOUT = "accounting/test_payout.py"
HOLDS = "accounting/test_holds.py"
CORRECTIONS = "accounting/test_corrections.py"
LETTERS = "accounting/test_letters_sent.py"
MAIL = "kernel/test_mail.py"

CASES: dict[int, list[str]] = {
    1: [f"{INPUT}::test_1_an_amount_in_an_event_is_not_read"],
    2: [
        f"{INPUT}::test_2_unknown_types_and_versions_are_parked",
        "kernel/test_versions.py::test_what_cannot_be_read_is_parked_never_dropped",
    ],
    3: [f"{INPUT}::test_3_missing_and_null_fields_are_parked_and_extra_ones_dropped"],
    4: [f"{INPUT}::test_4_a_uuid_in_capitals_is_the_same_person_and_a_malformed_one_nobody"],
    5: [f"{INPUT}::test_5_a_moment_without_zone_is_refused_and_the_year_9999_waits"],
    6: [
        f"{INPUT}::test_6_four_minutes_ahead_is_now_six_are_waited_for_and_ten_years_are_a_mistake"
    ],
    7: [
        f"{INPUT}::test_7_whatever_a_task_is_called_the_money_is_booked",
        f"{INPUT}::test_7_a_title_with_nul_harms_nothing_but_its_own_task",
    ],
    8: [
        f"{INPUT}::test_8_a_bad_address_holds_up_its_own_letter_only",
        f"{MAIL}::test_a_malformed_or_missing_address_holds_up_only_itself",
    ],
    9: [f"{INPUT}::test_9_json_that_is_none_is_parked"],
    10: [f"{INPUT}::test_10_anybody_is_charged_and_paid_known_or_not"],
    11: [f"{NIGHTS}::test_11_a_fact_twice_in_one_batch_is_booked_once"],
    12: [f"{NIGHTS}::test_12_two_workers_at_once_book_each_fact_once"],
    13: ["accounting/test_posting.py::test_a_fact_again_changes_nothing_also_under_a_new_event_id"],
    14: [f"{NIGHTS}::test_14_done_before_drawn_before_written_down"],
    15: [
        f"{NIGHTS}::test_15_many_assignments_at_one_instant_half_to_one_person",
        f"{NIGHTS}::test_15_a_hundred_thousand_assignments_at_one_instant",
    ],
    16: [f"{NIGHTS}::test_16_poison_amid_five_hundred_is_set_aside_alone"],
    17: [f"{NIGHTS}::test_17_a_producer_that_is_open_over_midnight"],
    18: [f"{NIGHTS}::test_18_the_whole_log_again_changes_nothing"],
    19: [
        f"{NIGHTS}::test_19_the_last_microsecond_is_today_and_the_next_is_tomorrow",
        f"{DAYS}::test_the_last_and_the_first_microsecond",
    ],
    20: [f"{DAYS}::test_what_comes_before_the_close_counts_in_its_day_and_after_it_late"],
    21: [f"{DAYS}::test_a_day_may_have_23_or_25_hours"],
    22: [
        f"{DAYS}::test_a_midnight_that_the_clock_skips_is_the_instant_of_the_jump",
        f"{DAYS}::test_a_date_that_never_was_is_skipped",
    ],
    23: [
        f"{DAYS}::test_a_clock_that_goes_back_closes_nothing",
        f"{DAYS}::test_a_clock_that_is_far_ahead_seals_nothing",
    ],
    24: [
        f"{NIGHTS}::test_24_the_business_moves_between_two_runs",
        f"{DAYS}::test_another_zone_moves_no_past_border",
    ],
    25: [f"{INPUT}::test_25_a_leap_second_is_read_as_no_other_second"],
    26: [
        f"{NIGHTS}::test_26_a_leap_day_is_a_day",
        "analytics/test_periods.py::test_iso_weeks_begin_on_monday_and_ignore_the_year",
    ],
    27: [
        f"{NIGHTS}::test_27_a_day_with_late_entries_only",
        f"{PAYOUT}::test_nothing_happens_before_the_first_fact",
    ],
    28: [
        f"{NIGHTS}::test_28_a_run_during_a_shuffle_pays_what_the_day_brought",
        f"{PAYOUT}::test_three_runs_at_once_pay_once",
        f"{PAYOUT}::test_missed_nights_are_paid_in_order_with_their_debts",
    ],
    29: [
        f"{NIGHTS}::test_29_wherever_a_run_dies_the_next_one_pays_the_same",
        f"{PAYOUT}::test_killed_between_batches_the_next_run_goes_on",
    ],
    30: [f"{NIGHTS}::test_30_events_while_paying_count_in_their_own_day"],
    31: [f"{PAYOUT}::test_zero_and_below_get_neither_payout_nor_letter_and_one_cent_gets_both"],
    32: [f"{NIGHTS}::test_32_a_hundred_thousand_accounts_are_paid_in_one_night"],
    33: [
        f"{HOLDS}::test_a_hold_that_comes_during_a_run_stops_it_between_two_batches",
        f"{HOLDS}::test_another_person_releases",
    ],
    34: [
        f"{HOLDS}::test_a_held_account_is_skipped_and_paid_with_the_first_unpaid_day_after_its_release"
    ],
    35: [
        f"{CORRECTIONS}::test_approval_books_it_in_the_open_day_at_that_moment",
        f"{CORRECTIONS}::test_the_next_payout_contains_it",
    ],
    36: [
        f"{CORRECTIONS}::test_a_reversed_reward_that_was_paid_is_taken_from_what_comes",
        f"{CORRECTIONS}::test_an_entry_is_reversed_once",
    ],
    37: [f"{NIGHTS}::test_37_what_is_repaired_after_the_payout_is_paid_with_the_next"],
    38: [
        f"{NIGHTS}::test_38_a_dry_run_writes_nothing_and_the_run_does_what_it_said",
        f"{PAYOUT}::test_a_dry_run_is_the_run_to_the_cent_and_writes_nothing",
    ],
    39: [
        "kernel/test_disks.py::test_a_full_disk_parks_nothing_and_room_heals",
        "kernel/test_db.py::test_a_lock_that_is_held_too_long_is_an_outage",
        f"{NIGHTS}::test_40_an_answer_to_a_commit_that_is_lost_changes_no_sum",
    ],
    40: [
        f"{NIGHTS}::test_40_an_answer_to_a_commit_that_is_lost_changes_no_sum",
        "kernel/test_crashes.py::test_an_outage_anywhere_of_postgresql_parks_nothing",
    ],
    41: [
        "accounting/test_refusals.py::test_no_row_is_changed_or_removed",
        "accounting/test_refusals.py::test_no_table_is_emptied",
        "accounting/test_refusals.py::test_replace_passes_through_no_unique_key",
        "accounting/test_verify.py::test_every_change_is_found",
    ],
    42: [
        f"{MAIL}::test_an_accepted_letter_is_sent_once_with_fixed_headers",
        f"{MAIL}::test_a_deferred_letter_waits_a_minute_and_gives_up_after_two_days",
        f"{MAIL}::test_a_broken_answer_is_doubt_and_the_repeat_has_the_same_bytes",
        f"{MAIL}::test_a_worker_killed_after_sending_leaves_doubt_not_silence",
        f"{MAIL}::test_two_senders_at_once_send_each_letter_once",
        f"{LETTERS}::test_no_letter_is_lost_no_sum_is_wrong_and_only_doubt_is_doubled",
    ],
    43: ["accounting/test_api.py::test_a_walk_while_entries_are_written_sees_each_older_one_once"],
    44: [
        "analytics/test_totals.py::test_an_event_is_missing",
        "analytics/test_totals.py::test_an_event_comes_twice",
        "accounting/test_verify.py::test_a_fact_that_was_lost_is_found_both_ways",
    ],
}


def test_every_case_has_its_test() -> None:
    assert set(CASES) == set(range(1, 45))
    named = {each for tests in CASES.values() for each in tests}
    assert sorted(named - _there({each.partition("::")[0] for each in named})) == []


def _there(files: set[str]) -> set[str]:
    """Every test of these files, as the table names it."""
    return {
        f"{file}::{node.name}"
        for file in files
        for node in ast.walk(ast.parse((HERE / file).read_text()))
        if isinstance(node, ast.FunctionDef)
    }
