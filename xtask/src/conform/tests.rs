//! Few enough programs for every run of the tests.

use super::hunt::Ground;
use super::program::Step;
use super::{Wish, conform, parse};

const CASES: usize = 2000;

#[test]
fn programs_see_the_same_on_both_hubs() {
    let wish = Wish { cases: CASES, seed: 1, surveys: false, grows: false };
    let held = conform(&Ground::Loopback, &wish);
    assert_eq!(held, Ok(true), "the program and both columns are printed above");
}

#[test]
fn what_is_written_is_read() {
    let text = r#"s0 = tcp
s0 s1 = pair unix-records
s0 s1 = pipe
s0 s1 s2 = connected tcp6
bind s0 127.0.0.5:s1
bind s1 [::1]:0
bind s2 unnamed
listen s0 -1
connect s0 nobody
connect s1 peer of s2
s3 = accept s0
s4 = dup s3
send s0 "a b\"c\n" "" 7
recv s0 9+4
peek s9 1
send_to s0 600 @1
send_to s0 "x" /2
recv_from s0 3
peek_from s0 3
urgent s0 "!"
recv_urgent s0 1
wait s0 both
shutdown s0 write
close s0
local s0
peer s0
addresses s0
error s0
poll s0
set s0 linger off
set s0 multicast-if 127.0.0.1
set s0 reuse-address on
get s0 user-timeout
join s0 239.1.2.3 127.0.0.1
leave s0 ff02::1 1
fill s0 1000
drain s0
sleep 250
resolve "localhost:80"
a: recv s1 9 within 50
b: s2 = accept s0
b?
send s0 "a;"; send s0 1; recv s1 4
times 500 send s0 "x"
close s0 now
fill s0 1000 to the brink
exhaust
spare
drain s0 30%
"#;
    let program = parse::program(text).expect("every line is one");
    assert_eq!(program.to_string(), text);
    assert_eq!(parse::program(&program.to_string()), Ok(program));
}

#[test]
fn what_is_drawn_is_read() {
    for program in super::hunt::Draw::new(7).take(500) {
        assert_eq!(parse::program(&program.to_string()), Ok(program));
    }
    for program in super::hunt::Draw::across(7).take(500) {
        assert_eq!(parse::program(&program.to_string()), Ok(program));
    }
}

#[test]
fn what_is_no_line_is_told_what_is() {
    let refused = |text: &str| parse::program(text).expect_err("no line");
    assert!(refused("poll s0\nsend s0").starts_with("line 2: nothing stands where DATA should"));
    assert!(refused("set s0 colour red").contains("no option `colour`; there are reuse-address,"));
    assert!(refused("s0 = carrier-pigeon").contains("KIND being tcp, udp, tcp6"));
    assert!(refused("a: poll s0").contains("an actor may connect"));
    assert!(refused("dance s0").contains("there are bind, listen"));
    assert!(refused("connect s0 home").contains("there are IP:PORT"));
    assert!(matches!(parse::step("d?"), Ok(Step::Ask(3))));
}
