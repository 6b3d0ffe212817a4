//! SIGINT as an event. A process of its own: signals are the whole process's, so this file has one
//! test, and what ends a process is tried in a child.

use std::os::unix::process::ExitStatusExt;
use std::process::Command;

use greenroom::signal::Interrupt;
use greenroom::thread;
use greenroom_real::run;
use signal_hook::consts::SIGINT;
use signal_hook::low_level::raise;

const CHILD: &str = "GREENROOM_TEST_INTERRUPTED_CHILD";

#[test]
fn interrupts_are_heard_while_somebody_listens_and_end_the_process_otherwise() {
    if std::env::var_os(CHILD).is_some() {
        run(|| drop(Interrupt::new().unwrap()));
        raise(SIGINT).unwrap();
        unreachable!("nobody listens any more: the signal ends the process");
    }
    run(|| {
        let interrupt = Interrupt::new().unwrap();
        let hearing = thread::spawn(move || {
            interrupt.wait().unwrap();
            interrupt.wait().unwrap();
        });
        thread::yield_now();
        raise(SIGINT).unwrap();
        thread::yield_now();
        assert!(!hearing.is_finished(), "one signal is heard once");
        while !hearing.is_finished() {
            raise(SIGINT).unwrap();
            thread::yield_now();
        }
        hearing.join().unwrap();
    });
    let mut child = Command::new(std::env::current_exe().unwrap());
    let status = child.env(CHILD, "1").output().unwrap().status;
    assert_eq!(status.signal(), Some(SIGINT));
}
