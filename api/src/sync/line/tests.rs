//! Lines of threads that run no hub.

use std::thread;

use super::*;

struct State {
    line: Line<u8>,
    undone: usize,
}

fn wait(state: &Mutex<State>, timeout: Duration) -> Waited<u8> {
    let wait = Wait {
        state,
        line: |state: &mut State| &mut state.line,
        op: "wait",
        notice: Notice::Permit,
        holder: &nobody_known,
        timeout: Some(timeout),
        can_fail: true,
        undo: &|state, _| {
            state.undone += 1;
            Vec::new()
        },
        seize: &takes_from_nobody,
    };
    wait.run(None, |_, _| false)
}

/// A thread that was served, and recalled before it could run, waits on for what is left of its time.
#[test]
fn a_thread_that_was_recalled_waits_on() {
    const LONG: Duration = Duration::from_secs(60);
    let state = Mutex::new(State { line: Line::new(), undone: 0 });
    thread::scope(|scope| {
        let waiting = scope.spawn(|| matches!(wait(&state, LONG), Waited::Served(Some(2))));
        while held(&state).line.is_empty() {
            thread::yield_now();
        }
        {
            let mut state = held(&state);
            let wake = state.line.hand(1);
            wake.unwrap_or_else(|_| panic!("somebody waits")).wake();
            assert!(state.line.recall(None));
            assert_eq!((state.line.len(), state.line.served()), (1, 0));
        }
        // It may look meanwhile.
        (0..100).for_each(|_| thread::yield_now());
        let wake = held(&state).line.hand(2);
        wake.unwrap_or_else(|_| panic!("it waits still")).wake();
        assert!(waiting.join().unwrap());
    });
    assert_eq!(held(&state).undone, 0);
}

#[test]
fn a_thread_whose_time_is_up_leaves() {
    let state = Mutex::new(State { line: Line::new(), undone: 0 });
    assert!(matches!(wait(&state, Duration::from_millis(1)), Waited::GaveUp(None)));
    let state = held(&state);
    assert_eq!((state.line.len(), state.line.served(), state.undone), (0, 0, 1));
}
