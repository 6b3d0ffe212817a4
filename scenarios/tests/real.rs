//! Every story and every law on the operating system, over loopback.

use greenroom_real::{perform, try_perform};

#[test]
fn stories_play_on_the_operating_system() {
    greenroom_scenarios::all().iter().for_each(perform);
}

#[test]
fn laws_hold_on_the_operating_system() {
    for law in greenroom_scenarios::laws() {
        let performance = try_perform(&law);
        assert!(performance.held(), "{}:\n  {:?}", law.name(), performance.violations);
        // The operating system picks no turns.
        assert!(performance.sometimes.values().all(|&held| held), "{}", law.name());
    }
}

/// The host's addresses are each performance's own.
#[test]
fn two_performances_at_once_do_not_meet() {
    let play = || perform(&greenroom_scenarios::echo::echo());
    std::thread::scope(|scope| {
        for player in [scope.spawn(play), scope.spawn(play)] {
            player.join().expect("it holds");
        }
    });
}
