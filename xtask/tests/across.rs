//! Programs that need a network of their own see the same on the system and in the simulator: of two hosts,
//! over a pair of virtual Ethernet devices, and of a host with few ports.

use std::process::Command;

fn conform(args: &[&str]) {
    let mut conform = Command::new(env!("CARGO_BIN_EXE_xtask"));
    let output = conform.arg("conform").args(args).output().expect("it is built beside this");
    let said = String::from_utf8_lossy(&output.stdout);
    println!("{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "the program and both columns are printed above");
}

#[test]
fn programs_of_two_hosts_see_the_same() {
    conform(&["--across", "--cases", "60", "--seed", "1"]);
}

#[test]
fn programs_of_a_host_with_few_ports_see_the_same() {
    conform(&["--few-ports", "--cases", "300", "--seed", "1"]);
}
