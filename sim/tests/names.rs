//! Greenlets by any name that std takes: a token finds each of them again.

use greenroom::scenario::{Scenario, Stage};
use greenroom::thread::{self, Builder};
use greenroom_sim::token::Token;
use greenroom_sim::{Spec, run};
use proptest::prelude::*;

/// Greenlets of these names, whose order the seed decides.
fn story(names: Vec<String>) -> Scenario {
    Scenario::new("names", "greenlets have names", move |stage: &mut Stage| {
        let names = names.clone();
        stage.client("cli", move || {
            let start = |name: &String| {
                Builder::new().name(name.clone()).spawn(|| {
                    thread::yield_now();
                    // Itself the parent of one: its name stands inside a path.
                    thread::spawn(|| ()).join().unwrap();
                })
            };
            let all = names.iter().map(start).collect::<Result<Vec<_>, _>>()?;
            all.into_iter().for_each(|one| one.join().unwrap());
            Ok(())
        });
    })
}

/// Text, and what paths, tokens and shells are read by above all.
fn name() -> impl Strategy<Value = String> {
    let odd = "[%/#@,;='| .:()a0-9\"$`\\\\\n\u{200b}…-]{0,6}";
    prop_oneof![odd, "[^\0]{0,8}", Just("task".to_owned())]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn any_name_comes_back_from_a_token(
        names in proptest::collection::vec(name(), 2..5),
        seed in 0_u64..1000,
    ) {
        let scenario = story(names);
        let spec = Spec::seed(seed);
        let seeded = run::run(&scenario, &spec);
        prop_assert!(seeded.outcome.held(), "{}", seeded.outcome);
        let token = Token::of(&scenario, &spec, &seeded);
        let text = token.to_string();
        prop_assert!(!text.contains(|c: char| c.is_whitespace() || c.is_control() || c == '\''));
        let read = Token::parse(&text).unwrap();
        prop_assert_eq!(&read, &token);
        // It names those who were named: each deviation comes up again.
        let again = run::run(&scenario, &read.spec().unwrap());
        prop_assert_eq!(again.matched, seeded.deviation_count(), "{}", text);
        prop_assert_eq!(again.hash, seeded.hash);
    }
}

#[test]
fn a_deviation_names_a_greenlet_by_its_escaped_path() {
    let scenario = story(["a/b;c", "d=e f"].map(str::to_owned).to_vec());
    let tokens = (0..50).map(|seed| {
        let spec = Spec::seed(seed);
        Token::of(&scenario, &spec, &run::run(&scenario, &spec)).to_string()
    });
    let named = tokens.filter(|token| token.contains("=cli/d%3De%20f"));
    assert!(named.count() > 5);
}
