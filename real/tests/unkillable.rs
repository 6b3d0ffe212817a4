//! Greenlets that will not end, on the operating system: see `api/tests/unkillable/programs.rs`.
#![forbid(unsafe_code)]

#[path = "../../api/tests/unkillable/programs.rs"]
mod programs;

/// What the test below starts; by itself it does nothing.
#[test]
fn plays_what_it_is_told_to() {
    if let Some(main) = programs::asked_for() {
        // On a thread that ends after its hub does, and takes its thread-locals with it.
        std::thread::spawn(move || greenroom_real::run(main)).join().unwrap();
    }
}

#[test]
fn who_swallows_every_kill_where_its_end_is_owed_ends_the_process_by_name() {
    programs::each_ends_by_name("plays_what_it_is_told_to");
}

#[test]
fn who_swallows_a_thousand_and_lets_go_ends_in_good_order() {
    greenroom_real::run(programs::lets_go_at_last);
}
