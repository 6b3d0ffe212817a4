//! Each known infidelity of the simulator is found by random programs on both hubs.

use greenroom_sim::mutant::{self, Mutant};

use super::hunt::{Draw, Ground, hunt};

const CASES: usize = 2000;

/// Random programs find it: no program that was kept takes part.
fn is_found(mutant: Mutant) {
    let found = mutant::with(mutant, || hunt(&Ground::Loopback, Draw::new(1).take(CASES)));
    let found = found.unwrap_or_else(|| panic!("{CASES} programs do not find {mutant:?}"));
    println!("{mutant:?} is found by program {}:\n{}", found.case, found.columns);
    let steps = found.columns.0.len();
    assert!(steps <= 12, "{steps} steps are not small");
}

macro_rules! finds {
    ($($name:ident: $mutant:ident;)*) => {$(
        #[test]
        fn $name() {
            is_found(Mutant::$mutant);
        }
    )*};
}

finds! {
    a_reset_that_is_not_sent_is_found: NoResetOverUnread;
    an_end_that_overtakes_is_found: EndBeforeBytes;
    an_end_that_poll_does_not_show_is_found: EndNotReady;
    a_backlog_that_is_short_is_found: ShortBacklog;
    a_wrong_error_is_found: RefusalMisnamed;
}
